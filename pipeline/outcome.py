"""What a job did and how each source fared: facts are collected on the way, the verdict is drawn from them once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.contracts import days_between
from pipeline.errors import EXIT_NOTHING_PUBLISHED, EXIT_OK, EXIT_QUOTA, EXIT_SOURCE_FAILED, QuotaReachedError

if TYPE_CHECKING:
    from pipeline.contracts import Parsed
    from pipeline.sources import Source
    from pipeline.warehouse import Build, Held


@dataclass
class SourceOutcome:
    """What became of one source in this job.

    `status`: held (nothing to ask), loaded, not_published_yet, before_floor, stale, failed or quota_reached.
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
    refusal: str | None = None
    shortfall: str | None = None

    def note_error(self, error: Exception) -> None:
        """Note that asking ended with an error."""
        self.fetch_error = str(error)
        self.is_quota_reached = isinstance(error, QuotaReachedError)

    def note_refused(self, sentence: str) -> None:
        """Note an answer of which nothing landed."""
        self.refusal = sentence

    def note_landed(self, parsed: Parsed) -> None:
        """Note an answer that landed; it makes up for one that was refused before."""
        if parsed.frame is None:
            return
        self.refusal = None
        self.rows += parsed.frame.height
        if parsed.first_date and parsed.last_date:
            self.first_date = min(self.first_date or parsed.first_date, parsed.first_date)
            self.last_date = max(self.last_date or parsed.last_date, parsed.last_date)
        if parsed.is_stale:
            self.shortfall = (
                f"{self.source} promises days until {parsed.promised_end_date} and ends on {parsed.last_date}."
            )

    def conclude(self, source: Source, held: Held, window: tuple[date, date] | None, now: datetime) -> None:
        """Draw status, message and missing days from what was noted and what is held of the wanted window."""
        self.status, self.message = ("loaded", None) if self.rows else ("held", None)
        if source.is_daily and window:
            floor, last = held.floor(), window[1]
            self.missing_days = sum(day not in held.days for day in days_between(max(window[0], floor), last))
            due = datetime.combine(last + timedelta(days=1), time(), UTC) + source.published_after
            if self.shortfall:
                self.status, self.message = "stale", self.shortfall
            elif last < floor:
                self.status = "before_floor"
                self.message = f"{source.name} holds nothing before {floor}."
            elif last not in held.days and now < due:
                self.status = "not_published_yet"
                self.message = f"{source.name} does not hold {last} yet; it is due at {due:%H:%M} UTC."
            elif last not in held.days:
                self.status = "stale"
                self.message = f"{source.name} does not hold {last} yet, though it was due at {due:%H:%M} UTC."
        if self.fetch_error or self.refusal:
            self.status = "quota_reached" if self.is_quota_reached else "failed"
            self.message = self.fetch_error or self.refusal


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
    hint: str | None = None

    def of(self, source: str) -> SourceOutcome:
        """Return the entry of a source."""
        for known in self.sources:
            if known.source == source:
                return known
        self.sources.append(SourceOutcome(source))
        return self.sources[-1]

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
