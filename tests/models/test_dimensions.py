"""What belongs to which entity of a dimension, from which day on, and how each board is bounded, case by case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
import pytest

from tests.models.answers import BUCKETS, Answer, bucket, built, modality, page, part, whole
from tests.models.harness import GROWTH, Board, Catalogue, Rankings, boards, day, final, instant, rows, series

FREE = {"prompt_usd_per_token": 0.0, "completion_usd_per_token": 0.0}
LISTED = "date, total_tokens"
BOUNDS = "total_tokens, tokens_7d, tokens_7d_low, tokens_7d_high, is_censored"
TRAITS = ("price_class", "weights", "reasoning", "tokenizer")


def growth_of(*given: Rankings | Catalogue | Answer) -> duckdb.DuckDBPyConnection:
    return built(*given, select=[GROWTH])


def market(listed: Sequence[Board | None], *more: Catalogue | Answer) -> duckdb.DuckDBPyConnection:
    """The growth of consecutive days."""
    return growth_of(final(boards(listed)), *more)


def catalogue(offset: int, **models: Mapping[str, Any]) -> Catalogue:
    """The catalogue of a day's morning; `a_one` is the model a/one."""
    return Catalogue(instant(offset, 8), {slug.replace("_", "/", 1): traits for slug, traits in models.items()})


def on_day(connection: duckdb.DuckDBPyConnection, offset: int, *dimensions: str) -> dict[str, dict[str, Any]]:
    """What is listed of each entity of the dimensions on a day."""
    found: dict[str, dict[str, Any]] = {dimension: {} for dimension in dimensions}
    where = f"date = '{day(offset)}' and total_tokens is not null and entity <> 'other'"
    for dimension, entity, tokens in rows(
        connection, "fct_token_growth_daily", "dimension, entity, total_tokens", where
    ):
        if dimension in found:
            found[dimension][entity] = tokens
    return found


def days_of(connection: duckdb.DuckDBPyConnection, entity: str) -> list[int]:
    """The days, from the first, on which something of the entity is listed."""
    return [(on - day(0)).days for on, tokens in series(connection, entity, LISTED) if tokens is not None]


def test_price_that_becomes_nothing_changes_the_class_from_the_day_of_that_catalogue_on() -> None:
    board = {"a/one": 100, "b/two": 20, "other": 30}
    catalogues = [catalogue(3, a_one={}, b_two={}), catalogue(5, a_one=FREE, b_two={})]
    connection = market([board] * 8, *catalogues)
    # The first catalogue counts for the days before it, too.
    columns = "total_tokens, tokens_7d, tokens_7d_low"
    paid = series(connection, "price_class paid", columns)
    assert paid == [
        *[(120, None, None)] * 5,
        (20, None, None),
        (20, 5 * 120 + 2 * 20, 640),
        (20, 4 * 120 + 3 * 20, 540),
    ]
    # On the days on which no model was in the class, it is unlisted, not zero.
    free = series(connection, "price_class zero_price", f"date, {columns}")
    assert free == [(day(5), 100, None, None), (day(6), 100, None, 200), (day(7), 100, None, 300)]


def test_traits_change_with_the_catalogue_and_a_price_cut_changes_no_class() -> None:
    halved = {"prompt_usd_per_token": 0.25, "completion_usd_per_token": 0.0, "hugging_face_id": "a/weights"}
    connection = market([{"a/one": 100}] * 4, catalogue(0, a_one={}), catalogue(2, a_one=halved))
    assert days_of(connection, "price_class paid") == [0, 1, 2, 3]
    assert days_of(connection, "weights proprietary") == [0, 1]
    assert days_of(connection, "weights open_candidate") == [2, 3]


def test_model_without_a_row_may_have_company_in_all_of_other() -> None:
    board = {"a/one": 100, "b/two": 20, "other": 30}
    connection = market([board] * 7, *(catalogue(offset, a_one={}) for offset in range(7)))
    # Every catalogue is held, and each model that it knows is listed; what it does not know may be of any class.
    for entity in ("price_class paid", "weights proprietary", "reasoning not_capable", "tokenizer Other family"):
        assert series(connection, entity, BOUNDS)[6] == (100, None, 700, 700 + 7 * 20, True)
    # What no catalogue knows may be more than this one, and more than one cut-off of 20.
    for entity in ("price_class unmatched", "weights unknown", "reasoning unknown", "tokenizer unknown"):
        assert series(connection, entity, BOUNDS)[6] == (20, 140, 140, 140 + 7 * 30, False)
    assert series(connection, "model_age unknown", BOUNDS)[6] == (20, 140, 140, 140 + 7 * 30, False)
    assert series(connection, "author b", BOUNDS)[6] == (20, 140, 140, 140, False)


def test_without_a_catalogue_every_class_but_the_names_is_unknown() -> None:
    connection = market([{"a/one": 100, "stealth/two": 20, "a/one:free": 5, "other": 30}] * 7)
    assert on_day(connection, 6, *TRAITS, "organisation", "model_age") == {
        "price_class": {"unmatched": 120, "free_variant": 5},
        "weights": {"unknown": 125},
        "reasoning": {"unknown": 125},
        "tokenizer": {"unknown": 125},
        "organisation": {"a": 105, "unattributed": 20},
        "model_age": {"unknown": 125},
    }
    for entity in ("price_class free_variant", "organisation a", "organisation unattributed"):
        _, _, low, high, _ = series(connection, entity, BOUNDS)[6]
        assert high - low == 7 * 30


def test_variant_without_a_row_is_like_its_base_but_for_the_price() -> None:
    traits = {"hugging_face_id": "a/weights", "is_reasoning_capable": True, "tokenizer": "GPT"}
    board = {"a/one": 100, "a/one:free": 10, "a/one:batch": 7, "a/one:fast": 1}
    # The last one has a row, and with it traits of its own.
    own = {"a/one": traits, "a/one:fast": {"tokenizer": "Qwen"}}
    connection = market([board], Catalogue(instant(0, 8), own))
    assert on_day(connection, 0, *TRAITS, "variant") == {
        "price_class": {"paid": 101, "free_variant": 10, "unmatched": 7},
        "weights": {"open_candidate": 117, "proprietary": 1},
        "reasoning": {"capable": 117, "not_capable": 1},
        "tokenizer": {"GPT": 117, "Qwen": 1},
        "variant": {"standard": 100, "free": 10, "batch": 7, "fast": 1},
    }


def test_zero_price_is_that_of_all_tokens_of_a_model_that_writes() -> None:
    models = {
        "a/text": FREE,
        "a/both": FREE | {"output_modalities": "image,text"},
        # Without a price of a token, images are paid for by piece.
        "a/images": FREE | {"output_modalities": "image"},
        "a/prompts": {"prompt_usd_per_token": 0.0},
        "a/completions": {"completion_usd_per_token": 0.0},
    }
    board = {"a/text": 1, "a/both": 2, "a/images": 4, "a/prompts": 8, "a/completions": 16}
    connection = market([board], Catalogue(instant(0, 8), models))
    assert on_day(connection, 0, "price_class") == {
        "price_class": {"zero_price": 1 + 2, "unmatched": 4, "paid": 8 + 16}
    }


def test_router_has_neither_a_price_nor_weights() -> None:
    router = {"prompt_usd_per_token": -1.0, "completion_usd_per_token": -1.0, "tokenizer": "Router"}
    connection = market([{"openrouter/auto": 10, "a/one": 100}], catalogue(0, openrouter_auto=router, a_one={}))
    assert on_day(connection, 0, *TRAITS, "organisation") == {
        "price_class": {"unmatched": 10, "paid": 100},
        "weights": {"unknown": 10, "proprietary": 100},
        "reasoning": {"unknown": 10, "not_capable": 100},
        "tokenizer": {"Router": 10, "Other family": 100},
        "organisation": {"unattributed": 10, "a": 100},
    }


def test_curated_weights_win_over_the_catalogue_and_stand_in_for_it() -> None:
    board = {
        "openai/text-embedding-3-small": 50,  # proprietary, whatever is linked
        "baai/bge-m3-20251117": 20,  # in no catalogue
        "qwen/qwen3-embedding-8b:free": 10,  # a variant of one
        "google/gemini-embedding-001": 4,
        "b/two": 1,
    }
    rows_of_catalogue = {
        "openai/text-embedding-3-small": {"hugging_face_id": "someone/copy"},
        "qwen/qwen3-embedding-8b:free": {},
        "b/two": {"hugging_face_id": "b/weights"},
    }
    connection = market([board], Catalogue(instant(0, 8), rows_of_catalogue))
    assert on_day(connection, 0, "weights", "reasoning") == {
        "weights": {"proprietary": 54, "open_candidate": 31},
        # What is curated says nothing else.
        "reasoning": {"not_capable": 61, "unknown": 24},
    }


def test_organisation_joins_its_namespaces() -> None:
    board = {"meta/one": 100, "meta-llama/two": 50, "c/three": 20, "other": 30}
    gone = {"meta/one": 100, "c/three": 20, "other": 30}
    models: dict[str, Mapping[str, Any]] = {slug: {} for slug in ("meta/one", "meta-llama/two", "c/three")}
    catalogues = [Catalogue(instant(offset, 8), models) for offset in range(7)]
    connection = market([*[board] * 6, gone], *catalogues)
    assert on_day(connection, 5, "organisation", "author") == {
        "organisation": {"meta": 150, "c": 20},
        "author": {"meta": 100, "meta-llama": 50, "c": 20},
    }
    # On the last day one of its two models is below the cut-off of 20.
    assert series(connection, "organisation meta", BOUNDS)[6] == (100, None, 1000, 1020, True)
    assert series(connection, "organisation c", BOUNDS)[6] == (20, 140, 140, 140, False)


def test_unattributed_models_may_have_company_in_all_of_other() -> None:
    board = {"a/one": 100, "stealth/two": 20, "openrouter/three": 20, "other": 70}
    models: dict[str, Mapping[str, Any]] = {slug: {} for slug in ("a/one", "stealth/two", "openrouter/three")}
    connection = market([board] * 7, *(Catalogue(instant(offset, 8), models) for offset in range(7)))
    assert series(connection, "organisation unattributed", BOUNDS)[6] == (40, 280, 280, 280 + 7 * 70, False)
    assert series(connection, "organisation a", BOUNDS)[6] == (100, 700, 700, 700, False)
    assert series(connection, "author stealth", BOUNDS)[6] == (20, 140, 140, 140, False)


def test_age_changes_on_the_31st_and_91st_day_after_the_launch() -> None:
    created = {"created_at": instant(-20, 23, 59)}
    connection = market([{"a/one": 100}] * 75, catalogue(0, a_one=created))
    assert days_of(connection, "model_age 0-30 days") == list(range(11))  # on day 10 it is 30 days old
    assert days_of(connection, "model_age 31-90 days") == list(range(11, 71))
    assert days_of(connection, "model_age 91+ days") == list(range(71, 75))
    # A class that nothing is in any more is shown leaving; without `other` its week is exact.
    assert series(connection, "model_age 0-30 days", BOUNDS)[11] == (None, 600, 600, 600, False)
    assert len(series(connection, "model_age 0-30 days", "date")) == 11 + 55


def test_launch_is_the_first_listing_where_that_is_earlier() -> None:
    board = {"a/one": 100}
    late = {"a/one": 100, "b/two": 20, "c/three": 3}
    described = {"created_at": instant(4)}
    connection = market([board, *[late] * 34], catalogue(0, a_one={"created_at": instant(-400)}, b_two=described))
    # b/two is listed three days before its row says.
    assert series(connection, "model_age 0-30 days", LISTED)[:32] == [
        *[(day(offset), 20) for offset in range(1, 32)],
        (day(32), None),
    ]
    assert days_of(connection, "model_age 31-90 days") == [32, 33, 34]
    # c/three has no row, and may have been below the cut-off for any time.
    assert series(connection, "model_age unknown", "total_tokens") == [3] * 34
    assert series(connection, "model_age 91+ days", "total_tokens") == [100] * 35


def test_model_there_on_the_first_day_without_a_row_is_of_unknown_age_for_90_days() -> None:
    connection = market([{"a/one": 100, "b/two": 20}] * 94, catalogue(93, b_two={"created_at": instant(-400)}))
    assert series(connection, "model_age unknown", LISTED)[:92] == [
        *[(day(offset), 100) for offset in range(91)],
        (day(91), None),
    ]
    # Older than 90 days by then, whenever it was launched.
    assert series(connection, "model_age 91+ days", "total_tokens") == [*[20] * 91, *[120] * 3]


def test_app_whose_name_is_taken_is_told_apart() -> None:
    names = {"n4": "Twin (7)", "n5": "all", "n6": "other", "n7": "Twin", "n8": "Twin", "n9": "Lone"}
    given = whole(0, {4: 60, 5: 50, 6: 40, 7: 30, 8: 20, 9: 10}, **names)
    connection = market([{"a/one": 900, "other": 100}], given)
    told_apart = {"Twin (7) (4)": 60, "other (6)": 40, "Twin (7)": 30, "Twin (8)": 20}
    assert on_day(connection, 0, "app") == {"app": {**told_apart, "all": 50, "Lone": 10}}
    assert series(connection, "app other", "total_tokens") == [790]


def test_app_has_one_series_under_its_newest_name() -> None:
    given = [whole(0, {7: 30}, instant(2), n7="Anvil"), whole(1, {7: 40}, instant(3), n7="Hammer")]
    connection = market([{"a/one": 100}] * 2, *given)
    assert series(connection, "app Hammer", LISTED) == [(day(0), 30), (day(1), 40)]
    assert series(connection, "app Anvil", LISTED) == []


def test_day_with_one_of_two_pages_is_not_loaded() -> None:
    pages = [
        answer
        for offset in range(12)
        for answer in (page(1, offset, {7: 300}), page(2, offset, {8: 20}))
        if (answer.covers, answer.series) not in ((day(3), ["2"]), (day(0), ["1"]))
    ]
    connection = market([{"a/one": 1000}] * 12, *pages)
    loaded = [1, 2, *range(4, 12)]
    columns = "date, tokens_7d, tokens_7d_low, tokens_7d_high"
    for entity, tokens in (("app App 7", 300), ("app App 8", 20), ("app other", 680)):
        found = series(connection, entity, columns)
        assert [row[0] for row in found] == [day(offset) for offset in loaded]
        # The first week without the third day ends on the tenth.
        week = (7 * tokens,) * 3
        assert [row[1:] for row in found] == [*[(None,) * 3] * 8, week, week]
    assert len(series(connection, "total all", "date")) == 12


def test_category_of_an_app_moves_with_the_date_of_retrieval() -> None:
    moves = [
        part("coding", instant(2, 8), {7: 300}),
        part("coding", instant(3, 8), {7: 300}),
        part("creative", instant(5, 8), {7: 300}),
    ]
    connection = market([{"a/one": 1000}] * 8, *(whole(offset, {7: 300, 8: 20}) for offset in range(8)), *moves)
    # The first one counts for the days before it, too.
    assert days_of(connection, "app_category coding") == [0, 1, 2, 3, 4]
    assert days_of(connection, "app_category creative") == [5, 6, 7]
    assert series(connection, "app_category uncategorised", "total_tokens") == [20] * 8
    assert series(connection, "app_category other", "total_tokens") == [680] * 8


def test_subcategory_tells_the_category_of_an_app_that_is_in_several_lists() -> None:
    places = [
        part("coding", instant(0, 8), {7: 300}),
        part("productivity/legal", instant(0, 8), {7: 200}),
        part("creative/video-gen", instant(0, 8), {7: 100}),
    ]
    connection = market([{"a/one": 1000}], whole(0, {7: 300}), *places)
    assert on_day(connection, 0, "app_category") == {"app_category": {"productivity": 300}}


def test_other_of_apps_is_the_residual_and_bounds_a_category() -> None:
    used = [{7: 300, 8: 100}] * 6 + [{7: 300, 9: 50}]
    answers = [whole(offset, of_day) for offset, of_day in enumerate(used)]
    connection = market([{"a/one": 900, "other": 100}] * 7, *answers, part("coding", instant(0, 8), {7: 300}))
    for dimension in ("app", "app_category"):
        found = series(connection, f"{dimension} other", "total_tokens, tokens_7d, share_pct")
        assert found == [*[(600, None, 60.0)] * 6, (650, 6 * 600 + 650, 65.0)]
    # An app that is not listed has at most what the smallest listed one has.
    assert series(connection, "app App 8", BOUNDS)[6] == (None, None, 600, 650, True)
    assert series(connection, "app App 7", BOUNDS)[6] == (300, 2100, 2100, 2100, False)
    # Apps that nothing tells of may be of any category.
    residual = 6 * 600 + 650
    assert series(connection, "app_category coding", BOUNDS)[6] == (300, 2100, 2100, 2100 + residual, False)
    assert series(connection, "app_category uncategorised", BOUNDS)[6] == (50, None, 650, 650 + residual, True)


def buckets(*listed: int) -> list[Answer]:
    """The four smaller buckets, each with these tokens a day."""
    return [bucket(name, boards([{"a/one": tokens} for tokens in listed])) for name in BUCKETS[:4]]


def test_context_bucket_before_its_floor_counts_as_nothing_and_what_no_bucket_holds_is_other() -> None:
    largest = bucket("10M", boards([{"a/one": 53}], start=2), floor_date=day(2))
    connection = market([{"a/one": 40}, {"a/one": 80}, {"a/one": 100}], *buckets(10, 20, 10), largest)
    columns = "date, total_tokens, share_pct, delta_1d_tokens"
    assert series(connection, "context_bucket 10M", columns) == [
        (day(0), 0, 0.0, None),
        (day(1), 0, 0.0, 0),
        (day(2), 53, 53.0, 53),
    ]
    assert series(connection, "context_bucket other", "total_tokens, share_pct") == [(0, 0.0), (0, 0.0), (7, 7.0)]


def test_context_buckets_without_a_floor_leave_days_unknown() -> None:
    largest = bucket("10M", boards([{"a/one": 60}], start=2))
    connection = market([{"a/one": 40}, {"a/one": 80}, {"a/one": 100}], *buckets(10, 20, 10), largest)
    for entity in ("10M", "1K", "other"):
        assert [row[0] for row in series(connection, f"context_bucket {entity}", LISTED)] == [day(2)]


def test_modalities_overlap_and_have_no_other() -> None:
    used = {"text": (100, 200), "image": (60, 60), "image_output": (5, 5), "audio": (2, 2), "tool_calling": (40, 90)}
    answers = [modality(name, boards([{"a/one": x}] * 7 + [{"a/one": y}] * 7)) for name, (x, y) in used.items()]
    connection = market([{"a/one": 100}] * 7 + [{"a/one": 200}] * 7, *answers)
    columns = "entity, total_tokens, tokens_7d, growth_7d_pct, contribution_7d_pp, share_pct"
    where = f"dimension = 'modality' and date = '{day(13)}'"
    assert rows(connection, "fct_token_growth_daily", columns, where) == [
        ("audio", 2, 14, 0.0, 0.0, 1.0),
        ("image", 60, 420, 0.0, 0.0, 30.0),
        ("image_output", 5, 35, 0.0, 0.0, 2.5),
        ("text", 200, 1400, 100.0, 100.0, 100.0),
        ("tool_calling", 90, 630, 125.0, 50.0, 45.0),
    ]


def contributions(connection: duckdb.DuckDBPyConnection, dimension: str, on: date, days: int) -> dict[str, Any]:
    found = rows(
        connection,
        "fct_token_growth_daily",
        f"entity, contribution_{days}d_pp",
        f"dimension = '{dimension}' and date = '{on}'",
    )
    return dict(found)


def points(tokens: Mapping[str, int], before: int) -> dict[str, Any]:
    """Changes in tokens as parts of a total before."""
    return {entity: pytest.approx(100 * change / before) for entity, change in tokens.items()}


def test_contributions_add_up_when_a_model_changes_its_class() -> None:
    before = {"a/one": 100, "b/two:free": 20, "other": 30}
    after = {"a/one": 150, "b/two:free": 50, "other": 25}
    models: dict[str, Mapping[str, Any]] = {"b/two:free": {}}
    catalogues = [
        Catalogue(instant(0, 8), models | {"a/one": {}}),
        Catalogue(instant(28, 8), models | {"a/one": FREE}),
    ]
    connection = market([*[before] * 28, *[after] * 28], *catalogues)
    # From 150 tokens a day to 225: half as much again, over 7 days as over 28.
    changes = {"paid": -100, "zero_price": 150, "free_variant": 30, "other": -5}
    assert sum(changes.values()) == 75
    assert contributions(connection, "price_class", day(34), 7) == points(changes, 150)
    assert contributions(connection, "price_class", day(55), 28) == points(changes, 150)
    assert series(connection, "total all", "growth_7d_pct")[34] == pytest.approx(50)
    assert series(connection, "total all", "growth_28d_pct")[55] == pytest.approx(50)
    # Three days of the week.
    assert contributions(connection, "price_class", day(30), 7) == points(
        {entity: 3 * change for entity, change in changes.items()}, 7 * 150
    )
    for dimension in ("model", "author", "organisation", "weights", "model_age"):
        assert sum(contributions(connection, dimension, day(55), 28).values()) == pytest.approx(50)


def leaving(last: int, days: int) -> Iterable[Board]:
    """Boards of days, of which b/two is on those up to the last."""
    staying = {"a/one": 100, "other": 30}
    return (staying | {"b/two": 20} if offset <= last else staying for offset in range(days))


def test_contributions_over_four_weeks_count_what_left_up_to_55_days_ago() -> None:
    connection = market(list(leaving(27, 85)))
    columns = "delta_28d_tokens, contribution_28d_pp"
    found = dict(zip(range(85), series(connection, "model b/two", columns), strict=False))
    assert max(found) == 27 + 55
    # Days 28 to 55 against days 0 to 27, of 150 tokens each.
    assert found[55] == (-28 * 20, pytest.approx(100 * -20 / 150))
    # Of the four weeks before the last four, one day had it.
    assert found[82] == (-20, pytest.approx(100 * -20 / (150 + 27 * 130)))
    assert contributions(connection, "model", day(82), 28) == {
        "a/one": 0.0,
        "b/two": found[82][1],
        "other": 0.0,
    }
    assert series(connection, "total all", "growth_28d_pct")[82] == pytest.approx(found[82][1])
    assert contributions(connection, "model", day(83), 28) == {"a/one": 0.0, "other": 0.0}
    assert series(connection, "total all", "growth_28d_pct")[83] == 0.0
