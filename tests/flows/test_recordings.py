"""The whole job on recorded answers of OpenRouter: figures, restatements, day by day against all at once."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from types import ModuleType
from typing import Any

import duckdb
import pytest

from pipeline import jobs
from pipeline.settings import Settings
from pipeline.sources import SOURCES
from tests.conftest import KEY, Ended

pytestmark = pytest.mark.recordings

NOON = "2026-08-22T13:00:00Z"
MORNING = "2026-08-22T08:00:00Z"


def table(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.published_path), read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(scope="session")
def recorded_days(replay_module: ModuleType) -> dict[tuple[date, str], int]:
    """The newest recorded figure of each model and day, read from the recording itself."""
    newest: dict[date, tuple[str, dict[str, int]]] = {}
    path = replay_module.DEFAULT_DATA / "rankings_daily_vintages.csv.gz"
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            day = date.fromisoformat(row["date"])
            if day not in newest or newest[day][0] < row["as_of"]:
                newest[day] = (row["as_of"], {})
            if newest[day][0] == row["as_of"]:
                newest[day][1][row["model_permaslug"]] = int(row["total_tokens"])
    return {(day, slug): tokens for day, (_, slugs) in newest.items() for slug, tokens in slugs.items()}


@pytest.mark.parametrize("key", [KEY, None], ids=["with a key", "keyless"])
def test_the_loaded_figures_are_the_recorded_ones(
    key: str | None,
    use: Callable[..., Settings],
    replay: Callable[..., Any],
    cli: Callable[..., Ended],
    recorded_days: dict[tuple[date, str], int],
) -> None:
    server = replay(NOON)
    settings = use(server.base_url, NOON, key)
    ended = cli("run")
    assert ended.code == 0, ended.err
    assert "2026-08-21" in ended.out
    first = "2026-08-14"
    loaded = table(
        settings,
        "select date, model_permaslug, total_tokens from marts.fct_model_tokens_daily "
        f"where date between '{first}' and '2026-08-20'",
    )
    assert len(loaded) == 7 * 51
    assert {(day, slug): tokens for day, slug, tokens in loaded} == {
        (day, slug): tokens
        for (day, slug), tokens in recorded_days.items()
        if date(2026, 8, 14) <= day <= date(2026, 8, 20)
    }


def test_the_catalogue_of_the_hour_decides_what_is_unmatched(
    use: Callable[..., Settings], replay: Callable[..., Any], tmp_path: Any
) -> None:
    query = "select count(*), coalesce(sum(share_pct), 0) from marts.rpt_unmatched_models where date = '2026-08-21'"
    server = replay(MORNING)
    morning = use(server.base_url, MORNING, KEY, TOKENGROWTH_HOME=str(tmp_path / "morning"))
    jobs.run(morning)
    count, share = table(morning, query)[0]
    assert (count, round(share, 1)) == (9, 21.2)
    server.set_clock(NOON)
    noon = use(server.base_url, NOON, KEY, TOKENGROWTH_HOME=str(tmp_path / "noon"))
    jobs.run(noon)
    assert table(noon, query) == [(0, 0.0)]


@pytest.mark.slow
def test_day_by_day_gives_the_same_tables_as_one_backfill(
    use: Callable[..., Settings], replay: Callable[..., Any], tmp_path: Any
) -> None:
    server = replay("2026-06-29T08:00:00Z")
    clock = datetime.fromisoformat("2026-06-29T08:00:00+00:00")
    end = datetime.fromisoformat("2026-08-22T08:00:00+00:00")
    while clock <= end:
        server.set_clock(clock)
        daily = use(server.base_url, clock.isoformat(), KEY, TOKENGROWTH_HOME=str(tmp_path / "daily"))
        with jobs.writing(daily, "run") as job:
            # Only the last day is built: a build depends on what is landed, not on how often it was built.
            job.fetch(SOURCES["rankings-daily"], partial(job.run_want, target=(clock - jobs.DAY).date()))
            job.land()
        clock += timedelta(days=1)
    jobs.build(daily)
    once = use(server.base_url, end.isoformat(), KEY, TOKENGROWTH_HOME=str(tmp_path / "once"))
    outcome = jobs.backfill(once, date(2026, 6, 21))
    assert outcome.exit_code == 0
    for name, left_out in (
        ("fct_model_tokens_daily", "as_of, source, is_provisional"),
        ("fct_token_growth_daily", "is_provisional"),
    ):
        query = f"select * exclude ({left_out}) from marts.{name} order by all"
        assert table(daily, query) == table(once, query), name
    restated = table(
        daily,
        "select date, model_permaslug, change_pct from marts.rpt_revisions where is_restated order by abs(change_pct)",
    )
    assert restated
    assert table(once, "select count(*) from marts.rpt_revisions") == [(0,)]
    assert abs(restated[-1][2]) <= 1.4e-2


def test_a_walk_over_the_keyless_exports_reaches_the_first_recorded_day(
    use: Callable[..., Settings], replay: Callable[..., Any], cli: Callable[..., Ended]
) -> None:
    server = replay(NOON)
    settings = use(server.base_url, NOON)
    assert cli("run").code == 0
    ended = cli("backfill", "--json")
    outcome = json.loads(ended.out)
    assert ended.code == 0
    assert table(settings, "select min(date), max(date), count(*) from marts.growth_total") == [
        (date(2026, 6, 21), date(2026, 8, 21), 62)
    ]
    assert outcome["sources"][0]["missing_days"] == 0
    asked = server.status()["total"]
    assert cli("backfill").code == 0
    assert server.status()["total"] == asked


def test_a_free_launch_and_its_end_are_found_and_explained(
    use: Callable[..., Settings], replay: Callable[..., Any], cli: Callable[..., Ended]
) -> None:
    """In July 2026 a free model took more than a fifth of all tokens for two weeks; nothing in the code names it."""
    free, paid = "tencent/hy3-20260706:free", "tencent/hy3-20260706"
    server = replay(MORNING)
    settings = use(server.base_url, MORNING, KEY)
    assert jobs.run(settings).exit_code == 0
    assert jobs.backfill(settings).exit_code == 0
    events = table(
        settings,
        f"select kind, date, related_entity, size from marts.fct_events where entity = '{free}' order by date, kind",
    )
    assert [row[:3] for row in events] == [
        ("free_launch", date(2026, 7, 6), None),
        ("top_10_entry", date(2026, 7, 7), None),
        ("exit", date(2026, 7, 21), None),
        ("free_end", date(2026, 7, 21), None),
        ("free_to_paid", date(2026, 7, 21), paid),
    ]
    assert events[-1][3] == pytest.approx(40.2, abs=0.1)
    shares = dict(
        table(
            settings,
            "select date, share_pct from marts.fct_token_growth_daily "
            "where dimension = 'price_class' and entity = 'free_variant'",
        )
    )
    assert shares[date(2026, 7, 6)] < 6
    assert shares[date(2026, 7, 19)] > 27
    assert shares[date(2026, 7, 21)] < 5

    def explained(day: str, by: str) -> tuple[dict[str, float], list[tuple[str, str]]]:
        found = json.loads(cli("explain", "--date", day, "--by", by, "--json").out)
        steps = {step["entity"]: step["contribution_pp"] for step in found["steps"]}
        return steps, [(event["entity"], event["what"]) for event in found["events"]]

    launched, events_then = explained("2026-07-14", "price")
    assert max(launched, key=lambda entity: launched[entity]) == "free_variant"
    assert launched["free_variant"] == pytest.approx(18.7, abs=0.1)
    assert (free, "free launch") in events_then
    by_organisation, _ = explained("2026-07-14", "organisation")
    assert max(by_organisation, key=lambda entity: by_organisation[entity]) == "tencent"
    ended, events_then = explained("2026-07-27", "price")
    assert min(ended, key=lambda entity: ended[entity]) == "free_variant"
    assert ended["free_variant"] == pytest.approx(-18.7, abs=0.1)
    assert events_then[0] == (free, "free to paid, free end, exit")
