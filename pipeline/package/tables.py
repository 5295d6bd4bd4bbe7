"""The tables of a package: what the published file says of them, and their files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline import models
from pipeline.package.folder import Writer
from pipeline.rendering import clean, defused, json_text
from pipeline.settings import APP_NAME
from pipeline.warehouse import frame_of, last_build, rows_of

if TYPE_CHECKING:
    import duckdb

# Of schema meta what readers need; the rest is how this home was run.
META_TABLES = ("contract", "sources")

DAYS = """
select
    min(date) as first_date,
    max(date) as last_date,
    min(date) filter (where is_provisional) as provisional_from
from marts.dim_date
where is_loaded
"""
COLUMNS = """
select
    columns.schema_name,
    columns.table_name,
    coalesce(tables.comment, views.comment) as table_comment,
    columns.column_name,
    columns.data_type,
    columns.comment
from duckdb_columns() as columns
left join duckdb_tables() as tables
    on columns.schema_name = tables.schema_name and columns.table_name = tables.table_name
left join duckdb_views() as views
    on columns.schema_name = views.schema_name and columns.table_name = views.view_name
where columns.schema_name in ('marts', 'meta')
order by columns.schema_name, columns.table_name, columns.column_index
"""


@dataclass(frozen=True)
class Edition:
    """What the published file says of itself: the row of its contract, of its build, and the days that it holds."""

    contract: Mapping[str, Any]
    build: Mapping[str, Any]
    days: Mapping[str, date | None]

    @property
    def is_simulated(self) -> bool:
        """Tell whether the figures are made up."""
        return bool(self.contract["is_simulated"])

    @property
    def name(self) -> str:
        """Name of the package; what is made up has another one, and never takes the place of what is not."""
        return f"{APP_NAME}-simulated" if self.is_simulated else APP_NAME

    @property
    def version(self) -> str:
        """Semantic version: that of the tables' contract, and the instant of their build."""
        return f"{self.contract['contract_version']}+{self.build['built_at']:%Y%m%dT%H%M%SZ}"

    @property
    def places(self) -> list[tuple[str, str]]:
        """Each line to cite, on one line of printable text, and the address that it names."""
        lines = [] if self.is_simulated else self.contract["citations"]
        found = [(clean(line), re.search(r"\((openrouter\.ai[\w./-]*)\)", line)) for line in lines]
        return [(line, f"https://{place[1] if place else 'openrouter.ai'}") for line, place in found]


@dataclass(frozen=True)
class Column:
    """One column, its type as DuckDB names it."""

    name: str
    type: str
    description: str


@dataclass(frozen=True)
class Table:
    """One published table or view; `grain` names its rows."""

    schema: str
    name: str
    description: str
    columns: Sequence[Column]
    grain: Sequence[str]

    @property
    def is_by_year(self) -> bool:
        """Tell whether every day may add many rows."""
        return "date" in self.grain and len(self.grain) > 1

    @property
    def sql(self) -> str:
        """Return the query for all rows in the order of the grain; an interval as ISO 8601, for Polars knows none."""
        columns = [
            f"'PT' || (epoch({column.name}) / 60)::bigint || 'M' as {column.name}"
            if column.type == "INTERVAL"
            else column.name
            for column in self.columns
        ]
        return f"select {', '.join(columns)} from {self.schema}.{self.name} order by {', '.join(self.grain)}"  # noqa: S608


@dataclass
class Resource:
    """One table as it was written: its paths by format, and size and digest of its CSV read as one file.

    `references` are the tables whose rows its columns name.
    """

    table: Table
    rows: int
    references: Mapping[str, str]
    paths: dict[str, list[str]] = field(default_factory=dict)
    csv_bytes: int = 0
    csv_digest: Any = field(default_factory=hashlib.sha256)

    def add(self, form: str, path: str, content: bytes) -> None:
        """Note one more file. The standard reads several as one, with the header of the first."""
        others = self.paths.setdefault(form, [])
        if form == "csv":
            joined = content[content.index(b"\n") + 1 :] if others else content
            self.csv_bytes += len(joined)
            self.csv_digest.update(joined)
        others.append(path)


def edition_of(connection: duckdb.DuckDBPyConnection) -> Edition:
    """Return what the published file says of itself."""
    contract, days = (rows_of(connection, sql)[0] for sql in ("from meta.contract", DAYS))
    return Edition(contract, last_build(connection), days)


def published_tables(connection: duckdb.DuckDBPyConnection) -> dict[str, Table]:
    """Return by name what can be exported: every mart, views too, and of meta what readers need."""
    columns: dict[tuple[str, str, str], list[Column]] = {}
    for row in rows_of(connection, COLUMNS):
        key = (row["schema_name"], row["table_name"], row["table_comment"])
        columns.setdefault(key, []).append(Column(row["column_name"], row["data_type"], row["comment"]))
    known = models.load(models.sql_dir())
    return {
        name: Table(schema, name, description, described, known[f"{schema}.{name}"].grain)
        for (schema, name, description), described in columns.items()
        if f"{schema}.{name}" in known and (schema == "marts" or name in META_TABLES)
    }


def write(
    connection: duckdb.DuckDBPyConnection,
    edition: Edition,
    tables: Sequence[Table],
    forms: Sequence[str],
    writer: Writer,
) -> list[Resource]:
    """Write the files of all tables."""
    keys = {
        table.grain[0]: (table.name, frame_of(connection, table.sql)[table.grain[0]].implode())
        for table in tables
        if table.name.startswith("dim_") and len(table.grain) == 1 and table.grain != ["date"]
    }
    metadata = {"citation": " ".join(edition.contract["citations"]), "licence": edition.contract["licence"]}
    resources = []
    for table in tables:
        frame = frame_of(connection, table.sql)
        # Declared where every row keeps it: a dimension does not hold all that ever was.
        references = {
            column: name
            for column, (name, values) in keys.items()
            if name != table.name and column in frame.columns and frame[column].drop_nulls().is_in(values).all()
        }
        resource = Resource(table, frame.height, references)
        for stem, part in _parts(table, frame, edition.build["built_at"].year):
            for form in forms:
                path = f"{form}/{stem}.{form}"
                content = _csv(part) if form == "csv" else _parquet(part, metadata)
                resource.add(form, path, content)
                writer.write(path, content)
        resources.append(resource)
    return resources


def _parts(table: Table, frame: pl.DataFrame, year_of_none: int) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield stem and rows of each file of a table; one without rows has a file, too, which shows its columns."""
    if not table.is_by_year:
        yield table.name, frame
        return
    years = frame["date"].dt.year()
    for year in years.unique().sort().to_list() or [year_of_none]:
        yield f"{table.name}/year={year}/{table.name}_{year}", frame.filter(years == year)


def _csv(frame: pl.DataFrame) -> bytes:
    """Return CSV in UTF-8 that no spreadsheet calculates or splits: texts are quoted, and defused as everywhere."""
    columns = []
    for column in frame:
        if column.dtype == pl.String:
            # Texts repeat, and few need it.
            changed = {text: defused(text) for text in column.unique().drop_nulls() if defused(text) != text}
            column = column.replace(list(changed), list(changed.values())) if changed else column
        elif isinstance(column.dtype, pl.List):
            texts = [None if values is None else json_text(values) for values in column.to_list()]
            column = pl.Series(column.name, texts, pl.String)
        columns.append(column)
    buffer = BytesIO()
    pl.DataFrame(columns).write_csv(buffer, quote_style="non_numeric", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    return buffer.getvalue()


def _parquet(frame: pl.DataFrame, metadata: dict[str, str]) -> bytes:
    buffer = BytesIO()
    frame.write_parquet(buffer, compression="zstd", metadata=metadata)
    return buffer.getvalue()
