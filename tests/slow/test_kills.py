"""kill -9 at random moments of every command that writes: the tables are right after the next, nothing is lost.

With -s each kill is a row of a table in Markdown; `make torture` prints ten times as many as `make test-slow` makes.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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
from tests.conftest import KEY, morning_after

pytestmark = pytest.mark.slow

COMMAND = (sys.executable, "-m", "pipeline")


@dataclass(frozen=True)
class Killed:
    """A command that is killed, whether a run of an evening filled its home, and how many days ago that was."""

    words: tuple[str, ...]
    is_filled: bool = True
    days_later: int = 1

    def rest(self) -> list[tuple[str, ...]]:
        """What follows once it has ended: what was packed is read again."""
        return [("rebuild",)] if self.words[0] == "archive" else []


KILLED = {
    "first run": Killed(("run",), is_filled=False),
    "run": Killed(("run",)),
    "backfill": Killed(("backfill", "--force")),
    "build": Killed(("build",)),
    "rebuild": Killed(("rebuild",)),
    # In the next month, when that of the run is over.
    "archive compact": Killed(("archive", "compact", "--before", "2025-03"), days_later=20),
}
KILLS_A_HOME = 4
STEP = re.compile(r"^(fetch [\w-]+|land|build|publish)$", re.MULTILINE)


def all_marts(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    with duckdb.connect(str(settings.published_path), read_only=True) as connection:
        query = "select table_name from information_schema.tables where table_schema = 'marts' order by all"
        names = [name for (name,) in connection.execute(query).fetchall()]
        return {name: connection.execute(f"select * from marts.{name} order by all").fetchall() for name in names}


def published_build(settings: Settings) -> str:
    """Return the build that readers see, after making sure that it is whole: it ended, and all its checks passed."""
    if not settings.published_path.exists():
        return "nothing"
    with duckdb.connect(str(settings.published_path), read_only=True) as connection:
        last = "select build_id, is_successful, checks from meta.builds order by rowid desc limit 1"
        ((build_id, is_successful, checks),) = connection.execute(last).fetchall()
        counted = "select count(*) filter (where is_passed), count(*) from meta.checks where build_id = ?"
        assert is_successful
        assert connection.execute(counted, [build_id]).fetchall() == [(checks, checks)]
        assert connection.execute("select count(*) > 0 from marts.growth_total").fetchall() == [(True,)]
    return str(build_id)


def say(*cells: object) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)  # noqa: T201


@contextmanager
def killed_after(seconds: float, words: tuple[str, ...], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command, kill it unless it ends before, and yield it; its log tells how far it had come."""
    with (
        log.open("wb") as output,
        subprocess.Popen([*COMMAND, "--debug", *words], stdout=subprocess.DEVNULL, stderr=output) as process,
    ):
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.kill()
    yield process


def test_killed_commands_leave_tables_that_the_next_one_makes_right(
    use: Callable[..., Settings], simulate: Callable[..., Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kills = int(request.config.getoption("--kills"))
    chance = random.Random(11)
    world = World(days=45)
    evening = morning_after(world.last_day - timedelta(days=1))
    server = simulate(world, evening, requests_per_day=1_000_000)

    def environment(home: Path, days_later: int = 1) -> Settings:
        clock = evening + timedelta(days=days_later)
        server.set_clock(clock)
        more = {"TOKENGROWTH_HOME": str(home), "TOKENGROWTH_REQUESTS_PER_DAY": "1000000"}
        return use(server.base_url, clock.isoformat(), KEY, **more)

    def finish(words: tuple[str, ...]) -> tuple[str, float]:
        started = time.monotonic()
        done = subprocess.run([*COMMAND, *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-1], time.monotonic() - started

    def archived(home: Path) -> set[str]:
        return {fetch.load_id for fetch in Archive(home / "archive").fetches()}

    base = tmp_path / "base"
    environment(base, 0)
    finish(("run",))
    right, seconds = {}, {}
    for name, one in KILLED.items():
        home = tmp_path / name
        if one.is_filled:
            shutil.copytree(base, home)
        settings = environment(home, one.days_later)
        _, seconds[name] = finish(one.words)
        for words in one.rest():
            finish(words)
        right[name] = all_marts(settings)

    say("kill", "command", "killed after", "during", "answers kept", "readers see", "then")
    say(*["---"] * 7)
    killed = homes = 0
    while killed < kills and homes < kills:
        name = list(KILLED)[homes % len(KILLED)]
        one = KILLED[name]
        home = tmp_path / f"killed {homes}"
        if one.is_filled:
            shutil.copytree(base, home)
        settings = environment(home, one.days_later)
        kept = archived(home)
        row: list[object] = []
        for _ in range(min(KILLS_A_HOME, kills - killed)):
            if row:
                say(*row, "killed again")
            moment = chance.uniform(0.05, 0.95) * seconds[name]
            with killed_after(moment, one.words, tmp_path / "log") as process:
                steps = STEP.findall((tmp_path / "log").read_text(encoding="utf-8"))
            assert kept <= archived(home), "an answer that was archived is lost"
            kept = archived(home)
            seen = published_build(settings)
            if process.returncode == 0:
                # The machine has become faster.
                seconds[name] = moment
                row = []
                break
            killed += 1
            during = steps[-1] if steps else "start"
            row = [killed, name, f"{moment:.2f} of {seconds[name]:.2f} s", during, len(kept), seen[:8]]
        summary, _ = finish(one.words)
        for words in one.rest():
            summary, _ = finish(words)
        assert all_marts(settings) == right[name], home
        assert kept <= archived(home)
        if row:
            say(*row, f"right: {summary}")
        shutil.rmtree(home)
        homes += 1
    assert killed == kills, f"only {killed} commands were killed before their end, in {homes} homes"
    print(f"\n{killed} commands killed; the tables were right after each of {homes} recoveries.")  # noqa: T201


def test_a_killed_backfill_asks_nothing_again_that_had_arrived(
    use: Callable[..., Settings], simulate: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    kills = max(1, int(request.config.getoption("--kills")) // 4)
    chance = random.Random(12)
    world = World(days=70)
    clock = morning_after(world.first_day + timedelta(days=49))
    server = simulate(world, clock, requests_per_day=120, requests_per_minute=100_000, clocked_limits=True)
    limits = {"TOKENGROWTH_REQUESTS_PER_DAY": "120", "TOKENGROWTH_REQUESTS_PER_MINUTE": "100000"}
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
            [*COMMAND, "backfill", "--json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
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
    print(f"{killed} backfills killed; {sum(asked.values()) - len(asked)} calls were on their way and made again.")  # noqa: T201


def archive_of(settings: Settings) -> list[Fetch]:
    return list(Archive(settings.archive_dir).fetches())
