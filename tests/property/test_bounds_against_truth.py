"""The true tokens, which the rankings cut off, lie within the published bounds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any

import pytest

from pipeline.simulation import World
from pipeline.warehouse import rows_of
from tests.models.harness import GROWTH, built, final, world_boards, world_catalogues, world_days

# From the first weeks without `other` to past the stealth leader and the free-to-paid hand-over's start.
LAST_DAY = 480
COLUMNS = (
    "dimension, entity, date, tokens_7d, tokens_7d_low, tokens_7d_high, tokens_28d_low, tokens_28d_high, "
    "growth_7d_low_pct, growth_7d_high_pct, is_censored"
)
Entity = tuple[str, str]


@dataclass(frozen=True)
class Truth:
    """Uncut daily tokens of every entity."""

    daily: dict[Entity, dict[date, int]]
    first_day: date

    def tokens(self, entity: Entity, end: date, days: int) -> int:
        daily = self.daily[entity]
        return sum(daily.get(end - timedelta(back), 0) for back in range(days))

    def growth_7d_pct(self, entity: Entity, end: date) -> float | None:
        earlier = self.tokens(entity, end - timedelta(7), 7)
        if not earlier or end < self.first_day + timedelta(13):
            return None
        return 100 * (self.tokens(entity, end, 7) / earlier - 1)


@pytest.fixture(scope="module")
def days(world: World) -> list[date]:
    return world_days(world, 0, LAST_DAY)


@pytest.fixture(scope="module")
def truth(world: World, days: list[date]) -> Truth:
    daily: dict[Entity, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for day in days:
        for slug, tokens in world.truth(day).items():
            author, variant = slug.partition("/")[0], slug.partition(":")[2] or "standard"
            for entity in (("total", "all"), ("author", author), ("model", slug), ("variant", variant)):
                daily[entity][day] += tokens
    return Truth(daily, days[0])


@pytest.fixture(scope="module")
def with_catalogues(world: World, days: list[date]) -> list[dict[str, Any]]:
    """Growth with the catalogue of every day, as a daily run holds it."""
    return rows_of(_built(world, days, days), f"select {COLUMNS} from marts.fct_token_growth_daily")


@pytest.fixture(scope="module")
def without_catalogues(world: World, days: list[date]) -> list[dict[str, Any]]:
    """Growth of a backfill, for which no catalogue of the days is to be had."""
    return rows_of(_built(world, days, []), f"select {COLUMNS} from marts.fct_token_growth_daily")


def _built(world: World, days: list[date], catalogue_days: Iterable[date]) -> Any:
    return built(final(world_boards(world, days)), *world_catalogues(world, catalogue_days), select=[GROWTH])


@pytest.fixture(params=["with_catalogues", "without_catalogues"])
def measured(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """Every row but those of `other`, which is the published tail by definition."""
    rows: list[dict[str, Any]] = request.getfixturevalue(request.param)
    return [row for row in rows if row["entity"] != "other"]


@pytest.mark.parametrize("window", [7, 28])
def test_true_tokens_lie_within_the_bounds(measured: list[dict[str, Any]], truth: Truth, window: int) -> None:
    outside, compared = [], 0
    for row in measured:
        low, high = row[f"tokens_{window}d_low"], row[f"tokens_{window}d_high"]
        if low is None:
            continue
        compared += 1
        true = truth.tokens((row["dimension"], row["entity"]), row["date"], window)
        if not low <= true <= high:
            outside.append((row["dimension"], row["entity"], row["date"], low, true, high))
    assert compared > 35_000
    assert outside == []


def test_point_values_are_true(
    truth: Truth, with_catalogues: list[dict[str, Any]], without_catalogues: list[dict[str, Any]]
) -> None:
    """Without a catalogue a model that was never listed is missing from its author's point value, not its bounds."""

    def untrue(rows: list[dict[str, Any]]) -> list[tuple[str, float]]:
        found = []
        for row in rows:
            if row["entity"] != "other" and row["tokens_7d"] is not None:
                true = truth.tokens((row["dimension"], row["entity"]), row["date"], 7)
                if row["tokens_7d"] != true:
                    found.append((row["dimension"], row["tokens_7d"] / true - 1))
        return found

    assert untrue(with_catalogues) == []
    missed = untrue(without_catalogues)
    assert {dimension for dimension, _ in missed} == {"author", "variant"}
    assert len(missed) < 100
    assert all(-0.05 < error < 0 for _, error in missed)


def test_true_growth_lies_within_the_bounds(measured: list[dict[str, Any]], truth: Truth) -> None:
    outside, compared, unbounded = [], 0, 0
    for row in measured:
        true = truth.growth_7d_pct((row["dimension"], row["entity"]), row["date"])
        if true is None:
            continue
        compared += 1
        low, high = row["growth_7d_low_pct"], row["growth_7d_high_pct"]
        unbounded += high is None
        if (low is not None and true < low - 1e-9) or (high is not None and true > high + 1e-9):
            outside.append((row["dimension"], row["entity"], row["date"], low, true, high))
    assert compared > 35_000
    assert 0 < unbounded < compared / 10  # new entrants
    assert outside == []


def test_models_that_no_catalogue_lists_stay_within_the_bounds_of_their_author(
    world: World, days: list[date], truth: Truth, with_catalogues: list[dict[str, Any]]
) -> None:
    """Nothing tells of them before their first listing; here their authors' other models leave room for them."""
    unlisted = {model.slug: model.launched.date() for model in world.models if not model.listed}
    boards = world_boards(world, days)
    hidden = {
        (slug.partition("/")[0], day)
        for slug, launched in unlisted.items()
        for day in days
        if day >= launched and slug in world.truth(day) and not any(slug in boards[x] for x in days if x <= day)
    }
    assert len(hidden) == len(unlisted) == 2  # the day of the launch
    windows = {(author, day + timedelta(later)) for author, day in hidden for later in range(7)}
    affected = [
        row for row in with_catalogues if row["dimension"] == "author" and (row["entity"], row["date"]) in windows
    ]
    assert len(affected) == 14
    for row in affected:
        true = truth.tokens(("author", row["entity"]), row["date"], 7)
        assert row["tokens_7d_low"] < true < row["tokens_7d_high"]


def test_catalogues_narrow_the_bounds(
    truth: Truth, with_catalogues: list[dict[str, Any]], without_catalogues: list[dict[str, Any]]
) -> None:
    def width(rows: list[dict[str, Any]], dimension: str) -> float:
        """Median distance of the bounds of a censored week, in parts of what they enclose."""
        return median(
            (row["tokens_7d_high"] - row["tokens_7d_low"]) / truth.tokens((dimension, row["entity"]), row["date"], 7)
            for row in rows
            if row["dimension"] == dimension and row["is_censored"] and row["tokens_7d_low"]
        )

    for dimension in ("author", "variant"):
        assert width(with_catalogues, dimension) < 0.95 * width(without_catalogues, dimension)
    assert width(with_catalogues, "author") < 0.5
    assert width(with_catalogues, "variant") < 0.1
    assert width(with_catalogues, "model") == width(without_catalogues, "model") < 0.6
