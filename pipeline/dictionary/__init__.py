"""The data dictionary: one HTML page with every table, its columns, and where they come from.

It is made from the SQL and the registry of the sources alone, and holds no figure. The page asks for nothing: style,
script and picture are in it, and its own policy forbids everything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import fitting, models, warehouse
from pipeline.dictionary.drawing import draw
from pipeline.lineage import FAMILIES, Origin, column_origins, graph, is_published, sources_of, turned
from pipeline.models import Model
from pipeline.reference import short, unit
from pipeline.settings import APP_NAME
from pipeline.sources import SOURCES

if TYPE_CHECKING:
    from markupsafe import Markup

HERE = Path(__file__).parent
# The tables that are not published, by what they are for, from the last to be made to the first.
BEHIND = {
    "claims": "Behind it: one table a claim",
    "fitted": "Behind it: fitted by a statistics library",
    "intermediate": "Behind it: intermediate",
    "staging": "Behind it: staging, the newest state of each answer",
    "curated": "Behind it: curated by hand",
    "raw": "Behind it: raw, every answer as it landed",
}


@dataclass(frozen=True)
class Column:
    """One column; `origins` are the columns that it is made of, by table."""

    name: str
    type: str
    unit: str
    meaning: str
    formula: str
    origins: dict[str, list[str]]


@dataclass(frozen=True)
class Table:
    """One table with what it reads and what reads it."""

    model: Model
    sources: list[str]
    reads: list[str]
    readers: list[str]
    columns: list[Column]

    @property
    def is_fitted(self) -> bool:
        """Whether it is built only where the extra of the statistics is installed."""
        return self.model.schema == models.FITTED or self.model.name in fitting.marts()


def page() -> str:
    """Return the whole page; the types of its columns are those of an empty build."""
    known = models.load(models.sql_dir())
    return render(known, warehouse.column_types(known))


def render(known: Mapping[str, Model], types: Mapping[str, Mapping[str, str]]) -> str:
    """Return the page of some models and the types of their columns."""
    from pipeline import html

    reads = graph(known)
    tables = _tables(known, types)
    sections = {family: [tables[name] for name in names] for family, names in FAMILIES.items()}
    sections |= {
        title: [one for one in tables.values() if one.model.schema == schema] for schema, title in BEHIND.items()
    }
    return html.page(
        HERE,
        {"with_code": _with_code},
        sections=sections,
        sources=SOURCES.values(),
        drawing=draw(known, reads),
        short=short,
        is_published=is_published,
        published_count=sum(map(is_published, tables)),
        count=len(tables),
        version=version(APP_NAME),
    )


def _tables(known: Mapping[str, Model], types: Mapping[str, Mapping[str, str]]) -> dict[str, Table]:
    reads = graph(known)
    readers = turned(reads)
    return {
        name: Table(
            known[name],
            sources_of(reads, name),
            [one for one in reads if one in reads[name]],
            [one for one in reads if one in readers[name]],
            _columns(known, known[name], types[name]),
        )
        for name in reads
    }


def _columns(known: Mapping[str, Model], model: Model, types: Mapping[str, str]) -> list[Column]:
    formulas = models.formulas(model) if model.kind not in ("ledger", models.FITTED) else {}
    origins = column_origins(known, model)
    return [
        Column(name, types[name].lower(), unit(name), meaning, formulas.get(name, ""), _by_table(origins[name]))
        for name, meaning in models.column_docs(known, model).items()
    ]


def _by_table(origins: list[Origin]) -> dict[str, list[str]]:
    found: dict[str, Any] = {}
    for table, column in origins:
        found.setdefault(table, []).append(column)
    return found


def _with_code(text: str) -> Markup:
    """Return a text of our own words as HTML, what stands between backticks as code."""
    from markupsafe import Markup, escape

    parts = [
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(text.split("`"))
    ]
    return Markup("").join(parts)
