"""Tables are the same from objects, from packs and from a copy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline import jobs, retention
from pipeline.archive import Archive
from pipeline.settings import Settings
from pipeline.simulation import World
from tests.conftest import KEY, morning_after
from tests.flows.test_daily_job import everything

pytestmark = pytest.mark.slow


def test_packed_or_copied_the_archive_gives_equal_tables(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World, tmp_path: Path
) -> None:
    server = simulate(small_world, morning_after(date(2025, 2, 10)))
    sources = {"TOKENGROWTH_SOURCES": "rankings-daily,models,app-rankings,endpoints"}
    settings = use(server.base_url, server.now.isoformat(), KEY, **sources)
    jobs.run(settings)
    # Next month, when the months until February are over.
    later = {"TOKENGROWTH_NOW": (server.now + timedelta(days=31)).isoformat()}
    settings = use(server.base_url, later["TOKENGROWTH_NOW"], KEY, **sources)
    assert jobs.rebuild(settings).exit_code in (0, 3)
    right = everything(settings.published_path)

    assert retention.compact(settings, date(2025, 3, 1)).facts["packed_objects"] > 50
    archive = Archive(settings.archive_dir)
    assert (archive.objects(), len(archive.packs())) == ([], 4)
    jobs.rebuild(settings)
    assert everything(settings.published_path) == right

    target = tmp_path / "backup"
    assert retention.copy(settings, target).facts["copied_packs"] == 4
    copied = use(server.base_url, later["TOKENGROWTH_NOW"], KEY, TOKENGROWTH_HOME=str(target), **sources)
    jobs.rebuild(copied)
    assert everything(copied.published_path) == right
