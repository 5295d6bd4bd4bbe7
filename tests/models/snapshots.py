"""Given answers of snapshot sources, expected rows: the SQL models that put the newest of each day together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from pipeline import models
from pipeline.contracts import WHOLE
from tests.models.harness import MODELS, Catalogue, insert, landed


@dataclass(frozen=True)
class Snapshot:
    """One answer of a source: the parts that it settles, and its rows by raw table without those of the load."""

    source: str
    fetched_at: datetime
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    series: Sequence[str] = (WHOLE,)
    origin: str | None = None


def built(select: Sequence[str], *given: Snapshot | Catalogue) -> duckdb.DuckDBPyConnection:
    """A warehouse in memory with the named marts and all that they read built, and their checks passed."""
    connection = landed(*(one for one in given if isinstance(one, Catalogue)))
    for number, snapshot in enumerate(one for one in given if isinstance(one, Snapshot)):
        load = {
            "as_of": snapshot.fetched_at,
            "fetched_at": snapshot.fetched_at,
            "load_id": f"snapshot-{number:04d}",
            "source": snapshot.source,
        }
        for table, rows in snapshot.tables.items():
            insert(connection, f"raw.{table}", [{**row, **load} for row in rows])
        outcome = "landed" if any(snapshot.tables.values()) else "absent"
        facts = {"series": list(snapshot.series), "outcome": outcome, "origin": snapshot.origin}
        insert(connection, "meta.loads", [{**load, **facts}])
    models.require_passed(models.build(connection, MODELS, [f"+{name}" for name in select]))
    return connection
