"""Cohorts of models by the month of their launch: what their tokens are in later months, with the truth in bounds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import duckdb
import pytest

from pipeline.simulation import World
from pipeline.warehouse import rows_of
from tests.models.harness import (
    Board,
    Catalogue,
    Rankings,
    boards,
    built,
    final,
    instant,
    rows,
    world_boards,
    world_catalogues,
    world_days,
)

SELECT = ["+fct_cohort_retention"]
JANUARY, FEBRUARY, MARCH, APRIL = (date(2025, month, 1) for month in (1, 2, 3, 4))
TOKENS = "tokens_per_day_low, tokens_per_day_high"
RETENTION = "retention_listed_pct, retention_low_pct, retention_high_pct"
COLUMNS = f"months_since_launch, models, ranked_models, ranked_models_pct, {TOKENS}, {RETENTION}"


def months(*of_month: Board, days: Sequence[int] = (31, 28, 31, 30)) -> list[Board | None]:
    """Boards of the months from January 2025 on, the same on each day of a month."""
    return [board for board, number in zip(of_month, days, strict=False) for _ in range(number)]


def cohort(connection: duckdb.DuckDBPyConnection, month: date, columns: str = COLUMNS) -> list[tuple[Any, ...]]:
    return rows(connection, "fct_cohort_retention", columns, f"cohort_month = '{month}'")


def test_months_are_compared_with_month_1() -> None:
    old = {"a/old": 100}
    listed = months(old, old | {"b/new": 5}, old | {"b/new": 40}, old | {"b/new": 30})
    connection = built(final(boards(listed)), select=SELECT)
    assert cohort(connection, FEBRUARY) == [
        (0, 1, 1, 100, 5, 5, None, None, None),
        (1, 1, 1, 100, 40, 40, 100, 100, 100),
        (2, 1, 1, 100, 30, 30, 75, 75, 75),
    ]
    # What is listed on the first loaded day may be of any age, where no catalogue tells it.
    assert rows(connection, "fct_cohort_retention", "distinct cohort_month") == [(FEBRUARY,)]


def test_a_catalogue_tells_the_launch() -> None:
    listed = months({"a/old": 100, "b/new": 5}, {"a/old": 80}, {"a/old": 60, "c/later": 7, "c/later:free": 3})
    told = {"a/old": {"created_at": datetime(2024, 11, 30, 23)}, "c/later": {"created_at": datetime(2025, 2, 3)}}
    catalogue = Catalogue(instant(80), {**told, "d/never": {"created_at": datetime(2025, 2, 4)}})
    connection = built(final(boards(listed)), catalogue, select=SELECT)
    columns = f"cohort_month, months_since_launch, models, ranked_models, known_launch_pct, {TOKENS}, {RETENTION}"
    assert rows(connection, "fct_cohort_retention", columns) == [
        # Observed late: its month 1 is not loaded, and nothing is compared.
        (date(2024, 11, 1), 2, 1, 1, 100, 100, 100, None, None, None),
        (date(2024, 11, 1), 3, 1, 1, 100, 80, 80, None, None, None),
        (date(2024, 11, 1), 4, 1, 1, 100, 60, 60, None, None, None),
        # Launched before it is listed; what is never listed is of no cohort.
        (FEBRUARY, 0, 1, 0, 100, 0, 0, None, None, None),
        (FEBRUARY, 1, 1, 1, 100, 7, 7, 100, 100, 100),
        # A variant has its own row in a catalogue, or none.
        (MARCH, 0, 1, 1, 0, 3, 3, None, None, None),
    ]


def test_a_launch_is_not_after_the_first_listing() -> None:
    listed = months({"a/old": 100}, {"a/old": 100, "b/new": 5})
    catalogue = Catalogue(instant(58), {"b/new": {"created_at": datetime(2025, 3, 1)}})
    assert cohort(built(final(boards(listed)), catalogue, select=SELECT), FEBRUARY, TOKENS) == [(5, 5)]


def test_what_is_not_listed_has_the_cutoff_at_most_and_all_of_it_other() -> None:
    base = {"a/old": 100, "z/cutoff": 10}
    both = {"b/one": 50, "b/two": 30}
    listed = months(base, base | both | {"other": 60}, base | both | {"other": 60}, base | {"b/one": 20, "other": 60})
    connection = built(final(boards(listed)), select=SELECT)
    assert cohort(connection, FEBRUARY)[1:] == [
        (1, 2, 2, 100, 80, 80, 100, 100, 100),
        (2, 2, 1, 50, 20, 30, 25, 25, 37.5),
    ]
    # Where `other` is less than the cut-offs of both, they share it.
    listed[-30:] = [{"a/old": 100, "z/cutoff": 10, "other": 12}] * 30
    connection = built(final(boards(listed)), select=SELECT)
    assert cohort(connection, FEBRUARY)[2] == (2, 2, 0, 0, 0, 12, 0, 0, 15)


def test_a_base_with_bounds_widens_those_of_later_months() -> None:
    with_new = {"a/old": 100, "z/cutoff": 10, "b/new": 40, "other": 5}
    without = {"a/old": 100, "z/cutoff": 10, "other": 5}
    listed = months({"a/old": 100, "z/cutoff": 10, "other": 5}, with_new, without, with_new)
    listed[59] = with_new  # one of the 31 days of March
    connection = built(final(boards(listed)), select=SELECT)
    low, high = 40 / 31, (40 + 30 * 5) / 31
    assert cohort(connection, FEBRUARY, f"months_since_launch, {TOKENS}, {RETENTION}")[1:] == [
        pytest.approx((1, low, high, 100, 100, 100)),
        pytest.approx((2, 40, 40, 100 * 40 / low, 100 * 40 / high, 100 * 40 / low)),
    ]


def test_nothing_listed_in_month_1_bounds_from_below_only() -> None:
    base = {"a/old": 100, "z/cutoff": 10, "other": 5}
    connection = built(final(boards(months(base, base | {"b/new": 40}, base, base | {"b/new": 20}))), select=SELECT)
    found = cohort(connection, FEBRUARY, f"months_since_launch, {RETENTION}")
    assert found[1:] == [(1, None, 100, 100), (2, None, 400, None)]


def test_a_month_without_all_its_days() -> None:
    old = {"a/old": 100}
    listed = months(old, old | {"b/new": 5}, old | {"b/new": 40}, old | {"b/new": 30}, days=(31, 28, 31, 2))
    columns = f"months_since_launch, tokens_per_day_low, {RETENTION}, is_whole_month"
    assert cohort(built(final(boards(listed)), select=SELECT), FEBRUARY, columns) == [
        (0, 5, None, None, None, True),
        (1, 40, 100, 100, 100, True),
        (2, 30, 75, 75, 75, False),
    ]
    # Without a day of month 1 nothing is compared.
    listed[70] = None
    assert cohort(built(final(boards(listed)), select=SELECT), FEBRUARY, columns) == [
        (0, 5, None, None, None, True),
        (1, 40, None, None, None, False),
        (2, 30, None, None, None, False),
    ]
    # A month without any day has no row.
    listed[59:90] = [None] * 31
    months_left = cohort(built(final(boards(listed)), select=SELECT), FEBRUARY, "months_since_launch")
    assert months_left == [(0,), (2,)]


def test_a_month_is_provisional_with_its_days_and_with_month_1() -> None:
    old = {"a/old": 100}
    listed = boards(months(old, old | {"b/new": 5}, old | {"b/new": 40}, old | {"b/new": 30}))
    march = {on: board for on, board in listed.items() if on.month == 3}
    rest = {on: board for on, board in listed.items() if on.month != 3}
    restated = Rankings(march, instant(90, 8), load_id="march")  # on the day after the last of March
    connection = built(final(rest), restated, select=SELECT)
    assert cohort(connection, FEBRUARY, "months_since_launch, is_provisional") == [(0, False), (1, True), (2, True)]
    connection = built(final(listed), select=SELECT)
    assert cohort(connection, FEBRUARY, "bool_or(is_provisional)") == [(False,)]


LAST_DAY = 300


@pytest.fixture(scope="module")
def listed(world: World) -> dict[date, Board]:
    return world_boards(world, world_days(world, 0, LAST_DAY))


@pytest.mark.parametrize("catalogue_days", [(), (LAST_DAY,), range(0, LAST_DAY + 1, 30)], ids=["none", "last", "many"])
def test_the_truth_lies_within_the_bounds(world: World, listed: dict[date, Board], catalogue_days: Any) -> None:
    days = list(listed)
    catalogues = list(world_catalogues(world, (days[offset] for offset in catalogue_days)))
    connection = built(final(listed), *catalogues, select=SELECT)
    found = {
        (row["cohort_month"], row["months_since_launch"]): row
        for row in rows_of(connection, "select * from marts.fct_cohort_retention")
    }
    true, ranked = truth_of(world, listed, cohorts_of(listed, catalogues))
    assert found.keys() == true.keys()
    compared = widened = 0
    for (month, since), row in found.items():
        tokens = true[month, since]
        assert row["tokens_per_day_low"] <= tokens <= row["tokens_per_day_high"], (month, since)
        assert row["ranked_models"] == len(ranked[month, since])
        widened += row["tokens_per_day_low"] < row["tokens_per_day_high"]
        if row["retention_listed_pct"] is not None:
            exact = 100 * tokens / true[month, 1]
            assert row["retention_low_pct"] - 1e-9 <= exact <= row["retention_high_pct"] + 1e-9, (month, since)
            compared += since > 1
    assert compared > 20
    assert widened > len(found) / 2


def cohorts_of(listed: dict[date, Board], catalogues: Sequence[Catalogue]) -> dict[str, date]:
    """The month of the launch of each model that is ever listed, where it is known."""
    first_listed: dict[str, date] = {}
    for on in sorted(listed):
        for slug in listed[on]:
            first_listed.setdefault(slug, on)
    launched = {slug: on for slug, on in first_listed.items() if on > min(listed)}
    for slug, on in first_listed.items():
        told = [one.models[slug]["created_at"].date() for one in catalogues if slug in one.models]
        launched |= {slug: min(*told, on)} if told else {}
    return {slug: on.replace(day=1) for slug, on in launched.items() if slug != "other"}


def truth_of(
    world: World, listed: dict[date, Board], cohorts: dict[str, date]
) -> tuple[dict[tuple[date, int], float], dict[tuple[date, int], set[str]]]:
    """True tokens a day of each cohort in each month, and the models that are listed in it."""
    tokens: dict[tuple[date, int], int] = defaultdict(int)
    ranked: dict[tuple[date, int], set[str]] = defaultdict(set)
    loaded: dict[date, int] = defaultdict(int)
    for on, board in listed.items():
        loaded[on.replace(day=1)] += 1
        used = world.truth(on)
        for slug, month in cohorts.items():
            key = month, months_between(month, on)
            if key[1] < 0:
                assert slug not in board
                continue
            tokens[key] += used.get(slug, 0)
            ranked[key] |= {slug} & board.keys()
    per_day = {
        (month, since): sum_of_month / loaded[plus(month, since)] for (month, since), sum_of_month in tokens.items()
    }
    return per_day, ranked


def months_between(month: date, on: date) -> int:
    return 12 * (on.year - month.year) + on.month - month.month


def plus(month: date, since: int) -> date:
    year, index = divmod(month.month - 1 + since, 12)
    return date(month.year + year, index + 1, 1)
