"""What a source is: the calls it wants, the exchange it leads, and how its answers become rows.

A source module is pure. It never opens a connection: `exchange` is a generator that yields requests and is
sent their answers, so that the same code runs against the network and in a test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.archive import Fetch
from pipeline.contracts import Parsed
from pipeline.errors import SourceError, SourceUnavailableError, may_pass
from pipeline.rendering import clean

if TYPE_CHECKING:
    from pipeline.http import Answer

# The first day of OpenRouter's datasets, by its documentation.
DATASET_FLOOR = date(2025, 1, 1)


@dataclass(frozen=True)
class Request:
    """One call: a path below the base URL, its parameters, and what its answer is to be held against."""

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.params.items())
        return f"GET {self.path}" + (f"?{query}" if query else "")


@dataclass(frozen=True)
class Want:
    """What a job wants of a source.

    `days` is empty for a snapshot of the present; `held_paths` are resources that never change and are
    archived already; `max_calls` is None where only the source sets the end.
    """

    now: datetime
    days: frozenset[date] = frozenset()
    held_paths: frozenset[str] = frozenset()
    max_calls: int | None = None


Exchange = Generator[Request, "Answer", None]


@dataclass(frozen=True)
class Source:
    """One registry line.

    `plan` lists the calls that a want takes at the most, for people; `exchange` makes them, and may stop
    early; `parse` turns an archived answer into rows, or raises ContractBrokenError. `is_daily` tells series
    of days from snapshots of the present; `run_days` is how far back a daily run looks for missing days, so
    that it stays within three calls; `published_after` is the time of day after which yesterday is due.
    """

    name: str
    needs_key: bool
    is_daily: bool
    run_days: int
    published_after: timedelta
    plan: Callable[[Want], list[Request]]
    exchange: Callable[[Want], Exchange]
    parse: Callable[[Fetch, bytes], Parsed]


def require_ok(status: int, body: bytes, what: str) -> None:
    """Raise SourceError for any status but 200, with OpenRouter's own words."""
    if status == 200:
        return
    if status in (401, 403):
        raise SourceError(
            f"{what}: OpenRouter refused the key (HTTP {status}{_message(body)}); "
            "check OPENROUTER_API_KEY, or unset it to read the keyless exports."
        )
    error = SourceUnavailableError if may_pass(status) else SourceError
    raise error(f"{what}: OpenRouter answered HTTP {status}{_message(body)}.")


def _message(body: bytes) -> str:
    try:
        message = str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
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
