"""The growth table, case by case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.models.harness import GROWTH, Board, Catalogue, boards, built, day, final, instant, rows, series

PLAIN = {"a/one": 100, "b/two": 20, "other": 50}


def growth_of(listed: Iterable[Board | None], *catalogues: Catalogue) -> Any:
    return built(final(boards(list(listed))), *catalogues, select=[GROWTH, "fct_model_tokens_daily"])


def approximately(*values: float | None) -> list[Any]:
    return [None if value is None else pytest.approx(value) for value in values]


def test_model_that_leaves_is_below_the_cutoff_until_it_returns() -> None:
    absent = {10, 11}
    base = {"a/one": 100, "c/low": 20, "other": 30}
    listed = [base if offset in absent else base | {"b/two": 50} for offset in range(27)]
    connection = growth_of(listed)
    columns = "total_tokens, tokens_7d, tokens_7d_low, tokens_7d_high, is_censored, is_growth_7d_censored"
    found = series(connection, "model b/two", columns)
    assert len(found) == 27
    assert found[9] == (50, 350, 350, 350, False, False)
    assert found[10] == (None, None, 300, 320, True, True)  # the cut-off is 20
    assert found[11] == (None, None, 250, 290, True, True)
    assert found[16] == (50, None, 250, 290, True, True)
    assert found[17] == (50, None, 300, 320, True, True)
    assert found[18] == (50, 350, 350, 350, False, True)
    assert found[24] == (50, 350, 350, 350, False, True)
    assert found[25] == (50, 350, 350, 350, False, False)
    growth = series(connection, "model b/two", "growth_7d_pct, growth_7d_low_pct, growth_7d_high_pct")
    assert growth[12] == (None, None, None)  # the week before begins before the data
    assert growth[13] == (None, *approximately(100 * (250 / 350 - 1), 100 * (290 / 350 - 1)))
    assert growth[18] == (None, *approximately(100 * (350 / 290 - 1), 100 * (350 / 250 - 1)))
    assert growth[25] == (0.0, 0.0, 0.0)
    daily = series(connection, "model b/two", "growth_1d_pct, delta_1d_tokens, rank")
    assert daily[9:14] == [(0.0, 0, 2), (None, None, None), (None, None, None), (None, None, 2), (0.0, 0, 2)]


def test_bound_of_an_absent_model_is_other_where_that_is_smaller_than_the_cutoff() -> None:
    board = {"a/one": 100, "other": 30}
    connection = growth_of([board | {"b/two": 50}, *[board] * 6])
    assert series(connection, "model b/two", "tokens_7d_low, tokens_7d_high")[6] == (50, 50 + 6 * 30)


def test_absence_on_a_day_without_other_is_zero() -> None:
    connection = growth_of([{"a/one": 100, "b/two": 50}, *[{"a/one": 100}] * 13])
    found = series(connection, "model b/two", "tokens_7d_low, tokens_7d_high, is_censored, growth_7d_high_pct")
    assert found[6] == (50, 50, False, None)
    assert found[13] == (0, 0, False, pytest.approx(-100))
    assert series(connection, "model other", "total_tokens, tokens_7d, share_pct")[13] == (0, 0, 0.0)
    assert {cutoff for (cutoff,) in rows(connection, "fct_model_tokens_daily", "cutoff_tokens")} == {0}


def test_no_window_holds_a_day_that_is_not_loaded() -> None:
    gap = 40
    connection = growth_of([None if offset == gap else PLAIN for offset in range(80)])
    columns = "date, tokens_7d, tokens_7d_low, tokens_7d_high, tokens_28d, tokens_28d_low, tokens_28d_high"
    measured = f"{columns}, growth_1d_pct, growth_7d_pct, growth_7d_low_pct, growth_7d_high_pct, growth_28d_pct"
    for entity in ("total all", "model a/one", "model other", "author b"):
        found = {row[0]: row[1:] for row in series(connection, entity, f"{measured}, contribution_7d_pp")}
        assert day(gap) not in found
        assert len(found) == 79
        for on, values in found.items():
            offset = (on - day(0)).days
            has_7d = offset >= 6 and not gap <= offset < gap + 7
            has_14d = offset >= 13 and not gap <= offset < gap + 14
            has_28d = offset >= 27 and not gap <= offset < gap + 28
            week, four_weeks, growth = values[:3], values[3:6], values[7:10]
            assert (values[6] == 0) == (offset >= 1 and offset != gap + 1)
            assert (None not in week) if has_7d else week == (None, None, None)
            assert (None not in four_weeks) if has_28d else four_weeks == (None, None, None)
            assert (None not in growth) if has_14d else growth == (None, None, None)
            assert values[10:] == (None, 0 if has_14d else None)  # no 56 days without the gap
    assert not any(series(connection, "model a/one", "is_censored or is_growth_7d_censored"))


def test_entity_that_leaves_is_seen_leaving_for_55_days() -> None:
    connection = growth_of([PLAIN | ({"c/gone": 40} if offset in (3, 5) else {}) for offset in range(80)])
    for entity in ("model c/gone", "author c"):
        found = series(connection, entity, "date, total_tokens")
        assert [on for on, _ in found] == [day(offset) for offset in range(3, 5 + 55 + 1)]
        assert [tokens for _, tokens in found[:4]] == [40, None, 40, None]
    assert len(series(connection, "variant standard", "date")) == 80
    short = growth_of([PLAIN | ({"c/gone": 40} if offset == 3 else {}) for offset in range(10)])
    assert len(series(short, "model c/gone", "date")) == 7


def test_contributions_count_those_who_come_and_go() -> None:
    before, after = {"a/one": 100, "b/two": 50, "other": 50}, {"a/one": 150, "c/new": 60, "other": 40}
    connection = growth_of([*[before] * 7, *[after] * 7])
    where = f"date = date '{day(13)}' and dimension in ('author', 'model', 'total', 'variant')"
    found = rows(connection, "fct_token_growth_daily", "dimension, entity, contribution_7d_pp", where)
    assert found == [
        ("author", "a", 25.0),
        ("author", "b", -25.0),
        ("author", "c", 30.0),
        ("author", "other", -5.0),
        ("model", "a/one", 25.0),
        ("model", "b/two", -25.0),
        ("model", "c/new", 30.0),
        ("model", "other", -5.0),
        ("total", "all", 25.0),
        ("variant", "other", -5.0),
        ("variant", "standard", 30.0),
    ]
    assert series(connection, "total all", "growth_7d_pct")[13] == 25.0
    # A new entrant's growth has no upper end; the lower one counts what it may have had below the cut-off.
    assert series(connection, "model c/new", "growth_7d_pct, growth_7d_high_pct")[6] == (None, None)
    low = series(connection, "model c/new", "growth_7d_low_pct")[6]
    assert low == pytest.approx(100 * (60 / 50 - 1))


LISTED = {"a/one": 100, "b/two": 20, "other": 50}
EVERY_DAY = {"a/one": {}, "b/two": {}, "a/three": {}, "a/four:free": {}, "c/five": {}}


def bounds(connection: Any, entity: str) -> tuple[int, int]:
    found: tuple[int, int] = series(connection, entity, "tokens_7d_low, tokens_7d_high")[6]
    return found


def test_author_has_as_many_cutoffs_as_it_has_models_that_are_not_listed() -> None:
    catalogues = [Catalogue(instant(offset, 8), EVERY_DAY) for offset in range(7)]
    connection = growth_of([LISTED] * 7, *catalogues)
    assert bounds(connection, "author a") == (700, 700 + 7 * 40)
    assert bounds(connection, "author b") == (140, 140)
    assert bounds(connection, "variant standard") == (840, 840 + 7 * 40)
    assert series(connection, "author a", "is_censored, tokens_7d, growth_1d_pct")[6] == (True, None, None)
    assert series(connection, "author b", "is_censored, tokens_7d, growth_1d_pct")[6] == (False, 140, 0.0)
    # What is only in a catalogue is no entity of its own.
    assert series(connection, "author c", "date") == series(connection, "variant free", "date") == []


def test_all_of_an_authors_hidden_models_have_other_at_most() -> None:
    listed = {"a/one": 100, "b/two": 40, "other": 50}
    connection = growth_of([listed] * 7, *[Catalogue(instant(offset, 8), EVERY_DAY) for offset in range(7)])
    assert bounds(connection, "author a") == (700, 700 + 7 * 50)


def test_author_may_have_all_of_other_on_a_day_without_a_catalogue() -> None:
    connection = growth_of([LISTED] * 7)
    assert bounds(connection, "author a") == (700, 700 + 7 * 50)
    assert bounds(connection, "author b") == (140, 140 + 7 * 50)
    assert bounds(growth_of([LISTED] * 7, Catalogue(instant(3, 8), EVERY_DAY)), "author a") == (700, 1000 + 6 * 5 + 10)


def test_catalogue_counts_for_its_day_only() -> None:
    one_day = Catalogue(instant(3, 8), {"a/one": {}, "b/two": {}})
    connection = growth_of([LISTED] * 7, one_day)
    assert bounds(connection, "author a") == (700, 700 + 6 * 50)


def test_models_listed_before_count_though_no_catalogue_knows_them() -> None:
    catalogues = [Catalogue(instant(offset, 8), {"b/two": {}}) for offset in range(8)]
    connection = growth_of([LISTED | {"a/old": 30}, *[LISTED] * 7], *catalogues)
    found = series(connection, "author a", "tokens_7d_low, tokens_7d_high, is_censored")
    assert found[7] == (700, 700 + 7 * 20, True)
    # Before its first listing it was not known, but may have been there.
    later = growth_of([*[LISTED] * 7, LISTED | {"a/old": 30}], *catalogues)
    assert series(later, "author a", "tokens_7d_high, is_censored")[6:] == [(840, False), (850, False)]


def test_model_launched_or_removed_during_the_day_is_in_one_of_two_catalogues() -> None:
    morning = {"a/one": {}, "b/two": {}}
    launched = {"a/new": {"created_at": instant(0, 20)}, "a/later": {"created_at": instant(1, 1)}}
    catalogues = [Catalogue(instant(0, 8), morning), Catalogue(instant(1, 8), morning | launched)]
    catalogues += [Catalogue(instant(offset, 8), morning) for offset in range(2, 7)]
    connection = growth_of([LISTED] * 7, *catalogues)
    # Both are gone by the morning of day 2, after some hours of it.
    assert bounds(connection, "author a") == (700, 700 + 20 + 2 * 20 + 2 * 20)


def test_model_that_no_catalogue_lists_may_have_been_there_before_it_is_ranked() -> None:
    catalogues = [Catalogue(instant(offset, 8), {"a/one": {}, "b/two": {}}) for offset in range(8)]
    connection = growth_of([*[LISTED] * 7, LISTED | {"b/secret": 25}], *catalogues)
    assert series(connection, "author b", "tokens_7d_high")[6:] == [280, 285]


def test_growth_over_a_year_compares_the_same_weekdays() -> None:
    listed: list[Board | None] = [None] * 371
    listed[:7] = [{"a/one": 10, "b/old": 5}] * 7
    listed[364:] = [{"a/one": 30, "c/new": 5}] * 7
    connection = growth_of(listed)
    assert series(connection, "total all", "growth_364d_pct")[-2:] == [None, pytest.approx(100 * (35 / 15 - 1))]
    assert series(connection, "model a/one", "growth_364d_pct")[-1] == pytest.approx(200)
    assert series(connection, "model c/new", "growth_364d_pct")[-1] is None
    assert series(connection, "model b/old", "date")[-1] == day(6)  # 28 days later is a day that is not loaded


def test_growth_over_four_weeks() -> None:
    connection = growth_of([{"a/one": 10}] * 28 + [{"a/one": 15}] * 28)
    found = series(connection, "model a/one", "tokens_28d, growth_28d_pct")
    assert found[54:] == [(27 * 15 + 10, None), (28 * 15, pytest.approx(50))]
    assert series(connection, "model a/one", "tokens_28d")[26:28] == [None, 280]


def test_ranks_follow_tokens_then_names() -> None:
    listed = [{"b/x": 10, "a/y": 10, "c/z": 20, "other": 99}] * 7 + [{"b/x": 30, "a/y": 10, "c/z": 20, "other": 99}]
    connection = growth_of(listed)
    columns = "model_permaslug, rank, share_pct, cutoff_tokens"
    found = rows(connection, "fct_model_tokens_daily", columns, f"date = date '{day(0)}'")
    share = 100 / 139
    assert found == [
        ("a/y", 2, pytest.approx(10 * share), 10),
        ("b/x", 3, pytest.approx(10 * share), 10),
        ("c/z", 1, pytest.approx(20 * share), 10),
        ("other", None, pytest.approx(99 * share), 10),
    ]
    assert series(connection, "model b/x", "rank, rank_change_7d")[6:] == [(3, None), (1, 2)]
    assert series(connection, "model c/z", "rank, rank_change_7d")[7] == (2, -1)
    assert series(connection, "author a", "rank")[7] == 3
    change = series(connection, "model b/x", "share_change_7d_pp")[7]
    assert change == pytest.approx(100 * 30 / 159 - 10 * share)
    for entity in ("total all", "model other", "author other", "variant other"):
        assert set(series(connection, entity, "rank")) == {None}


def test_nothing_is_divided_by_zero() -> None:
    connection = growth_of([*[{"a/one": 0}] * 7, *[{"a/one": 5}] * 7])
    found = series(connection, "total all", "growth_1d_pct, growth_7d_pct, growth_7d_high_pct, contribution_7d_pp")
    assert found[7] == (None, None, None, None)
    assert series(connection, "total all", "share_pct, tokens_7d")[6] == (None, 0)


def test_variants_are_entities_of_their_own() -> None:
    listed = {"a/one": 100, "a/one:free": 50, "b/two:free": 10, "c/three:extended": 5}
    connection = growth_of([listed] * 7)
    found = rows(
        connection,
        "fct_token_growth_daily",
        "entity, total_tokens, tokens_7d",
        f"dimension = 'variant' and date = date '{day(6)}'",
    )
    assert found == [("extended", 5, 35), ("free", 60, 420), ("other", 0, 0), ("standard", 100, 700)]
