"""kill -9 at random moments of a run, then run again: the tables are right and nothing archived is lost."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pytest

from pipeline.archive import Archive, Fetch
from pipeline.settings import Settings
from pipeline.simulation import World
from tests.conftest import KEY, morning_after

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "pipeline", "run", "--json"]
BACKFILL = [sys.executable, "-m", "pipeline", "backfill", "--json"]
KILLS_A_HOME = 4


def all_marts(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    with duckdb.connect(str(settings.published_path), read_only=True) as connection:
        query = "select table_name from information_schema.tables where table_schema = 'marts' order by all"
        names = [name for (name,) in connection.execute(query).fetchall()]
        return {name: connection.execute(f"select * from marts.{name} order by all").fetchall() for name in names}


def test_killed_runs_leave_tables_that_the_next_run_makes_right(
    use: Callable[..., Settings], simulate: Callable[..., Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kills = int(request.config.getoption("--kills"))
    chance = random.Random(11)
    world = World(days=400)
    evening = morning_after(world.last_day - timedelta(days=1))
    server = simulate(world, evening, requests_per_day=1_000_000)

    def environment(home: Path, days_later: int) -> Settings:
        clock = evening + timedelta(days=days_later)
        server.set_clock(clock)
        more = {"TOKENGROWTH_HOME": str(home), "TOKENGROWTH_REQUESTS_PER_DAY": "1000000"}
        return use(server.base_url, clock.isoformat(), KEY, **more)

    def finish(home: Path) -> dict[str, list[tuple[Any, ...]]]:
        settings = environment(home, 1)
        done = subprocess.run(COMMAND, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return all_marts(settings)

    base = tmp_path / "base"
    environment(base, 0)
    assert subprocess.run(COMMAND, capture_output=True).returncode == 0
    shutil.copytree(base, tmp_path / "next day")
    right, seconds = {}, {}
    for kind in ("next day", "first run"):
        started = time.monotonic()
        right[kind] = finish(tmp_path / kind)
        seconds[kind] = time.monotonic() - started

    killed = recoveries = 0
    while killed < kills and recoveries < kills:
        kind = ("next day", "first run")[recoveries % 2]
        home = tmp_path / f"killed {recoveries}"
        if kind == "next day":
            shutil.copytree(base, home)
        archived: set[str] = set()
        for _ in range(min(KILLS_A_HOME, kills - killed)):
            environment(home, 1)
            with subprocess.Popen(COMMAND, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                time.sleep(chance.uniform(0.1, 0.9) * seconds[kind])
                process.kill()
            kept = {fetch.load_id for fetch in Archive(home / "archive").fetches()}
            assert archived <= kept
            archived = kept
            if process.returncode == 0:
                break
            killed += 1
        assert finish(home) == right[kind], home
        assert archived <= {fetch.load_id for fetch in Archive(home / "archive").fetches()}
        shutil.rmtree(home)
        recoveries += 1
    assert killed == kills, f"only {killed} runs were killed before their end, in {recoveries} homes"
    print(f"{killed} runs killed; the tables were right after each of {recoveries} recoveries")  # noqa: T201


def test_a_killed_backfill_asks_nothing_again_that_had_arrived(
    use: Callable[..., Settings], simulate: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    kills = max(1, int(request.config.getoption("--kills")) // 4)
    chance = random.Random(12)
    world = World(days=70)
    clock = morning_after(world.first_day + timedelta(days=49))
    server = simulate(world, clock, requests_per_day=60, requests_per_minute=100_000, clocked_limits=True)
    limits = {"TOKENGROWTH_REQUESTS_PER_DAY": "60", "TOKENGROWTH_REQUESTS_PER_MINUTE": "100000"}
    code, killed, codes = -1, 0, []
    while code != 0:
        assert clock <= morning_after(world.last_day), codes
        server.set_clock(clock)
        settings = use(
            server.base_url,
            clock.isoformat(),
            KEY,
            **limits,
            TOKENGROWTH_SOURCES=None,
            TOKENGROWTH_CLOCKED_LIMITS="true",
        )
        with subprocess.Popen(BACKFILL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            if killed < kills:
                time.sleep(chance.uniform(0.5, 2.5))
                process.kill()
            code = process.wait()
        killed += code == -9
        codes.append(code)
        assert code in (-9, 0, 4), codes
        if code == 4:
            clock += timedelta(days=1)
    assert killed, codes
    asked = Counter(server.requests)
    archived = Counter(urlsplit(fetch.url)._replace(scheme="", netloc="").geturl() for fetch in archive_of(settings))
    assert set(archived) == set(asked)
    assert set(archived.values()) == {1}
    # An answer that was on its way when the process died is lost with it: at most one call a kill is made again.
    assert sum(asked.values()) - len(asked) <= killed
    print(f"{killed} backfills killed; {sum(asked.values()) - len(asked)} calls were on their way and made again")  # noqa: T201


def archive_of(settings: Settings) -> list[Fetch]:
    return list(Archive(settings.archive_dir).fetches())
