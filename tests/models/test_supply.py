"""Providers, endpoints and prices: one snapshot a day, and no variant with the price of another."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from tests.models.harness import Catalogue, day, instant, rows
from tests.models.snapshots import Snapshot, built


def providers(fetched_at: datetime, **listed: Any) -> Snapshot:
    """A list of providers, each with its countries."""
    named = [{"slug": slug, "name": slug.title(), "datacenters": countries} for slug, countries in listed.items()]
    return Snapshot("providers", fetched_at, {"providers": named})


def test_a_provider_is_described_by_the_newest_list_that_has_it() -> None:
    connection = built(
        ["dim_provider"],
        providers(instant(1), acme="US", gone="IE,US"),
        providers(instant(2, 8), acme="US", late="DE"),
        providers(instant(2, 9), acme="DE,IE,US"),
    )
    columns = "provider_slug, name, datacenters, datacenter_countries, first_seen_date, last_seen_date, is_listed"
    assert rows(connection, "dim_provider", columns) == [
        ("acme", "Acme", "DE,IE,US", 3, day(1), day(2), True),
        ("gone", "Gone", "IE,US", 2, day(1), day(1), False),
    ]


@pytest.mark.parametrize(("countries", "number"), [(None, None), ("", 0), ("JP", 1)])
def test_an_unstated_list_of_countries_is_not_an_empty_one(countries: str | None, number: int | None) -> None:
    connection = built(["dim_provider"], providers(instant(1), acme=countries))
    assert rows(connection, "dim_provider", "datacenter_countries") == [(number,)]


def endpoints(fetched_at: datetime, slug: str, *prices: float, identifier: str | None = None) -> Snapshot:
    """The endpoints of a model, by their prices of a prompt token; none where nobody serves it."""
    identifier = identifier or slug
    served = [
        {
            "model_permaslug": slug,
            "model_api_id": identifier,
            "endpoint_number": number,
            "provider_tag": "acme/fp8",
            "prompt_usd_per_token": price,
            "completion_usd_per_token": price * 4 if price >= 0 else price,
            "uptime_1d_pct": 99.5,
        }
        for number, price in enumerate(prices, start=1)
    ]
    return Snapshot("endpoints", fetched_at, {"endpoints": served} if served else {}, [identifier])


ENDPOINTS = "date, model_permaslug, endpoint_number, prompt_usd_per_token"


def test_endpoints_with_one_tag_are_rows_of_their_own() -> None:
    connection = built(["fct_endpoint_daily"], endpoints(instant(1), "a/one", 1.0, 2.0))
    assert rows(connection, "fct_endpoint_daily", f"{ENDPOINTS}, provider_tag, provider_slug") == [
        (day(1), "a/one", 1, 1.0, "acme/fp8", "acme"),
        (day(1), "a/one", 2, 2.0, "acme/fp8", "acme"),
    ]


def test_the_newest_answer_of_a_day_and_model_counts() -> None:
    connection = built(
        ["fct_endpoint_daily"],
        endpoints(instant(1, 8), "a/one", 1.0, 2.0),
        endpoints(instant(1, 9), "a/one", 3.0),
        endpoints(instant(1, 8), "b/two", 5.0),
        endpoints(instant(2, 8), "a/one", 4.0),
    )
    assert rows(connection, "fct_endpoint_daily", ENDPOINTS) == [
        (day(1), "a/one", 1, 3.0),
        (day(1), "b/two", 1, 5.0),
        (day(2), "a/one", 1, 4.0),
    ]


def test_a_model_that_nobody_serves_any_more_hides_its_earlier_endpoints_of_the_day() -> None:
    connection = built(
        ["fct_endpoint_daily"], endpoints(instant(1, 8), "a/one", 1.0), endpoints(instant(1, 9), "a/one")
    )
    assert rows(connection, "fct_endpoint_daily", ENDPOINTS) == []


def test_a_model_whose_id_changed_within_a_day_counts_once() -> None:
    connection = built(
        ["fct_endpoint_daily"],
        endpoints(instant(1, 8), "a/one-1", 1.0, identifier="a/uno"),
        endpoints(instant(1, 9), "a/one-1", 2.0, identifier="a/one"),
    )
    assert rows(connection, "fct_endpoint_daily", ENDPOINTS) == [(day(1), "a/one-1", 1, 2.0)]


LIST_PRICES = "date, model_permaslug, is_listed, prompt_usd_per_token, input_cache_read_usd_per_token"
RANGE = "lowest_prompt_usd_per_token, median_prompt_usd_per_token, highest_prompt_usd_per_token"


def test_a_variant_never_has_the_price_of_its_base() -> None:
    # All three share the canonical slug a/one-1.
    listed: dict[str, dict[str, Any]] = {
        "a/one-1": {"id": "a/one", "input_cache_read_usd_per_token": 0.05},
        "a/one-1:free": {"id": "a/one:free"},
        "a/one-1:batch": {"id": "a/one:batch", "prompt_usd_per_token": 0.25},
    }
    connection = built(
        ["fct_model_price_daily"],
        Catalogue(instant(1), listed),
        endpoints(instant(1), "a/one-1", 0.5, 0.7, 0.9, identifier="a/one"),
        endpoints(instant(1), "a/one-1:free", 0.0, identifier="a/one:free"),
    )
    assert rows(connection, "fct_model_price_daily", f"{LIST_PRICES}, endpoints, {RANGE}") == [
        (day(1), "a/one-1", True, 0.5, 0.05, 3, 0.5, 0.7, 0.9),
        (day(1), "a/one-1:batch", True, 0.25, None, None, None, None, None),
        (day(1), "a/one-1:free", True, 0.0, None, 1, 0.0, 0.0, 0.0),
    ]


def test_a_base_that_the_catalogue_lacks_has_no_list_price() -> None:
    connection = built(
        ["fct_model_price_daily"],
        Catalogue(instant(1), {"a/one-1:free": {"id": "a/one:free"}}),
        endpoints(instant(1), "a/one-1", 0.5, identifier="a/one"),
    )
    assert rows(connection, "fct_model_price_daily", f"{LIST_PRICES}, endpoints") == [
        (day(1), "a/one-1", False, None, None, 1),
        (day(1), "a/one-1:free", True, 0.0, None, None),
    ]


def test_a_router_has_no_price() -> None:
    price = {"prompt_usd_per_token": -1.0, "completion_usd_per_token": -1.0, "input_cache_read_usd_per_token": -1.0}
    connection = built(
        ["fct_model_price_daily"],
        Catalogue(instant(1), {"r/auto": price}),
        endpoints(instant(1), "r/auto", -1.0, 0.5),
    )
    assert rows(connection, "fct_model_price_daily", f"{LIST_PRICES}, endpoints, {RANGE}") == [
        (day(1), "r/auto", True, None, None, 2, 0.5, 0.5, 0.5)
    ]


def test_nobody_is_not_unknown() -> None:
    connection = built(
        ["fct_model_price_daily"],
        Catalogue(instant(1), {"a/asked-1": {"id": "a/asked"}, "b/other": {}}),
        endpoints(instant(1), "a/asked-1", identifier="a/asked"),
    )
    assert rows(connection, "fct_model_price_daily", "model_permaslug, endpoints") == [
        ("a/asked-1", 0),
        ("b/other", None),
    ]


def test_prices_are_those_of_their_own_day() -> None:
    def listed(at: datetime, price: float) -> Catalogue:
        return Catalogue(at, {"a/one": {"prompt_usd_per_token": price}})

    connection = built(
        ["fct_model_price_daily"],
        listed(instant(1, 8), 1.0),
        listed(instant(1, 9), 2.0),
        listed(instant(3), 3.0),
        endpoints(instant(2), "a/one", 9.0),
    )
    assert rows(connection, "fct_model_price_daily", "date, prompt_usd_per_token, endpoints") == [
        (day(1), 2.0, None),
        (day(2), None, 1),
        (day(3), 3.0, None),
    ]


def test_every_mart_builds_without_rows() -> None:
    connection = built(["dim_provider", "fct_endpoint_daily", "fct_model_price_daily"])
    assert rows(connection, "dim_provider", "provider_slug") == []
    assert rows(connection, "fct_endpoint_daily", ENDPOINTS) == []
    assert rows(connection, "fct_model_price_daily", LIST_PRICES) == []


def test_endpoints_that_were_fetched_win_over_imported_ones_under_another_id() -> None:
    fetched = endpoints(instant(1, 8), "a/one", 0.001, identifier="a/one")
    imported = replace(endpoints(instant(1, 9), "a/one", 0.999, identifier="a/uno"), origin="a colleague")
    connection = built(["fct_endpoint_daily"], fetched, imported)
    assert rows(connection, "fct_endpoint_daily", ENDPOINTS) == [(day(1), "a/one", 1, 0.001)]
