"""What saved rankings pages add: windows and weeks, kept apart from days."""

from __future__ import annotations

import gzip
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipeline import models
from pipeline.archive import Fetch
from pipeline.sources.rankings_page import SOURCES
from tests.models.harness import MODELS, Rankings, boards, final, insert, landed, rows

_, SOURCE = SOURCES
RECORDING = Path(__file__).parents[3] / "shared" / "data" / "rankings_html" / "rankings_20251108044935.html.gz"
MARTS = [
    "+fct_page_model_windows",
    "+fct_page_app_windows",
    "+fct_page_model_weeks",
    "+fct_page_author_weeks",
    "+rpt_page_windows",
]
SATURDAY = datetime(2025, 1, 18, 5)  # day 17 of the harness
Row = dict[str, Any]
# Chart, bucket and entity to value.
Bars = Mapping[tuple[str, str, str], float]


def facts(captured_at: datetime, load_id: str, fetched_at: datetime | None = None) -> Row:
    return {
        "captured_at": captured_at,
        "as_of": captured_at,
        "fetched_at": fetched_at or datetime(2026, 1, 1),
        "load_id": load_id,
        "source": "rankings-page",
    }


def model(captured_at: datetime = SATURDAY, load_id: str = "page", **more: Any) -> Row:
    return {
        "ranking_window": "week",
        "model_permaslug": "a/one",
        "variant": "standard",
        "prompt_tokens": 300,
        "completion_tokens": 20,
        "requests": 4,
        "change_ratio": 0.5,
        "last_active_date": captured_at.date() - timedelta(1),
        **facts(captured_at, load_id),
        **more,
    }


def app(**more: Any) -> Row:
    known = {"ranking_window": "day", "app_id": 7, "app_name": "Anvil", "total_tokens": 120}
    return {**known, **facts(SATURDAY, "page"), **more}


def bars(captured_at: datetime, load_id: str, values: Bars) -> list[Row]:
    return [
        {"chart": chart, "bucket_date": date.fromisoformat(bucket), "entity": entity, "value": float(value)}
        | {"unit": "tokens"}
        | facts(captured_at, load_id)
        for (chart, bucket, entity), value in values.items()
    ]


def weekly(chart: str, first: str, totals: Iterable[float], entity: str = "a/one") -> Bars:
    """Consecutive weeks of one entity."""
    start = date.fromisoformat(first)
    return {(chart, str(start + timedelta(weeks=n)), entity): value for n, value in enumerate(totals)}


def built(
    *given: Rankings,
    models_: Iterable[Row] = (),
    apps: Iterable[Row] = (),
    charts: Iterable[Row] = (),
    imported: Collection[str] = (),
) -> duckdb.DuckDBPyConnection:
    """A warehouse with these rows of pages; `imported` names the loads that the pipeline did not fetch itself."""
    connection = landed(*given)
    loads: dict[str, Row] = {}
    for table, found in (("models", list(models_)), ("apps", list(apps)), ("charts", list(charts))):
        insert(connection, f"raw.page_{table}", found)
        for row in found:
            origin = "saved by hand" if row["load_id"] in imported else None
            known = {name: row[name] for name in ("load_id", "source", "fetched_at", "as_of")}
            loads[row["load_id"]] = {**known, "outcome": "landed", "is_simulated": False, "origin": origin}
    insert(connection, "meta.loads", list(loads.values()))
    models.require_passed(models.build(connection, MODELS, MARTS))
    return connection


WINDOWS = "ranking_window, window_start_date, window_end_date, model_permaslug, total_tokens"


def test_everything_builds_without_a_page() -> None:
    connection = built()
    for name in MARTS:
        assert rows(connection, name.removeprefix("+"), "count(*)") == [(0,)]


def test_windows_end_with_the_day_before_the_capture() -> None:
    connection = built(
        models_=[model(ranking_window=window, prompt_tokens=tokens) for window, tokens in (("day", 1), ("week", 7))]
        + [model(ranking_window="month", prompt_tokens=30)],
        apps=[app(ranking_window=window) for window in ("day", "week", "month")],
    )
    ends = date(2025, 1, 17)
    assert rows(connection, "fct_page_model_windows", WINDOWS) == [
        ("day", ends, ends, "a/one", 21),
        ("month", date(2024, 12, 19), ends, "a/one", 50),
        ("week", date(2025, 1, 11), ends, "a/one", 27),
    ]
    assert rows(connection, "fct_page_app_windows", "ranking_window, window_start_date, window_end_date") == [
        ("day", ends, ends),
        ("month", date(2024, 12, 19), ends),
        ("week", date(2025, 1, 11), ends),
    ]


def test_an_older_page_than_its_capture_says_so_by_its_newest_use() -> None:
    older = [model(last_active_date=date(2025, 1, on), variant=variant) for on, variant in ((15, "standard"), (3, "x"))]
    connection = built(models_=older, apps=[app()])
    assert rows(connection, "fct_page_model_windows", "distinct window_end_date") == [(date(2025, 1, 15),)]
    assert rows(connection, "fct_page_app_windows", "window_end_date") == [(date(2025, 1, 15),)]


def test_a_page_that_lists_use_of_its_own_day_still_counts_whole_days() -> None:
    connection = built(models_=[model(last_active_date=SATURDAY.date())])
    assert rows(connection, "fct_page_model_windows", "capture_date, window_end_date") == [
        (SATURDAY.date(), date(2025, 1, 17))
    ]


def test_variants_have_the_slugs_of_the_rankings() -> None:
    connection = built(models_=[model(), model(variant="free")])
    assert rows(connection, "fct_page_model_windows", "model_permaslug, variant, author, change_pct") == [
        ("a/one", "standard", "a", 50.0),
        ("a/one:free", "free", "a", 50.0),
    ]


def test_of_two_readings_of_a_page_the_newest_counts_window_by_window() -> None:
    later = {"load_id": "later", "fetched_at": datetime(2026, 1, 2)}
    connection = built(
        models_=[
            model(),
            model(variant="free"),
            model(ranking_window="day"),
            model(prompt_tokens=500, **later),
        ],
        apps=[app(), app(app_id=8), app(total_tokens=5, **later)],
    )
    assert rows(connection, "fct_page_model_windows", "ranking_window, model_permaslug, prompt_tokens") == [
        ("day", "a/one", 300),
        ("week", "a/one", 500),
    ]
    assert rows(connection, "fct_page_app_windows", "app_id, total_tokens") == [(7, 5)]


def test_what_the_pipeline_fetched_wins_over_what_was_imported_whatever_the_dates() -> None:
    later = datetime(2026, 2, 2)
    connection = built(
        models_=[
            model(load_id="fetched", prompt_tokens=1),
            model(load_id="imported", prompt_tokens=2) | {"fetched_at": later},
        ],
        charts=[
            *bars(datetime(2025, 2, 4, 5), "fetched", weekly("models", "2025-01-06", [1, 2, 3, 4])),
            *bars(datetime(2025, 3, 4, 5), "imported", weekly("models", "2025-01-06", [9, 9, 9, 9, 9, 9, 9])),
        ],
        imported=["imported"],
    )
    assert rows(connection, "fct_page_model_windows", "total_tokens") == [(21,)]
    weeks = rows(connection, "fct_page_model_weeks", "week_start_date, total_tokens")
    assert [tokens for _, tokens in weeks] == [2, 3, 4, 9, 9, 9]


def test_captures_of_one_day_stay_apart() -> None:
    evening = SATURDAY.replace(hour=20)
    connection = built(models_=[model(), model(evening, "evening")])
    assert rows(connection, "fct_page_model_windows", "capture_date, captured_at") == [
        (SATURDAY.date(), SATURDAY),
        (SATURDAY.date(), evening),
    ]


WEEKS = "week_start_date, model_permaslug, total_tokens"


def test_the_oldest_and_the_running_week_are_left_out() -> None:
    chart = weekly("models", "2024-12-23", [1, 2, 3, 4]) | weekly("models", "2024-12-23", [10, 20, 30, 40], "Others")
    connection = built(charts=bars(SATURDAY, "page", chart))
    assert rows(connection, "fct_page_model_weeks", WEEKS) == [
        (date(2024, 12, 30), "a/one", 2),
        (date(2024, 12, 30), "other", 20),
        (date(2025, 1, 6), "a/one", 3),
        (date(2025, 1, 6), "other", 30),
    ]


def test_a_week_is_whole_on_the_day_after_its_last() -> None:
    chart = weekly("models", "2025-01-06", [1, 2])
    assert built(charts=bars(datetime(2025, 1, 20), "page", chart)).execute(
        "select week_start_date, week_end_date from marts.fct_page_model_weeks"
    ).fetchall() == [(date(2025, 1, 13), date(2025, 1, 19))]
    sunday = bars(datetime(2025, 1, 19, 23, 59), "page", chart)
    assert rows(built(charts=sunday), "fct_page_model_weeks", WEEKS) == []
    # Read on Monday out of a cache of Sunday: the newest use tells.
    monday = datetime(2025, 1, 20)
    stale = [model(monday, last_active_date=date(2025, 1, 18))]
    cached = built(models_=stale, charts=bars(monday, "page", chart))
    assert rows(cached, "fct_page_model_weeks", WEEKS) == []


def test_a_week_is_that_of_the_newest_page_which_shows_it_whole() -> None:
    first = bars(SATURDAY, "first", weekly("models", "2024-12-23", [1, 2, 3, 4]))
    second = bars(SATURDAY + timedelta(7), "second", weekly("models", "2024-12-30", [0.5, 30.4, 40, 50]))
    found = rows(built(charts=first + second), "fct_page_model_weeks", f"{WEEKS}, captured_at")
    assert found == [
        (date(2024, 12, 30), "a/one", 2, SATURDAY),
        (date(2025, 1, 6), "a/one", 30, SATURDAY + timedelta(7)),
        (date(2025, 1, 13), "a/one", 40, SATURDAY + timedelta(7)),
    ]


def test_weeks_from_another_weekday_on_share_no_day() -> None:
    sundays = bars(SATURDAY, "first", weekly("authors", "2024-12-15", [1, 2, 3, 4, 5], "a"))
    later = SATURDAY + timedelta(7)
    mondays = bars(later, "second", weekly("authors", "2024-12-30", [10, 20, 30, 40], "others"))
    columns = "week_start_date, week_starts_on, author, total_tokens"
    assert rows(built(charts=sundays + mondays), "fct_page_author_weeks", columns) == [
        (date(2024, 12, 22), "Sunday", "a", 2),
        (date(2024, 12, 29), "Sunday", "a", 3),
        (date(2025, 1, 6), "Monday", "other", 20),
        (date(2025, 1, 13), "Monday", "other", 30),
    ]


def test_charts_of_days_and_unknown_charts_are_no_weeks() -> None:
    daily = {("models", f"2025-01-{day:02}", "a/one"): 1.0 for day in range(1, 10)}
    unknown = weekly("unknown_1", "2024-12-23", [1, 2, 3])
    connection = built(charts=bars(SATURDAY, "page", daily | unknown))
    assert rows(connection, "fct_page_model_weeks", WEEKS) == []
    assert rows(connection, "fct_page_author_weeks", "week_start_date") == []


def test_a_pages_week_is_held_against_the_loaded_days() -> None:
    week = final(boards([{"a/one": 400, "other": 100}] * 7, 10))
    page = [model(prompt_tokens=3400, completion_tokens=100), model(variant="free", prompt_tokens=5)]
    other = model(ranking_window="month", prompt_tokens=10**6)
    columns = "window_start_date, page_tokens, loaded_days, daily_tokens, difference_tokens, difference_pct"
    assert rows(built(week, models_=[*page, other]), "rpt_page_windows", columns) == [
        (date(2025, 1, 11), 3525, 7, 3500, 25, pytest.approx(25 / 35))
    ]
    partly = final(boards([{"a/one": 400}, None, {"a/one": 1}], 10))
    assert rows(built(partly, models_=page), "rpt_page_windows", columns) == [
        (date(2025, 1, 11), 3525, 2, None, None, None)
    ]


@pytest.mark.recordings
def test_the_recorded_page_lands_and_builds() -> None:
    if not RECORDING.exists():
        pytest.skip(f"the recorded pages are not beside this checkout ({RECORDING.parent.name}/ is missing)")
    body = gzip.decompress(RECORDING.read_bytes())
    url = "https://web.archive.org/web/20251108044935id_/https://openrouter.ai/rankings"
    fetch = Fetch(
        SOURCE.name, url, 200, "2026-08-22T13:00:00Z", "", len(body), {}, {"captured_at": "2025-11-08T00:00Z"}
    )
    parsed = SOURCE.parse(fetch, body)
    given = [pl.lit(value).alias(name) for name, value in facts(datetime(2025, 11, 8), "page").items()]
    landings = {table: frame.with_columns(given[1:]).to_dicts() for table, frame in parsed.frames.items()}
    connection = built(models_=landings["page_models"], apps=landings["page_apps"], charts=landings["page_charts"])
    columns = "window_start_date, window_end_date, page_tokens, loaded_days"
    assert rows(connection, "rpt_page_windows", columns) == [
        (date(2025, 11, 1), date(2025, 11, 7), 5_636_904_228_987, 0)
    ]
    spans = "min(week_start_date), max(week_start_date), count(distinct week_start_date), count(*)"
    assert rows(connection, "fct_page_model_weeks", spans) == [(date(2024, 11, 18), date(2025, 10, 27), 50, 500)]
    assert rows(connection, "fct_page_author_weeks", spans) == [(date(2024, 11, 10), date(2025, 10, 26), 51, 510)]
    shown = rows(connection, "fct_page_app_windows", "ranking_window, count(*)", "true group by ranking_window")
    assert shown == [("day", 20), ("month", 20), ("week", 20)]
