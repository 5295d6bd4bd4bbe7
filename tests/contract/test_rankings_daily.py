"""What the Data API's daily rankings must hold, shown on payload bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.archive import Fetch
from pipeline.contracts import WHOLE, Parsed
from pipeline.errors import ContractBrokenError, SourceError
from pipeline.sources.base import DATASET_FLOOR, Reply, Request, Want, windows
from pipeline.sources.rankings_daily import PATH, SOURCES

(SOURCE,) = SOURCES
SCHEMA = {"date": pl.Date, "model_permaslug": pl.String, "total_tokens": pl.Int64}
NOW = datetime(2026, 8, 22, 13, tzinfo=UTC)
Payload = dict[str, Any]


def wanting(days: frozenset[date], now: datetime = NOW, **more: Any) -> Want:
    """Want days of a source without parts."""
    return Want(now, {WHOLE: days}, **more)


def valid() -> Payload:
    """Three days of two models and `other`."""
    days = ("2026-08-19", "2026-08-20", "2026-08-21")
    slugs = ("acme/large-20260101", "acme/small-20260101:free", "other")
    return {
        "data": [
            {"date": day, "model_permaslug": slug, "total_tokens": str(10**12 * (n + 1) + k)}
            for n, day in enumerate(days)
            for k, slug in enumerate(slugs)
        ],
        "meta": {
            "as_of": "2026-08-22T13:00:00.000Z",
            "start_date": "2026-08-19",
            "end_date": "2026-08-21",
            "version": "v1",
        },
    }


def parse(payload: Payload | bytes, *, status: int = 200, asked_start: str = "2026-08-19") -> Parsed:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    fetch = Fetch(
        source="rankings-daily",
        url=f"https://openrouter.ai{PATH}",
        status=status,
        fetched_at="2026-08-22T13:00:00.000Z",
        sha256="",
        size_bytes=len(body),
        context={"start_date": asked_start, "end_date": "2026-08-21"},
    )
    return SOURCE.parse(fetch, body)


def test_a_valid_answer_gives_typed_rows_and_what_they_cover() -> None:
    parsed = parse(valid())
    assert list(parsed.frames) == ["rankings_daily"]
    assert parsed.frames["rankings_daily"].schema == SCHEMA
    assert parsed.frames["rankings_daily"].rows()[1] == (date(2026, 8, 19), "acme/small-20260101:free", 10**12 + 1)
    assert parsed.frames["rankings_daily"].height == 9
    assert parsed.as_of == NOW
    assert (parsed.first_date, parsed.last_date) == (date(2026, 8, 19), date(2026, 8, 21))
    assert parsed.promised_end_date == date(2026, 8, 21)
    assert parsed.floor_date is None
    assert parsed.is_stale is False
    assert parsed.warnings == ()
    assert parsed.citation == "Source: OpenRouter (openrouter.ai/rankings), as of 2026-08-22T13:00:00Z."


def test_rows_that_start_later_than_asked_show_the_floor() -> None:
    assert parse(valid(), asked_start="2025-01-01").floor_date == date(2026, 8, 19)


def test_rows_that_end_before_the_promised_day_are_stale() -> None:
    payload = valid()
    payload["data"] = payload["data"][:6]
    parsed = parse(payload)
    assert parsed.last_date == date(2026, 8, 20)
    assert parsed.is_stale is True


def test_fifty_one_rows_a_day_and_zero_tokens_are_fine() -> None:
    payload = valid()
    payload["data"] += [
        {"date": "2026-08-21", "model_permaslug": f"acme/m{n}", "total_tokens": "0"} for n in range(51 - 3)
    ]
    parsed = parse(payload)
    assert parsed.frames["rankings_daily"].filter(pl.col("date") == date(2026, 8, 21)).height == 51


def test_the_order_of_the_rows_does_not_matter() -> None:
    payload = valid()
    payload["data"].reverse()
    parsed = parse(payload)
    assert (parsed.first_date, parsed.last_date, parsed.is_stale) == (date(2026, 8, 19), date(2026, 8, 21), False)


def test_an_instant_with_another_offset_is_understood() -> None:
    payload = valid()
    payload["meta"]["as_of"] = "2026-08-22T15:00:00+02:00"
    assert parse(payload).as_of == NOW


@pytest.mark.parametrize("place", ["top", "meta", "row"])
def test_an_unknown_field_is_accepted_and_named(place: str) -> None:
    payload = valid()
    {"top": payload, "meta": payload["meta"], "row": payload["data"][4]}[place]["brand_new"] = {"any": ["thing"]}
    parsed = parse(payload)
    assert parsed.warnings == ("rankings-daily holds unknown fields: brand_new.",)
    assert parsed.frames["rankings_daily"].height == 9


BROKEN_BODIES = {
    "nothing": (b"", "is empty: an answer without content is an error"),
    "blanks": (b" \r\n\t", "is empty"),
    "web page": (b"<!DOCTYPE html><html>Just a moment...</html>", "is a web page, not JSON"),
    "web page after blanks": (b"\n  <html></html>", "is a web page"),
    "cut": (json.dumps(valid()).encode()[:-40], "Invalid JSON: EOF"),
    "garbage": (bytes(range(128, 256)) * 4, "Invalid JSON"),
    "null": (b"null", "breaks its contract at the body"),
    "list": (b"[]", "breaks its contract at the body"),
    "number": (b"1", "breaks its contract at the body"),
    "two answers": (json.dumps(valid()).encode() * 2, "Invalid JSON: trailing characters"),
    "deep": (b'{"data":' + b"[" * 100_000, "Invalid JSON: recursion limit"),
    "not UTF-8": (json.dumps(valid()).encode().replace(b"large", b"l\xe4rge"), "Invalid JSON"),
}


@pytest.mark.parametrize("name", BROKEN_BODIES)
def test_a_body_that_is_no_answer_is_refused(name: str) -> None:
    body, sentence = BROKEN_BODIES[name]
    with pytest.raises(ContractBrokenError, match=sentence) as caught:
        parse(body)
    assert str(caught.value).startswith("rankings-daily ")
    assert len(str(caught.value)) < 500


def change(path: str, value: Any) -> Callable[[Payload], None]:
    """Set one value, or drop it when the value is `...`."""

    def edit(payload: Payload) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        place: Any = payload
        for part in parents:
            place = place[part]
        if value is ...:
            del place[last]
        else:
            place[last] = value

    return edit


def rename(old: str, new: str) -> Callable[[Payload], None]:
    def edit(payload: Payload) -> None:
        payload[new] = payload.pop(old)

    return edit


def fill_a_day(payload: Payload) -> None:
    payload["data"] += [
        {"date": "2026-08-21", "model_permaslug": f"acme/m{n}", "total_tokens": "1"} for n in range(52 - 3)
    ]


def repeat_a_row(payload: Payload) -> None:
    payload["data"].insert(0, {**payload["data"][0], "total_tokens": "7"})


def drop_a_day(payload: Payload) -> None:
    payload["data"] = [row for row in payload["data"] if row["date"] != "2026-08-20"]


def numeric_tokens(payload: Payload) -> None:
    payload["data"] = [{**row, "total_tokens": float(row["total_tokens"])} for row in payload["data"]]


BROKEN = {
    "no rows": (change("data", []), "has no rows: empty is an error"),
    "no data": (change("data", ...), "at data: Field required"),
    "data renamed": (rename("data", "results"), "at data: Field required"),
    "data null": (change("data", None), "at data: Input should be a valid"),
    "data an object": (change("data", {}), "at data: Input should be a valid"),
    "a row null": (change("data.3", None), r"at data\.3: "),
    "no meta": (change("meta", ...), "at meta: Field required"),
    "meta renamed": (rename("meta", "info"), "at meta: Field required"),
    "no date": (change("data.4.date", ...), r"at data\.4\.date: Field required"),
    "no slug": (change("data.4.model_permaslug", ...), r"at data\.4\.model_permaslug: Field required"),
    "no tokens": (change("data.4.total_tokens", ...), r"at data\.4\.total_tokens: Field required"),
    "tokens a float": (change("data.4.total_tokens", 1.5e12), r"at data\.4\.total_tokens: .*valid string"),
    "tokens an integer": (change("data.4.total_tokens", 15), r"at data\.4\.total_tokens: .*valid string, found 15"),
    "tokens all floats": (numeric_tokens, r"at data\.0\.total_tokens: .*\(9 such places\)"),
    "tokens null": (change("data.4.total_tokens", None), r"at data\.4\.total_tokens: "),
    "tokens true": (change("data.4.total_tokens", True), r"at data\.4\.total_tokens: "),
    "tokens negative": (change("data.4.total_tokens", "-5"), r"at data\.4\.total_tokens: .*found '-5'"),
    "tokens signed": (change("data.4.total_tokens", "+5"), r"at data\.4\.total_tokens: "),
    "tokens a fraction": (change("data.4.total_tokens", "5.0"), r"at data\.4\.total_tokens: "),
    "tokens blank": (change("data.4.total_tokens", ""), r"at data\.4\.total_tokens: "),
    "tokens in other digits": (change("data.4.total_tokens", "\u0661\u0662"), r"at data\.4\.total_tokens: "),
    "tokens with a line end": (change("data.4.total_tokens", "5\n"), r"at data\.4\.total_tokens: "),
    "tokens beyond a BIGINT": (change("data.4.total_tokens", "9" * 19), r"at data\.4\.total_tokens: "),
    "slug blank": (change("data.4.model_permaslug", ""), r"at data\.4\.model_permaslug: "),
    "slug with an escape": (change("data.4.model_permaslug", "a/\x1b[31m"), r"at data\.4\.model_permaslug: "),
    "slug with a space": (change("data.4.model_permaslug", "a/b c"), r"at data\.4\.model_permaslug: "),
    "slug endless": (change("data.4.model_permaslug", "a" * 201), r"at data\.4\.model_permaslug: "),
    "slug a number": (change("data.4.model_permaslug", 7), r"at data\.4\.model_permaslug: "),
    "date a number": (change("data.4.date", 1_787_184_000), r"at data\.4\.date: "),
    "date with a time": (change("data.4.date", "2026-08-20T12:30:00Z"), r"at data\.4\.date: "),
    "date not in the calendar": (change("data.4.date", "2026-02-30"), r"at data\.4\.date: "),
    "date in another format": (change("data.4.date", "20/08/2026"), r"at data\.4\.date: "),
    "no as_of": (change("meta.as_of", ...), r"at meta\.as_of: Field required"),
    "as_of without a zone": (change("meta.as_of", "2026-08-22T13:00:00"), r"at meta\.as_of: .*timezone"),
    "no start": (change("meta.start_date", ...), r"at meta\.start_date: Field required"),
    "no end": (change("meta.end_date", ...), r"at meta\.end_date: Field required"),
    "version 2": (change("meta.version", "v2"), r"at meta\.version: Input should be 'v1', found 'v2'"),
    "no version": (change("meta.version", ...), r"at meta\.version: Field required"),
    "a key twice": (repeat_a_row, r"repeats the key \{'date': '2026-08-19', 'model_permaslug': 'acme/large"),
    "52 rows in a day": (fill_a_day, r"a day has at most 51 rows, found \{'date': '2026-08-21', 'rows': '52'\}"),
    "a day missing": (drop_a_day, r"misses 1 day\(s\) between published ones, the first 2026-08-20"),
    "before the window": (change("meta.start_date", "2026-08-20"), "must lie in the window 2026-08-20 to 2026-08-21"),
    "after the window": (change("meta.end_date", "2026-08-20"), "must lie in the window 2026-08-19 to 2026-08-20"),
    "window upside down": (change("meta.end_date", "2026-08-01"), "must lie in the window"),
    "after as_of": (
        change("meta.as_of", "2026-08-20T13:00:00Z"),
        "no day may lie after 2026-08-20, found .*2026-08-21",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_payload_that_breaks_its_contract_is_refused_with_the_place(name: str) -> None:
    edit, sentence = BROKEN[name]
    payload = valid()
    edit(payload)
    with pytest.raises(ContractBrokenError, match=sentence) as caught:
        parse(payload)
    told = str(caught.value)
    assert told.startswith("rankings-daily")
    assert told.isprintable()
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_the_variable_and_the_servers_words(status: int) -> None:
    body = b'{"error": {"code": 401, "message": "Invalid credentials"}}'
    with pytest.raises(SourceError, match=rf"HTTP {status}, 'Invalid credentials'\); check OPENROUTER_API_KEY"):
        parse(body, status=status)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'{"error": "x"}', b'{"error": null}', b"<html>"])
def test_another_status_is_a_sentence_whatever_the_body(body: bytes) -> None:
    with pytest.raises(SourceError, match=r"OpenRouter answered HTTP 400\."):
        parse(body, status=400)


def read(request: Request, body: bytes) -> Parsed | None:
    """What the job tells the exchange of an answer."""
    fetch = Fetch("rankings-daily", "", 200, "2026-08-22T13:00:00Z", "", len(body), context=request.context)
    try:
        return SOURCE.parse(fetch, body)
    except SourceError:
        return None


def drive(want: Want, *payloads: Payload | bytes) -> list[Request]:
    """Send answers to the exchange in turn; return what it asked."""
    exchange = SOURCE.exchange(want)
    asked: list[Request] = []
    try:
        asked.append(next(exchange))
        for payload in payloads:
            body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
            asked.append(exchange.send(Reply(200, body, read(asked[-1], body))))
    except StopIteration:
        return asked
    raise AssertionError(f"the exchange wants more: {asked[-1]}")


def between(first: date, last: date) -> frozenset[date]:
    return frozenset(first + timedelta(days=n) for n in range((last - first).days + 1))


def answered(start: date, end: date) -> Payload:
    """A valid answer with one model a day."""
    days = sorted(between(start, end))
    return {
        "data": [{"date": str(day), "model_permaslug": "acme/large", "total_tokens": "1"} for day in days],
        "meta": {**valid()["meta"], "start_date": str(start), "end_date": str(end)},
    }


def test_all_history_is_two_calls_of_at_most_366_days_newest_first() -> None:
    asked = drive(
        wanting(between(date(2025, 1, 1), date(2026, 8, 21))),
        answered(date(2025, 8, 21), date(2026, 8, 21)),
        answered(date(2025, 1, 1), date(2025, 8, 20)),
    )
    assert [str(request) for request in asked] == [
        f"GET {PATH}?start_date=2025-08-21&end_date=2026-08-21",
        f"GET {PATH}?start_date=2025-01-01&end_date=2025-08-20",
    ]
    assert asked[0].context == {"start_date": "2025-08-21", "end_date": "2026-08-21"}


def test_an_answer_that_starts_later_than_asked_ends_the_walk() -> None:
    asked = drive(wanting(between(date(2025, 1, 1), date(2026, 8, 21))), answered(date(2026, 6, 21), date(2026, 8, 21)))
    assert len(asked) == 1


def test_a_refused_answer_does_not_keep_the_walk_from_older_windows() -> None:
    assert len(drive(wanting(between(date(2025, 1, 1), date(2026, 8, 21))), b"{}", b"{}")) == 2


def test_days_before_the_datasets_are_not_asked_for() -> None:
    want = wanting(between(date(2024, 12, 1), date(2025, 1, 3)))
    asked = drive(want, answered(DATASET_FLOOR, date(2025, 1, 3)))
    assert [request.params["start_date"] for request in asked] == ["2025-01-01"]
    assert drive(wanting(between(date(2024, 12, 1), date(2024, 12, 31)))) == []


def test_a_limited_want_asks_for_the_newest_windows_only() -> None:
    days = between(date(2026, 8, 19), date(2026, 8, 21)) | {date(2025, 2, 1)}
    (only,) = SOURCE.plan(wanting(days, max_calls=1))
    assert only.params == {"start_date": "2026-08-19", "end_date": "2026-08-21"}
    assert len(SOURCE.plan(wanting(days))) == 2


def fewest(days: list[int], span: int) -> int:
    """Try every way to cut sorted days into windows."""
    if not days:
        return 0
    fitting = [n for n in range(1, len(days) + 1) if days[n - 1] - days[0] < span]
    return 1 + min(fewest(days[n:], span) for n in fitting)


@settings(max_examples=100, deadline=None)
@given(st.sets(st.integers(0, 40), max_size=9), st.integers(1, 15))
def test_windows_cover_every_day_with_the_fewest_spans(offsets: set[int], span: int) -> None:
    days = {DATASET_FLOOR + timedelta(days=n) for n in offsets}
    found = windows(days, span)
    assert all(any(start <= day <= end for start, end in found) for day in days)
    assert all(start in days and end in days and 0 <= (end - start).days < span for start, end in found)
    assert all(older[1] < newer[0] for newer, older in pairwise(found))
    assert len(found) == fewest(sorted(offsets), span)


@pytest.mark.parametrize("window", [("2026-08-18", "2026-08-21"), ("2026-08-19", "2026-08-22")])
def test_a_window_that_was_not_asked_is_refused(window: tuple[str, str]) -> None:
    payload = valid()
    payload["meta"] |= {"start_date": window[0], "end_date": window[1]}
    with pytest.raises(ContractBrokenError, match=f"covers {window[0]} to {window[1]}, while 2026-08-19 to"):
        parse(payload)
