"""What an answer must hold before anything of it lands, and what happens when it drifts.

Drift decisions, the same for every source: a missing or retyped field, a bad value or a repeated key stops
the whole payload; an unknown field is kept in the archive and warned of. Nothing is guessed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pipeline.errors import ContractBrokenError
from pipeline.rendering import clean

# Polars takes a third of a second to import, and a run without a new answer does not need it.
if TYPE_CHECKING:
    import polars as pl

MAX_ROWS_A_DAY = 51  # the 50 largest models and `other`
# The sums of a thousand such days fit into a BIGINT; the largest day so far had 2.6e13.
MAX_TOKENS_A_DAY = 5 * 10**15
OTHER = "other"
# What any JSON from outside must keep to, whatever it says. The size of a body is limited where it is read.
# A value takes up to 300 bytes of memory while it is read: these some 0.6 GB, and 58 times the largest answer so far.
MAX_VALUES = 2_000_000
MAX_DEPTH = 100
MAX_ITEMS = 200_000
MAX_TEXT_LENGTH = 100_000
MAX_INTEGER = 2**63 - 1
# What OpenRouter's documentation names as filters of the rankings; charts of its page bear the same names.
CONTEXT_BUCKETS = ("1K", "10K", "100K", "1M", "10M")
CATEGORIES = (
    "programming",
    "roleplay",
    "marketing",
    "marketing/seo",
    "technology",
    "science",
    "translation",
    "legal",
    "finance",
    "health",
    "trivia",
    "academia",
)


def _iso_day(value: Any) -> date | None:
    """Read a day strictly: pydantic alone also takes a number of seconds in a string."""
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("should be a day such as 2026-08-21")
    return date.fromisoformat(value)


Day = Annotated[date, BeforeValidator(_iso_day)]
# Bounds that leave room for any time zone; a day's vintage is chosen by its instant, so that one from the far
# future would hide every later one.
Instant = Annotated[AwareDatetime, Field(ge=datetime(2020, 1, 1, tzinfo=UTC), lt=datetime(2100, 1, 1, tzinfo=UTC))]


class Payload(BaseModel):
    """Base of all typed payloads: exact types, unknown fields kept so that they can be named."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)


# The name of the only part of a source that has no parts.
WHOLE = "whole"


@dataclass(frozen=True)
class Parsed:
    """What one answer says, ready to land.

    `frames` holds the rows by raw table, and is empty for an answer without rows. `settles` names the parts
    (series) of the source that the answer makes up: the one that was asked, and those that it shows to be empty,
    such as the pages behind a short one; it is empty for an answer that only leads to others. `first_date` and
    `last_date` are the days that it covers. `floor_date` is set when the answer shows that the source holds nothing
    before that day; `promised_end_date` is the last day that it claims to cover; `is_absent` is set when the source
    says that it has nothing of what was asked; `citation` is the line that the licence asks to show with the figures.
    """

    frames: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    settles: tuple[str, ...] = ()
    as_of: datetime | None = None
    first_date: date | None = None
    last_date: date | None = None
    promised_end_date: date | None = None
    floor_date: date | None = None
    is_absent: bool = False
    warnings: tuple[str, ...] = ()
    citation: str | None = None

    @property
    def rows(self) -> int:
        """Number of rows in all tables."""
        return sum(frame.height for frame in self.frames.values())

    @property
    def is_stale(self) -> bool:
        """Whether the rows end before the day that the source promised."""
        return bool(self.promised_end_date and self.last_date and self.last_date < self.promised_end_date)


P = TypeVar("P", bound=Payload)


def bounded_json(body: bytes, what: str, *, absent: str | None = None) -> Any:
    """Decode JSON within the limits above; raise ContractBrokenError for what goes beyond them.

    Repeated keys, of which one would silently win, and numbers that no column can hold are refused, too. A field whose
    value is `absent` is left out.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(pairs)
        if len(fields) < len(pairs):
            raise _beyond(what, f"repeats a key of {printable([name for name, _ in pairs])}")
        return {name: value for name, value in pairs if value != absent} if absent else fields

    def no_number(name: str) -> None:
        raise _beyond(what, f"holds {name}, which is no number in JSON")

    require_few_values(body, what)
    try:
        value = json.loads(body, object_pairs_hook=unique, parse_constant=no_number)
    except RecursionError:
        raise _beyond(what, f"nests deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise _beyond(what, f"is not valid JSON ({error}), {body[:40]!r}") from None
    _hold_limits(value, what)
    return value


def require_few_values(body: bytes, what: str) -> None:
    """Raise ContractBrokenError for JSON of too many values, before any of them takes memory."""
    if sum(map(body.count, (b"[", b"{", b","))) > MAX_VALUES:
        raise _beyond(what, f"holds more than {MAX_VALUES:,} values")


def _hold_limits(value: Any, what: str) -> None:
    """Walk a decoded value level by level, so that its depth cannot exhaust the stack."""
    level = [value]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, str):
                if len(one) > MAX_TEXT_LENGTH:
                    raise _beyond(what, f"holds a text of {len(one):,} characters, more than {MAX_TEXT_LENGTH:,}")
            elif isinstance(one, list | dict):
                if len(one) > MAX_ITEMS:
                    raise _beyond(what, f"holds a list of {len(one):,} items, more than {MAX_ITEMS:,}")
                inner.extend(one)
                if isinstance(one, dict):
                    inner.extend(one.values())
            elif isinstance(one, int):
                if abs(one) > MAX_INTEGER:
                    raise _beyond(what, f"holds a whole number beyond {MAX_INTEGER:,}")
            elif isinstance(one, float) and not math.isfinite(one):
                raise _beyond(what, "holds a number that is too large for any column")
        if not inner:
            return
        level = inner
    raise _beyond(what, f"nests deeper than {MAX_DEPTH} levels")


def _beyond(what: str, sentence: str) -> ContractBrokenError:
    return ContractBrokenError(f"{what} {sentence}. Nothing of it was landed.")


def read_json(model: type[P], body: bytes, what: str) -> P:
    """Validate a JSON body; raise ContractBrokenError that names the first place that is wrong."""
    if not body.strip():
        raise ContractBrokenError(f"{what} is empty: an answer without content is an error, not an empty day.")
    if body.lstrip()[:1] == b"<":
        raise ContractBrokenError(f"{what} is a web page, not JSON; the server may be checking for browsers.")
    require_few_values(body, what)
    try:
        payload = model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(printable(part) for part in first["loc"]) or "the body"
        value = repr(first["input"])
        found = f", found {value[:60]}" if len(value) <= 200 else ""
        raise ContractBrokenError(
            f"{what} breaks its contract at {place}: {first['msg']}{found} "
            f"({error.error_count()} such places). Nothing of it was landed."
        ) from None
    # After the contract, which names the place; what it does not ask for is held to the limits all the same.
    bounded_json(body, what)
    return payload


def unknown_fields(payloads: Iterable[Payload], what: str) -> tuple[str, ...]:
    """Name the fields that the contract does not know, once each."""
    names = sorted({printable(name) for payload in payloads for name in (payload.model_extra or ())})
    return (f"{what} holds unknown fields: {', '.join(names)}.",) if names else ()


def printable(name: object) -> str:
    """Return a name from outside for a message: short, and without characters that steer a terminal."""
    return clean(str(name))[:60]


def require_unique(frame: pl.DataFrame, key: Sequence[str], what: str) -> None:
    """Raise ContractBrokenError when two rows share a key."""
    import polars as pl

    repeated = frame.select(key).filter(pl.struct(key).is_duplicated())
    if not repeated.is_empty():
        raise ContractBrokenError(f"{what} repeats the key {_row(repeated)}. Nothing of it was landed.")


def require_all(frame: pl.DataFrame, rule: pl.Expr, what: str, sentence: str) -> None:
    """Raise ContractBrokenError with the first row for which `rule` is not true."""
    broken = frame.filter(~rule.fill_null(False))
    if not broken.is_empty():
        raise ContractBrokenError(f"{what}: {sentence}, found {_row(broken)}. Nothing of it was landed.")


def require_ranked_days(
    frame: pl.DataFrame, *, start: date, end: date, as_of: datetime, what: str, may_miss_days: bool = False
) -> None:
    """Hold the daily rankings to what OpenRouter documents.

    `frame` has the columns date, model_permaslug and total_tokens. Days lie in [start, end] and not after
    `as_of`; no day is missing between the first and the last, unless `may_miss_days`; at most 51 rows a day; one
    row a model and day.
    """
    import polars as pl

    if frame.is_empty():
        raise ContractBrokenError(f"{what} has no rows: empty is an error, not a day without use.")
    require_unique(frame, ["date", "model_permaslug"], what)
    require_all(frame, pl.col("total_tokens") >= 0, what, "tokens must not be negative")
    reserved = pl.col("model_permaslug").str.contains(r"^other[/:]|:other(:|$)")
    require_all(frame, ~reserved, what, "no author or variant may be called `other`")
    require_all(frame, pl.col("date").is_between(start, end), what, f"days must lie in the window {start} to {end}")
    today = as_of.astimezone(UTC).date()
    require_all(frame, pl.col("date") <= today, what, f"no day may lie after {today}")
    days = frame.group_by("date").agg(pl.len().alias("rows"), pl.col("total_tokens").sum()).sort("date")
    require_all(
        days, pl.col("total_tokens") < MAX_TOKENS_A_DAY, what, f"a day has less than {MAX_TOKENS_A_DAY:.0e} tokens"
    )
    require_all(
        days.select("date", "rows"), pl.col("rows") <= MAX_ROWS_A_DAY, what, f"a day has at most {MAX_ROWS_A_DAY} rows"
    )
    missing = gaps(days["date"])
    if missing and not may_miss_days:
        raise ContractBrokenError(
            f"{what} misses {len(missing)} day(s) between published ones, the first {missing[0]}. "
            "Nothing of it was landed."
        )


def citation(as_of: datetime, of: str = "OpenRouter (openrouter.ai/rankings)") -> str:
    """Return OpenRouter's citation line, by default that of the rankings (CC BY 4.0)."""
    moment = as_of.isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"Source: {of}, as of {moment}."


def days_between(first: date, last: date) -> list[date]:
    """Return every day from `first` to `last`, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def gaps(dates: Iterable[date], step_days: int = 1) -> list[date]:
    """Return the dates that are missing between the first and the last, which are `step_days` apart."""
    present = set(dates)
    return [day for day in days_between(min(present), max(present))[::step_days] if day not in present]


def _row(frame: pl.DataFrame) -> dict[str, Any]:
    return {name: printable(value) for name, value in frame.row(0, named=True).items()}
