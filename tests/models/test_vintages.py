"""Which vintage of a day counts, and what is said of those that do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from tests.models.harness import Rankings, built, day, instant, rows

FIRST, SECOND = {"a/one": 100, "a/two": 50, "other": 10}, {"a/one": 110, "a/three": 60, "other": 20}


def received(*given: Rankings) -> Any:
    return built(*given, select=["+fct_model_tokens_daily", "+dim_model", "+growth_total", "rpt_revisions"])


def vintage(board: dict[str, int], as_of: datetime, fetched_at: datetime, load_id: str, *days: int) -> Rankings:
    return Rankings({day(offset): board for offset in days or (0,)}, as_of, fetched_at, load_id)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        # The newer as_of wins though it was fetched first; then fetched_at decides; then load_id.
        ((instant(2), instant(9), "z"), (instant(3), instant(3), "a")),
        ((instant(2), instant(2), "z"), (instant(2), instant(3), "a")),
        ((instant(2), instant(2), "a"), (instant(2), instant(2), "b")),
    ],
    ids=["as_of", "fetched_at", "load_id"],
)
@pytest.mark.parametrize("is_landed_first", [True, False])
def test_newest_vintage_replaces_the_whole_day(
    earlier: tuple[datetime, datetime, str], later: tuple[datetime, datetime, str], is_landed_first: bool
) -> None:
    given = [vintage(FIRST, *earlier), vintage(SECOND, *later)]
    connection = received(*(given if is_landed_first else reversed(given)))
    columns = "model_permaslug, total_tokens, rank, as_of, source"
    assert rows(connection, "fct_model_tokens_daily", columns) == [
        ("a/one", 110, 1, later[0], "rankings-daily"),
        ("a/three", 60, 2, later[0], "rankings-daily"),
        ("other", 20, None, later[0], "rankings-daily"),
    ]
    assert rows(connection, "dim_model", "model_permaslug") == [("a/one",), ("a/three",)]


def test_vintage_replaces_only_the_days_that_it_has() -> None:
    connection = received(
        vintage(FIRST, instant(3), instant(3), "a", 0, 1, 2), vintage(SECOND, instant(4), instant(4), "b", 1)
    )
    found = rows(connection, "fct_model_tokens_daily", "date, total_tokens", "model_permaslug = 'a/one'")
    assert found == [(day(0), 100), (day(1), 110), (day(2), 100)]


def test_day_is_provisional_until_the_second_midnight_after_its_start() -> None:
    connection = received(
        vintage(FIRST, instant(3, 8), instant(3, 8), "a", 0, 1, 2), vintage(FIRST, instant(1, 8), instant(1, 8), "b", 0)
    )
    found = rows(connection, "fct_model_tokens_daily", "distinct date, is_provisional")
    assert found == [(day(0), False), (day(1), False), (day(2), True)]
    assert rows(connection, "growth_total", "date, is_provisional") == found


def test_provisional_day_marks_each_window_that_contains_it() -> None:
    connection = received(
        vintage(FIRST, instant(1, 8), instant(1, 8), "a", 0),
        vintage(FIRST, instant(20), instant(20), "b", *range(1, 10)),
    )
    found = rows(connection, "growth_total", "date, is_provisional")
    assert found == [(day(offset), offset <= 6) for offset in range(10)]


def test_revisions_compare_the_first_vintage_with_the_last() -> None:
    connection = received(
        vintage(FIRST, instant(2), instant(2), "a", 0, 1),
        vintage({"a/one": 7}, instant(3), instant(3), "b"),
        vintage(SECOND, instant(4), instant(4), "c"),
    )
    columns = "date, model_permaslug, vintages, first_as_of, last_as_of, first_tokens, last_tokens, change_tokens"
    found = rows(connection, "rpt_revisions", f"{columns}, round(change_pct, 6), is_restated")
    between = (3, instant(2), instant(4))
    assert found == [
        (day(0), "a/one", *between, 100, 110, 10, 10.0, True),
        (day(0), "a/three", *between, None, 60, None, None, True),
        (day(0), "a/two", *between, 50, None, None, None, True),
        (day(0), "other", *between, 10, 20, 10, 100.0, True),
    ]


def test_revisions_know_what_stayed_and_what_was_nothing() -> None:
    board = {"a/one": 100, "a/two": 0}
    connection = received(
        vintage(board, instant(2), instant(2), "a"), vintage(board | {"a/two": 5}, instant(3), instant(3), "b")
    )
    found = rows(connection, "rpt_revisions", "model_permaslug, change_tokens, change_pct, is_restated")
    assert found == [("a/one", 0, 0.0, False), ("a/two", 5, None, True)]


def test_a_settled_figure_is_compared_with_the_last_vintage_only_where_it_was_settled() -> None:
    connection = received(
        vintage({"a/one": 90}, instant(1), instant(1), "a"),
        vintage({"a/one": 100}, instant(2), instant(2), "b"),
        vintage({"a/one": 103}, instant(3), instant(3), "c"),
        vintage({"b/one": 5}, instant(6, 1), instant(6, 1), "d", 5),
        vintage({"b/one": 6}, instant(6, 2), instant(6, 2), "e", 5),
    )
    found = rows(connection, "rpt_revisions", "date, first_tokens, settled_tokens, last_tokens, settled_change_pct")
    assert [row[:4] for row in found] == [(day(0), 90, 100, 103), (day(5), 5, None, 6)]
    assert found[0][4] == pytest.approx(3)
    assert found[1][4] is None


def test_another_source_or_an_import_is_no_restatement() -> None:
    board = {"a/one": 100}
    connection = received(
        vintage(board, instant(2), instant(2), "a"),
        vintage(board, instant(3), instant(3), "b"),
        replace(vintage({"a/one": 104}, instant(4), instant(4), "c"), source="exports"),
        replace(vintage({"a/one": 3}, instant(5), instant(5), "d"), origin="a colleague"),
    )
    found = rows(connection, "rpt_revisions", "vintages, first_tokens, last_tokens, is_restated")
    assert found == [(2, 100, 100, False)]
    assert rows(connection, "fct_model_tokens_daily", "total_tokens") == [(100,)]
