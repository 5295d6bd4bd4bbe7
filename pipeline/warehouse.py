"""The one place that opens DuckDB: landing, building and publishing, each all or nothing.

The writer works on `warehouse.duckdb` under the lock of `jobs`. Readers open the published file, which is
replaced by an atomic rename and therefore never half written.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import duckdb
from tenacity import Retrying, retry_if_exception_message, stop_after_delay, wait_fixed

from pipeline import fitting, models
from pipeline.archive import Archive, Fetch
from pipeline.contracts import WHOLE, Parsed, days_between
from pipeline.errors import (
    BuildFailedError,
    DamagedError,
    LockedError,
    OutdatedError,
    TokenGrowthError,
    UsageError,
    VoidError,
)
from pipeline.planner import Held
from pipeline.settings import APP_NAME, Settings
from pipeline.sources import SOURCES, Cadence, Source

if TYPE_CHECKING:
    import polars as pl

# Raised whenever a table that landing fills gets other columns: an older warehouse is then rebuilt from the archive.
LAYOUT_VERSION = 1
# The newest major version of the published tables (meta.contract) that this program's readers understand.
CONTRACT_MAJOR = 1
PUBLISHED_SCHEMAS = ("marts", "meta")
SIMULATED_NOTE = "Simulated data, not OpenRouter's. "
# How DuckDB words that a file, or the log of writes beside it, is not what was written.
DAMAGE = re.compile(r"not a valid DuckDB database|Corrupt database|Could not read enough bytes|WAL file|checksum")
LOCKED = ".*Could not set lock"
LOOK_SECONDS = 10
NO_ROOM = re.compile(r"No space left on device|Disk quota exceeded|File too large")
# The text of these quotes a query or its rows, and so a stranger's words.
OF_QUERIES = (duckdb.DataError, duckdb.IntegrityError, duckdb.ProgrammingError)


@dataclass(frozen=True)
class Build:
    """What a build did; `build_id` names it in meta.builds and in the published file."""

    build_id: str
    models: int
    checks: int
    seconds: float


class Warehouse:
    """The writer's connection; use it as a context manager.

    Raises OutdatedError for what an older version of this program made, DamagedError for what is no database any
    more, and TokenGrowthError for what only a newer version can read. A damage that shows later, while the block
    works, ends it with DamagedError, and the file is set aside, so that the next writer starts from the archive.
    """

    def __init__(self, settings: Settings, path: Path | None = None, *, in_memory: bool = False) -> None:
        self._settings = settings
        known = models.load(models.sql_dir())
        self._models = known if fitting.is_available() else models.unfitted(known)
        self._path = Path(":memory:") if in_memory else path or settings.warehouse_path
        if not in_memory:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = _connect(self._path)
        try:
            self._require_layout()
        except BaseException as error:
            with suppress(duckdb.Error):
                self._connection.close()
            raise _fault(settings, self._path, error) or error from None

    def __enter__(self) -> Warehouse:
        return self

    def __exit__(self, _: object, error: BaseException | None, traceback: object) -> None:
        with suppress(duckdb.Error):  # the last thing written may not fit on the disk
            self._connection.close()
        fault = _fault(self._settings, self._path, error)
        if isinstance(fault, DamagedError) and self._path == self._settings.warehouse_path:
            kept = set_aside(self._settings, "damaged")
            raise DamagedError(
                f"{fault} It is set aside as {kept.name}",
                "run the command again: the warehouse is then rebuilt from the archive.",
            ) from None
        if fault:
            raise fault from None

    def _require_layout(self) -> None:
        """Stamp an empty warehouse with the layout of this program; refuse one of another layout."""
        tables = self._rows("select table_name from duckdb_tables() where schema_name = 'meta'")
        if not tables:
            with self._transaction():
                models.create_ledgers(self._connection, self._models)
                stamp = [LAYOUT_VERSION, version(APP_NAME), _utc(self._settings.now())]
                self._connection.execute("insert into meta.layout values (?, ?, ?)", stamp)
            return
        layout, maker = layout_of(self._connection)
        if layout < LAYOUT_VERSION:
            raise OutdatedError(f"The warehouse was made by {maker}.", load_ids=self.landed_ids())
        if layout > LAYOUT_VERSION:
            raise TokenGrowthError(
                f"{self._path} was made by version {maker} of this program (layout {layout}), and this "
                f"is version {version(APP_NAME)} (layout {LAYOUT_VERSION}). Upgrade it, use another TOKENGROWTH_HOME, "
                "or go back to this version for good with `tokengrowth rebuild`."
            )

    def landed_ids(self) -> set[str]:
        """Name every fetch that was read already."""
        return set(landed_in(self._connection))

    def landed(self) -> dict[str, str]:
        """Return the source of every fetch that was read already."""
        return landed_in(self._connection)

    def held(self, source: Source) -> Held:
        """Return what is landed of a source."""
        return held_of(self._connection, source)

    def subjects(self, source: Source) -> dict[str, str]:
        """Return the series of a source without fixed ones, each with what it is about; none for any other."""
        if source.series is not None:
            return {}
        return self._listed_captures() if source.cadence is Cadence.CAPTURE else self._ranked_models()

    def _listed_captures(self) -> dict[str, str]:
        """Return the listed captures of the rankings page: time and address, to digest."""
        return dict(self._rows("select series, min(digest) from raw.page_captures group by series order by series"))

    def _ranked_models(self) -> dict[str, str]:
        """Return the models listed in the newest 7 loaded days: API id, as far as a catalogue knows it, to slug."""
        rows = self._rows(
            """
            with ranked as (
                select distinct model_permaslug
                from raw.rankings_daily
                where date > (select max(date) from raw.rankings_daily) - 7 and model_permaslug <> 'other'
            ),

            known as (
                select model_permaslug, arg_max(id, fetched_at) as id
                from raw.models
                group by model_permaslug
            )

            select coalesce(known.id, ranked.model_permaslug) as id, min(ranked.model_permaslug)
            from ranked
            left join known on ranked.model_permaslug = known.model_permaslug
            group by all
            order by all
            """
        )
        return dict(rows)

    def land(self, fetch: Fetch, parsed: Parsed | None, refusal: TokenGrowthError | None = None) -> None:
        """Write an answer's rows and its row in meta.loads, in one transaction; of a refused one the latter only."""
        fetched_at = _utc(datetime.fromisoformat(fetch.fetched_at))
        as_of = parsed and parsed.as_of and _utc(parsed.as_of)
        with self._transaction():
            for table, frame in parsed.frames.items() if parsed else ():
                self._connection.register("landing", frame)
                self._connection.execute(
                    f"insert into raw.{table} by name "  # noqa: S608
                    "select *, ?::timestamp as as_of, ?::timestamp as fetched_at, ? as load_id, ? as source "
                    "from landing",
                    [as_of, fetched_at, fetch.load_id, fetch.source],
                )
                self._connection.unregister("landing")
            self._connection.execute(
                f"insert into meta.loads values ({', '.join('?' * 20)})",  # noqa: S608
                [
                    fetch.load_id,
                    fetch.source,
                    list(parsed.settles) if parsed else [fetch.context.get("series", WHOLE)],
                    fetch.context.get("asked_series"),
                    fetch.url,
                    fetch.origin,
                    _outcome(parsed, refusal),
                    str(refusal) if refusal else None,
                    " ".join(parsed.warnings) or None if parsed else None,
                    fetched_at,
                    as_of,
                    parsed and parsed.first_date,
                    parsed and parsed.last_date,
                    parsed and parsed.promised_end_date,
                    parsed and parsed.floor_date,
                    parsed.rows if parsed else 0,
                    fetch.size_bytes,
                    fetch.sha256,
                    fetch.is_simulated,
                    parsed and parsed.citation,
                ],
            )

    def newest_fetch(self) -> datetime | None:
        """Return the instant at which the newest landed answer was received, in UTC."""
        newest: datetime | None = self._rows("select max(fetched_at) from meta.loads where origin is null")[0][0]
        return newest and newest.replace(tzinfo=UTC)

    def has_rankings(self) -> bool:
        """Tell whether there is anything to build."""
        return bool(self._rows("select 1 from raw.rankings_daily limit 1"))

    def is_built(self) -> bool:
        """Tell whether the last build was a full one, of every load and the SQL as it is now."""
        return last_build(self._connection).get("inputs_sha256") == self._inputs_sha256()

    def build(self, selectors: Sequence[str] = ()) -> Build:
        """Build and check models in one transaction; on failure roll back, note it, raise BuildFailedError."""
        build_id, started = secrets.token_hex(8), time.perf_counter()
        checked: list[models.Checked] = []
        # A part of the models is never taken for a whole build.
        inputs = None if selectors else self._inputs_sha256()
        try:
            with self._transaction():
                self._describe_sources()
                checked = models.build(self._connection, self._models, selectors, fitting.refresh)
                models.require_passed(checked)
                seconds = time.perf_counter() - started
                self._record(build_id, checked, inputs, seconds, None)
        except (BuildFailedError, duckdb.Error) as error:
            message = str(error).splitlines()[0]
            with self._transaction():
                self._record(build_id, checked, None, time.perf_counter() - started, message)
            if isinstance(error, duckdb.Error):
                raise BuildFailedError(f"The build failed: {message}") from error
            raise
        return Build(build_id, self._count_built(checked), len(checked), seconds)

    def _describe_sources(self) -> None:
        """Write what the registry says of each source, and the clock, for the models that tell gaps."""
        now = _utc(self._settings.now())
        self._connection.execute("delete from meta.sources")
        for source in SOURCES.values():
            self._connection.execute(
                "insert into meta.sources values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    source.name,
                    source.cadence,
                    source.needs_key,
                    source.has_past,
                    source.yields_to,
                    None if source.series is None else list(source.series),
                    source.floor,
                    source.published_after,
                    now,
                ],
            )

    def built_on(self) -> date | None:
        """Return the business day of the last successful build, which decides what counts as missing."""
        built_at: datetime | None = last_build(self._connection).get("built_at")
        return built_at and built_at.date()

    def check(self) -> list[models.Checked]:
        """Check the tables as they are; raise TokenGrowthError where they are not there or out of date."""
        if not self.is_built():
            raise TokenGrowthError("The tables are not built from what is loaded; run `tokengrowth build` first.")
        ordered = models.ordered(self._models)
        return [one for model in ordered for one in models.check(self._connection, model, views=True)]

    def is_simulated(self) -> bool:
        """Tell whether any landed figure was made up."""
        return bool(self._rows("select 1 from meta.loads where is_simulated and outcome = 'landed' limit 1"))

    def publish(self) -> bool:
        """Copy marts and meta to the published file when it lags behind the tables, and these are up to date.

        What another version of this program built is left to the next build: it may lack tables.
        """
        if not self.is_built():
            return False
        parquet = {self._settings.parquet_dir / f"{model.name}.parquet" for model in self._parquet_models()}
        files = {*parquet, self._settings.licence_path}
        build_id = last_build(self._connection)["build_id"]
        if published_build_id(self._settings) == build_id and all(path.exists() for path in files):
            return False
        path = self._settings.published_path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._publish_licence()
        self._publish_parquet()
        part = path.with_name(f"{path.name}.part")
        with _beside(part):
            self._copy_to(part)
            _sync(part)
        part.replace(path)
        return True

    def _publish_licence(self) -> None:
        """Write what to show with the figures, for those who take a Parquet file and nothing else."""
        path = self._settings.licence_path
        part = path.with_name(f"{path.name}.part")
        part.write_text(licence_text(rows_of(self._connection, "from meta.contract")[0]), encoding="utf-8")
        _sync(part)
        part.replace(path)

    def _publish_parquet(self) -> None:
        folder = self._settings.parquet_dir
        folder.mkdir(parents=True, exist_ok=True)
        citations, licence = self._rows("select citations, licence from meta.contract")[0]
        citation = " ".join(citations)
        for model in self._parquet_models():
            part = folder / f"{model.name}.parquet.part"
            self._connection.execute(
                f"copy {model.full_name} to {models.quoted(str(part))} (format parquet, compression zstd, "
                f"kv_metadata {{citation: {models.quoted(citation)}, licence: {models.quoted(licence)}}})"
            )
            _sync(part)
            part.replace(folder / f"{model.name}.parquet")
        written = {f"{model.name}.parquet" for model in self._parquet_models()}
        for leftover in {path.name for path in folder.glob("*.parquet*")} - written:
            (folder / leftover).unlink()

    def _parquet_models(self) -> list[models.Model]:
        return [model for model in self._models.values() if model.schema == "marts" and model.kind == "table"]

    def _copy_to(self, part: Path) -> None:
        run = self._connection.execute
        home = self._connection.execute("select current_database()").fetchall()[0][0]
        note = SIMULATED_NOTE if self.is_simulated() else ""
        storage = models.quoted(self._settings.storage_version)
        run(f"attach {models.quoted(str(part))} as published (storage_version {storage})")
        try:
            run("use published")
            with self._transaction():
                for schema in PUBLISHED_SCHEMAS:
                    run(f"create schema {schema}")
                for model in models.ordered(self._models):
                    if model.schema not in PUBLISHED_SCHEMAS:
                        continue
                    if model.kind == "view":
                        run(f"create view {model.full_name} as {model.sql}")
                    else:
                        run(f"create table {model.full_name} as select * from {home}.{model.full_name}")  # noqa: S608
                    models.comment(self._connection, self._models, model, note)
        finally:
            run(f"use {home}")
            run("detach published")

    def _record(
        self, build_id: str, checked: Sequence[models.Checked], inputs: str | None, seconds: float, message: str | None
    ) -> None:
        self._connection.execute(
            "insert into meta.builds values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                build_id,
                _utc(self._settings.now()),
                message is None,
                inputs,
                version(APP_NAME),
                duckdb.__version__,
                self._count_built(checked),
                len(checked),
                seconds,
                message,
            ],
        )
        if checked:
            values = ", ".join("(?, ?, ?, ?, ?)" for _ in checked)
            parameters: list[Any] = []
            for one in checked:
                parameters += [build_id, one.model, one.check_name, not one.offending_rows, one.offending_rows]
            self._connection.execute(f"insert into meta.checks values {values}", parameters)  # noqa: S608

    def _count_built(self, checked: Sequence[models.Checked]) -> int:
        """Count the models among what was checked: neither ledgers nor the files under `sql/checks`."""
        names = {one.model for one in checked}
        return sum(self._models[name].schema != models.CHECKS and self._models[name].kind != "ledger" for name in names)

    def _inputs_sha256(self) -> str:
        loads = self._rows("select load_id from meta.loads order by load_id")
        text = models.digest(self._models) + "".join(load_id for (load_id,) in loads)
        return hashlib.sha256(text.encode()).hexdigest()

    def _rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, list(parameters)).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("begin")
        try:
            yield
        except BaseException:
            with suppress(duckdb.Error):
                self._connection.execute("rollback")
            raise
        self._connection.execute("commit")


def column_types(known: Mapping[str, models.Model]) -> dict[str, dict[str, str]]:
    """Return DuckDB's type of each column of each table, by full name, as they are where nothing is landed."""
    with duckdb.connect(":memory:") as connection:
        models.create_ledgers(connection, known)
        for model in models.ordered(known):
            if model.schema != models.CHECKS and model.kind != "ledger":
                connection.execute(f"create table {model.full_name} as {model.sql}")
        query = (
            "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() where not internal"
        )
        types: dict[str, dict[str, str]] = {}
        for table, column, of in connection.execute(query).fetchall():
            types.setdefault(table, {})[column] = of
        return types


def layout_of(connection: duckdb.DuckDBPyConnection) -> tuple[int, str]:
    """Return the version of a warehouse's layout, 0 before 0.5.0, and the version of the program that made it."""
    known = connection.execute("select 1 from duckdb_tables() where schema_name = 'meta' and table_name = 'layout'")
    stamps = connection.execute("from meta.layout").fetchall() if known.fetchall() else []
    if stamps:
        layout, maker, *_ = stamps[0]
        return int(layout), str(maker)
    builds = connection.execute("select program_version from meta.builds order by rowid desc limit 1").fetchall()
    return 0, str(builds[0][0]) if builds else "an older version of this program"


def landed_in(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the source of every fetch that a warehouse has read, by load_id."""
    return dict(connection.execute("select load_id, source from meta.loads").fetchall())


def held_of(connection: duckdb.DuckDBPyConnection, source: Source) -> Held:
    """Return what is landed of a source by its own calls: what was imported does not keep it from being asked."""
    loads = connection.execute(
        """
        select outcome, series, first_date, last_date, floor_date, fetched_at, url
        from meta.loads
        where source = ? and origin is null and outcome in ('landed', 'absent', 'void')
        """,
        [source.name],
    ).fetchall()
    cells: dict[str, dict[date, date]] = {}
    floors: dict[str, set[tuple[date, date]]] = {}
    closed = {name for outcome, series, *_ in loads for name in series if outcome == "void"}
    loads = [load for load in loads if load[0] != "void"]
    newest = max((fetched_at.date() for *_, fetched_at, _ in loads), default=None)
    retrieved_at: dict[str, datetime] = {}
    followed, paths = set(), set()
    for outcome, series, first_date, last_date, floor_date, fetched_at, url in loads:
        fetched_on, instant = fetched_at.date(), fetched_at.replace(tzinfo=UTC)
        if source.cadence is Cadence.SNAPSHOT:
            dates = [fetched_on]
        else:
            dates = days_between(first_date, last_date) if first_date else []
        for name in series:
            asked = cells.setdefault(name, {})
            asked.update((on, max(fetched_on, asked.get(on, fetched_on))) for on in dates)
            retrieved_at[name] = max(instant, retrieved_at.get(name, instant))
            if floor_date:
                floors.setdefault(name, set()).add((floor_date, fetched_on))
        if outcome == "landed":
            paths.add(urlsplit(url).path)
            if fetched_on == newest:
                followed.update(series[:1])
    return Held(
        cells,
        {name: tuple(sorted(shown)) for name, shown in floors.items()},
        frozenset(paths),
        retrieved_at,
        frozenset(followed & source.later_pages),
        frozenset(closed),
    )


def rows_of(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
) -> list[dict[str, Any]]:
    """Run a query, its parameters by place or by name, and return its rows by column name."""
    cursor = connection.execute(sql, parameters)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def frame_of(connection: duckdb.DuckDBPyConnection, sql: str) -> pl.DataFrame:
    """Run a query and return its rows as a frame."""
    frame: pl.DataFrame = connection.sql(sql).pl()
    return frame


def licence_text(contract: Mapping[str, Any]) -> str:
    """Return what is to be shown with the figures, of the row of meta.contract."""
    head = "Made-up figures." if contract["is_simulated"] else "OpenRouter's figures. Show these lines with them:"
    end = [f"Licence: {contract['licence']}", f"As of: {contract['as_of']:%Y-%m-%dT%H:%M:%SZ}"]
    return "\n".join([head, "", *contract["citations"], "", *end]) + "\n"


def last_build(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Return the row of `meta.builds` that the tables come from; empty where nothing was built."""
    return next(iter(rows_of(connection, "from meta.builds where is_successful order by rowid desc limit 1")), {})


def ask(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Run a user's query and return its columns and rows; raise UsageError, with DuckDB's words on what fails."""
    try:
        # DuckDB 1.5 makes several of one PIVOT, and those have no text.
        statements = [one for one in connection.extract_statements(sql) if one.query]
        if len(statements) > 1:
            raise UsageError(f"A query is one statement, and these are {len(statements)}; run them one by one.")
        relation = connection.sql(sql)
        if relation is None:
            raise UsageError("The statement returns no rows; ask for them with a SELECT.")
        if twice := [name for name in dict.fromkeys(relation.columns) if relation.columns.count(name) > 1]:
            raise UsageError(f"Several columns of the query are named {twice[0]!r}; name each by `as`.")
        return relation.columns, relation.fetchall()
    except duckdb.Error as error:
        if _says(DAMAGE, error):
            raise
        raise UsageError(_extra_needed(error) or f"The query does not run: {str(error).strip()}") from None


def _outcome(parsed: Parsed | None, refusal: TokenGrowthError | None) -> str:
    """Name what became of an answer, for meta.loads."""
    if parsed is None:
        return "void" if isinstance(refusal, VoidError) else "refused"
    if parsed.rows:
        return "landed"
    return "absent" if parsed.is_absent else "reference"


@contextmanager
def new_warehouse(settings: Settings) -> Iterator[Warehouse]:
    """Open an empty warehouse, which replaces the old one when the block has succeeded."""
    part = settings.warehouse_path.with_suffix(".part")
    with _beside(part), Warehouse(settings, part) as warehouse:
        yield warehouse
    _wal(settings.warehouse_path).unlink(missing_ok=True)
    part.replace(settings.warehouse_path)


@contextmanager
def _beside(part: Path) -> Iterator[None]:
    """Clear the place of a file that is to replace another, before and, where the block fails, after it."""
    _discard(part)
    try:
        yield
    except BaseException:
        _discard(part)
        raise


def _discard(path: Path) -> None:
    for one in (path, _wal(path)):
        one.unlink(missing_ok=True)


def _fault(settings: Settings, path: Path, error: BaseException | None) -> TokenGrowthError | None:
    """Return what an error of DuckDB, or one that it caused, says of the disk or of the file, where it does."""
    if line := _says(NO_ROOM, error):
        return no_room(settings.home, line)
    if line := _says(DAMAGE, error):
        return DamagedError(f"{path} is damaged ({line})")
    return None


def _says(pattern: re.Pattern[str], error: BaseException | None) -> str | None:
    """Return the line of DuckDB's own words that holds a pattern; what quotes data is not searched."""
    while error is not None and not isinstance(error, duckdb.Error):
        error = error.__cause__
    if error is None or isinstance(error, OF_QUERIES):
        return None
    return next((line for line in str(error).splitlines() if pattern.search(line)), None)


def set_aside(settings: Settings, state: str) -> Path:
    """Rename the warehouse, and the log of writes beside it, so that nothing of it is lost; return its new path."""
    path = settings.warehouse_path
    first = kept = path.with_name(f"{path.name}.{state}-{settings.now():%Y%m%dT%H%M%SZ}")
    numbers = count(2)
    while kept.exists() or _wal(kept).exists():  # by a clock that stands still
        kept = first.with_name(f"{first.name}-{next(numbers)}")
    for old, new in ((_wal(path), _wal(kept)), (path, kept)):
        with suppress(FileNotFoundError):
            old.replace(new)
    return kept


def no_room(place: Path | str, reason: str) -> TokenGrowthError:
    """Return the error of a disk that is full."""
    return TokenGrowthError(
        f"There is no room left on the disk of {place} ({reason}). What was archived is kept, and readers have "
        "what was published before; free some room and run the command again."
    )


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def publisher(settings: Settings) -> str:
    """Name the command that publishes where nothing is published: what is archived needs no network."""
    if not any(Archive(settings.archive_dir).manifests()):
        return "run"
    return "build" if settings.warehouse_path.exists() else "rebuild"


@contextmanager
def published(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the published file for reading, with its marts found by their bare names."""
    path = settings.published_path
    if not path.exists():
        command = publisher(settings)
        raise TokenGrowthError(f"Nothing is published in {settings.home}; run `tokengrowth {command}` first.")
    try:
        connection = _connect(path, read_only=True)
    except DamagedError as error:
        raise _damaged_publication(path, error) from None
    try:
        connection.execute("set search_path = 'marts,meta'")
        # A query reads what is published, and neither reads nor writes any other file.
        connection.execute("set enable_external_access = false")
        _require_contract(connection, path)
        yield connection
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        if advice := _extra_needed(error):
            raise TokenGrowthError(advice) from None
        raise TokenGrowthError(
            f"What is published in {settings.home} was made by another version of this program and lacks a table or a "
            f"column ({str(error).splitlines()[0]}); `tokengrowth build` makes it anew."
        ) from None
    except duckdb.Error as error:
        if _says(DAMAGE, error):
            raise _damaged_publication(path, error) from None
        raise
    finally:
        connection.close()


def _require_contract(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raise TokenGrowthError for tables whose contract has a newer major version."""
    ((contract,),) = connection.execute("select contract_version from meta.contract").fetchall()
    if int(contract.split(".")[0]) > CONTRACT_MAJOR:
        program = last_build(connection)["program_version"]
        raise TokenGrowthError(
            f"{path} was published by version {program} of this program under contract {contract}, and this is version "
            f"{version(APP_NAME)}, which reads contract {CONTRACT_MAJOR}; upgrade it."
        )


@contextmanager
def opened_to_look(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in whatever state it is, for reading only.

    Raises LockedError where a writer has it open, and TokenGrowthError where it, or what is asked of it, is not there.
    """
    connection = _connect(path, read_only=True)
    try:
        yield connection
    except duckdb.Error as error:
        raise TokenGrowthError(f"{path} cannot be read ({str(error).splitlines()[0]}).") from None
    finally:
        connection.close()


def _extra_needed(error: duckdb.Error) -> str | None:
    """Say what a table that is not there takes, where that is the extra of the statistics."""
    missing = re.search(r"Table with name (\w+) does not exist", str(error))
    if missing and missing[1] in fitting.marts():
        return f"{missing[1]} is not in what is published: {fitting.ADVICE}"
    return None


def read_whole(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Read every value of the published marts, whose blocks bear checksums, and return the names of the tables."""
    tables = "select table_name from duckdb_tables() where schema_name = 'marts' order by table_name"
    names = [str(name) for (name,) in connection.execute(tables).fetchall()]
    for name in names:
        connection.execute(f"select bit_xor(hash(mart)) from marts.{name} as mart").fetchall()  # noqa: S608
    return names


def unbuilt_marts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Name the marts that the published file lacks because it was built without the extra of the statistics."""
    there = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
    return [name for name in fitting.marts() if (name,) not in there]


def published_build_id(settings: Settings) -> str | None:
    """Return the build that readers see; None where there is none or it cannot be read."""
    if not settings.published_path.exists():
        return None
    try:
        with published(settings) as connection:
            return last_build(connection).get("build_id")
    except (duckdb.Error, TokenGrowthError):
        return None


def _connect(path: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    # A writer, which holds the lock of `jobs`, can only meet those who have opened the file to look: they soon go.
    patience = Retrying(
        retry=retry_if_exception_message(match=LOCKED),
        stop=stop_after_delay(0 if read_only else LOOK_SECONDS),
        wait=wait_fixed(0.1),
        reraise=True,
    )
    try:
        return patience(duckdb.connect, str(path), read_only=read_only)
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        if re.search(LOCKED, reason):
            raise LockedError(f"{path} is open in another program; close it there. ({reason})") from None
        if "version number" in reason:
            raise TokenGrowthError(
                f"{path} was written by another version of DuckDB than {duckdb.__version__} ({reason}). Install the "
                "newer one; to make the file anew from the archive instead, run `tokengrowth rebuild`."
            ) from None
        if _says(DAMAGE, error):
            raise DamagedError(f"{path} is damaged ({reason})") from None
        raise TokenGrowthError(f"{path} cannot be opened ({reason}).") from None


def _damaged_publication(path: Path, error: Exception) -> DamagedError:
    return DamagedError(f"{path} cannot be read ({str(error).splitlines()[0]})", "`tokengrowth build` makes it anew.")


def _utc(moment: datetime) -> datetime:
    """Drop the zone: every instant in the tables is UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
