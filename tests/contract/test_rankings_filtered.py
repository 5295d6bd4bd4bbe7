"""What filtered rankings must hold: exact days of a slice, and estimated weeks that are over."""

from __future__ import annotations

import copy
import dataclasses
import json
import time
import urllib.request
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import models
from pipeline.archive import Fetch
from pipeline.contracts import Parsed
from pipeline.errors import ContractBrokenError, KeyRefusedError, SourceError
from pipeline.planner import Held, run_want
from pipeline.sources.base import Cadence, Reply, Request, Source, Want
from pipeline.sources.rankings_daily import PATH
from pipeline.sources.rankings_filtered import CONTEXT_BUCKETS, MODALITIES, SOURCES
from tests.conftest import KEY

CONTEXTS, MODALITY, CATEGORY, LANGUAGE = SOURCES
NOW = datetime(2026, 8, 25, 13, tzinfo=UTC)  # a Tuesday
DAYS = tuple(date(2026, 8, 19) + timedelta(days=n) for n in range(3))
WEEKS = tuple(date(2026, 8, 3) + timedelta(days=7 * n) for n in range(3))
SLUGS = ("acme/large-20260101", "acme/small-20260101:free", "other")
Payload = dict[str, Any]


def answer(
    *dates: date, start: date | None = None, end: date | None = None, as_of: str = "2026-08-25T13:00:00Z"
) -> Payload:
    """Three rows a date; the window is that of the dates where none is given."""
    return {
        "data": [
            {"date": str(on), "model_permaslug": slug, "total_tokens": str(10**9 * (n + 1) + k)}
            for n, on in enumerate(dates)
            for k, slug in enumerate(SLUGS)
        ],
        "meta": {
            "as_of": as_of,
            "start_date": str(start or dates[0]),
            "end_date": str(end or dates[-1]),
            "version": "v1",
        },
    }


def context(series: str, start: date, end: date, **more: Any) -> dict[str, Any]:
    return {"series": series, "start_date": str(start), "end_date": str(end), **more}


def fetched(source: str, body: bytes, status: int = 200, **known: Any) -> Fetch:
    return Fetch(source, f"https://openrouter.ai{PATH}", status, "2026-08-25T13:00:00.000Z", "", len(body), {}, known)


def parse_days(
    payload: Payload | bytes, *, status: int = 200, start: date = DAYS[0], end: date = DAYS[-1], **more: Any
) -> Parsed:
    """Parse as an answer for the bucket 100K."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return CONTEXTS.parse(fetched(CONTEXTS.name, body, status, **context("100K", start, end, **more)), body)


def week_answer(*weeks: date, **more: Any) -> Payload:
    window = {"start": WEEKS[0], "end": WEEKS[-1] + timedelta(days=6)}
    return answer(*weeks, **{**window, **more})


def parse_weeks(
    payload: Payload | bytes,
    *,
    status: int = 200,
    start: date = WEEKS[0],
    end: date = WEEKS[-1] + timedelta(days=6),
    **more: Any,
) -> Parsed:
    """Parse as an answer for the category marketing/seo."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return CATEGORY.parse(fetched(CATEGORY.name, body, status, **context("marketing/seo", start, end, **more)), body)


def test_the_sources_are_what_the_registry_needs() -> None:
    assert [source.name for source in SOURCES] == [
        "rankings-contexts",
        "rankings-modalities",
        "rankings-categories",
        "rankings-languages",
    ]
    assert [source.cadence for source in SOURCES] == [Cadence.DAY, Cadence.DAY, Cadence.WEEK, Cadence.WEEK]
    assert [len(source.series or ()) for source in SOURCES] == [5, 5, 12, 2]
    assert {source.floor for source in SOURCES[:2]} == {date(2025, 1, 1)}
    assert {source.floor for source in SOURCES[2:]} == {date(2025, 1, 6)}


def test_days_land_with_their_slice() -> None:
    parsed = parse_days(answer(*DAYS))
    assert list(parsed.frames) == ["rankings_filtered_daily"]
    frame = parsed.frames["rankings_filtered_daily"]
    assert frame.schema == {
        "date": pl.Date,
        "dimension": pl.String,
        "slice": pl.String,
        "model_permaslug": pl.String,
        "total_tokens": pl.Int64,
    }
    assert frame.height == 9
    assert frame.row(1) == (DAYS[0], "context_bucket", "100K", "acme/small-20260101:free", 10**9 + 1)
    assert parsed.settles == ("100K",)
    assert parsed.as_of == NOW
    assert (parsed.first_date, parsed.last_date, parsed.promised_end_date) == (DAYS[0], DAYS[-1], DAYS[-1])
    assert (parsed.floor_date, parsed.is_stale, parsed.is_absent, parsed.warnings) == (None, False, False, ())
    assert parsed.citation == "Source: OpenRouter (openrouter.ai/rankings), as of 2026-08-25T13:00:00Z."


def test_weeks_land_by_their_mondays() -> None:
    parsed = parse_weeks(week_answer(*WEEKS))
    assert list(parsed.frames) == ["rankings_estimates_weekly"]
    frame = parsed.frames["rankings_estimates_weekly"]
    assert frame.columns == ["week_start_date", "dimension", "slice", "model_permaslug", "total_tokens"]
    assert frame.row(5) == (WEEKS[1], "category", "marketing/seo", "other", 2 * 10**9 + 2)
    assert parsed.settles == ("marketing/seo",)
    assert (parsed.first_date, parsed.last_date, parsed.promised_end_date) == (WEEKS[0], WEEKS[-1], WEEKS[-1])
    assert (parsed.floor_date, parsed.is_stale, parsed.warnings) == (None, False, ())


def test_each_source_names_its_dimension() -> None:
    body = json.dumps(week_answer(*WEEKS)).encode()
    found = {}
    for source in SOURCES:
        known = context(source.series[0], WEEKS[0], WEEKS[-1] + timedelta(days=6))  # type: ignore[index]
        (frame,) = source.parse(fetched(source.name, body, **known), body).frames.values()
        found[source.name] = frame["dimension"].unique().to_list()
    assert list(found.values()) == [["context_bucket"], ["modality"], ["category"], ["language_type"]]


def test_the_rows_fit_their_tables() -> None:
    tables = models.load(models.sql_dir())
    for parsed in (parse_days(answer(*DAYS)), parse_weeks(week_answer(*WEEKS))):
        ((name, frame),) = parsed.frames.items()
        assert [*frame.columns, "as_of", "fetched_at", "load_id", "source"] == list(tables[f"raw.{name}"].columns)


@pytest.mark.parametrize(
    ("parsed", "floor"),
    [
        (lambda: parse_days(answer(*DAYS[1:], start=DAYS[0])), DAYS[1]),
        (lambda: parse_days(answer(*DAYS, start=DAYS[0]), start=date(2025, 8, 21)), DAYS[0]),
        (lambda: parse_weeks(week_answer(*WEEKS[1:])), WEEKS[1]),
    ],
)
def test_dates_without_rows_at_the_beginning_show_the_floor(parsed: Callable[[], Parsed], floor: date) -> None:
    found = parsed()
    assert (found.floor_date, found.first_date, found.warnings) == (floor, floor, ())


def test_a_date_without_rows_between_others_is_named_in_a_warning() -> None:
    days = parse_days(answer(DAYS[0], DAYS[2]))
    assert days.warnings == (
        "rankings-contexts (100K) has no rows for 1 date(s) between others, the first 2026-08-20.",
    )
    assert (days.first_date, days.last_date, days.rows) == (DAYS[0], DAYS[2], 6)
    weeks = parse_weeks(week_answer(WEEKS[0], WEEKS[2]))
    assert weeks.warnings == (
        "rankings-categories (marketing/seo) has no rows for 1 date(s) between others, the first 2026-08-10.",
    )


def test_dates_without_rows_at_the_end_are_stale() -> None:
    assert parse_days(answer(*DAYS[:2], end=DAYS[2])).is_stale is True
    assert parse_weeks(week_answer(*WEEKS[:2])).is_stale is True


def test_a_week_is_promised_when_it_is_due_and_not_before() -> None:
    on_monday = parse_weeks(week_answer(*WEEKS[:2], as_of="2026-08-24T23:59:59Z"))
    assert (on_monday.promised_end_date, on_monday.is_stale) == (WEEKS[1], False)
    on_tuesday = parse_weeks(week_answer(*WEEKS[:2], as_of="2026-08-25T00:00:00Z"))
    assert (on_tuesday.promised_end_date, on_tuesday.is_stale) == (WEEKS[2], True)
    early = parse_weeks(week_answer(*WEEKS, as_of="2026-08-24T07:45:00Z"))
    assert (early.last_date, early.is_stale) == (WEEKS[2], False)


@pytest.mark.parametrize(
    ("payload", "cut", "kept"),
    [
        (week_answer(*WEEKS, start=date(2026, 8, 5)), WEEKS[0], WEEKS[1:]),
        (week_answer(*WEEKS, end=date(2026, 8, 22)), WEEKS[2], WEEKS[:2]),
        (week_answer(*WEEKS, as_of="2026-08-23T23:00:00Z"), WEEKS[2], WEEKS[:2]),
    ],
    ids=["cut by the server's floor", "cut by the end", "still running"],
)
def test_a_week_that_is_covered_in_part_is_left_out(payload: Payload, cut: date, kept: tuple[date, ...]) -> None:
    parsed = parse_weeks(payload)
    (frame,) = parsed.frames.values()
    assert frame["week_start_date"].unique().sort().to_list() == list(kept)
    assert (parsed.first_date, parsed.last_date) == (kept[0], kept[-1])
    assert parsed.warnings == (
        f"rankings-categories (marketing/seo) covers the week of {cut} in part only; it was left out.",
    )
    assert parsed.floor_date == (None if kept[0] == WEEKS[0] else kept[0])
    assert parsed.is_stale is False


EMPTY: Payload = {**answer(*DAYS), "data": []}
PARSERS = {"days": parse_days, "weeks": parse_weeks}


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize(("payload", "status"), [(EMPTY, 200), (b'{"error": {"message": "too early"}}', 400)])
def test_nothing_before_newer_days_is_the_floor(name: str, payload: Payload | bytes, status: int) -> None:
    parsed = PARSERS[name](payload, status=status, is_older=True)
    end = {"days": date(2026, 8, 21), "weeks": date(2026, 8, 23)}[name]
    series = {"days": "100K", "weeks": "marketing/seo"}[name]
    assert parsed == Parsed(settles=(series,), is_absent=True, floor_date=end + timedelta(days=1))
    with pytest.raises(SourceError):
        PARSERS[name](payload, status=status)


def test_only_parts_of_weeks_are_nothing() -> None:
    only_cut = week_answer(WEEKS[0], start=date(2026, 8, 5))
    with pytest.raises(ContractBrokenError, match="has no rows of a whole week"):
        parse_weeks(only_cut)
    assert parse_weeks(only_cut, is_older=True).floor_date == date(2026, 8, 24)


@pytest.mark.parametrize("is_older", [False, True])
@pytest.mark.parametrize("name", PARSERS)
def test_other_statuses_are_errors_for_older_days_too(name: str, is_older: bool) -> None:
    for status in (404, 429, 500):
        with pytest.raises(SourceError, match=rf"^rankings-\w+ \(.*\): OpenRouter answered HTTP {status}\."):
            PARSERS[name](b"", status=status, is_older=is_older)
    with pytest.raises(KeyRefusedError):
        PARSERS[name](b"", status=401, is_older=is_older)


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


def repeat_a_row(payload: Payload) -> None:
    payload["data"].insert(0, {**payload["data"][0], "total_tokens": "7"})


def fill_a_date(payload: Payload) -> None:
    on = payload["data"][0]["date"]
    payload["data"] += [{"date": on, "model_permaslug": f"acme/m{n}", "total_tokens": "1"} for n in range(52 - 3)]


BROKEN = {
    "no rows": (change("data", []), "has no rows: empty is an error"),
    "no meta": (change("meta", ...), "at meta: Field required"),
    "tokens a number": (change("data.4.total_tokens", 15), r"at data\.4\.total_tokens: "),
    "tokens negative": (change("data.4.total_tokens", "-5"), r"at data\.4\.total_tokens: "),
    "no slug": (change("data.4.model_permaslug", ...), r"at data\.4\.model_permaslug: "),
    "version 2": (change("meta.version", "v2"), r"at meta\.version: "),
    "a key twice": (repeat_a_row, "repeats the key"),
    "52 rows of a date": (fill_a_date, "a day has at most 51 rows"),
    "too many tokens": (change("data.4.total_tokens", "9" * 16), "a day has less than 5e"),
    "a reserved name": (change("data.4.model_permaslug", "other/x"), "no author or variant may be called `other`"),
    "after as_of": (change("meta.as_of", "2026-08-11T13:00:00Z"), "no day may lie after 2026-08-11"),
}


@pytest.mark.parametrize("kind", PARSERS)
@pytest.mark.parametrize("name", BROKEN)
def test_a_payload_that_breaks_its_contract_is_refused(name: str, kind: str) -> None:
    edit, sentence = BROKEN[name]
    payload = copy.deepcopy(answer(*DAYS) if kind == "days" else week_answer(*WEEKS))
    edit(payload)
    with pytest.raises(ContractBrokenError, match=sentence) as caught:
        PARSERS[kind](payload)
    assert str(caught.value).startswith("rankings-")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("payload", "asked"),
    [
        (answer(*DAYS), DAYS[1:]),
        (answer(*DAYS), DAYS[:2]),
        (answer(*DAYS, start=DAYS[1]), DAYS),
        (answer(*DAYS, end=DAYS[1]), DAYS),
    ],
    ids=["before what was asked", "after what was asked", "before what is stated", "after what is stated"],
)
def test_a_day_outside_its_window_refuses_the_payload(payload: Payload, asked: tuple[date, ...]) -> None:
    with pytest.raises(ContractBrokenError, match="days must lie in the window 2026-08-"):
        parse_days(payload, start=asked[0], end=asked[-1])


def test_a_date_that_is_no_asked_week_refuses_the_payload() -> None:
    with pytest.raises(ContractBrokenError, match=r"a week is named by its Monday, found .*2026-08-09"):
        parse_weeks(week_answer(WEEKS[0], WEEKS[1] - timedelta(days=1)))
    with pytest.raises(ContractBrokenError, match="must lie in the window 2026-08-10 to 2026-08-23"):
        parse_weeks(week_answer(*WEEKS), start=WEEKS[1])
    with pytest.raises(ContractBrokenError, match="must lie in the window 2026-08-03 to 2026-08-16"):
        parse_weeks(week_answer(*WEEKS), end=WEEKS[2] - timedelta(days=1))


@pytest.mark.parametrize("kind", PARSERS)
def test_an_unknown_field_is_accepted_and_named(kind: str) -> None:
    payload = copy.deepcopy(answer(*DAYS) if kind == "days" else week_answer(*WEEKS))
    payload["data"][4]["brand_new"] = payload["meta"]["another"] = {"any": ["thing"]}
    (warning,) = PARSERS[kind](payload).warnings
    assert warning.endswith(" holds unknown fields: another, brand_new.")


def test_a_year_of_full_days_is_read_in_a_moment() -> None:
    first = date(2025, 8, 21)
    days = [first + timedelta(days=n) for n in range(366)]
    slugs = [f"acme/model-{n}" for n in range(50)] + ["other"]
    payload = answer(days[0], days[-1])
    payload["data"] = [
        {"date": str(on), "model_permaslug": slug, "total_tokens": str(10**9 + n)}
        for on in days
        for n, slug in enumerate(slugs)
    ]
    body = json.dumps(payload).encode()
    started = time.perf_counter()
    parsed = parse_days(body, start=days[0], end=days[-1])
    assert time.perf_counter() - started < 2
    assert parsed.rows == 366 * 51


def between(first: date, last: date, step: int = 1) -> frozenset[date]:
    return frozenset(first + timedelta(days=n) for n in range(0, (last - first).days + 1, step))


def test_all_history_is_two_windows_of_each_slice_newest_first() -> None:
    days = between(date(2025, 1, 1), date(2026, 8, 21))
    planned = CONTEXTS.plan(Want(NOW, dict.fromkeys(CONTEXT_BUCKETS, days)))
    assert [str(request) for request in planned] == [
        f"GET {PATH}?context_bucket={name}&start_date={start}&end_date={end}"
        for start, end in (("2025-08-21", "2026-08-21"), ("2025-01-01", "2025-08-20"))
        for name in CONTEXT_BUCKETS
    ]
    assert planned[0].context == context("1K", date(2025, 8, 21), date(2026, 8, 21))


def test_weeks_are_asked_from_a_monday_to_a_sunday_within_366_days() -> None:
    weeks = between(date(2025, 1, 6), date(2026, 8, 17), 7)
    planned = CATEGORY.plan(Want(NOW, {"marketing/seo": weeks}))
    assert [str(request) for request in planned] == [
        f"GET {PATH}?category=marketing/seo&period=week&start_date={start}&end_date={end}"
        for start, end in (("2025-08-25", "2026-08-23"), ("2025-01-06", "2025-08-24"))
    ]
    for request in planned:
        assert request.start_date
        assert request.end_date
        assert (request.start_date.weekday(), request.end_date.weekday()) == (0, 6)
        assert (request.end_date - request.start_date).days < 366
    assert planned[0].context == context("marketing/seo", date(2025, 8, 25), date(2026, 8, 23))


def test_a_daily_run_asks_the_week_before_the_newest_again_in_one_call() -> None:
    def asked_weekly(weeks: Sequence[date]) -> dict[date, date]:
        return {on: min(on + timedelta(days=14), weeks[-1] + timedelta(days=7)) for on in weeks}

    held = Held({"natural": asked_weekly(WEEKS[:2]), "programming": asked_weekly(WEEKS)})
    monday = datetime(2026, 8, 24, 7, 45, tzinfo=UTC)
    want = run_want(dataclasses.replace(LANGUAGE, run_days=21), held, monday, date(2026, 8, 23))
    assert want
    (request,) = LANGUAGE.plan(want)
    assert request.context == context("natural", WEEKS[1], date(2026, 8, 23))


def test_the_parameters_name_the_slice() -> None:
    day, monday = frozenset({DAYS[0]}), frozenset({WEEKS[0]})
    (image,) = MODALITY.plan(Want(NOW, {"image_output": day}))
    assert image.params == {"modality": "image_output", "start_date": "2026-08-19", "end_date": "2026-08-19"}
    (natural,) = LANGUAGE.plan(Want(NOW, {"natural": monday}))
    assert natural.params == {
        "language_type": "natural",
        "period": "week",
        "start_date": "2026-08-03",
        "end_date": "2026-08-09",
    }
    assert all(source.plan(Want(NOW)) == [] for source in SOURCES)


def test_a_limited_want_asks_for_the_newest_windows_only() -> None:
    days = between(date(2025, 1, 1), date(2026, 8, 21))
    planned = MODALITY.plan(Want(NOW, dict.fromkeys(MODALITIES, days), max_calls=5))
    assert {request.end_date for request in planned} == {date(2026, 8, 21)}


@settings(max_examples=50, deadline=None)
@given(st.sets(st.integers(0, 120), min_size=1, max_size=30))
def test_every_wanted_week_is_in_a_window_of_at_most_366_days(offsets: set[int]) -> None:
    weeks = frozenset(date(2025, 1, 6) + timedelta(days=7 * n) for n in offsets)
    asked = [(request.start_date, request.end_date) for request in LANGUAGE.plan(Want(NOW, {"natural": weeks}))]
    assert all(any(start <= week and week + timedelta(days=6) <= end for start, end in asked) for week in weeks)  # type: ignore[operator]
    assert all((end - start).days < 366 for start, end in asked)  # type: ignore[operator]


def drive(want: Want, answer_to: Callable[[Request], tuple[int, Payload]]) -> list[Request]:
    """Lead the exchange of the context buckets to its end."""
    exchange = CONTEXTS.exchange(want)
    asked: list[Request] = []
    reply: Reply | None = None
    while True:
        try:
            request = next(exchange) if reply is None else exchange.send(reply)
        except StopIteration:
            return asked
        asked.append(request)
        status, payload = answer_to(request)
        body = json.dumps(payload).encode()
        try:
            parsed = CONTEXTS.parse(fetched(CONTEXTS.name, body, status, **request.context), body)
        except SourceError:
            parsed = None
        reply = Reply(status, body, parsed)


def test_a_slice_ends_with_its_floor_and_the_others_go_on() -> None:
    def answer_to(request: Request) -> tuple[int, Payload]:
        assert request.start_date
        assert request.end_date
        floor = date(2026, 6, 1) if request.series == "10M" else date(2025, 1, 1)
        days = sorted(between(max(request.start_date, floor), request.end_date))
        return 200, answer(*days, start=request.start_date)

    days = between(date(2025, 1, 1), date(2026, 8, 21))
    asked = drive(Want(NOW, {"1M": days, "10M": days}), answer_to)
    assert [(request.series, request.context["start_date"]) for request in asked] == [
        ("1M", "2025-08-21"),
        ("10M", "2025-08-21"),
        ("1M", "2025-01-01"),
    ]


def test_an_older_window_without_rows_is_the_floor_only_where_newer_days_are_held() -> None:
    want = Want(NOW, {"1K": frozenset({date(2025, 3, 1)}), "10M": frozenset({date(2025, 3, 1)})}, {"10M": DAYS[-1]})
    asked = drive(want, lambda request: (200, EMPTY))
    assert [(request.series, request.context.get("is_older")) for request in asked] == [("1K", None), ("10M", True)]


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["", "-1", "9" * 16, "other", "2026-02-30", "2026-08-10", "2026-08-20", "9999-12-31", "v2"])
)
anything = st.recursive(leaves, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, child in inner for place in places(child, (*path, key)))]


@st.composite
def mutated(draw: Callable[..., Any], valid: Payload) -> bytes:
    """Drop, retype, borrow, repeat or reverse parts of a valid payload, one to three times."""
    payload: Any = copy.deepcopy(valid)
    for _ in range(draw(st.integers(1, 3))):
        inside = [place for place in places(payload) if place]
        if not inside:
            break
        *parents, last = draw(st.sampled_from(inside))
        holder = payload
        for key in parents:
            holder = holder[key]
        deed = draw(st.sampled_from(["drop", "retype", "borrow", "repeat", "reverse"]))
        if deed == "drop":
            del holder[last]
        elif deed == "retype":
            holder[last] = draw(anything)
        elif deed == "borrow":
            found: Any = payload
            for key in draw(st.sampled_from(places(payload))):
                found = found[key]
            holder[last] = copy.deepcopy(found)
        elif isinstance(holder, list):
            holder.insert(0, copy.deepcopy(holder[last])) if deed == "repeat" else holder.reverse()
    return json.dumps(payload).encode()


fuzzed = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def hold(parse: Callable[..., Parsed], body: bytes, *, is_older: bool) -> Parsed | None:
    """Parse a changed body: it is refused in a sentence, or what lands stands in it and holds the contract."""
    try:
        parsed: Parsed | None = parse(body, is_older=is_older)
    except SourceError as error:
        parsed, refusal = None, str(error)
    if parsed is None:
        assert refusal.endswith(".")
        return None
    if parsed.is_absent:
        assert is_older
        assert not parsed.frames
        return None
    (frame,) = parsed.frames.values()
    assert frame.height > 0
    assert sum(frame.null_count().row(0)) == 0
    assert frame.select(pl.nth(0), "model_permaslug").is_unique().all()
    assert frame["total_tokens"].min() >= 0  # type: ignore[operator]
    assert frame.group_by(pl.nth(0)).len()["len"].max() <= 51  # type: ignore[operator]
    assert (frame[:, 0].min(), frame[:, 0].max()) == (parsed.first_date, parsed.last_date)
    assert parsed.as_of is not None
    received = json.loads(body)["data"]
    landed = {(str(on), slug, str(tokens)) for on, _, _, slug, tokens in frame.rows()}
    assert landed <= {(row["date"], row["model_permaslug"], str(int(row["total_tokens"]))) for row in received}
    return parsed


@fuzzed
@given(mutated(answer(*DAYS)), st.booleans())
def test_changed_days_hold_or_are_refused(body: bytes, is_older: bool) -> None:
    parsed = hold(parse_days, body, is_older=is_older)
    if parsed:
        assert parsed.rows == len(json.loads(body)["data"])
        assert parsed.first_date in DAYS
        assert parsed.last_date in DAYS


@fuzzed
@given(mutated(week_answer(*WEEKS)), st.booleans())
def test_changed_weeks_hold_or_are_refused(body: bytes, is_older: bool) -> None:
    parsed = hold(parse_weeks, body, is_older=is_older)
    if parsed:
        assert set(parsed.frames["rankings_estimates_weekly"]["week_start_date"]) <= set(WEEKS)


@fuzzed
@given(
    st.binary(max_size=40) | anything.map(lambda value: json.dumps(value).encode()), st.sampled_from([200, 302, 404])
)
def test_any_bytes_are_refused(body: bytes, status: int) -> None:
    for parse in PARSERS.values():
        with pytest.raises(SourceError):
            parse(body, status=status, is_older=True)


def asked_of(server: Any, request: Request) -> bytes:
    """Ask the recorded server."""
    url = f"{server.base_url}{request.path}?{urlencode(request.params)}"
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Bearer {KEY}"})) as answered:
        return bytes(answered.read())


@pytest.mark.recordings
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_derived_answers_hold_the_contract(source: Source, replay: Callable[..., Any]) -> None:
    server = replay("2026-08-22T07:45:00Z")
    dates = between(date(2026, 7, 1), date(2026, 8, 21))
    if source.cadence is Cadence.WEEK:
        dates = between(date(2025, 1, 6), date(2026, 8, 10), 7)
    names = source.series or ()
    newest = source.plan(Want(NOW, dict.fromkeys(names, dates)))[: len(names)]
    assert [request.series for request in newest] == list(names)
    for request in newest:
        body = asked_of(server, request)
        parsed = source.parse(fetched(source.name, body, **request.context), body)
        assert parsed.last_date == max(dates)
        assert parsed.is_stale is False
        assert parsed.rows > 0
