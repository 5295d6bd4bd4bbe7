"""What a run does: fetch, land, build, publish. The commands and the flows call the same functions.

    fetch     asks a source for what is wanted and not held; every answer goes to the archive first
    land      reads archived answers that were not read yet, holds them to their contract, writes their rows
    build     builds and checks the SQL models in one transaction
    publish   replaces the files that readers open

A step that was killed is made up for by the next run, because each one starts from what the one before left
on disk.
"""

from __future__ import annotations

import errno
import gzip
import logging
import time
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from filelock import FileLock, Timeout

from pipeline import fitting, imports, planner
from pipeline.archive import SIMULATED_HEADER, Archive, Fetch
from pipeline.contracts import Parsed
from pipeline.errors import (
    ContractBrokenError,
    DamagedError,
    KeyRefusedError,
    LockedError,
    OutdatedError,
    QuotaReachedError,
    SourceError,
    SourceUnavailableError,
    TokenGrowthError,
    UnwritableError,
    UsageError,
    is_unwritable,
    writable,
)
from pipeline.models import Checked
from pipeline.outcome import Outcome
from pipeline.planner import Held, SourcePlan, planned, planned_in_turn
from pipeline.quota import Quota
from pipeline.settings import Settings
from pipeline.sources import DATASET_FLOOR, SOURCES, Host, Reply, Request, Source, Want
from pipeline.warehouse import Warehouse, landed_in, new_warehouse, no_room, opened_to_look, set_aside

if TYPE_CHECKING:
    from pipeline.http import Answer, Client

log = logging.getLogger(__name__)

MAX_FAILED_IN_A_ROW = 3
# OpenRouter went public in 2023: nothing of it was retrieved before.
FIRST_RETRIEVAL = datetime(2023, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
GOES_ON = "Run the same command again when there are requests again: it goes on where it stopped."
BEGINS_ANEW = (
    "With --force the same command would begin anew: name the days that are left, with --start-date, --end-date and "
    "--source."
)

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
    """One writer at work: holds the lock, the archive and the warehouse.

    `kept_on` tells how many of a day's requests are left to others. A strict one stops at an archived answer that is
    damaged; any other goes on without it.
    """

    def __init__(self, settings: Settings, warehouse: Warehouse, outcome: Outcome, *, is_strict: bool = False) -> None:
        self.settings = settings
        self.outcome = outcome
        self._is_strict = is_strict
        self.kept_on: Callable[[date], int] = lambda _: 0
        self.answering: set[Host] = set()
        self._sends_key_unasked = settings.api_key is not None
        self._warehouse = warehouse
        self._archive = Archive(settings.archive_dir)
        self._client: Client | None = None
        self._landed_ids: set[str] = set()
        self.damaged_ids: set[str] = set()
        self._is_archive_read = False
        self._warned: set[str] = set()
        # The header of simulated figures that the archive's answers carry; unknown until it is asked for.
        self._world: tuple[str | None] | None = None

    def fetch(self, source: Source, want_of: Callable[[Source], Want | None]) -> None:
        """Ask a source for what `want_of` wants after everything archived was landed; archive and land each answer.

        Called again after a failure it goes on where it stopped, because what was archived is landed first. A source
        that gives no usable answer three times in a row is left alone: its contract has changed, or the line is down.
        """
        self.land()
        want = want_of(source)
        if want is None:
            return
        exchange = source.exchange(want)
        failed_in_a_row = 0
        try:
            request = next(exchange)
            while True:
                try:
                    reply = self._ask(source, request)
                except SourceUnavailableError as error:
                    failed_in_a_row += 1
                    if failed_in_a_row == MAX_FAILED_IN_A_ROW or source.host not in self.answering:
                        raise
                    request = exchange.throw(error)
                    continue
                failed_in_a_row = 0 if reply.parsed else failed_in_a_row + 1
                if failed_in_a_row == MAX_FAILED_IN_A_ROW:
                    return
                request = exchange.send(reply)
        except StopIteration:
            return

    def _ask(self, source: Source, request: Request) -> Reply:
        from pipeline.http import Client  # takes 0.1 s, and a run without a call does not need it

        if self._client is None:
            self._client = Client(self.settings, self.kept_on)
        log.info("%s: %s", source.name, request)
        # Until the answer is landed the archive may hold what the warehouse lacks.
        self._is_archive_read = False
        before = self._client.sent
        try:
            answer = self._get(self._client, source, request)
        finally:
            self.outcome.of(source.name).calls += self._client.sent - before
        self.answering.add(source.host)
        self._refuse_another_world(answer.headers.get(SIMULATED_HEADER), f"{self.settings.base_url} serves")
        fetch = self._archive.add(
            source=source.name,
            url=answer.url,
            status=answer.status,
            fetched_at=self.settings.now(),
            headers=answer.headers,
            body=answer.body,
            context=request.context,
        )
        reply = Reply(answer.status, answer.body, self._land(fetch, answer.body))
        self._is_archive_read = True
        return reply

    def _get(self, client: Client, source: Source, request: Request) -> Answer:
        """Send one request; where a key is not needed, one that is refused is left out from then on."""
        if source.takes_key and self._sends_key_unasked:
            answer = client.get(request.path, request.params, with_key=True, is_counted=False, host=source.host)
            if answer.status not in (401, 403):
                return answer
            self._sends_key_unasked = False
        return client.get(request.path, request.params, with_key=source.needs_key, host=source.host)

    def _refuse_another_world(self, there: str | None, whose: str) -> None:
        """Stop before a simulated answer meets real ones, or one of another seed, in the same archive."""
        if self._world is None:
            first = next(self._archive.fetches(), None)
            self._world = (first.headers.get(SIMULATED_HEADER) if first else there,)
        (here,) = self._world
        if here != there:
            raise UsageError(
                f"{self.settings.home} holds {_data(here)}, and {whose} {_data(there)}; use another TOKENGROWTH_HOME."
            )

    def adopt(self, recognised: imports.Recognised, body: bytes, retrieved_at: datetime) -> None:
        """Archive and land a file that someone saved; raise UsageError for one that must not land."""
        self._refuse_another_world(None, "the file is")
        fetch = self._archive.add(
            source=recognised.source,
            url=recognised.url,
            status=200,
            fetched_at=retrieved_at,
            headers={},
            body=body,
            context=recognised.context,
        )
        self._land(fetch, body)

    def land(self) -> None:
        """Read every archived answer that was not read yet; what this job archives it reads itself."""
        if self._is_archive_read:
            return
        self._landed_ids = self._warehouse.landed_ids()
        for fetch in self._archive.fetches(self._landed_ids):
            with suppress(KeyRefusedError):
                self._land(fetch)
        self._warn_of_lost_rows()
        self._is_archive_read = True

    def _warn_of_lost_rows(self) -> None:
        """Warn, once, of what the archive could not give again: until a rebuild the tables have it."""
        folder = self._archive.manifest_dir
        if str(folder) in self._warned:
            return
        if lost := rows_lost(self._archive.load_ids(), self._warehouse.landed()):
            log.warning("%s; restore %s from a backup: only the warehouse has them.", lost, folder)
            self._warned.add(str(folder))

    def _land(self, fetch: Fetch, body: bytes | None = None) -> Parsed | None:
        """Read one answer, from the archive where it has not just come; return None where it is refused.

        A refused key is raised: no other call will fare better. A damaged answer is refused like any other, so that
        its dates are asked again where they can be. Where the clock stands still, the same answer may be the same
        fetch as one that was read: it lands once.
        """
        outcome = self.outcome.of(fetch.source)
        is_new = fetch.load_id not in self._landed_ids
        self._landed_ids.add(fetch.load_id)
        try:
            parsed = parse(fetch, self._archive.read(fetch) if body is None else body)
        except (SourceError, DamagedError) as error:
            if isinstance(error, DamagedError):
                if self._is_strict:
                    raise
                self.damaged_ids.add(fetch.load_id)
            if is_new:
                self._warehouse.land(fetch, None, error)
            request = Request("", context=fetch.context)
            outcome.note_refused(request.series, request.start_date, str(error))
            log.log(logging.WARNING if isinstance(error, DamagedError) else logging.INFO, "refused: %s", error)
            if isinstance(error, KeyRefusedError):
                raise
            return None
        if is_new:
            self._warehouse.land(fetch, parsed)
            outcome.note_landed(parsed)
        for warning in parsed.warnings:
            # Parts of a source mostly share what is odd about them: one line says it, meta.loads has all.
            log.log(logging.INFO if fetch.source in self._warned else logging.WARNING, "%s", warning)
            self._warned.add(fetch.source)
        return parsed

    def build(self, selectors: Sequence[str] = (), *, force: bool = False) -> None:
        """Build and check the models, unless the last build saw the same loads and SQL."""
        is_current = self._warehouse.is_built() and self._warehouse.built_on() == self.settings.now().date()
        if self._warehouse.has_rankings() and (force or not is_current):
            self.outcome.build = self._warehouse.build(selectors)

    def check(self) -> list[Checked]:
        """Check the tables as they are."""
        return self._warehouse.check()

    def warn_of_the_clock(self) -> None:
        """Warn where the clock stands more than a day before the newest answer: one of the two is wrong."""
        newest, now = self._warehouse.newest_fetch(), self.settings.now()
        if newest and newest > now + DAY:
            log.warning(
                "The clock says %s, and the newest archived answer came on %s; check the clock of this machine.",
                now.date(),
                newest.date(),
            )

    def publish(self) -> None:
        """Publish the last full build, unless readers see it already."""
        self.outcome.is_published |= self._warehouse.publish()

    def conclude(self) -> None:
        """Note what readers find now."""
        self.outcome.is_anything_published = self.settings.published_path.exists()
        self.outcome.is_simulated = self._warehouse.is_simulated()
        if not fitting.is_available():
            self.outcome.hints.append(f"Not built: {', '.join(fitting.marts())}; {fitting.ADVICE}")

    def held(self, source: Source) -> Held:
        """Return what is landed of a source."""
        return self._warehouse.held(source)

    def run_want(self, source: Source, target: date) -> Want | None:
        """Return what a daily run asks of a source."""
        subjects = self._warehouse.subjects(source)
        return planner.run_want(source, self.held(source), self.settings.now(), target, subjects)

    def backfill_want(self, source: Source, window: tuple[date, date], *, force: bool) -> Want | None:
        """Return what a backfill asks of a source."""
        now, subjects = self.settings.now(), self._warehouse.subjects(source)
        return planner.backfill_want(source, self.held(source), now, window, subjects, force=force)

    def plan_run(self, sources: Sequence[Source], target: date) -> list[SourcePlan]:
        """Return the calls of a daily run."""
        return planned_in_turn((source, self.run_want(source, target), self.held(source)) for source in sources)

    def plan_backfill(self, sources: Sequence[Source], window: tuple[date, date], *, force: bool) -> list[SourcePlan]:
        """Return the calls of a backfill."""
        return planned_in_turn(
            (source, self.backfill_want(source, window, force=force), self.held(source)) for source in sources
        )

    def finish(self, step: Step) -> None:
        """Land, build and publish what is there, whatever a source did."""
        step("land", self.land)
        step("build", self.build)
        step("publish", self.publish)
        self.conclude()


def _data(seed: str | None) -> str:
    return f"simulated data ({seed})" if seed else "real data"


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
    except KeyRefusedError:
        if source.needs_key:
            raise
        raise SourceError(f"{source.name}: OpenRouter answered HTTP {fetch.status}, though no key is needed.") from None
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
def writing(settings: Settings, name: str, *, anew: bool = False, accepts_loss: bool = False) -> Iterator[Job]:
    """Hold the one lock of all writers of a home while a job works; raise LockedError when it stays taken.

    A warehouse that is damaged, or that an older version of this program made, is rebuilt from the archive, and a
    checked build that a killed run did not publish is published first. With `anew` the job works on an empty
    warehouse, which takes the old one's place only when the job has succeeded; an answer that is damaged, or that only
    the old one holds, ends it, unless it `accepts_loss`.
    """
    started = time.perf_counter()
    with locked(settings), new_warehouse(settings) if anew else _sound_warehouse(settings) as warehouse:
        job = Job(settings, warehouse, Outcome(name), is_strict=anew and not accepts_loss)
        if anew and not accepts_loss:
            _refuse_loss(settings)
        if not anew:
            job.warn_of_the_clock()
            job.publish()
        yield job
        job.outcome.seconds = time.perf_counter() - started


@contextmanager
def _writable(settings: Settings) -> Iterator[None]:
    """Say in a sentence that the home has no room, or cannot be written; raise TokenGrowthError."""
    with writable(settings.home, "set TOKENGROWTH_HOME to another folder"):
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise no_room(error.filename or settings.home, error.strerror or str(error)) from None
            raise


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """Hold the one lock of all writers of a home; raise LockedError when it stays taken."""
    with _writable(settings):
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
            yield
        finally:
            lock.release()


@contextmanager
def locked_to_read(settings: Settings) -> Iterator[None]:
    """Hold the lock while a home is only read; go without where it cannot be written, as on a mounted backup."""
    with ExitStack() as stack:
        with suppress(UnwritableError):
            stack.enter_context(locked(settings))
        yield


def _sound_warehouse(settings: Settings) -> Warehouse:
    """Open the warehouse, made anew from the archive where it is damaged or outdated; nothing is built of it yet.

    One that holds what the archive does not give any more is not replaced but set aside.
    """
    held: set[str] = set()
    try:
        return Warehouse(settings)
    except DamagedError as error:
        kept = set_aside(settings, "damaged")
        log.warning("%s It is set aside as %s; rebuilding it from the archive.", error, kept.name)
    except OutdatedError as error:
        held = error.load_ids
        if held:
            _require_archive(settings)
        log.warning("%s Rebuilding it from the archive.", error)
    with new_warehouse(settings) as fresh:
        job = Job(settings, fresh, Outcome("rebuild"))
        job.land()
        if lost := held - (fresh.landed_ids() - job.damaged_ids):
            kept = set_aside(settings, "outdated")
            log.warning(
                "%d of its %d answers cannot be read any more; it is set aside as %s, which holds their rows. Restore "
                "the archive from a backup, then run `tokengrowth rebuild`.",
                len(lost),
                len(held),
                kept.name,
            )
    return Warehouse(settings)


def rows_lost(archived: Collection[str], landed: Mapping[str, str]) -> str | None:
    """Count by source the answers that a warehouse landed and no row of the manifest names; None where there are none.

    `landed` gives the source of each.
    """
    lost = Counter(source for load_id, source in landed.items() if load_id not in archived)
    if not lost:
        return None
    by_source = ", ".join(f"{number} of {source}" for source, number in sorted(lost.items()))
    return f"{lost.total()} of {len(landed)} answers in the warehouse are not in the archive's manifest ({by_source})"


def _refuse_loss(settings: Settings) -> None:
    """Raise DamagedError where the warehouse that is to be replaced holds answers whose rows the manifest has lost."""
    if not settings.warehouse_path.exists():
        return
    try:
        with opened_to_look(settings.warehouse_path) as connection:
            landed = landed_in(connection)
    except LockedError:
        raise
    except TokenGrowthError:  # damaged, or of another DuckDB: a rebuild is what mends it
        return
    archive = Archive(settings.archive_dir)
    if lost := rows_lost({fetch.load_id for fetch in archive.fetches()}, landed):
        raise DamagedError(
            lost,
            f"restore {archive.manifest_dir} from a backup; where none has them, `tokengrowth rebuild --accept-loss` "
            "makes tables without them.",
        )


def _require_archive(settings: Settings) -> None:
    if next(Archive(settings.archive_dir).fetches(), None) is None:
        raise UsageError(f"{settings.archive_dir} holds no archived answers to rebuild from; check TOKENGROWTH_HOME.")


def is_writing(settings: Settings) -> bool | None:
    """Tell, without waiting, whether a run holds the writer lock of a home; nothing is made where no lock is.

    None where this user cannot write there, and so cannot tell.
    """
    if not settings.lock_path.exists():
        return False
    lock = FileLock(settings.lock_path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    except OSError as error:
        if is_unwritable(error):
            return None
        raise
    lock.release()
    return False


def calls_of_run(settings: Settings, held: Callable[[Source], Held] = lambda _: Held()) -> int:
    """Return how many requests that count a daily run makes now at the most; by default one that holds nothing yet."""
    sources = [source for source in planner.chosen_sources(settings, for_backfill=False) if source.needs_key]
    target = planner.last_complete_day(settings.now())
    return sum(plan.at_most for plan in _run_plans(sources, settings, target, held))


def run(settings: Settings, sources: Sequence[str] = (), target: date | None = None, step: Step = call) -> Outcome:
    """Load every missing day within each source's reach, refetch the newest, take today's snapshots, build, publish.

    `target` is the newest day wanted, by default the last complete UTC day of the business clock.
    """
    chosen = planner.chosen_sources(settings, sources, for_backfill=False)
    newest = planner.last_complete_day(settings.now())
    target = target or newest
    if not DATASET_FLOOR <= target <= newest:
        raise UsageError(
            f"The date {target} is not among the days that OpenRouter can have published: "
            f"{DATASET_FLOOR} to {newest}, the last complete UTC day."
        )
    with writing(settings, "run") as job:
        _fetch_all(job, chosen, partial(job.run_want, target=target), step)
        job.finish(step)
        _conclude(job, [*chosen, *_without_key(job, sources)], (DATASET_FLOOR, target))
        job.outcome.hints += _hints(job, chosen, sources)
        if any(source.is_quota_reached for source in job.outcome.sources):
            job.outcome.hints.append(GOES_ON)
        return job.outcome


def _hints(job: Job, sources: Sequence[Source], named: Sequence[str]) -> Iterator[str]:
    """Say what a key, and what a backfill, would add."""
    settings, outcome = job.settings, job.outcome
    keyed = [source.name for source in SOURCES.values() if source.needs_key]
    if settings.api_key is None and not (named or settings.sources):
        yield f"Without OPENROUTER_API_KEY these sources are not read: {', '.join(keyed)}."
    window = planner.backfill_window(settings.now(), None, None)
    older = []
    for source in planner.chosen_sources(settings, for_backfill=True):
        is_read = source in sources and outcome.of(source.name).status in ("held", "loaded", "stale")
        want = job.backfill_want(source, window, force=False) if is_read else None
        newest = max(want.newest_held.values(), default=date.min) if want else date.min
        if want and (dates := [on for on in want.days if on < newest]):
            older.append(f"{len(dates)} of {source.name}")
    if older and outcome.is_anything_published:
        yield f"Older dates are not loaded ({', '.join(older)}); `tokengrowth backfill` loads those that can be had."


def _without_key(job: Job, named: Sequence[str]) -> list[Source]:
    """Return the sources that the settings name and that lack a key, each with that error noted."""
    if named or job.settings.api_key:
        return []
    lacking = [SOURCES[name] for name in planner.preferred(job.settings) if SOURCES[name].needs_key]
    for source in lacking:
        job.outcome.of(source.name).note_error(SourceError("OPENROUTER_API_KEY is needed, and none is set."))
    return lacking


def backfill(
    settings: Settings,
    start: date | None = None,
    end: date | None = None,
    sources: Sequence[str] = (),
    *,
    force: bool = False,
    step: Step = call,
) -> Outcome:
    """Load the dates from `start` to `end` that are not held, or all of them with `force`; build, publish.

    Leaves to the daily run what it still needs of today's requests. Raises UsageError for days before 2025-01-01 or
    after the last complete day.
    """
    window = planner.backfill_window(settings.now(), start, end)
    chosen = planner.chosen_sources(settings, sources, for_backfill=True)
    with writing(settings, "backfill") as job:
        job.land()
        job.kept_on = _kept_for_runs(job, settings)
        _fetch_all(job, chosen, partial(job.backfill_want, window=window, force=force), step)
        job.finish(step)
        _conclude(job, chosen, window)
        if any(source.is_quota_reached for source in job.outcome.sources):
            job.outcome.hints.append(BEGINS_ANEW if force else GOES_ON)
        return job.outcome


def _kept_for_runs(job: Job, settings: Settings) -> Callable[[date], int]:
    """Tell how many of a day's requests a backfill leaves: what today's run still needs, or another day's whole run."""
    sources = planner.chosen_sources(settings, for_backfill=False)
    today, target = settings.quota_clock().date(), planner.last_complete_day(settings.now())
    of_today = planner.kept_for_run(job.plan_run(sources, target), settings.requests_per_day)
    of_another_day = planner.kept_for_run(_run_plans(sources, settings, target), settings.requests_per_day)
    return lambda day: of_today if day == today else of_another_day


def _run_plans(
    sources: Sequence[Source], settings: Settings, target: date, held: Callable[[Source], Held] = lambda _: Held()
) -> list[SourcePlan]:
    """Return the calls of a run, by default of one that holds nothing; a source without fixed series has none."""
    wants = [(source, planner.run_want(source, held(source), settings.now(), target, {})) for source in sources]
    return [planned(source, want, held(source)) for source, want in wants]


@dataclass(frozen=True)
class Plan:
    """The calls that a run and a backfill would make now, and what today's quota leaves for them.

    `kept_calls` are those that a backfill leaves to the daily run today, `calls_a_day` those of a whole daily run,
    `done_on` the day of the backfill's last call if it is started every day, None where it takes more than today with
    `force`; all None or 0 without a key.
    """

    run: list[SourcePlan]
    backfill: list[SourcePlan]
    per_day: int
    used_today: int
    kept_calls: int
    calls_a_day: int
    done_on: date | None

    @property
    def left_today(self) -> int:
        """Requests that a backfill may make today."""
        return max(0, self.per_day - self.used_today - self.kept_calls)


def plan(
    settings: Settings,
    start: date | None = None,
    end: date | None = None,
    sources: Sequence[str] = (),
    *,
    force: bool = False,
) -> Plan:
    """Return what a run and a backfill would ask, without asking and without leaving a trace in a fresh home."""
    now = settings.now()
    window = planner.backfill_window(now, start, end)
    target = planner.last_complete_day(now)
    daily = planner.chosen_sources(settings, for_backfill=False)
    past = planner.chosen_sources(settings, sources, for_backfill=True)
    with planning(settings) as job:
        run_plans = job.plan_run(daily, target)
        backfill_plans = job.plan_backfill(past, window, force=force)
    quota = Quota.of(settings)
    used = quota.used_today() if quota else 0
    kept = planner.kept_for_run(run_plans, settings.requests_per_day) if quota else 0
    calls_a_day = planner.kept_for_run(_run_plans(daily, settings, target), settings.requests_per_day) if quota else 0
    keyed = sum(plan.at_most for plan in backfill_plans if plan.source.needs_key)
    left = max(0, settings.requests_per_day - used - kept)
    today = settings.quota_clock().date()
    # What is fetched again whether it is held or not begins anew on the next day.
    is_spread = quota and not (force and keyed > left)
    done_on = planner.done_on(keyed, today, left, settings.requests_per_day, calls_a_day) if is_spread else None
    return Plan(run_plans, backfill_plans, settings.requests_per_day, used, kept, calls_a_day, done_on)


@contextmanager
def planning(settings: Settings) -> Iterator[Job]:
    """Give a job that knows what is held and writes nothing that was not there.

    A fresh home stays untouched. One that cannot be written is read into memory.
    """
    with ExitStack() as stack:
        job: Job | None = None
        if settings.home.exists():
            with suppress(UnwritableError):
                job = stack.enter_context(writing(settings, "plan"))
        if job is None:
            job = Job(settings, stack.enter_context(Warehouse(settings, in_memory=True)), Outcome("plan"))
        job.land()
        yield job


def import_files(
    settings: Settings, paths: Sequence[Path], origin: str, retrieved_at: datetime, step: Step = call
) -> Outcome:
    """Land files that someone saved, through the archive and the contracts of their sources; build, publish.

    `origin` says where they come from, as a URL where there is one: only its parameters tell a filtered answer.
    Raises UsageError for a file that cannot be read or is none of OpenRouter's.
    """
    if not FIRST_RETRIEVAL <= retrieved_at <= settings.now():
        raise UsageError(
            f"The retrieval time {retrieved_at.isoformat()} is not between {FIRST_RETRIEVAL.date()} and now; "
            "it is in UTC."
        )
    files = _contents(paths, settings)
    recognised = [(path, body, _recognised(path, body, origin, retrieved_at)) for path, body in files]
    with writing(settings, "import") as job:
        job.land()
        for path, body, one in recognised:
            log.log(logging.WARNING if one.doubt else logging.INFO, "%s: %s.", path, one.doubt or one.source)
            step(f"import {path.name}", job.adopt, one, body, retrieved_at)
        job.finish(step)
        for outcome in job.outcome.sources:
            outcome.conclude(SOURCES[outcome.source], job.held(SOURCES[outcome.source]), None, settings.now())
        return job.outcome


def _recognised(path: Path, body: bytes, origin: str, retrieved_at: datetime) -> imports.Recognised:
    try:
        return imports.recognise(body, origin, retrieved_at)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def _contents(paths: Sequence[Path], settings: Settings) -> Iterator[tuple[Path, bytes]]:
    """Read files, unpacked where they are gzipped; raise UsageError for one that is larger than an answer may be."""
    limit = int(settings.max_response_mb * 1e6)
    for path in paths:
        try:
            with path.open("rb") as file:
                is_packed = file.read(2) == b"\x1f\x8b"
            with gzip.open(path, "rb") if is_packed else path.open("rb") as file:
                body = file.read(limit + 1)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UsageError(f"{path} is no whole gzip file ({error}).") from None
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror or error}.") from None
        if len(body) > limit:
            raise UsageError(f"{path} has more than {limit:,} bytes; TOKENGROWTH_MAX_RESPONSE_MB sets the limit.")
        yield path, body


def rebuild(settings: Settings, step: Step = call, *, accepts_loss: bool = False) -> Outcome:
    """Rebuild the warehouse from the archive alone, without the network, in place of the old one; publish.

    Raises DamagedError for an archived answer that is damaged, or that only the warehouse still holds, unless it
    `accepts_loss`: the tables do without it.
    """
    _require_archive(settings)
    with writing(settings, "rebuild", anew=True, accepts_loss=accepts_loss) as job:
        job.finish(step)
        read = [outcome for outcome in job.outcome.sources if outcome.source in SOURCES]
        refused = sum(len(outcome.refusals) for outcome in read if outcome.rows)
        for outcome in read:
            # What was refused when it came is no news; a source of which nothing can be read is.
            if outcome.rows:
                outcome.refusals.clear()
        _conclude(job, [SOURCES[outcome.source] for outcome in read], None)
        if refused:
            job.outcome.hints.append(f"{refused} archived answers were refused; `tokengrowth status` names the last.")
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


def _fetch_all(job: Job, sources: Sequence[Source], want_of: Callable[[Source], Want | None], step: Step) -> None:
    """Fetch each source; one that fails does not stop the others.

    After an unknown key, or the last of today's requests, the keyed sources behind are not asked any more; nor is a
    host that three sources in a row have found silent: every further one would wait as long.
    """
    is_key_of_use = has_quota = True
    silent: dict[Host, list[SourceUnavailableError]] = {host: [] for host in Host}
    for source in sources:
        outcome = job.outcome.of(source.name)
        if source.needs_key and not (is_key_of_use and has_quota):
            outcome.is_skipped = want_of(source) is not None
            continue
        if len(silent[source.host]) == MAX_FAILED_IN_A_ROW and source.host not in job.answering:
            if want_of(source) is not None:
                outcome.note_error(silent[source.host][-1])
            continue
        try:
            step(f"fetch {source.name}", job.fetch, source, want_of, may_pass=True)
        except SourceError as error:
            outcome.note_error(error)
            log.info("failed: %s", error)
            if isinstance(error, SourceUnavailableError):
                silent[source.host].append(error)
            is_key_of_use = is_key_of_use and not (isinstance(error, KeyRefusedError) and error.is_unknown)
            has_quota = has_quota and not isinstance(error, QuotaReachedError)


def _conclude(job: Job, sources: Sequence[Source], window: tuple[date, date] | None) -> None:
    names = {source.name for source in sources}
    for source in sources:
        # The past of what is read for comparison only is not wanted.
        asked = (window[1], window[1]) if window and source.yields_to in names else window
        job.outcome.of(source.name).conclude(source, job.held(source), asked, job.settings.now())
