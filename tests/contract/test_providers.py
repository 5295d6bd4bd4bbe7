"""What the list of providers must hold, shown on payload bytes."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from pipeline.archive import Fetch
from pipeline.contracts import WHOLE, Parsed
from pipeline.errors import ContractBrokenError, SourceError
from pipeline.sources.base import Want
from pipeline.sources.providers import PATH, SOURCES
from tests.property.test_fuzzed_payloads import damaged, fast, mutated

(SOURCE,) = SOURCES
NOW = datetime(2026, 8, 22, 13, tzinfo=UTC)
Row = dict[str, Any]


def provider(slug: str = "acme", **more: Any) -> Row:
    plain = {
        "name": "Acme",
        "slug": slug,
        "privacy_policy_url": "https://acme.example/privacy",
        "terms_of_service_url": None,
        "status_page_url": "",
        "headquarters": "US",
        "datacenters": ["US", "IE", "US"],
    }
    return plain | more


def parse(payload: Any, status: int = 200) -> Parsed:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    url = f"https://openrouter.ai{PATH}"
    return SOURCE.parse(
        Fetch("providers", url, status, "2026-08-22T13:00:00.000Z", "", len(body), {}, {"series": WHOLE}), body
    )


def test_a_provider_is_a_typed_row() -> None:
    parsed = parse({"data": [provider()]})
    assert parsed.frames["providers"].rows(named=True) == [
        {
            "name": "Acme",
            "slug": "acme",
            "headquarters": "US",
            "datacenters": "IE,US",
            "privacy_policy_url": "https://acme.example/privacy",
            "terms_of_service_url": None,
            "status_page_url": None,
        }
    ]
    assert (parsed.settles, parsed.as_of, parsed.citation, parsed.warnings) == ((WHOLE,), NOW, None, ())


@pytest.mark.parametrize(("given_list", "landed"), [(None, None), ([], ""), (["JP"], "JP")])
def test_no_list_of_datacenters_is_not_an_empty_one(given_list: Any, landed: str | None) -> None:
    frame = parse({"data": [provider(datacenters=given_list)]}).frames["providers"]
    assert frame["datacenters"].to_list() == [landed]


def test_what_is_documented_as_optional_may_be_missing() -> None:
    lean = {"name": "Acme", "slug": "acme", "privacy_policy_url": None}
    assert parse({"data": [lean]}).frames["providers"].row(0)[2:] == (None,) * 5


def test_unknown_fields_are_named() -> None:
    assert parse({"data": [provider(b=1)], "a": 1}).warnings == ("providers holds unknown fields: a, b.",)


BROKEN: dict[str, tuple[Any, str]] = {
    "no rows": ({"data": []}, "has no rows: empty is an error"),
    "no data": ({}, "at data: Field required"),
    "slug blank": ({"data": [provider("")]}, r"at data\.0\.slug: "),
    "a slug twice": ({"data": [provider(), provider(name="Other")]}, r"repeats the key \{'slug': 'acme'\}"),
    "a country in words": ({"data": [provider(headquarters="Ireland")]}, r"at data\.0\.headquarters: "),
    "datacenters in a string": ({"data": [provider(datacenters="US")]}, r"at data\.0\.datacenters: "),
    "a datacenter without a country": ({"data": [provider(datacenters=[None])]}, r"at data\.0\.datacenters\.0: "),
    "no policy": ({"data": [{"name": "Acme", "slug": "acme"}]}, r"privacy_policy_url: Field required"),
    "an endless address": ({"data": [provider(status_page_url="x" * 2001)]}, r"at data\.0\.status_page_url: "),
    "nothing": (b"", "is empty"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_list_that_breaks_its_contract_is_refused_with_the_place(name: str) -> None:
    payload, sentence = BROKEN[name]
    with pytest.raises(ContractBrokenError, match=sentence):
        parse(payload)


def test_one_call_asks_for_the_list() -> None:
    (request,) = SOURCE.plan(Want(NOW, {WHOLE: frozenset({NOW.date()})}))
    assert str(request) == f"GET {PATH}"
    assert SOURCE.needs_key is False
    assert SOURCE.plan(Want(NOW)) == []


@fast
@given(mutated({"data": [provider(), provider("b")]}) | damaged(json.dumps({"data": [provider()]}).encode()))
def test_changed_lists_hold_or_are_refused(body: bytes) -> None:
    try:
        frame = parse(body).frames["providers"]
    except SourceError:
        return
    assert frame.height > 0
    assert frame["slug"].is_unique().all()
    assert sum(frame.select("name", "slug").null_count().row(0)) == 0
    assert all(re.fullmatch(r"([A-Z]{2}(,[A-Z]{2})*)?", listed or "") for listed in frame["datacenters"].to_list())


def test_the_recorded_list_is_valid(replay: Callable[..., Any]) -> None:
    with urllib.request.urlopen(replay("2026-08-22T13:00:00Z").base_url + PATH) as reply:
        parsed = parse(reply.read())
    assert parsed.rows == 80
    assert parsed.warnings == ()
