"""Filtered rankings: which answer is current, what a slice used, and whether the context buckets add up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from tests.models.answers import BUCKETS, LATE, Answer, bucket, filtered, modality
from tests.models.answers import built as build_answers
from tests.models.harness import Board, boards, day, final, instant, rows

SELECT = [
    "+rpt_context_totals",
    "+fct_slice_tokens_daily",
    "+fct_slice_model_tokens_daily",
    "+fct_estimate_tokens_weekly",
    "+fct_estimate_model_tokens_weekly",
]
MONDAY = date(2025, 1, 6)


def category(name: str, given: Mapping[date, Board], as_of: datetime = LATE, **more: Any) -> Answer:
    return filtered("rankings-categories", "category", name, given, as_of, **more)


def built(*answers: Answer, totals: Mapping[date, Board] | None = None) -> duckdb.DuckDBPyConnection:
    """A warehouse with these answers, and daily rankings where `totals` are given."""
    return build_answers(*([final(totals)] if totals else []), *answers, select=SELECT)


def test_a_slice_has_its_tokens_and_its_share_of_the_day() -> None:
    connection = built(
        bucket("1K", boards([{"a/one": 30, "other": 10}])),
        modality("text", boards([{"a/one": 100}, {"a/one": 5}])),
        modality("image", boards([{"a/one": 60}])),
        totals=boards([{"a/one": 90, "other": 10}]),
    )
    found = rows(
        connection, "fct_slice_tokens_daily", "dimension, slice, date, total_tokens, share_pct, is_exact_partition"
    )
    assert found == [
        ("context_bucket", "1K", day(0), 40, 40.0, True),
        ("modality", "image", day(0), 60, 60.0, False),
        ("modality", "text", day(0), 100, 100.0, False),
        ("modality", "text", day(1), 5, None, False),
    ]


def test_models_are_ranked_within_their_slice_and_other_has_no_rank() -> None:
    board = {"a/two": 20, "a/one": 20, "other": 99, "b/three": 30}
    connection = built(bucket("1K", boards([board, {"a/one": 1}])), bucket("10K", boards([{"a/one": 7}])))
    found = rows(connection, "fct_slice_model_tokens_daily", "slice, date, rank, model_permaslug, total_tokens")
    assert found == [
        ("10K", day(0), 1, "a/one", 7),
        ("1K", day(0), 1, "b/three", 30),
        ("1K", day(0), 2, "a/one", 20),
        ("1K", day(0), 3, "a/two", 20),
        ("1K", day(0), None, "other", 99),
        ("1K", day(1), 1, "a/one", 1),
    ]


def test_the_newest_answer_replaces_the_days_that_it_covers() -> None:
    connection = built(
        bucket("1K", boards([{"a/one": 1, "a/two": 2}, {"a/one": 3}, {"a/one": 4}]), instant(5)),
        bucket("1K", boards([{"a/one": 10}, None, {"a/one": 40}]), instant(6)),
        bucket("10K", boards([{"a/one": 7}]), instant(4)),
    )
    assert rows(connection, "fct_slice_model_tokens_daily", "slice, date, model_permaslug, total_tokens") == [
        ("10K", day(0), "a/one", 7),
        ("1K", day(0), "a/one", 10),
        ("1K", day(2), "a/one", 40),
    ]
    # A day between others of the newest answer is held, with nothing used.
    assert rows(connection, "fct_slice_tokens_daily", "date, total_tokens, as_of", "slice = '1K'") == [
        (day(0), 10, instant(6)),
        (day(1), 0, instant(6)),
        (day(2), 40, instant(6)),
    ]


def test_what_was_fetched_wins_over_what_was_imported() -> None:
    connection = built(
        bucket("1K", boards([{"a/one": 1}]), instant(5)),
        bucket("1K", boards([{"a/one": 2}]), instant(6), origin="file"),
        category("legal", {MONDAY: {"a/one": 1}}, instant(20)),
        category("legal", {MONDAY: {"a/one": 2}}, instant(21), origin="file"),
    )
    assert rows(connection, "fct_slice_tokens_daily", "total_tokens") == [(1,)]
    assert rows(connection, "fct_estimate_tokens_weekly", "estimated_tokens") == [(1,)]


def test_a_day_that_was_asked_on_the_day_after_is_provisional() -> None:
    connection = built(
        bucket("1K", boards([{"a/one": 1}, {"a/one": 1}]), instant(2, 7)),
        totals=boards([{"a/one": 5}, {"a/one": 5}]),
    )
    for table in ("fct_slice_tokens_daily", "fct_slice_model_tokens_daily"):
        assert rows(connection, table, "date, is_provisional") == [(day(0), False), (day(1), True)]
    assert rows(connection, "rpt_context_totals", "date, is_provisional") == [(day(0), False), (day(1), True)]


REPORT = "total_tokens, bucket_tokens, difference_tokens, difference_pct, buckets, is_complete, adds_up"


def split(tokens: int, *names: str) -> list[Answer]:
    return [bucket(name, boards([{"a/one": tokens}])) for name in names]


@pytest.mark.parametrize(
    ("tokens", "names", "expected"),
    [
        (20, BUCKETS, (100, 100, 0, 0.0, 5, True, True)),
        (21, BUCKETS, (100, 105, 5, 5.0, 5, True, False)),
        (19, BUCKETS, (100, 95, -5, -5.0, 5, True, False)),
        (20, BUCKETS[:4], (100, 80, None, None, 4, False, None)),
        (20, (), (100, None, None, None, 0, False, None)),
    ],
)
def test_the_buckets_of_a_day_are_held_against_its_total(
    tokens: int, names: tuple[str, ...], expected: tuple[Any, ...]
) -> None:
    connection = built(*split(tokens, *names), totals=boards([{"a/one": 60, "other": 40}]))
    assert rows(connection, "rpt_context_totals", REPORT) == [expected]


def test_a_total_without_tokens_has_no_difference_in_percent() -> None:
    connection = built(*split(0, *BUCKETS), totals=boards([{"a/one": 0}]))
    assert rows(connection, "rpt_context_totals", REPORT) == [(0, 0, 0, None, 5, True, True)]


def test_a_bucket_without_rows_between_others_is_held_and_empty() -> None:
    full = [{"a/one": 1}] * 3
    gap = bucket("10M", boards([{"a/one": 1}, None, {"a/one": 1}]))
    four = [bucket(name, boards(full)) for name in BUCKETS[:4]]
    connection = built(*four, gap, totals=boards([{"a/one": 5}, {"a/one": 4}, {"a/one": 5}]))
    assert rows(connection, "rpt_context_totals", "date, buckets, adds_up") == [
        (day(0), 5, True),
        (day(1), 5, True),
        (day(2), 5, True),
    ]


def test_a_bucket_counts_as_empty_before_the_floor_that_an_answer_has_shown() -> None:
    four = [bucket(name, boards([{"a/one": 1}] * 3)) for name in BUCKETS[:4]]
    totals = boards([{"a/one": 4}, {"a/one": 4}, {"a/one": 5}])
    later = boards([{"a/one": 1}], start=2)
    unknown = built(*four, bucket("10M", later), totals=totals)
    assert rows(unknown, "rpt_context_totals", "date, buckets") == [(day(0), 4), (day(1), 4), (day(2), 5)]
    shown = built(*four, bucket("10M", later, floor_date=day(2)), totals=totals)
    assert rows(shown, "rpt_context_totals", "date, buckets, adds_up") == [(day(n), 5, True) for n in range(3)]
    absent = built(*four, bucket("10M", later), bucket("10M", {}, floor_date=day(1)), totals=totals)
    assert rows(absent, "rpt_context_totals", "date, buckets") == [(day(0), 5), (day(1), 4), (day(2), 5)]


def test_a_day_that_is_held_disproves_a_later_floor() -> None:
    four = [bucket(name, boards([{"a/one": 1}] * 4)) for name in BUCKETS[:4]]
    old, new = boards([{"a/one": 1}], start=1), boards([{"a/one": 1}], start=3)
    connection = built(
        *four, bucket("10M", old), bucket("10M", new, floor_date=day(3)), totals=boards([{"a/one": 5}] * 4)
    )
    assert rows(connection, "rpt_context_totals", "date, buckets") == [
        (day(0), 4),
        (day(1), 5),
        (day(2), 4),
        (day(3), 5),
    ]


def test_the_newest_answer_replaces_the_weeks_that_it_holds() -> None:
    second = MONDAY + timedelta(days=7)
    connection = built(
        category("legal", {MONDAY: {"a/one": 1, "a/two": 2}, second: {"a/one": 3}}, instant(20)),
        category("legal", {second: {"other": 8, "b/two": 9, "b/one": 9}}, instant(21)),
        filtered("rankings-languages", "language_type", "natural", {MONDAY: {"a/one": 6}}, instant(20)),
    )
    columns = "dimension, slice, week_start_date, estimated_tokens, is_estimate, as_of"
    assert rows(connection, "fct_estimate_tokens_weekly", columns) == [
        ("category", "legal", MONDAY, 3, True, instant(20)),
        ("category", "legal", second, 26, True, instant(21)),
        ("language_type", "natural", MONDAY, 6, True, instant(20)),
    ]
    columns = "slice, week_start_date, rank, model_permaslug, estimated_tokens, is_estimate"
    assert rows(connection, "fct_estimate_model_tokens_weekly", columns) == [
        ("legal", MONDAY, 1, "a/two", 2, True),
        ("legal", MONDAY, 2, "a/one", 1, True),
        ("legal", second, 1, "b/one", 9, True),
        ("legal", second, 2, "b/two", 9, True),
        ("legal", second, None, "other", 8, True),
        ("natural", MONDAY, 1, "a/one", 6, True),
    ]
