"""What tokens cost: prices by variant and day, spend as a band, and price indexes apart from the mix of models."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipeline.simulation import World
from tests.models.harness import (
    Board,
    Catalogue,
    Rankings,
    boards,
    built,
    catalogue_entry,
    day,
    final,
    instant,
    rows,
    world_boards,
    world_catalogues,
    world_days,
)
from tests.models.snapshots import Snapshot
from tests.models.snapshots import built as built_with_snapshots

INDEX = ["+fct_price_index_daily"]
SPEND = ["+spend_total"]
Traits = Mapping[str, Any]


def priced(prompt: float, completion: float | None = None, cached: float | None = None, **traits: Any) -> Traits:
    """Prices in USD per million tokens; without further ones, every token costs the same."""
    read = prompt if completion is None else cached
    return {
        "prompt_usd_per_token": prompt / 1e6,
        "completion_usd_per_token": (prompt if completion is None else completion) / 1e6,
        "input_cache_read_usd_per_token": None if read is None else read / 1e6,
        **traits,
    }


def catalogue(on: int, listed: Mapping[str, Traits | float]) -> Catalogue:
    """The morning's catalogue; a number is the price of every token."""
    return Catalogue(
        instant(on, 8),
        {slug: priced(traits) if isinstance(traits, int | float) else traits for slug, traits in listed.items()},
    )


def ranked(*listed: Board | None) -> Rankings:
    return final(boards(listed))


def spent(*given: Rankings | Catalogue, columns: str) -> list[tuple[Any, ...]]:
    return rows(built(*given, select=SPEND), "fct_spend_daily", columns)


def indexes(*given: Rankings | Catalogue, columns: str) -> list[tuple[Any, ...]]:
    """Columns of the index in the order of days."""
    connection = built(*given, select=INDEX)
    return connection.execute(f"select {columns} from marts.fct_price_index_daily order by date").fetchall()


BAND = "model_permaslug, low_usd_per_million, mid_usd_per_million, high_usd_per_million"


def test_a_band_of_prices_follows_from_the_assumed_mix() -> None:
    listed = {
        "a/cached": priced(2.0, 10.0, 0.2),
        "b/uncached": priced(2.0, 10.0),
        "c/flat": 3.0,
        "d/embedding": priced(0.02, 0.0, output_modalities="embeddings"),
    }
    connection = built(ranked(dict.fromkeys(listed, 3_000_000)), catalogue(0, listed), select=SPEND)
    assert rows(connection, "fct_spend_daily", BAND) == [
        ("a/cached", 0.2, 0.97 * (0.72 * 0.2 + 0.28 * 2) + 0.03 * 10, 0.964 * 2 + 0.036 * 10),
        ("b/uncached", 2.0, pytest.approx(0.97 * 2 + 0.03 * 10), 0.964 * 2 + 0.036 * 10),
        ("c/flat", 3.0, 3.0, 3.0),
        ("d/embedding", 0.01928, 0.0194, 0.02),
    ]
    columns = "spend_low_usd, spend_mid_usd, spend_high_usd, prompt_pct, least_prompt_pct, cached_pct, is_provisional"
    found = rows(connection, "fct_spend_daily", columns, "model_permaslug = 'a/cached'")
    assert found == [(0.6, 2.94864, 6.864, 97.0, 96.4, 72.0, False)]


def test_low_is_the_cheapest_provider_of_the_day() -> None:
    served = [
        {
            "model_permaslug": "a/one",
            "model_api_id": "a/one",
            "endpoint_number": number,
            "provider_tag": "acme",
            "prompt_usd_per_token": price / 1e6,
            "completion_usd_per_token": 9 / 1e6,
        }
        for number, price in enumerate((1.5, 4.0), start=1)
    ]
    given = [Snapshot("endpoints", instant(1, 9), {"endpoints": served}, ["a/one"]), catalogue(0, {"a/one": 2.0})]
    connection = built_with_snapshots(["fct_model_price_daily"], *given)
    assert rows(connection, "fct_model_price_daily", "lowest_prompt_usd_per_token", "endpoints = 2") == [(1.5e-6,)]
    listed = [{"date": day(on), "model_permaslug": "a/one", "total_tokens": 10**6} for on in range(3)]
    facts = {"as_of": instant(9), "fetched_at": instant(9), "load_id": "rankings", "source": "rankings-daily"}
    ranking = Snapshot("rankings-daily", instant(9), {"rankings_daily": [row | facts for row in listed]})
    connection = built_with_snapshots(["fct_spend_daily"], *given, ranking)
    found = rows(connection, "fct_spend_daily", "date, low_usd_per_million, mid_usd_per_million, high_usd_per_million")
    assert found == [(day(0), 2.0, 2.0, 2.0), (day(1), 1.5, 2.0, 2.0), (day(2), 2.0, 2.0, 2.0)]


def test_a_variant_never_has_the_price_of_its_base() -> None:
    listed: dict[str, Traits | float] = {
        "a/one-1": priced(5.0, id="a/one"),
        "a/one-1:batch": priced(2.5, id="a/one:batch"),
        "a/one-1:free": priced(0.0, id="a/one:free"),
        "b/two-1": priced(7.0, id="b/two"),
    }
    tokens = dict.fromkeys([*listed, "b/two-1:free", "b/two-1:thinking"], 10**6)
    found = spent(ranked(tokens), catalogue(0, listed), columns="model_permaslug, spend_mid_usd, is_price_assumed")
    assert found == [
        ("a/one-1", 5.0, False),
        ("a/one-1:batch", 2.5, False),
        ("a/one-1:free", 0.0, False),
        ("b/two-1", 7.0, False),
        ("b/two-1:free", 0.0, True),  # by its name
        ("b/two-1:thinking", None, None),
    ]


def test_what_has_no_price_is_counted_and_not_spent_at_zero() -> None:
    connection = built(
        ranked({"a/paid": 400, "b/free": 100, "c/router": 50, "d/image": 40, "e/unknown": 10, "other": 400}),
        catalogue(
            0,
            {
                "a/paid": 1e6,
                "b/free": 0.0,
                "c/router": {"prompt_usd_per_token": -1.0, "completion_usd_per_token": -1.0},
                "d/image": priced(0.0, output_modalities="image"),
            },
        ),
        select=SPEND,
    )
    columns = "total_tokens, priced_tokens, free_tokens, assumed_tokens, unpriced_tokens, other_tokens, priced_pct"
    assert rows(connection, "spend_total", columns) == [(1000, 500, 100, 0, 100, 400, 50.0)]
    assert rows(connection, "spend_total", "spend_low_usd, spend_mid_usd, spend_high_usd") == [(400.0, 400.0, 400.0)]
    unpriced = rows(connection, "fct_spend_daily", "model_permaslug", "spend_mid_usd is null")
    assert unpriced == [("c/router",), ("d/image",), ("e/unknown",)]


def test_without_any_catalogue_nothing_is_priced() -> None:
    connection = built(ranked({"a/one": 10, "other": 5}), select=INDEX)
    assert rows(connection, "spend_total", "unpriced_tokens, priced_pct, spend_mid_usd") == [(10, 0.0, None)]
    assert rows(connection, "fct_price_index_daily", "fisher_index, unit_value_usd_per_million") == [(None, None)]


def test_a_price_holds_between_catalogues_and_is_assumed_outside_of_them() -> None:
    """`a/one` changes on day 4, by the last catalogue of it, is missing on day 6 and comes back on day 8."""
    prices = {2: 10.0, 4: 20.0, 8: 40.0, 6: None}
    found = spent(
        ranked(*[{"a/one": 10**6}] * 11),
        Catalogue(instant(4, 7), {"a/one": priced(30.0), "b/two": priced(1.0)}),
        *(catalogue(on, {"b/two": 1.0} | ({} if price is None else {"a/one": price})) for on, price in prices.items()),
        columns="date, spend_mid_usd, is_price_assumed",
    )
    expected = [(10.0, True)] * 2 + [(10.0, False)] * 2 + [(20.0, False)] * 2 + [(20.0, True)] * 2 + [(40.0, False)] * 3
    assert found == [(day(on), *row) for on, row in enumerate(expected)]


# Producer Price Index Manual (ILO, IMF, OECD, UNECE, World Bank, 2004), chapter 19: prices (table 19.1) and quantities
# (table 19.2) of six commodities in five periods, made by W. E. Diewert, and the indexes of them with period 1 as base
# and chained. Of the indexes, Laspeyres and Paasche of period 2 are as published with the R package gpindex; the others
# were computed apart from the definitions, not read from the manual.
PRICES = {
    1: (1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
    2: (1.2, 3.0, 1.3, 0.7, 1.4, 0.8),
    3: (1.0, 1.0, 1.5, 0.5, 1.7, 0.6),
    4: (0.8, 0.5, 1.6, 0.3, 1.9, 0.4),
    5: (1.0, 1.0, 1.6, 0.1, 2.0, 0.2),
}
QUANTITIES = {
    1: (1.0, 1.0, 2.0, 1.0, 4.5, 0.5),
    2: (0.8, 0.9, 1.9, 1.3, 4.7, 0.6),
    3: (1.0, 1.1, 1.8, 3.0, 5.0, 0.8),
    4: (1.2, 1.2, 1.9, 6.0, 5.6, 1.3),
    5: (0.9, 1.2, 2.0, 12.0, 6.5, 2.5),
}
FIXED_BASE = {  # Laspeyres, Paasche, Fisher, Törnqvist
    2: (1.4200, 1.3824, 1.4011, 1.4052),
    3: (1.3450, 1.2031, 1.2721, 1.2890),
    4: (1.3550, 1.0209, 1.1762, 1.2268),
    5: (1.4400, 0.7968, 1.0712, 1.2477),
}
CHAINED = {
    2: (1.4200, 1.3824, 1.4011, 1.4052),
    3: (1.3646, 1.2740, 1.3185, 1.3112),
    4: (1.3351, 1.2060, 1.2689, 1.2624),
    5: (1.3306, 1.1234, 1.2226, 1.2224),
}
LINK = "laspeyres_ratio, paasche_ratio, fisher_ratio, tornqvist_ratio"


def periods(*order: int) -> list[Rankings | Catalogue]:
    """The manual's periods as days in that order."""
    slugs = [f"a/commodity-{number}" for number in range(1, 7)]
    listed = [{slug: round(1000 * sold) for slug, sold in zip(slugs, QUANTITIES[one], strict=True)} for one in order]
    catalogues = [catalogue(on, dict(zip(slugs, PRICES[one], strict=True))) for on, one in enumerate(order)]
    return [ranked(*listed), *catalogues]


def test_links_between_two_periods_are_the_fixed_base_indexes_of_the_manual() -> None:
    links = indexes(*periods(1, 2, 1, 3, 1, 4, 1, 5), columns=LINK)
    for link, expected in zip(links[1::2], FIXED_BASE.values(), strict=True):
        assert link == pytest.approx(expected, abs=5e-5)
    for there, back in zip(links[1:-1:2], links[2::2], strict=True):
        assert [one * other for one, other in zip(there[2:], back[2:], strict=True)] == pytest.approx([1, 1])


def test_the_chain_is_the_chained_index_of_the_manual() -> None:
    found = indexes(*periods(1, 2, 3, 4, 5), columns=f"fisher_index, tornqvist_index, {LINK}")
    assert found[0] == (100.0, 100.0, None, None, None, None)
    laspeyres = paasche = 1.0
    for (fisher, tornqvist, *link), expected in zip(found[1:], CHAINED.values(), strict=True):
        laspeyres, paasche = laspeyres * link[0], paasche * link[1]
        assert (laspeyres, paasche, fisher / 100, tornqvist / 100) == pytest.approx(expected, abs=5e-5)


def test_new_goods_are_in_the_mix_and_not_in_the_link() -> None:
    """Prices stay; a dear model comes and takes half of the tokens."""
    columns = "fisher_index, tornqvist_index, unit_value_usd_per_million, unit_value_index, mix_effect_pct"
    coverage = "matched_models, changed_models, matched_pct"
    found = indexes(
        ranked({"a/old": 1000}, {"a/old": 1000, "b/new": 1000}, {"a/old": 1000, "b/new": 1000}),
        *(catalogue(on, {"a/old": 1.0} | ({"b/new": 9.0} if on else {})) for on in range(3)),
        columns=f"{columns}, {coverage}",
    )
    assert found == [
        (100.0, 100.0, 1.0, 100.0, 0.0, None, None, None),
        (100.0, 100.0, 5.0, 500.0, 400.0, 1, 0, 50.0),
        (100.0, 100.0, 5.0, 500.0, 400.0, 2, 0, 100.0),
    ]


def test_a_free_day_of_a_model_is_in_fisher_and_left_out_of_tornqvist() -> None:
    board = {"a/paid": 1000, "b/turns": 1000}
    found = indexes(
        ranked(board, board),
        catalogue(0, {"a/paid": 4.0, "b/turns": 0.0}),
        catalogue(1, {"a/paid": 2.0, "b/turns": 2.0}),
        columns=f"{LINK}, left_out_pct, left_out_value_pct, paid_unit_value_usd_per_million",
    )
    assert found[0][-1] == 4.0
    assert found[1] == pytest.approx((1.0, 1.0, 1.0, 0.5, 50.0, 25.0, 2.0))


def test_an_index_begins_with_the_first_known_price() -> None:
    """What is assumed of the days before would say that prices stayed."""
    found = indexes(
        ranked(*[{"a/one": 1000}] * 4),
        catalogue(2, {"a/one": 4.0}),
        catalogue(3, {"a/one": 3.0}),
        columns="base_date, fisher_index, unit_value_usd_per_million, is_price_assumed, previous_date",
    )
    assert found == [
        (None, None, 4.0, True, None),
        (None, None, 4.0, True, None),
        (day(2), 100.0, 4.0, False, None),
        (day(2), pytest.approx(75.0), 3.0, False, day(2)),
    ]


def test_a_link_spans_days_that_are_not_loaded() -> None:
    board = {"a/one": 1000, "b/two": 1000}
    found = indexes(
        ranked(board, None, None, board, board),
        *(catalogue(on, {"a/one": 1.0 + on, "b/two": 1.0}) for on in range(5)),
        columns="date, previous_date, base_date, fisher_index",
    )
    assert found == [
        (day(0), None, day(0), 100.0),
        (day(3), day(0), day(0), pytest.approx(250.0)),
        (day(4), day(3), day(0), pytest.approx(300.0)),
    ]


def test_a_day_that_shares_no_priced_model_with_the_day_before_begins_anew() -> None:
    found = indexes(
        ranked({"a/one": 1000, "c/free": 10}, {"b/two": 1000, "c/free": 10}, {"b/two": 1000, "c/free": 10}),
        *(catalogue(on, {"a/one": 1.0, "b/two": 5.0 + on, "c/free": 0.0}) for on in range(3)),
        columns="base_date, fisher_index, tornqvist_index, mix_effect_pct",
    )
    assert found == [
        (day(0), 100.0, 100.0, 0.0),
        (day(1), 100.0, 100.0, 0.0),
        (day(1), pytest.approx(100 * 7 / 6), pytest.approx(100 * 7 / 6), pytest.approx(0.0, abs=1e-9)),
    ]


Good = tuple[int, int, int, int]  # price before and after in thousandths of a USD per million, tokens before and after


def bilateral(goods: Sequence[Good]) -> tuple[float, float, float, float]:
    """Laspeyres, Paasche, Fisher and Törnqvist by their definitions."""
    values = [(p0 * q0, p1 * q0, p0 * q1, p1 * q1) for p0, p1, q0, q1 in goods]
    before, before_at_after, after_at_before, after = (sum(column) for column in zip(*values, strict=True))
    laspeyres, paasche = before_at_after / before, after / after_at_before
    logs = [good for good in goods if good[0] and good[1]]
    value_before, value_after = sum(p0 * q0 for p0, _, q0, _ in logs), sum(p1 * q1 for _, p1, _, q1 in logs)
    mean = sum((p0 * q0 / value_before + p1 * q1 / value_after) / 2 * math.log(p1 / p0) for p0, p1, q0, q1 in logs)
    return laspeyres, paasche, math.sqrt(laspeyres * paasche), math.exp(mean)


prices, quantities = st.integers(1, 100_000), st.integers(1, 10**13)
free_or_priced = st.one_of(st.just(0), prices)
baskets = st.tuples(
    st.tuples(prices, prices, quantities, quantities),
    st.lists(st.tuples(free_or_priced, free_or_priced, quantities, quantities), max_size=5),
    st.integers(2, 9),
).map(lambda drawn: ([drawn[0], *drawn[1]], drawn[2]))


@settings(max_examples=3, deadline=None, derandomize=True, phases=[Phase.generate])
@given(st.lists(baskets, min_size=25, max_size=25))
def test_links_have_the_properties_of_good_indexes(drawn: list[tuple[list[Good], int]]) -> None:
    """Each basket has five days of its own: before, after, before again, prices times a factor, the same prices."""
    listed: list[Board] = []
    catalogues: list[Catalogue] = []
    for number, (goods, factor) in enumerate(drawn):
        courses = {
            f"a/basket-{number}-{place}": ((p0, q0), (p1, q1), (p0, q0), (factor * p0, q1), (factor * p0, q0 + q1))
            for place, (p0, p1, q0, q1) in enumerate(goods)
        }
        for step in range(5):
            catalogues.append(
                catalogue(len(listed), {slug: course[step][0] / 1000 for slug, course in courses.items()})
            )
            listed.append({slug: course[step][1] for slug, course in courses.items()})
    columns = f"base_date, fisher_index, tornqvist_index, unit_value_usd_per_million, spend_mid_usd, {LINK}"
    found = indexes(ranked(*listed), *catalogues, columns=columns)
    for number, (goods, factor) in enumerate(drawn):
        first, after, back, scaled, same = found[5 * number : 5 * number + 5]
        assert first[:3] == (day(5 * number), 100.0, 100.0)
        assert first[5:] == (None, None, None, None)
        expected = bilateral(goods)
        assert after[5:] == pytest.approx(expected, rel=1e-9)
        assert min(expected[:2]) * (1 - 1e-12) <= after[7] <= max(expected[:2]) * (1 + 1e-12)
        assert (back[7], back[8]) == pytest.approx((1 / after[7], 1 / after[8]), rel=1e-9)
        assert back[1:3] == pytest.approx((100, 100), rel=1e-9)
        assert scaled[5:] == pytest.approx((factor,) * 4, rel=1e-9)
        assert same[5:] == (1.0, 1.0, 1.0, 1.0)
        assert same[1:3] == scaled[1:3]
        for row, board in zip((first, after), listed[5 * number :], strict=False):
            assert row[3] * sum(board.values()) / 1e6 == pytest.approx(row[4], rel=1e-9, abs=1e-6)


def test_constant_prices_are_100_to_the_last_digit_whatever_is_used() -> None:
    slugs = {"a/one": 0.137, "b/two": 3.3, "c/free": 0.0}
    listed = [{slug: (17 * on * on + 7 * place + 1) * 10**9 for place, slug in enumerate(slugs)} for on in range(30)]
    found = indexes(ranked(*listed), catalogue(0, slugs), columns="fisher_index, tornqvist_index, laspeyres_ratio")
    assert found == [(100.0, 100.0, None)] + [(100.0, 100.0, 1.0)] * 29


class Reference:
    """Prices and indexes of a market, written once more as loops over days and slugs."""

    def __init__(self, listed: Mapping[date, Board], catalogues: Sequence[Catalogue]) -> None:
        self.listed, self.days = listed, sorted(listed)
        self.catalogues = sorted(catalogues, key=lambda one: one.fetched_at)

    def price(self, slug: str, on: date) -> tuple[float, bool] | None:
        """Blended price and whether it is assumed."""
        seen = [one for one in self.catalogues if one.fetched_at.date() <= on]
        having = [one for one in self.catalogues if slug in one.models]
        if not having:
            return (0.0, True) if slug.endswith(":free") else None
        past = [one for one in having if one in seen]
        traits = catalogue_entry(slug, **(past[-1] if past else having[0]).models[slug])
        prompt, completion = (1e6 * traits[f"{kind}_usd_per_token"] for kind in ("prompt", "completion"))
        if not prompt and not completion and traits["output_modalities"] != "text":
            return None
        return 0.97 * prompt + 0.03 * completion, not (seen and slug in seen[-1].models)

    def spend(self) -> dict[tuple[date, str], tuple[float | None, bool | None]]:
        found: dict[tuple[date, str], tuple[float | None, bool | None]] = {}
        for on in self.days:
            for slug in self.listed[on].keys() - {"other"}:
                price = self.price(slug, on)
                found[on, slug] = (price[0] * self.listed[on][slug] / 1e6, price[1]) if price else (None, None)
        return found

    def known(self, on: date) -> dict[str, float]:
        prices = {slug: self.price(slug, on) for slug in self.listed[on].keys() - {"other"}}
        return {slug: price[0] for slug, price in prices.items() if price and not price[1]}

    def index(self) -> dict[date, tuple[float | None, float | None, int | None, int | None]]:
        found: dict[date, tuple[float | None, float | None, int | None, int | None]] = {}
        fisher = tornqvist = 100.0
        for previous, on in zip([None, *self.days], self.days, strict=False):
            prices = self.known(on)
            earlier = self.known(previous) if previous else {}
            both = sorted(prices.keys() & earlier.keys())
            if not any(prices.values()):
                found[on] = (None, None, None, None)
                continue
            if not previous or not any(prices[slug] and earlier[slug] for slug in both):
                fisher = tornqvist = 100.0
                found[on] = (fisher, tornqvist, None, None)
                continue
            goods = [(earlier[s], prices[s], self.listed[previous][s], self.listed[on][s]) for s in both]
            _, _, fisher_link, tornqvist_link = bilateral(goods)  # type: ignore[arg-type]
            fisher, tornqvist = fisher * fisher_link, tornqvist * tornqvist_link
            found[on] = (fisher, tornqvist, len(both), sum(prices[s] != earlier[s] for s in both))
        return found


def test_a_simulated_market_agrees_with_its_definition_written_once_more() -> None:
    world = World(days=160)
    days = world_days(world, 100, 150)
    listed = world_boards(world, [on for number, on in enumerate(days) if number not in (20, 33, 34)])
    catalogues = list(
        world_catalogues(world, [on for number, on in enumerate(days) if number >= 8 and number % 5 != 2])
    )
    reference = Reference(listed, catalogues)
    connection = built(final(listed), *catalogues, select=INDEX)

    spend = rows(connection, "fct_spend_daily", "date, model_permaslug, spend_mid_usd, is_price_assumed")
    expected = reference.spend()
    assert {(on, slug) for on, slug, _, _ in spend} == expected.keys()
    for on, slug, usd, is_assumed in spend:
        assert (usd, is_assumed) == (pytest.approx(expected[on, slug][0], abs=2e-6), expected[on, slug][1]), (on, slug)
    assert {is_assumed for *_, is_assumed in spend} == {True, False, None}

    columns = "date, fisher_index, tornqvist_index, matched_models, changed_models"
    found = {on: row for on, *row in rows(connection, "fct_price_index_daily", columns)}
    expected_index = reference.index()
    assert found.keys() == expected_index.keys()
    for on, row in expected_index.items():
        assert found[on] == [None if cell is None else pytest.approx(cell, rel=1e-9) for cell in row], on
    assert [row for row in expected_index.values() if None in row[:2]]
    assert sum(changed or 0 for *_, changed in found.values()) > 0


CHANGES = "price_change_pct, tokens_before, tokens_after, growth_pct, others_growth_pct, arc_elasticity"


@pytest.fixture(scope="module")
def changes() -> Iterator[duckdb.DuckDBPyConnection]:
    """Prices that change on day 7, from 10 USD, beside a model that goes from 100 to 110 tokens a day."""
    listed: list[Board] = []
    for on in range(14):
        used = {"a/one": (50, 100), "b/late": (0, 20), "c/free": (30, 60), "d/news": (40, 40), "rest/all": (100, 110)}
        board = {slug: before_and_after[on >= 7] for slug, before_and_after in used.items()}
        listed.append({slug: n for slug, n in board.items() if n} | ({"d/news:free": 5, "a/two": 6} if on > 8 else {}))
        listed[-1]["other"] = 5
    later = {"a/one": 5.0, "b/late": 5.0, "c/free": 0.0, "d/news": 5.0, "rest/all": 1.0}
    news = {slug: priced(0.0, created_at=instant(8, 9)) for slug in ("d/news:free", "a/two")}
    connection = built(
        ranked(*listed),
        catalogue(0, dict.fromkeys(later, 10.0) | {"rest/all": 1.0}),
        catalogue(7, later),
        catalogue(9, later | news),
        select=["+fct_price_changes"],
    )
    yield connection
    connection.close()


def change(changes: duckdb.DuckDBPyConnection, slug: str, columns: str, window: int = 7) -> tuple[Any, ...]:
    where = f"model_permaslug = '{slug}' and window_days = {window}"
    (found,) = rows(changes, "fct_price_changes", columns, where)
    return found


def test_a_price_change_stands_beside_the_growth_of_the_model_and_of_the_others(
    changes: duckdb.DuckDBPyConnection,
) -> None:
    before, after = 7 * (30 + 40 + 100 + 5), 7 * (20 + 60 + 40 + 110 + 5) + 5 * 11
    elasticity = (math.log(2) - math.log(after / before)) / math.log(0.5)
    found = change(changes, "a/one", CHANGES)
    assert found == pytest.approx((-50.0, 350, 700, 100.0, 100 * (after / before - 1), elasticity))
    assert change(changes, "a/one", "is_censored, is_provisional") == (False, False)
    assert change(changes, "a/one", CHANGES, window=28) == (-50.0, None, None, None, None, None)
    same = "select size, tokens_7d_before, tokens_7d_after from marts.fct_events where kind = 'price_change'"
    assert changes.execute(f"{same} and entity = 'a/one'").fetchall() == [(-50.0, 350, 700)]


def test_a_model_that_is_not_listed_before_has_bounds_and_no_elasticity(changes: duckdb.DuckDBPyConnection) -> None:
    columns = "tokens_before, tokens_after, growth_pct, growth_low_pct, growth_high_pct, arc_elasticity, is_censored"
    assert change(changes, "b/late", columns) == (0, 140, None, pytest.approx(300.0), None, None, True)


def test_a_model_that_becomes_free_has_no_elasticity(changes: duckdb.DuckDBPyConnection) -> None:
    columns = "price_change_pct, log_price_change, growth_pct, arc_elasticity"
    assert change(changes, "c/free", columns) == (-100.0, None, 100.0, None)


def test_news_of_the_model_and_of_its_author_are_flagged(changes: duckdb.DuckDBPyConnection) -> None:
    flags = {slug: change(changes, slug, "has_own_news, has_author_news") for slug in ("a/one", "b/late", "d/news")}
    assert flags == {"a/one": (False, True), "b/late": (False, False), "d/news": (True, True)}


def test_a_day_that_is_not_loaded_leaves_a_price_change_without_growth() -> None:
    listed = [None if on == 9 else {"a/one": 50, "other": 5} for on in range(14)]
    catalogues = [catalogue(on, {"a/one": price}) for on, price in ((0, 10.0), (7, 5.0))]
    connection = built(ranked(*listed), *catalogues, select=["+fct_price_changes"])
    assert change(connection, "a/one", f"{CHANGES}, is_censored") == (-50.0, None, None, None, None, None, False)
