"""Answers on apps, context lengths, modalities and kinds of use, landed beside daily rankings and catalogues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from pipeline import models
from tests.models.harness import MODELS, Board, Catalogue, Rankings, day, insert, instant, landed

LATE = instant(60)
BUCKETS = ("1K", "10K", "100K", "1M", "10M")
MODALITIES = ("text", "image", "image_output", "audio", "tool_calling")


@dataclass(frozen=True)
class Answer:
    """One answer: the parts of the source that it settles, and its rows without those of the load."""

    source: str
    table: str
    series: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    as_of: datetime
    covers: date | None = None
    fetched_at: datetime | None = None
    origin: str | None = None
    last_date: date | None = None  # where it covers more than one day
    floor_date: date | None = None


def ranked(used: Mapping[int, int], first_rank: int = 1, **names: str) -> list[dict[str, Any]]:
    """A list of apps by number and tokens, 10 tokens a request; named by number where `names` do not say (`n7=`)."""
    return [
        {
            "rank": rank,
            "app_id": app_id,
            "app_name": names.get(f"n{app_id}", f"App {app_id}"),
            "total_tokens": tokens,
            "total_requests": tokens // 10,
        }
        for rank, (app_id, tokens) in enumerate(used.items(), start=first_rank)
    ]


def page(
    number: int,
    on: int,
    used: Mapping[int, int],
    as_of: datetime = LATE,
    *,
    is_last: bool = False,
    fetched_at: datetime | None = None,
    origin: str | None = None,
    **names: str,
) -> Answer:
    """A page of a day's app rankings; the last one settles those behind it."""
    listed = ranked(used, 100 * (number - 1) + 1, **names)
    rows_of_page = [{"date": day(on), "page": str(number), **row} for row in listed]
    series = ["1", "2"][number - 1 : 2 if is_last else number]
    return Answer("app-rankings", "app_rankings_daily", series, rows_of_page, as_of, day(on), fetched_at, origin)


def whole(on: int, used: Mapping[int, int], as_of: datetime = LATE, **more: Any) -> Answer:
    """A day's app rankings that need one page only."""
    return page(1, on, used, as_of, is_last=True, **more)


def part(
    name: str, at: datetime, used: Mapping[int, int], number: int = 1, *, is_last: bool = True, **more: Any
) -> Answer:
    """A page of a category, or of a subcategory as `category/subcategory`; the last one settles those behind it."""
    category, _, subcategory = name.partition("/")
    label = subcategory or category
    origin, names = more.pop("origin", None), more
    used_on = at.date() - timedelta(1)
    listed = [
        {"date": used_on, "part": label, "category": category, "page": str(number), **row}
        for row in ranked(used, 100 * (number - 1) + 1, **names)
    ]
    series = [f"{label} {later}" for later in range(number, 3 if is_last else number + 1)]
    return Answer("app-categories", "app_categories", series, listed, at, used_on, None, origin)


def filtered(
    source: str,
    dimension: str,
    name: str,
    given: Mapping[date, Board],
    as_of: datetime,
    *,
    floor_date: date | None = None,
    origin: str | None = None,
) -> Answer:
    """The boards of some dates of a slice; without boards it shows a floor only."""
    is_weekly = dimension in ("category", "language_type")
    table, on = ("estimates_weekly", "week_start_date") if is_weekly else ("filtered_daily", "date")
    listed = [
        {on: at, "dimension": dimension, "slice": name, "model_permaslug": slug, "total_tokens": tokens}
        for at, board in given.items()
        for slug, tokens in board.items()
    ]
    first, last = (min(given), max(given)) if given else (None, None)
    return Answer(source, f"rankings_{table}", [name], listed, as_of, first, None, origin, last, floor_date)


def bucket(name: str, given: Mapping[date, Board], as_of: datetime = LATE, **more: Any) -> Answer:
    """The daily boards of a context bucket."""
    return filtered("rankings-contexts", "context_bucket", name, given, as_of, **more)


def modality(name: str, given: Mapping[date, Board], as_of: datetime = LATE, **more: Any) -> Answer:
    """The daily boards of a modality."""
    return filtered("rankings-modalities", "modality", name, given, as_of, **more)


def built(*given: Answer | Rankings | Catalogue, select: Iterable[str]) -> duckdb.DuckDBPyConnection:
    """A warehouse in memory with what is given landed, what is selected built, and every check passed."""
    connection = landed(*(one for one in given if not isinstance(one, Answer)))
    loads: list[dict[str, Any]] = []
    landings: dict[str, list[dict[str, Any]]] = {}
    for number, one in enumerate(one for one in given if isinstance(one, Answer)):
        load = {
            "as_of": one.as_of,
            "fetched_at": one.fetched_at or one.as_of,
            "load_id": f"answer-{number:03d}",
            "source": one.source,
        }
        landings.setdefault(f"raw.{one.table}", []).extend({**row, **load} for row in one.rows)
        settled = {"outcome": "landed" if one.rows else "absent", "series": list(one.series), "origin": one.origin}
        dates = {"first_date": one.covers, "last_date": one.last_date or one.covers, "floor_date": one.floor_date}
        loads.append({**load, **settled, **dates, "is_simulated": False})
    for table, landing in (landings | {"meta.loads": loads}).items():
        insert(connection, table, landing)
    models.require_passed(models.build(connection, MODELS, select))
    return connection
