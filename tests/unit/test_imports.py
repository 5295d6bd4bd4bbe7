"""What a saved file is: by its content, its address where there is one, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from urllib.request import Request, urlopen

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.archive import Fetch
from pipeline.contracts import Parsed
from pipeline.errors import ContractBrokenError, UsageError
from pipeline.imports import OPENROUTER, Recognised, recognise
from pipeline.sources import SOURCES
from tests.conftest import KEY

API = f"{OPENROUTER}/api/v1"
RETRIEVED_AT = datetime(2026, 8, 21, 7, 45, tzinfo=UTC)
WORDS = "saved by a colleague"
WINDOW = {"start_date": "2026-08-19", "end_date": "2026-08-20"}
Row = dict[str, Any]


def answer(*rows: Row, **meta: Any) -> Row:
    return {"data": list(rows), "meta": {"as_of": "2026-08-21T07:00:00Z", "version": "v1", **WINDOW, **meta}}


def rankings(**meta: Any) -> Row:
    days = ("2026-08-19", "2026-08-20")
    return answer(*({"date": day, "model_permaslug": "a/one", "total_tokens": "5"} for day in days), **meta)


def apps(count: int = 100, first_rank: int = 1, day: str = "2026-08-20", **meta: Any) -> Row:
    rows = (
        {"rank": rank, "app_id": rank, "app_name": "Anvil", "total_tokens": "9", "total_requests": 1}
        for rank in range(first_rank, first_rank + count)
    )
    return answer(*rows, **{"start_date": day, "end_date": day, **meta})


def costs(count: int = 3) -> Row:
    rows = (
        {"app_name": "Anvil", "app_slug": f"anvil-{number}", "model_permaslug": "a/one", "turn_range": "1-turn"}
        | {"median_session_cost_usd": 0.5}
        for number in range(count)
    )
    return answer(*rows, window_days=30, window_end_date="2026-08-20")


SCORES = answer({"source": "design-arena", "model_permaslug": "a/one", "display_name": "One"}, model_count=1)
CATALOGUE = {"data": [{"id": "a/one", "canonical_slug": "a/one-1", "name": "One", "pricing": {}}]}
PROVIDERS = {"data": [{"name": "Acme", "slug": "acme", "privacy_policy_url": None}]}
TASKS = {"data": {"as_of": "2026-08-20", "window_days": 7, "classifications": [], "macro_categories": []}}
PAGE = b"\n<!DOCTYPE html><html><head><title>LLM Rankings | OpenRouter</title></head></html>"
CSV = b"date,model_permaslug,rank,total_tokens,share_of_daily_tokens\r\n2026-08-20,a/one,1,5,1\r\n"
MANIFEST = {"dataset": "rankings-daily", "snapshot_date": "2026-08-21", "files": {"csv": {"bytes": 1, "sha256": "0"}}}


def served(identifier: str, *model_ids: object) -> Row:
    return {"data": {"id": identifier, "endpoints": [{"model_id": one} for one in model_ids]}}


def look(content: Row | bytes, origin: str = WORDS) -> Recognised:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return recognise(body, origin, RETRIEVED_AT)


def found(content: Row | bytes, origin: str = WORDS) -> tuple[str, Row]:
    """Return the source and its own part of the context."""
    one = look(content, origin)
    assert (one.context["origin"], one.context["is_imported"]) == (origin, True)
    return one.source, {name: value for name, value in one.context.items() if name not in ("origin", "is_imported")}


WHOLE = {"series": "whole"}
KINDS: dict[str, tuple[Row | bytes, str, Row]] = {
    "rankings": (rankings(), "rankings-daily", WINDOW),
    "apps of a day": (
        apps(),
        "app-rankings",
        {"series": "1", "start_date": "2026-08-20", "end_date": "2026-08-20"},
    ),
    "the second page of apps": (
        apps(100, 101),
        "app-rankings",
        {"series": "2", "start_date": "2026-08-20", "end_date": "2026-08-20"},
    ),
    "session costs": (costs(), "session-costs", {"series": "1"}),
    "benchmarks": (SCORES, "benchmarks", WHOLE),
    "models": (CATALOGUE, "models", WHOLE),
    "providers": (PROVIDERS, "providers", WHOLE),
    "tasks": (TASKS, "task-shares", WHOLE),
    "endpoints": (served("a/one", "a/one-1"), "endpoints", {"series": "a/one", "model_permaslug": "a/one-1"}),
    "a page": (PAGE, "rankings-page", {"captured_at": "2026-08-21T07:45:00+00:00"}),
    "a page with a byte order mark": (
        b"\xef\xbb\xbf" + PAGE,
        "rankings-page",
        {"captured_at": "2026-08-21T07:45:00+00:00"},
    ),
    "an export": (CSV, "exports", {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_told_by_its_content(kind: str) -> None:
    content, source, context = KINDS[kind]
    assert found(content) == (source, context)


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (rankings(), "/api/v1/datasets/rankings-daily"),
        (apps(), "/api/v1/datasets/app-rankings"),
        (served("a/one:free"), "/api/v1/models/a/one:free/endpoints"),
        (PAGE, "/rankings"),
        (CSV, "/api/v1/datasets/exports/rankings-daily"),
    ],
)
def test_its_address_is_the_origin_or_that_of_its_resource(content: Row | bytes, path: str) -> None:
    mirror = "https://files.example/7?id=3"
    assert look(content, mirror).url == mirror
    for words in (WORDS, "", "https://", "ftp://x/y", "http://[", "a mail of 2026-08-21"):
        assert look(content, words).url == OPENROUTER + path


RANKINGS_URL = f"{API}/datasets/rankings-daily?start_date=2026-08-19&end_date=2026-08-20"


@pytest.mark.parametrize(
    ("more", "source", "series", "start"),
    [
        ("&context_bucket=100K", "rankings-contexts", "100K", "2026-08-19"),
        ("&modality=image_output&period=day", "rankings-modalities", "image_output", "2026-08-19"),
        ("&category=marketing%2Fseo", "rankings-categories", "marketing/seo", "2026-08-17"),
        ("&language_type=natural&period=week", "rankings-languages", "natural", "2026-08-17"),
    ],
)
def test_the_address_tells_a_filter(more: str, source: str, series: str, start: str) -> None:
    expected = (source, {"series": series, "start_date": start, "end_date": "2026-08-20"})
    assert found(rankings(), RANKINGS_URL + more) == expected
    archived = f"https://web.archive.org/web/20260821074500id_/{RANKINGS_URL}{more}"
    assert found(rankings(), archived) == expected


def test_parameters_of_other_addresses_mean_nothing() -> None:
    mirror = "https://files.example/rankings.json?category=finance&period=month"
    assert found(rankings(), mirror) == ("rankings-daily", WINDOW)


@pytest.mark.parametrize(
    ("more", "source", "series"),
    [
        ("limit=100", "app-rankings", "1"),
        ("limit=100&category=coding", "app-categories", "coding 1"),
        ("limit=100&category=coding&subcategory=cli-agent", "app-categories", "cli-agent 1"),
        ("limit=100&sort=popular", "app-rankings", "1"),
    ],
)
def test_the_address_tells_a_list_of_apps(more: str, source: str, series: str) -> None:
    day = {"start_date": "2026-08-20", "end_date": "2026-08-20"}
    assert found(apps(70), f"{API}/datasets/app-rankings?{more}") == (source, {"series": series, **day})


def test_trending_apps_may_be_those_of_a_window() -> None:
    url = f"{API}/datasets/app-rankings?sort=trending"
    assert found(apps(20, start_date="2026-07-22"), url) == ("app-trending", WHOLE)
    for more in ("&category=coding", "&subcategory=legal", "&offset=100", "&limit=20"):
        with pytest.raises(UsageError):
            look(apps(20, start_date="2026-07-22"), url + more)


def test_what_no_address_tells_is_doubted() -> None:
    assert look(rankings()).doubt == "taken as rankings-daily without filters, as no address of OpenRouter's API tells"
    assert look(rankings(), f"{API}/datasets/rankings-daily").doubt is None
    assert look(PROVIDERS).doubt is None


def test_the_endpoints_of_an_alias_are_not_those_of_a_model() -> None:
    with pytest.raises(UsageError, match="of an alias"):
        look(served("~a/latest", "a/one-1"))


def test_the_address_tells_the_page_of_session_costs() -> None:
    url = f"{API}/datasets/session-cost?limit=500&offset=1000"
    assert found(costs(), url) == ("session-costs", {"series": "3"})


@pytest.mark.parametrize(
    ("content", "series", "permaslug"),
    [
        (served("a/one:free", "a/one-1", "a/one-1"), "a/one:free", "a/one-1:free"),
        (served("a/one:free", "a/one-1:free"), "a/one:free", "a/one-1:free"),
        (served("a/one"), "a/one", "a/one"),
        (served("a/one", "a/one-1", "a/one-2"), "a/one", "a/one"),
        (served("a/one", None, 7), "a/one", "a/one"),
    ],
)
def test_endpoints_name_the_slug_of_the_rankings(content: Row, series: str, permaslug: str) -> None:
    assert found(content) == ("endpoints", {"series": series, "model_permaslug": permaslug})


def test_an_address_in_the_web_archive_tells_when_a_page_was_saved() -> None:
    url = "https://web.archive.org/web/20251108044935/https://openrouter.ai/rankings"
    assert found(PAGE, url) == ("rankings-page", {"captured_at": "2025-11-08T04:49:35+00:00"})


REFUSED: dict[str, tuple[Row | bytes, str, str]] = {
    "a manifest": (MANIFEST, WORDS, "the manifest of an export, which holds no figures; import the CSV"),
    "an export as JSON": ({**MANIFEST, "data": []}, WORDS, "an export as JSON; import the CSV"),
    "apps of a window": (
        apps(start_date="2026-07-22"),
        WORDS,
        "totals of the window 2026-07-22 to 2026-08-20, and a window is not a day",
    ),
    "apps cut by the default limit": (apps(50), WORDS, "holds 50 rows of a list that may go on"),
    "apps cut by a limit": (apps(70), f"{API}/datasets/app-rankings?limit=70", "holds 70 rows of a list"),
    "apps from the middle": (apps(20, 31), WORDS, "holds 20 rows of a list"),
    "apps behind the last page": (apps(20, 201), WORDS, "holds 20 rows of a list"),
    "apps without a rank": (answer({"rank": None, "app_id": 1, "total_tokens": "1"}), WORDS, "a window is not a day"),
    "a list of apps that is unknown to be filtered": (
        apps(),
        f"{API}/datasets/app-rankings?limit=100&q=x",
        "was asked with q=x; import an answer of app-rankings without",
    ),
    "session costs cut by the default limit": (costs(100), WORDS, "import pages of 500 rows"),
    "session costs from the middle": (costs(), f"{API}/datasets/session-cost?limit=500&offset=100", "pages of 500"),
    "session costs of an app": (
        costs(),
        f"{API}/datasets/session-cost?app_slug=anvil",
        "was asked with app_slug=anvil",
    ),
    "benchmarks of a source": (
        SCORES,
        f"{API}/benchmarks?source=design-arena",
        "was asked with source=design-arena",
    ),
    "benchmarks that say so themselves": ({**SCORES, "meta": {"task_type": "coding"}}, WORDS, "of one task_type only"),
    "models of a category": (CATALOGUE, f"{API}/models?category=finance", "was asked with category=finance"),
    "models of an output": (CATALOGUE, f"{API}/models?output_modalities=image", "of some output modalities only"),
    "rankings by month": (rankings(), f"{RANKINGS_URL}&period=month", "holds rankings by month"),
    "rankings by week": (rankings(), f"{RANKINGS_URL}&period=week", "can be imported by day only"),
    "estimates by month": (rankings(), f"{RANKINGS_URL}&category=legal&period=month", "by week only"),
    "rankings filtered twice": (rankings(), f"{RANKINGS_URL}&modality=text&context_bucket=1K", "is filtered twice"),
    "rankings of an unknown filter": (rankings(), f"{RANKINGS_URL}&modality=smell", "unknown filter, modality=smell"),
    "rankings of another filter": (rankings(), f"{RANKINGS_URL}&region=eu", "was asked with region=eu"),
    "rankings without days": (rankings(start_date=None), WORDS, "lacks `meta`"),
    "rankings with an odd day": (rankings(start_date="2026-02-30"), WORDS, "lacks `meta`"),
    "rankings without meta": ({"data": rankings()["data"]}, WORDS, "lacks `meta`"),
    **{
        name: (content, WORDS, "is none that can be imported: OpenRouter's JSON")
        for name, content in {
            "nothing": b"",
            "bytes": b"\x1f\x8b\x08\x00",
            "an error": {"error": {"code": 401, "message": "No"}},
            "an empty list": {"data": []},
            "a list of names": {"data": ["a/one"]},
            "a JSON list": b"[1]",
            "deep JSON": b"[" * 100_000,
            "half a character": served("a/one", "\ud83d"),
            "a long number": b"9" * 5000,
            "another table": b"date,tokens\n2026-08-20,5\n",
            "another page": PAGE.replace(b"LLM Rankings", b"Models"),
            "a damaged page": b"<![x" * 9,
            "a feed": b"<?xml version='1.0'?><rss/>",
            "a model without an id": served("no slug"),
        }.items()
    },
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_imported_is_refused_in_one_sentence(name: str) -> None:
    content, origin, sentence = REFUSED[name]
    with pytest.raises(UsageError) as refusal:
        look(content, origin)
    said = str(refusal.value)
    assert sentence in said
    assert said.isprintable()
    assert said.endswith(".")


leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
fields = sorted({name for content, *_ in KINDS.values() if isinstance(content, dict) for name in content})
names = st.sampled_from([*fields, "rank", "app_id", "total_tokens", "id", "endpoints", "start_date", "end_date"])
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5), max_leaves=20
)


@settings(max_examples=200, deadline=None)
@given(anything.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60), st.text(max_size=30))
def test_any_file_is_recognised_or_refused(body: bytes, origin: str) -> None:
    try:
        recognise(body, origin, RETRIEVED_AT)
    except UsageError as refusal:
        said = str(refusal)
    else:
        return
    assert said.endswith(".")


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(KINDS)), st.sampled_from(["data", "meta", "rank", "id", "start_date"]), anything)
def test_a_damaged_file_is_recognised_or_refused(kind: str, name: str, junk: Any) -> None:
    content = KINDS[kind][0]
    if isinstance(content, bytes):
        return
    damaged = json.loads(json.dumps(content))
    for holder in (damaged, damaged.get("meta"), damaged["data"], *damaged["data"]):
        if isinstance(holder, dict) and name in holder:
            holder[name] = junk
    try:
        look(damaged)
    except UsageError as refusal:
        said = str(refusal)
    else:
        return
    assert said.endswith(".")


def land(one: Recognised, body: bytes, at: datetime = RETRIEVED_AT) -> Parsed:
    """Read a recognised file as an import does."""
    digest = hashlib.sha256(body).hexdigest()
    fetch = Fetch(one.source, one.url, 200, at.isoformat(), digest, len(body), {}, one.context)
    return SOURCES[one.source].parse(fetch, body)


def test_an_export_without_its_manifest_is_of_the_morning_of_its_snapshot() -> None:
    body = CSV + b"2026-08-19,other,,7,1\r\n"
    parsed = land(look(body), body, datetime(2026, 11, 1, tzinfo=UTC))
    assert parsed.frames["rankings_daily"].height == 2
    assert (parsed.first_date, parsed.last_date) == (date(2026, 8, 19), date(2026, 8, 20))
    assert parsed.promised_end_date is None
    assert parsed.as_of == datetime(2026, 8, 21, 2, 30, tzinfo=UTC)
    early = datetime(2026, 8, 21, 1, 50, tzinfo=UTC)
    assert land(look(body), body, early).as_of == early


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (CSV.splitlines()[0], "has no rows"),
        (CSV.replace(b"2026-08-20", b"2026-08-22"), "ends with 2026-08-22, after the day on which it was retrieved"),
        (CSV.replace(b"2026-08-20", b"9999-12-31"), "ends with 9999-12-31"),
        (CSV.replace(b",5,", b",five,"), "total_tokens has a value of another type"),
        (CSV + b"2026-08-18,a/one,1,5,1\n", "misses 1 day"),
    ],
)
def test_an_export_without_its_manifest_is_held_to_the_contract(body: bytes, sentence: str) -> None:
    with pytest.raises(ContractBrokenError, match=sentence):
        land(look(body), body)


@pytest.mark.recordings
@pytest.mark.parametrize(
    ("path", "source", "tables"),
    [
        ("/api/v1/datasets/rankings-daily", "rankings-daily", {"rankings_daily"}),
        ("/api/v1/datasets/rankings-daily?context_bucket=1M", "rankings-contexts", {"rankings_filtered_daily"}),
        ("/api/v1/datasets/rankings-daily?modality=image", "rankings-modalities", {"rankings_filtered_daily"}),
        ("/api/v1/datasets/rankings-daily?category=legal", "rankings-categories", {"rankings_estimates_weekly"}),
        ("/api/v1/datasets/session-cost?limit=500", "session-costs", {"session_costs"}),
        (
            "/api/v1/classifications/task",
            "task-shares",
            {"task_shares", "task_macro_shares", "task_model_shares"},
        ),
        ("/api/v1/benchmarks?include_run_config=true", "benchmarks", {"benchmarks"}),
        ("/api/v1/models", "models", {"models"}),
        ("/api/v1/providers", "providers", {"providers"}),
        ("/api/v1/models/anthropic/claude-opus-4.8/endpoints", "endpoints", {"endpoints"}),
        ("/api/v1/datasets/exports/rankings-daily/2026-08-21.csv", "exports", {"rankings_daily"}),
        (
            "/web/20251108044935id_/https://openrouter.ai/rankings",
            "rankings-page",
            {"page_models", "page_charts", "page_apps"},
        ),
    ],
)
def test_saved_answers_land(replay: Callable[..., Any], path: str, source: str, tables: set[str]) -> None:
    url = replay("2026-08-21T07:45:00Z").base_url + path
    with urlopen(Request(url, headers={"Authorization": f"Bearer {KEY}"})) as response:
        body = response.read()
    one = look(body, url)
    parsed = land(one, body)
    assert one.source == source
    assert set(parsed.frames) == tables
    assert parsed.rows > 0
