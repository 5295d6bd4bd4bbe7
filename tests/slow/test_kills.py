"""kill -9 at random moments of every command that writes, then go on: tables are right, nothing archived is lost."""

from __future__ import annotations

import itertools
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pytest

from pipeline.archive import Archive, Fetch
from pipeline.settings import Settings
from pipeline.simulation import World
from pipeline.warehouse import published
from tests.conftest import KEY, morning_after

pytestmark = pytest.mark.slow

PROGRAM = [sys.executable, "-m", "pipeline"]
RUN = ["run"]
BACKFILL = ["backfill"]
# What is killed, from an empty home or from that of the evening before.
KILLED = {
    "first run": RUN,
    "run of the next day": RUN,
    "backfill --force": ["backfill", "--force"],
    "build": ["build"],
    "rebuild": ["rebuild"],
}
KILLS_A_HOME = 4


@dataclass
class Home:
    """One home, and how a command ends there."""

    settings: Settings

    def start(self, words: list[str]) -> subprocess.Popen[bytes]:
        command = [*PROGRAM, *words, "--json"]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self, words: list[str]) -> None:
        done = subprocess.run([*PROGRAM, *words, "--json"], capture_output=True, text=True)
        assert done.returncode == 0, (words, done.stderr)

    def archived(self) -> set[str]:
        return {fetch.load_id for fetch in Archive(self.settings.archive_dir).fetches()}

    def marts(self) -> dict[str, list[tuple[Any, ...]]]:
        with duckdb.connect(str(self.settings.published_path), read_only=True) as connection:
            query = "select table_name from information_schema.tables where table_schema = 'marts' order by all"
            names = [name for (name,) in connection.execute(query).fetchall()]
            return {name: connection.execute(f"select * from marts.{name} order by all").fetchall() for name in names}

    def publishes_what_was_checked(self) -> bool:
        """Tell whether readers find a build of which every check has passed; False where nothing is published yet."""
        if not self.settings.published_path.exists():
            return False
        with published(self.settings) as connection:
            query = "select count(*), count(*) filter (where not is_passed) from checks"
            made, failed = connection.execute(query).fetchall()[0]
        assert made
        assert not failed
        return True


def test_a_killed_command_leaves_what_the_next_ones_make_right(
    use: Callable[..., Settings], simulate: Callable[..., Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kills = int(request.config.getoption("--kills"))
    chance = random.Random(11)
    world = World(days=60)
    evening = morning_after(world.last_day - timedelta(days=1))
    server = simulate(world, evening, requests_per_day=1_000_000)

    def home(name: str, days_later: int = 1) -> Home:
        clock = evening + timedelta(days=days_later)
        server.set_clock(clock)
        more = {"TOKENGROWTH_HOME": str(tmp_path / name), "TOKENGROWTH_REQUESTS_PER_DAY": "1000000"}
        return Home(use(server.base_url, clock.isoformat(), KEY, **more))

    home("evening", 0).end(RUN)

    def begin(name: str, kind: str) -> Home:
        if kind != "first run":
            shutil.copytree(tmp_path / "evening", tmp_path / name)
        return home(name)

    right: dict[str, dict[str, list[tuple[Any, ...]]]] = {}
    seconds: dict[str, float] = {}
    killed = 0
    homes = itertools.count(1)
    for kind in itertools.cycle(KILLED):
        words = KILLED[kind]
        if kind not in right:
            undisturbed = begin(f"undisturbed {kind}", kind)
            started = time.monotonic()
            undisturbed.end(words)
            seconds[kind] = time.monotonic() - started
            undisturbed.end(RUN)
            right[kind] = undisturbed.marts()
        number = next(homes)
        assert number <= kills, f"only {killed} of {kills} commands were killed before their end"
        disturbed = begin(f"home {number}", kind)
        archived, moments = disturbed.archived(), []
        for _ in range(min(KILLS_A_HOME, kills - killed)):
            moment = chance.uniform(0.05, 0.95) * seconds[kind]
            with disturbed.start(words) as process:
                time.sleep(moment)
                process.kill()
            assert archived <= (archived := disturbed.archived())
            is_readable = disturbed.publishes_what_was_checked()
            assert is_readable or kind == "first run"
            if process.returncode == 0:
                break
            killed += 1
            moments.append(f"{moment:.2f} s")
        disturbed.end(words)
        disturbed.end(RUN)
        assert disturbed.marts() == right[kind], (kind, moments)
        assert archived <= disturbed.archived()
        shutil.rmtree(disturbed.settings.home)
        if moments:
            print(f"{kind} ({seconds[kind]:.1f} s) killed at {', '.join(moments)}: gone on, then equal tables")  # noqa: T201
        if killed >= kills:
            break
    print(f"{killed} commands killed; nothing archived was lost, nothing unchecked published, all tables were right")  # noqa: T201


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
        with subprocess.Popen(
            [*PROGRAM, *BACKFILL, "--json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
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
