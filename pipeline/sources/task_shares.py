"""Task classifications: what models are used for, as shares of a trailing week. Sampled, without absolute volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from pipeline.archive import Fetch
from pipeline.contracts import (
    WHOLE,
    Day,
    Parsed,
    Payload,
    citation,
    read_json,
    require_unique,
    unknown_fields,
)
from pipeline.errors import ContractBrokenError
from pipeline.sources.base import Cadence, Request, Source, Want, require_ok, walk
from pipeline.sources.models import Name
from pipeline.sources.rankings_daily import Slug

if TYPE_CHECKING:
    from polars._typing import PolarsDataType

NAME = "task-shares"
PATH = "/api/v1/classifications/task"
WINDOW_DAYS = 7

# The shares are computed floats: one may pass 1 by an error of the last place, and a sum by that of rounding.
Share = Annotated[float, Field(ge=0, le=1 + 1e-6, allow_inf_nan=False)]
SUM_TOLERANCE = 0.02


class TaggedModel(Payload):
    """What part of a task's use fell to one of its largest models."""

    id: Slug
    tag_usage_share: Share
    tag_token_share: Share


class Task(Payload):
    """One task: its share of all classified use, its share of its category, and its largest models."""

    tag: Name
    display_name: Name
    macro_category: Name
    usage_share: Share
    token_share: Share
    category_usage_share: Share
    category_token_share: Share
    models: list[TaggedModel]


class MacroCategory(Payload):
    """A group of tasks."""

    key: Name
    label: Name
    usage_share: Share
    token_share: Share


class Shares(Payload):
    """The trailing window that ends with the day `as_of`."""

    as_of: Day
    window_days: Literal[7]
    classifications: list[Task]
    macro_categories: list[MacroCategory]


class TaskShares(Payload):
    """The whole answer. It has no `meta`."""

    data: Shares


def plan(want: Want) -> list[Request]:
    """Ask for the only window that there is."""
    return [Request(PATH, {"window": f"{WINDOW_DAYS}d"}, {"series": WHOLE})] if want.cells else []


def parse(fetch: Fetch, body: bytes) -> Parsed:
    """Return the shares of tasks, of their categories, and of the largest models within a task.

    They go to raw.task_shares, raw.task_macro_shares and raw.task_model_shares, as shares from 0 to 1.
    """
    import polars as pl

    require_ok(fetch.status, body, NAME)
    answer = read_json(TaskShares, body, NAME)
    shares = answer.data
    fetched_at = datetime.fromisoformat(fetch.fetched_at)
    if not shares.classifications or not shares.macro_categories:
        raise ContractBrokenError(f"{NAME} has no rows: empty is an error, not a week without use.")
    if shares.as_of > fetched_at.date():
        raise ContractBrokenError(
            f"{NAME} ends with {shares.as_of}, after the day on which it was received. Nothing of it was landed."
        )
    _require_consistent(shares)
    window = (shares.as_of, shares.window_days)
    tasks = [
        (
            *window,
            task.tag,
            task.display_name,
            task.macro_category,
            task.usage_share,
            task.token_share,
            task.category_usage_share,
            task.category_token_share,
        )
        for task in shares.classifications
    ]
    macros = [
        (*window, macro.key, macro.label, macro.usage_share, macro.token_share) for macro in shares.macro_categories
    ]
    models = [
        (*window, task.tag, model.id, model.tag_usage_share, model.tag_token_share)
        for task in shares.classifications
        for model in task.models
    ]

    windowed: dict[str, PolarsDataType] = {"as_of_date": pl.Date, "window_days": pl.Int64}

    def schema(names: Iterable[str], measures: Iterable[str]) -> Mapping[str, PolarsDataType]:
        return windowed | dict.fromkeys(names, pl.String) | dict.fromkeys(measures, pl.Float64)

    frames = {
        "task_shares": pl.DataFrame(
            tasks,
            orient="row",
            schema=schema(
                ("tag", "display_name", "macro_category"),
                ("usage_share", "token_share", "category_usage_share", "category_token_share"),
            ),
        ),
        "task_macro_shares": pl.DataFrame(
            macros, orient="row", schema=schema(("macro_category", "label"), ("usage_share", "token_share"))
        ),
        "task_model_shares": pl.DataFrame(
            models, orient="row", schema=schema(("tag", "model_permaslug"), ("tag_usage_share", "tag_token_share"))
        ),
    }
    require_unique(frames["task_shares"], ["tag"], NAME)
    require_unique(frames["task_macro_shares"], ["macro_category"], NAME)
    require_unique(frames["task_model_shares"], ["tag", "model_permaslug"], NAME)
    expected = fetched_at.date() - timedelta(days=1)
    late = (f"{NAME} ends with {shares.as_of}, while {expected} was due.",) if shares.as_of < expected else ()
    payloads = [answer, shares, *shares.classifications, *shares.macro_categories]
    payloads += [model for task in shares.classifications for model in task.models]
    return Parsed(
        frames=frames,
        settles=(WHOLE,),
        # The answer names the day that its window ends with, and no instant.
        as_of=fetched_at,
        warnings=(*unknown_fields(payloads, NAME), *late),
        citation=citation(fetched_at),
    )


def _require_consistent(shares: Shares) -> None:
    """Raise ContractBrokenError where shares add up to more than a whole, or a task has an unlisted category."""
    for task in shares.classifications:
        _require_within_one(f"the models of {task.tag!r}", [model.tag_usage_share for model in task.models])
        _require_within_one(f"the models of {task.tag!r}", [model.tag_token_share for model in task.models])
    for what, parts in (("the tasks", shares.classifications), ("the categories", shares.macro_categories)):
        _require_within_one(what, [part.usage_share for part in parts])
        _require_within_one(what, [part.token_share for part in parts])
    listed = {macro.key for macro in shares.macro_categories}
    for task in shares.classifications:
        if task.macro_category not in listed:
            raise ContractBrokenError(
                f"{NAME} names the category {task.macro_category!r} without its shares. Nothing of it was landed."
            )


def _require_within_one(what: str, parts: Iterable[float]) -> None:
    total = sum(parts)
    if total > 1 + SUM_TOLERANCE:
        raise ContractBrokenError(
            f"{NAME}: the shares of {what} must not exceed 1 together, found {total:.4f}. Nothing of it was landed."
        )


SOURCES = (
    Source(
        name=NAME,
        needs_key=True,
        cadence=Cadence.SNAPSHOT,
        plan=plan,
        exchange=walk(plan),
        parse=parse,
        tables=("task_shares", "task_macro_shares", "task_model_shares"),
    ),
)
