"""What the models catalogue must hold, shown on payload bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from pipeline.archive import Fetch
from pipeline.contracts import WHOLE, Parsed
from pipeline.errors import ContractBrokenError, SourceError
from pipeline.sources.base import Reply, Want
from pipeline.sources.models import PATH, SOURCES

(SOURCE,) = SOURCES
NOW = datetime(2026, 8, 22, 13, tzinfo=UTC)
Row = dict[str, Any]


def model(identifier: str = "acme/large", canonical: str = "acme/large-20260101", **more: Any) -> Row:
    """One catalogue row as OpenRouter's documentation shows it."""
    return {
        "id": identifier,
        "canonical_slug": canonical,
        "hugging_face_id": "",
        "name": "Acme: Large",
        "created": 1_767_225_600,
        "description": "…",
        "context_length": 131_072,
        "architecture": {
            "modality": "text+image->text",
            "input_modalities": ["text", "image"],
            "output_modalities": ["text"],
            "tokenizer": "Other",
            "instruct_type": None,
        },
        "pricing": {"prompt": "0.0000025", "completion": "0.00001", "request": "0", "discount": 0},
        "top_provider": {"context_length": 131_072, "max_completion_tokens": None, "is_moderated": False},
        "per_request_limits": None,
        "supported_parameters": ["max_tokens", "temperature"],
        "default_parameters": None,
        "supported_voices": None,
        "knowledge_cutoff": None,
        "expiration_date": None,
        "links": {"details": "/api/v1/models/acme/large-20260101/endpoints"},
        **more,
    }


def parse(payload: Any, status: int = 200, **context: Any) -> Parsed:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    fetch = Fetch(
        source="models",
        url=f"https://openrouter.ai{PATH}?output_modalities=all",
        status=status,
        fetched_at="2026-08-22T13:00:00.000Z",
        sha256="",
        size_bytes=len(body),
        context=context,
    )
    return SOURCE.parse(fetch, body)


def row(**more: Any) -> Row:
    """Parse a catalogue of one model and return its row."""
    frame = parse({"data": [model(**more)]}).frames["models"]
    assert frame is not None
    return frame.row(0, named=True)


def without(name: str, source: Row | None = None) -> Row:
    return {key: value for key, value in (source or model()).items() if key != name}


def test_a_valid_catalogue_gives_one_typed_row_a_model() -> None:
    parsed = parse({"data": [model()], "links": {"next": None}, "total_count": 1})
    assert list(parsed.frames) == ["models"]
    assert parsed.as_of == NOW
    assert (parsed.first_date, parsed.last_date, parsed.promised_end_date, parsed.floor_date) == (None,) * 4
    assert parsed.is_stale is False
    assert parsed.citation is None
    assert parsed.frames["models"].rows(named=True) == [
        {
            "id": "acme/large",
            "canonical_slug": "acme/large-20260101",
            "model_permaslug": "acme/large-20260101",
            "name": "Acme: Large",
            "created_at": datetime(2026, 1, 1),
            "context_length_tokens": 131_072,
            "prompt_usd_per_token": 2.5e-6,
            "completion_usd_per_token": 1e-5,
            "input_cache_read_usd_per_token": None,
            "input_cache_write_usd_per_token": None,
            "internal_reasoning_usd_per_token": None,
            "request_usd": 0,
            "input_modalities": "image,text",
            "output_modalities": "text",
            "tokenizer": "Other",
            "hugging_face_id": None,
            "is_reasoning_capable": False,
            "expiration_date": None,
            "alias_target_slug": None,
        }
    ]
    assert parsed.frames["models"].schema["created_at"] == pl.Datetime("ms")


def test_a_row_with_the_required_fields_alone_is_enough() -> None:
    required = ("id", "canonical_slug", "name", "created", "context_length", "architecture", "pricing")
    lean = {name: model()[name] for name in (*required, "supported_parameters")}
    parsed = parse({"data": [lean]})
    assert parsed.frames["models"].height == 1


@pytest.mark.parametrize("variant", ["free", "batch", "thinking", "exacto"])
def test_a_variant_parent_entity_the_permaslug_and_shares_the_canonical_slug(variant: str) -> None:
    frame = parse({"data": [model(), model(f"acme/large:{variant}")]}).frames["models"]
    assert frame is not None
    assert frame["canonical_slug"].to_list() == ["acme/large-20260101"] * 2
    assert frame["model_permaslug"].to_list() == ["acme/large-20260101", f"acme/large-20260101:{variant}"]


def test_an_alias_names_its_target() -> None:
    target = {"name": "Acme: Large", "slug": "acme/large-20260101"}
    alias = model("~acme/large-latest", "~acme/large-latest", alias_target=target)
    frame = parse({"data": [model(), alias]}).frames["models"]
    assert frame is not None
    assert frame["alias_target_slug"].to_list() == [None, "acme/large-20260101"]
    assert frame["model_permaslug"].to_list() == ["acme/large-20260101", "~acme/large-latest"]


def test_a_routers_price_is_minus_one() -> None:
    found = row(pricing={"prompt": "-1", "completion": "-1"})
    assert (found["prompt_usd_per_token"], found["completion_usd_per_token"]) == (-1, -1)


@pytest.mark.parametrize(("text", "price"), [("0", 0), ("0.00003", 3e-5), ("1.5e-7", 1.5e-7), ("2E-6", 2e-6)])
def test_prices_are_decimal_strings(text: str, price: float) -> None:
    assert row(pricing={"prompt": text, "completion": "0"})["prompt_usd_per_token"] == price


def test_prices_of_the_cache_of_reasoning_and_of_requests_are_optional() -> None:
    base = {"prompt": "0.000003", "completion": "0.000015"}
    more = {"input_cache_read": "3e-7", "input_cache_write": "0.00000375", "internal_reasoning": "0", "request": "0.01"}
    columns = (
        "input_cache_read_usd_per_token",
        "input_cache_write_usd_per_token",
        "internal_reasoning_usd_per_token",
        "request_usd",
    )
    assert [row(pricing=base | more)[name] for name in columns] == [3e-7, 3.75e-6, 0, 0.01]
    assert [row(pricing=base)[name] for name in columns] == [None] * 4


def test_reasoning_shows_in_either_field() -> None:
    assert row(reasoning={"mandatory": True})["is_reasoning_capable"] is True
    assert row(supported_parameters=["reasoning"])["is_reasoning_capable"] is True
    assert row(reasoning=None, supported_parameters=[])["is_reasoning_capable"] is False


def test_optional_values_are_kept_where_they_are() -> None:
    found = row(hugging_face_id="acme/Large", expiration_date="2098-12-31", context_length=None)
    assert found["hugging_face_id"] == "acme/Large"
    assert found["expiration_date"] == date(2098, 12, 31)
    assert found["context_length_tokens"] is None


def test_unknown_fields_are_accepted_and_named_once() -> None:
    odd = [model(brand_new=1), model("acme/small", "acme/small", brand_new=2, another={})]
    parsed = parse({"data": odd, "generation": 7})
    assert parsed.warnings == ("models holds unknown fields: another, brand_new, generation.",)
    assert parsed.frames["models"].height == 2


BROKEN_BODIES = {
    "nothing": (b"", "is empty"),
    "web page": (b"<!DOCTYPE html><html></html>", "is a web page, not JSON"),
    "cut": (json.dumps({"data": [model()]}).encode()[:-30], "Invalid JSON"),
    "garbage": (bytes(range(128, 256)), "Invalid JSON"),
    "feed": (b'<?xml version="1.0"?><rss></rss>', "is a web page"),
    "list": (json.dumps([model()]).encode(), "breaks its contract at the body"),
}


@pytest.mark.parametrize("name", BROKEN_BODIES)
def test_a_body_that_is_no_catalogue_is_refused(name: str) -> None:
    body, sentence = BROKEN_BODIES[name]
    with pytest.raises(ContractBrokenError, match=sentence):
        parse(body)


BROKEN: dict[str, tuple[Any, str]] = {
    "no rows": ({"data": []}, "has no rows: empty is an error"),
    "data renamed": ({"models": [model()]}, "at data: Field required"),
    "data an object": ({"data": {"acme/large": model()}}, "at data: "),
    "a row null": ({"data": [model(), None]}, r"at data\.1: "),
    **{
        f"no {name}": ({"data": [without(name)]}, rf"at data\.0\.{name}: Field required")
        for name in ("id", "canonical_slug", "name", "created", "context_length", "architecture", "pricing")
    },
    "id blank": ({"data": [model("")]}, r"at data\.0\.id: "),
    "id a number": ({"data": [model(id=7)]}, r"at data\.0\.id: "),
    "created a word": ({"data": [model(created="yesterday")]}, r"at data\.0\.created: "),
    "created a fraction": ({"data": [model(created=1.5)]}, r"at data\.0\.created: "),
    "created in milliseconds": ({"data": [model(created=1_767_225_600_000)]}, r"at data\.0\.created: "),
    "created before 1970": ({"data": [model(created=-1)]}, r"at data\.0\.created: "),
    "context a word": ({"data": [model(context_length="128k")]}, r"at data\.0\.context_length: "),
    "context negative": ({"data": [model(context_length=-1)]}, r"at data\.0\.context_length: "),
    "context beyond a BIGINT": ({"data": [model(context_length=2**63)]}, r"at data\.0\.context_length: "),
    "price a number": ({"data": [model(pricing={"prompt": 1, "completion": "0"})]}, r"at data\.0\.pricing\.prompt: "),
    "price a word": ({"data": [model(pricing={"prompt": "free", "completion": "0"})]}, r"pricing\.prompt: .*'free'"),
    "price not a number": ({"data": [model(pricing={"prompt": "NaN", "completion": "0"})]}, r"pricing\.prompt: "),
    "price infinite": ({"data": [model(pricing={"prompt": "1e999", "completion": "0"})]}, r"pricing\.prompt: "),
    "price negative": ({"data": [model(pricing={"prompt": "-2", "completion": "0"})]}, r"pricing\.prompt: "),
    "cache price a number": (
        {"data": [model(pricing={"prompt": "0", "completion": "0", "input_cache_read": 0.1})]},
        r"pricing\.input_cache_read: ",
    ),
    "price endless": ({"data": [model(pricing={"prompt": "9" * 400, "completion": "0"})]}, r"pricing\.prompt: "),
    "price in other digits": ({"data": [model(pricing={"prompt": "\u0661", "completion": "0"})]}, r"pricing\.prompt: "),
    "no completion price": ({"data": [model(pricing={"prompt": "0"})]}, r"pricing\.completion: Field required"),
    "modalities a string": (
        {"data": [model(architecture={"input_modalities": "text", "output_modalities": ["text"]})]},
        r"architecture\.input_modalities: ",
    ),
    "parameters null": ({"data": [model(supported_parameters=None)]}, r"at data\.0\.supported_parameters: "),
    "expiry not in the calendar": ({"data": [model(expiration_date="2026-02-30")]}, r"at data\.0\.expiration_date: "),
    "alias without a slug": ({"data": [model(alias_target={"name": "x"})]}, r"at data\.0\.alias_target\.slug: "),
    "reasoning a word": ({"data": [model(reasoning="yes")]}, r"at data\.0\.reasoning: "),
    "another page follows": (
        {"data": [model()], "links": {"next": "/api/v1/models?offset=1"}, "total_count": 2},
        r"is only a part of the list \(1 of 2\)",
    ),
    "another page without a count": ({"data": [model()], "links": {"next": "/x"}}, "is only a part of the list"),
    "a count of more": ({"data": [model()], "total_count": 421}, r"is only a part of the list \(1 of 421\)"),
    "a count of less": ({"data": [model()], "total_count": 0}, "is only a part of the list"),
    "an id twice": ({"data": [model(), model(canonical="acme/x")]}, r"repeats the key \{'id': 'acme/large'\}"),
    "a permaslug twice": (
        {"data": [model(), model("acme/large-2")]},
        r"repeats the key \{'model_permaslug': 'acme/large-20260101'\}",
    ),
    "a variant's permaslug twice": (
        {"data": [model("acme/large:free"), model("acme/large-2:free")]},
        r"repeats the key \{'model_permaslug': 'acme/large-20260101:free'\}",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_catalogue_that_breaks_its_contract_is_refused_with_the_place(name: str) -> None:
    payload, sentence = BROKEN[name]
    with pytest.raises(ContractBrokenError, match=sentence) as caught:
        parse(payload)
    told = str(caught.value)
    assert told.startswith("models ")
    assert told.isprintable()
    assert len(told) < 500


@pytest.mark.parametrize("status", [301, 400, 404])
def test_another_status_is_a_sentence(status: int) -> None:
    with pytest.raises(SourceError, match=f"models: OpenRouter answered HTTP {status}"):
        parse(b"", status)


def test_one_call_asks_for_all_output_modalities() -> None:
    exchange = SOURCE.exchange(Want(NOW, {WHOLE: frozenset({NOW.date()})}))
    request = next(exchange)
    assert str(request) == f"GET {PATH}?output_modalities=all"
    with pytest.raises(StopIteration):
        exchange.send(Reply(200, json.dumps({"data": [model()]}).encode()))


def test_every_recorded_catalogue_is_valid(replay: Callable[..., Any]) -> None:
    recording = replay("2026-08-22T13:00:00Z").recording
    for moment, _ in recording.model_files:
        frame = parse({"data": recording.models(moment)}).frames["models"]
        assert frame.height > 300
        assert frame["model_permaslug"].n_unique() == frame.height


def test_an_imported_list_is_not_older_than_its_models() -> None:
    younger = {"data": [model(created=1_787_500_000)]}
    assert parse(younger).rows == 1
    with pytest.raises(
        ContractBrokenError, match="knows a model of 2026-08-23, after the list is said to be retrieved"
    ):
        parse(younger, is_imported=True)
