"""Measures what a build, a command and a whole run take: `python tests/bench.py`.

Figures of one machine say little; the ratios do. `tests/slow/test_bench.py` holds them to limits.
"""

# ruff: noqa: T201 - printing is what it is for

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from statistics import median

import duckdb

ROOT = Path(__file__).parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from pipeline import fitting, models  # noqa: E402
from pipeline.simulation import SimulatedOpenRouter, World  # noqa: E402
from tests.models.harness import final, landed, world_boards, world_catalogues, world_days  # noqa: E402

ROUNDS = 5
LARGE_COPIES = 96  # 50 listed models become 4,790, the last copy has those of the first 40 ranks only
KEY = "sk-or-secret-of-the-bench"
SETTINGS = ("TOKENGROWTH_", "OPENROUTER_")

# Each copy has its own authors, so that markets grow side by side; the rest stays `other`.
MULTIPLY = """
create table copied as
select
    date,
    case
        when model_permaslug = 'other' then 'other'
        else regexp_replace(model_permaslug, '^([^/]*)/([^:]*)', '\\1-' || copy // 8 || '/\\2-' || copy)
    end as model_permaslug,
    total_tokens,
    as_of,
    fetched_at,
    load_id,
    source
from (
    select *, row_number() over (partition by date order by model_permaslug = 'other', total_tokens desc) as position
    from raw.rankings_daily
)
cross join range({copies}) as copies (copy)
where if(model_permaslug = 'other', copy = 0, copy < {copies} - 1 or position <= 40)
"""


@dataclass(frozen=True)
class Build:
    """Seconds of the build and of its SELECTs alone."""

    build: float
    bare: float

    @property
    def ratio(self) -> float:
        return self.build / self.bare


@dataclass(frozen=True)
class Process:
    """What a process took."""

    seconds: float
    peak_mb: float
    output: str


@dataclass(frozen=True)
class Large:
    """The build of a market that is far larger."""

    rows_a_day: int
    rows: int
    seconds: float
    peak_mb: float


def market(days: int = 700, catalogue_days: int = 700) -> duckdb.DuckDBPyConnection:
    """A warehouse in memory with the simulated days and the catalogues of the last of them."""
    world = World(days=days)
    all_days = world_days(world, 0, days - 1)
    catalogues = world_catalogues(world, all_days[days - catalogue_days :])
    return landed(final(world_boards(world, all_days)), *catalogues)


def build_against_bare(connection: duckdb.DuckDBPyConnection) -> Build:
    """The least of the whole build and of the same SELECTs without order, checks and records, over some rounds.

    Whatever else the machine does only adds to a round.
    """
    known = models.unfitted(models.load(models.sql_dir()))
    selects = [model for model in models.ordered(known) if model.kind != "ledger" and model.schema != models.CHECKS]

    def bare() -> None:
        for model in reversed(selects):
            connection.execute(f"drop {model.kind} {model.full_name}")
        for model in selects:
            connection.execute(f"create {model.kind} {model.full_name} as {model.sql}")

    def build() -> None:
        models.require_passed(models.build(connection, models.unfitted(models.load(models.sql_dir()))))

    build()
    return Build(*(min(times) for times in zip(*((timed(build), timed(bare)) for _ in range(2 * ROUNDS)), strict=True)))


@dataclass(frozen=True)
class Fitted:
    """Seconds of a build with statistics: when all is fitted anew, and when what is fitted did not change."""

    anew: float
    unchanged: float


def build_with_statistics(connection: duckdb.DuckDBPyConnection) -> Fitted:
    """The least of some rounds; the library is loaded before."""
    known = models.load(models.sql_dir())

    def build() -> None:
        models.require_passed(models.build(connection, known, fit=fitting.refresh))

    def forget() -> None:
        for model in known.values():
            if model.kind == models.FITTED:
                connection.execute(f"comment on table {model.full_name} is null")

    build()
    anew = []
    for _ in range(ROUNDS):
        forget()
        anew.append(timed(build))
    return Fitted(min(anew), min(timed(build) for _ in range(ROUNDS)))


def timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def process(words: Sequence[str], environment: Mapping[str, str] | None = None, folder: Path | None = None) -> Process:
    """Run a program to its end. Its peak is read as it grows: what the system reports later counts this process too."""
    started, peak = time.perf_counter(), 0
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen(words, env=environment, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        status = Path(f"/proc/{child.pid}/status")
        while child.poll() is None:
            if found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text()):
                peak = int(found[1])
            time.sleep(0.002)
        seconds = time.perf_counter() - started
        output.seek(0)
        text = output.read()
    if child.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {child.returncode}:\n{text}")
    return Process(seconds, peak / 1024, text)


def command() -> str:
    return str(Path(sys.executable).parent / "tokengrowth")


def whole_runs(folder: Path, sources: str) -> tuple[Process, Process]:
    """`tokengrowth run` of some sources with all 700 days new, then with nothing new."""
    world = World()
    now = datetime.combine(world.last_day + timedelta(1), clock_time(8), UTC)
    with SimulatedOpenRouter(world, now, key=KEY, requests_per_minute=100_000) as server:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)},
            "OPENROUTER_BASE_URL": server.base_url,
            "OPENROUTER_API_KEY": KEY,
            "TOKENGROWTH_NOW": now.isoformat(),
            "TOKENGROWTH_HOME": str(folder / "home"),
            "TOKENGROWTH_STATE_DIR": str(folder / "state"),
            "TOKENGROWTH_SOURCES": sources,
            "TOKENGROWTH_REQUESTS_PER_MINUTE": "100000",
        }
        for day in world_days(world, 0, 699):
            world.ranked(day, now)  # the server's own work is not the point
        return process([command(), "run"], environment, folder), process([command(), "run"], environment, folder)


def large() -> Large:
    """The build at 100 times the rows, in a process of its own."""
    done = process([sys.executable, str(Path(__file__)), "large"])
    return Large(**json.loads(done.output.splitlines()[-1]), peak_mb=done.peak_mb)


def build_large() -> None:
    """The child of `large`: the warehouse is a file, as it is in a run."""
    with tempfile.TemporaryDirectory() as folder:
        connection = market(catalogue_days=1)
        connection.execute(MULTIPLY.format(copies=LARGE_COPIES))
        connection.execute(f"attach '{folder}/warehouse.duckdb' as warehouse")
        connection.execute("use warehouse")
        known = models.unfitted(models.load(models.sql_dir()))
        models.create_ledgers(connection, known)
        connection.execute("insert into raw.rankings_daily select * from memory.copied order by date")
        connection.execute("insert into raw.models select * from memory.raw.models")
        connection.execute("insert into meta.loads select * from memory.meta.loads")
        connection.execute("drop table memory.copied")
        count = (
            "select max(rows), sum(rows)::bigint from (select count(*) as rows from raw.rankings_daily group by date)"
        )
        rows_a_day, rows = connection.execute(count).fetchall()[0]

        def build() -> None:
            connection.execute("begin")
            models.require_passed(models.build(connection, known))
            connection.execute("commit")

        print(json.dumps({"rows_a_day": rows_a_day, "rows": rows, "seconds": timed(build)}))


def main() -> None:
    """Print every figure."""
    for catalogues in (1, 700):
        warehouse = market(catalogue_days=catalogues)
        built = build_against_bare(warehouse)
        print(
            f"build, 700 days, {catalogues} catalogue(s): {built.build:.3f} s; the SELECTs alone {built.bare:.3f} s; "
            f"ratio {built.ratio:.2f}, {built.build - built.bare:+.3f} s"
        )
        if fitting.is_available():
            fitted = build_with_statistics(warehouse)
            print(
                f"the same with the extra `stats`: {fitted.anew:.3f} s when all is fitted anew, "
                f"{fitted.unchanged:.3f} s when the series did not change"
            )
    helped = [process([command(), "--help"]) for _ in range(ROUNDS)]
    print(f"tokengrowth --help: {median(one.seconds for one in helped):.3f} s, {helped[0].peak_mb:.0f} MB")
    for what, sources in (("rankings and models", "rankings-daily,models"), ("all sources", "")):
        with tempfile.TemporaryDirectory() as folder:
            first, again = whole_runs(Path(folder), sources)
        print(f"tokengrowth run, {what}, 700 days: {first.seconds:.2f} s, peak {first.peak_mb:.0f} MB")
        print(f"tokengrowth run, {what}, nothing new: {again.seconds:.2f} s, peak {again.peak_mb:.0f} MB")
    found = large()
    print(
        f"build, 700 days of {found.rows_a_day} rows ({found.rows} in all): {found.seconds:.1f} s, "
        f"peak {found.peak_mb:.0f} MB"
    )


if __name__ == "__main__":
    build_large() if sys.argv[1:] == ["large"] else main()
