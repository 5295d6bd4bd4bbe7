"""What a run does: fetch, land, build, publish. The commands and the flows call the same functions.

    fetch     asks a source for what is wanted and not held; every answer goes to the archive first
    land      reads archived answers that were not read yet, holds them to their contract, writes their rows
    build     builds and checks the SQL models in one transaction
    publish   replaces the files that readers open

A step that was killed is made up for by the next run, because each one starts from what the one before left
on disk.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from pipeline.archive import Archive, Fetch
from pipeline.contracts import Parsed
from pipeline.errors import (
    EXIT_NOTHING_PUBLISHED,
    EXIT_OK,
    EXIT_QUOTA,
    EXIT_SOURCE_FAILED,
    ContractBrokenError,
    LockedError,
    QuotaReachedError,
    SourceError,
    UsageError,
)
from pipeline.models import Checked
from pipeline.settings import Settings
from pipeline.sources import DATASET_FLOOR, SOURCES, Request, Source, Want
from pipeline.warehouse import Build, Warehouse, remove

if TYPE_CHECKING:
    from pipeline.http import Client

log = logging.getLogger(__name__)

RUN_CALLS = 3
REFETCHED_DAYS = 3
DAY = timedelta(days=1)

T = TypeVar("T")


class Step(Protocol):
    """Runs one named step; a flow runs it as a task."""

    def __call__(self, name: str, function: Callable[..., T], *args: Any) -> T:
        """Call `function` with `args`, under `name`."""
        ...


def call(name: str, function: Callable[..., T], *args: Any) -> T:
    """Run a step as the plain function call that it is."""
    log.debug("%s", name)
    return function(*args)


@dataclass
class SourceOutcome:
    """What became of one source in this job.

    `status`: held (nothing to ask), loaded, not_published_yet, stale, failed or quota_reached.
    """

    source: str
    status: str = "held"
    calls: int = 0
    rows: int = 0
    first_date: date | None = None
    last_date: date | None = None
    missing_days: int = 0
    message: str | None = None


@dataclass
class Outcome:
    """What a job did, for the screen, for JSON and for a flow's artifacts."""

    job: str
    target_date: date | None
    sources: list[SourceOutcome] = field(default_factory=list)
    build: Build | None = None
    is_published: bool = False
    is_anything_published: bool = False
    is_simulated: bool = False
    seconds: float = 0.0
    hint: str | None = None

    @property
    def exit_code(self) -> int:
        """Return the exit status: quota before nothing published before a failed or stale source."""
        states = {source.status for source in self.sources}
        if "quota_reached" in states:
            return EXIT_QUOTA
        if not self.is_anything_published:
            return EXIT_NOTHING_PUBLISHED
        return EXIT_SOURCE_FAILED if states & {"failed", "stale"} else EXIT_OK

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "exit_code": self.exit_code}

    def summary(self) -> str:
        """Return one line that says how the job ended."""
        calls = sum(source.calls for source in self.sources)
        rows = sum(source.rows for source in self.sources)
        parts = [f"{calls} request{'s' if calls != 1 else ''}", f"{rows:,} rows landed"]
        if self.build:
            parts.append(f"{self.build.models} models built, {self.build.checks} checks passed")
        parts.append("published" if self.is_published else "nothing new to publish")
        line = f"{self.job}: {', '.join(parts)} in {self.seconds:.1f} s"
        return line + (" (simulated data)" if self.is_simulated else "")


class Job:
    """One writer at work: holds the lock, the archive and the warehouse."""

    def __init__(self, settings: Settings, warehouse: Warehouse, outcome: Outcome) -> None:
        self.settings = settings
        self.outcome = outcome
        self._warehouse = warehouse
        self._archive = Archive(settings.archive_dir)
        self._client: Client | None = None

    def fetch(self, source: Source, want_of: Callable[[Source], Want | None]) -> None:
        """Ask a source for what `want_of` wants after everything archived was landed; archive each answer."""
        self.land()
        want = want_of(source)
        if want is None:
            return
        if source.needs_key and not self.settings.api_key:
            raise UsageError(f"The source {source.name} needs OPENROUTER_API_KEY.")
        outcome = self.outcome_of(source.name)
        exchange = source.exchange(want)
        try:
            request = next(exchange)
            while True:
                answer = self._get(source, request, outcome)
                request = exchange.send(answer)
        except StopIteration:
            return

    def _get(self, source: Source, request: Request, outcome: SourceOutcome) -> Any:
        from pipeline.http import Client  # takes 0.1 s, and a run without a call does not need it

        if self._client is None:
            self._client = Client(self.settings)
        log.info("%s: %s", source.name, request)
        before = self._client.sent
        try:
            answer = self._client.get(request.path, request.params, with_key=source.needs_key)
        finally:
            outcome.calls += self._client.sent - before
        self._archive.add(
            source=source.name,
            url=answer.url,
            status=answer.status,
            fetched_at=self.settings.now(),
            headers=answer.headers,
            body=answer.body,
            context=request.context,
        )
        return answer

    def land(self) -> None:
        """Read every archived answer that was not read yet."""
        for fetch in self._archive.fetches(self._warehouse.landed_ids()):
            source = SOURCES.get(fetch.source)
            outcome = self.outcome_of(fetch.source)
            try:
                if source is None:
                    raise SourceError(f"No source is named {fetch.source!r} in this version.")
                parsed = parse(source, fetch, self._archive.read(fetch))
            except SourceError as error:
                self._warehouse.land(fetch, None, str(error))
                outcome.status, outcome.message = "failed", str(error)
                log.warning("%s", error)
                continue
            self._warehouse.land(fetch, parsed)
            for warning in parsed.warnings:
                log.warning("%s", warning)
            if parsed.frame is None:
                continue
            if outcome.status == "held":
                outcome.status = "loaded"
            outcome.rows += parsed.frame.height
            if parsed.first_date and parsed.last_date:
                outcome.first_date = min(outcome.first_date or parsed.first_date, parsed.first_date)
                outcome.last_date = max(outcome.last_date or parsed.last_date, parsed.last_date)
            if parsed.is_stale and outcome.status == "loaded":
                outcome.status = "stale"
                outcome.message = (
                    f"{fetch.source} promises days until {parsed.promised_end_date} and ends on {parsed.last_date}."
                )

    def build(self, selectors: Sequence[str] = (), *, force: bool = False) -> None:
        """Build and check the models, unless the last build saw the same loads and SQL."""
        if self._warehouse.has_rankings() and (force or not self._warehouse.is_built()):
            self.outcome.build = self._warehouse.build(selectors)

    def check(self) -> list[Checked]:
        """Check the tables as they are."""
        return self._warehouse.check()

    def publish(self) -> None:
        """Publish the last full build, unless readers see it already."""
        self.outcome.is_published = self._warehouse.publish()

    def conclude(self) -> None:
        """Note what readers find now."""
        self.outcome.is_anything_published = self.settings.published_path.exists()
        self.outcome.is_simulated = self._warehouse.is_simulated()

    def held_days(self, source: Source) -> frozenset[date]:
        """Return the days landed from a daily source."""
        return self._warehouse.held(source.name).days

    def floor(self, source: Source) -> date:
        """Return the first day that a daily source can hold, as far as its answers have shown."""
        held = self._warehouse.held(source.name)
        shown = held.floor_date
        # A day that is held disproves a later floor.
        if shown is None or (held.days and min(held.days) < shown):
            return DATASET_FLOOR
        return max(DATASET_FLOOR, shown)

    def held_paths(self, source: Source) -> frozenset[str]:
        """Return the paths of a source's landed answers."""
        return frozenset(urlsplit(url).path for url in self._warehouse.landed_urls(source.name))

    def is_fetched_today(self, source: Source) -> bool:
        """Tell whether a snapshot of the business day is held."""
        last = self._warehouse.last_fetched_at(source.name)
        return last is not None and last.date() == self.settings.now().date()

    def outcome_of(self, source: str) -> SourceOutcome:
        """Return the entry of a source in the outcome."""
        for known in self.outcome.sources:
            if known.source == source:
                return known
        self.outcome.sources.append(SourceOutcome(source))
        return self.outcome.sources[-1]

    def note_missing(self, source: Source, first: date, last: date) -> None:
        """Count the days that are still missing, and tell a stale source from one that is not due yet."""
        outcome, held = self.outcome_of(source.name), self.held_days(source)
        missing = [day for day in _days(max(first, self.floor(source)), last) if day not in held]
        outcome.missing_days = len(missing)
        if last not in held and outcome.status in ("held", "loaded"):
            due = datetime.combine(last + DAY, datetime.min.time(), UTC) + source.published_after
            is_late = self.settings.now() >= due
            outcome.status = "stale" if is_late else "not_published_yet"
            outcome.message = f"{source.name} does not hold {last} yet" + (
                f", though it was due at {due:%H:%M} UTC." if is_late else f"; it is due at {due:%H:%M} UTC."
            )

    def finish(self, step: Step) -> None:
        """Land, build and publish what is there, whatever a source did."""
        step("land", self.land)
        step("build", self.build)
        step("publish", self.publish)
        self.conclude()


def parse(source: Source, fetch: Fetch, body: bytes) -> Parsed:
    """Read an archived answer; raise SourceError where it cannot land.

    An answer that this version stumbles over is refused like any other: it must not block those behind it,
    and a later version reads it again on `rebuild`.
    """
    try:
        parsed = source.parse(fetch, body)
    except SourceError:
        raise
    except Exception as error:
        log.debug("%s", fetch.url, exc_info=error)
        raise ContractBrokenError(
            f"{source.name}: the answer to {fetch.url} cannot be read ({type(error).__name__}); it is kept in the "
            "archive. Please report this."
        ) from error
    if parsed.as_of and parsed.as_of > datetime.fromisoformat(fetch.fetched_at) + DAY:
        raise ContractBrokenError(
            f"{source.name} states its figures as of {parsed.as_of.isoformat()}, more than a day after they were "
            "received; nothing of them was landed."
        )
    return parsed


@contextmanager
def writing(
    settings: Settings, name: str, target: date | None = None, before: Callable[[Settings], None] | None = None
) -> Iterator[Job]:
    """Hold the one lock of all writers of a home while a job works; raise LockedError when it stays taken.

    `before` runs under the lock, before the warehouse is opened.
    """
    started = time.perf_counter()
    settings.home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.lock_path, timeout=settings.lock_timeout_seconds)
    try:
        lock.acquire()
    except Timeout:
        raise LockedError(
            f"Another run has been writing to {settings.home} for more than {settings.lock_timeout_seconds:g} s; "
            "try again when it has finished, or set TOKENGROWTH_LOCK_TIMEOUT_SECONDS."
        ) from None
    try:
        if before:
            before(settings)
        with Warehouse(settings) as warehouse:
            outcome = Outcome(name, target)
            yield Job(settings, warehouse, outcome)
            outcome.seconds = time.perf_counter() - started
    finally:
        lock.release()


def run(settings: Settings, sources: Sequence[str] = (), target: date | None = None, step: Step = call) -> Outcome:
    """Load every missing day that takes at most three calls a source, refetch the newest three, build, publish.

    `target` is the newest day wanted, by default the last complete UTC day of the business clock.
    """
    chosen = chosen_sources(settings, sources, snapshots=True)
    target = target or last_complete_day(settings)
    if not DATASET_FLOOR <= target <= last_complete_day(settings):
        raise UsageError(
            f"The date {target} is not among the days that OpenRouter can have published: "
            f"{DATASET_FLOOR} to {last_complete_day(settings)}, the last complete UTC day."
        )

    with writing(settings, "run", target) as job:
        _fetch_all(job, chosen, partial(run_want, job, target=target), step)
        job.finish(step)
        for source in chosen:
            if source.is_daily:
                job.note_missing(source, DATASET_FLOOR, target)
        _hint_at_backfill(job, chosen)
        return job.outcome


def backfill(
    settings: Settings,
    start: date | None = None,
    end: date | None = None,
    sources: Sequence[str] = (),
    *,
    force: bool = False,
    step: Step = call,
) -> Outcome:
    """Load the days from `start` to `end` that are not held, or all of them with `force`; build, publish.

    Raises UsageError for days before 2025-01-01 or after the last complete day.
    """
    first, last = backfill_window(settings, start, end)
    chosen = chosen_sources(settings, sources, snapshots=False)

    with writing(settings, "backfill", last) as job:
        _fetch_all(job, chosen, partial(backfill_want, job, first=first, last=last, force=force), step)
        job.finish(step)
        for source in chosen:
            job.note_missing(source, first, last)
        return job.outcome


def planned_backfill(
    settings: Settings,
    start: date | None = None,
    end: date | None = None,
    sources: Sequence[str] = (),
    *,
    force: bool = False,
) -> list[tuple[str, Request]]:
    """Return the calls that a backfill makes at the most, without making them."""
    first, last = backfill_window(settings, start, end)
    chosen = chosen_sources(settings, sources, snapshots=False)
    with writing(settings, "backfill", last) as job:
        job.land()
        wants = [(source, backfill_want(job, source, first, last, force=force)) for source in chosen]
    return [(source.name, request) for source, want in wants if want for request in source.plan(want)]


def run_want(job: Job, source: Source, target: date) -> Want | None:
    """Return what a daily run asks of a source: days that are missing within its reach, and the newest three.

    None where everything is held: a run whose target is there makes no call.
    """
    if not source.is_daily:
        return None if job.is_fetched_today(source) else Want(job.settings.now())
    held = job.held_days(source)
    reach = max(job.floor(source), target - (source.run_days - 1) * DAY)
    missing = [day for day in _days(reach, target) if day not in held]
    if not missing:
        return None
    newest = _days(max(reach, target - (REFETCHED_DAYS - 1) * DAY), target) if target in missing else []
    return Want(job.settings.now(), frozenset([*missing, *newest]), job.held_paths(source), RUN_CALLS)


def backfill_want(job: Job, source: Source, first: date, last: date, *, force: bool) -> Want | None:
    """Return what a backfill asks of a source: the days of the window that are not held, or all with `force`."""
    if force:
        return Want(job.settings.now(), frozenset(_days(first, last)))
    held = job.held_days(source)
    missing = frozenset(day for day in _days(max(first, job.floor(source)), last) if day not in held)
    return Want(job.settings.now(), missing, job.held_paths(source)) if missing else None


def rebuild(settings: Settings, step: Step = call) -> Outcome:
    """Drop the warehouse and rebuild it from the archive alone, without the network; publish."""
    if not settings.archive_dir.exists():
        raise UsageError(f"{settings.archive_dir} holds no archive to rebuild from; check TOKENGROWTH_HOME.")
    with writing(settings, "rebuild", before=remove) as job:
        job.finish(step)
        return job.outcome


def build(settings: Settings, selectors: Sequence[str] = ()) -> Outcome:
    """Build and check all models and publish them, or only the selected ones without publishing."""
    with writing(settings, "build") as job:
        job.land()
        job.build(selectors, force=True)
        if not selectors:
            job.publish()
        job.conclude()
        return job.outcome


def check(settings: Settings) -> list[Checked]:
    """Check the tables of the warehouse as they are."""
    with writing(settings, "check") as job:
        return job.check()


def last_complete_day(settings: Settings) -> date:
    """Return the newest UTC day that is over, by the business clock."""
    return settings.now().date() - DAY


def backfill_window(settings: Settings, start: date | None, end: date | None) -> tuple[date, date]:
    """Return the window of a backfill, checked."""
    newest = last_complete_day(settings)
    first, last = start or DATASET_FLOOR, end or newest
    if first < DATASET_FLOOR:
        raise UsageError(f"The start date {first} is before {DATASET_FLOOR}, the first day that OpenRouter publishes.")
    if last > newest:
        raise UsageError(f"The end date {last} is after {newest}, the last complete UTC day.")
    if first > last:
        raise UsageError(f"The start date {first} is after the end date {last}.")
    return first, last


def chosen_sources(settings: Settings, names: Sequence[str], *, snapshots: bool) -> list[Source]:
    """Return the sources to read: those named, else the Data API with a key and the exports without one."""
    unknown = [name for name in names if name not in SOURCES]
    if unknown:
        raise UsageError(f"No source is named {unknown[0]!r}; there are {', '.join(SOURCES)}.")
    if not names:
        daily = "rankings-daily" if settings.api_key else "exports"
        return [source for source in SOURCES.values() if source.name == daily or (snapshots and not source.is_daily)]
    chosen = [SOURCES[name] for name in dict.fromkeys(names)]
    for source in chosen:
        if source.needs_key and not settings.api_key:
            raise UsageError(f"The source {source.name} needs OPENROUTER_API_KEY; exports need none.")
        if not source.is_daily and not snapshots:
            raise UsageError(f"The source {source.name} serves the present only and has no past to backfill.")
    return chosen


def _fetch_all(job: Job, sources: Sequence[Source], want_of: Callable[[Source], Want | None], step: Step) -> None:
    """Fetch each source; one that fails does not stop the others."""
    for source in sources:
        outcome = job.outcome_of(source.name)
        try:
            step(f"fetch {source.name}", job.fetch, source, want_of)
        except SourceError as error:
            outcome.status = "quota_reached" if isinstance(error, QuotaReachedError) else "failed"
            outcome.message = str(error)
            log.warning("%s", error)


def _hint_at_backfill(job: Job, sources: Sequence[Source]) -> None:
    lacking = [job.outcome_of(s.name) for s in sources if s.is_daily and job.outcome_of(s.name).missing_days > 1]
    if lacking and job.outcome.is_anything_published:
        days = lacking[0].missing_days
        job.outcome.hint = f"{days} older day(s) are not loaded; `tokengrowth backfill` loads those that can be had."


def _days(first: date, last: date) -> list[date]:
    return [first + n * DAY for n in range((last - first).days + 1)]
