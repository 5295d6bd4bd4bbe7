"""Rankings of applications: a day at a time, by category, and OpenRouter's list of those that grow most. With a key.

Ranks 1 to 200 can be asked, in two pages. Applications opt in to be listed; their ids last, their names do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StringConstraints

from pipeline.archive import Fetch
from pipeline.contracts import (
    MAX_TOKENS_A_DAY,
    WHOLE,
    Parsed,
    Payload,
    citation,
    read_json,
    require_all,
    require_unique,
    unknown_fields,
)
from pipeline.errors import ContractBrokenError
from pipeline.sources.base import Cadence, Request, Source, Want, require_ok, walk
from pipeline.sources.rankings_daily import Meta, TokenString

if TYPE_CHECKING:
    import polars as pl

NAME = "app-rankings"
CATEGORIES_NAME = "app-categories"
TRENDING_NAME = "app-trending"
PATH = "/api/v1/datasets/app-rankings"
CITED = "OpenRouter (openrouter.ai/apps)"
PAGE_ROWS = 100
PAGES = ("1", "2")
TRENDING_DAYS = 7
DAY = timedelta(days=1)

CATEGORY_OF = {
    "cli-agent": "coding",
    "ide-extension": "coding",
    "cloud-agent": "coding",
    "programming-app": "coding",
    "native-app-builder": "coding",
    "creative-writing": "creative",
    "video-gen": "creative",
    "image-gen": "creative",
    "audio-gen": "creative",
    "writing-assistant": "productivity",
    "general-chat": "productivity",
    "personal-agent": "productivity",
    "legal": "productivity",
    "roleplay": "entertainment",
    "game": "entertainment",
}
CATEGORIES = tuple(dict.fromkeys(CATEGORY_OF.values()))
PARTS = (*CATEGORIES, *CATEGORY_OF)


class RankedApp(Payload):
    """Use of one application in the window."""

    rank: Annotated[int, Field(ge=1, le=len(PAGES) * PAGE_ROWS)]
    app_id: Annotated[int, Field(ge=0, lt=2**62)]
    app_name: Annotated[str, StringConstraints(max_length=2000)]
    total_tokens: TokenString
    total_requests: Annotated[int, Field(ge=0, lt=2**53)]


class AppRankings(Payload):
    """One page."""

    data: list[RankedApp]
    meta: Meta


def plan(want: Want) -> list[Request]:
    """Ask for each wanted day by itself, the newest first, page by page: a window is not a day."""
    requests = [
        _request(page, {}, page, day, day)
        for day in sorted(want.days, reverse=True)
        for page in PAGES
        if day in want.cells.get(page, ())
    ]
    return requests[: want.max_calls]


def plan_categories(want: Want) -> list[Request]:
    """Ask for the last complete day of each category and subcategory, page by page."""
    yesterday = want.now.date() - DAY
    requests = []
    for series in CATEGORY_SERIES:
        if series in want.cells:
            part, page = series.split()
            kind = "subcategory" if part in CATEGORY_OF else "category"
            requests.append(_request(page, {kind: part}, series, yesterday, yesterday))
    return requests[: want.max_calls]


def plan_trending(want: Want) -> list[Request]:
    """Ask once for the applications that exceed their past by most in the last complete week."""
    yesterday = want.now.date() - DAY
    start = yesterday - (TRENDING_DAYS - 1) * DAY
    return [_request("1", {"sort": "trending"}, WHOLE, start, yesterday)] if want.cells else []


def _request(page: str, params: dict[str, str], series: str, start: date, end: date) -> Request:
    window = {"start_date": str(start), "end_date": str(end)}
    place = {"limit": str(PAGE_ROWS), "offset": str((int(page) - 1) * PAGE_ROWS)}
    return Request(PATH, {**params, **window, **place}, {"series": series, **window})


def parse(fetch: Fetch, body: bytes) -> Parsed:
    """Return a page of a day for raw.app_rankings_daily; a page that is not full settles the one behind it.

    Where newer days are held, a refusal of the window says that the series begins later, and an empty list that there
    is a gap, or that it begins later.
    """
    page = fetch.context["series"]
    day = date.fromisoformat(fetch.context["start_date"])
    settles = PAGES[PAGES.index(page) :]
    what = f"{NAME} of {day}, page {page}"
    is_older = bool(fetch.context.get("is_older"))
    if is_older and fetch.status == 400:
        return Parsed(settles=settles, is_absent=True, floor_date=day + DAY)
    answer = _read(fetch, body, what)
    if not answer.data and page == PAGES[0]:
        if is_older:
            return Parsed(settles=settles, is_absent=True)
        raise ContractBrokenError(f"{what} has no rows: empty is an error, not a day without use.")
    return _page(answer, what, settles, day, table="app_rankings_daily", page=page)


def parse_categories(fetch: Fetch, body: bytes) -> Parsed:
    """Return a page of a category or subcategory for raw.app_categories; nothing of a subcategory that is empty."""
    series = fetch.context["series"]
    part, page = series.split()
    day = date.fromisoformat(fetch.context["start_date"])
    what = f"{CATEGORIES_NAME} of {part}, page {page}"
    answer = _read(fetch, body, what)
    if not answer.data and part in CATEGORIES and page == PAGES[0]:
        raise ContractBrokenError(f"{what} has no rows: empty is an error, not a category without apps.")
    settles = tuple(f"{part} {number}" for number in PAGES[PAGES.index(page) :])
    labels = {"part": part, "category": CATEGORY_OF.get(part, part)}
    return _page(answer, what, settles, day, table="app_categories", page=page, **labels)


def parse_trending(fetch: Fetch, body: bytes) -> Parsed:
    """Return the list for raw.app_trending: rank by excess, tokens of the whole window."""
    import polars as pl

    answer = _read(fetch, body, TRENDING_NAME)
    if not answer.data:
        raise ContractBrokenError(f"{TRENDING_NAME} has no rows: empty is an error, not a week without growth.")
    meta = answer.meta
    window = {"window_start_date": meta.start_date, "window_end_date": meta.end_date}
    frame = _frame(answer.data, TRENDING_NAME, first_rank=1)
    return Parsed(
        frames={"app_trending": frame.select(*(pl.lit(on).alias(name) for name, on in window.items()), pl.all())},
        settles=(WHOLE,),
        as_of=meta.as_of,
        first_date=meta.start_date,
        last_date=meta.end_date,
        warnings=unknown_fields([answer, meta, *answer.data], TRENDING_NAME),
        citation=citation(answer.meta.as_of, CITED),
    )


def _read(fetch: Fetch, body: bytes, what: str) -> AppRankings:
    """Return an answer that covers the window that was asked, and no other."""
    require_ok(fetch.status, body, what)
    answer = read_json(AppRankings, body, what)
    meta = answer.meta
    covered, today = (str(meta.start_date), str(meta.end_date)), meta.as_of.date()
    asked = tuple(fetch.context.get(name, on) for name, on in zip(("start_date", "end_date"), covered, strict=True))
    if covered != asked:
        raise ContractBrokenError(
            f"{what} covers {' to '.join(covered)}, while {' to '.join(asked)} was asked. Nothing of it was landed."
        )
    if meta.end_date > today or meta.start_date > meta.end_date:
        raise ContractBrokenError(f"{what} covers {' to '.join(covered)}, as of {today}. Nothing of it was landed.")
    return answer


def _page(
    answer: AppRankings, what: str, settles: Sequence[str], day: date, *, table: str, page: str, **labels: str
) -> Parsed:
    import polars as pl

    rows = answer.data
    is_full = len(rows) == PAGE_ROWS
    frames = {}
    if rows:
        frame = _frame(rows, what, first_rank=(int(page) - 1) * PAGE_ROWS + 1)
        require_all(
            frame,
            pl.col("total_tokens") <= pl.col("total_tokens").shift(1, fill_value=MAX_TOKENS_A_DAY),
            what,
            "apps are ranked by tokens",
        )
        names = {**labels, "page": page}
        columns = [pl.lit(day).alias("date"), *(pl.lit(text).alias(name) for name, text in names.items())]
        frames = {table: frame.select(*columns, pl.all())}
    return Parsed(
        frames=frames,
        settles=tuple(settles[:1] if is_full else settles),
        as_of=answer.meta.as_of,
        first_date=day,
        last_date=day,
        is_absent=not rows,
        warnings=unknown_fields([answer, answer.meta, *rows], what),
        citation=citation(answer.meta.as_of, CITED),
    )


def _frame(rows: Sequence[RankedApp], what: str, first_rank: int) -> pl.DataFrame:
    """Return the columns rank, app_id, app_name, total_tokens and total_requests of one page."""
    import polars as pl

    if len(rows) > PAGE_ROWS:
        raise ContractBrokenError(f"{what} holds {len(rows)} rows on a page of {PAGE_ROWS}. Nothing of it was landed.")
    frame = pl.DataFrame(
        {
            "rank": [row.rank for row in rows],
            "app_id": [row.app_id for row in rows],
            "app_name": [row.app_name for row in rows],
            "total_tokens": [int(row.total_tokens) for row in rows],
            "total_requests": [row.total_requests for row in rows],
        },
        schema={
            "rank": pl.Int64,
            "app_id": pl.Int64,
            "app_name": pl.String,
            "total_tokens": pl.Int64,
            "total_requests": pl.Int64,
        },
    )
    require_unique(frame, ["app_id"], what)
    ranks = pl.int_range(first_rank, pl.len() + first_rank)
    require_all(frame, pl.col("rank") == ranks, what, f"ranks go up from {first_rank} one by one")
    require_all(
        frame, pl.col("total_tokens") < MAX_TOKENS_A_DAY, what, f"an app has less than {MAX_TOKENS_A_DAY:.0e} tokens"
    )
    return frame


CATEGORY_SERIES = tuple(f"{part} {page}" for part in PARTS for page in PAGES)

SOURCES = (
    Source(
        name=CATEGORIES_NAME,
        needs_key=True,
        cadence=Cadence.SNAPSHOT,
        series=CATEGORY_SERIES,
        later_pages=frozenset(series for series in CATEGORY_SERIES if not series.endswith(" 1")),
        plan=plan_categories,
        exchange=walk(plan_categories),
        parse=parse_categories,
        tables=("app_categories",),
    ),
    Source(
        name=TRENDING_NAME,
        needs_key=True,
        cadence=Cadence.SNAPSHOT,
        plan=plan_trending,
        exchange=walk(plan_trending),
        parse=parse_trending,
        tables=("app_trending",),
    ),
    Source(
        name=NAME,
        needs_key=True,
        cadence=Cadence.DAY,
        series=PAGES,
        later_pages=frozenset(PAGES[1:]),
        run_days=14,
        refetched_days=2,
        published_after=timedelta(hours=1),
        plan=plan,
        exchange=walk(plan),
        parse=parse,
        tables=("app_rankings_daily",),
    ),
)
