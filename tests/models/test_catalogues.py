"""What the catalogue adds to the rankings: joins that keep variants apart, and history."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import BuildFailedError
from tests.models.harness import Catalogue, Rankings, boards, built, day, final, instant, rows

MATCH = "model_permaslug, match_status, matched_by, id, prompt_usd_per_token"


def joined(*given: Rankings | Catalogue) -> Any:
    return built(*given, select=["+rpt_unmatched_models", "+dim_model_history"])


def board(*slugs: str) -> Rankings:
    return final(boards([dict.fromkeys(slugs, 10)]))


def test_permaslug_matches_before_the_id() -> None:
    catalogue = Catalogue(
        instant(1),
        {
            "a/one-20250101": {"id": "a/one", "prompt_usd_per_token": 1.0},
            "a/two-20250101": {"id": "a/two", "prompt_usd_per_token": 2.0},
            # Its id is the permaslug of another model: the exact slug wins.
            "a/three-20250101": {"id": "a/two-20250101", "prompt_usd_per_token": 3.0},
        },
    )
    connection = joined(board("a/one-20250101", "a/two", "a/two-20250101", "a/none"), catalogue)
    assert rows(connection, "dim_model", MATCH) == [
        ("a/none", "unmatched", None, None, None),
        ("a/one-20250101", "matched", "permaslug", "a/one", 1.0),
        ("a/two", "matched", "id", "a/two", 2.0),
        ("a/two-20250101", "matched", "permaslug", "a/two", 2.0),
    ]
    unmatched = rows(connection, "rpt_unmatched_models", "date, model_permaslug, total_tokens, share_pct")
    assert unmatched == [(day(0), "a/none", 10, 25.0)]


def test_free_variant_never_has_the_price_of_its_base() -> None:
    both = {"a/one-1": {"id": "a/one"}, "a/one-1:free": {"id": "a/one:free"}}
    ranked = board("a/one-1", "a/one-1:free")
    assert rows(joined(ranked, Catalogue(instant(1), both)), "dim_model", MATCH) == [
        ("a/one-1", "matched", "permaslug", "a/one", 0.5),
        ("a/one-1:free", "matched", "permaslug", "a/one:free", 0.0),
    ]
    base_only = Catalogue(instant(1), {"a/one-1": both["a/one-1"]})
    assert rows(joined(ranked, base_only), "dim_model", MATCH)[1] == ("a/one-1:free", "unmatched", None, None, None)
    free_only = Catalogue(instant(1), {"a/one-1:free": both["a/one-1:free"]})
    assert rows(joined(ranked, free_only), "dim_model", MATCH)[0] == ("a/one-1", "unmatched", None, None, None)


def test_batch_variant_shares_a_slug_but_not_a_row() -> None:
    listed = {"a/one-1": {"id": "a/one"}, "a/one-1:batch": {"id": "a/one:batch", "prompt_usd_per_token": 0.25}}
    connection = joined(board("a/one-1"), Catalogue(instant(1), listed))
    assert rows(connection, "dim_model", MATCH) == [("a/one-1", "matched", "permaslug", "a/one", 0.5)]


def test_delisted_model_keeps_its_last_row() -> None:
    connection = joined(
        board("a/one"),
        Catalogue(instant(1), {"a/one": {"name": "First"}, "b/two": {}}),
        Catalogue(instant(2), {"a/one": {"name": "Last"}, "b/two": {}}),
        Catalogue(instant(3), {"b/two": {}}),
    )
    found = rows(connection, "dim_model", "model_permaslug, match_status, name, valid_from, valid_to")
    assert found == [("a/one", "delisted", "Last", instant(2), instant(3))]


def test_router_has_no_price() -> None:
    price = {"prompt_usd_per_token": -1.0, "completion_usd_per_token": -1.0}
    connection = joined(board("r/auto"), Catalogue(instant(1), {"r/auto": price}))
    assert rows(connection, "dim_model", "prompt_usd_per_token, completion_usd_per_token") == [(None, None)]


HISTORY = "model_permaslug, valid_from, valid_to, prompt_usd_per_token"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("id", "a/uno"),
        ("name", "Uno"),
        ("context_length_tokens", 2000),
        ("prompt_usd_per_token", 0.4),
        ("completion_usd_per_token", 0.4),
        ("input_cache_read_usd_per_token", 0.4),
        ("input_modalities", "image,text"),
        ("output_modalities", "image"),
        ("tokenizer", "Another"),
        ("hugging_face_id", "a/one"),
        ("is_reasoning_capable", True),
        ("expiration_date", day(90)),
    ],
)
def test_changed_attribute_makes_a_version(attribute: str, value: object) -> None:
    connection = built(
        board("a/one"),
        *(Catalogue(instant(at), {"a/one": {attribute: value} if at == 3 else {}}) for at in range(1, 6)),
        select=["+dim_model_history"],
    )
    found = rows(connection, "dim_model_history", "valid_from, valid_to")
    assert found == [(instant(1), instant(3)), (instant(3), instant(4)), (instant(4), None)]


def test_what_is_not_an_attribute_makes_no_version() -> None:
    connection = built(
        board("a/one"),
        Catalogue(instant(1), {"a/one": {"hugging_face_id": "a/one"}}),
        Catalogue(instant(2), {"a/one": {"hugging_face_id": "a/one-moved", "alias_target_slug": "a/x"}}),
        Catalogue(instant(3), {"a/one": {"hugging_face_id": "a/one"}, "b/two": {}}),
        select=["+dim_model_history"],
    )
    found = rows(connection, "dim_model_history", HISTORY)
    assert found == [("a/one", instant(1), None, 0.5), ("b/two", instant(3), None, 0.5)]


def test_model_that_disappears_and_comes_back_has_two_versions() -> None:
    connection = joined(
        board("a/one"),
        *(Catalogue(instant(at), {"b/two": {}} | ({} if at in (3, 4) else {"a/one": {}})) for at in range(1, 7)),
    )
    assert rows(connection, "dim_model_history", HISTORY) == [
        ("a/one", instant(1), instant(3), 0.5),
        ("a/one", instant(5), None, 0.5),
        ("b/two", instant(1), None, 0.5),
    ]
    assert rows(connection, "dim_model", "match_status, valid_from") == [("matched", instant(5))]


def test_contract_names_version_source_and_licence() -> None:
    connection = built(
        Rankings({day(0): {"a/one": 1}}, instant(2), citation="old"), final(boards([{"a/one": 2}], 5), citation="new")
    )
    found = connection.execute("select contract_version, is_simulated, as_of, citation from meta.contract").fetchall()
    assert found == [("1.5.0", False, instant(7), "new")]
    (licence,) = connection.execute("select licence from meta.contract").fetchall()[0]
    assert licence.startswith("CC BY 4.0")


def test_the_growth_tables_are_cited_as_rankings_and_other_places_beside_them() -> None:
    cited = {place: f"Source: OpenRouter (openrouter.ai/{place}), as of " for place in ("rankings", "apps")}
    connection = built(
        Rankings({day(0): {"a/one": 1}}, instant(2), citation=cited["rankings"] + "2"),
        final(boards([{"a/one": 2}], 5), citation=cited["rankings"] + "7"),
        Rankings({}, instant(9), source="app-rankings", citation=cited["apps"] + "9"),
    )
    found = connection.execute("select citation, citations from meta.contract").fetchall()
    assert found == [(cited["rankings"] + "7", [cited["apps"] + "9", cited["rankings"] + "7"])]


def test_simulated_figures_are_called_simulated() -> None:
    connection = built(final(boards([{"a/one": 1}]), is_simulated=True))
    found = connection.execute("select is_simulated, citation, licence from meta.contract").fetchall()
    assert found == [(True, "Simulated data, not OpenRouter's.", "none: simulated")]


def test_simulated_and_real_figures_never_share_a_warehouse() -> None:
    with pytest.raises(BuildFailedError, match="all_or_nothing_simulated"):
        built(final(boards([{"a/one": 1}]), is_simulated=True), final(boards([{"a/one": 1}], 1)))


def test_days_are_a_calendar_without_gaps() -> None:
    connection = built(final(boards([{"a/one": 1}, None, {"a/one": 3}])))
    columns = "date, year, month, iso_year, iso_week, iso_weekday, is_weekend, is_loaded, total_tokens, is_provisional"
    assert rows(connection, "dim_date", columns) == [
        (day(0), 2025, 1, 2025, 1, 3, False, True, 1, False),
        (day(1), 2025, 1, 2025, 1, 4, False, False, None, False),
        (day(2), 2025, 1, 2025, 1, 5, False, True, 3, False),
    ]


def test_views_show_the_newest_day_of_their_dimension() -> None:
    connection = built(final(boards([{"a/one": 1, "other": 2}, {"a/one": 3, "other": 4}])))
    assert rows(connection, "growth_latest", "distinct date") == [(day(1),)]
    assert rows(connection, "growth_model", "date, model_permaslug, total_tokens")[2:] == [
        (day(1), "a/one", 3),
        (day(1), "other", 4),
    ]
    assert rows(connection, "growth_author", "author, total_tokens", f"date = date '{day(1)}'") == [
        ("a", 3),
        ("other", 4),
    ]
    assert rows(connection, "growth_total", "date, total_tokens") == [(day(0), 3), (day(1), 7)]


def test_an_imported_list_of_text_models_delists_nothing_and_narrows_no_bound() -> None:
    whole = {"a/one": {}, "a/embed": {"output_modalities": "embeddings"}}
    text = {"a/one": {}}
    ranked = final(boards([{"a/one": 100, "other": 10}] * 3))
    connection = built(
        ranked,
        Catalogue(instant(0, 6), text, origin="a colleague"),
        Catalogue(instant(1, 8), whole),
        Catalogue(instant(1, 9), {}, origin="a colleague"),
        Catalogue(instant(2, 8), text, origin="a colleague"),
        select=["+dim_model_history", "+fct_token_growth_daily"],
    )
    found = rows(connection, "dim_model_history", "model_permaslug, valid_from, valid_to")
    assert found == [("a/embed", instant(1, 8), None), ("a/one", instant(0, 6), None)]
    days = connection.execute(
        "select distinct date from intermediate.int_days where has_catalogue order by date"
    ).fetchall()
    assert days == [(day(1),)]


def test_a_second_catalogue_of_a_day_dates_a_price_by_the_hour_and_leaves_the_growth_as_it_is() -> None:
    ranked = final(boards([{"a/one": 10, "b/two": 5}] * 4))
    mornings = [
        Catalogue(instant(on, 8), {"a/one": {"prompt_usd_per_token": 0.5 if on < 3 else 0.4}, "b/two": {}})
        for on in (1, 2, 3)
    ]
    evening = Catalogue(instant(2, 20), {"a/one": {"prompt_usd_per_token": 0.4}, "b/two": {}})
    select = ["+dim_model_history", "+fct_model_price_daily", "+rpt_unmatched_models", "+fct_token_growth_daily"]
    once, twice = built(ranked, *mornings, select=select), built(ranked, *mornings, evening, select=select)
    versions = "valid_from, valid_to, prompt_usd_per_token"
    one = "model_permaslug = 'a/one'"
    assert rows(once, "dim_model_history", versions, one)[-1] == (instant(3, 8), None, 0.4)
    assert rows(twice, "dim_model_history", versions, one)[-1] == (instant(2, 20), None, 0.4)
    prices = "date, prompt_usd_per_token"
    assert rows(twice, "fct_model_price_daily", prices, one) == [(day(1), 0.5), (day(2), 0.4), (day(3), 0.4)]
    for table in ("fct_token_growth_daily", "rpt_unmatched_models"):
        assert rows(twice, table, "*") == rows(once, table, "*")
