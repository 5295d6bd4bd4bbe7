"""Given rows, expected rows: the SQL models on an in-memory DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import duckdb
import polars as pl

from pipeline import models
from pipeline.simulation import World

# What is fitted takes a statistics library and time; its own tests build it (ALL_MODELS).
ALL_MODELS = models.load(models.sql_dir())
MODELS = models.unfitted(ALL_MODELS)
FIRST = date(2025, 1, 1)
GROWTH = "+fct_token_growth_daily"

Board = Mapping[str, int]


def day(offset: int) -> date:
    """The day that many days after the first."""
    return FIRST + timedelta(offset)


def instant(offset: int, hour: int = 0, minute: int = 0) -> datetime:
    """An instant (UTC, without zone, as the tables hold it)."""
    return datetime.combine(day(offset), time(hour, minute))


@dataclass(frozen=True)
class Rankings:
    """One answer: the boards of some days, all as of one instant."""

    boards: Mapping[date, Board]
    as_of: datetime
    fetched_at: datetime | None = None
    load_id: str | None = None
    source: str = "rankings-daily"
    is_simulated: bool = False
    citation: str | None = "Source: OpenRouter"
    origin: str | None = None


@dataclass(frozen=True)
class Catalogue:
    """One catalogue: a slug, with what differs from a plain model where anything does."""

    fetched_at: datetime
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    load_id: str | None = None
    origin: str | None = None


def boards(listed: Sequence[Board | None], start: int = 0) -> dict[date, Board]:
    """Boards of consecutive days; None leaves a day out."""
    return {day(start + offset): board for offset, board in enumerate(listed) if board is not None}


def final(listed: Mapping[date, Board], **more: Any) -> Rankings:
    """Boards in one answer, so late that none of them is provisional."""
    as_of = datetime.combine(max(listed) + timedelta(2), time())
    return Rankings(listed, **{"as_of": as_of, **more})


def catalogue_entry(slug: str, **traits: Any) -> dict[str, Any]:
    """A row of raw.models without its load: a plain model where `traits` say nothing."""
    canonical, _, variant = slug.partition(":")
    plain = {
        "id": slug,
        "canonical_slug": canonical,
        "model_permaslug": slug,
        "name": canonical,
        "created_at": datetime(2024, 6, 1),
        "context_length_tokens": 1000,
        "prompt_usd_per_token": 0.0 if variant == "free" else 0.5,
        "completion_usd_per_token": 0.0 if variant == "free" else 1.5,
        "input_modalities": "text",
        "output_modalities": "text",
        "tokenizer": "Other",
        "is_reasoning_capable": False,
    }
    return {**plain, **traits}


def landed(*given: Rankings | Catalogue) -> duckdb.DuckDBPyConnection:
    """A warehouse in memory that holds what is given and nothing built."""
    connection = duckdb.connect()
    models.create_ledgers(connection, ALL_MODELS)
    landings: dict[str, list[dict[str, Any]]] = {"meta.loads": [], "raw.rankings_daily": [], "raw.models": []}
    for number, one in enumerate(given):
        load_id = one.load_id or f"load-{number:04d}"
        if isinstance(one, Rankings):
            facts = _facts(one.as_of, one.fetched_at or one.as_of, load_id, one.source)
            landings["raw.rankings_daily"] += [
                {"date": on, "model_permaslug": slug, "total_tokens": tokens, **facts}
                for on, board in one.boards.items()
                for slug, tokens in board.items()
            ]
            load = {"is_simulated": one.is_simulated, "citation": one.citation}
        else:
            facts = _facts(one.fetched_at, one.fetched_at, load_id, "models")
            landings["raw.models"] += [catalogue_entry(slug, **traits) | facts for slug, traits in one.models.items()]
            load = {"is_simulated": False, "citation": None}
        landings["meta.loads"].append({**facts, "outcome": "landed", "origin": one.origin, **load})
    for table, rows in landings.items():
        insert(connection, table, rows)
    return connection


def _facts(as_of: datetime, fetched_at: datetime, load_id: str, source: str) -> dict[str, Any]:
    return {"as_of": as_of, "fetched_at": fetched_at, "load_id": load_id, "source": source}


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of the same names; the columns that they lack stay null."""
    if rows:
        connection.register("given", pl.DataFrame(rows, infer_schema_length=None))
        connection.execute(f"insert into {table} by name select * from given")
        connection.unregister("given")


def built(*given: Rankings | Catalogue, select: Iterable[str] = ()) -> duckdb.DuckDBPyConnection:
    """A warehouse in memory with every model built and every check passed."""
    connection = landed(*given)
    models.require_passed(models.build(connection, MODELS, select))
    return connection


def rows(connection: duckdb.DuckDBPyConnection, table: str, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
    """Rows of a mart in the order of the named columns."""
    return connection.execute(f"select {columns} from marts.{table} where {where} order by all").fetchall()


def series(connection: duckdb.DuckDBPyConnection, entity: str, columns: str) -> list[Any]:
    """What the growth table says of an entity (`dimension entity`) on each day; bare values for one column."""
    dimension, _, name = entity.partition(" ")
    query = f"select {columns} from marts.fct_token_growth_daily where dimension = ? and entity = ? order by date"
    found = connection.execute(query, [dimension, name]).fetchall()
    return [row[0] for row in found] if found and len(found[0]) == 1 else found


def world_days(world: World, first: int, last: int) -> list[date]:
    """Days of a world, by their distance from its first."""
    return [world.first_day + timedelta(offset) for offset in range(first, last + 1)]


def world_boards(world: World, days: Iterable[date]) -> dict[date, Board]:
    """Final rankings of a world."""
    return {on: dict(world.ranked(on, datetime.combine(on + timedelta(2), time(), UTC))) for on in days}


def world_catalogues(world: World, days: Iterable[date]) -> Iterator[Catalogue]:
    """A world's catalogue on the morning of each day, at the hour of the daily run."""
    for on in days:
        fetched_at = datetime.combine(on, time(7, 45), UTC)
        listed = {}
        for entry in world.catalogue(fetched_at):
            _, colon, variant = entry["id"].partition(":")
            listed[f"{entry['canonical_slug']}{colon}{variant}"] = {
                "id": entry["id"],
                "created_at": datetime.fromtimestamp(entry["created"], UTC).replace(tzinfo=None),
                "prompt_usd_per_token": float(entry["pricing"]["prompt"]),
                "completion_usd_per_token": float(entry["pricing"]["completion"]),
                "output_modalities": ",".join(sorted(entry["architecture"]["output_modalities"])),
                "tokenizer": entry["architecture"]["tokenizer"],
                "hugging_face_id": entry["hugging_face_id"],
                "is_reasoning_capable": "reasoning" in entry["supported_parameters"],
                "alias_target_slug": entry.get("alias_target", {}).get("slug"),
            }
        yield Catalogue(fetched_at.replace(tzinfo=None), listed)
