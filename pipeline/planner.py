"""What is wanted, what is held and what a call costs: the calls of the next run and of a backfill, for every source.

Pure: it reads the registry's facts and what the warehouse holds, and decides. Jobs make the calls, commands print them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from pipeline.contracts import days_between
from pipeline.errors import UsageError
from pipeline.settings import Settings
from pipeline.sources import DATASET_FLOOR, SOURCES, Cadence, Request, Source, Want

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
# That a series begins on some date is believed for so long; then it is asked again.
FLOOR_BELIEVED = timedelta(days=30)


@dataclass(frozen=True)
class Held:
    """What is landed of one source.

    `cells` are the dates held of each series, each with the day on which it was asked last, `floors` the first dates
    that answers have shown of each series, each with the day on which it was shown. `retrieved_at` is when each series
    was asked last. `followed` names the later pages that the newest list needed, `closed` the series that were refused
    and never change: asking again would bring the same.
    """

    cells: Mapping[str, Mapping[date, date]] = field(default_factory=dict)
    floors: Mapping[str, tuple[tuple[date, date], ...]] = field(default_factory=dict)
    paths: frozenset[str] = frozenset()
    retrieved_at: Mapping[str, datetime] = field(default_factory=dict)
    followed: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()

    def dates(self, series: str) -> frozenset[date]:
        """Return the dates held of a series."""
        return frozenset(self.cells.get(series, ()))

    def is_unsettled(self, source: Source, series: str, on: date, today: date) -> bool:
        """Tell whether a held date was last asked while it was new, and has become older since."""
        asked_on = self.cells[series][on]
        return asked_on - on < source.refetched_days * DAY and today - asked_on >= source.step

    def lacking(self, source: Source, wanted: Iterable[date]) -> list[date]:
        """Return those of the wanted dates that a series could hold and does not."""
        names = source.series if source.series is not None else tuple(self.cells)
        bounds = [(max(source.floor, self.floor(name)), self.dates(name)) for name in names]
        return [on for on in wanted if any(floor <= on and on not in dates for floor, dates in bounds)]

    def floor(self, series: str, since: date = date.min) -> date:
        """Return the first date that a series can hold, as far as answers have shown, those before `since` left out.

        A date that is held disproves a later floor: a gap in what the source serves is not its end.
        """
        dates = self.dates(series)
        shown = [floor for floor, day in self.floors.get(series, ()) if day >= since]
        return max([date.min, *(floor for floor in shown if not dates or floor <= min(dates))])


@dataclass(frozen=True)
class SourcePlan:
    """The calls that one source is asked for at the most, newest first; an answer may make some of them needless.

    `expected` counts of the pages that are only asked behind a full one those that the newest list needed. `is_open`
    says that the calls planned before may bring more to ask, such as newly ranked models. `dates` are the dates that
    are asked, in order; none for a snapshot of the present.
    """

    source: Source
    requests: Sequence[Request]
    expected: int
    is_open: bool = False
    dates: Sequence[date] = ()

    @property
    def at_most(self) -> int:
        """Number of calls when every page is full and no answer shows a floor."""
        return len(self.requests)


def run_want(
    source: Source, held: Held, now: datetime, target: date, subjects: Mapping[str, str] | None = None
) -> Want | None:
    """Return what a daily run asks of a source: what is missing within its reach, and again what was new at last.

    None where everything is held: a run whose target is there makes no call. A snapshot is dated by today, and taken
    again in a later part of it where the source says so; captures are left to backfills.
    """
    if source.cadence is Cadence.CAPTURE:
        return None
    cells: dict[str, frozenset[date]] = {}
    for series in _series(source, subjects):
        held_dates = held.dates(series)
        if source.cadence is Cadence.SNAPSHOT:
            wanted = [now.date()]
            if held.retrieved_at.get(series, now) < _part_of_day(source, now):
                held_dates = frozenset()
        else:
            reach = max(source.floor, held.floor(series), target - (source.run_days - 1) * DAY)
            wanted = wanted_dates(source, reach, target)
        asked = [on for on in wanted if on not in held_dates or held.is_unsettled(source, series, on, now.date())]
        if asked:
            cells[series] = frozenset(asked)
    return _want(source, held, now, cells, subjects, source.run_calls)


def backfill_want(
    source: Source,
    held: Held,
    now: datetime,
    window: tuple[date, date],
    subjects: Mapping[str, str] | None = None,
    *,
    force: bool,
) -> Want | None:
    """Return what a backfill asks of a source: the dates of the window that are not held, or all with `force`."""
    held, last = Held() if force else held, min(window[1], source.ceiling)
    cells: dict[str, frozenset[date]] = {}
    for series in _series(source, subjects):
        first = max(source.floor, window[0], held.floor(series, since=now.date() - FLOOR_BELIEVED))
        wanted = [on for on in wanted_dates(source, first, last) if on not in held.dates(series)]
        if wanted and series not in held.closed:
            cells[series] = frozenset(wanted)
    return _want(source, held, now, cells, subjects, None)


def _want(
    source: Source,
    held: Held,
    now: datetime,
    cells: Mapping[str, frozenset[date]],
    subjects: Mapping[str, str] | None,
    max_calls: int | None,
) -> Want | None:
    if not cells:
        return None
    newest = {series: max(held.dates(series)) for series in cells if held.dates(series)}
    return Want(now, cells, newest, held.paths, subjects or {}, max_calls)


def _part_of_day(source: Source, now: datetime) -> datetime:
    """Return when the part of the UTC day began in which one snapshot is taken."""
    midnight, length = datetime.combine(now.date(), time(), UTC), DAY / source.snapshots_a_day
    return midnight + (now - midnight) // length * length


def _series(source: Source, subjects: Mapping[str, str] | None) -> Iterable[str]:
    return source.series if source.series is not None else (subjects or {})


def wanted_dates(source: Source, first: date, last: date) -> list[date]:
    """Return the days from `first` to `last`, or the Mondays of the weeks that lie wholly between."""
    if source.cadence is not Cadence.WEEK:
        return days_between(first, last)
    monday = first + (-first.weekday() % 7) * DAY
    return [on for on in days_between(monday, last - 6 * DAY) if on.weekday() == 0]


def planned(source: Source, want: Want | None, held: Held, *, is_open: bool = False) -> SourcePlan:
    """Return the calls that a want takes."""
    requests = source.plan(want) if want else []
    certain = [request for request in requests if request.series not in source.later_pages]
    followed = [request for request in requests if request.series in held.followed]
    dates = sorted(want.days) if want and source.has_past else []
    return SourcePlan(source, requests, len(certain) + len(followed), is_open, dates)


def planned_in_turn(asked: Iterable[tuple[Source, Want | None, Held]]) -> list[SourcePlan]:
    """Return the calls of several sources, of which later ones may depend on what earlier ones bring."""
    plans: list[SourcePlan] = []
    for source, want, held in asked:
        is_open = source.series is None and any(plan.requests for plan in plans if plan.source.host is source.host)
        plans.append(planned(source, want, held, is_open=is_open))
    return plans


def kept_for_run(plans: Iterable[SourcePlan], per_day: int) -> int:
    """Return how many of today's requests a backfill leaves to the daily run: what it still needs, at most half."""
    return min(sum(plan.at_most for plan in plans if plan.source.needs_key), per_day // 2)


def done_on(calls: int, today: date, left_today: int, per_day: int, kept_a_day: int) -> date:
    """Return the UTC day on which a backfill makes its last call, if it is started every day."""
    if calls <= left_today:
        return today
    a_day = max(1, per_day - kept_a_day)
    return today + -(-(calls - left_today) // a_day) * DAY


def preferred(settings: Settings) -> list[str]:
    """Return the names of the sources that the settings ask for; empty where they ask for all."""
    return [name for name in re.split(r"[,\s]+", settings.sources) if name]


def chosen_sources(settings: Settings, names: Sequence[str] = (), *, for_backfill: bool) -> list[Source]:
    """Return the sources to read: those named, else those of the settings that can be read, in the registry's order.

    A backfill reads what has a past, and not the exports beside the Data API: a daily run reads these for
    reconciliation. Raises UsageError for a source that does not exist, or is named and cannot be read.
    """
    has_key = settings.api_key is not None
    wanted = preferred(settings)
    unknown = [name for name in (*names, *wanted) if name not in SOURCES]
    if unknown:
        raise UsageError(f"No source is named {unknown[0]!r}; there are {', '.join(SOURCES)}.")
    for source in (SOURCES[name] for name in names):
        if source.needs_key and not has_key:
            raise UsageError(f"The source {source.name} needs OPENROUTER_API_KEY; exports need none.")
        if for_backfill and not source.has_past:
            raise UsageError(f"The source {source.name} serves the present only and has no past to backfill.")
        if not for_backfill and source.cadence is Cadence.CAPTURE:
            raise UsageError(f"The source {source.name} holds the past only; `tokengrowth backfill` reads it.")
    if names:
        return [source for source in SOURCES.values() if source.name in names]
    readable = [
        source
        for source in SOURCES.values()
        if (not wanted or source.name in wanted)
        and (has_key or not source.needs_key)
        and (source.has_past if for_backfill else source.cadence is not Cadence.CAPTURE)
    ]
    there = {source.name for source in readable}
    return [source for source in readable if not (for_backfill and source.yields_to in there)]


def last_complete_day(now: datetime) -> date:
    """Return the newest UTC day that is over."""
    return now.date() - DAY


def backfill_window(now: datetime, start: date | None, end: date | None) -> tuple[date, date]:
    """Return the window of a backfill; raise UsageError for days that OpenRouter cannot have published."""
    newest = last_complete_day(now)
    first, last = start or DATASET_FLOOR, end or newest
    if first < DATASET_FLOOR:
        raise UsageError(f"The start date {first} is before {DATASET_FLOOR}, the first day that OpenRouter publishes.")
    if last > newest:
        raise UsageError(f"The end date {last} is after {newest}, the last complete UTC day.")
    if first > last:
        raise UsageError(f"The start date {first} is after the end date {last}.")
    return first, last
