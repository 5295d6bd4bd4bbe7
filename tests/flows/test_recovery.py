"""States that must not block a home, and that the next run makes good."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline import jobs
from pipeline.archive import Archive
from pipeline.contracts import WHOLE
from pipeline.errors import DamagedError, SourceUnavailableError, UsageError
from pipeline.planner import Held
from pipeline.settings import Settings
from pipeline.simulation import World
from pipeline.warehouse import published_build_id
from tests.conftest import KEY, Ended, morning_after

RANKINGS = "/api/v1/datasets/rankings-daily"


def count(settings: Settings, table: str) -> int:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        return int(connection.execute(f"select count(*) from {table}").fetchall()[0][0])


def test_the_same_fetch_twice_is_one_fetch_after_a_rebuild_too(loaded: tuple[Settings, Any]) -> None:
    settings, _ = loaded
    for _ in range(2):
        jobs.backfill(settings, date(2025, 1, 3), date(2025, 1, 5), force=True)
    before = count(settings, "raw.rankings_daily"), count(settings, "meta.loads")
    assert jobs.rebuild(settings).exit_code == 0
    assert (count(settings, "raw.rankings_daily"), count(settings, "meta.loads")) == before


def test_a_rebuild_that_fails_leaves_the_warehouse_as_it_was(loaded: tuple[Settings, Any]) -> None:
    settings, _ = loaded
    before = settings.warehouse_path.read_bytes()
    (damaged, *_) = (settings.archive_dir / "objects").rglob("*.gz")
    whole = damaged.read_bytes()
    damaged.write_bytes(b"broken")
    with pytest.raises(DamagedError, match="cannot be read"):
        jobs.rebuild(settings)
    assert settings.warehouse_path.read_bytes() == before
    assert jobs.rebuild(settings, accepts_loss=True).exit_code == 3
    assert count(settings, "meta.loads where outcome = 'refused'") == 1
    damaged.write_bytes(whole)
    assert jobs.rebuild(settings).exit_code == 0
    shutil.rmtree(settings.archive_dir / "manifest")
    with pytest.raises(UsageError, match="holds no archived answers"):
        jobs.rebuild(settings)


def test_a_rebuild_does_not_drop_what_only_the_warehouse_holds(
    loaded: tuple[Settings, Any], cli: Callable[..., Ended], caplog: pytest.LogCaptureFixture
) -> None:
    settings, _ = loaded
    before = settings.warehouse_path.read_bytes()
    (manifest,) = Archive(settings.archive_dir).manifests()
    whole = manifest.read_bytes()
    manifest.write_bytes(b"".join(row for row in whole.splitlines(True) if b'"source":"models"' not in row))
    ended = cli("rebuild")
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert "answers in the warehouse are not in the archive's manifest (1 of models); restore" in ended.err
    assert "`tokengrowth rebuild --accept-loss` makes tables without them" in ended.err
    assert settings.warehouse_path.read_bytes() == before
    caplog.clear()
    assert jobs.run(settings, ["rankings-daily"]).exit_code == 0
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "(1 of models); restore" in warning
    assert jobs.rebuild(settings, accepts_loss=True).exit_code == 0
    assert count(settings, "raw.models") == 0
    manifest.write_bytes(whole)
    assert jobs.rebuild(settings).exit_code == 0
    assert count(settings, "raw.models") > 0


def test_who_finds_nothing_published_is_told_what_publishes_it_without_a_request(
    loaded: tuple[Settings, Any], cli: Callable[..., Ended]
) -> None:
    settings, _ = loaded
    settings.published_path.unlink()
    assert cli("show").err.endswith("; run `tokengrowth build` first.\n")
    settings.warehouse_path.unlink()
    assert cli("status").err.endswith("; run `tokengrowth rebuild` first.\n")
    assert "`tokengrowth rebuild` publishes it anew." in cli("doctor").out
    shutil.rmtree(settings.archive_dir)
    assert cli("show").err.endswith("; run `tokengrowth run` first.\n")


def test_a_build_that_was_not_published_is_published_first(loaded: tuple[Settings, Any]) -> None:
    settings, _ = loaded
    before = published_build_id(settings)
    with jobs.writing(settings, "build") as job:
        job.build(force=True)
    assert published_build_id(settings) == before
    with jobs.writing(settings, "run"):
        assert published_build_id(settings) != before


def test_what_a_program_with_fewer_tables_built_is_built_anew_before_it_is_published(
    loaded: tuple[Settings, Any],
) -> None:
    settings, _ = loaded
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("drop table marts.fct_growth_accounting")
        connection.execute("update meta.builds set inputs_sha256 = 'of other SQL'")
    (settings.parquet_dir / "fct_growth_accounting.parquet").unlink()
    assert jobs.run(settings).is_published
    assert (settings.parquet_dir / "fct_growth_accounting.parquet").exists()


def test_a_partial_build_is_not_published_under_the_name_of_the_last_whole_one(loaded: tuple[Settings, Any]) -> None:
    settings, _ = loaded
    before = published_build_id(settings)
    jobs.build(settings, ["fct_token_growth_daily"])
    settings.published_path.unlink()
    with jobs.writing(settings, "check") as job:
        assert not settings.published_path.exists()
        assert not job.outcome.is_published
    assert jobs.run(settings).is_published
    assert published_build_id(settings) != before


def test_another_seed_or_real_data_is_refused_before_it_reaches_the_archive(
    loaded: tuple[Settings, Any], simulate: Callable[..., Any]
) -> None:
    settings, server = loaded
    kept = len(list(Archive(settings.archive_dir).fetches()))
    other = simulate(World(seed=8, days=60))
    later = settings.model_copy(
        update={"base_url": other.base_url, "fixed_now": server.now + timedelta(days=1)},
    )
    with pytest.raises(UsageError, match="use another TOKENGROWTH_HOME"):
        jobs.run(later)
    assert len(list(Archive(settings.archive_dir).fetches())) == kept


def test_a_refused_answer_that_a_later_one_makes_up_for_is_no_failure(loaded: tuple[Settings, Any]) -> None:
    settings, server = loaded
    archive = Archive(settings.archive_dir)
    good = next(fetch for fetch in archive.fetches() if fetch.source == "rankings-daily")
    archive.add(
        source=good.source,
        url=good.url,
        status=522,
        fetched_at=server.now,
        headers=good.headers,
        body=b"gateway",
        context=good.context,
    )
    outcome = jobs.backfill(settings, date(2025, 1, 3), date(2025, 1, 5), force=True)
    assert (outcome.exit_code, outcome.of("rankings-daily").status) == (0, "loaded")


def test_an_error_after_a_window_that_landed_is_a_failure(
    use: Callable[..., Settings], simulate: Callable[..., Any], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = simulate(world)
    settings = use(server.base_url, server.now.isoformat(), KEY)
    ask = jobs.Job._ask

    def ask_once(job: jobs.Job, *words: Any) -> Any:
        if job.outcome.of("rankings-daily").calls:
            raise SourceUnavailableError("The line is down.")
        return ask(job, *words)

    monkeypatch.setattr(jobs.Job, "_ask", ask_once)
    outcome = jobs.run(settings, ["rankings-daily"])
    assert (outcome.exit_code, outcome.of("rankings-daily").status) == (3, "failed")
    assert outcome.of("rankings-daily").rows > 10_000
    monkeypatch.undo()


def test_days_before_the_first_published_one_are_no_failure(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World, cli: Callable[..., Ended]
) -> None:
    server = simulate(small_world)
    use(server.base_url, server.now.isoformat())
    assert cli("backfill").code == 0
    server.set_clock(server.now)
    world = World(first_day=date(2025, 3, 1), days=60)
    later = simulate(world, morning_after(world.last_day))
    use(later.base_url, later.now.isoformat(), TOKENGROWTH_HOME=str(Path.cwd() / "later"))
    ended = cli("backfill", "--start-date", "2025-01-05", "--end-date", "2025-02-10", "--json")
    (source,) = json.loads(ended.out)["sources"]
    assert source["status"] == "before_floor"
    assert "nothing before 2025-03-01 is published" in source["message"]


def test_a_floor_is_disproved_by_an_older_day_and_believed_for_a_time() -> None:
    floor, shown = date(2025, 6, 16), date(2025, 9, 1)
    held = Held({WHOLE: {date(2025, 7, 1): date(2025, 7, 2)}}, {WHOLE: ((floor, shown),)})
    assert held.floor(WHOLE) == floor
    assert held.floor(WHOLE, since=shown) == floor
    assert held.floor(WHOLE, since=shown + timedelta(days=1)) == date.min
    assert replace(held, cells={WHOLE: frozenset([date(2025, 6, 1)])}).floor(WHOLE) == date.min


def test_a_deleted_warehouse_is_rebuilt_by_the_next_run_without_a_call(loaded: tuple[Settings, Any]) -> None:
    settings, server = loaded
    asked = len(server.requests)
    settings.warehouse_path.unlink()
    assert jobs.run(settings).exit_code == 0
    assert len(server.requests) == asked


def test_every_form_of_output_says_simulated(loaded: tuple[Settings, Any], cli: Callable[..., Ended]) -> None:
    assert "is_simulated" in cli("show", "author", "--format", "csv").out.splitlines()[0]
    assert all(row["is_simulated"] for row in json.loads(cli("show", "author", "--json").out))
    assert "simulated" in cli("query", "select 1", "--format", "csv").err
    assert "simulated" in cli("status").out.splitlines()[-1]


def test_figures_that_no_table_could_add_up_are_refused(
    use: Callable[..., Settings], loaded: tuple[Settings, Any]
) -> None:
    settings, server = loaded
    archive = Archive(settings.archive_dir)
    day = str(date(2025, 2, 1))
    rows = [{"date": day, "model_permaslug": f"a/m{n}", "total_tokens": "9" * 16} for n in range(51)]
    meta = {"as_of": "2025-03-02T07:00:00Z", "start_date": day, "end_date": day, "version": "v1"}
    archive.add(
        source="rankings-daily",
        url=f"{server.base_url}{RANKINGS}",
        status=200,
        fetched_at=datetime(2025, 3, 2, 9, tzinfo=UTC),
        headers={"x-simulated-data": "seed=7"},
        body=json.dumps({"data": rows, "meta": meta}).encode(),
        context={"start_date": day, "end_date": day},
    )
    outcome = jobs.run(settings)
    assert outcome.of("rankings-daily").status == "failed"
    assert "less than 5e+15 tokens" in str(outcome.of("rankings-daily").message)
    assert jobs.build(settings).build


def test_the_key_goes_through_no_proxy_to_loopback_and_never_into_the_archive(
    loaded: tuple[Settings, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, server = loaded
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    asked = len(server.requests)
    jobs.backfill(settings, date(2025, 1, 3), date(2025, 1, 3), force=True)
    assert len(server.requests) == asked + 1
