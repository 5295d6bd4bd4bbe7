"""Benchmark scores of models, from Artificial Analysis, Design Arena and OpenRouter's own runs, in one long table."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import Discriminator, Field, StringConstraints, Tag

from pipeline.archive import Fetch
from pipeline.contracts import WHOLE, Instant, Parsed, Payload, printable, read_json, require_unique, unknown_fields
from pipeline.errors import ContractBrokenError
from pipeline.sources.base import Cadence, Request, Source, Want, require_ok, walk
from pipeline.sources.models import Name

if TYPE_CHECKING:
    from polars._typing import PolarsDataType

NAME = "benchmarks"
PATH = "/api/v1/benchmarks"
# What OpenRouter's guide names as the default and the largest number of rows; its API description knows no limit.
GUIDE_LIMITS = (50, 100)

# Parts of a key: without a slash, so that they can be put together with one.
Part = Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x1f]{1,200}$")]
Index = Annotated[float, Field(ge=-1e4, le=1e4, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Cost = Annotated[float, Field(ge=0, lt=1e9, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, lt=2**53)]


class Entry(Payload):
    """What all rows have; Design Arena's own id stands in for a slug that OpenRouter does not know."""

    model_permaslug: Name
    display_name: Name


class ArtificialAnalysis(Entry):
    """Three indices of a model, each null where it was not measured."""

    source: Literal["artificial-analysis"]
    intelligence_index: Index | None
    coding_index: Index | None
    agentic_index: Index | None
    pricing: Any = None


class DesignArena(Entry):
    """A model's standing in one category of an arena."""

    source: Literal["design-arena"]
    arena: Part
    category: Name
    elo: Index
    win_rate: Percent
    avg_generation_time_ms: Any = None
    tournament_stats: Any = None
    pricing: Any = None


class ClassicRun(Entry):
    """OpenRouter's own run of a benchmark."""

    source: Literal["openrouter"]
    benchmark_type: Name
    accuracy: Fraction
    accuracy_stddev: Fraction | None
    avg_cost_per_task: Cost | None
    total_tasks: Count
    last_run_timestamp: Instant
    run_config: Any = None


class RunConfig(Payload):
    """How the model was driven."""

    max_agent_turns: Count | None = None
    reasoning_effort: Name | None = None
    temperature: Index | None = None

    def __str__(self) -> str:
        known = {name: getattr(self, name) for name in RunConfig.model_fields}
        return " ".join(f"{name}={value}" for name, value in known.items() if value is not None)


class SearchRun(Entry):
    """OpenRouter's own run of a benchmark of web search, which depends on the engine."""

    source: Literal["openrouter"]
    benchmark_type: Name
    primary_metric: Literal["accuracy", "f1_by_item"]
    primary_score: Fraction
    avg_cost_per_task: Cost | None
    total_tasks: Count
    last_run_timestamp: Instant
    search_engine: Part
    search_surface: Part
    run_config: RunConfig | None = None
    avg_latency_per_task_ms: Any = None


class UnknownEntry(Payload):
    """A row of a source that this version does not know."""

    source: Name


def _kind(row: Any) -> str:
    source = row.get("source") if isinstance(row, dict) else None
    if source == "openrouter":
        return "search" if "primary_score" in row else "classic"
    return source if source in ("artificial-analysis", "design-arena") else "unknown"


AnyEntry = Annotated[
    Annotated[ArtificialAnalysis, Tag("artificial-analysis")]
    | Annotated[DesignArena, Tag("design-arena")]
    | Annotated[ClassicRun, Tag("classic")]
    | Annotated[SearchRun, Tag("search")]
    | Annotated[UnknownEntry, Tag("unknown")],
    Discriminator(_kind),
]


class Meta(Payload):
    """When the answer was made, and how many models it is about."""

    as_of: Instant
    version: Literal["v1"]
    model_count: Count
    citation: Name | None = None
    source: Any = None
    source_url: Any = None
    task_type: Any = None


class Benchmarks(Payload):
    """The whole answer."""

    data: list[AnyEntry]
    meta: Meta


class Score(NamedTuple):
    """One row of raw.benchmarks; `metric` says on which scale the score is."""

    benchmark_source: str
    benchmark: str
    arena: str | None
    category: str | None
    search_engine: str | None
    search_surface: str | None
    run_config: str | None
    model_permaslug: str
    display_name: str
    metric: str
    score: float
    score_stddev: float | None = None
    total_tasks: int | None = None
    avg_cost_per_task_usd: float | None = None
    last_run_at: datetime | None = None


KEY = Score._fields[: Score._fields.index("metric")]


def plan(want: Want) -> list[Request]:
    """Ask for everything at once, with how the runs were made.

    `max_results` is left out: by OpenRouter's API description that gives all rows. Its guide says 50; `parse`
    warns of an answer that may have been cut.
    """
    return [Request(PATH, {"include_run_config": "true"}, {"series": WHOLE})] if want.cells else []


def parse(fetch: Fetch, body: bytes) -> Parsed:
    """Return one row a score, for raw.benchmarks; what was not measured has none."""
    import polars as pl

    require_ok(fetch.status, body, NAME)
    answer = read_json(Benchmarks, body, NAME)
    entries, meta = answer.data, answer.meta
    scores = [score for entry in entries for score in _scores(entry)]
    if not scores:
        raise ContractBrokenError(f"{NAME} has no rows: empty is an error, not a day without scores.")
    floats = {"score", "score_stddev", "avg_cost_per_task_usd"}
    types: dict[str, PolarsDataType] = dict.fromkeys(floats, pl.Float64)
    types |= {"total_tasks": pl.Int64, "last_run_at": pl.Datetime("ms")}
    frame = pl.DataFrame(scores, orient="row", schema={name: types.get(name, pl.String) for name in Score._fields})
    require_unique(frame, KEY, NAME)
    configs = [entry.run_config for entry in entries if isinstance(entry, SearchRun) and entry.run_config]
    known = [entry for entry in entries if not isinstance(entry, UnknownEntry)]
    return Parsed(
        frames={"benchmarks": frame},
        settles=(WHOLE,),
        as_of=meta.as_of,
        warnings=(*unknown_fields([answer, meta, *known, *configs], NAME), *_doubts(entries, meta.model_count)),
        citation=meta.citation,
    )


def _scores(entry: Payload) -> Iterable[Score]:
    if isinstance(entry, ArtificialAnalysis):
        for name in ("intelligence_index", "coding_index", "agentic_index"):
            if (index := getattr(entry, name)) is not None:
                yield _score(entry, entry.source, name, "index", index)
    elif isinstance(entry, DesignArena):
        lane = {"arena": entry.arena, "category": entry.category}
        yield _score(entry, entry.source, "elo", "elo", entry.elo, **lane)
        yield _score(entry, entry.source, "win_rate", "percent", entry.win_rate, **lane)
    elif isinstance(entry, ClassicRun):
        run = {**_run(entry), "score_stddev": entry.accuracy_stddev}
        yield _score(entry, entry.source, entry.benchmark_type, "accuracy", entry.accuracy, **run)
    elif isinstance(entry, SearchRun):
        lane = {"search_engine": entry.search_engine, "search_surface": entry.search_surface}
        config = str(entry.run_config) if entry.run_config else ""
        run = {**_run(entry), **lane, "run_config": config or None}
        yield _score(entry, entry.source, entry.benchmark_type, entry.primary_metric, entry.primary_score, **run)


def _score(entry: Entry, source: str, benchmark: str, metric: str, score: float, **more: Any) -> Score:
    plain: dict[str, Any] = dict.fromkeys(("arena", "category", "search_engine", "search_surface", "run_config"))
    return Score(
        benchmark_source=source,
        benchmark=benchmark,
        model_permaslug=entry.model_permaslug,
        display_name=entry.display_name,
        metric=metric,
        score=score,
        **(plain | more),
    )


def _run(entry: ClassicRun | SearchRun) -> dict[str, Any]:
    return {
        "total_tasks": entry.total_tasks,
        "avg_cost_per_task_usd": entry.avg_cost_per_task,
        "last_run_at": entry.last_run_timestamp.astimezone(UTC).replace(tzinfo=None),
    }


def _doubts(entries: list[AnyEntry], model_count: int) -> list[str]:
    """Say what may be missing."""
    doubts = []
    unknown = sorted({printable(entry.source) for entry in entries if isinstance(entry, UnknownEntry)})
    if unknown:
        doubts.append(f"{NAME} holds rows of unknown sources, which were not landed: {', '.join(unknown)}.")
    models = {entry.model_permaslug for entry in entries if not isinstance(entry, UnknownEntry)}
    if not unknown and len(models) != model_count:
        doubts.append(f"{NAME} says that it is about {model_count} models, and names {len(models)}.")
    if len(entries) in GUIDE_LIMITS:
        doubts.append(f"{NAME} holds {len(entries)} rows, a limit that the guide names: there may be more.")
    return doubts


SOURCES = (
    Source(
        name=NAME,
        needs_key=True,
        cadence=Cadence.SNAPSHOT,
        plan=plan,
        exchange=walk(plan),
        parse=parse,
        tables=("benchmarks",),
    ),
)
