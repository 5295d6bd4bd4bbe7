"""A warehouse or published file of another version: older is rebuilt by itself, newer is refused politely."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline import jobs, models
from pipeline.archive import Archive
from pipeline.errors import TokenGrowthError
from pipeline.settings import Settings
from pipeline.warehouse import CONTRACT_MAJOR, LAYOUT_VERSION, Warehouse, published
from tests.conftest import Ended

# What the ledgers looked like under each layout version. Whoever changes a ledger adds a line, never edits one.
LAYOUTS = {1: "1424a57eedd7b39e"}
OLD_TABLES = Path(__file__).parents[1] / "layouts" / "0.1.0.sql"


def change(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def manifest(settings: Settings) -> bytes:
    return b"".join(path.read_bytes() for path in sorted((settings.archive_dir / "manifest").iterdir()))


def test_the_layout_version_is_raised_with_every_change_of_a_ledger() -> None:
    ledgers = [model for model in models.load(models.sql_dir()).values() if model.kind == "ledger"]
    with duckdb.connect() as connection:
        columns = [
            (model.full_name, name, kind)
            for model in sorted(ledgers, key=lambda model: model.full_name)
            for name, kind, *_ in connection.execute(f"describe {model.sql}").fetchall()
        ]
    digest = hashlib.sha256(repr(columns).encode()).hexdigest()[:16]
    assert max(LAYOUTS) == LAYOUT_VERSION
    assert LAYOUTS[LAYOUT_VERSION] == digest, "raise LAYOUT_VERSION, so that older warehouses are rebuilt"


def test_readers_understand_the_contract_that_is_published() -> None:
    (contract,) = re.findall(
        r"'(\d+)\.\d+\.\d+' as contract_version", (models.sql_dir() / "meta/contract.sql").read_text()
    )
    assert int(contract) == CONTRACT_MAJOR


def test_a_warehouse_is_stamped_by_the_program_that_makes_it(loaded: tuple[Settings, Any]) -> None:
    settings, _ = loaded
    stamp = rows(settings.warehouse_path, "select layout_version, made_at = built_at from meta.layout, meta.builds")
    assert stamp == [(LAYOUT_VERSION, True)]
    assert rows(settings.published_path, "select layout_version from meta.layout") == [(LAYOUT_VERSION,)]


def test_a_warehouse_of_0_1_0_is_rebuilt_by_the_next_command(
    loaded: tuple[Settings, Any], cli: Callable[..., Ended], caplog: pytest.LogCaptureFixture
) -> None:
    settings, server = loaded
    facts = "select count(*), sum(total_tokens) from raw.rankings_daily"
    before, archived, asked = rows(settings.warehouse_path, facts), manifest(settings), len(server.requests)
    settings.warehouse_path.unlink()
    landed = [f"('{fetch.load_id}')" for fetch in Archive(settings.archive_dir).fetches()]
    change(
        settings.warehouse_path,
        OLD_TABLES.read_text(encoding="utf-8"),
        f"insert into meta.loads (load_id) values {', '.join(landed)}",
        "insert into meta.builds (build_id, program_version) values ('old', '0.1.0')",
    )
    assert cli("plan").code == 0
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "The warehouse was made by 0.1.0. Rebuilding it from the archive."
    ]
    assert rows(settings.warehouse_path, facts) == before
    assert manifest(settings) == archived
    assert len(server.requests) == asked
    assert not list(settings.home.glob("warehouse.duckdb.*"))
    caplog.clear()
    assert cli("plan").code == 0
    assert not caplog.records


@pytest.mark.parametrize(
    "statement",
    [
        "drop table meta.layout",
        "delete from meta.layout",
        f"update meta.layout set layout_version = {LAYOUT_VERSION - 1}",
    ],
)
def test_a_warehouse_of_an_older_layout_is_rebuilt(loaded: tuple[Settings, Any], statement: str) -> None:
    settings, _ = loaded
    change(settings.warehouse_path, statement, "alter table meta.loads drop column citation")
    jobs.plan(settings)
    assert rows(settings.warehouse_path, "select count(*) from meta.loads where citation is not null") > [(0,)]
    assert rows(settings.warehouse_path, "select layout_version from meta.layout") == [(LAYOUT_VERSION,)]


@pytest.mark.parametrize("lost", ["a body", "rows of the manifest"])
def test_rows_that_only_an_older_warehouse_holds_are_set_aside(
    lost: str, loaded: tuple[Settings, Any], cli: Callable[..., Ended], caplog: pytest.LogCaptureFixture
) -> None:
    settings, _ = loaded
    change(settings.warehouse_path, "drop table meta.layout")
    before = settings.warehouse_path.read_bytes()
    fetches = list(Archive(settings.archive_dir).fetches())
    models_ = next(fetch for fetch in fetches if fetch.source == "models")
    (rows_of_manifest,) = Archive(settings.archive_dir).manifests()
    if lost == "a body":
        Archive(settings.archive_dir).object_path(models_.sha256).write_bytes(b"broken")
    else:
        kept = [line for line in rows_of_manifest.read_bytes().splitlines(True) if b'"source":"models"' not in line]
        rows_of_manifest.write_bytes(b"".join(kept))
    assert cli("plan").code == 0
    (aside,) = settings.home.glob("warehouse.duckdb.outdated-20250302T080000Z")
    assert aside.read_bytes() == before
    assert rows(aside, "select count(*) from raw.models") > [(0,)]
    assert rows(settings.warehouse_path, "select count(*) from raw.models") == [(0,)]
    assert rows(settings.warehouse_path, "select count(*) from raw.rankings_daily") > [(0,)]
    (warning,) = [record.getMessage() for record in caplog.records if aside.name in record.getMessage()]
    assert warning.startswith(f"1 of its {len(fetches)} answers cannot be read any more")
    caplog.clear()
    assert cli("plan").code == 0
    assert not caplog.records


def test_a_rebuild_that_cannot_be_leaves_the_older_warehouse(
    loaded: tuple[Settings, Any], cli: Callable[..., Ended]
) -> None:
    settings, _ = loaded
    change(settings.warehouse_path, "drop table meta.layout")
    before = settings.warehouse_path.read_bytes()
    shutil.move(settings.archive_dir, settings.home / "elsewhere")
    ended = cli("plan")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "holds no archived answers to rebuild from" in ended.err
    assert settings.warehouse_path.read_bytes() == before


def test_a_newer_warehouse_is_refused_by_every_writer_and_not_touched(
    loaded: tuple[Settings, Any], cli: Callable[..., Ended], tmp_path: Path
) -> None:
    settings, server = loaded
    newer = f"update meta.layout set layout_version = {LAYOUT_VERSION + 1}, program_version = '9.0.0'"
    change(settings.warehouse_path, newer)
    before, asked = settings.warehouse_path.read_bytes(), len(server.requests)
    saved = next((settings.archive_dir / "objects").rglob("*.gz"))
    importing = ("import", str(saved), "--origin", "a colleague", "--retrieved-at", "2025-02-20")
    for words in (("run",), ("backfill",), ("plan",), ("build",), ("check",), importing):
        ended = cli(*words)
        assert (ended.code, ended.err.count("\n")) == (1, 1), words
        assert f"was made by version 9.0.0 of this program (layout {LAYOUT_VERSION + 1})" in ended.err
        assert "Upgrade it, use another TOKENGROWTH_HOME" in ended.err
    assert settings.warehouse_path.read_bytes() == before
    assert len(server.requests) == asked
    assert cli("show").code == 0


def test_what_a_newer_program_published_is_refused_by_readers(
    loaded: tuple[Settings, Any], cli: Callable[..., Ended]
) -> None:
    settings, _ = loaded
    change(settings.published_path, f"update meta.contract set contract_version = '{CONTRACT_MAJOR + 1}.0.0'")
    for words in (("show",), ("query", "select 1"), ("status",), ("claims",), ("export", "package")):
        ended = cli(*words)
        assert (ended.code, ended.err.count("\n")) == (1, 1), words
        assert f"under contract {CONTRACT_MAJOR + 1}.0.0" in ended.err
        assert "upgrade it" in ended.err
    change(settings.published_path, f"update meta.contract set contract_version = '{CONTRACT_MAJOR}.99.0'")
    assert cli("show").code == 0


def test_what_a_newer_duckdb_wrote_is_no_damage(loaded: tuple[Settings, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    settings, _ = loaded

    def connect(*_: Any, **__: Any) -> None:  # in the words of DuckDB 1.5.6 on a file of 2.0.0
        raise duckdb.IOException(
            "IO Error: Trying to read a database file with version number 69, but we can only read versions between 64 "
            "and 68.\nThe database file was created with a newer version of DuckDB."
        )

    monkeypatch.setattr(duckdb, "connect", connect)
    with pytest.raises(TokenGrowthError, match=r"was written by another version of DuckDB .* Install the newer one"):
        jobs.plan(settings)
    with pytest.raises(TokenGrowthError, match="was written by another version of DuckDB"), published(settings):
        pass
    assert not list(settings.home.glob("*.damaged-*"))


def test_a_rebuild_goes_back_to_an_older_program_on_purpose(loaded: tuple[Settings, Any]) -> None:
    settings, _ = loaded
    change(settings.warehouse_path, f"update meta.layout set layout_version = {LAYOUT_VERSION + 1}")
    kept = list(Archive(settings.archive_dir).fetches())
    assert jobs.rebuild(settings).exit_code == 0
    assert list(Archive(settings.archive_dir).fetches()) == kept
    with Warehouse(settings) as warehouse:
        assert warehouse.landed_ids() == {fetch.load_id for fetch in kept}
