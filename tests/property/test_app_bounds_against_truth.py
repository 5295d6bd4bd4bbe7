"""The true tokens of apps, which the rankings cut at rank 200, lie within the published bounds; slices are exact."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Any

import pytest

from pipeline.simulation import World
from pipeline.simulation.apps import APP_CATEGORIES, AppMarket, Ranked
from pipeline.simulation.slices import Slices
from pipeline.simulation.world import midnight
from pipeline.warehouse import rows_of
from tests.models.answers import BUCKETS, MODALITIES, Answer, bucket, built, modality, page, part
from tests.models.harness import GROWTH, Board, final, instant, world_boards, world_days

LAST_DAY = 59  # so late that growth over 28 days is known of a few days
COLUMNS = (
    "dimension, entity, date, total_tokens, tokens_7d, tokens_7d_low, tokens_7d_high, tokens_28d_low, tokens_28d_high, "
    "growth_7d_low_pct, growth_7d_high_pct, growth_28d_low_pct, growth_28d_high_pct, is_censored"
)
Entity = tuple[str, str]
Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """What is measured, and what is true: daily tokens of every entity, summed up to each day."""

    rows: list[Row]
    to_date: dict[Entity, list[int]]
    listed: dict[date, list[Ranked]]  # as published, on both pages
    totals: dict[date, int]
    first_day: date

    def true_tokens(self, row: Row, window: int, back: int = 0) -> int:
        """Tokens of the window that ends `back` days before the row's day."""
        to_date = self.to_date[row["dimension"], row["entity"]]
        after = (row["date"] - self.first_day).days + 1 - back
        return to_date[max(0, after)] - to_date[max(0, after - window)]

    def measured(self, *dimensions: str) -> list[Row]:
        return [row for row in self.rows if row["dimension"] in dimensions and row["entity"] != "other"]


def late(on: date) -> datetime:
    """So late that the day's figures are final."""
    return midnight(on + timedelta(2))


def app_pages(listed: Sequence[Ranked], offset: int) -> Iterator[Answer]:
    """The two pages of a day, with the names of the day of retrieval."""
    at = instant(offset + 2, 8)
    names = {f"n{row.app.id}": row.app.name(at.date()) for row in listed}
    for number in (1, 2):
        used = {row.app.id: row.use.tokens for row in listed[100 * (number - 1) : 100 * number]}
        yield page(number, offset, used, at, **names)


def category_pages(market: AppMarket, at: datetime) -> Iterator[Answer]:
    """The apps of every category as served on that day."""
    yesterday = at.date() - timedelta(1)
    for category in APP_CATEGORIES:
        rows = market.ranking(yesterday, yesterday, at.replace(tzinfo=UTC), category=category)
        assert len(rows) <= 100
        names = {f"n{row.app.id}": row.app.name(at.date()) for row in rows}
        yield part(category, at, {row.app.id: row.use.tokens for row in rows}, **names)


def slice_answers(world: World, days: Sequence[date]) -> Iterator[Answer]:
    """The boards of all buckets and modalities."""
    slices = Slices(world)
    for name in BUCKETS:
        yield bucket(name, {on: dict(slices.by_context(name, on, late(on))) for on in days})
    for name in MODALITIES:
        yield modality(name, {on: dict(slices.by_modality(name, on, late(on))) for on in days})


def entities_of(market: AppMarket, seen: set[int]) -> dict[int, str]:
    """Newest names; the number tells apps of one name apart."""
    newest = {app.id: app.name(market.world.last_day) for app in market.apps}
    bearers = Counter(newest[app_id] for app_id in seen)
    return {app_id: name if bearers[name] == 1 else f"{name} ({app_id})" for app_id, name in newest.items()}


@pytest.fixture(scope="module")
def boards(small_world: World) -> dict[date, Board]:
    return world_boards(small_world, world_days(small_world, 0, LAST_DAY))


@pytest.fixture(scope="module")
def case(small_world: World, boards: dict[date, Board]) -> Case:
    days, market = list(boards), AppMarket(small_world)
    listed = {on: market.ranking(on, on, late(on))[:200] for on in days}
    ranked = [answer for offset, on in enumerate(days) for answer in app_pages(listed[on], offset)]
    # Once a week, which shows each app at least once.
    categories = [
        answer for offset in range(3, LAST_DAY + 2, 7) for answer in category_pages(market, instant(offset, 8))
    ]
    connection = built(final(boards), *ranked, *categories, *slice_answers(small_world, days), select=[GROWTH])
    rows = rows_of(connection, f"select {COLUMNS} from marts.fct_token_growth_daily")
    names = entities_of(market, {row.app.id for on in days for row in listed[on]})
    apps = {app.id: app for app in market.apps}
    daily: dict[Entity, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for on in days:
        for app_id, use in market.truth(on).items():
            daily["app", names[app_id]][on] += use.tokens
            daily["app_category", apps[app_id].category or "uncategorised"][on] += use.tokens
    to_date = {
        entity: list(accumulate((tokens.get(on, 0) for on in days), initial=0)) for entity, tokens in daily.items()
    }
    totals = {on: sum(board.values()) for on, board in boards.items()}
    return Case(rows, to_date, listed, totals, days[0])


@pytest.mark.parametrize("window", [7, 28])
@pytest.mark.parametrize(("dimension", "least"), [("app", 300), ("app_category", 120)])
def test_true_tokens_lie_within_the_bounds(case: Case, dimension: str, least: int, window: int) -> None:
    outside, censored = [], 0
    for row in case.measured(dimension):
        low, high = row[f"tokens_{window}d_low"], row[f"tokens_{window}d_high"]
        if low is None:
            continue
        censored += low < high
        true = case.true_tokens(row, window)
        if not low <= true <= high:
            outside.append((row["entity"], row["date"], low, true, high))
    assert censored > least
    assert outside == []


@pytest.mark.parametrize("window", [7, 28])
@pytest.mark.parametrize(("dimension", "least"), [("app", 1000), ("app_category", 25)])
def test_true_growth_lies_within_the_bounds(case: Case, dimension: str, least: int, window: int) -> None:
    outside, compared, unbounded = [], 0, 0
    for row in case.measured(dimension):
        earlier = case.true_tokens(row, window, back=window)
        if not earlier or row["date"] < case.first_day + timedelta(2 * window - 1):
            continue
        compared += 1
        true = 100 * (case.true_tokens(row, window) / earlier - 1)
        low, high = row[f"growth_{window}d_low_pct"], row[f"growth_{window}d_high_pct"]
        unbounded += high is None
        if (low is not None and true < low - 1e-9) or (high is not None and true > high + 1e-9):
            outside.append((row["entity"], row["date"], low, true, high))
    assert compared >= least
    assert unbounded < compared / 50
    assert outside == []


def test_point_values_of_apps_are_true_and_those_of_categories_miss_what_was_never_listed(case: Case) -> None:
    def errors(dimension: str) -> list[float]:
        given = [row for row in case.measured(dimension) if row["tokens_7d"] is not None]
        return [row["tokens_7d"] / case.true_tokens(row, 7) - 1 for row in given]

    assert set(errors("app")) == {0.0}
    assert -0.02 < min(errors("app_category")) < max(errors("app_category")) <= 0


def test_every_category_is_measured_on_every_day(case: Case) -> None:
    days = Counter(row["entity"] for row in case.measured("app_category"))
    assert days == dict.fromkeys([*APP_CATEGORIES, "uncategorised"], LAST_DAY + 1)


def test_apps_are_named_by_their_newest_name_and_told_apart_by_number(case: Case) -> None:
    entities = {row["entity"] for row in case.measured("app")}
    assert {"Dumpling Concierge", "trwh", "Moss Parlour (9560027)", "Moss Parlour (6247781)"} <= entities
    assert not {"Dumpling Desk", "Treacle Whistle", "Moss Parlour"} & entities


def test_other_is_what_the_listed_apps_leave_of_the_total(case: Case) -> None:
    others = [row for row in case.rows if row["entity"] == "other" and row["dimension"] in ("app", "app_category")]
    assert len(others) == 2 * (LAST_DAY + 1)
    for row in others:
        listed = sum(ranked.use.tokens for ranked in case.listed[row["date"]])
        assert row["total_tokens"] == case.totals[row["date"]] - listed


def test_an_unlisted_app_is_bounded_well_and_a_category_loosely(case: Case) -> None:
    """Nothing tells how much of the traffic outside the list is of a category's apps, and most of it has no app."""

    def distances(dimension: str) -> list[float]:
        """Between the bounds of censored weeks, in percent of all tokens."""
        ends = [
            (row, sum(case.totals[row["date"] - timedelta(back)] for back in range(7)))
            for row in case.measured(dimension)
            if row["is_censored"] and row["tokens_7d_low"]
        ]
        return [100 * (row["tokens_7d_high"] - row["tokens_7d_low"]) / total for row, total in ends]

    assert 0 < max(distances("app")) < 0.02
    assert 5 < min(distances("app_category")) < max(distances("app_category")) < 45


def test_context_buckets_are_those_of_the_market_and_add_up(case: Case, small_world: World) -> None:
    slices, added = Slices(small_world), Counter[date]()
    for row in case.measured("context_bucket"):
        on = row["date"]
        assert row["total_tokens"] == sum(tokens for _, tokens in slices.by_context(row["entity"], on, late(on)))
        added[on] += row["total_tokens"]
        assert not row["is_censored"]
        assert row["tokens_7d"] == row["tokens_7d_low"] == row["tokens_7d_high"]
        assert row["tokens_28d_low"] == row["tokens_28d_high"]
    assert added == case.totals
    others = [row for row in case.rows if row["dimension"] == "context_bucket" and row["entity"] == "other"]
    assert [row["total_tokens"] for row in others] == [0] * (LAST_DAY + 1)


def test_modalities_are_those_of_the_market_and_overlap(case: Case, small_world: World) -> None:
    slices, added = Slices(small_world), Counter[date]()
    for row in case.measured("modality"):
        on = row["date"]
        assert row["total_tokens"] == sum(tokens for _, tokens in slices.by_modality(row["entity"], on, late(on)))
        added[on] += row["total_tokens"]
        assert not row["is_censored"]
    assert len(added) == LAST_DAY + 1
    assert all(added[on] > case.totals[on] for on in added)
    assert not any(row["dimension"] == "modality" and row["entity"] == "other" for row in case.rows)


def test_weeks_of_slices_are_the_sums_of_their_days(case: Case) -> None:
    daily = {(row["dimension"], row["entity"], row["date"]): row["total_tokens"] for row in case.rows}
    weeks = [row for row in case.measured("context_bucket", "modality") if row["tokens_7d"] is not None]
    assert len(weeks) == (LAST_DAY - 5) * (len(BUCKETS) + len(MODALITIES))
    for row in weeks:
        days = (row["date"] - timedelta(back) for back in range(7))
        assert row["tokens_7d"] == sum(daily[row["dimension"], row["entity"], on] for on in days)
