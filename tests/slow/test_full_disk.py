"""A disk that is full, for real: a home on a file system of some megabytes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.archive import Archive
from pipeline.settings import Settings
from pipeline.simulation import World
from pipeline.warehouse import published, published_build_id
from tests.conftest import KEY, morning_after

pytestmark = pytest.mark.slow

ROOMY = 200 * 2**20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small file system, where that is permitted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not sys.platform.startswith("linux"):
        pytest.skip("a file system in memory is mounted on Linux only")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOMY}", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"this user may mount no file system: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def resize(folder: Path, size_bytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size_bytes}", folder], check=True)


def run() -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "pipeline", "run"], capture_output=True, text=True)


def test_a_full_disk_costs_nothing_that_was_there(
    use: Callable[..., Settings], simulate: Callable[..., Any], disk: Path
) -> None:
    world = World(days=35)
    server = simulate(world, morning_after(world.last_day - timedelta(days=1)))
    use(server.base_url, server.now.isoformat(), KEY, TOKENGROWTH_HOME=str(disk / "home"))
    assert run().returncode == 0
    server.set_clock(morning_after(world.last_day))
    settings = use(server.base_url, server.now.isoformat(), KEY, TOKENGROWTH_HOME=str(disk / "home"))
    build_id = published_build_id(settings)
    archived = {fetch.load_id for fetch in Archive(settings.archive_dir).fetches()}
    used = shutil.disk_usage(disk).used
    # What does not fit any more: an answer, its rows, the tables, the published file.
    for room_kb, named in ((0, "home"), (50, "warehouse.duckdb"), (1_000, "warehouse.duckdb"), (6_000, "published")):
        resize(disk, used + room_kb * 1024)
        ended = run()
        assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
        assert f"There is no room left on the disk of {settings.home}" in ended.stderr
        assert named in ended.stderr
        assert published_build_id(settings) == build_id
        kept = {fetch.load_id for fetch in Archive(settings.archive_dir).fetches()}
        assert archived <= kept
        archived = kept
        assert not list(settings.home.rglob("*.part*"))
    # The answer that found no room at all is asked for again, what was archived is not.
    assert len(server.requests) == len(archived) + 1
    resize(disk, ROOMY)
    ended = run()
    assert ended.returncode == 0, ended.stderr
    assert published_build_id(settings) != build_id
    with published(settings) as connection:
        rows = connection.execute("select date, total_tokens from growth_total order by date").fetchall()
    assert rows[:-1] == [(day, sum(world.truth(day).values())) for day, _ in rows[:-1]]
    assert len(rows) == 35
