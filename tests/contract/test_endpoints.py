"""What a model's endpoints must hold, and which models are asked, shown on payload bytes."""

from __future__ import annotations

import json
import math
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.error import HTTPError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive import Fetch
from pipeline.contracts import Parsed
from pipeline.errors import ContractBrokenError, SourceError, SourceUnavailableError
from pipeline.sources.base import Want
from pipeline.sources.endpoints import SAFE_ID, SOURCES
from tests.property.test_fuzzed_payloads import damaged, fast, mutated

(SOURCE,) = SOURCES
NOW = datetime(2026, 8, 22, 13, tzinfo=UTC)
TODAY = frozenset({NOW.date()})
ID, PERMASLUG = "acme/large", "acme/large-20260101"
GONE = {"error": {"code": 404, "message": "Resource not found"}}
Row = dict[str, Any]


def endpoint(**more: Any) -> Row:
    """One endpoint as it is shown to callers without a key."""
    plain = {
        "name": "Acme | acme/large-20260101",
        "model_id": PERMASLUG,
        "model_name": "Acme: Large",
        "context_length": 131_072,
        "pricing": {"prompt": "0.0000025", "completion": "0.00001", "input_cache_read": "2.5e-7", "discount": 0},
        "provider_name": "Acme",
        "tag": "acme/fp8",
        "quantization": "fp8",
        "max_completion_tokens": None,
        "max_prompt_tokens": None,
        "supported_parameters": ["tools"],
        "status": 0,
        "supports_implicit_caching": True,
        "uptime_last_5m": None,
        "uptime_last_30m": 99.5,
        "uptime_last_1d": 100,
        "latency_last_30m": None,
        "throughput_last_30m": None,
    }
    return plain | more


def answer(*endpoints: Row, **more: Any) -> dict[str, Any]:
    model = {"id": ID, "name": "Acme: Large", "created": 1, "description": "…", "architecture": {}}
    return {"data": model | {"endpoints": list(endpoints)} | more}


def parse(payload: Any, status: int = 200, identifier: str = ID, permaslug: str = PERMASLUG) -> Parsed:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    url = f"https://openrouter.ai/api/v1/models/{identifier}/endpoints"
    context = {"series": identifier, "model_permaslug": permaslug}
    return SOURCE.parse(Fetch("endpoints", url, status, "2026-08-22T13:00:00.000Z", "", len(body), {}, context), body)


def row(**more: Any) -> Row:
    return parse(answer(endpoint(**more))).frames["endpoints"].row(0, named=True)


def test_an_endpoint_is_a_typed_row_under_the_slug_of_the_rankings() -> None:
    parsed = parse(answer(endpoint()))
    assert parsed.frames["endpoints"].rows(named=True) == [
        {
            "model_permaslug": PERMASLUG,
            "model_api_id": ID,
            "endpoint_number": 1,
            "provider_name": "Acme",
            "provider_tag": "acme/fp8",
            "endpoint_name": "Acme | acme/large-20260101",
            "context_length_tokens": 131_072,
            "max_completion_tokens": None,
            "quantization": "fp8",
            "status": 0,
            "prompt_usd_per_token": 2.5e-6,
            "completion_usd_per_token": 1e-5,
            "input_cache_read_usd_per_token": 2.5e-7,
            "uptime_5m_pct": None,
            "uptime_30m_pct": 99.5,
            "uptime_1d_pct": 100,
            "latency_p50_ms": None,
            "throughput_p50_tokens_per_second": None,
            "supports_implicit_caching": True,
        }
    ]
    assert (parsed.settles, parsed.as_of, parsed.is_absent, parsed.warnings) == ((ID,), NOW, False, ())


def test_latency_and_throughput_are_medians_where_they_are_shown() -> None:
    percentiles = {"p50": 685.4, "p75": 900, "p90": 1300, "p99": 2700}
    found = row(latency_last_30m=percentiles, throughput_last_30m=percentiles | {"p50": 46})
    assert (found["latency_p50_ms"], found["throughput_p50_tokens_per_second"]) == (685.4, 46)


def test_endpoints_of_one_provider_are_told_apart_by_their_places() -> None:
    frame = parse(answer(endpoint(), endpoint(), endpoint(tag="other"))).frames["endpoints"]
    assert frame["endpoint_number"].to_list() == [1, 2, 3]


def test_a_model_that_nobody_serves_is_settled_without_rows() -> None:
    parsed = parse(answer())
    assert (parsed.settles, parsed.is_absent, parsed.rows, parsed.warnings) == ((ID,), True, 0, ())


def test_a_model_that_is_gone_is_settled_without_rows() -> None:
    parsed = parse(GONE, 404)
    assert (parsed.settles, parsed.is_absent, parsed.rows) == ((ID,), True, 0)


@pytest.mark.parametrize(
    "body", [b"", b"<html>Not Found</html>", b"{}", b'{"error": "no"}', b'{"error": {"code": 400, "message": "x"}}']
)
def test_a_404_in_other_words_says_nothing_about_the_model(body: bytes) -> None:
    with pytest.raises(SourceError, match="endpoints: OpenRouter answered HTTP 404"):
        parse(body, 404)


def test_another_status_is_a_sentence() -> None:
    with pytest.raises(SourceUnavailableError, match="endpoints: OpenRouter answered HTTP 503"):
        parse(GONE, 503)


def test_the_endpoints_of_another_model_never_land_under_the_name_that_was_asked() -> None:
    parsed = parse(answer(endpoint(), id="acme/newer"))
    assert (parsed.settles, parsed.is_absent, parsed.rows) == ((ID,), True, 0)
    assert parsed.warnings == ("endpoints of acme/large are those of acme/newer; they were not landed.",)
    # The base is not its variant.
    assert parse(answer(endpoint()), identifier="acme/large:free", permaslug=f"{PERMASLUG}:free").rows == 0


def test_a_slug_that_no_catalogue_knows_is_believed_where_every_endpoint_has_it() -> None:
    assert parse(answer(endpoint()), identifier=PERMASLUG).rows == 1
    assert parse(answer(endpoint(), endpoint(model_id="acme/newer")), identifier=PERMASLUG).rows == 0
    free = f"{PERMASLUG}:free"
    assert parse(answer(endpoint(), id=f"{ID}:free"), identifier=free, permaslug=free).rows == 1
    assert parse(answer(endpoint()), identifier=free, permaslug=free).rows == 0


def test_unknown_fields_are_named() -> None:
    assert parse(answer(endpoint(c=1), b=1) | {"a": 1}).warnings == ("endpoints holds unknown fields: a, b, c.",)


BROKEN: dict[str, tuple[Any, str]] = {
    "no endpoints": ({"data": {"id": ID}}, r"at data\.endpoints: Field required"),
    "endpoints null": (answer(endpoints=None), r"at data\.endpoints: "),
    "a price a number": (answer(endpoint(pricing={"prompt": 1, "completion": "0"})), r"pricing\.prompt: "),
    "a negative price": (answer(endpoint(pricing={"prompt": "-2", "completion": "0"})), r"pricing\.prompt: "),
    "no price": (answer(endpoint(pricing={"prompt": "0"})), r"pricing\.completion: Field required"),
    "an uptime above a hundred": (answer(endpoint(uptime_last_1d=100.1)), r"uptime_last_1d: "),
    "an uptime missing": (
        answer({name: value for name, value in endpoint().items() if name != "uptime_last_5m"}),
        r"uptime_last_5m: Field required",
    ),
    "a latency a number": (answer(endpoint(latency_last_30m=700)), r"latency_last_30m: "),
    "a latency without a median": (answer(endpoint(latency_last_30m={"p75": 1})), r"latency_last_30m\.p50: "),
    "a status in words": (answer(endpoint(status="default")), r"status: "),
    "a context beyond a BIGINT": (answer(endpoint(context_length=2**63)), r"context_length: "),
    "no provider": (answer(endpoint(provider_name="")), r"provider_name: "),
    "nothing": (b"", "is empty"),
    "a web page": (b"<html></html>", "is a web page"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_breaks_its_contract_is_refused_with_the_place(name: str) -> None:
    payload, sentence = BROKEN[name]
    with pytest.raises(ContractBrokenError, match=sentence):
        parse(payload)


def want(subjects: dict[str, str], **more: Any) -> Want:
    return Want(NOW, dict.fromkeys(subjects, TODAY), subjects=subjects, **more)


def test_each_wanted_model_is_asked_under_its_id() -> None:
    subjects = {"b/two:free": "b/two-2:free", ID: PERMASLUG}
    requests = SOURCE.plan(want(subjects))
    assert [str(request) for request in requests] == [
        "GET /api/v1/models/acme/large/endpoints",
        "GET /api/v1/models/b/two:free/endpoints",
    ]
    assert requests[1].context == {"series": "b/two:free", "model_permaslug": "b/two-2:free", "asked_series": 2}
    assert SOURCE.series is None
    assert SOURCE.needs_key is False
    held = Want(NOW, {ID: TODAY}, subjects=subjects)
    assert [request.series for request in SOURCE.plan(held)] == [ID], "what is held today is not asked again"
    assert len(SOURCE.plan(want(subjects, max_calls=1))) == 1
    assert SOURCE.plan(Want(NOW)) == []


@pytest.mark.parametrize(
    "identifier",
    [
        *("", "acme", "/acme", "acme/", "acme/large/x", "../x", "./x", "acme/..", "acme/."),
        *("acme/large?x=1", "acme/large#x", "acme/lar ge", "acme/large%2f", "acme/large\n", "acme/lärge"),
        *("acme:x/large", "acme/large:", "acme/large:a:b"),
    ],
)
def test_an_id_that_could_lead_elsewhere_is_not_asked(identifier: str) -> None:
    assert SOURCE.plan(want({identifier: "acme/large"})) == []


@pytest.mark.parametrize("identifier", ["openai/gpt-4.1", "~acme/large-latest", "01-ai/yi_1.5", "acme/large:free"])
def test_an_id_as_openrouter_gives_them_is_asked(identifier: str) -> None:
    (request,) = SOURCE.plan(want({identifier: "acme/large"}))
    assert request.path == f"/api/v1/models/{identifier}/endpoints"


@fast
@given(st.text(max_size=30) | st.from_regex(SAFE_ID, fullmatch=True))
def test_every_path_stays_below_the_models(identifier: str) -> None:
    for request in SOURCE.plan(want({identifier: "acme/large"})):
        parts = request.path.split("/")
        assert (parts[:4], parts[-1], len(parts)) == (["", "api", "v1", "models"], "endpoints", 7)
        assert not {".", "..", ""} & set(parts[4:])
        assert not set("?#%\\") & set(request.path)


@fast
@given(mutated(answer(endpoint(), endpoint(tag="b"))) | damaged(json.dumps(answer(endpoint())).encode()))
def test_changed_answers_hold_or_are_refused(body: bytes) -> None:
    try:
        parsed = parse(body)
    except SourceError:
        return
    assert parsed.settles == (ID,)
    assert parsed.is_absent == (parsed.rows == 0)
    for frame in parsed.frames.values():
        assert frame["endpoint_number"].to_list() == list(range(1, frame.height + 1))
        for name in ("prompt_usd_per_token", "completion_usd_per_token"):
            assert all(math.isfinite(price) and (price >= 0 or price == -1) for price in frame[name].to_list())
        assert all(0 <= uptime <= 100 for uptime in frame["uptime_1d_pct"].drop_nulls().to_list())


def test_replayed_answers_are_valid(replay: Callable[..., Any]) -> None:
    base_url = replay("2026-08-22T13:00:00Z").base_url
    subjects = {
        "openai/gpt-4o": "openai/gpt-4o",
        "nvidia/nemotron-3-ultra-550b-a55b:free": "nvidia/nemotron-3-ultra-550b-a55b-20260604:free",
        "openrouter/auto": "openrouter/auto",
        "nobody/nothing": "nobody/nothing",
    }
    rows = {}
    for request in SOURCE.plan(want(subjects)):
        try:
            with urllib.request.urlopen(base_url + request.path) as reply:
                status, body = reply.status, reply.read()
        except HTTPError as error:
            status, body = error.code, error.read()
        parsed = parse(body, status, request.series, subjects[request.series])
        assert parsed.warnings == ()
        rows[request.series] = parsed.rows
    assert rows["openai/gpt-4o"] > 1
    assert rows["nvidia/nemotron-3-ultra-550b-a55b:free"] > 0
    assert rows["openrouter/auto"] == rows["nobody/nothing"] == 0
