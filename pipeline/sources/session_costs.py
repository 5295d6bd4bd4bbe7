"""What a session costs: the median in USD by app, model and number of turns, over a trailing window."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from pipeline.archive import Fetch
from pipeline.contracts import Day, Instant, Parsed, Payload, citation, read_json, require_unique, unknown_fields
from pipeline.errors import ContractBrokenError
from pipeline.sources.base import Cadence, Request, Source, Want, require_ok, walk
from pipeline.sources.models import Name
from pipeline.sources.rankings_daily import Slug

NAME = "session-costs"
PATH = "/api/v1/datasets/session-cost"
DATA_API = "OpenRouter Data API (openrouter.ai/docs/cookbook/administration/data-api)"
# The most rows that one call may ask for; its largest offset, 5000, begins the last page.
PAGE_ROWS = 500
PAGES = tuple(str(number) for number in range(1, 12))


class SessionCost(Payload):
    """Median cost of the sessions of one app with one model, of one length."""

    app_name: Name
    app_slug: Name
    model_permaslug: Slug
    turn_range: Literal["1-turn", "2-9-turns", "10-49-turns", "50-plus-turns"]
    median_session_cost_usd: Annotated[float, Field(ge=0, lt=1e6, allow_inf_nan=False)]


class Meta(Payload):
    """When the answer was made, and the window that the medians are of, where it is stated."""

    as_of: Instant
    version: Literal["v1"]
    window_days: Annotated[int, Field(ge=1, le=366)] | None
    window_end_date: Day | None


class SessionCosts(Payload):
    """One page."""

    data: list[SessionCost]
    meta: Meta


def plan(want: Want) -> list[Request]:
    """Ask for the wanted pages in order; `walk` stops behind one that is not full."""
    return [_request(page) for page in PAGES if page in want.cells][: want.max_calls]


def _request(page: str) -> Request:
    params = {"limit": str(PAGE_ROWS), "offset": str((int(page) - 1) * PAGE_ROWS)}
    return Request(PATH, params, {"series": page})


def parse(fetch: Fetch, body: bytes) -> Parsed:
    """Return a page's rows for raw.session_costs; a page that is not full settles those behind it."""
    import polars as pl

    require_ok(fetch.status, body, NAME)
    page = fetch.context["series"]
    answer = read_json(SessionCosts, body, NAME)
    costs, meta = answer.data, answer.meta
    later = PAGES[PAGES.index(page) + 1 :]
    if not costs and page == PAGES[0]:
        raise ContractBrokenError(f"{NAME} has no rows: empty is an error, not a window without sessions.")
    if len(costs) > PAGE_ROWS:
        raise ContractBrokenError(f"{NAME} holds {len(costs)} rows on a page of {PAGE_ROWS}. Nothing of it was landed.")
    if meta.window_end_date and meta.window_end_date > datetime.fromisoformat(fetch.fetched_at).date():
        raise ContractBrokenError(
            f"{NAME} ends with {meta.window_end_date}, after the day on which it was received. "
            "Nothing of it was landed."
        )
    if not costs:
        return Parsed(settles=(page, *later), as_of=meta.as_of, is_absent=True)
    rows = [
        (
            page,
            cost.app_name,
            cost.app_slug,
            cost.model_permaslug,
            cost.turn_range,
            cost.median_session_cost_usd,
            meta.window_days,
            meta.window_end_date,
        )
        for cost in costs
    ]
    frame = pl.DataFrame(
        rows,
        orient="row",
        schema={
            "page": pl.String,
            "app_name": pl.String,
            "app_slug": pl.String,
            "model_permaslug": pl.String,
            "turn_range": pl.String,
            "median_session_cost_usd": pl.Float64,
            "window_days": pl.Int64,
            "window_end_date": pl.Date,
        },
    )
    require_unique(frame, ["app_slug", "model_permaslug", "turn_range"], NAME)
    is_full = len(costs) == PAGE_ROWS
    is_cut = is_full and not later
    cut = (f"{NAME} fills the last page that can be asked; what lies behind it is not had.",) if is_cut else ()
    return Parsed(
        frames={"session_costs": frame},
        settles=(page,) if is_full else (page, *later),
        as_of=meta.as_of,
        warnings=(*unknown_fields([answer, meta, *costs], NAME), *cut),
        citation=f"{citation(meta.as_of, DATA_API)} Licensed under CC BY 4.0.",
    )


SOURCES = (
    Source(
        name=NAME,
        needs_key=True,
        cadence=Cadence.SNAPSHOT,
        plan=plan,
        exchange=walk(plan),
        parse=parse,
        tables=("session_costs",),
        series=PAGES,
        later_pages=frozenset(PAGES[1:]),
    ),
)
