"""A home that a run has filled, to break in tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pipeline import jobs
from pipeline.settings import Settings, load_settings
from pipeline.simulation import SimulatedOpenRouter, World
from tests.conftest import KEY, morning_after


@pytest.fixture(scope="session")
def loaded_home(small_world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty days, loaded and published."""
    home = tmp_path_factory.mktemp("loaded")
    with (
        pytest.MonkeyPatch.context() as environment,
        SimulatedOpenRouter(small_world, morning_after(small_world.last_day), key=KEY) as server,
    ):
        environment.setenv("TOKENGROWTH_SOURCES", "rankings-daily,models")
        settings = load_settings(
            base_url=server.base_url,
            api_key=SecretStr(KEY),
            fixed_now=server.now,
            home=home,
            state_dir=home / "state",
        )
        assert jobs.run(settings).exit_code == 0
    return home


@pytest.fixture
def loaded(
    loaded_home: Path, use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World
) -> tuple[Settings, Any]:
    server = simulate(small_world)
    settings = use(server.base_url, server.now.isoformat(), KEY)
    shutil.copytree(loaded_home, settings.home)
    return settings, server
