"""What deserves a look after a job: alerts from its outcome and from what is published, each told once.

A finding never stops a job. `alerts.jsonl` in the home holds what was told, one row an alert, appended after it was
told: a run that is killed in between tells again rather than never.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.errors import BuildFailedError, TokenGrowthError
from pipeline.outcome import Outcome
from pipeline.reading import simulated_title
from pipeline.rendering import clean, signed, to_json, tokens
from pipeline.settings import Settings
from pipeline.warehouse import published, rows_of

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger(__name__)

# Only what is news: the published days that are looked at, and whatever was learned since the first of them.
WATCHED_DAYS = 7

NEWEST = "select max(date) filter (where is_loaded) as newest from dim_date"
DRIFTED = """
select source, warning, warned_since::date as since
from rpt_source_health
where warning is not null and warned_since::date >= $since
order by source
"""
UNUSUAL_ROWS = """
select source, fetched_date, rows_per_part, typical_rows_per_part, volume_ratio, compared_days
from rpt_source_health
where is_unusual_volume and fetched_date >= $since
order by source
"""
UNUSUAL_DAYS = """
select date, total_tokens, expected_tokens, volume_ratio
from rpt_volume_daily
where is_unusual and date >= $since
order by date
"""
RESTATED = """
select
    date,
    count(*) as figures,
    arg_max(model_permaslug, abs(settled_change_pct)) as model,
    arg_max(settled_change_pct, abs(settled_change_pct)) as change_pct
from rpt_revisions
where last_as_of::date >= $since and abs(settled_change_pct) > $threshold
group by date
order by date
"""
# New is what no day of the 28 before had there, of which 7 or more are loaded: a model that swings about the last place
# is told once, and the first days of a home are not all news.
TOP_ENTRIES = """
with top as (
    select entity, date, rank, total_tokens, share_pct
    from fct_token_growth_daily
    where dimension = 'model' and rank <= $threshold
)

select *
from top
where
    date >= $since
    and not exists (
        select 1
        from top as earlier
        where earlier.entity = top.entity and earlier.date between top.date - 28 and top.date - 1
    )
    and (
        select count(*) >= 7
        from dim_date as days
        where days.is_loaded and days.date between top.date - 28 and top.date - 1
    )
order by date, rank
"""
# What is certain of a move is what its bounds leave; it is told of the day on which it crosses the threshold.
SHARE_MOVES = """
with moves as (
    select
        dimension,
        entity,
        date,
        share_7d_low_pct,
        share_7d_high_pct,
        greatest(share_7d_change_low_pp, 0) + least(share_7d_change_high_pp, 0) as certain_pp
    from fct_token_growth_daily
    where dimension in ('author', 'model') and entity <> 'other' and date >= $since::date - 1
)

select *
from moves
qualify
    date >= $since
    and abs(certain_pp) > $threshold
    and coalesce(lag(abs(certain_pp)) over (partition by dimension, entity order by date) <= $threshold, true)
order by date, abs(certain_pp) desc, dimension, entity
"""


@dataclass(frozen=True)
class Alert:
    """One finding: what kind, about what (`source.models`, `model.openai/gpt-5`), in one sentence, of which day.

    `facts` are the figures behind the sentence. Two alerts of the same kind, subject and day are the same, unless each
    is about a `warning` of its own.
    """

    kind: str
    subject: str
    message: str
    date: date
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Name the alert."""
        named = f"{self.kind} {self.subject} {self.date}{self.facts.get('warning', '')}"
        return hashlib.sha256(named.encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Return the row of `alerts.jsonl` that names it."""
        return {"id": self.id, **asdict(self)}

    def payload(self) -> dict[str, Any]:
        """Return the values of an event, dates and instants as text."""
        plain = {"kind": self.kind, "subject": self.subject, "date": self.date, "message": self.message, **self.facts}
        return dict(json.loads(to_json(plain)))


def alerts(settings: Settings, outcome: Outcome) -> list[Alert]:
    """Return every alert of a job that ended, from its outcome and the published file, told before or not."""
    return [*of_outcome(outcome, settings.now().date()), *of_published(settings)]


def of_outcome(outcome: Outcome, today: date) -> Iterator[Alert]:
    """Tell of each source that failed or stands still: a standing condition, told once a day."""
    simulated = simulated_title(outcome.is_simulated)
    for source in outcome.sources:
        if source.status in ("failed", "stale"):
            name = "" if (source.message or "").startswith(source.source) else f"{source.source}: "
            yield Alert(
                f"source.{source.status}",
                f"source.{source.source}",
                clean(f"{simulated}{name}{source.message}"),
                today,
                {"source": source.source, "missing_days": source.missing_days},
            )


def of_failed_build(settings: Settings, error: BuildFailedError) -> Alert:
    """Tell that a model or a check failed; what was published before stays as it is."""
    return Alert("check.failed", "build", str(error).splitlines()[0], settings.now().date())


def of_published(settings: Settings) -> list[Alert]:
    """Tell what the published file says of its last days; nothing where there is none that can be read."""
    if not settings.published_path.exists():
        return []
    try:
        with published(settings) as connection:
            return of_tables(settings, connection)
    except TokenGrowthError as error:
        log.warning("What is published was not looked at for alerts: %s", error)
        return []


def of_tables(settings: Settings, connection: duckdb.DuckDBPyConnection) -> list[Alert]:
    """Tell what tables say that are found by their bare names; `settings` has the thresholds."""
    newest = rows_of(connection, NEWEST)[0]["newest"]
    if newest is None:
        return []
    simulated = simulated_title(rows_of(connection, "select is_simulated from contract")[0]["is_simulated"])
    return [
        Alert(kind, subject, clean(f"{simulated}{message}"), on, facts)
        for kind, subject, message, on, facts in _findings(
            settings, connection, newest - timedelta(days=WATCHED_DAYS - 1)
        )
    ]


def _findings(
    settings: Settings, connection: duckdb.DuckDBPyConnection, since: date
) -> Iterator[tuple[str, str, str, date, dict[str, Any]]]:
    def found(query: str, threshold: float | None = None) -> list[dict[str, Any]]:
        if threshold == 0:  # not subscribed
            return []
        return rows_of(connection, query, {"since": since} | ({"threshold": threshold} if threshold else {}))

    for row in found(DRIFTED):
        facts = {"source": row["source"], "warning": row["warning"]}
        yield "source.drifted", f"source.{row['source']}", row["warning"], row["since"], facts
    for row in found(UNUSUAL_ROWS):
        message = (
            f"{row['source']}: {row['rows_per_part']:,.4g} rows a date and part came on {row['fetched_date']}, "
            f"{row['volume_ratio']:.2f} times the median of {row['compared_days']} earlier days of retrieval."
        )
        yield "source.volume", f"source.{row['source']}", message, row.pop("fetched_date"), row
    for row in found(UNUSUAL_DAYS):
        message = (
            f"All models used {tokens(row['total_tokens'])} tokens on {row['date']}, {row['volume_ratio']:.2f} times "
            "what its weekday leads to expect."
        )
        yield "source.volume", "rankings", message, row.pop("date"), {"source": "rankings", **row}
    for row in found(RESTATED, settings.alert_restatement_pct):
        message = (
            f"Settled figures of {row['date']} changed by more than {settings.alert_restatement_pct:g} %: "
            f"{row['figures']} of them, that of {row['model']} most, by {signed(row['change_pct'])}."
        )
        yield "restatement", "rankings", message, row.pop("date"), row
    for row in found(TOP_ENTRIES, settings.alert_top_rank):
        message = (
            f"{row['entity']} is new among the top {settings.alert_top_rank} models on {row['date']}: rank "
            f"{row['rank']} with {tokens(row['total_tokens'])} tokens, {row['share_pct']:.1f} % of all."
        )
        yield "market.top_entry", f"model.{row['entity']}", message, row.pop("date"), row
    for row in found(SHARE_MOVES, settings.alert_share_move_pp):
        direction = "rose" if row["certain_pp"] > 0 else "fell"
        message = (
            f"The share of the {row['dimension']} {row['entity']} {direction} by at least {abs(row['certain_pp']):.1f} "
            f"points from the week before to the 7 days until {row['date']}, to "
            f"{_between(row['share_7d_low_pct'], row['share_7d_high_pct'])}."
        )
        yield "market.share_move", f"{row['dimension']}.{row['entity']}", message, row.pop("date"), row


def _between(low: float, high: float) -> str:
    return f"{low:.1f} %" if high - low < 0.05 else f"{low:.1f} to {high:.1f} %"


def untold(settings: Settings, found: Iterable[Alert]) -> list[Alert]:
    """Return those that were not told yet."""
    known = {row["id"] for row in told(settings)}
    return [alert for alert in found if alert.id not in known]


def told(settings: Settings) -> list[dict[str, Any]]:
    """Return what was told so far, oldest first: the alert's values and `told_at`."""
    try:
        lines = settings.alerts_path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    rows = []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:  # a killed run left a torn line: its alert is told again
            continue
        if isinstance(row, dict) and "id" in row:
            rows.append(row)
    return rows


def note_told(settings: Settings, alerts: Sequence[Alert]) -> None:
    """Remember that alerts were told; a home that cannot be written only means that they are told again."""
    if not alerts:
        return
    rows = [{**alert.to_dict(), "told_at": settings.now()} for alert in alerts]
    try:
        with settings.alerts_path.open("ab+") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - 1))
            torn = b"\n" if file.read(1) not in (b"", b"\n") else b""
            file.write(torn + b"".join(to_json(row, indent=None).encode() + b"\n" for row in rows))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        log.warning("%s: %s; its alerts will be told again.", settings.alerts_path, error.strerror or error)
