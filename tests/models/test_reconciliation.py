"""Two figures for one thing: which are held against each other, and on which side of its tolerance each falls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import duckdb
import pytest

from pipeline import models
from tests.models.harness import MODELS, Rankings, boards, built, day, final, insert, instant, landed, rows

REPORT = "comparison, date, entity, unit, reference_value, our_value, difference, difference_pct, tolerance, verdict"
LATE = instant(60)
Row = dict[str, Any]
# Rows of the tables that the report reads, by table; to the rows of the report.
Reconciled = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def empty() -> duckdb.DuckDBPyConnection:
    """A warehouse without rows, with the report and all that it reads."""
    connection = landed()
    models.require_passed(models.build(connection, MODELS, ["+rpt_reconciliation"]))
    return connection


@pytest.fixture
def reconciled(empty: duckdb.DuckDBPyConnection) -> Iterator[Reconciled]:
    """Build the report over given rows of what it reads."""

    def report(columns: str = REPORT, **tables: list[Row]) -> list[tuple[Any, ...]]:
        for name, given in tables.items():
            (table,) = (full_name for full_name, model in MODELS.items() if model.name == name)
            insert(empty, table, given)
        models.require_passed(models.build(empty, MODELS, ["rpt_reconciliation"]))
        return rows(empty, "rpt_reconciliation", columns)

    empty.begin()
    yield report
    empty.rollback()


def totals(exported: int, answered: int) -> list[Row]:
    """A day's total by the exports and by the Data API."""
    return [
        {"source": "exports", "date": day(0), "total_tokens": exported, "is_provisional": False},
        {"source": "rankings-daily", "date": day(0), "total_tokens": answered, "is_provisional": False},
    ]


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [
        (1_000_000, "agrees"),
        (1_000_500, "agrees"),
        (999_500, "agrees"),
        (1_000_501, "differs"),
        (999_499, "differs"),
        (0, "differs"),
    ],
)
def test_exports_and_data_api_agree_within_five_hundredths_of_a_percent(
    reconciled: Reconciled, ours: int, verdict: str
) -> None:
    difference = ours - 1_000_000
    percent = pytest.approx(difference / 10_000)
    assert reconciled(stg_ranking_totals=totals(1_000_000, ours)) == [
        ("exports", day(0), "all", "tokens", 1_000_000, ours, difference, percent, 0.05, verdict)
    ]


@pytest.mark.parametrize(("ours", "verdict"), [(0, "agrees"), (1, "differs")])
def test_of_nothing_there_is_no_percent(reconciled: Reconciled, ours: int, verdict: str) -> None:
    columns = "difference, difference_pct, verdict"
    assert reconciled(columns, stg_ranking_totals=totals(0, ours)) == [(ours, None, verdict)]


def test_a_day_that_one_of_the_two_holds_is_no_comparison(reconciled: Reconciled) -> None:
    alone = [
        {"source": source, "date": day(on), "total_tokens": 1} for on, source in ((1, "exports"), (2, "rankings-daily"))
    ]
    assert reconciled("date", stg_ranking_totals=[*alone, *totals(1, 1)]) == [(day(0),)]


@pytest.mark.parametrize(
    ("exported_at", "answered_at", "is_provisional"),
    [(LATE, LATE, False), (instant(1, 23), LATE, True), (LATE, instant(1), True), (instant(2), instant(2), False)],
)
def test_a_total_as_of_the_day_after_is_provisional_on_either_side(
    exported_at: datetime, answered_at: datetime, is_provisional: bool
) -> None:
    board = boards([{"a/one": 1}])
    given = Rankings(board, exported_at, source="exports"), Rankings(board, answered_at)
    connection = built(*given, select=["+rpt_reconciliation"])
    assert rows(connection, "rpt_reconciliation", "is_provisional", "comparison = 'exports'") == [(is_provisional,)]


def week(tokens: int | None, captured_at: datetime) -> Row:
    """The week of a page with 1,000 tokens, which ends with day 9."""
    return {
        "captured_at": captured_at,
        "window_start_date": day(3),
        "window_end_date": day(9),
        "page_tokens": 1_000,
        "daily_tokens": tokens,
    }


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [(1_005, "agrees"), (995, "agrees"), (1_006, "differs"), (994, "differs"), (None, "not comparable")],
)
def test_a_pages_week_agrees_within_half_a_percent(reconciled: Reconciled, ours: int | None, verdict: str) -> None:
    difference = None if ours is None else ours - 1_000
    percent = None if difference is None else pytest.approx(difference / 10)
    assert reconciled(rpt_page_windows=[week(ours, instant(10, 5))]) == [
        ("page weeks", day(9), "2025-01-11 05:00:00", "tokens", 1_000, ours, difference, percent, 0.5, verdict)
    ]


def test_pages_whose_weeks_end_on_one_day_stay_apart(reconciled: Reconciled) -> None:
    given = [week(1_000, instant(10, 5)), week(0, instant(10, 20))]
    provisional = [{"board": "rankings", "date": day(9), "is_provisional_7d": True}]
    assert reconciled("date, entity, verdict, is_provisional", rpt_page_windows=given, int_board_days=provisional) == [
        (day(9), "2025-01-11 05:00:00", "agrees", True),
        (day(9), "2025-01-11 20:00:00", "differs", True),
    ]


@pytest.mark.parametrize("is_provisional", [True, False])
@pytest.mark.parametrize(
    ("ours", "is_complete", "difference", "verdict"),
    [
        (100, True, 0, "agrees"),
        (101, True, 1, "differs"),
        (99, True, -1, "differs"),
        (100, False, None, "not comparable"),
        (None, False, None, "not comparable"),
    ],
)
def test_context_buckets_add_up_to_the_token(
    reconciled: Reconciled,
    ours: int | None,
    is_complete: bool,
    difference: int | None,
    verdict: str,
    is_provisional: bool,
) -> None:
    given = {"date": day(0), "total_tokens": 100, "bucket_tokens": ours}
    known = {"is_complete": is_complete, "is_provisional": is_provisional}
    shown = ours if is_complete else None
    percent = None if difference is None else float(difference)
    found = reconciled(f"{REPORT}, is_provisional", rpt_context_totals=[given | known])
    assert found == [
        ("contexts", day(0), "all", "tokens", 100, shown, difference, percent, 0.0, verdict, is_provisional)
    ]


@pytest.mark.parametrize("is_provisional", [True, False])
@pytest.mark.parametrize(
    ("ours", "total", "is_whole", "difference", "verdict"),
    [
        (60, 100, True, -40, "agrees"),
        (100, 100, True, 0, "agrees"),
        (101, 100, True, 1, "differs"),
        (60, 100, False, None, "not comparable"),
        (60, None, True, None, "not comparable"),
    ],
)
def test_apps_use_no_more_than_the_day(
    reconciled: Reconciled,
    ours: int,
    total: int | None,
    is_whole: bool,
    difference: int | None,
    verdict: str,
    is_provisional: bool,
) -> None:
    given = {"date": day(0), "app_tokens": ours, "total_tokens": total}
    known = {"is_whole": is_whole, "is_provisional": is_provisional}
    shown = ours if is_whole else None
    percent = None if difference is None else float(difference)
    assert reconciled(f"{REPORT}, is_provisional", fct_app_residual_daily=[given | known]) == [
        ("apps", day(0), "all", "tokens", total, shown, difference, percent, None, verdict, is_provisional)
    ]


def trend(
    app_id: int, rank: int, excess: float | None, ours: int | None = 1_000, retrieved: int = 8, **more: Any
) -> Row:
    """An app of a trending list whose window ends with day 7; not comparable without an excess by ours."""
    return {
        "date": day(retrieved),
        "app_id": app_id,
        "rank": rank,
        "window_start_date": day(1),
        "window_end_date": day(7),
        "total_tokens": 1_000,
        "our_total_tokens": None if excess is None else ours,
        "our_excess_tokens": excess,
        "is_comparable": excess is not None,
        "is_provisional": False,
        **more,
    }


@pytest.mark.parametrize(
    ("excess", "ours", "verdict"),
    [
        (1.0, 1_001, "agrees"),
        (1.0, 999, "agrees"),
        (1.0, 1_002, "differs"),
        (1.0, 998, "differs"),
        (None, None, "not comparable"),
    ],
)
def test_the_tokens_of_a_trending_app_agree_within_a_tenth_of_a_percent(
    reconciled: Reconciled, excess: float | None, ours: int | None, verdict: str
) -> None:
    difference = None if ours is None else ours - 1_000
    percent = None if difference is None else pytest.approx(difference / 10)
    found = reconciled(fct_app_trending=[trend(7, 1, excess, ours)])
    assert [row for row in found if row[0] == "trending tokens"] == [
        ("trending tokens", day(7), "7", "tokens", 1_000, ours, difference, percent, 0.1, verdict)
    ]


def test_ranks_are_places_among_the_comparable_apps_of_a_list(reconciled: Reconciled) -> None:
    given = [trend(5, 1, None), trend(9, 2, 80.0), trend(6, 3, 30.5), trend(7, 4, 40.0), trend(8, 9, 10.0)]
    found = reconciled(fct_app_trending=given)
    assert [row for row in found if row[0] == "trending rank"] == [
        ("trending rank", day(7), "6", "rank", 2, 3, 1, None, 0.0, "differs"),
        ("trending rank", day(7), "7", "rank", 3, 2, -1, None, 0.0, "differs"),
        ("trending rank", day(7), "8", "rank", 4, 4, 0, None, 0.0, "agrees"),
        ("trending rank", day(7), "9", "rank", 1, 1, 0, None, 0.0, "agrees"),
    ]


RANKS = "entity, reference_value, our_value, difference, verdict"


def ranks(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows of the ranks alone, without their unit in front."""
    return [row[1:] for row in found if row[0] == "rank"]


@pytest.mark.parametrize("excess", [0.0, -3.0])
def test_an_app_that_is_listed_without_an_excess_by_ours_has_no_place(reconciled: Reconciled, excess: float) -> None:
    given = [trend(7, 1, excess), trend(8, 2, 5.0)]
    assert ranks(reconciled(f"unit, {RANKS}", fct_app_trending=given)) == [
        ("7", 1, None, None, "differs"),
        ("8", 2, 1, -1, "differs"),
    ]


def test_equal_excess_is_ranked_by_number(reconciled: Reconciled) -> None:
    given = [trend(10, 1, 5.0), trend(9, 2, 5.0)]
    assert ranks(reconciled(f"unit, {RANKS}", fct_app_trending=given)) == [
        ("10", 1, 2, 1, "differs"),
        ("9", 2, 1, -1, "differs"),
    ]


def test_of_two_lists_of_one_window_the_newest_counts(reconciled: Reconciled) -> None:
    older = [trend(7, 1, 5.0), trend(6, 2, 4.0)]
    other_window = {"window_start_date": day(0), "window_end_date": day(6)}
    given = [*older, trend(7, 1, 5.0, 2_000, retrieved=9), trend(7, 1, 5.0, retrieved=7, **other_window)]
    columns = "comparison, date, entity, our_value"
    assert reconciled(columns, fct_app_trending=given) == [
        ("trending rank", day(6), "7", 1),
        ("trending rank", day(7), "7", 1),
        ("trending tokens", day(6), "7", 1_000),
        ("trending tokens", day(7), "7", 2_000),
    ]


def test_one_provisional_app_makes_the_places_of_all_provisional(reconciled: Reconciled) -> None:
    given = [trend(7, 1, 5.0, is_provisional=True), trend(8, 2, 4.0)]
    assert reconciled("unit, entity, is_provisional", fct_app_trending=given) == [
        ("rank", "7", True),
        ("rank", "8", True),
        ("tokens", "7", True),
        ("tokens", "8", False),
    ]


def test_no_rows_make_no_report(reconciled: Reconciled) -> None:
    assert reconciled() == []


def test_each_source_of_rankings_speaks_with_its_own_current_vintage() -> None:
    """Newest as_of of each; and what was fetched wins over what was imported, source by source."""
    listed = {"a/one": 60, "other": 40}
    connection = landed(
        final(boards([listed, {"a/one": 7}])),
        Rankings(boards([{"a/one": 1}]), LATE, load_id="imported"),
        Rankings(boards([{"a/one": 2}]), instant(3), source="exports"),
        Rankings(boards([{"a/one": 70, "other": 31}]), instant(4), source="exports"),
    )
    connection.execute("update meta.loads set origin = 'file' where load_id = 'imported'")
    models.require_passed(models.build(connection, MODELS, ["+rpt_reconciliation"]))
    columns = "date, reference_value, our_value, verdict, is_provisional"
    exports = "comparison = 'exports'"
    assert rows(connection, "rpt_reconciliation", columns, exports) == [(day(0), 101, 100, "differs", False)]
    # The day that only one of them holds is held against its context buckets, of which there are none.
    assert rows(connection, "rpt_reconciliation", "comparison, date, verdict", "comparison <> 'exports'") == [
        ("contexts", day(0), "not comparable"),
        ("contexts", day(1), "not comparable"),
    ]
