"""What a job did and how each source fared: facts are collected on the way, the verdict is drawn from them once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.errors import EXIT_FAILED, EXIT_OK, EXIT_QUOTA, EXIT_SOURCE_FAILED, QuotaReachedError
from pipeline.planner import wanted_dates
from pipeline.sources import Cadence

if TYPE_CHECKING:
    from pipeline.contracts import Parsed
    from pipeline.planner import Held
    from pipeline.sources import Source
    from pipeline.warehouse import Build


@dataclass
class SourceOutcome:
    """What became of one source in this job.

    `status`: held (nothing to ask), loaded, not_published_yet, before_floor, stale, failed, quota_reached or skipped
    (not asked, because the key was refused or its requests are used up). `message` does not name the source.
    """

    source: str
    status: str = "held"
    message: str | None = None
    calls: int = 0
    rows: int = 0
    first_date: date | None = None
    last_date: date | None = None
    missing_days: int = 0
    fetch_error: str | None = None
    is_quota_reached: bool = False
    is_skipped: bool = False
    refusals: dict[tuple[str, date | None], str] = field(default_factory=dict, repr=False)
    superseded: dict[tuple[str, date | None], str] = field(default_factory=dict, repr=False)
    shortfall: str | None = None

    def note_error(self, error: Exception) -> None:
        """Note that asking ended with an error."""
        self.fetch_error = str(error)
        self.is_quota_reached = isinstance(error, QuotaReachedError)

    def note_refused(self, series: str, start_date: date | None, sentence: str) -> None:
        """Note an answer of which nothing landed, by what was asked."""
        self.refusals[series, start_date] = sentence

    def note_landed(self, parsed: Parsed) -> None:
        """Note an answer that landed; it may make up for one to the same, or to older days, that was refused before."""
        if not parsed.rows:
            return
        for series, start in list(self.refusals):
            is_older = not (start and parsed.last_date) or start <= parsed.last_date
            if series in parsed.settles and is_older:
                self.superseded[series, start] = self.refusals.pop((series, start))
        self.rows += parsed.rows
        if parsed.first_date and parsed.last_date:
            self.first_date = min(self.first_date or parsed.first_date, parsed.first_date)
            self.last_date = max(self.last_date or parsed.last_date, parsed.last_date)
        if parsed.is_stale:
            self.shortfall = f"promises {parsed.promised_end_date} and ends on {parsed.last_date}."

    def conclude(self, source: Source, held: Held, window: tuple[date, date] | None, now: datetime) -> None:
        """Draw status, message and missing days from what was noted and what is held of the wanted window."""
        still_lacking = [key for key in self.superseded if key[1] and key[1] not in held.dates(key[0])]
        self.refusals |= {key: self.superseded.pop(key) for key in still_lacking}
        self.status, self.message = ("loaded", None) if self.rows else ("held", None)
        if window and source.cadence in (Cadence.DAY, Cadence.WEEK):
            self._judge_dates(source, held, window, now)
        if self.is_skipped:
            self.status, self.message = "skipped", None
        elif self.fetch_error or self.refusals:
            self.status = "quota_reached" if self.is_quota_reached else "failed"
            more = f" {len(self.refusals) - 1} more refused likewise." if len(self.refusals) > 1 else ""
            self.message = self.fetch_error or next(iter(self.refusals.values())) + more

    def _judge_dates(self, source: Source, held: Held, window: tuple[date, date], now: datetime) -> None:
        floor = max(source.floor, min((held.floor(name) for name in source.series or ()), default=date.min))
        wanted = wanted_dates(source, max(window[0], floor), window[1])
        lacking = held.lacking(source, wanted)
        self.missing_days = len(lacking)
        if self.shortfall:
            self.status, self.message = "stale", self.shortfall
        elif window[1] < floor:
            self.status, self.message = "before_floor", f"nothing before {floor} is published."
        elif wanted[-1:] == lacking[-1:] and lacking:
            last = wanted[-1]
            end = last + timedelta(days=7 if source.cadence is Cadence.WEEK else 1)
            due = datetime.combine(end, time(), UTC) + source.published_after
            when = f"due at {due:%H:%M} UTC on {due:%Y-%m-%d}."
            if now < due:
                self.status, self.message = "not_published_yet", f"{last} is not held yet; it is {when}"
            else:
                self.status, self.message = "stale", f"{last} is not held, though it was {when}"


@dataclass
class Outcome:
    """What a job did, for the screen, for JSON and for a flow's artifacts."""

    job: str
    sources: list[SourceOutcome] = field(default_factory=list)
    build: Build | None = None
    is_published: bool = False
    is_anything_published: bool = False
    is_simulated: bool = False
    seconds: float = 0.0
    hints: list[str] = field(default_factory=list)

    def of(self, source: str) -> SourceOutcome:
        """Return the entry of a source."""
        for known in self.sources:
            if known.source == source:
                return known
        self.sources.append(SourceOutcome(source))
        return self.sources[-1]

    @property
    def problems(self) -> list[str]:
        """Return one line a cause, with the sources that met it: `failed: models, providers: …`."""
        causes: dict[tuple[str, str], list[str]] = {}
        for source in self.sources:
            if source.message:
                causes.setdefault((source.status.replace("_", " "), source.message), []).append(source.source)
        return [
            f"{status}: {message}" if message.startswith(names[0]) else f"{status}: {', '.join(names)}: {message}"
            for (status, message), names in causes.items()
        ]

    @property
    def exit_code(self) -> int:
        """Return the exit status: quota before nothing published before a failed or stale source."""
        states = {source.status for source in self.sources}
        if "quota_reached" in states:
            return EXIT_QUOTA
        if not self.is_anything_published:
            return EXIT_FAILED
        return EXIT_SOURCE_FAILED if states & {"failed", "stale"} else EXIT_OK

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        plain = asdict(self)
        for source in plain["sources"]:
            source["refusals"] = list(source["refusals"].values())
            del source["superseded"]
        return {**plain, "exit_code": self.exit_code}

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
