"""What breaks in years: files damaged or deleted, a disk that is full or read only, a clock that jumps."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest

from pipeline import doctor, jobs, retention
from pipeline.archive import Archive
from pipeline.errors import TokenGrowthError, UnwritableError
from pipeline.quota import Quota
from pipeline.settings import Settings, load_settings
from pipeline.simulation import World
from pipeline.warehouse import published, published_build_id
from tests.conftest import KEY, Ended

BLOCK_BYTES = 262_144
HEADER_BYTES = 3 * 4096
NOBODY = 65_534


def garble(path: Path, offset: int, length: int = 4096) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xa5" * length)


def garble_table(path: Path, table: str) -> None:
    """Overwrite the blocks in which a table's rows are stored."""
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute(f"select distinct block_id from pragma_storage_info('{table}')").fetchall()
    blocks = [block for (block,) in found if block is not None and block >= 0]
    assert blocks
    for block in blocks:
        garble(path, HEADER_BYTES + block * BLOCK_BYTES + 64)


def landed(settings: Settings) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        return connection.execute("select count(*), sum(total_tokens) from raw.rankings_daily").fetchall()


DAMAGES: dict[str, Callable[[Path], None]] = {
    "garbage": lambda path: path.write_bytes(b"no database" * 1000),
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: os.truncate(path, path.stat().st_size // 2),
    "header": lambda path: garble(path, 4096, 8192),
    "ledger": lambda path: garble_table(path, "meta.loads"),
    "log of writes": lambda path: damage_log(path),
}


def damage_log(path: Path) -> None:
    """Leave the log of a writer that was killed, with some bytes changed."""
    script = (
        "import duckdb, os, sys\n"
        "connection = duckdb.connect(sys.argv[1])\n"
        "for n in range(50):\n"
        "    connection.execute('insert into meta.checks values (?, null, null, null, ?)', [f'check {n:02}', n])\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    log = path.with_name(f"{path.name}.wal")
    garble(log, log.read_bytes().index(b"check 25"), 4)


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_warehouse_is_set_aside_and_rebuilt(
    name: str, loaded: tuple[Settings, Any], cli: Callable[..., Ended], caplog: pytest.LogCaptureFixture
) -> None:
    settings, server = loaded
    before, asked = landed(settings), len(server.requests)
    DAMAGES[name](settings.warehouse_path)
    damaged = settings.warehouse_path.read_bytes()
    first = cli("plan")
    (kept,) = settings.home.glob("warehouse.duckdb.damaged-20250302T080000Z")
    assert kept.read_bytes() == damaged
    if name == "ledger":  # seen only when it is read, in the middle of the work
        assert (first.code, first.err.count("\n")) == (1, 1)
        assert f"is set aside as {kept.name}; run the command again" in first.err
        assert cli("plan").code == 0
    else:
        assert first.code == 0
        (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert "rebuilding it from the archive" in warning
    assert landed(settings) == before
    assert len(server.requests) == asked


def test_nothing_that_was_set_aside_is_overwritten(use: Callable[..., Settings]) -> None:
    settings = use(now="2025-03-02T08:00:00Z")
    settings.home.mkdir()
    for number in range(3):
        settings.warehouse_path.write_bytes(b"no database, %d" % number)
        jobs.plan(settings)
    kept = sorted(settings.home.glob("warehouse.duckdb.damaged-*"))
    assert [path.name.partition("T080000Z")[2] for path in kept] == ["", "-2", "-3"]
    assert [path.read_bytes() for path in kept] == [b"no database, 0", b"no database, 1", b"no database, 2"]


def test_damage_that_a_build_meets_sets_the_warehouse_aside_for_the_next(
    loaded: tuple[Settings, Any], cli: Callable[..., Ended]
) -> None:
    settings, _ = loaded
    before, build_id = landed(settings), published_build_id(settings)
    garble_table(settings.warehouse_path, "raw.rankings_daily")
    ended = cli("build")
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert "run the command again" in ended.err
    assert published_build_id(settings) == build_id
    assert cli("plan").code == 0
    assert landed(settings) == before


def test_a_damaged_publication_is_a_sentence_and_replaced_by_the_next_command(
    loaded: tuple[Settings, Any], cli: Callable[..., Ended]
) -> None:
    settings, _ = loaded
    build_id = published_build_id(settings)
    for damage in ("garbage", "truncated", "header"):
        DAMAGES[damage](settings.published_path)
        ended = cli("show")
        assert (ended.code, ended.err.count("\n")) == (1, 1)
        assert "cannot be read" in ended.err
        assert "`tokengrowth build` makes it anew" in ended.err
        jobs.plan(settings)
        assert published_build_id(settings) == build_id
    garble_table(settings.published_path, "marts.fct_token_growth_daily")
    for words in (("show", "model"), ("query", "select sum(tokens_7d) from fct_token_growth_daily")):
        ended = cli(*words)
        assert ended.code == 1
        assert "`tokengrowth build` makes it anew" in ended.err


def test_a_query_that_speaks_of_damage_meets_none(loaded: tuple[Settings, Any], cli: Callable[..., Ended]) -> None:
    ended = cli("query", "select cast('My checksum app' as date)")
    assert (ended.code, "The query does not run" in ended.err) == (2, True)


def test_a_damaged_answer_is_named_and_blocks_nothing(
    loaded: tuple[Settings, Any], cli: Callable[..., Ended], caplog: pytest.LogCaptureFixture
) -> None:
    settings, server = loaded
    settings.warehouse_path.unlink()
    damaged = next(fetch for fetch in Archive(settings.archive_dir).fetches() if fetch.source == "models")
    path = settings.archive_dir / "objects" / damaged.sha256[:2] / f"{damaged.sha256}.gz"
    whole = path.read_bytes()
    garble(path, 20, 8)
    assert cli("plan").code == 0
    (warning,) = [record.getMessage() for record in caplog.records]
    assert str(path) in warning
    assert "restore it from a backup, then run `tokengrowth rebuild`" in warning
    assert landed(settings) > [(3000,)]
    # The catalogue of the day is asked for again, and the same bytes mend the object.
    asked = len(server.requests)
    assert cli("run").code == 0
    assert len(server.requests) == asked + 1
    assert path.read_bytes() == whole


@contextmanager
def as_nobody() -> Iterator[None]:
    """Work as a user without rights; root has all of them."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(sys.platform == "win32", reason="rights of Unix")
def test_a_home_that_may_not_be_written_is_a_sentence(loaded: tuple[Settings, Any]) -> None:
    settings, _ = loaded
    settings.home.chmod(0o555)
    try:
        with as_nobody(), pytest.raises(TokenGrowthError, match=r"cannot be written \(Permission denied\)") as caught:
            jobs.run(settings)
    finally:
        settings.home.chmod(0o755)
    assert "set TOKENGROWTH_HOME to another folder" in str(caught.value)


@pytest.fixture(params=[False, True], ids=["without a lock", "with a lock"])
def read_only(
    request: pytest.FixtureRequest, loaded: tuple[Settings, Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """A home that may only be read, in a folder that everybody reaches, with a folder `open` to write to."""
    settings, _ = loaded
    with TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "home"
        shutil.copytree(settings.home, home)
        if not request.param:
            (home / "writer.lock").unlink()
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        folder.chmod(0o755)
        for place in ("open", "state"):
            (folder / place).mkdir()
            (folder / place).chmod(0o777)
        monkeypatch.chdir(folder)
        monkeypatch.setenv("TOKENGROWTH_HOME", str(home))
        monkeypatch.setenv("TOKENGROWTH_STATE_DIR", str(folder / "state"))
        yield load_settings()
        for path in [home, *home.rglob("*")]:
            path.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="rights of Unix")
def test_what_only_reads_needs_no_right_to_write(read_only: Settings, loaded: tuple[Settings, Any]) -> None:
    planned = jobs.plan(loaded[0])
    restored = read_only.home.parent / "open" / "restored"
    # Called without the command line, which would load modules that not everybody may read.
    with as_nobody():
        assert jobs.plan(read_only) == planned
        assert retention.verify(read_only).exit_code == 0
        assert retention.copy(read_only, restored).exit_code == 0
        states = {one.check: one.state for one in doctor.doctor()}
        with pytest.raises(UnwritableError):
            jobs.build(read_only)
    assert (states["archive"], states["warehouse"], states["published"]) == ("ok", "ok", "ok")
    assert states["lock"] == ("skipped" if read_only.lock_path.exists() else "ok")
    assert len(list(Archive(restored / "archive").fetches())) == len(list(Archive(read_only.archive_dir).fetches()))


@pytest.mark.skipif(sys.platform == "win32", reason="rights of Unix")
def test_a_state_folder_that_may_not_be_written_is_a_sentence(read_only: Settings) -> None:
    for state_dir in (read_only.home, read_only.home / "state" / "another"):
        quota = Quota.of(read_only.model_copy(update={"state_dir": state_dir}))
        assert quota
        with as_nobody(), pytest.raises(UnwritableError, match=r"or set TOKENGROWTH_STATE_DIR to another folder\.$"):
            quota.reserve("https://x/")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")
def test_a_warehouse_without_room_is_a_sentence_and_healed_by_the_next_command(loaded: tuple[Settings, Any]) -> None:
    settings, _ = loaded
    before, build_id = landed(settings), published_build_id(settings)
    settings.warehouse_path.unlink()
    limited = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        "from pipeline.cli import main\n"
        "main(['plan'])\n"
    )
    ended = subprocess.run([sys.executable, "-c", limited], capture_output=True, text=True, env=os.environ)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
    assert f"There is no room left on the disk of {settings.home}" in ended.stderr
    assert published_build_id(settings) == build_id
    jobs.plan(settings)
    assert landed(settings) == before


def test_a_clock_before_the_newest_answer_is_warned_of(
    loaded: tuple[Settings, Any], caplog: pytest.LogCaptureFixture
) -> None:
    settings, server = loaded
    jobs.plan(settings.model_copy(update={"fixed_now": server.now - timedelta(hours=23)}))
    assert not caplog.records
    jobs.plan(settings.model_copy(update={"fixed_now": server.now - timedelta(days=2)}))
    assert [record.getMessage() for record in caplog.records] == [
        "The clock says 2025-02-28, and the newest archived answer came on 2025-03-02; check the clock of this machine."
    ]


def test_a_machine_that_was_off_for_ten_days_catches_up_in_one_run(
    loaded: tuple[Settings, Any], use: Callable[..., Settings], simulate: Callable[..., Any], cli: Callable[..., Ended]
) -> None:
    settings, server = loaded
    world = World(days=70)
    server = simulate(world)
    assert server.now - settings.now() == timedelta(days=10)
    settings = use(server.base_url, server.now.isoformat(), KEY)
    ended = cli("run")
    assert ended.code == 0, ended.err
    assert server.counts["/api/v1/datasets/rankings-daily"] == 1
    with published(settings) as connection:
        total = connection.execute("select date, total_tokens from growth_total order by date").fetchall()
        coverage = connection.execute(
            "select date, state from rpt_coverage where source = 'models' and date >= ? order by date",
            [loaded[0].now().date()],
        ).fetchall()
    assert len(total) == 70
    # What was provisional before the machine was switched off is final, too; the newest day still is not.
    assert total[:-1] == [(day, sum(world.truth(day).values())) for day, _ in total[:-1]]
    # The rankings have a past; what the catalogue showed on nine mornings nobody can have any more.
    assert [state for _, state in coverage] == ["loaded", *["lost"] * 9, "loaded"]
    assert "x" * 9 in cli("status").out.replace(" ", "")
