"""The SQL models: reads `sql/`, orders it by what each file reads, builds and checks it in one transaction.

A model is one SELECT in `sql/<schema>/<name>.sql` that runs as it stands in the DuckDB shell. Its header says
what SQL cannot:

    -- One line or more of description.
    -- kind: view                    table (default), view, ledger (created once, filled by landing), or fitted
                                     (created from the SELECT, which has no rows, and filled by a statistics library)
    -- grain: date, entity           unique and not null, checked in every build; of a view by `tokengrowth check`
    -- check: tokens >= 0            holds on every row where it is not null

The comment beside a column is its documentation; a column without one has that of the column of the same
name in a model that is read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import BuildFailedError, UsageError, is_interruption

if TYPE_CHECKING:
    import duckdb
    import polars as pl

CHECKS = "checks"
FITTED = "fitted"
SHOWN_ROWS = 10


@dataclass(frozen=True)
class Model:
    """One file under `sql/`."""

    schema: str
    name: str
    path: Path
    sql: str

    @property
    def full_name(self) -> str:
        """Schema and name, as SQL writes it."""
        return f"{self.schema}.{self.name}"

    @cached_property
    def _header(self) -> list[str]:
        lines = []
        for line in self.sql.splitlines():
            if not line.startswith("--"):
                break
            lines.append(line.removeprefix("--").strip())
        return lines

    def _values(self, key: str) -> list[str]:
        return [line.removeprefix(key).strip() for line in self._header if line.startswith(key)]

    @property
    def description(self) -> str:
        """What a row is, in words."""
        return " ".join(line for line in self._header if not re.match(r"(kind|grain|check):", line))

    @property
    def kind(self) -> str:
        """Return table, view, ledger or fitted."""
        return next(iter(self._values("kind:")), "table")

    @property
    def grain(self) -> list[str]:
        """Columns that together name a row; empty for a ledger."""
        return [name.strip() for line in self._values("grain:") for name in line.split(",")]

    @property
    def checks(self) -> list[str]:
        """Predicates that hold on every row."""
        return self._values("check:")

    @cached_property
    def parsed(self) -> Any:
        """The SELECT as sqlglot reads it."""
        from sqlglot.errors import ParseError  # takes 0.1 s, and only a build needs it

        try:
            return parse(self.sql)
        except ParseError as error:
            raise BuildFailedError(f"{self.path} is not one readable SELECT: {error.errors[0]}.") from None

    @cached_property
    def depends_on(self) -> frozenset[str]:
        """Full names of the tables that the SELECT reads; a ledger reads none."""
        if self.kind == "ledger":
            return frozenset()
        return tables_read(self.parsed)

    @cached_property
    def columns(self) -> dict[str, str]:
        """Own documentation of each column, in order; empty where the comment is left to what is read."""
        return {
            column.alias_or_name: " ".join(comment.strip() for comment in column.comments or ())
            for column in self.parsed.selects
        }


@lru_cache(maxsize=1024)
def parse(sql: str) -> Any:
    """Return a SELECT as sqlglot reads it; once in a process, however many warehouses it opens."""
    import sqlglot

    return sqlglot.parse_one(sql, read="duckdb")


def tables_read(parsed: Any) -> frozenset[str]:
    """Return the full names of the tables that a SELECT reads."""
    from sqlglot import exp

    return frozenset(f"{table.db}.{table.name}" for table in parsed.find_all(exp.Table) if table.db)


@dataclass
class Checked:
    """Outcome of one check."""

    model: str
    check_name: str
    offending_rows: int
    path: Path
    rows: pl.DataFrame | None = field(default=None, repr=False)


def sql_dir() -> Path:
    """Return the folder of the models, in a checkout or in an installed wheel."""
    installed = Path(__file__).parent / "sql"
    return installed if installed.exists() else Path(__file__).parent.parent / "sql"


def load(folder: Path) -> dict[str, Model]:
    """Read every model below `folder`, by full name."""
    paths = sorted(folder.glob("*/*.sql"))
    models = [Model(path.parent.name, path.stem, path, path.read_text(encoding="utf-8")) for path in paths]
    return {model.full_name: model for model in models}


def digest(models: Mapping[str, Model]) -> str:
    """Return a digest of all SQL: equal digests over equal loads give equal tables."""
    text = "\0".join(f"{name}\0{model.sql}" for name, model in sorted(models.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def unfitted(models: Mapping[str, Model]) -> dict[str, Model]:
    """Return the models that need no statistics library: all but the schema `fitted` and what reads it."""
    left_out = select(models, [f"{name}+" for name, model in models.items() if model.schema == FITTED])
    return {name: model for name, model in models.items() if name not in left_out}


def ordered(models: Mapping[str, Model]) -> list[Model]:
    """Return the models so that each comes after those that it reads; checks come last."""
    graph: dict[str, list[str]] = {}
    for model in models.values():
        unknown = sorted(model.depends_on - models.keys())
        if unknown:
            raise BuildFailedError(f"{model.path} reads {unknown[0]}, which no file under sql/ defines.")
        graph[model.full_name] = sorted(model.depends_on)  # a set has another order in each process
    try:
        names = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise BuildFailedError(f"The models read each other in a circle: {' -> '.join(error.args[1])}.") from None
    return sorted((models[name] for name in names), key=lambda model: model.schema == CHECKS)


def select(models: Mapping[str, Model], selectors: Iterable[str]) -> set[str]:
    """Resolve selectors: a name, `+name` with all that it reads, `name+` with all that read it."""
    chosen: set[str] = set()
    readers: dict[str, set[str]] = {name: set() for name in models}
    for model in models.values():
        for read in model.depends_on & models.keys():
            readers[read].add(model.full_name)
    for selector in selectors:
        wanted = selector.strip("+")
        found = [name for name, model in models.items() if wanted in (name, model.name)]
        if not found:
            raise UsageError(f"No model is named {wanted!r}; `tokengrowth docs` lists them.")
        chosen.update(found)
        if selector.startswith("+"):
            chosen |= reachable(found, lambda name: models[name].depends_on & models.keys())
        if selector.endswith("+"):
            chosen |= reachable(found, lambda name: readers[name])
    return chosen


def reachable(start: Iterable[str], neighbours: Callable[[str], Set[str]]) -> set[str]:
    """Return what is reached from some names over any number of steps; they themselves only where a step leads back."""
    found: set[str] = set()
    todo = list(start)
    while todo:
        for name in neighbours(todo.pop()) - found:
            found.add(name)
            todo.append(name)
    return found


def column_docs(models: Mapping[str, Model], model: Model) -> dict[str, str]:
    """Return each column's documentation, taken from a model that is read where the file has none of its own."""
    inherited = {} if all(model.columns.values()) else inherited_docs(models, model)
    return {name: doc or inherited.get(name, "") for name, doc in model.columns.items()}


def inherited_docs(models: Mapping[str, Model], model: Model) -> dict[str, str]:
    """Return the documentation by name of the columns of all models that are read; the first model's counts."""
    found: dict[str, str] = {}
    for read in sorted(model.depends_on & models.keys(), reverse=True):
        found |= {name: doc for name, doc in column_docs(models, models[read]).items() if doc}
    return found


def formulas(model: Model) -> dict[str, str]:
    """Return the expression of each computed column of the SELECT, without casts; not of those passed through.

    A union has none: its parts compute a column in different ways.
    """
    from sqlglot import exp

    found: dict[str, str] = {}
    if isinstance(model.parsed, exp.SetOperation):
        return found
    for selected in model.parsed.selects:
        bare = selected.unalias().transform(lambda node: node.this if isinstance(node, exp.Cast) else node)
        expression = bare.unnest()
        if not isinstance(expression, exp.Column | exp.Literal | exp.Boolean):
            found[selected.alias_or_name] = expression.sql(dialect="duckdb", comments=False).lower()
    return found


def create_ledgers(connection: duckdb.DuckDBPyConnection, models: Mapping[str, Model]) -> None:
    """Create the schemas and the tables that landing fills, where they are missing."""
    _create_schemas(connection, models)
    for model in models.values():
        if model.kind == "ledger":
            connection.execute(f"create table if not exists {model.full_name} as {model.sql}")


def _create_schemas(connection: duckdb.DuckDBPyConnection, models: Mapping[str, Model]) -> None:
    for schema in sorted({model.schema for model in models.values()} - {CHECKS}):
        connection.execute(f"create schema if not exists {schema}")


def build(
    connection: duckdb.DuckDBPyConnection,
    models: Mapping[str, Model],
    selectors: Iterable[str] = (),
    fit: Callable[[duckdb.DuckDBPyConnection, Model], None] | None = None,
) -> list[Checked]:
    """Build and check the models, all of them or the selected ones, inside the caller's transaction.

    `fit` fills a model of kind fitted, which stays empty without it. Returns every check made, failed ones too, so that
    all of them are seen: see `require_passed`. Raises BuildFailedError on SQL that does not run.
    """
    chosen = select(models, selectors) or set(models)
    # The warehouse may have been made by a program, or without an extra, that lacked some.
    _create_schemas(connection, models)
    existing = _existing(connection)
    # A full build also drops what a file defined that is gone now.
    built = {model.schema for model in models.values() if model.kind != "ledger"} - {CHECKS}
    leftovers = {name for name in existing if name.split(".")[0] in built and name not in models}
    lasting = {name for name, model in models.items() if model.kind == "ledger" or (model.kind == FITTED and fit)}
    for name in (chosen - lasting) & existing.keys() | (leftovers if not selectors else set()):
        connection.execute(f"drop {existing[name]} {name}")
    checked: list[Checked] = []
    for model in ordered(models):
        if model.full_name not in chosen and not (model.schema == CHECKS and model.depends_on <= chosen):
            continue
        try:
            if model.kind == FITTED and fit:
                fit(connection, model)
            elif model.schema != CHECKS and model.kind != "ledger":
                connection.execute(f"create {model.kind} {model.full_name} as {model.sql}")
            checked += check(connection, model)
        except Exception as error:
            if is_interruption(error):
                raise KeyboardInterrupt from None
            # Only DuckDB raises here, and only the warehouse knows its exceptions; the file is known here.
            raise BuildFailedError(f"{model.path} does not run: {str(error).strip()}") from error
    return checked


def check(connection: duckdb.DuckDBPyConnection, model: Model, *, views: bool = False) -> list[Checked]:
    """Check one built model: its grain and its predicates, or the file under `sql/checks`.

    A view holds nothing of its own, and its grain is that of what it reads: it is checked where `views` asks for it.
    """
    queries = {} if model.kind == "view" and not views else _check_queries(model)
    if not queries:
        return []
    found = connection.execute(_counts(model, queries)).fetchall()[0]
    return [
        Checked(
            model.full_name,
            name,
            count,
            model.path,
            connection.sql(query).limit(SHOWN_ROWS).pl() if count else None,
        )
        for (name, query), count in zip(queries.items(), found, strict=True)
    ]


def _counts(model: Model, queries: Mapping[str, str]) -> str:
    """Return one statement that counts the offending rows of all checks: at this size planning is what takes time."""
    predicates = {} if model.schema == CHECKS else dict.fromkeys(model.checks)
    counts = [
        f"count(*) filter (where not ({name}))" if name in predicates else f"(select count(*) from ({query}))"  # noqa: S608
        for name, query in queries.items()
    ]
    return f"select {', '.join(counts)}" + (f" from {model.full_name}" if predicates else "")  # noqa: S608


def _check_queries(model: Model) -> dict[str, str]:
    """Return a query for the offending rows of each check, by its name."""
    if model.schema == CHECKS:
        return {model.name: model.sql}
    queries = {}
    if model.grain:
        key = ", ".join(model.grain)
        nulls = " or ".join(f"{name} is null" for name in model.grain)
        queries[f"grain ({key})"] = (
            f"select {key}, count(*) as rows from {model.full_name} group by {key} "  # noqa: S608
            f"having count(*) > 1 or {nulls}"
        )
    for predicate in model.checks:
        queries[predicate] = f"select * from {model.full_name} where not ({predicate})"  # noqa: S608
    return queries


def require_passed(checked: Iterable[Checked]) -> None:
    """Raise BuildFailedError with the offending rows and the file of the first check that failed."""
    failed = [one for one in checked if one.offending_rows]
    if failed:
        first = failed[0]
        more = f" {len(failed) - 1} more check(s) failed." if len(failed) > 1 else ""
        raise BuildFailedError(
            f"The check `{first.check_name}` of {first.path} fails for {first.offending_rows} row(s); nothing "
            f"was changed.{more}\n{_table(first.rows)}"
        )


def _table(rows: pl.DataFrame | None) -> str:
    import polars as pl

    with pl.Config(tbl_cols=-1, tbl_rows=SHOWN_ROWS, tbl_hide_dataframe_shape=True, tbl_width_chars=160):
        return str(rows)


def _existing(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return table or view of everything that is built, by full name."""
    query = (
        "select table_schema || '.' || table_name, if(table_type = 'VIEW', 'view', 'table') "
        "from information_schema.tables where table_catalog = current_database()"
    )
    return dict(connection.execute(query).fetchall())


def comment(connection: duckdb.DuckDBPyConnection, models: Mapping[str, Model], model: Model, note: str = "") -> None:
    """Write the descriptions of a table and its columns into the database; `note` opens that of the table.

    Readers need them, and they take as long as a build: only what is published bears them.
    """
    kind = "view" if model.kind == "view" else "table"
    statements = [f"comment on {kind} {model.full_name} is {quoted(note + model.description)}"]
    for name, doc in column_docs(models, model).items():
        statements.append(f"comment on column {model.full_name}.{name} is {quoted(doc)}")
    connection.execute(";".join(statements))


def quoted(text: str) -> str:
    """Return a text as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
