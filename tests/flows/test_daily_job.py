"""The daily job, a backfill and a rebuild against a simulated OpenRouter over real HTTP."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows import shell
from pipeline import jobs
from pipeline.archive import Archive
from pipeline.contracts import WHOLE
from pipeline.errors import LockedError
from pipeline.settings import Settings
from pipeline.simulation import World
from tests.conftest import KEY, Ended, morning_after

RANKINGS = "/api/v1/datasets/rankings-daily"
EXPORTS = "/api/v1/datasets/exports/rankings-daily"


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def everything(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables that a rebuild promises to reproduce."""
    with duckdb.connect(str(path), read_only=True) as connection:
        query = "select table_schema || '.' || table_name from information_schema.tables"
        of_the_moment = {"meta.builds", "meta.checks", "meta.layout"}
        kept = sorted({name for (name,) in connection.execute(query).fetchall()} - of_the_moment)
        return {name: connection.execute(f"select * from {name} order by all").fetchall() for name in kept}


def test_all_history_takes_two_calls_and_what_is_held_takes_none(
    use: Callable[..., Settings], simulate: Callable[..., Any], world: World
) -> None:
    server = simulate(world)
    settings = use(server.base_url, server.now.isoformat(), KEY)
    outcome = jobs.run(settings)
    assert outcome.exit_code == 0
    assert server.counts[RANKINGS] == 2
    totals = rows(settings.published_path, "select date, total_tokens from marts.growth_total order by date")
    assert len(totals) == 700
    assert all(total == sum(world.truth(day).values()) for day, total in totals[:-1])
    asked = len(server.requests)
    again = jobs.run(settings)
    assert (again.exit_code, again.build, again.is_published) == (0, None, False)
    assert jobs.backfill(settings).exit_code == 0
    assert len(server.requests) == asked


def test_a_later_run_of_a_day_reads_the_catalogue_again_and_nothing_else(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World
) -> None:
    morning = morning_after(small_world.last_day)
    server = simulate(small_world, morning)
    chosen = {"TOKENGROWTH_SOURCES": "rankings-daily,models,providers"}
    growth = "select * from marts.fct_token_growth_daily order by all"
    settings = use(server.base_url, morning.isoformat(), KEY, **chosen)
    assert jobs.run(settings).exit_code == 0
    held, asked = rows(settings.published_path, growth), len(server.requests)
    noon = morning + timedelta(hours=5)
    server.set_clock(noon)
    settings = use(server.base_url, noon.isoformat(), KEY, **chosen)
    assert jobs.run(settings).exit_code == 0
    assert server.requests[asked:] == ["/api/v1/models?output_modalities=all"]
    assert rows(settings.published_path, growth) == held
    assert jobs.run(settings).build is None
    assert len(server.requests) == asked + 1


def test_the_next_day_takes_one_call_and_refetches_the_newest_three(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World
) -> None:
    evening = morning_after(small_world.last_day - timedelta(days=1))
    server = simulate(small_world, evening)
    jobs.run(use(server.base_url, evening.isoformat(), KEY))
    server.set_clock(evening + timedelta(days=1))
    del server.requests[:]
    settings = use(server.base_url, (evening + timedelta(days=1)).isoformat(), KEY)
    assert jobs.run(settings).exit_code == 0
    last = small_world.last_day
    assert server.requests == [
        f"{RANKINGS}?start_date={last - timedelta(days=2)}&end_date={last}",
        "/api/v1/models?output_modalities=all",
    ]
    restated = rows(
        settings.published_path, "select distinct date from marts.rpt_revisions where is_restated order by 1"
    )
    assert restated == [(last - timedelta(days=1),)]
    first, second = rows(
        settings.published_path,
        "select sum(first_tokens), sum(last_tokens) from marts.rpt_revisions "
        f"where date = '{last - timedelta(days=1)}'",
    )[0]
    assert first != second == sum(small_world.truth(last - timedelta(days=1)).values())


def test_without_a_key_a_run_reads_the_newest_file_and_a_backfill_the_rest(
    use: Callable[..., Settings], simulate: Callable[..., Any], world: World
) -> None:
    start = morning_after(date(2025, 4, 10))
    server = simulate(World(days=100), start)
    settings = use(server.base_url, start.isoformat())
    outcome = jobs.run(settings)
    assert outcome.exit_code == 0
    assert server.counts[RANKINGS] == 0
    assert [path for path in server.requests if path.startswith(EXPORTS)] == [
        f"{EXPORTS}/latest.manifest.json",
        f"{EXPORTS}/2025-04-11.manifest.json",
        f"{EXPORTS}/2025-04-11.csv",
    ]
    assert "backfill" in outcome.hints[-1]
    asked = len(server.requests)
    jobs.run(settings)
    assert len(server.requests) == asked
    jobs.backfill(settings)
    files = [path for path in server.requests[asked:] if path.endswith(".csv")]
    # Strides of 28 days, then the very first snapshot, which holds the first day.
    assert [path[-14:-4] for path in files] == ["2025-03-14", "2025-02-14", "2025-01-31"]
    days = rows(settings.published_path, "select count(*), min(date), max(date) from marts.growth_total")
    assert days == [(100, date(2025, 1, 1), date(2025, 4, 10))]
    asked = len(server.requests)
    assert jobs.backfill(settings).exit_code == 0
    assert len(server.requests) == asked


def test_with_a_key_a_backfill_leaves_the_exports_alone(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World
) -> None:
    server = simulate(small_world)
    settings = use(server.base_url, server.now.isoformat(), KEY)
    jobs.backfill(settings)
    assert not [path for path in server.counts if path.startswith(EXPORTS)]
    jobs.run(settings, ["exports"])
    assert server.counts[f"{EXPORTS}/latest.manifest.json"] == 1


@pytest.mark.slow
def test_rebuild_reproduces_every_table_offline(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World
) -> None:
    clock = morning_after(small_world.last_day - timedelta(days=1))
    server = simulate(small_world, clock)
    for n in range(2):
        server.set_clock(clock + timedelta(days=n))
        settings = use(server.base_url, (clock + timedelta(days=n)).isoformat(), KEY)
        jobs.run(settings, ["rankings-daily", "exports", "models"])
    jobs.backfill(settings, date(2025, 1, 3), date(2025, 1, 5), force=True)
    before, published_before = everything(settings.warehouse_path), everything(settings.published_path)
    offline = use("http://127.0.0.1:9", settings.now().isoformat())
    asked = len(server.requests)
    assert jobs.rebuild(offline).exit_code == 0
    assert everything(settings.warehouse_path) == before
    assert everything(settings.published_path) == published_before
    assert len(server.requests) == asked


def test_a_forced_backfill_beyond_the_days_limit_says_that_it_would_begin_anew(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World, cli: Callable[..., Ended]
) -> None:
    server = simulate(small_world)
    more = {"TOKENGROWTH_SOURCES": "app-rankings", "TOKENGROWTH_REQUESTS_PER_DAY": "8"}
    use(server.base_url, server.now.isoformat(), KEY, **more)
    assert "name fewer days or sources" in cli("backfill", "--force", "--dry-run").out
    ended = cli("backfill", "--force")
    assert ended.code == 4
    assert jobs.BEGINS_ANEW in ended.out
    assert jobs.GOES_ON not in ended.out


def test_a_refetched_day_keeps_both_vintages_and_landing_twice_changes_nothing(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World
) -> None:
    server = simulate(small_world)
    settings = use(server.base_url, server.now.isoformat(), KEY)
    jobs.run(settings)
    before = everything(settings.warehouse_path)
    window = date(2025, 1, 3), date(2025, 1, 5)
    # The clock stands still: the same answer at the same instant is the same fetch, read once.
    jobs.backfill(settings, *window, force=True)
    jobs.backfill(settings, *window, force=True)
    after = everything(settings.warehouse_path)
    assert len(after["meta.loads"]) == len(before["meta.loads"]) + 1
    assert len(after["raw.rankings_daily"]) == len(before["raw.rankings_daily"]) + sum(
        len(small_world.ranked(day, server.now)) for day in [date(2025, 1, 3), date(2025, 1, 4), date(2025, 1, 5)]
    )
    current = [(r[0], r[1], r[2]) for r in after["marts.fct_model_tokens_daily"]]
    assert current == [(r[0], r[1], r[2]) for r in before["marts.fct_model_tokens_daily"]]


def test_a_stalled_source_is_stale_and_ends_with_3(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World, cli: Callable[..., Ended]
) -> None:
    late = morning_after(small_world.last_day + timedelta(days=2))
    server = simulate(small_world, late)
    use(server.base_url, late.isoformat(), KEY)
    ended = cli("run")
    assert ended.code == 3
    assert "stale: rankings-daily: promises 2025-03-03 and ends on 2025-03-01" in ended.err


def test_a_day_that_is_not_due_yet_is_no_failure(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World, cli: Callable[..., Ended]
) -> None:
    early = datetime(2025, 2, 20, 1, 0, tzinfo=UTC)
    server = simulate(small_world, early)
    use(server.base_url, early.isoformat())
    ended = cli("run")
    assert ended.code == 0
    assert "not published yet: exports: 2025-02-19 is not held yet; it is due at 02:30 UTC on 2025-02-20." in ended.err


def test_one_source_that_fails_does_not_stop_the_other(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World, cli: Callable[..., Ended]
) -> None:
    server = simulate(small_world)
    use(server.base_url, server.now.isoformat(), KEY)
    assert cli("run").code == 0
    use(server.base_url, (server.now + timedelta(days=1)).isoformat(), "sk-or-wrong")
    ended = cli("run", "--json")
    outcome = json.loads(ended.out)
    assert ended.code == outcome["exit_code"] == 3
    assert {source["source"]: source["status"] for source in outcome["sources"]} == {
        "rankings-daily": "failed",
        "models": "loaded",
    }
    assert "refused the key (HTTP 401" in outcome["sources"][0]["message"]


def test_the_days_limit_ends_with_4_and_keeps_what_was_loaded(
    use: Callable[..., Settings], simulate: Callable[..., Any], cli: Callable[..., Ended]
) -> None:
    server = simulate(World(days=380))
    use(server.base_url, server.now.isoformat(), KEY, TOKENGROWTH_REQUESTS_PER_DAY="1")
    ended = cli("run")
    assert ended.code == 4
    assert "quota reached: rankings-daily: All 1 requests of this UTC day are used" in ended.err
    assert server.counts[RANKINGS] == 1
    use(server.base_url, server.now.isoformat(), KEY, TOKENGROWTH_REQUESTS_PER_DAY="2")
    assert cli("run").code == 0
    assert server.counts[RANKINGS] == 2


@pytest.mark.slow
def test_deleting_the_warehouse_never_touches_the_ledger(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World, cli: Callable[..., Ended]
) -> None:
    server = simulate(small_world)
    settings = use(server.base_url, server.now.isoformat(), KEY, TOKENGROWTH_REQUESTS_PER_DAY="2")
    cli("run")
    shutil.rmtree(settings.home)
    assert cli("run").code == 0
    shutil.rmtree(settings.home)
    assert cli("run").code == 4


def test_nothing_is_published_without_rankings(use: Callable[..., Settings], cli: Callable[..., Ended]) -> None:
    use("http://127.0.0.1:9", "2025-02-20T08:00:00Z", TOKENGROWTH_ATTEMPTS="1")
    ended = cli("run")
    assert ended.code == 1
    assert "Nothing is published" in ended.err
    assert cli("show").code == 1


def test_readers_keep_the_file_they_opened_and_new_ones_see_the_new(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World
) -> None:
    clock = morning_after(small_world.last_day - timedelta(days=1))
    server = simulate(small_world, clock)
    settings = use(server.base_url, clock.isoformat(), KEY)
    jobs.run(settings)
    newest = "select max(date) from marts.growth_total"
    script = (
        "import duckdb, sys\n"
        f"c = duckdb.connect({str(settings.published_path)!r}, read_only=True)\n"
        f"print(c.execute({newest!r}).fetchall()[0][0], flush=True)\n"
        "sys.stdin.readline()\n"
        f"print(c.execute({newest!r}).fetchall()[0][0], flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout
        assert reader.stdin
        before = reader.stdout.readline().strip()
        server.set_clock(clock + timedelta(days=1))
        jobs.run(use(server.base_url, (clock + timedelta(days=1)).isoformat(), KEY))
        reader.stdin.write("\n")
        reader.stdin.flush()
        assert reader.stdout.readline().strip() == before == str(small_world.last_day - timedelta(days=1))
    assert rows(settings.published_path, newest) == [(small_world.last_day,)]


def test_a_second_run_waits_for_the_first_or_says_why_not(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World
) -> None:
    server = simulate(small_world)
    settings = use(server.base_url, server.now.isoformat(), KEY, TOKENGROWTH_LOCK_TIMEOUT_SECONDS="0.2")
    holding, release = threading.Event(), threading.Event()

    def hold() -> None:
        with jobs.writing(settings, "run"):
            holding.set()
            release.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    holding.wait(20)
    with pytest.raises(LockedError, match="Another run has been writing"):
        jobs.run(settings)
    release.set()
    holder.join()
    assert jobs.run(settings).exit_code == 0


def test_a_flow_waits_an_hour_for_another_run_or_as_long_as_it_is_told(use: Callable[..., Settings]) -> None:
    use(key=KEY)
    assert shell.run_settings().lock_timeout_seconds == 3600
    use(key=KEY, TOKENGROWTH_LOCK_TIMEOUT_SECONDS="60")
    assert shell.run_settings().lock_timeout_seconds == 60
    use(key=KEY, TOKENGROWTH_LOCK_TIMEOUT_SECONDS="")
    Path(".env").write_text("TOKENGROWTH_LOCK_TIMEOUT_SECONDS=5\n", encoding="utf-8")
    assert shell.run_settings().lock_timeout_seconds == 5


def test_what_a_killed_run_archived_is_landed_by_the_next_one(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World
) -> None:
    server = simulate(small_world)
    settings = use(server.base_url, server.now.isoformat(), KEY)
    with jobs.writing(settings, "run") as job:
        want = jobs.Want(settings.now(), {WHOLE: frozenset([small_world.last_day])})
        job.fetch(jobs.SOURCES["rankings-daily"], lambda _: want)
    assert len(list(Archive(settings.archive_dir).fetches())) == 1
    server.set_clock(server.now)
    assert jobs.run(settings).exit_code == 0
    assert rows(settings.published_path, "select count(*) from marts.growth_total") == [(60,)]


def test_a_deleted_or_lagging_publication_is_made_again_without_a_call(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World
) -> None:
    server = simulate(small_world)
    settings = use(server.base_url, server.now.isoformat(), KEY)
    jobs.run(settings)
    before = everything(settings.published_path)
    settings.published_path.unlink()
    asked = len(server.requests)
    assert jobs.run(settings).is_published
    assert len(server.requests) == asked
    assert everything(settings.published_path) == before


def test_simulated_data_says_so_everywhere(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World, cli: Callable[..., Ended]
) -> None:
    server = simulate(small_world)
    settings = use(server.base_url, server.now.isoformat(), KEY)
    cli("run")
    assert cli("show").out.startswith("SIMULATED DATA.")
    assert "SIMULATED DATA" in cli("show", "author", "--format", "markdown").out
    comments = rows(
        settings.published_path,
        "select comment from duckdb_tables() union all select comment from duckdb_views() where not internal",
    )
    assert comments
    assert all(comment.startswith("Simulated data") for (comment,) in comments)
    assert rows(settings.published_path, "select is_simulated, citation from meta.contract") == [
        (True, "Simulated data, not OpenRouter's.")
    ]
    files = list(settings.parquet_dir.glob("*.parquet"))
    assert len(files) >= 7
    for file in files:
        found = duckdb.execute(f"select decode(value) from parquet_kv_metadata('{file}') where key = 'citation'")
        assert found.fetchall() == [("Simulated data, not OpenRouter's.",)]


def test_simulated_and_real_figures_are_never_mixed(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World, cli: Callable[..., Ended]
) -> None:
    server = simulate(small_world)
    settings = use(server.base_url, server.now.isoformat(), KEY)
    cli("run")
    archive = Archive(settings.archive_dir)
    simulated = next(fetch for fetch in archive.fetches() if fetch.source == "rankings-daily")
    archive.add(
        source=simulated.source,
        url=simulated.url,
        status=200,
        fetched_at=server.now,
        headers={},
        body=archive.read(simulated),
        context=simulated.context,
    )
    ended = cli("build")
    assert ended.code == 1
    assert "all_or_nothing_simulated" in ended.err
