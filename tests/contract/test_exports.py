"""What the official exports must hold, and how a backfill walks over their snapshots."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
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
from pipeline.sources.base import Reply, Request, Want
from pipeline.sources.exports import PATH, SOURCES

(SOURCE,) = SOURCES
SCHEMA = {"date": pl.Date, "model_permaslug": pl.String, "total_tokens": pl.Int64}
NOW = datetime(2026, 10, 8, 8, tzinfo=UTC)
SNAPSHOT = date(2026, 10, 8)
DAY = timedelta(days=1)
HEADER = "date,model_permaslug,rank,total_tokens,share_of_daily_tokens"
Row = list[str]


def wanting(days: frozenset[date], now: datetime = NOW, **more: Any) -> Want:
    """Want days of a source without parts."""
    return Want(now, {WHOLE: days}, **more)


def rows(snapshot: date = SNAPSHOT, days: int = 30) -> list[Row]:
    """Two models and `other` a day; `other` has no rank."""
    return [
        [str(snapshot - n * DAY), slug, rank, str(tokens), repr(tokens / 1000)]
        for n in range(days, 0, -1)
        for slug, rank, tokens in (("acme/large", "1", 600), ("acme/small:free", "2", 300), ("other", "", 100))
    ]


def to_csv(content: Iterable[Row], header: str = HEADER) -> bytes:
    return "".join(f"{line}\r\n" for line in [header, *(",".join(row) for row in content)]).encode()


def manifest(snapshot: date = SNAPSHOT, body: bytes | None = None, **more: Any) -> dict[str, Any]:
    body = to_csv(rows(snapshot)) if body is None else body
    return {
        "dataset": "rankings-daily",
        "schema_version": "v1",
        "snapshot_date": str(snapshot),
        "retrieved_at": f"{snapshot}T01:46:15.433Z",
        "row_count": body.count(b"\r\n") - 1,
        "license": {"name": "CC BY 4.0"},
        "files": {
            "csv": {"url": "https://x/y.csv", "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()},
            "json": {"url": "https://x/y.json", "bytes": 7, "sha256": "0" * 64},
        },
        **more,
    }


def fetch(context: dict[str, Any], status: int = 200) -> Fetch:
    return Fetch(
        source="exports",
        url=f"https://openrouter.ai{PATH}/x",
        status=status,
        fetched_at="2026-10-08T08:00:00.000Z",
        sha256="",
        size_bytes=0,
        context=context,
    )


def parse_file(body: bytes, *, status: int = 200, **context: Any) -> Parsed:
    """Parse a file against a manifest that describes exactly these bytes, unless `context` says otherwise."""
    promised = {
        "snapshot_date": str(SNAPSHOT),
        "retrieved_at": f"{SNAPSHOT}T01:46:15.433000+00:00",
        "row_count": body.count(b"\r\n") - 1,
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    return SOURCE.parse(fetch({**promised, **context}, status), body)


def test_a_valid_snapshot_gives_typed_rows_and_what_they_cover() -> None:
    parsed = parse_file(to_csv(rows()))
    assert list(parsed.frames) == ["rankings_daily"]
    assert parsed.frames["rankings_daily"].schema == SCHEMA
    assert parsed.frames["rankings_daily"].rows()[:3] == [
        (date(2026, 9, 8), "acme/large", 600),
        (date(2026, 9, 8), "acme/small:free", 300),
        (date(2026, 9, 8), "other", 100),
    ]
    assert parsed.frames["rankings_daily"].height == 90
    assert parsed.as_of == datetime(2026, 10, 8, 1, 46, 15, 433_000, UTC)
    assert (parsed.first_date, parsed.last_date) == (date(2026, 9, 8), date(2026, 10, 7))
    assert parsed.promised_end_date == date(2026, 10, 7)
    assert parsed.is_stale is False
    assert parsed.floor_date is None
    assert parsed.warnings == ()
    assert parsed.citation == "Source: OpenRouter (openrouter.ai/rankings), as of 2026-10-08T01:46:15Z."


def test_a_snapshot_that_ends_early_is_stale() -> None:
    assert parse_file(to_csv(rows()[:-3])).is_stale is True


def test_line_feeds_alone_are_read_too() -> None:
    body = to_csv(rows()).replace(b"\r\n", b"\n")
    parsed = parse_file(body, row_count=90)
    assert parsed.frames["rankings_daily"]["model_permaslug"].unique().sort().to_list() == [
        "acme/large",
        "acme/small:free",
        "other",
    ]


def test_an_unknown_column_is_accepted_and_named_wherever_it_stands() -> None:
    body = to_csv((["x", *row] for row in rows()), header=f"brand_new,{HEADER}")
    parsed = parse_file(body)
    assert parsed.warnings == ("exports: the snapshot of 2026-10-08 holds unknown columns: brand_new.",)
    assert parsed.frames["rankings_daily"].columns == ["date", "model_permaslug", "total_tokens"]


def test_manifests_lead_on_and_hold_no_rows() -> None:
    body = json.dumps(manifest(brand_new=1)).encode()
    for context in ({}, {"snapshot_date": str(SNAPSHOT), "is_newest": True}):
        parsed = SOURCE.parse(fetch(context), body)
        assert parsed == Parsed()


def test_an_absent_older_snapshot_shows_the_floor() -> None:
    parsed = SOURCE.parse(fetch({"snapshot_date": "2026-09-18", "is_newest": False}, 404), b"{}")
    assert not parsed.frames
    assert parsed.floor_date == date(2026, 8, 20)


@pytest.mark.parametrize("context", [{}, {"snapshot_date": str(SNAPSHOT), "is_newest": True}])
def test_an_absent_newest_snapshot_is_an_error(context: dict[str, Any]) -> None:
    body = b'{"error":{"message":"Export not found","code":404}}'
    with pytest.raises(SourceError, match="HTTP 404, 'Export not found'"):
        SOURCE.parse(fetch(context, 404), body)


def edit(line: int, column: int, value: str) -> bytes:
    content = rows()
    content[line][column] = value
    return to_csv(content)


def with_rows(*more: Row) -> bytes:
    return to_csv([*rows(), *more])


BROKEN_FILES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is not a CSV file"),
    "header only": (to_csv([]), "has no rows: empty is an error"),
    "web page": (b"<!DOCTYPE html><html>Just a moment...</html>", "lacks the columns date, model_permaslug"),
    "binary": (bytes(range(256)) * 2, "is not a CSV file|lacks the columns"),
    "not UTF-8": (to_csv(rows()).replace(b"large", b"l\xe4rge", 1), "is not a CSV file|another type"),
    "column renamed": (to_csv(rows(), HEADER.replace("date,", "day,", 1)), "lacks the columns date"),
    "tokens renamed": (to_csv(rows(), HEADER.replace("total_tokens", "tokens")), "lacks the columns total_tokens"),
    "column dropped": (to_csv((row[:4] for row in rows()), HEADER[:-22]), "lacks the columns share_of_daily_tokens"),
    "no header": (to_csv(rows()[1:], ",".join(rows()[0])), "lacks the columns date, model"),
    "row too long": (with_rows(["2026-10-07", "a/b", "4", "1", "0.1", "7"]), "is not a CSV file"),
    "row too short": (with_rows(["2026-10-07", "a/b", "4"]), "total_tokens has a value of another type"),
    "tokens a float": (edit(4, 3, "600.5"), "total_tokens has a value of another type, found .*'600.5'"),
    "tokens with an exponent": (edit(4, 3, "6e2"), "total_tokens has a value of another type"),
    "tokens negative": (edit(4, 3, "-600"), "total_tokens has a value of another type, found .*'-600'"),
    "tokens empty": (edit(4, 3, ""), "total_tokens has a value of another type"),
    "tokens a word": (edit(4, 3, "many"), "total_tokens has a value of another type"),
    "tokens beyond a BIGINT": (edit(4, 3, "9" * 19), "total_tokens has a value of another type"),
    "tokens in other digits": (edit(4, 3, "\u0661\u0662"), "total_tokens has a value of another type"),
    "date in another format": (edit(4, 0, "08.10.2026"), "date has a value of another type"),
    "date not in the calendar": (edit(4, 0, "2026-02-30"), "date is not a day of the calendar"),
    "date in other digits": (edit(4, 0, "\u0662026-10-07"), "date (has a value|is not a day)"),
    "date empty": (edit(4, 0, ""), "date has a value of another type"),
    "slug empty": (edit(4, 1, ""), "model_permaslug has a value of another type"),
    "slug with an escape": (edit(4, 1, "a/\x1b[31m"), "model_permaslug has a value of another type"),
    "slug endless": (edit(4, 1, "a" * 201), "model_permaslug has a value of another type"),
    "rank a float": (edit(4, 2, "2.0"), "rank has a value of another type"),
    "rank missing": (edit(4, 2, ""), "rank has a value of another type"),
    "share a word": (edit(4, 4, "half"), "share_of_daily_tokens has a value of another type"),
    "share above one": (edit(4, 4, "1.5"), "share_of_daily_tokens has a value of another type"),
    "share not a number": (edit(4, 4, "NaN"), "share_of_daily_tokens has a value of another type"),
    "a key twice": (with_rows(rows()[-3]), "repeats the key .*2026-10-07.*acme/large"),
    "52 rows in a day": (
        with_rows(*(["2026-10-07", f"a/m{n}", "9", "1", "0.1"] for n in range(49))),
        "a day has at most 51 rows, found .*'rows': '52'",
    ),
    "a day missing": (
        to_csv(row for row in rows() if row[0] != "2026-09-30"),
        r"misses 1 day\(s\) between published ones, the first 2026-09-30",
    ),
    "the snapshot's own day": (
        with_rows(["2026-10-08", "a/b", "1", "1", "1.0"]),
        "days must lie in the window 2025-01-01 to 2026-10-07",
    ),
    "before the datasets": (
        with_rows(["2024-12-31", "a/b", "1", "1", "1.0"]),
        "days must lie in the window 2025-01-01",
    ),
}


@pytest.mark.parametrize("name", BROKEN_FILES)
def test_a_file_that_breaks_its_contract_is_refused(name: str) -> None:
    body, sentence = BROKEN_FILES[name]
    with pytest.raises(ContractBrokenError, match=sentence) as caught:
        parse_file(body)
    told = str(caught.value)
    assert told.startswith("exports: the snapshot of 2026-10-08")
    assert told.isprintable()
    assert len(told) < 500


def test_days_after_the_instant_of_retrieval_are_refused() -> None:
    with pytest.raises(ContractBrokenError, match="no day may lie after 2026-10-05"):
        parse_file(to_csv(rows()), retrieved_at="2026-10-05T01:46:15+00:00")


def test_bytes_that_do_not_match_the_manifest_are_refused() -> None:
    body = to_csv(rows())
    mismatch = r"has [\d,]+ bytes that do not match its manifest \([\d,]+ bytes, SHA-256 \w{12}…\)"
    with pytest.raises(ContractBrokenError, match=mismatch):
        parse_file(body, sha256="0" * 64)
    with pytest.raises(ContractBrokenError, match=mismatch):
        parse_file(body, bytes=len(body) + 1)
    with pytest.raises(ContractBrokenError, match=mismatch):
        parse_file(body[: len(body) // 2], bytes=len(body), sha256=hashlib.sha256(body).hexdigest())
    with pytest.raises(ContractBrokenError, match="has 90 rows, its manifest promises 1530"):
        parse_file(body, row_count=1530)


@pytest.mark.parametrize("status", [404, 500, 403])
def test_a_file_that_is_not_served_is_an_error(status: int) -> None:
    with pytest.raises(SourceError, match=f"HTTP {status}"):
        parse_file(b"", status=status)


BROKEN_MANIFESTS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is empty"),
    "web page": (b"<html>", "is a web page"),
    "cut": (json.dumps(manifest()).encode()[:50], "Invalid JSON"),
    "empty dataset": (b'{"data":[]}', "at snapshot_date: Field required"),
    "no date": (
        b'{"retrieved_at":"2026-10-08T01:46:15Z","row_count":1,"files":{}}',
        "at snapshot_date: Field required",
    ),
    "no files": (json.dumps({**manifest(), "files": {}}).encode(), "names no CSV file"),
    "files a list": (json.dumps({**manifest(), "files": []}).encode(), "at files: "),
    "no checksum": (json.dumps({**manifest(), "files": {"csv": {"bytes": 3}}}).encode(), r"at files\.csv\.sha256"),
    "no zone": (json.dumps({**manifest(), "retrieved_at": "2026-10-08T01:46:15"}).encode(), "at retrieved_at"),
    "negative count": (json.dumps({**manifest(), "row_count": -1}).encode(), "at row_count"),
    "count a word": (json.dumps({**manifest(), "row_count": "90"}).encode(), "at row_count"),
}


@pytest.mark.parametrize("name", BROKEN_MANIFESTS)
def test_a_broken_manifest_is_refused_by_parse_and_by_the_walk(name: str) -> None:
    body, sentence = BROKEN_MANIFESTS[name]
    for context in ({}, {"snapshot_date": str(SNAPSHOT), "is_newest": True}):
        with pytest.raises(ContractBrokenError, match=sentence) as caught:
            SOURCE.parse(fetch(context), body)
        assert "manifest" in str(caught.value)
    exchange = SOURCE.exchange(wanting(frozenset({SNAPSHOT - DAY})))
    next(exchange)
    with pytest.raises(ContractBrokenError, match=sentence):
        exchange.send(Reply(200, body))


def walk(want: Want, newest: date, first: date) -> list[str]:
    """Answer the exchange as a server that holds the snapshots from `first` to `newest`; name what it was asked."""
    asked: list[str] = []
    exchange = SOURCE.exchange(want)
    reply: Reply | None = None
    while len(asked) < 200:
        try:
            request: Request = next(exchange) if reply is None else exchange.send(reply)
        except StopIteration:
            return asked
        assert request.path.startswith(f"{PATH}/")
        asked.append(request.path.removeprefix(f"{PATH}/"))
        name, _, kind = asked[-1].partition(".")
        day = newest if name == "latest" else date.fromisoformat(name)
        if not first <= day <= newest:
            reply = Reply(404, b'{"error":{"message":"Export not found","code":404}}')
        elif kind == "csv":
            assert request.context["snapshot_date"] == name
            assert request.context["sha256"] == hashlib.sha256(to_csv(rows(day))).hexdigest()
            reply = Reply(200, to_csv(rows(day)))
        else:
            reply = Reply(200, json.dumps(manifest(day)).encode())
    raise AssertionError(f"the walk does not end: {asked}")


def read(asked: Iterable[str]) -> list[date]:
    return [date.fromisoformat(name.removesuffix(".csv")) for name in asked if name.endswith(".csv")]


def between(first: date, last: date) -> frozenset[date]:
    return frozenset(first + n * DAY for n in range((last - first).days + 1))


def path_of(snapshot: date) -> str:
    return f"{PATH}/{snapshot}.csv"


def test_the_newest_day_takes_three_calls() -> None:
    assert walk(wanting(between(date(2026, 10, 5), date(2026, 10, 7))), SNAPSHOT, date(2026, 9, 19)) == [
        "latest.manifest.json",
        "2026-10-08.manifest.json",
        "2026-10-08.csv",
    ]


def test_a_backfill_goes_in_strides_of_28_days_and_ends_with_the_first_snapshot() -> None:
    asked = walk(wanting(between(date(2025, 1, 1), date(2026, 10, 7))), SNAPSHOT, date(2026, 7, 21))
    assert read(asked) == [date(2026, 10, 8), date(2026, 9, 10), date(2026, 8, 13), date(2026, 7, 21)]
    absent = [name for name in asked if name.endswith(".manifest.json") and name[:10] < "2026-07-21"]
    assert absent[0] == "2026-07-16.manifest.json"
    assert len(asked) - 1 - 2 * 4 <= 6


def test_the_first_snapshot_is_found_by_halving() -> None:
    for gap in range(28):
        first = SNAPSHOT - gap * DAY
        asked = walk(wanting(between(date(2025, 1, 1), date(2026, 10, 7))), SNAPSHOT, first)
        assert read(asked) == sorted({SNAPSHOT, first}, reverse=True)
        assert len(asked) <= 1 + 2 * 2 + 6


def test_consecutive_snapshots_share_two_days() -> None:
    asked = walk(wanting(between(date(2026, 5, 1), date(2026, 10, 7))), SNAPSHOT, date(2025, 2, 1))
    gaps = {newer - older for newer, older in pairwise(read(asked))}
    assert gaps == {timedelta(days=28)}


def test_held_files_are_not_asked_for_again() -> None:
    held = frozenset({path_of(SNAPSHOT), path_of(SNAPSHOT - 28 * DAY)})
    want = wanting(between(date(2026, 7, 1), date(2026, 10, 7)), held_paths=held)
    asked = walk(want, SNAPSHOT, date(2025, 2, 1))
    assert asked[0] == "latest.manifest.json"
    assert not {PATH + "/" + name for name in asked} & held
    assert read(asked) == [SNAPSHOT - 56 * DAY, SNAPSHOT - 84 * DAY]


def test_a_limit_of_three_calls_reads_the_newest_snapshot_only() -> None:
    want = wanting(between(date(2025, 1, 1), date(2026, 10, 7)), max_calls=3)
    assert read(walk(want, SNAPSHOT, date(2026, 3, 1))) == [SNAPSHOT]


def test_the_plan_lists_the_calls_of_a_walk_in_which_every_snapshot_exists() -> None:
    want = wanting(between(date(2026, 6, 1), date(2026, 10, 7)))
    planned = [request.path.removeprefix(f"{PATH}/") for request in SOURCE.plan(want)]
    assert planned == walk(want, SNAPSHOT, date(2025, 2, 1))


def test_before_the_hour_of_publication_the_plan_expects_the_snapshot_of_the_day_before() -> None:
    early = wanting(frozenset({date(2026, 10, 6)}), now=datetime(2026, 10, 8, 1, tzinfo=UTC))
    assert [request.path for request in SOURCE.plan(early)][1] == f"{PATH}/2026-10-07.manifest.json"


def test_a_day_that_is_not_out_yet_costs_one_call() -> None:
    assert walk(wanting(frozenset({SNAPSHOT})), SNAPSHOT, date(2026, 9, 19)) == ["latest.manifest.json"]


@pytest.mark.parametrize("status", [404, 500])
def test_without_a_latest_manifest_the_walk_ends_in_an_error(status: int) -> None:
    exchange = SOURCE.exchange(wanting(frozenset({date(2026, 10, 7)})))
    assert next(exchange).path == f"{PATH}/latest.manifest.json"
    with pytest.raises(SourceError, match=f"the latest manifest: OpenRouter answered HTTP {status}"):
        exchange.send(Reply(status, b""))


offsets = st.sets(st.integers(1, 150), min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(offsets, st.integers(0, 120), st.sets(st.integers(0, 130), max_size=4))
def test_a_walk_reads_every_wanted_day_that_some_snapshot_holds(ages: set[int], oldest: int, held: set[int]) -> None:
    first = SNAPSHOT - oldest * DAY
    wanted = {SNAPSHOT - age * DAY for age in ages}
    held_snapshots = {SNAPSHOT - age * DAY for age in held if age <= oldest}
    asked = walk(wanting(frozenset(wanted), held_paths=frozenset(map(path_of, held_snapshots))), SNAPSHOT, first)
    covered = {
        day for snapshot in {*read(asked), *held_snapshots} for day in between(snapshot - 30 * DAY, snapshot - DAY)
    }
    assert {day for day in wanted if day >= first - 30 * DAY} <= covered
    assert not set(read(asked)) & held_snapshots
    assert len(asked) == len(set(asked))


@settings(max_examples=200, deadline=None)
@given(offsets, st.integers(0, 120), st.sampled_from([1, 3, 5, 7]))
def test_a_walk_stays_within_its_calls(ages: set[int], oldest: int, most: int) -> None:
    wanted = frozenset(SNAPSHOT - age * DAY for age in ages)
    assert len(walk(wanting(wanted, max_calls=most), SNAPSHOT, SNAPSHOT - oldest * DAY)) <= most
