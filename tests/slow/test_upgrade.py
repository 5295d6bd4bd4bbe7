"""Homes that the real older programs made, taken out of this repository's history, under today's program."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import duckdb
import pytest

from pipeline.archive import Archive
from pipeline.settings import Settings
from pipeline.simulation import World
from pipeline.warehouse import LAYOUT_VERSION, published
from tests.conftest import Ended, morning_after

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DAYS = 35
# The older program runs on its own simulated market of the same seed.
OLD_RUN = f"""
import sys
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from pydantic import SecretStr
import pipeline
from pipeline import jobs
from pipeline.settings import load_settings
from pipeline.simulation import SimulatedOpenRouter, World

home = Path(sys.argv[1])
world = World(days={DAYS})
now = datetime.combine(world.last_day + timedelta(days=1), time(8), UTC)
with SimulatedOpenRouter(world, now, requests_per_minute=10_000) as server:
    settings = load_settings(
        base_url=server.base_url, api_key=SecretStr(server.key), home=home, state_dir=home / "state", fixed_now=now
    )
    assert jobs.run(settings).exit_code == 0
print(pipeline.__file__)
"""


@pytest.fixture
def old_home(request: pytest.FixtureRequest, tmp_path: Path, use: Callable[..., Settings]) -> Settings:
    """A home that the program of a tag has filled."""
    tag = request.param
    packed = subprocess.run(["git", "archive", "--format=tar", tag], cwd=ROOT, capture_output=True)
    if packed.returncode:
        pytest.skip(f"this checkout has no tag {tag}; a shallow clone lacks it")
    program = tmp_path / tag
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as file:
        # Python 3.11.3 and older know no filter, and git packs no others' files.
        file.extractall(program, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    settings = use(None, morning_after(World(days=DAYS).last_day).isoformat(), TOKENGROWTH_SOURCES=None)
    done = subprocess.run(
        [sys.executable, "-c", OLD_RUN, str(settings.home)],
        env=os.environ | {"PYTHONPATH": str(program)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(program)), "the older program itself has run"
    return settings


@pytest.mark.parametrize("old_home", ["v0.1.0", "v0.4.0"], indirect=True)
def test_a_home_of_an_older_program_is_upgraded_by_the_next_command(
    old_home: Settings, cli: Callable[..., Ended], caplog: pytest.LogCaptureFixture
) -> None:
    settings = old_home
    manifest = b"".join(path.read_bytes() for path in sorted((settings.archive_dir / "manifest").iterdir()))
    with duckdb.connect(str(settings.published_path), read_only=True) as connection:
        before = connection.execute("select date, total_tokens from marts.growth_total order by all").fetchall()
    assert len(before) == DAYS
    assert cli("query", "select count(*) from growth_total").code == 0, "readers understand what is published"
    assert cli("build").code == 0
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert warnings[0].startswith("The warehouse was made by ")
    assert warnings[0].endswith("Rebuilding it from the archive.")
    assert b"".join(path.read_bytes() for path in sorted((settings.archive_dir / "manifest").iterdir())) == manifest
    with published(settings) as connection:
        after = connection.execute("select date, total_tokens from growth_total order by all").fetchall()
        assert connection.execute("select layout_version from meta.layout").fetchall() == [(LAYOUT_VERSION,)]
        (answers,) = connection.execute("select count(*) from meta.loads").fetchall()[0]
    assert after == before
    assert answers == len(list(Archive(settings.archive_dir).fetches()))
    assert cli("check").code == 0
