"""Whatever arrives: parse gives rows that hold the contract, or one sentence, and never anything else."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.archive import Fetch
from pipeline.contracts import Parsed
from pipeline.errors import SourceError
from pipeline.sources import SOURCES, Request, Source, Want

SNAPSHOT = date(2026, 8, 22)
SLUGS = (("acme/large", "1", 600), ("acme/small:free", "2", 300), ("other", "", 100))
DAYS = [SNAPSHOT - timedelta(days=n) for n in (3, 2, 1)]
# What sources without fixed series are about.
SUBJECTS = {
    "rankings-page": {"20260320044935 https://openrouter.ai/rankings": "A" * 32},
    "endpoints": {"acme/large": "acme/large-20260101"},
}
COLUMNS = ["date", "model_permaslug", "rank", "total_tokens", "share_of_daily_tokens"]

RANKINGS: dict[str, Any] = {
    "data": [
        {"date": str(day), "model_permaslug": slug, "total_tokens": str(tokens)}
        for day in DAYS
        for slug, _, tokens in SLUGS
    ],
    "meta": {
        "as_of": "2026-08-22T13:00:00Z",
        "start_date": str(DAYS[0]),
        "end_date": str(DAYS[-1]),
        "version": "v1",
    },
}
MODELS: dict[str, Any] = {
    "data": [
        {
            "id": identifier,
            "canonical_slug": "acme/large",
            "name": "Acme",
            "created": 1_767_225_600,
            "context_length": 131_072,
            "architecture": {"input_modalities": ["text"], "output_modalities": ["text"], "tokenizer": None},
            "pricing": {"prompt": "0.0000025", "completion": "0.00001"},
            "supported_parameters": ["reasoning"],
            "expiration_date": "2098-12-31",
            "alias_target": {"slug": "acme/large"},
        }
        for identifier in ("acme/large", "acme/large:free")
    ],
    "links": {"next": None},
    "total_count": 2,
}
MANIFEST: dict[str, Any] = {
    "snapshot_date": str(SNAPSHOT),
    "retrieved_at": f"{SNAPSHOT}T01:46:15.433Z",
    "row_count": 9,
    "files": {"csv": {"bytes": 7, "sha256": "0" * 64}},
}
TABLE = [
    COLUMNS,
    *([str(day), slug, rank, str(tokens), str(tokens / 1000)] for day in DAYS for slug, rank, tokens in SLUGS),
]

fast = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def parse(source: str, body: bytes, status: int = 200, **context: Any) -> Parsed | None:
    """Parse as the landing does; None where the answer was refused in one sentence."""
    fetch = Fetch(source, "https://x/y", status, "2026-08-22T13:00:00.000Z", "", len(body), {}, context)
    try:
        return SOURCES[source].parse(fetch, body)
    except SourceError as error:
        refusal = str(error)
    assert refusal.endswith(".")
    return None


def parse_rankings(body: bytes) -> Parsed | None:
    return parse("rankings-daily", body, start_date=str(DAYS[0]), end_date=str(DAYS[-1]))


def parse_models(body: bytes) -> Parsed | None:
    return parse("models", body)


def parse_manifest(body: bytes) -> Parsed | None:
    return parse("exports", body, snapshot_date=str(SNAPSHOT), is_newest=True)


def parse_export(body: bytes) -> Parsed | None:
    return parse(
        "exports",
        body,
        snapshot_date=str(SNAPSHOT),
        retrieved_at=f"{SNAPSHOT}T01:46:15.433000+00:00",
        row_count=max(0, len(body.splitlines()) - 1),
        bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
    )


def hold_rankings(parsed: Parsed | None, end: date | None = None) -> None:
    """A frame that was returned is one that the documentation allows."""
    if parsed is None:
        return
    (frame,) = parsed.frames.values()
    assert frame.schema == {"date": pl.Date, "model_permaslug": pl.String, "total_tokens": pl.Int64}
    assert frame.height > 0
    assert sum(frame.null_count().row(0)) == 0
    assert frame.select("date", "model_permaslug").is_unique().all()
    assert frame["total_tokens"].min() >= 0
    assert frame.group_by("date").len()["len"].max() <= 51
    days = sorted(set(frame["date"].to_list()))
    assert (days[0], days[-1]) == (parsed.first_date, parsed.last_date)
    assert len(days) == (days[-1] - days[0]).days + 1
    assert parsed.promised_end_date is not None
    assert days[-1] <= min(parsed.promised_end_date, end or date.max)
    assert parsed.as_of is not None
    assert parsed.as_of.tzinfo is not None
    assert parsed.citation


def hold_models(parsed: Parsed | None) -> None:
    if parsed is None:
        return
    frame = parsed.frames["models"]
    required = ["id", "canonical_slug", "model_permaslug", "name", "created_at", "is_reasoning_capable"]
    assert sum(frame.select(required).null_count().row(0)) == 0
    assert frame["id"].is_unique().all()
    assert frame["model_permaslug"].is_unique().all()
    assert all(math.isfinite(price) for price in frame["prompt_usd_per_token"].to_list())
    assert all(context is None or context >= 0 for context in frame["context_length_tokens"].to_list())


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Name every place inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, child in inner for place in places(child, (*path, key)))]


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["", "-1", "1e999", "\u0661", "9" * 19, "2026-02-30", "2026-08-20", "9999-12-31", "v2", "other"])
)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.sampled_from(COLUMNS), inner),
    max_leaves=6,
)


@st.composite
def mutated(draw: Callable[..., Any], valid: dict[str, Any]) -> bytes:
    """Drop, rename, retype, repeat or swap parts of a valid payload, one to three times."""
    payload: Any = copy.deepcopy(valid)
    for _ in range(draw(st.integers(1, 3))):
        inside = [place for place in places(payload) if place]
        if not inside:
            break
        *parents, last = draw(st.sampled_from(inside))
        holder = payload
        for key in parents:
            holder = holder[key]
        deed = draw(st.sampled_from(["drop", "rename", "retype", "borrow", "repeat", "swap"]))
        if deed == "drop":
            del holder[last]
        elif deed == "retype":
            holder[last] = draw(anything)
        elif deed == "rename" and isinstance(holder, dict):
            holder[draw(st.text(max_size=8))] = holder.pop(last)
        elif deed == "repeat" and isinstance(holder, list):
            holder.insert(0, copy.deepcopy(holder[last]))
        elif deed == "swap" and isinstance(holder, list):
            holder.reverse()
        elif deed == "borrow":
            place = draw(st.sampled_from(places(payload)))
            found = payload
            for key in place:
                found = found[key]
            holder[last] = copy.deepcopy(found)
    return json.dumps(payload, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass")


@st.composite
def mutated_table(draw: Callable[..., Any]) -> bytes:
    """Change cells, rows and columns of a valid file."""
    table = copy.deepcopy(TABLE)
    for _ in range(draw(st.integers(1, 3))):
        line, column = draw(st.integers(0, len(table) - 1)), draw(st.integers(0, 4))
        deed = draw(st.sampled_from(["cell", "borrow", "drop row", "repeat row", "swap", "drop column", "more"]))
        if deed == "cell" and column < len(table[line]):
            table[line][column] = draw(st.text(max_size=6) | leaves.map(str))
        elif deed == "borrow" and column < len(table[line]):
            table[line][column] = draw(st.sampled_from([cell for row in table for cell in row] or [""]))
        elif deed == "drop row" and len(table) > 1:
            del table[line]
        elif deed == "repeat row":
            table.insert(line, list(table[line]))
        elif deed == "swap":
            table.reverse()
        elif deed == "drop column":
            table = [row[:column] + row[column + 1 :] for row in table]
        elif deed == "more":
            table[line] = [*table[line], draw(st.text(max_size=4))]
    end = draw(st.sampled_from(["\r\n", "\n"]))
    return "".join(",".join(row) + end for row in table).encode(errors="surrogatepass")


@st.composite
def damaged(draw: Callable[..., Any], valid: bytes) -> bytes:
    """Cut a valid body, or overwrite and insert bytes."""
    start = draw(st.integers(0, len(valid)))
    end = draw(st.integers(start, min(len(valid), start + 20)))
    return draw(
        st.sampled_from([valid[:start], valid[start:], valid[:start] + draw(st.binary(max_size=9)) + valid[end:]])
    )


as_json = {name: json.dumps(value).encode() for name, value in (("r", RANKINGS), ("m", MODELS), ("f", MANIFEST))}
as_csv = "".join(",".join(row) + "\r\n" for row in TABLE).encode()


def test_the_payloads_are_valid_before_they_are_mutated() -> None:
    for parsed, rows in ((parse_rankings(as_json["r"]), 9), (parse_export(as_csv), 9), (parse_models(as_json["m"]), 2)):
        assert parsed is not None
        assert parsed.rows == rows
    assert parse_manifest(as_json["f"]) == Parsed()


@fast
@given(mutated(RANKINGS) | damaged(as_json["r"]))
def test_changed_rankings_hold_or_are_refused(body: bytes) -> None:
    hold_rankings(parse_rankings(body))


@fast
@given(mutated_table() | damaged(as_csv))
def test_changed_exports_hold_or_are_refused(body: bytes) -> None:
    hold_rankings(parse_export(body), SNAPSHOT - timedelta(days=1))


@fast
@given(mutated(MODELS) | damaged(as_json["m"]))
def test_changed_catalogues_hold_or_are_refused(body: bytes) -> None:
    hold_models(parse_models(body))


@fast
@given(mutated(MANIFEST) | damaged(as_json["f"]))
def test_changed_manifests_lead_on_or_are_refused(body: bytes) -> None:
    assert parse_manifest(body) in (None, Parsed())


DATES = frozenset(date(2026, month, day) for month in (3, 8) for day in (3, 20, 22))


def call(source: Source) -> Request:
    """Return the first call that a source plans."""
    subjects = SUBJECTS.get(source.name, {})
    series = subjects if source.series is None else source.series
    now = datetime(2026, 8, 22, 13, tzinfo=UTC)
    return source.plan(Want(now, dict.fromkeys(series, DATES), subjects=subjects))[0]


@pytest.mark.parametrize("source", SOURCES)
@fast
@given(
    anything.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60),
    st.integers(200, 599),
    st.booleans(),
)
def test_any_json_any_bytes_and_any_status_are_refused_by_every_source(
    source: str, body: bytes, status: int, is_older: bool
) -> None:
    context = {**call(SOURCES[source]).context, **({"is_older": True} if is_older else {})}
    parsed = parse(source, body, status, **context)
    # An answer may say that there is nothing (there was none so early, the model is gone); it never lands a row.
    assert parsed is None or (parsed.is_absent and not parsed.rows)


@fast
@given(st.binary(max_size=60))
def test_any_bytes_are_no_export(body: bytes) -> None:
    assert parse_export(body) is None
