"""The runner of the SQL models: headers, order, selection, checks and documentation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipeline import models
from pipeline.errors import BuildFailedError, UsageError
from pipeline.settings import Settings
from pipeline.simulation import World
from pipeline.warehouse import Warehouse
from tests.models.harness import MODELS, boards, built, final, world_boards, world_catalogues, world_days

UNREADABLE = "select from where"


@pytest.fixture
def known(tmp_path: Path) -> Callable[..., dict[str, models.Model]]:
    """Write SQL files, `schema__name="sql"`, and read them as models."""

    def write(**files: str) -> dict[str, models.Model]:
        for name, sql in files.items():
            path = tmp_path / "sql" / f"{name.replace('__', '/')}.sql"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(sql, encoding="utf-8")
        return models.load(tmp_path / "sql")

    return write


def started(known: dict[str, models.Model]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    models.create_ledgers(connection, known)
    return connection


def test_header_says_what_sql_cannot(known: Callable[..., dict[str, models.Model]]) -> None:
    sql = """-- What a row is,
-- in two lines.
-- kind: view
-- grain: date, slug
-- check: tokens >= 0
-- check: slug <> ''
select
    1 as tokens, -- how many
    'x' as slug, -- whose; it's quoted
    current_date as date
-- grain: none of the header
"""
    model = known(marts__one=sql)["marts.one"]
    assert (model.full_name, model.kind, model.grain) == ("marts.one", "view", ["date", "slug"])
    assert model.description == "What a row is, in two lines."
    assert model.checks == ["tokens >= 0", "slug <> ''"]
    assert model.columns["tokens"] == "how many"
    assert list(model.columns) == ["tokens", "slug", "date"]
    plain = known(marts__plain="select 1 as a")["marts.plain"]
    assert (plain.kind, plain.grain, plain.checks, plain.description) == ("table", [], [], "")


def test_columns_without_a_comment_have_that_of_what_is_read(known: Callable[..., dict[str, models.Model]]) -> None:
    found = known(
        raw__a="-- kind: ledger\nselect null::int as x, -- what x is\n    null::int as y -- what y is\nwhere false",
        staging__b="select x, y -- y, but better\nfrom raw.a",
        marts__c="with b as (select * from staging.b) select x, y, 1 as z from b",
    )
    assert models.column_docs(found, found["staging.b"]) == {"x": "what x is", "y": "y, but better"}
    assert models.column_docs(found, found["marts.c"]) == {"x": "what x is", "y": "y, but better", "z": ""}


def test_tables_carry_their_documentation(known: Callable[..., dict[str, models.Model]]) -> None:
    found = known(
        marts__a="-- It's a table.\nselect 1 as x -- it's a column", marts__b="-- kind: view\nselect x from marts.a"
    )
    connection = started(found)
    models.build(connection, found)
    for model in found.values():
        models.comment(connection, found, model, "Simulated. ")
    comments = "select comment from duckdb_columns() where schema_name = 'marts' order by table_name"
    assert connection.execute(comments).fetchall() == [("it's a column",), ("it's a column",)]
    tables = "select comment from duckdb_tables() where schema_name = 'marts'"
    assert connection.execute(tables).fetchall() == [("Simulated. It's a table.",)]


def test_each_model_comes_after_what_it_reads_and_checks_come_last(
    known: Callable[..., dict[str, models.Model]],
) -> None:
    found = known(
        checks__a="select 1 as x from marts.a where false",
        intermediate__z="select 1 as x",
        marts__a="select x from marts.b",
        marts__b="select x from intermediate.z",
    )
    names = [model.full_name for model in models.ordered(found)]
    assert names == ["intermediate.z", "marts.b", "marts.a", "checks.a"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"marts__a": "select * from marts.b", "marts__b": "select * from marts.a"}, "in a circle: marts."),
        ({"marts__a": "select * from raw.nothing"}, r"marts/a\.sql reads raw\.nothing, which no file"),
        ({"marts__a": UNREADABLE}, r"marts/a\.sql is not one readable SELECT"),
        ({"marts__a": "select nothing"}, r"(?s)marts/a\.sql does not run: .*nothing"),
        ({"marts__a": "-- check: nothing > 1\nselect 1 as x"}, r"(?s)marts/a\.sql does not run: .*nothing"),
    ],
    ids=["circle", "unknown table", "no SQL", "unknown column", "check of an unknown column"],
)
def test_what_cannot_be_built_is_named(
    known: Callable[..., dict[str, models.Model]], files: dict[str, str], message: str
) -> None:
    found = known(**files)
    with pytest.raises(BuildFailedError, match=message):
        models.build(started(found), found)


@pytest.fixture
def chain(known: Callable[..., dict[str, models.Model]]) -> dict[str, models.Model]:
    return known(
        raw__a="-- kind: ledger\nselect 1 as x where false",
        staging__b="select x from raw.a",
        marts__c="select x from staging.b",
        marts__d="select x from marts.c",
        marts__other="select x from raw.a",
    )


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        ([], ""),
        (["c"], "c"),
        (["marts.c"], "c"),
        (["+c"], "a b c"),
        (["c+"], "c d"),
        (["+c+"], "a b c d"),
        (["a+"], "a b c d other"),
        (["other", "+b"], "other a b"),
    ],
)
def test_selectors_reach_both_ways(chain: dict[str, models.Model], selectors: list[str], expected: str) -> None:
    assert {name.partition(".")[2] for name in models.select(chain, selectors)} == set(expected.split())


def test_unknown_selector_is_a_usage_error(chain: dict[str, models.Model]) -> None:
    with pytest.raises(UsageError, match="No model is named 'nothing'"):
        models.select(chain, ["nothing+"])


def test_selected_models_alone_are_built_anew(chain: dict[str, models.Model]) -> None:
    connection = started(chain)
    models.build(connection, chain)
    connection.execute("insert into raw.a values (1)")
    models.build(connection, chain, ["b+"])
    counts = "select (select count(*) from marts.d), (select count(*) from marts.other)"
    assert connection.execute(counts).fetchall() == [(1, 0)]


def test_what_no_file_defines_any_more_goes_with_a_whole_build(
    known: Callable[..., dict[str, models.Model]], tmp_path: Path
) -> None:
    found = known(raw__l="-- kind: ledger\nselect 1 as x", marts__a="select 1 as x", marts__b="select 1 as x")
    connection = started(found)
    models.build(connection, found)
    (tmp_path / "sql" / "marts" / "b.sql").unlink()
    found = known(marts__a="-- kind: view\nselect 2 as x")  # a table that becomes a view
    models.build(connection, found, ["a"])
    tables = "select table_schema || '.' || table_name, table_type from information_schema.tables order by all"
    assert connection.execute(tables).fetchall() == [
        ("marts.a", "VIEW"),
        ("marts.b", "BASE TABLE"),
        ("raw.l", "BASE TABLE"),
    ]
    models.build(connection, found)
    assert connection.execute(tables).fetchall() == [("marts.a", "VIEW"), ("raw.l", "BASE TABLE")]


@pytest.mark.parametrize(
    ("header", "rows", "name", "offending"),
    [
        ("grain: x", "(1), (1), (2), (2), (3)", "grain (x)", 2),
        ("grain: x", "(1), (null)", "grain (x)", 1),
        ("check: x > 1", "(1), (2), (null), (0)", "x > 1", 2),
    ],
)
def test_check_counts_the_offending_rows(
    known: Callable[..., dict[str, models.Model]], header: str, rows: str, name: str, offending: int
) -> None:
    found = known(marts__a=f"-- {header}\nselect x from (values {rows}) as given (x)")
    (checked,) = models.build(started(found), found)
    assert (checked.model, checked.check_name, checked.offending_rows) == ("marts.a", name, offending)
    with pytest.raises(
        BuildFailedError, match=rf"(?s)marts/a\.sql fails for {offending} row\(s\); nothing was changed"
    ):
        models.require_passed([checked])


def test_every_check_of_a_model_is_counted_on_its_own(known: Callable[..., dict[str, models.Model]]) -> None:
    header = "-- grain: x\n-- check: x > 1\n-- check: x < 9"
    found = known(
        marts__a=f"{header}\nselect unnest([1, 2, 9, 10]) as x", checks__b="select x from marts.a where x = 2"
    )
    checked = models.build(started(found), found)
    assert {one.check_name: one.offending_rows for one in checked} == {"grain (x)": 0, "x > 1": 1, "x < 9": 2, "b": 1}
    with pytest.raises(BuildFailedError, match=r"2 more check\(s\) failed"):
        models.require_passed(checked)


@pytest.mark.parametrize("words", ["My checksum app", "No space left on device"])
@pytest.mark.parametrize("sql", ["-- check: x > 0\nselect -7 as x, '%s' as name", "select cast('%s' as date) as day"])
def test_a_name_that_reads_like_a_fault_of_the_disk_is_none(
    words: str,
    sql: str,
    known: Callable[..., dict[str, models.Model]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    use: Callable[..., Settings],
) -> None:
    ledgers = {f"{model.schema}__{model.name}": model.sql for model in MODELS.values() if model.kind == "ledger"}
    known(**ledgers, marts__a=sql % words)
    monkeypatch.setattr(models, "sql_dir", lambda: tmp_path / "sql")
    settings = use()
    with pytest.raises(BuildFailedError, match=words), Warehouse(settings) as warehouse:
        warehouse.build()
    assert [path.name for path in settings.home.iterdir()] == [settings.warehouse_path.name]


def test_failed_check_rolls_everything_back_and_names_file_and_rows(
    known: Callable[..., dict[str, models.Model]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    use: Callable[..., Settings],
) -> None:
    ledgers = {f"{model.schema}__{model.name}": model.sql for model in MODELS.values() if model.kind == "ledger"}
    known(**ledgers, marts__a="-- check: x > 0\nselect 5 as x", checks__b="select * from marts.a where x > 9")
    monkeypatch.setattr(models, "sql_dir", lambda: tmp_path / "sql")
    with Warehouse(use()) as warehouse:
        # Two of the model and its file under checks, and the grains of the two ledgers that have one.
        assert warehouse.build().checks == 4
    known(marts__a="-- check: x > 0\nselect -7 as x, 'culprit' as name", marts__new="select 1 as x")
    with Warehouse(use()) as warehouse:
        with pytest.raises(BuildFailedError) as raised:
            warehouse.build()
        assert "`x > 0`" in str(raised.value)
        assert str(tmp_path / "sql" / "marts" / "a.sql") in str(raised.value)
        assert "-7" in str(raised.value)
        assert "culprit" in str(raised.value)
        assert not warehouse.is_built()
    known(marts__a="-- check: x > 0\nselect 10 as x")
    with Warehouse(use()) as warehouse, pytest.raises(BuildFailedError, match=r"checks/b\.sql"):
        warehouse.build()
    with duckdb.connect(str(use().warehouse_path)) as connection:
        assert connection.execute("select * from marts.a").fetchall() == [(5,)]
        tables = "select table_name from information_schema.tables where table_schema = 'marts'"
        assert connection.execute(tables).fetchall() == [("a",)]
        builds = connection.execute("select is_successful, inputs_sha256 is null from meta.builds").fetchall()
        assert builds == [(True, False), (False, True), (False, True)]
        failed = "select check_name, offending_rows from meta.checks where not is_passed order by all"
        assert connection.execute(failed).fetchall() == [("b", 1), ("x > 0", 1)]


def test_same_loads_give_the_same_rows_twice() -> None:
    given = final(boards([{"a/one": 3, "b/two": 2, "other": 1}, None, {"a/one": 4, "c/x:free": 2, "other": 3}] * 12))
    first, second = built(given), built(given)
    for model in MODELS.values():
        if model.schema != "checks":
            query = f"select * from {model.full_name} order by all"
            assert first.execute(query).fetchall() == second.execute(query).fetchall(), model.full_name


PUBLISHED = [model for model in MODELS.values() if model.schema in ("marts", "meta")]


@pytest.mark.parametrize("model", PUBLISHED, ids=lambda model: model.full_name)
def test_published_table_is_documented(model: models.Model) -> None:
    assert model.description.endswith(".")
    docs = models.column_docs(MODELS, model)
    assert docs
    assert all(docs.values()), [name for name, doc in docs.items() if not doc]
    assert model.kind == "ledger" or model.grain
    assert set(model.grain) <= docs.keys()


def test_documented_columns_are_the_columns() -> None:
    connection = built(final(boards([{"a/one": 1}])))
    for model in MODELS.values():
        if model.schema != "checks":
            found = [name for name, *_ in connection.execute(f"describe {model.full_name}").fetchall()]
            assert found == list(model.columns), model.full_name
            assert all(models.column_docs(MODELS, model).values()), model.full_name


def test_model_file_runs_as_it_stands() -> None:
    """No template: each file pastes into the DuckDB shell."""
    connection = built(final(boards([{"a/one": 1}])))
    for model in MODELS.values():
        connection.execute(model.sql).fetchall()


def test_digest_follows_every_byte_of_sql(known: Callable[..., dict[str, models.Model]]) -> None:
    first = models.digest(known(marts__a="select 1 as x"))
    assert models.digest(known(marts__a="select 1 as x")) == first
    assert models.digest(known(marts__a="select 2 as x")) != first
    assert models.digest(known(marts__a="select 1 as x", marts__b="select 1 as x")) != first


def test_views_have_their_grain_though_a_build_does_not_ask(small_world: World) -> None:
    days = world_days(small_world, 0, 59)
    connection = built(final(world_boards(small_world, days)), *world_catalogues(small_world, days[50:]))
    views = [model for model in MODELS.values() if model.kind == "view"]
    checked = [one for view in views for one in models.check(connection, view, views=True)]
    assert {one.model for one in checked} == {view.full_name for view in views}
    assert [one for one in checked if one.offending_rows] == []
    assert models.check(connection, views[0]) == []
