"""Every source in one run: what is filled, what it costs, what one that fails leaves to the others."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline import fitting, jobs
from pipeline.settings import Settings
from pipeline.simulation import World
from pipeline.sources import SOURCES, Cadence
from tests.conftest import KEY, Ended, morning_after
from tests.flows.test_daily_job import everything, rows

README = Path(__file__).parents[2] / "README.md"
THURSDAY = "2026-08-20T07:45:00Z"
FRIDAY = "2026-08-21T07:45:00Z"
DAILY = [source.name for source in SOURCES.values() if source.cadence is not Cadence.CAPTURE]
ALL: dict[str, Any] = {"TOKENGROWTH_SOURCES": None}
# What only a saved page, an alias or a second look fills.
EMPTY = {"rpt_page_windows", "fct_page_model_windows", "fct_page_app_windows", "fct_page_model_weeks"}
EMPTY |= {"fct_page_author_weeks", "rpt_revisions"}
# Statistics take more days than are loaded here, and changes of prices more catalogues.
EMPTY |= {*fitting.marts(), "fct_price_changes"}
KEYED = {
    "fct_session_costs",
    "fct_benchmarks",
    "dim_app",
    "dim_app_history",
    "rpt_context_totals",
    "rpt_reconciliation",
    "fct_token_growth_weekly",
}


def heights(settings: Settings) -> dict[str, int]:
    query = "select table_name, estimated_size from duckdb_tables() where schema_name = 'marts'"
    return dict(rows(settings.published_path, query))


def is_keyed(mart: str) -> bool:
    return mart in KEYED or mart.startswith(("fct_app_", "fct_slice_", "fct_estimate_", "fct_task_"))


def sent(server: Any) -> int:
    return sum(row["count"] for row in server.status()["requests"])


def planned(cli: Callable[..., Ended]) -> dict[str, dict[str, int | None]]:
    found: dict[str, dict[str, int | None]] = json.loads(cli("plan", "--json").out)["requests"]["run"]
    return found


@pytest.mark.slow
@pytest.mark.recordings
def test_with_a_key_every_source_is_filled_by_the_planned_calls(
    use: Callable[..., Settings], replay: Callable[..., Any], cli: Callable[..., Ended]
) -> None:
    server = replay(THURSDAY, floor="2026-08-01")
    settings = use(server.base_url, THURSDAY, KEY, **ALL)
    assert jobs.run(settings).exit_code == 0
    assert {name for name, height in heights(settings).items() if not height} <= EMPTY
    assert sent(server) > 100

    server.set_clock(FRIDAY)
    settings, before = use(server.base_url, FRIDAY, KEY, **ALL), sent(server)
    plan = planned(cli)
    outcome = jobs.run(settings)
    assert {source.source: source.status for source in outcome.sources} == dict.fromkeys(DAILY, "loaded") | {
        "rankings-categories": "held",
        "rankings-languages": "held",
    }
    calls = {source.source: source.calls for source in outcome.sources}
    assert sum(calls.values()) == sent(server) - before
    models = calls.pop("endpoints")
    assert rows(settings.published_path, "select count(*) from marts.fct_endpoint_daily where latency_p50_ms > 0") > [
        (50,)
    ]
    assert calls == {name: one["expected"] for name, one in plan.items() if name != "endpoints"}
    # The day that came brought some models that were not ranked in the week before.
    assert plan["endpoints"]["at_most"] is None
    newly_ranked = rows(
        settings.warehouse_path,
        "select count(*) from (select model_permaslug from staging.stg_rankings_daily group by all "
        "having min(date) = '2026-08-20')",
    )[0][0]
    assert 0 <= models - plan["endpoints"]["expected"] <= newly_ranked
    assert jobs.run(settings).exit_code == 0
    assert sent(server) == before + sum(calls.values()) + models
    assert all(one == {"expected": 0, "at_most": 0} for one in planned(cli).values())


@pytest.mark.recordings
def test_without_a_key_every_keyless_source_is_filled_and_the_others_are_named_once(
    use: Callable[..., Settings], replay: Callable[..., Any], cli: Callable[..., Ended]
) -> None:
    server = replay(FRIDAY)
    settings = use(server.base_url, FRIDAY, **ALL)
    ended = cli("run")
    assert ended.code == 0, ended.err
    assert not [row for row in server.status()["requests"] if row["status"] == 401]
    unfilled = {name for name, height in heights(settings).items() if not height}
    assert {name for name in unfilled if name not in EMPTY and not is_keyed(name)} == set()
    assert {"fct_endpoint_daily", "dim_provider", "fct_model_price_daily"}.isdisjoint(unfilled)
    (line,) = [line for line in ended.out.splitlines() if "OPENROUTER_API_KEY" in line]
    assert line.startswith("Without OPENROUTER_API_KEY these sources are not read: rankings-daily, ")
    assert all(name in line for name, source in SOURCES.items() if source.needs_key)


@pytest.mark.slow
@pytest.mark.recordings
@pytest.mark.parametrize(("status", "sentence"), [(401, "HTTP 401"), (403, "HTTP 403")])
def test_a_key_that_is_refused_is_named_once_and_keyless_sources_go_on(
    status: int, sentence: str, use: Callable[..., Settings], replay: Callable[..., Any], cli: Callable[..., Ended]
) -> None:
    server = replay(FRIDAY)
    use(server.base_url, FRIDAY, KEY, **ALL)
    server.faults(
        [
            {"kind": "status", "status": status, "path_prefix": f"/api/v1/{part}"}
            for part in ("datasets/rankings-daily", "datasets/app", "datasets/session", "classifications", "benchmarks")
        ]
    )
    ended = cli("run")
    assert ended.code == 3
    (line,) = [line for line in ended.err.splitlines() if sentence in line]
    assert line.startswith("failed: rankings-daily")
    assert line.count("OpenRouter refused the key") == 1
    outcome = json.loads(cli("status", "--json").out)
    assert {source["source"] for source in outcome["sources"] if source["loaded"]} >= {
        "exports",
        "models",
        "providers",
        "endpoints",
    }
    asked = {row["path"] for row in server.status()["requests"] if row["status"] == status}
    # An unknown key is refused everywhere, one without rights may be good for others.
    assert len(asked) == (1 if status == 401 else 5)


BROKEN = {
    "session-costs": "/api/v1/datasets/session-cost",
    "task-shares": "/api/v1/classifications/task",
    "providers": "/api/v1/providers",
    "app-rankings": "/api/v1/datasets/app-rankings",
}


@pytest.mark.recordings
def test_sources_that_fail_do_not_stop_the_others_and_are_tried_again(
    use: Callable[..., Settings], replay: Callable[..., Any]
) -> None:
    server = replay(FRIDAY, floor="2026-08-10")
    sources = [source for source in DAILY if source not in ("endpoints", "app-categories", "app-trending")]
    settings = use(server.base_url, FRIDAY, KEY, TOKENGROWTH_SOURCES=",".join(sources))
    server.faults([{"kind": "wrong_schema", "variant": "rename", "path_prefix": path} for path in BROKEN.values()])
    outcome = jobs.run(settings)
    assert outcome.exit_code == 3
    assert {one.source for one in outcome.sources if one.status == "failed"} == set(BROKEN)
    assert {one.source for one in outcome.sources if one.rows} == set(sources) - set(BROKEN)
    assert outcome.is_published
    server.faults([])
    again = jobs.run(settings)
    assert again.exit_code == 0
    assert {one.source for one in again.sources if one.calls} == {one.source for one in again.sources if one.rows}
    assert {one.source for one in again.sources if one.rows} == set(BROKEN)


def limited(use: Callable[..., Settings], server: Any, clock: datetime) -> Settings:
    server.set_clock(clock.isoformat())
    return use(
        server.base_url,
        clock.isoformat(),
        KEY,
        **ALL,
        TOKENGROWTH_REQUESTS_PER_DAY="60",
        TOKENGROWTH_REQUESTS_PER_MINUTE="100000",
        TOKENGROWTH_CLOCKED_LIMITS="true",
    )


@pytest.mark.slow
@pytest.mark.recordings
def test_a_backfill_goes_on_day_after_day_and_asks_nothing_twice(
    use: Callable[..., Settings], replay: Callable[..., Any], cli: Callable[..., Ended]
) -> None:
    server = replay(
        "2026-08-10T07:45:00Z",
        requests_per_day=60,
        requests_per_minute=100_000,
        clocked_limits=True,
        floor="2026-07-20",
    )
    clock = datetime.fromisoformat("2026-08-10T07:45:00+00:00")
    codes, used = [], []
    while not codes or codes[-1] == 4:
        settings = limited(use, server, clock)
        ended = cli("backfill")
        codes.append(ended.code)
        used.append(sum(row["count"] for row in server.status()["requests"] if "/datasets/" in row["path"]))
        clock += timedelta(days=1)
        if ended.code == 4:
            assert "kept for the daily run" in ended.err
            assert jobs.GOES_ON in ended.out
    assert codes[-1] == 0
    assert len(codes) > 1
    # The daily run would still need more than half of the 60.
    assert max(after - before for before, after in zip([0, *used], used, strict=False)) == 30
    requests = server.status()["requests"]
    assert all(row["count"] == 1 for row in requests), [row for row in requests if row["count"] > 1]
    assert not any(row["status"] == 429 for row in requests)
    states = dict(
        rows(settings.published_path, "select source || ' ' || state, count(*) from marts.rpt_coverage group by all")
    )
    assert not [state for state in states if state.endswith("missing")]
    assert states["app-rankings loaded"] == states["rankings-daily loaded"] >= 21


@pytest.mark.parametrize(("days", "has_apps"), [(60, True), pytest.param(400, False, marks=pytest.mark.slow)])
def test_a_full_backfill_takes_as_few_calls_as_the_contract_permits(
    days: int, has_apps: bool, use: Callable[..., Settings], simulate: Callable[..., Any]
) -> None:
    server = simulate(World(days=days), requests_per_day=10_000)
    with_past = [name for name, source in SOURCES.items() if source.cadence in (Cadence.DAY, Cadence.WEEK)]
    if not has_apps:  # they come a day at a time, and take long
        with_past.remove("app-rankings")
    limits = {"TOKENGROWTH_SOURCES": ",".join(with_past), "TOKENGROWTH_REQUESTS_PER_DAY": "10000"}
    settings = use(server.base_url, server.now.isoformat(), KEY, **limits)
    assert jobs.backfill(settings).exit_code == 0
    windows = -(-days // 366)
    # All models, 5 contexts, 5 modalities, 12 categories and 2 languages; two pages of apps a day.
    assert server.counts["/api/v1/datasets/rankings-daily"] == windows * (1 + 5 + 5 + 12 + 2)
    assert server.counts["/api/v1/datasets/app-rankings"] == (2 * days if has_apps else 0)
    asked = len(server.requests)
    assert len(set(server.requests)) == asked
    stated = re.search(r"takes ([\d,]+) requests for (\d+) days", README.read_text(encoding="utf-8"))
    assert stated
    if int(stated[2]) == days:
        assert int(stated[1].replace(",", "")) == asked + (0 if has_apps else 2 * days)
    assert jobs.backfill(settings).exit_code == 0
    assert len(server.requests) == asked


@pytest.mark.recordings
def test_a_model_that_cannot_be_read_does_not_lose_the_others_nor_pass_as_whole(
    use: Callable[..., Settings], replay: Callable[..., Any], cli: Callable[..., Ended]
) -> None:
    server = replay(FRIDAY, floor="2026-08-16")
    sources = {"TOKENGROWTH_SOURCES": "exports,models,endpoints", "TOKENGROWTH_ATTEMPTS": "1"}
    settings = use(server.base_url, FRIDAY, **sources)
    broken = "/api/v1/models/deepseek/deepseek-v4-flash"
    server.faults([{"kind": "truncate", "path_prefix": broken}])
    ended = cli("run")
    assert ended.code == 3
    assert "the connection closed in the middle of the answer" in ended.err
    query = (
        "select state, series - missing_series > 40, missing_series from marts.rpt_coverage where source = 'endpoints'"
    )
    ((state, has_the_others, missing),) = rows(settings.published_path, query)
    assert (state, has_the_others) == ("missing", True)
    assert 0 < missing < 4
    server.faults([])
    assert cli("run").code == 0
    assert rows(settings.published_path, query) == [("loaded", True, 0)]


@pytest.mark.slow
@pytest.mark.recordings
def test_a_key_that_is_refused_where_none_is_needed_is_left_out(
    use: Callable[..., Settings], replay: Callable[..., Any]
) -> None:
    server = replay(FRIDAY, floor="2026-08-16")
    settings = use(server.base_url, FRIDAY, KEY, TOKENGROWTH_SOURCES="exports,models,endpoints")
    server.faults([{"kind": "status", "status": 401, "path_prefix": "/api/v1/models/", "times": 1}])
    outcome = jobs.run(settings)
    assert (outcome.exit_code, outcome.of("endpoints").status) == (0, "loaded")
    server.faults([{"kind": "status", "status": 401, "path_prefix": "/api/v1/models?"}])
    server.faults([{"kind": "status", "status": 401, "path_prefix": "/api/v1/providers"}])
    settings = use(server.base_url, FRIDAY, KEY, TOKENGROWTH_SOURCES="providers,task-shares")
    outcome = jobs.run(settings)
    assert "though no key is needed" in str(outcome.of("providers").message)
    assert outcome.of("task-shares").status == "loaded"


def test_a_host_that_is_silent_is_not_asked_by_every_source(
    use: Callable[..., Settings], cli: Callable[..., Ended]
) -> None:
    use("http://127.0.0.1:9", "2025-03-02T08:00:00Z", KEY, **ALL, TOKENGROWTH_ATTEMPTS="2")
    ended = cli("run", "--json")
    assert ended.code == 1
    sources = json.loads(ended.out)["sources"]
    assert [source["calls"] for source in sources if source["calls"]] == [2, 2, 2]
    assert {source["status"] for source in sources} == {"failed", "held"}
    assert [source["source"] for source in sources if source["status"] == "held"] == ["endpoints"]


def test_sources_that_the_settings_name_without_a_key_fail_by_name(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World, cli: Callable[..., Ended]
) -> None:
    server = simulate(small_world)
    use(server.base_url, server.now.isoformat(), TOKENGROWTH_SOURCES="exports,models,app-rankings,benchmarks")
    ended = cli("run")
    assert ended.code == 3
    assert "failed: app-rankings, benchmarks: OPENROUTER_API_KEY is needed, and none is set." in ended.err


@pytest.mark.slow
def test_a_reserve_is_kept_on_the_next_day_too(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening = morning_after(small_world.last_day) + timedelta(hours=15)
    server = simulate(small_world, evening)
    limits = {"TOKENGROWTH_SOURCES": "rankings-daily,app-rankings", "TOKENGROWTH_REQUESTS_PER_DAY": "60"}
    settings = use(server.base_url, evening.isoformat(), KEY, **limits)
    clock = [evening - timedelta(hours=1)]

    def past_midnight(_: Settings) -> datetime:
        clock.append(clock[-1] + timedelta(minutes=2))
        return clock[-1]

    jobs.run(settings, ["rankings-daily", "app-rankings"])
    monkeypatch.setattr(Settings, "quota_clock", past_midnight)
    outcome = jobs.backfill(settings)
    assert outcome.exit_code == 4
    by_day = Counter(day for (day,) in ledger(settings, "select utc_day from requests"))
    # The next day's whole run takes one request for the days and two for each of 14 days of apps.
    assert by_day[str(clock[-1].date())] == 60 - (1 + 2 * 14)


def ledger(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(settings.state_dir / "requests.sqlite")) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.slow
@pytest.mark.recordings
def test_rebuild_reproduces_every_table_of_every_source(
    use: Callable[..., Settings], replay: Callable[..., Any], cli: Callable[..., Ended], tmp_path: Path
) -> None:
    server = replay(THURSDAY, floor="2026-08-01")
    settings = use(server.base_url, THURSDAY, KEY, **ALL)
    assert jobs.run(settings).exit_code == 0
    server.set_clock(FRIDAY)
    settings = use(server.base_url, FRIDAY, KEY, **ALL)
    assert jobs.run(settings).exit_code == 0
    assert jobs.backfill(settings, sources=["rankings-page-list", "rankings-page"]).exit_code == 0
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps({"data": [{"name": "Acme", "slug": "acme", "privacy_policy_url": None}]}))
    words = ("import", str(saved), "--origin", "a colleague", "--retrieved-at", "2026-08-19")
    assert cli(*words).code == 0
    before = everything(settings.warehouse_path)
    for name in (name for name in before if name.startswith("raw.")):
        landed = rows(settings.warehouse_path, f"select distinct source from {name}")
        assert {source for (source,) in landed} == {
            source.name for source in SOURCES.values() if name.removeprefix("raw.") in source.tables
        }
    offline = use("http://127.0.0.1:9", FRIDAY)
    asked = sent(server)
    assert jobs.rebuild(offline).exit_code == 0
    after = everything(settings.warehouse_path)
    assert [name for name in before if before[name] != after[name]] == []
    assert sent(server) == asked


@pytest.mark.slow
@pytest.mark.recordings
def test_captures_are_read_by_a_backfill_and_the_empty_shell_is_refused_when_imported(
    use: Callable[..., Settings], replay: Callable[..., Any], replay_module: Any, cli: Callable[..., Ended]
) -> None:
    server = replay(FRIDAY)
    settings = use(server.base_url, FRIDAY, **ALL)
    assert jobs.run(settings, ["exports", "models"]).exit_code == 0
    assert jobs.backfill(settings, sources=["rankings-page-list", "rankings-page"]).exit_code == 0
    windows = rows(
        settings.published_path,
        "select count(*), sum(total_tokens), min(window_start_date), max(window_end_date) "
        "from marts.fct_page_model_windows where ranking_window = 'week'",
    )
    assert windows == [(344, 5_636_904_228_987, date(2025, 11, 1), date(2025, 11, 7))]
    assert not [row for row in server.status()["requests"] if row["path"] == "/rankings"]
    shell = replay_module.DEFAULT_DATA / "rankings_html" / "rankings_20260521131239.html.gz"
    ended = cli("import", str(shell), "--origin", "saved by hand", "--retrieved-at", "2026-05-21T13:12:39Z")
    assert ended.code == 3
    assert re.search(r"empty shell: openrouter.ai/rankings has carried no data since 2026-05-17", ended.err)
    assert "Use the Data API with a key, or OpenRouter's keyless exports." in ended.err


@pytest.mark.slow
@pytest.mark.recordings
def test_what_was_fetched_wins_over_an_import_whatever_the_dates(
    use: Callable[..., Settings], replay: Callable[..., Any], cli: Callable[..., Ended], tmp_path: Path
) -> None:
    server = replay(FRIDAY, floor="2026-08-10")
    settings = use(server.base_url, FRIDAY, KEY)
    assert jobs.run(settings).exit_code == 0
    query = "select date, model_permaslug, total_tokens from marts.fct_model_tokens_daily order by all"
    before = rows(settings.published_path, query)
    days = {"start_date": "2026-08-09", "end_date": "2026-08-10"}
    body = {
        "data": [{"date": day, "model_permaslug": "a/b", "total_tokens": "7"} for day in days.values()],
        "meta": {"as_of": "2026-08-22T00:00:00Z", "version": "v1", **days},
    }
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps(body))
    ended = cli("import", str(saved), "--origin", "a colleague", "--retrieved-at", FRIDAY)
    assert ended.code == 0, ended.err
    # The day that the pipeline holds stays, the one that it lacks is filled.
    assert rows(settings.published_path, query) == [(date(2026, 8, 9), "a/b", 7), *before]
    loads = rows(settings.published_path, "select origin, landed_rows from meta.loads where origin is not null")
    assert loads == [("a colleague", 2)]


def test_real_files_are_not_imported_into_simulated_data(
    use: Callable[..., Settings],
    simulate: Callable[..., Any],
    small_world: World,
    cli: Callable[..., Ended],
    tmp_path: Path,
) -> None:
    server = simulate(small_world)
    use(server.base_url, server.now.isoformat(), KEY)
    assert cli("run", "--json").code == 0
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps({"data": [{"name": "Acme", "slug": "acme", "privacy_policy_url": None}]}))
    ended = cli("import", str(saved), "--origin", "a colleague", "--retrieved-at", "2025-03-01")
    assert ended.code == 2
    assert "holds simulated data (seed=7), and the file is real data; use another TOKENGROWTH_HOME" in ended.err


@pytest.mark.slow
def test_a_missed_snapshot_is_lost_and_a_missed_day_is_not(
    use: Callable[..., Settings], simulate: Callable[..., Any], cli: Callable[..., Ended]
) -> None:
    world = World(days=60)
    first = morning_after(date(2025, 2, 20))
    server = simulate(world, first)
    sources = {"TOKENGROWTH_SOURCES": "rankings-daily,models,providers,app-rankings"}
    jobs.run(use(server.base_url, first.isoformat(), KEY, **sources))
    later = first + timedelta(days=3)
    server.set_clock(later)
    settings = use(server.base_url, later.isoformat(), KEY, **sources)
    assert jobs.run(settings).exit_code == 0
    lost = rows(
        settings.published_path, "select source, date from marts.rpt_coverage where state = 'lost' order by all"
    )
    assert lost == [(name, date(2025, 2, 22) + timedelta(days=n)) for name in ("models", "providers") for n in range(2)]
    missing = rows(
        settings.published_path, "select source, count(*) from marts.rpt_coverage where state = 'missing' group by all"
    )
    assert missing == [("app-rankings", 54 - 17)]
    text = cli("status").out
    assert re.search(r"^models .*\N{BLACK SQUARE}xx  \N{BLACK SQUARE} +none$", text, re.MULTILINE)
