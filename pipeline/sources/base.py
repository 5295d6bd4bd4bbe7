"""What a source is: the calls it wants, the exchange it leads, and how its answers become rows.

A source module is pure. It never opens a connection: `exchange` is a generator that yields requests and is
sent their answers, so that the same code runs against the network and in a test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from pipeline.archive import Fetch
from pipeline.contracts import WHOLE, Parsed, bounded_json
from pipeline.errors import ContractBrokenError, KeyRefusedError, SourceError, SourceUnavailableError, may_pass
from pipeline.rendering import clean

# The first day of OpenRouter's datasets, by its documentation.
DATASET_FLOOR = date(2025, 1, 1)


class Host(StrEnum):
    """Who is asked."""

    OPENROUTER = "openrouter"
    WEB_ARCHIVE = "web-archive"


class Cadence(StrEnum):
    """What the date of a source's data means, and whether its past can be had."""

    DAY = "day"  # a series of days, served for the past too
    WEEK = "week"  # a series of ISO weeks, named by their Mondays, served for the past too
    SNAPSHOT = "snapshot"  # the present, dated by the day of retrieval: a missed day is lost
    CAPTURE = "capture"  # copies that others made in the past; they never change


@dataclass(frozen=True)
class Request:
    """One call: a path below the base URL, its parameters, and what its answer is to be held against.

    `context` is archived with the answer. By convention it holds `series`, the part of the source that is asked,
    and `start_date` and `end_date`, the window that is asked.
    """

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.params.items())
        return f"GET {self.path}" + (f"?{query}" if query else "")

    @property
    def series(self) -> str:
        """The part of the source that is asked."""
        return str(self.context.get("series", WHOLE))

    @property
    def start_date(self) -> date | None:
        """The first day that is asked."""
        return date.fromisoformat(self.context["start_date"]) if "start_date" in self.context else None

    @property
    def end_date(self) -> date | None:
        """The last day that is asked."""
        return date.fromisoformat(self.context["end_date"]) if "end_date" in self.context else None


@dataclass(frozen=True)
class Reply:
    """An answer as an exchange sees it; `parsed` is None where the answer was refused."""

    status: int
    body: bytes
    parsed: Parsed | None = None


@dataclass(frozen=True)
class Want:
    """What a job wants of a source.

    `cells` are the dates wanted of each series: days, Mondays of weeks, or the day of retrieval of a snapshot.
    `newest_held` is the newest date held of each series; `held_paths` are resources that never change and are
    archived already; `subjects` maps the series of a source without fixed ones to what they are about;
    `max_calls` is None where only the source sets the end.
    """

    now: datetime
    cells: Mapping[str, frozenset[date]] = field(default_factory=dict)
    newest_held: Mapping[str, date] = field(default_factory=dict)
    held_paths: frozenset[str] = frozenset()
    subjects: Mapping[str, str] = field(default_factory=dict)
    max_calls: int | None = None

    @property
    def days(self) -> frozenset[date]:
        """The dates wanted of any series."""
        return frozenset(day for days in self.cells.values() for day in days)


Exchange = Generator[Request, Reply, None]


@dataclass(frozen=True)
class Source:
    """One registry line.

    `plan` lists the calls that a want takes at the most, for people; `exchange` makes them, and may stop
    early; `parse` turns an archived answer into rows, or raises ContractBrokenError; `tables` are those of the schema
    `raw` that they land in.

    `series` are the parts that are asked and held apart; None where the ranked models are the parts.
    `takes_key` says that a key, where there is one, is sent although none is needed. `yields_to` names the source
    beside which this one is read for comparison only.

    `later_pages` are those of the series that are asked only when the page before was full. It holds dates from
    `floor` to `ceiling`, by its documentation. `run_days` is how far back a daily run looks for missing days, and
    `run_calls` the most calls that it makes for them; a date that was asked within `refetched_days` after it is asked
    again, because it may be restated. `snapshots_a_day` is into how many equal parts a UTC day
    falls, with one snapshot in each. `published_after` is the time of day after which the day, or week, before is due.
    """

    name: str
    needs_key: bool
    cadence: Cadence
    plan: Callable[[Want], list[Request]]
    exchange: Callable[[Want], Exchange]
    parse: Callable[[Fetch, bytes], Parsed]
    tables: tuple[str, ...]
    series: tuple[str, ...] | None = (WHOLE,)
    later_pages: frozenset[str] = frozenset()
    floor: date = DATASET_FLOOR
    ceiling: date = date.max
    run_days: int = 1
    run_calls: int | None = None
    refetched_days: int = 0
    snapshots_a_day: int = 1
    published_after: timedelta = timedelta(0)
    host: Host = Host.OPENROUTER
    takes_key: bool = False
    yields_to: str | None = None

    @property
    def step(self) -> timedelta:
        """Time from one of its dates to the next."""
        return timedelta(days=7 if self.cadence is Cadence.WEEK else 1)

    @property
    def has_past(self) -> bool:
        """Whether days that were missed can still be had."""
        return self.cadence is not Cadence.SNAPSHOT


def walk(plan: Callable[[Want], list[Request]]) -> Callable[[Want], Exchange]:
    """Make the planned calls in turn, but those that an earlier answer has made needless.

    A series ends with an answer that shows its floor. Behind several in a row that have nothing and show none the walk
    strides out, over 1, 3, 7 requests and so on: a gap in what is served is no end, and an end is found in few calls.
    A page is not asked behind one that was not full. Requests for days before those that are held say `is_older`, so
    that an empty answer can be told from a broken one. A call that cannot be made does not stop those behind it: its
    error is raised after them.
    """

    def exchange(want: Want) -> Exchange:
        newest = dict(want.newest_held)
        ended: set[str] = set()
        gaps: Counter[str] = Counter()
        to_skip: Counter[str] = Counter()
        settled: set[tuple[str, date | None]] = set()
        unavailable: SourceUnavailableError | None = None
        for request in plan(want):
            start, end, series = request.start_date, request.end_date, request.series
            if series in ended or (series, start) in settled:
                continue
            if to_skip[series]:
                to_skip[series] -= 1
                continue
            is_older = end is not None and series in newest and end < newest[series]
            try:
                reply = yield replace(request, context={**request.context, "is_older": True}) if is_older else request
            except SourceUnavailableError as error:
                unavailable = error
                continue
            if reply.parsed is None:
                continue
            settled.update((name, start) for name in reply.parsed.settles)
            is_gap = reply.parsed.is_absent and reply.parsed.first_date is None
            for name in reply.parsed.settles:
                gaps[name] = gaps[name] + 1 if is_gap else 0
                to_skip[name] = 2 ** (gaps[name] - 1) - 1 if is_gap else 0
            if reply.parsed.floor_date:
                ended.update(reply.parsed.settles)
            if end and not reply.parsed.is_absent:
                newest[series] = max(newest.get(series, end), end)
        if unavailable:
            raise unavailable

    return exchange


def require_ok(status: int, body: bytes, what: str) -> None:
    """Raise SourceError for any status but 200, with OpenRouter's own words; KeyRefusedError for 401 and 403."""
    if status == 200:
        return
    if status in (401, 403):
        raise KeyRefusedError(
            f"OpenRouter refused the key (HTTP {status}{_message(body)}); "
            "check OPENROUTER_API_KEY, or unset it to read the keyless sources only.",
            is_unknown=status == 401,
        )
    error = SourceUnavailableError if may_pass(status) else SourceError
    raise error(f"{what}: OpenRouter answered HTTP {status}{_message(body)}.")


def _message(body: bytes) -> str:
    try:
        message = str(bounded_json(body, "The error")["error"]["message"])
    except (ContractBrokenError, KeyError, TypeError):
        return ""
    return f", {clean(message[:200])!r}"


def windows(days: Iterable[date], span_days: int) -> list[tuple[date, date]]:
    """Cover days with as few windows of at most `span_days` as possible, newest first.

    Each window starts and ends on a wanted day. Ending the next window on the newest uncovered day is
    optimal for intervals of one length.
    """
    covered: list[tuple[date, date]] = []
    for day in sorted(days, reverse=True):
        if covered and (covered[-1][1] - day).days < span_days:
            covered[-1] = (day, covered[-1][1])
        else:
            covered.append((day, day))
    return covered
