"""Concentration of models and authors: exact values, bounds for what is below the cut-off, and the truth within."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from pipeline.simulation import World
from tests.models.harness import (
    Board,
    Catalogue,
    boards,
    built,
    day,
    final,
    instant,
    rows,
    world_boards,
    world_catalogues,
    world_days,
)

SELECT = ["+fct_concentration_daily"]


def concentration(board: Board, columns: str, dimension: str = "model", *catalogues: Catalogue) -> tuple[Any, ...]:
    connection = built(final(boards([board])), *catalogues, select=SELECT)
    (found,) = rows(connection, "fct_concentration_daily", columns, f"dimension = '{dimension}'")
    return found


def test_without_other_all_is_exact() -> None:
    columns = (
        "hhi_low, hhi_high, effective_number_low, effective_number_high, top_1_share_low_pct, top_3_share_high_pct"
    )
    found = concentration({"a/one": 50, "b/two": 30, "c/three": 10, "d/four": 10}, columns)
    assert found == pytest.approx((3600, 3600, 10000 / 3600, 10000 / 3600, 50, 90))


def test_models_below_the_cutoff_are_small() -> None:
    board = {"a/one": 60, "b/two": 10, "other": 30}
    found = concentration(board, "hhi_low, hhi_high, top_1_share_low_pct, top_1_share_high_pct")
    assert found == pytest.approx((3700, 3700 + 30 * 10, 60, 60))


def test_other_may_all_be_of_the_largest_author() -> None:
    board = {"a/one": 60, "b/two": 10, "other": 30}
    found = concentration(board, "hhi_low, hhi_high, top_1_share_low_pct, top_1_share_high_pct", "author")
    assert found == pytest.approx((3700, 90**2 + 10**2, 60, 90))


def test_a_catalogue_narrows_what_an_author_may_have() -> None:
    """The largest author has one more model, with 10 at most, and the rest may be of an author that was never seen."""
    board = {"a/one": 60, "b/two": 10, "other": 30}
    catalogue = Catalogue(instant(0, 8), {"a/one": {}, "b/two": {}, "a/more": {}})
    found = concentration(board, "hhi_low, hhi_high", "author", catalogue)
    # The last 20 count as if all 30 of `other` were that author's: an upper bound, a little above what can be.
    assert found == pytest.approx((3700, 70**2 + 10**2 + 20 * 30))


def test_other_may_all_be_of_an_author_that_was_never_listed() -> None:
    board = {"a/1": 500, "b/1": 100, "c/1": 100, "other": 300}
    known: dict[str, dict[str, Any]] = {slug: {} for slug in ("a/1", "b/1", "c/1", "b/2", "c/2", "z/1", "z/2", "z/3")}
    (low, high) = concentration(board, "hhi_low, hhi_high", "author", Catalogue(instant(0, 8), known))
    assert low == pytest.approx(2700)
    assert high == pytest.approx(2700 + 30 * 30)


def test_how_many_make_80_percent() -> None:
    columns = "count_for_80_pct_low, count_for_80_pct_high"
    assert concentration({"a/one": 50, "b/two": 30, "c/three": 20}, columns) == (2, 2)
    # Without an end: the listed two make 75 %, and five more of at most 1 each are needed.
    assert concentration({"a/one": 74, "b/two": 1, "other": 25}, columns) == (7, None)
    assert concentration({"a/one": 60, "b/two": 20, "other": 20}, columns, "author") == (1, 2)


def test_a_day_that_is_not_loaded_has_no_row() -> None:
    connection = built(final(boards([{"a/one": 5}, None, {"a/one": 5}])), select=SELECT)
    assert rows(connection, "fct_concentration_daily", "date", "dimension = 'model'") == [(day(0),), (day(2),)]


def of(tokens: Mapping[str, int]) -> dict[str, float]:
    """The true figures, by brute force."""
    ordered = sorted(tokens.values(), reverse=True)
    total = sum(ordered)
    found = {"hhi": sum((100 * one / total) ** 2 for one in ordered)}
    found["effective_number"] = 10000 / found["hhi"]
    for top in (1, 3, 5, 10):
        found[f"top_{top}_share"] = 100 * sum(ordered[:top]) / total
    sums = [sum(ordered[: number + 1]) for number in range(len(ordered))]
    found["count_for_80_pct"] = next(number for number, one in enumerate(sums, 1) if one >= 0.8 * total)
    return found


@pytest.mark.parametrize("has_catalogues", [True, False])
def test_the_truth_lies_within_the_bounds(world: World, has_catalogues: bool) -> None:
    days = world_days(world, 0, 299)
    catalogues = world_catalogues(world, days) if has_catalogues else ()
    connection = built(final(world_boards(world, days)), *catalogues, select=SELECT)
    names = list(of({"a": 1}))
    columns = ", ".join(_columns(name) for name in names)
    found = rows(connection, "fct_concentration_daily", f"dimension, date, {columns}")
    assert len(found) == 2 * len(days)
    widths = {"model": [], "author": []}  # type: dict[str, list[float]]
    for dimension, on, *bounds in found:
        true = of(_truth(world, on, dimension))
        for name, low, high in zip(names, bounds[::2], bounds[1::2], strict=True):
            assert low - 1e-6 <= true[name] <= (true[name] if high is None else high) + 1e-6, (dimension, on, name)
        if on > days[0] + timedelta(100):
            widths[dimension].append(bounds[1] / bounds[0] - 1)
    # As the documentation says: for models the bounds are close to each other, for authors a catalogue helps.
    assert max(widths["model"]) < 0.03
    assert max(widths["author"]) < (0.7 if has_catalogues else 0.9)


def _columns(name: str) -> str:
    suffix = "_pct" if name.endswith("_share") else ""
    return f"{name}_low{suffix}, {name}_high{suffix}"


def _truth(world: World, on: date, dimension: str) -> dict[str, int]:
    tokens: dict[str, int] = {}
    for slug, count in world.truth(on).items():
        entity = slug if dimension == "model" else slug.partition("/")[0]
        tokens[entity] = tokens.get(entity, 0) + count
    return tokens
