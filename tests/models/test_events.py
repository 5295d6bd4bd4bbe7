"""Dated events: what each kind finds, what it leaves out, and how large an event is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from pipeline.simulation import World
from tests.models.harness import (
    Board,
    Catalogue,
    Rankings,
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


def events_of(*given: Rankings | Catalogue) -> Any:
    return built(*given, select=["+fct_events"])


def found(connection: Any, kind: str, columns: str = "entity, date, size") -> list[tuple[Any, ...]]:
    return rows(connection, "fct_events", columns, f"kind = '{kind}'")


def market(days: int, courses: Mapping[str, tuple[int, range | list[int]]], gaps: tuple[int, ...] = ()) -> Rankings:
    """Final rankings: for each model its daily tokens and the days on which it is listed; `a/base` always is."""
    listed: list[Board | None] = []
    for offset in range(days):
        board = {slug: tokens for slug, (tokens, on) in courses.items() if offset in on}
        listed.append(None if offset in gaps else {"a/base": 1000, "other": 5} | board)
    return final(boards(listed))


def priced(prompt: float, completion: float, **traits: Any) -> dict[str, Any]:
    """Prices in USD per million tokens."""
    return {"prompt_usd_per_token": prompt / 1e6, "completion_usd_per_token": completion / 1e6, **traits}


def test_a_launch_has_the_day_and_the_first_week_that_the_catalogue_tells() -> None:
    created = {
        "a/base": instant(0, 8),
        "b/same": instant(3, 9),
        "c/next": instant(4, 23),
        "d/later": instant(10),
        "e/new": instant(15),
        "f/old": instant(-30),
        "g/relisted": instant(5),
    }
    connection = events_of(
        market(
            20,
            {
                "b/same": (10, range(3, 20)),
                "c/next": (30, range(5, 20)),
                "d/later": (20, range(12, 20)),
                "e/new": (40, range(15, 20)),
                "f/old": (50, range(6, 20)),
                "g/relisted": (60, range(4, 20)),
                "h/unmatched": (70, range(4, 20)),
            },
        ),
        Catalogue(instant(19), {slug: {"created_at": at} for slug, at in created.items()}),
    )
    columns = "entity, date, size, size_unit, tokens_7d_before, is_unlisted_before, is_unlisted_after, detail"
    assert found(connection, "launch", columns) == [
        ("a/base", day(0), 7000, "tokens", None, None, False, "first listed in the rankings on the same day"),
        ("b/same", day(3), 70, "tokens", None, None, False, "first listed in the rankings on the same day"),
        ("c/next", day(4), 180, "tokens", None, None, True, "first listed in the rankings on the next day"),
        ("d/later", day(10), 100, "tokens", 0, True, True, "first listed in the rankings 2 days later"),
        ("e/new", day(15), None, "tokens", 0, True, None, "first listed in the rankings on the same day"),
    ]
    assert found(connection, "first_listing", "entity, date, size, detail") == [
        ("h/unmatched", day(4), 490, "first listed, at rank 2, while no catalogue tells of a launch")
    ]


def test_the_first_day_in_the_top_10_counts_once_and_not_for_those_that_began_there() -> None:
    top = {f"a{number:02}/model": 100 - number for number in range(10)}
    low, high = top | {"z/low": 5}, top | {"z/low": 500, "y/new:free": 1}
    # a09/model leaves the top and returns, z/low enters twice; the free models as a whole are no entity of the market.
    connection = events_of(final(boards([low, high, low, high])))
    detail = f"first day in the top 10 since {day(0)}, at rank 1"
    assert found(connection, "top_10_entry", "dimension, entity, date, size, size_unit, detail") == [
        ("author", "z", day(1), 1, "rank", detail),
        ("model", "z/low", day(1), 1, "rank", detail),
    ]


@pytest.mark.parametrize(("days", "is_known"), [(30, False), (31, True)])
def test_an_exit_is_a_week_without_a_model_that_had_been_listed_for_a_week(days: int, is_known: bool) -> None:
    connection = events_of(
        market(
            days,
            {
                "b/left": (20, range(10)),
                "c/short": (20, range(3, 9)),
                "d/back-in-a-week": (20, [*range(10), *range(16, days)]),
                "e/twice": (30, [*range(7), *range(14, 17)]),
                "f/patchy": (40, [0, 1, 3, 5, 7, 9, 11]),
                "g/newest": (50, range(24)),
            },
        )
    )
    columns = "entity, date, size, is_unlisted_before, tokens_7d_after, is_unlisted_after, detail"
    expected = [
        ("b/left", day(10), 140, False, 0, True, f"listed on 10 days, the last of them {day(9)}, at rank 4"),
        ("e/twice", day(7), 210, False, 0, True, f"listed on 7 days, the last of them {day(6)}, at rank 3"),
        ("f/patchy", day(12), 160, True, 0, True, f"listed on 7 days, the last of them {day(11)}, at rank 3"),
    ]
    if is_known:
        expected.append(
            ("g/newest", day(24), 350, False, 0, True, f"listed on 24 days, the last of them {day(23)}, at rank 2")
        )
    assert found(connection, "exit", columns) == expected


def test_a_day_that_is_not_loaded_hides_an_exit_and_a_size() -> None:
    courses = {"b/before": (20, range(10)), "c/at": (30, range(12)), "d/after": (40, range(20))}
    connection = events_of(market(30, courses, gaps=(12,)))
    columns = "entity, date, size, tokens_7d_before, is_unlisted_before, tokens_7d_after"
    assert found(connection, "exit", columns) == [
        ("c/at", day(13), None, None, None, 0),
        ("d/after", day(20), 280, 280, False, 0),
    ]


def test_a_free_launch_is_a_free_variant_or_a_price_of_0_at_the_first_listing() -> None:
    early = {
        "c/zero": priced(0, 0),
        "e/first": priced(0, 0),
        "f/paid": priced(1, 1),
        "g/router": {"prompt_usd_per_token": -1.0, "completion_usd_per_token": -1.0},
        "h/half": priced(0, 1),
        "i/until-12": priced(0, 0),
        "j/gone": priced(0, 0),
        "l/between": priced(0, 0),
    }
    late = {"f/paid": priced(0, 0), "i/until-12": priced(1, 1), "k/known-late": priced(0, 0), "l/between": priced(2, 0)}
    connection = events_of(
        market(
            30,
            {
                "b/two:free": (10, range(2, 30)),
                "c/zero": (20, range(3, 30)),
                "d/first:free": (30, range(30)),
                "e/first": (30, range(30)),
                "f/paid": (40, range(5, 30)),
                "g/router": (40, range(5, 30)),
                "h/half": (40, range(5, 30)),
                "i/until-12": (50, range(6, 30)),
                "j/gone": (50, range(13, 30)),
                "k/known-late": (50, range(5, 30)),
                "l/between": (60, range(9, 30)),
            },
        ),
        *(Catalogue(instant(on, 8), listed) for on, listed in ((4, early), (7, early), (12, late))),
    )
    assert found(connection, "free_launch", "entity, date, size, detail") == [
        ("b/two:free", day(2), 70, "free variant first listed, at rank 4"),
        ("c/zero", day(3), 140, "model with a price of 0 first listed, at rank 4"),
        ("i/until-12", day(6), 350, "model with a price of 0 first listed, at rank 2"),
    ]
    both = "prompt price from 0.00 to 1.00, completion price from 0.00 to 1.00 USD per million tokens"
    assert found(connection, "free_end", "entity, date, size, detail") == [
        ("i/until-12", day(12), 300, both),
        ("l/between", day(12), 180, "prompt price from 0.00 to 2.00 USD per million tokens"),
    ]


def test_a_free_end_is_for_good_and_not_only_below_the_cutoff() -> None:
    connection = events_of(
        market(
            30,
            {
                "b/gone:free": (10, range(10)),
                "c/below:free": (20, range(10)),
                "d/back:free": (30, [*range(5), *range(12, 20)]),
                "e/short:free": (40, [3]),
                "f/newest:free": (50, range(24)),
                "g/paid": (60, range(10)),
            },
        ),
        # That of day 16 is the first one after a week without them.
        Catalogue(instant(12), {"b/gone:free": {}, "c/below:free": {}}),
        Catalogue(instant(16), {"c/below:free": {}}),
        Catalogue(instant(25), {"b/gone:free": {}}),
    )
    assert found(connection, "free_end", "entity, date, size, detail") == [
        ("b/gone:free", day(10), 70, f"free variant last listed on {day(9)}, at rank 5"),
        ("d/back:free", day(20), 210, f"free variant last listed on {day(19)}, at rank 3"),
        ("e/short:free", day(4), None, f"free variant last listed on {day(3)}, at rank 4"),
    ]


def test_use_passes_from_a_free_variant_to_the_paid_model_that_follows_it() -> None:
    free = (100, range(14))
    connection = events_of(
        market(
            30,
            {
                "b/two:free": free,
                "b/two": (35, range(14, 30)),
                "c/overlap:free": free,
                "c/overlap": (70, range(7, 30)),
                "d/beside:free": free,
                "d/beside": (70, range(6, 30)),
                "e/too-late:free": free,
                "e/too-late": (70, range(21, 30)),
                "f/late:free": free,
                "f/late": (70, range(20, 30)),
                "g/two:free": free,
                "h/two": (70, range(14, 30)),
                "g/two:extended": (70, range(14, 30)),
                "i/early:free": (100, range(5)),
                "i/early": (70, range(30)),
            },
        )
    )
    columns = "entity, date, related_entity, size, size_unit, tokens_7d_before, tokens_7d_after, is_unlisted_after"
    assert found(connection, "free_to_paid", columns) == [
        ("b/two:free", day(14), "b/two", 35, "pct", 700, 245, False),
        ("c/overlap:free", day(14), "c/overlap", 70, "pct", 700, 490, False),
        ("f/late:free", day(14), "f/late", 10, "pct", 700, 70, True),
    ]
    (detail,) = found(connection, "free_to_paid", "detail")[0]
    assert detail == f"free variant gone, b/two listed since {day(14)}"
    ends = found(connection, "free_end", "entity, size, tokens_7d_after, related_entity")
    assert ("b/two:free", 700, 0, None) in ends
    assert len(ends) == 7


def test_a_price_change_is_that_of_the_prompt_or_else_of_the_completion() -> None:
    router = {"prompt_usd_per_token": -1.0, "completion_usd_per_token": -1.0}
    before = {
        "b/both": priced(0.5, 1.5),
        "c/completion": priced(0.5, 1.5),
        "d/zero": priced(0, 0),
        "e/router": router,
        "f/digit": {"prompt_usd_per_token": 1e-6},
        "g/variant": priced(1, 1),
        "g/variant:free": priced(0, 0),
        "h/unlisted": priced(1, 1),
        "i/reverted": priced(0.5, 1),
        "j/moved": priced(0.5, 1),
        "k/was-router": router,
        "l/by-id-2025": priced(3, 4, id="l/by-id"),
        "m/steady": priced(1, 1),
        "n/odd:free": priced(0, 0),
    }
    during = before | {"i/reverted": priced(0.7, 1), "j/moved": priced(0.7, 1)}
    after = before | {
        "b/both": priced(0.25, 1),
        "c/completion": priced(0.5, 3),
        "d/zero": priced(0.019, 0),
        "e/router": {**router, "name": "Renamed"},
        "f/digit": {"prompt_usd_per_token": 1.0000000000000002e-06},
        "g/variant": priced(2, 1),
        "h/unlisted": priced(2, 1),
        "j/moved": priced(0.8, 1),
        "k/was-router": priced(1, 123.45),
        "l/by-id-2025": priced(3.75, 4, id="l/by-id"),
        "m/steady": priced(1, 1, name="Renamed"),
        "n/odd:free": priced(1, 0),
    }
    ranked = [slug.removesuffix("-2025") for slug in before if slug != "h/unlisted"]
    connection = events_of(
        market(20, {"h/unlisted": (5, [1]), **{slug: (10, range(20)) for slug in ranked}}),
        *(
            Catalogue(at, listed)
            for at, listed in (
                (instant(8), before),
                (instant(10, 8), during),
                (instant(10, 20), after),
                (instant(12), after),
            )
        ),
    )
    unit = "USD per million tokens"
    columns = "entity, date, size, size_unit, tokens_7d_before, tokens_7d_after, detail"
    exact = found(connection, "price_change", columns)
    assert [row[:2] + row[3:] for row in exact] == [
        (entity, day(10), "pct", 70, 70, f"{detail} {unit}")
        for entity, detail in (
            ("b/both", "prompt price from 0.50 to 0.25, completion price from 1.50 to 1.00"),
            ("c/completion", "completion price from 1.50 to 3.00"),
            ("d/zero", "prompt price from 0.00 to 0.019"),
            ("g/variant", "prompt price from 1.00 to 2.00"),
            ("j/moved", "prompt price from 0.50 to 0.80"),
            ("k/was-router", "prompt price from none to 1.00, completion price from none to 123.45"),
            ("l/by-id", "prompt price from 3.00 to 3.75"),
            ("n/odd:free", "prompt price from 0.00 to 1.00"),
        )
    ]
    sizes = [None if row[2] is None else pytest.approx(row[2]) for row in exact]
    assert sizes == [-50, 100, None, 100, 60, None, 25, None]
    assert found(connection, "free_end") == [("d/zero", day(10), 70)]


def test_a_stealth_model_is_known_by_its_author_or_its_ending() -> None:
    late = range(1, 10)
    connection = events_of(
        market(
            10,
            {
                "stealth/first": (10, range(10)),
                "stealth/heron": (20, late),
                "openrouter/lark-beta": (30, late),
                "openrouter/owl-alpha:free": (40, late),
                "openrouter/alpha-router": (50, late),
                "b/two-alpha": (60, late),
            },
        )
    )
    assert found(connection, "stealth_debut", "entity, date, size, detail") == [
        ("openrouter/lark-beta", day(1), 210, "first listed, at rank 5"),
        ("openrouter/owl-alpha:free", day(1), 280, "first listed, at rank 4"),
        ("stealth/heron", day(1), 140, "first listed, at rank 6"),
    ]


def test_a_model_disappears_when_the_newest_whole_catalogue_lacks_it() -> None:
    ranked = {slug: (10, range(8)) for slug in ("b/gone", "c/gone-later", "d/back", "e/by-id", "f/only-imported")}
    embedding = {"output_modalities": "embeddings"}
    stays: dict[str, dict[str, Any]] = {"a/base": {}, "z/embedding": embedding}
    by_id = {"e/by-id-2025": {"id": "e/by-id"}}
    connection = events_of(
        market(20, ranked),
        Catalogue(instant(6), {"a/base": {}, "b/gone": {}, "f/only-imported": {}}, origin="a colleague"),
        Catalogue(instant(8), {**stays, **by_id, "b/gone": {}, "c/gone-later": {}, "d/back": {}, "u/unranked": {}}),
        Catalogue(instant(10), {**stays, "c/gone-later": {}}),
        Catalogue(instant(12), {**stays, "d/back": {}}),
    )
    told = f"in the catalogue until {day(8)}, in the rankings until {day(7)}"
    assert found(connection, "disappearance", "entity, date, size, is_unlisted_before, detail") == [
        ("b/gone", day(10), 50, True, told),
        ("c/gone-later", day(12), 30, True, told.replace(str(day(8)), str(day(10)))),
        ("e/by-id", day(10), 50, True, told),
    ]


def test_a_restatement_is_a_total_that_changed_by_a_thousandth() -> None:
    first = [{"a/base": 900, "other": 100}, {"a/base": 9900, "other": 100}, {"a/base": 900, "b/two": 100}]
    last = [{"a/base": 901, "other": 100}, {"a/base": 9909, "other": 100}, {"a/base": 900, "c/three": 90}]
    connection = events_of(
        Rankings(boards(first), instant(3, 8)), Rankings(boards(first), instant(4)), Rankings(boards(last), instant(9))
    )
    assert found(connection, "restatement", "dimension, entity, date, size, size_unit, detail") == [
        ("total", "all", day(0), 0.1, "pct", "from 1000 to 1001 tokens in 3 vintages"),
        ("total", "all", day(2), -1.0, "pct", "from 1000 to 990 tokens in 3 vintages"),
    ]


def test_the_weeks_of_an_author_and_of_the_total_are_their_own() -> None:
    top = {f"a{number:02}/model": 1000 - number for number in range(10)}
    small, large = top | {"z/one": 1, "z/two": 2}, top | {"z/one": 2000, "z/two": 3000}
    first = boards([small] * 7 + [large] * 7)
    restated = {day(7): large | {"a00/model": 2000}}
    connection = events_of(Rankings(first, instant(20)), Rankings(restated, instant(21)))
    columns = "kind, dimension, entity, tokens_7d_before, tokens_7d_after, is_unlisted_before"
    each_day = sum(top.values())
    assert rows(connection, "fct_events", columns, "dimension <> 'model'") == [
        ("restatement", "total", "all", 7 * (each_day + 3), 7 * (each_day + 5000) + 1000, False),
        ("top_10_entry", "author", "z", 21, 35000, False),
    ]


def test_an_event_is_provisional_where_a_day_of_its_weeks_is() -> None:
    listed = [{"a/base": 100, **({"b/two:free": 10} if offset >= 2 else {})} for offset in range(20)]
    for day_of_debut, is_provisional in ((13, True), (12, False)):
        board = [one | ({"stealth/model": 5} if offset >= day_of_debut else {}) for offset, one in enumerate(listed)]
        connection = events_of(Rankings(boards(board), instant(20, 8)))
        # The day that ends the morning before is provisional: day 19.
        assert found(connection, "stealth_debut", "date, is_provisional, size") == [
            (day(day_of_debut), is_provisional, 35)
        ]


def test_without_figures_there_is_no_event() -> None:
    assert rows(events_of(), "fct_events", "kind") == []
    catalogues = [Catalogue(instant(1), {"a/one": {}}), Catalogue(instant(2), {"b/two": {}})]
    assert rows(events_of(*catalogues), "fct_events", "kind") == []


def test_the_scripted_events_of_the_simulated_market_are_found_on_their_days() -> None:
    world = World(days=600)
    catalogues = [
        offset for offset in range(600) if any(abs(offset - turn) < 9 for turn in (118, 141, 372, 415, 512, 571))
    ]
    connection = events_of(
        final(world_boards(world, world_days(world, 0, 599))),
        *world_catalogues(world, (world.first_day + (day(offset) - day(0)) for offset in catalogues)),
    )

    def told(pattern: str) -> list[tuple[str, str, date]]:
        where = f"regexp_matches(entity, '{pattern}') and kind <> 'top_10_entry'"
        return rows(connection, "fct_events", "entity, kind, date", where)

    for slug, first, end in (("openrouter/lapwing-alpha", 118, 141), ("stealth/heron-alpha", 372, 415)):
        assert told(slug) == [
            (slug, "disappearance", day(end)),
            (slug, "exit", day(end)),
            (slug, "free_launch", day(first)),
            (slug, "launch", day(first)),
            (slug, "stealth_debut", day(first)),
        ]
    paid = f"tundra/serac-1-{day(512):%Y%m%d}"
    # It is launched in the afternoon and reaches the top 50 on its first whole day.
    assert told("serac") == [
        (paid, "launch", day(571)),
        (f"{paid}:free", "disappearance", day(571)),
        (f"{paid}:free", "exit", day(571)),
        (f"{paid}:free", "free_end", day(571)),
        (f"{paid}:free", "free_launch", day(513)),
        (f"{paid}:free", "free_to_paid", day(571)),
        (f"{paid}:free", "launch", day(512)),
    ]
    ((related, share),) = found(connection, "free_to_paid", "related_entity, size")
    assert related == paid
    # Two thirds do not follow at once; the free variant was shrinking with its age, and the paid one grows in.
    before = sum(world.truth(day(offset))[f"{paid}:free"] for offset in range(564, 571))
    after = sum(world.truth(day(offset))[paid] for offset in range(571, 578))
    assert share == pytest.approx(100 * after / before)
    assert 30 < share < 50
    changes = rows(connection, "fct_events", "entity, size", "kind = 'price_change' and entity like '%:free'")
    assert changes == []
