"""Growth accounting: who came, stayed, grew, shrank, left, and what may only have crossed the cut-off."""

from __future__ import annotations

from typing import Any

import pytest

from tests.models.harness import Board, Catalogue, boards, built, day, final, instant, rows

PARTS = (
    "retained_tokens, new_tokens, resurrected_tokens, expansion_tokens, contraction_tokens, churned_tokens, "
    "threshold_in_tokens, threshold_out_tokens, tail_after_tokens - tail_before_tokens"
)
ADDED = ["+fct_growth_accounting", "+accounting_adds_up"]


def accounting(
    listed: list[Board], on: int, *catalogues: Catalogue, dimension: str = "model", window: int = 7
) -> tuple[Any, ...]:
    connection = built(final(boards(listed)), *catalogues, select=ADDED)
    where = f"dimension = '{dimension}' and date = date '{day(on)}' and window_days = {window}"
    (found,) = rows(connection, "fct_growth_accounting", PARTS, where)
    return found


def test_without_a_cutoff_every_part_is_exact() -> None:
    before = {"a/stays": 100, "b/grows": 10, "c/shrinks": 50, "d/leaves": 20}
    after = {"a/stays": 100, "b/grows": 40, "c/shrinks": 5, "e/new": 30}
    found = accounting([before] * 7 + [after] * 7, 13)
    assert found == (7 * 115, 7 * 30, 0, 7 * 30, 7 * 45, 7 * 20, 0, 0, 0)


def test_who_left_and_came_back_is_resurrected() -> None:
    here, away = {"a/stays": 100, "b/returns": 10}, {"a/stays": 100}
    assert accounting([here] * 7 + [away] * 7 + [here] * 7, 20) == (700, 0, 70, 0, 0, 0, 0, 0, 0)


def test_below_the_cutoff_only_the_excess_came_or_left() -> None:
    """A model outside the list has 20 at most, so of its 30 a day only 10 came for sure."""
    before = {"a/stays": 100, "z/cutoff": 20, "d/leaves": 50, "other": 60}
    after = {"a/stays": 100, "z/cutoff": 20, "e/new": 30, "other": 80}
    found = accounting([before] * 7 + [after] * 7, 13)
    assert found == (7 * 120, 7 * 10, 0, 0, 0, 7 * 30, 7 * 20, 7 * 20, 7 * 20)


def test_a_known_launch_was_not_there_before() -> None:
    before = {"a/stays": 100, "z/cutoff": 20, "other": 60}
    after = before | {"e/new": 30, "f/older": 30}
    catalogue = Catalogue(
        instant(13, 8), {"e/new": {"created_at": instant(7, 1)}, "f/older": {"created_at": instant(6)}}
    )
    found = accounting([before] * 7 + [after] * 7, 13, catalogue)
    assert found == (7 * 120, 7 * 30 + 7 * 10, 0, 0, 0, 0, 7 * 20, 0, 0)


def test_a_model_of_a_known_author_is_expansion_of_the_author() -> None:
    before = {"a/one": 100}
    assert accounting([before] * 7 + [before | {"a/two": 50}] * 7, 13, dimension="author")[:4] == (700, 0, 0, 350)
    assert accounting([before] * 7 + [before | {"a/two": 50}] * 7, 13)[:4] == (700, 350, 0, 0)


def test_four_weeks_against_four_weeks() -> None:
    found = accounting([{"a/one": 10}] * 28 + [{"a/one": 15, "b/new": 1}] * 28, 55, window=28)
    assert found == (280, 28, 0, 140, 0, 0, 0, 0, 0)


def test_quick_ratio_is_gained_to_lost() -> None:
    before, after = {"a/one": 100, "b/two": 40, "other": 50}, {"a/one": 160, "b/two": 20, "other": 500}
    connection = built(final(boards([before] * 7 + [after] * 7)), select=ADDED)
    where = f"dimension = 'model' and date = date '{day(13)}'"
    assert rows(connection, "fct_growth_accounting", "quick_ratio, change_tokens", where) == [(3.0, 7 * 490)]
    steady = built(final(boards([before] * 14)), select=ADDED)
    assert rows(steady, "fct_growth_accounting", "quick_ratio, change_tokens", where) == [(None, 0)]


def test_windows_with_a_missing_day_have_no_accounting() -> None:
    board = {"a/one": 100, "other": 5}
    connection = built(final(boards([None if offset == 10 else board for offset in range(30)])), select=ADDED)
    found = rows(connection, "fct_growth_accounting", "date", "dimension = 'model'")
    assert [on for (on,) in found] == [day(offset) for offset in range(24, 30)]


def test_every_part_of_the_market_is_accounted_for() -> None:
    before, after = {"a/one": 100, "a/two:free": 30, "other": 10}, {"a/one": 90, "b/three": 80, "other": 20}
    connection = built(final(boards([before] * 7 + [after] * 7)), select=ADDED)
    found = rows(connection, "fct_growth_accounting", "dimension, tokens_before, tokens_after", "window_days = 7")
    assert {row[1:] for row in found} == {(7 * 140, 7 * 190)}
    assert {row[0] for row in found} >= {"model", "author", "organisation", "price_class", "model_age"}


@pytest.mark.parametrize("dimension", ["total", "modality"])
def test_what_has_no_parts_has_no_accounting(dimension: str) -> None:
    connection = built(final(boards([{"a/one": 100}] * 14)), select=ADDED)
    assert rows(connection, "fct_growth_accounting", "date", f"dimension = '{dimension}'") == []
