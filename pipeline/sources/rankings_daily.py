"""The Data API's daily rankings: the 50 largest models of each day and `other`, all history, with a key."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import StringConstraints

from pipeline.archive import Fetch
from pipeline.contracts import (
    WHOLE,
    Day,
    Instant,
    Parsed,
    Payload,
    citation,
    read_json,
    require_ranked_days,
    unknown_fields,
)
from pipeline.errors import ContractBrokenError
from pipeline.sources.base import DATASET_FLOOR, Cadence, Request, Source, Want, require_ok, walk, windows

if TYPE_CHECKING:
    import polars as pl

NAME = "rankings-daily"
PATH = "/api/v1/datasets/rankings-daily"
WINDOW_DAYS = 366

Slug = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
TokenString = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,16}$")]


class RankedModel(Payload):
    """Tokens of one model on one day, as a decimal string."""

    date: Day
    model_permaslug: Slug
    total_tokens: TokenString


class Meta(Payload):
    """When the answer was made and which days it covers, both ends included."""

    as_of: Instant
    start_date: Day
    end_date: Day
    version: Literal["v1"]


class RankingsDaily(Payload):
    """The whole answer."""

    data: list[RankedModel]
    meta: Meta


def ranked_rows(payload: RankingsDaily) -> pl.DataFrame:
    """Return the columns date, model_permaslug and total_tokens, one row a ranked model."""
    import polars as pl

    return pl.DataFrame(
        {
            "date": [row.date for row in payload.data],
            "model_permaslug": [row.model_permaslug for row in payload.data],
            "total_tokens": [int(row.total_tokens) for row in payload.data],
        },
        schema={"date": pl.Date, "model_permaslug": pl.String, "total_tokens": pl.Int64},
    )


def plan(want: Want) -> list[Request]:
    """Ask for windows of at most 366 days, newest first."""
    covering = windows((day for day in want.days if day >= DATASET_FLOOR), WINDOW_DAYS)
    return [_request(start, end) for start, end in covering[: want.max_calls]]


def _request(start: date, end: date) -> Request:
    window = {"start_date": str(start), "end_date": str(end)}
    return Request(PATH, window, window)


def parse(fetch: Fetch, body: bytes) -> Parsed:
    """Return rows (date, model_permaslug, total_tokens) for raw.rankings_daily.

    Where newer days are held, a refusal of the window or an empty list says that the rankings begin later.
    """
    asked_start = date.fromisoformat(fetch.context["start_date"])
    is_older = bool(fetch.context.get("is_older"))
    payload = None
    if not (is_older and fetch.status == 400):
        require_ok(fetch.status, body, NAME)
        payload = read_json(RankingsDaily, body, NAME)
    if payload is None or (is_older and not payload.data):
        floor_date = date.fromisoformat(fetch.context["end_date"]) + timedelta(days=1)
        return Parsed(settles=(WHOLE,), is_absent=True, floor_date=floor_date)
    meta = payload.meta
    asked_end = date.fromisoformat(fetch.context["end_date"])
    if meta.start_date < max(asked_start, DATASET_FLOOR) or meta.end_date > asked_end:
        raise ContractBrokenError(
            f"{NAME} covers {meta.start_date} to {meta.end_date}, while {asked_start} to {asked_end} was asked. "
            "Nothing of it was landed."
        )
    frame = ranked_rows(payload)
    require_ranked_days(frame, start=meta.start_date, end=meta.end_date, as_of=meta.as_of, what=NAME)
    first_date = min(row.date for row in payload.data)
    return Parsed(
        frames={"rankings_daily": frame},
        settles=(WHOLE,),
        as_of=meta.as_of,
        first_date=first_date,
        last_date=max(row.date for row in payload.data),
        promised_end_date=meta.end_date,
        floor_date=first_date if first_date > asked_start else None,
        warnings=unknown_fields([payload, meta, *payload.data], NAME),
        citation=citation(meta.as_of),
    )


SOURCES = (
    Source(
        name=NAME,
        needs_key=True,
        cadence=Cadence.DAY,
        run_days=3 * WINDOW_DAYS,
        run_calls=3,
        refetched_days=3,
        published_after=timedelta(hours=1),
        plan=plan,
        exchange=walk(plan),
        parse=parse,
        tables=("rankings_daily",),
    ),
)
