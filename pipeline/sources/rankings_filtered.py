"""The Data API's rankings behind a filter: exact days by context length and modality, estimated weeks by kind of use.

The exact filters count all traffic. The estimates are made from a sample and scaled up, so that they add up neither
to each other nor to an exact total; they are kept apart from the exact figures down to the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from functools import partial
from typing import TYPE_CHECKING

from pipeline.archive import Fetch
from pipeline.contracts import (
    CATEGORIES,
    CONTEXT_BUCKETS,
    Parsed,
    citation,
    gaps,
    read_json,
    require_all,
    require_ranked_days,
    unknown_fields,
)
from pipeline.errors import ContractBrokenError
from pipeline.sources.base import DATASET_FLOOR, Cadence, Request, Source, Want, require_ok, walk, windows
from pipeline.sources.rankings_daily import PATH, WINDOW_DAYS, RankingsDaily, ranked_rows

if TYPE_CHECKING:
    import polars as pl

DAY = timedelta(days=1)
TO_SUNDAY = timedelta(days=6)
# The datasets begin on a Wednesday, and the week of that day is not whole.
FIRST_MONDAY = DATASET_FLOOR + timedelta(days=-DATASET_FLOOR.weekday() % 7)
# OpenRouter names no hour for its estimates. A week is asked for when it is over, on Monday, and counts as late when
# it is not there on Tuesday.
WEEK_PUBLISHED_AFTER = DAY

MODALITIES = ("text", "image", "image_output", "audio", "tool_calling")
LANGUAGE_TYPES = ("natural", "programming")


@dataclass(frozen=True)
class Asked:
    """What an answer is held against: the slice, the first and last day, and whether newer days of it are held."""

    source: str
    slice: str
    start: date
    end: date
    is_older: bool

    @classmethod
    def by(cls, fetch: Fetch) -> Asked:
        """Read it from the context that is archived with the answer."""
        start, end = (date.fromisoformat(fetch.context[name]) for name in ("start_date", "end_date"))
        return cls(fetch.source, fetch.context["series"], start, end, bool(fetch.context.get("is_older")))

    @property
    def what(self) -> str:
        """The answer's name in messages."""
        return f"{self.source} ({self.slice})"

    @property
    def nothing(self) -> Parsed:
        """What is learnt from an answer without rows: the slice begins later."""
        return Parsed(settles=(self.slice,), is_absent=True, floor_date=self.end + DAY)


def plan_days(dimension: str, want: Want) -> list[Request]:
    """Ask for windows of at most 366 days of each wanted slice, the newest of all slices first."""
    return _plan(want, dimension, windows_of=lambda days: windows(days, WINDOW_DAYS))


def plan_weeks(dimension: str, want: Want) -> list[Request]:
    """Ask for windows of at most 52 weeks, from a Monday to a Sunday, so that no running week is among them."""

    def windows_of(mondays: Iterable[date]) -> list[tuple[date, date]]:
        covering = windows(mondays, WINDOW_DAYS - TO_SUNDAY.days)
        return [(first, last + TO_SUNDAY) for first, last in covering]

    return _plan(want, dimension, windows_of, period="week")


def _plan(
    want: Want, dimension: str, windows_of: Callable[[Iterable[date]], list[tuple[date, date]]], **params: str
) -> list[Request]:
    requests = []
    for name, dates in want.cells.items():
        for start, end in windows_of(dates):
            window = {"start_date": str(start), "end_date": str(end)}
            requests.append(Request(PATH, {dimension: name, **params, **window}, {"series": name, **window}))
    # A stable sort: windows that end on the same day stay in the order of the slices.
    requests.sort(key=lambda request: request.context["end_date"], reverse=True)
    return requests[: want.max_calls]


def parse_days(dimension: str, fetch: Fetch, body: bytes) -> Parsed:
    """Return rows (date, dimension, slice, model_permaslug, total_tokens) for raw.rankings_filtered_daily."""
    asked = Asked.by(fetch)
    payload = _read(asked, fetch.status, body)
    if payload is None:
        return asked.nothing
    meta = payload.meta
    start, end = max(asked.start, meta.start_date), min(asked.end, meta.end_date)
    frame = ranked_rows(payload)
    require_ranked_days(frame, start=start, end=end, as_of=meta.as_of, what=asked.what, may_miss_days=True)
    return _parsed(asked, payload, frame, dimension, table="rankings_filtered_daily", promised_end_date=meta.end_date)


def parse_weeks(dimension: str, fetch: Fetch, body: bytes) -> Parsed:
    """Return rows (week_start_date, dimension, slice, model_permaslug, total_tokens) for raw.rankings_estimates_weekly.

    A week that the answer covers in part only, because the server cut the window, is left out and named in a
    warning: it would look like a fall in use.
    """
    import polars as pl

    asked = Asked.by(fetch)
    payload = _read(asked, fetch.status, body)
    if payload is None:
        return asked.nothing
    meta, what = payload.meta, asked.what
    frame = ranked_rows(payload)
    require_all(frame, pl.col("date").dt.weekday() == 1, what, "a week is named by its Monday")
    require_ranked_days(frame, start=asked.start, end=asked.end, as_of=meta.as_of, what=what, may_miss_days=True)
    covered_end = min(asked.end, meta.end_date)
    as_of = meta.as_of.astimezone(UTC)
    is_whole = pl.col("date").is_between(meta.start_date, _last_week(min(covered_end, as_of.date() - DAY)))
    cut = frame.filter(~is_whole)["date"].unique().sort().to_list()
    frame = frame.filter(is_whole)
    if frame.is_empty() and asked.is_older:
        return asked.nothing
    if frame.is_empty():
        raise ContractBrokenError(f"{what} has no rows of a whole week. Nothing of it was landed.")
    return _parsed(
        asked,
        payload,
        frame,
        dimension,
        table="rankings_estimates_weekly",
        date_column="week_start_date",
        step_days=7,
        # A week that is not due yet is not promised either.
        promised_end_date=_last_week(min(covered_end, (as_of - WEEK_PUBLISHED_AFTER).date() - DAY)),
        warnings=tuple(f"{what} covers the week of {monday} in part only; it was left out." for monday in cut),
    )


def _last_week(day: date) -> date:
    """Return the Monday of the last week that is over at the end of a day."""
    latest = day - TO_SUNDAY
    return latest - timedelta(days=latest.weekday())


def _read(asked: Asked, status: int, body: bytes) -> RankingsDaily | None:
    """Return the answer; None where it says that there is nothing so early."""
    if asked.is_older and status == 400:
        return None
    require_ok(status, body, asked.what)
    payload = read_json(RankingsDaily, body, asked.what)
    return None if asked.is_older and not payload.data else payload


def _parsed(
    asked: Asked,
    payload: RankingsDaily,
    frame: pl.DataFrame,
    dimension: str,
    *,
    table: str,
    promised_end_date: date,
    date_column: str = "date",
    step_days: int = 1,
    warnings: tuple[str, ...] = (),
) -> Parsed:
    """Name the rows' slice, and what they cover.

    Models without tokens are not listed, so that a small slice may have dates without rows. Those between others
    are named in a warning, those at the beginning show the floor of the slice.
    """
    import polars as pl

    dates = frame["date"].unique().sort().to_list()
    missing = gaps(dates, step_days)
    if missing:
        warnings += (f"{asked.what} has no rows for {len(missing)} date(s) between others, the first {missing[0]}.",)
    rows = frame.select(
        pl.col("date").alias(date_column),
        pl.lit(dimension).alias("dimension"),
        pl.lit(asked.slice).alias("slice"),
        "model_permaslug",
        "total_tokens",
    )
    meta = payload.meta
    return Parsed(
        frames={table: rows},
        settles=(asked.slice,),
        as_of=meta.as_of,
        first_date=dates[0],
        last_date=dates[-1],
        promised_end_date=promised_end_date,
        floor_date=dates[0] if dates[0] > asked.start else None,
        warnings=(*unknown_fields([payload, meta, *payload.data], asked.what), *warnings),
        citation=citation(meta.as_of),
    )


def _days(name: str, dimension: str, slices: tuple[str, ...]) -> Source:
    plan = partial(plan_days, dimension)
    return Source(
        name=name,
        needs_key=True,
        cadence=Cadence.DAY,
        series=slices,
        run_days=WINDOW_DAYS,
        refetched_days=3,
        published_after=timedelta(hours=1),
        plan=plan,
        exchange=walk(plan),
        parse=partial(parse_days, dimension),
        tables=("rankings_filtered_daily",),
    )


def _weeks(name: str, dimension: str, slices: tuple[str, ...]) -> Source:
    plan = partial(plan_weeks, dimension)
    return Source(
        name=name,
        needs_key=True,
        cadence=Cadence.WEEK,
        series=slices,
        floor=FIRST_MONDAY,
        run_days=WINDOW_DAYS,
        # The newest week and the one before it: seven days would hold the newest only.
        refetched_days=14,
        published_after=WEEK_PUBLISHED_AFTER,
        plan=plan,
        exchange=walk(plan),
        parse=partial(parse_weeks, dimension),
        tables=("rankings_estimates_weekly",),
    )


SOURCES = (
    _days("rankings-contexts", "context_bucket", CONTEXT_BUCKETS),
    _days("rankings-modalities", "modality", MODALITIES),
    _weeks("rankings-categories", "category", CATEGORIES),
    _weeks("rankings-languages", "language_type", LANGUAGE_TYPES),
)
