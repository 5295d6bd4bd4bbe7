"""The growth table against its definition, written once more as loops over days and slugs, cell by cell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline.simulation import World
from tests.models.harness import (
    GROWTH,
    Board,
    Catalogue,
    Rankings,
    built,
    catalogue_entry,
    day,
    instant,
    world_boards,
    world_catalogues,
    world_days,
)

OTHER = "other"
Key = tuple[str, str, date]
Row = dict[str, Any]
Cell = tuple[int | None, int, int, bool]  # listed tokens, low, high, whether a slug is not listed

DIMENSIONS = ["model", "author", "variant", "organisation", "model_age", "price_class", "weights", "reasoning"]
DIMENSIONS += ["tokenizer"]
BY_NAME = ["model", "author", "variant", "organisation"]  # what a slug alone tells
ORGANISATIONS = {"meridian-labs": "meridian", "meta-llama": "meta", "openrouter": "unattributed"}
ORGANISATIONS |= {"stealth": "unattributed"}
OPEN = {("organisation", "unattributed"), ("price_class", "unmatched")}
OPEN |= {(dimension, "unknown") for dimension in ("weights", "reasoning", "tokenizer", "model_age")}


class Reference:
    """Growth of a market of which `boards` is the current view."""

    def __init__(
        self, boards: Mapping[date, Board], as_of: Mapping[date, datetime], catalogues: Sequence[Catalogue]
    ) -> None:
        self.boards, self.as_of, self.days = boards, as_of, sorted(boards)
        self.catalogues = known_in_catalogues(catalogues)
        self.snapshots: dict[str, list[tuple[datetime, Mapping[str, Any]]]] = {}
        for one in sorted(catalogues, key=lambda one: one.fetched_at):
            for slug, traits in one.models.items():
                self.snapshots.setdefault(slug, []).append((one.fetched_at, catalogue_entry(slug, **traits)))
        self.first_listed: dict[str, date] = {}
        for on in self.days:
            for slug in boards[on]:
                if slug != OTHER:
                    self.first_listed.setdefault(slug, on)

    def table(self) -> dict[Key, Row]:
        """All rows."""
        table: dict[Key, Row] = {}
        for dimension, entity in self.entities():
            cells = {on: self.cell(dimension, entity, on) for on in self.days}
            first, last = self.days[0], self.days[-1]
            if not is_complete(dimension, entity):
                listed = [on for on in self.days if cells[on][0] is not None]
                first, last = listed[0], listed[-1] + timedelta(55)
            for on in self.days:
                if first <= on <= last:
                    table[dimension, entity, on] = self.row(on, cells)
        add_ranks(table)
        for (dimension, entity, on), row in table.items():
            earlier = table.get((dimension, entity, before(on, 7)), {})
            row["rank_change_7d"] = minus(earlier.get("rank"), row["rank"])
            row["share_change_7d_pp"] = minus(row["share_pct"], earlier.get("share_pct"))
        return table

    def entities(self) -> list[tuple[str, str]]:
        found = [("total", "all")]
        for dimension in DIMENSIONS:
            listed = {
                self.entity_of(dimension, slug, on)
                for on, board in self.boards.items()
                for slug in board
                if slug != OTHER
            }
            found += [(dimension, entity) for entity in listed | {OTHER}]
        return found

    def entity_of(self, dimension: str, slug: str, on: date) -> str:
        """What a model belongs to on a day, by the last snapshot of it by then, else by those of its first day."""
        author, variant = slug.split("/")[0], slug.split(":")[1] if ":" in slug else "standard"
        if dimension in ("model", "author", "variant", "organisation"):
            names = {"model": slug, "author": author, "variant": variant}
            return names.get(dimension, ORGANISATIONS.get(author, author))
        if dimension == "model_age":
            return self.age(slug, on)
        snapshots = self.snapshots.get(slug, [])
        until = max(on, snapshots[0][0].date()) if snapshots else on
        entry = [entry for at, entry in snapshots if at.date() <= until][-1:]
        if dimension == "price_class":
            if variant == "free":
                return "free_variant"
            if not entry or entry[0]["prompt_usd_per_token"] == -1:
                return "unmatched"
            prices = entry[0]["prompt_usd_per_token"], entry[0]["completion_usd_per_token"]
            if prices != (0, 0):
                return "paid"
            return "zero_price" if "text" in entry[0]["output_modalities"] else "unmatched"
        if not entry:
            return "unknown"
        if dimension == "tokenizer":
            return str(entry[0]["tokenizer"]).replace("Other", "Other family")
        is_router = entry[0]["tokenizer"] == "Router"
        if dimension == "reasoning":
            return "capable" if entry[0]["is_reasoning_capable"] else "unknown" if is_router else "not_capable"
        return "open_candidate" if entry[0].get("hugging_face_id") else "unknown" if is_router else "proprietary"

    def age(self, slug: str, on: date) -> str:
        created = [entry["created_at"].date() for _, entry in self.snapshots.get(slug, [])]
        first = self.first_listed.get(slug)
        days = (on - min([*created, *([first] if first else [])])).days
        if not created and days <= 90:
            return "unknown"
        return "0-30 days" if days <= 30 else "31-90 days" if days <= 90 else "91+ days"

    def other(self, on: date) -> int:
        return self.boards[on].get(OTHER, 0)

    def total(self, on: date) -> int:
        return sum(self.boards[on].values())

    def cutoff(self, on: date) -> int:
        if OTHER not in self.boards[on]:
            return 0
        return min(tokens for slug, tokens in self.boards[on].items() if slug != OTHER)

    def cell(self, dimension: str, entity: str, on: date) -> Cell:
        board = self.boards[on]
        if dimension == "total":
            return self.total(on), self.total(on), self.total(on), False
        if entity == OTHER:
            return self.other(on), self.other(on), self.other(on), False
        listed = {slug for slug in board if slug != OTHER and self.entity_of(dimension, slug, on) == entity}
        tokens = sum(board[slug] for slug in listed) if listed else None
        low = tokens or 0
        if dimension == "model":
            is_unlisted = not listed and self.other(on) > 0
            return tokens, low, low if listed else min(self.cutoff(on), self.other(on)), is_unlisted
        known = {slug for slug, first in self.first_listed.items() if first <= on} | self.in_catalogues(on)
        unlisted = {slug for slug in known if self.entity_of(dimension, slug, on) == entity} - listed
        possible = known | {slug for slug in self.first_listed if self.may_exist(slug, on)}
        hidden = self.other(on)
        if on in self.catalogues and (dimension, entity) not in OPEN:
            more = {slug for slug in possible if self.entity_of(dimension, slug, on) == entity} - listed
            hidden = min(hidden, len(more) * self.cutoff(on))
        undescribed = self.undescribed(dimension, entity, on)
        is_unlisted = undescribed > 0 or (self.other(on) > 0 and (not listed or bool(unlisted)))
        return tokens, low, low + hidden + undescribed, is_unlisted

    def undescribed(self, dimension: str, entity: str, on: date) -> int:
        """Listed tokens of which nothing tells the class, so that they may be of this one."""
        unknown = {"price_class": "unmatched"}.get(dimension, "unknown")
        if dimension in BY_NAME or entity in (unknown, "free_variant"):
            return 0
        board = self.boards[on]
        return sum(
            tokens for slug, tokens in board.items() if slug != OTHER and self.entity_of(dimension, slug, on) == unknown
        )

    def row(self, on: date, cells: Mapping[date, Cell]) -> Row:
        tokens, _, _, is_unlisted = cells[on]
        point, low, high = window(cells, on, 7)
        point_28d, low_28d, high_28d = window(cells, on, 28)
        earlier_point, earlier_low, earlier_high = window(cells, before(on, 7), 7)
        yesterday = cells.get(before(on, 1), (None, 0, 0, True))
        earlier_point_28d, earlier_low_28d, earlier_high_28d = window(cells, before(on, 28), 28)
        return {
            "total_tokens": tokens,
            "tokens_7d": point,
            "tokens_7d_low": low,
            "tokens_7d_high": high,
            "tokens_28d": point_28d,
            "tokens_28d_low": low_28d,
            "tokens_28d_high": high_28d,
            "growth_1d_pct": None if is_unlisted or yesterday[3] else growth(tokens, yesterday[0]),
            "growth_7d_pct": growth(point, earlier_point),
            "growth_7d_low_pct": growth(low, earlier_high),
            "growth_7d_high_pct": growth(high, earlier_low),
            "growth_7d_listed_pct": growth(low, earlier_low),
            "growth_28d_pct": growth(point_28d, earlier_point_28d),
            "growth_28d_low_pct": growth(low_28d, earlier_high_28d),
            "growth_28d_high_pct": growth(high_28d, earlier_low_28d),
            "growth_28d_listed_pct": growth(low_28d, earlier_low_28d),
            "growth_364d_pct": growth(point, window(cells, before(on, 364), 7)[0]),
            "delta_7d_tokens": minus(low, earlier_low),
            "contribution_7d_pp": self.contribution(minus(low, earlier_low), on, 7),
            "delta_28d_tokens": minus(low_28d, earlier_low_28d),
            "contribution_28d_pp": self.contribution(minus(low_28d, earlier_low_28d), on, 28),
            "share_pct": None if tokens is None or not self.total(on) else Fraction(100 * tokens, self.total(on)),
            "share_7d_low_pct": self.share(low, on),
            "share_7d_high_pct": self.share(high, on),
            "share_7d_change_low_pp": minus(self.share(low, on), self.share(earlier_high, before(on, 7))),
            "share_7d_change_high_pp": minus(self.share(high, on), self.share(earlier_low, before(on, 7))),
            "delta_1d_tokens": minus(tokens, yesterday[0]),
            "is_provisional": self.is_provisional(on, 7),
            "is_growth_7d_provisional": self.is_provisional(on, 14),
            "is_growth_28d_provisional": self.is_provisional(on, 56),
            "is_censored": is_censored(cells, on),
            "is_growth_7d_censored": is_censored(cells, on) or is_censored(cells, before(on, 7)),
        }

    def share(self, tokens: int | None, end: date) -> Fraction | None:
        total = sum(self.total(x) for x in days_of(end, 7) if x in self.boards)
        return Fraction(100 * tokens, total) if tokens is not None and total else None

    def may_exist(self, slug: str, on: date) -> bool:
        """Whether a model that is listed some day may have had traffic on this one: since its launch, if known."""
        created = [entry["created_at"].date() for _, entry in self.snapshots.get(slug, [])]
        return not created or min(*created, self.first_listed[slug]) <= on

    def in_catalogues(self, on: date) -> set[str]:
        """What the catalogue of the day knows, else what those before and after it both know."""
        earlier, later = [x for x in self.catalogues if x <= on], [x for x in self.catalogues if x >= on]
        return self.catalogues[max(earlier)] & self.catalogues[min(later)] if earlier and later else set()

    def is_provisional(self, on: date, days: int) -> bool:
        return any(x in self.as_of and x >= before(self.as_of[x].date(), 1) for x in days_of(on, days))

    def contribution(self, change: int | None, on: date, days: int) -> Fraction | None:
        total = sum(self.total(x) for x in days_of(before(on, days), days) if x in self.boards)
        return Fraction(100 * change, total) if change is not None and total else None


def known_in_catalogues(catalogues: Sequence[Catalogue]) -> dict[date, set[str]]:
    """Slugs of each day's catalogues, of the next day's that has any those created by the end of the day, and of the
    previous one's all, as one that is gone by the morning was there until some hour.

    Aliases have no traffic of their own.
    """
    days = sorted({one.fetched_at.date() for one in catalogues})
    known: dict[date, set[str]] = {on: set() for on in days}
    for preceding, on, following in zip([None, *days], days, [*days[1:], None], strict=False):
        for one in catalogues:
            for slug, traits in one.models.items():
                is_older = one.fetched_at.date() == following and traits["created_at"].date() <= on
                is_alias = traits.get("alias_target_slug") is not None
                if (one.fetched_at.date() in (preceding, on) or is_older) and not is_alias:
                    known[on].add(slug)
    return known


def add_ranks(table: Mapping[Key, Row]) -> None:
    """Positions by tokens, ties by name, of what is listed."""
    boards: dict[tuple[str, date], list[tuple[int, str]]] = {}
    for (dimension, entity, on), row in table.items():
        row["rank"] = None
        if row["total_tokens"] is not None and not is_complete(dimension, entity):
            boards.setdefault((dimension, on), []).append((-row["total_tokens"], entity))
    for (dimension, on), board in boards.items():
        for rank, (_, entity) in enumerate(sorted(board), 1):
            table[dimension, entity, on]["rank"] = rank


def is_complete(dimension: str, entity: str) -> bool:
    return dimension == "total" or entity == OTHER


def before(on: date, days: int) -> date:
    return on - timedelta(days)


def days_of(end: date, days: int) -> list[date]:
    return [before(end, back) for back in range(days)]


def window(cells: Mapping[date, Cell], end: date, days: int) -> tuple[int | None, int | None, int | None]:
    """Point, low and high of the days that end on `end`; all null where one of them is not loaded."""
    inside = [cells.get(on) for on in days_of(end, days)]
    if None in inside:
        return None, None, None
    low, high = sum(cell[1] for cell in inside if cell), sum(cell[2] for cell in inside if cell)
    return None if any(cell[3] for cell in inside if cell) else low, low, high


def is_censored(cells: Mapping[date, Cell], end: date) -> bool:
    """Whether something is not listed on a loaded day of the 7; a day that is not loaded says nothing."""
    return any(cells[on][3] for on in days_of(end, 7) if on in cells)


def growth(now: int | None, earlier: int | None) -> Fraction | None:
    return None if now is None or not earlier else 100 * (Fraction(now, earlier) - 1)


def minus(one: Any, another: Any) -> Any:
    return None if one is None or another is None else one - another


def is_same(found: Any, expected: Any) -> bool:
    """Integers and flags to the last digit, quotients as far as floats carry."""
    if expected is None or found is None:
        return found is expected
    if isinstance(expected, Fraction):
        return isinstance(found, float) and math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-11)
    return type(found) is type(expected) and found == expected


def assert_same_cells(rankings: Rankings, catalogues: Sequence[Catalogue]) -> dict[Key, Row]:
    """Build the table from what is given and compare every cell; return the expected table."""
    expected = Reference(rankings.boards, dict.fromkeys(rankings.boards, rankings.as_of), catalogues).table()
    connection = built(rankings, *catalogues, select=[GROWTH])
    cursor = connection.execute("select * from marts.fct_token_growth_daily")
    names = [column[0] for column in cursor.description or ()]
    found = {}
    for values in cursor.fetchall():
        row = dict(zip(names, values, strict=True))
        key = row.pop("dimension"), row.pop("entity"), row.pop("date")
        assert key not in found
        found[key] = row
    connection.close()
    assert found.keys() == expected.keys()
    wrong = [
        f"{key} {name}: {row.get(name)} instead of {value}"
        for key, row in found.items()
        for name, value in expected[key].items()
        if not is_same(row.get(name), value)
    ]
    assert not wrong, "\n".join(wrong[:20])
    assert set(names) == {"dimension", "entity", "date", *next(iter(expected.values()))}
    return expected


def cut(truth: Mapping[str, int], top: int) -> dict[str, int]:
    """What is published of a day: the largest models and, where there is more, `other`."""
    ordered = sorted(truth.items(), key=lambda row: (-row[1], row[0]))
    rest = ordered[top:]
    return dict(ordered[:top]) | ({OTHER: sum(tokens for _, tokens in rest)} if rest else {})


@st.composite
def markets(draw: st.DrawFn) -> tuple[Rankings, list[Catalogue]]:
    """A few models that come, go and return; days that are missing; catalogues of some days."""
    days = draw(st.integers(1, 80))
    number = draw(st.integers(3, 12))
    top = draw(st.integers(1, 8))
    rng = Random(draw(st.integers(0, 10_000)))
    gaps = draw(st.sampled_from([0.0, 0.0, 0.03, 0.1]))
    largest = draw(st.sampled_from([3, 30, 10**12]))  # small ones for ties and zeros
    catalogued = draw(st.sampled_from([0.0, 0.3, 1.0]))
    authors = ["a", "b", "c", "meta", "meta-llama", "stealth"]
    slugs = [f"{rng.choice(authors)}/m{index}{rng.choice(['', '', '', ':free', ':batch'])}" for index in range(number)]
    lives = {slug: sorted((rng.randint(-20, days - 1), rng.randint(0, days + 40))) for slug in slugs}
    lives[slugs[0]] = [0, days]  # so that no day is empty
    boards: dict[date, Board] = {}
    for offset in range(days):
        live = [slug for slug in slugs if lives[slug][0] <= offset <= lives[slug][1] and rng.random() < 0.9]
        truth = {slug: rng.randint(0, largest) for slug in live or slugs[:1]}
        if offset in (0, days - 1) or rng.random() >= gaps:
            boards[day(offset)] = cut(truth, top)
    catalogues = []
    for offset in range(-3, days + 2):
        while rng.random() < catalogued * 0.8:
            models = {
                slug: {"created_at": instant(max(-30, lives[slug][0]), rng.randint(0, 23)), **traits(rng)}
                for slug in slugs
                if rng.random() < 0.8 and lives[slug][0] <= offset
            }
            models |= {f"{rng.choice('abcd')}/never{index}": {"created_at": instant(-9)} for index in range(2)}
            catalogues.append(Catalogue(instant(offset, rng.randint(0, 23), len(catalogues) % 60), models))
    as_of = instant(days - 1 + draw(st.integers(1, 3)), 8)
    return Rankings(boards, as_of), catalogues


def traits(rng: Random) -> dict[str, Any]:
    """Attributes that may change from one catalogue to the next."""
    return {
        "prompt_usd_per_token": rng.choice([0.0, 0.0, 0.5, -1.0]),
        "completion_usd_per_token": rng.choice([0.0, 0.0, 1.5]),
        "output_modalities": rng.choice(["text", "text", "image"]),
        "hugging_face_id": rng.choice([None, "a/weights"]),
        "is_reasoning_capable": rng.choice([True, False]),
        "tokenizer": rng.choice(["Other", "GPT", "GPT", "Router"]),
    }


@settings(
    max_examples=16,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # the message names the cells; making a market smaller takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(markets())
def test_small_markets(market: tuple[Rankings, list[Catalogue]]) -> None:
    assert_same_cells(*market)


@pytest.mark.parametrize(
    ("last", "catalogue_days"),
    [(119, range(120)), (59, range(20, 60, 7)), (59, ())],
    ids=["daily catalogues", "some catalogues", "no catalogue"],
)
def test_simulated_market(world: World, last: int, catalogue_days: Iterable[int]) -> None:
    days = world_days(world, 0, last)
    catalogues = list(world_catalogues(world, (days[offset] for offset in catalogue_days)))
    rankings = Rankings(world_boards(world, days), instant(last + 1, 8))
    expected = assert_same_cells(rankings, catalogues)
    assert {key[0] for key in expected} == {"total", *DIMENSIONS}
    # What is compared contains the hard cases: points and bounds, and entities that have left.
    assert any(row["is_censored"] and row["tokens_7d_high"] for row in expected.values())
    assert any(row["total_tokens"] is None for row in expected.values())
    assert any(row["growth_28d_pct"] is not None for row in expected.values())


def test_a_year_and_more() -> None:
    """Growth over 364 days, across a gap and for a model that is away for months."""
    rng = Random(1)
    listed: dict[date, Board] = {}
    for offset in range(400):
        if offset != 380:
            away = {"b/two"} if 30 <= offset < 300 else set()
            truth = {slug: rng.randint(1, 1000) for slug in ("a/one", "a/three:free", "b/two")}
            listed[day(offset)] = cut({slug: n for slug, n in truth.items() if slug not in away}, 2)
    expected = assert_same_cells(Rankings(listed, instant(402)), [])
    assert expected["total", "all", day(371)]["growth_364d_pct"] is not None
    assert expected["total", "all", day(386)]["growth_364d_pct"] is None
