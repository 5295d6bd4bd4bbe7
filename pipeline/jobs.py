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
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from pipeline.archive import SIMULATED_HEADER, Archive, Fetch
from pipeline.contracts import Parsed, days_between
from pipeline.errors import ContractBrokenError, LockedError, SourceError, UsageError
from pipeline.models import Checked
from pipeline.outcome import Outcome
from pipeline.settings import Settings
from pipeline.sources import DATASET_FLOOR, SOURCES, Request, Source, Want
from pipeline.warehouse import Held, Warehouse, open_warehouse

if TYPE_CHECKING:
    from pipeline.http import Answer, Client

log = logging.getLogger(__name__)

RUN_CALLS = 3
REFETCHED_DAYS = 3
DAY = timedelta(days=1)

T = TypeVar("T")


class Step(Protocol):
    """Runs one named step; a flow runs it as a task, and may try one again that `may_pass`."""

    def __call__(self, name: str, function: Callable[..., T], *args: Any, may_pass: bool = False) -> T:
        """Call `function` with `args`, under `name`."""
        ...


def call(name: str, function: Callable[..., T], *args: Any, may_pass: bool = False) -> T:
    """Run a step as the plain function call that it is."""
    log.debug("%s", name)
    return function(*args)


class Job:
    """One writer at work: holds the lock, the archive and the warehouse."""

    def __init__(self, settings: Settings, warehouse: Warehouse, outcome: Outcome) -> None:
        self.settings = settings
        self.outcome = outcome
        self._warehouse = warehouse
        self._archive = Archive(settings.archive_dir)
        self._client: Client | None = None

    def fetch(self, source: Source, want_of: Callable[[Source], Want | None]) -> None:
        """Ask a source for what `want_of` wants after everything archived was landed; archive each answer.

        Called again after a failure it goes on where it stopped, because what was archived is landed first.
        """
        self.land()
        want = want_of(source)
        if want is None:
            return
        exchange = source.exchange(want)
        try:
            request = next(exchange)
            while True:
                request = exchange.send(self._ask(source, request))
        except StopIteration:
            return

    def _ask(self, source: Source, request: Request) -> Answer:
        from pipeline.http import Client  # takes 0.1 s, and a run without a call does not need it

        if self._client is None:
            self._client = Client(self.settings)
        log.info("%s: %s", source.name, request)
        before = self._client.sent
        try:
            answer = self._client.get(request.path, request.params, with_key=source.needs_key)
        finally:
            self.outcome.of(source.name).calls += self._client.sent - before
        self._refuse_another_world(answer)
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

    def _refuse_another_world(self, answer: Answer) -> None:
        """Stop before a simulated answer meets real ones, or one of another seed, in the same archive."""
        first = next(self._archive.fetches(), None)
        here, there = (first and first.headers.get(SIMULATED_HEADER)), answer.headers.get(SIMULATED_HEADER)
        if first and here != there:
            raise UsageError(
                f"{self.settings.home} holds {f'simulated data ({here})' if here else 'real data'}, and "
                f"{self.settings.base_url} serves {f'simulated data ({there})' if there else 'real data'}; "
                "use another TOKENGROWTH_HOME."
            )

    def land(self) -> None:
        """Read every archived answer that was not read yet."""
        for fetch in self._archive.fetches(self._warehouse.landed_ids()):
            outcome = self.outcome.of(fetch.source)
            try:
                parsed = parse(fetch, self._archive.read(fetch))
            except SourceError as error:
                self._warehouse.land(fetch, None, str(error))
                outcome.note_refused(str(error))
                log.info("refused: %s", error)
                continue
            self._warehouse.land(fetch, parsed)
            outcome.note_landed(parsed)
            for warning in parsed.warnings:
                log.warning("%s", warning)

    def build(self, selectors: Sequence[str] = (), *, force: bool = False) -> None:
        """Build and check the models, unless the last build saw the same loads and SQL."""
        if self._warehouse.has_rankings() and (force or not self._warehouse.is_built()):
            self.outcome.build = self._warehouse.build(selectors)

    def check(self) -> list[Checked]:
        """Check the tables as they are."""
        return self._warehouse.check()

    def publish(self) -> None:
        """Publish the last full build, unless readers see it already."""
        self.outcome.is_published |= self._warehouse.publish()

    def conclude(self) -> None:
        """Note what readers find now."""
        self.outcome.is_anything_published = self.settings.published_path.exists()
        self.outcome.is_simulated = self._warehouse.is_simulated()

    def held(self, source: Source) -> Held:
        """Return what is landed of a daily source."""
        return self._warehouse.held(source.name)

    def held_paths(self, source: Source) -> frozenset[str]:
        """Return the paths of a source's landed answers."""
        return frozenset(urlsplit(url).path for url in self._warehouse.landed_urls(source.name))

    def is_fetched_today(self, source: Source) -> bool:
        """Tell whether a snapshot of the business day is held."""
        return self._warehouse.is_fetched_on(source.name, self.settings.now().date())

    def finish(self, step: Step) -> None:
        """Land, build and publish what is there, whatever a source did."""
        step("land", self.land)
        step("build", self.build)
        step("publish", self.publish)
        self.conclude()


def parse(fetch: Fetch, body: bytes) -> Parsed:
    """Read an archived answer; raise SourceError where it cannot land.

    An answer that this version stumbles over is refused like any other: it must not block those behind it,
    and a later version reads it again on `rebuild`.
    """
    source = SOURCES.get(fetch.source)
    if source is None:
        raise SourceError(f"No source is named {fetch.source!r} in this version.")
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
def writing(settings: Settings, name: str, *, anew: bool = False) -> Iterator[Job]:
    """Hold the one lock of all writers of a home while a job works; raise LockedError when it stays taken.

    A checked build that a killed run did not publish is published first. With `anew` the job works on an empty
    warehouse, which takes the old one's place only when the job has succeeded.
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
        with open_warehouse(settings, anew=anew) as warehouse:
            job = Job(settings, warehouse, Outcome(name))
            if not anew:
                job.publish()
            yield job
            job.outcome.seconds = time.perf_counter() - started
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
    with writing(settings, "run") as job:
        _fetch_all(job, chosen, partial(run_want, job, target=target), step)
        job.finish(step)
        _conclude(job, chosen, (DATASET_FLOOR, target))
        lacking = [job.outcome.of(source.name).missing_days for source in chosen if source.is_daily]
        if job.outcome.is_anything_published and any(days > 1 for days in lacking):
            job.outcome.hint = (
                f"{max(lacking)} older days are not loaded; `tokengrowth backfill` loads those that can be had."
            )
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
    window = backfill_window(settings, start, end)
    chosen = chosen_sources(settings, sources, snapshots=False)
    with writing(settings, "backfill") as job:
        _fetch_all(job, chosen, partial(backfill_want, job, window=window, force=force), step)
        job.finish(step)
        _conclude(job, chosen, window)
        return job.outcome


def planned_backfill(
    settings: Settings,
    start: date | None = None,
    end: date | None = None,
    sources: Sequence[str] = (),
    *,
    force: bool = False,
) -> list[tuple[str, Request]]:
    """Return the calls that a backfill makes if every window and snapshot exists, without making them."""
    window = backfill_window(settings, start, end)
    chosen = chosen_sources(settings, sources, snapshots=False)
    with writing(settings, "backfill") as job:
        job.land()
        wants = [(source, backfill_want(job, source, window=window, force=force)) for source in chosen]
    return [(source.name, request) for source, want in wants if want for request in source.plan(want)]


def run_want(job: Job, source: Source, target: date) -> Want | None:
    """Return what a daily run asks of a source: days that are missing within its reach, and the newest three.

    None where everything is held: a run whose target is there makes no call.
    """
    if not source.is_daily:
        return None if job.is_fetched_today(source) else Want(job.settings.now())
    held = job.held(source)
    reach = max(held.floor(), target - (source.run_days - 1) * DAY)
    missing = [day for day in days_between(reach, target) if day not in held.days]
    if not missing:
        return None
    newest = days_between(max(reach, target - (REFETCHED_DAYS - 1) * DAY), target) if target in missing else []
    return Want(job.settings.now(), frozenset([*missing, *newest]), job.held_paths(source), RUN_CALLS)


def backfill_want(job: Job, source: Source, window: tuple[date, date], *, force: bool) -> Want | None:
    """Return what a backfill asks of a source: the days of the window that are not held, or all with `force`.

    That there is nothing before some day is believed for the day on which it was shown; then it is asked again.
    """
    now = job.settings.now()
    if force:
        return Want(now, frozenset(days_between(*window)))
    held = job.held(source)
    first = max(window[0], held.floor(shown_on=now.date()))
    missing = frozenset(day for day in days_between(first, window[1]) if day not in held.days)
    return Want(now, missing, job.held_paths(source)) if missing else None


def rebuild(settings: Settings, step: Step = call) -> Outcome:
    """Rebuild the warehouse from the archive alone, without the network, in place of the old one; publish."""
    if next(Archive(settings.archive_dir).fetches(), None) is None:
        raise UsageError(f"{settings.archive_dir} holds no archived answers to rebuild from; check TOKENGROWTH_HOME.")
    with writing(settings, "rebuild", anew=True) as job:
        job.finish(step)
        _conclude(job, [SOURCES[outcome.source] for outcome in job.outcome.sources if outcome.source in SOURCES], None)
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
        outcome = job.outcome.of(source.name)
        try:
            step(f"fetch {source.name}", job.fetch, source, want_of, may_pass=True)
        except SourceError as error:
            outcome.note_error(error)
            log.info("failed: %s", error)


def _conclude(job: Job, sources: Sequence[Source], window: tuple[date, date] | None) -> None:
    for source in sources:
        job.outcome.of(source.name).conclude(source, job.held(source), window, job.settings.now())
