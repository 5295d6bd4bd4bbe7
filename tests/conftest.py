"""Fixtures: an empty environment, a simulated OpenRouter, the recorded one where it lies beside the checkout."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipeline.cli import main
from pipeline.settings import Settings, load_settings
from pipeline.simulation import SimulatedOpenRouter, World

RECORDINGS = Path(__file__).parents[2] / "shared" / "replay"
KEY = "sk-or-secret-of-the-tests"


def pytest_report_header() -> str:
    found = "found" if RECORDINGS.exists() else "not found, tests on them are skipped"
    return f"recorded OpenRouter answers: {found}"


@pytest.fixture(autouse=True)
def empty_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting, no .env and no data of the machine reaches a test."""
    for name in list(os.environ):
        if name.startswith(("TOKENGROWTH_", "OPENROUTER_", "PREFECT_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKENGROWTH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TOKENGROWTH_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TOKENGROWTH_BACKOFF_SECONDS", "0.01")
    monkeypatch.setenv("TOKENGROWTH_REQUESTS_PER_MINUTE", "10000")
    monkeypatch.setenv("TOKENGROWTH_WEB_ARCHIVE_REQUESTS_PER_MINUTE", "10000")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run a command in this process."""

    def call(*words: str) -> Ended:
        with pytest.raises(SystemExit) as stopped:
            main(words)
        captured = capsys.readouterr()
        return Ended(int(stopped.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Point the environment at a server and a clock, and return the settings read from it."""

    def set_environment(
        base_url: str | None = None, now: str | None = None, key: str | None = None, **more: str
    ) -> Settings:
        values = {
            "OPENROUTER_BASE_URL": base_url,
            "TOKENGROWTH_WEB_ARCHIVE_URL": base_url,
            "TOKENGROWTH_NOW": now,
            "OPENROUTER_API_KEY": key,
            # What the growth tables need; tests of other sources name them.
            "TOKENGROWTH_SOURCES": f"{'rankings-daily' if key else 'exports'},models",
            **more,
        }
        for name, value in values.items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        return load_settings()

    return set_environment


@pytest.fixture(scope="session")
def small_world() -> World:
    """Sixty simulated days from 2025-01-01; a longer world begins with the same days."""
    return World(days=60)


@pytest.fixture(scope="session")
def world() -> World:
    """All 700 simulated days."""
    return World()


@pytest.fixture
def simulate() -> Iterator[Callable[..., SimulatedOpenRouter]]:
    """Start simulated servers; the clock stands at 08:00 on the day after the world's last."""
    running: list[SimulatedOpenRouter] = []

    def start(world: World, now: datetime | None = None, **options: Any) -> SimulatedOpenRouter:
        now = now or morning_after(world.last_day)
        server = SimulatedOpenRouter(world, now, **{"key": KEY, "requests_per_minute": 10_000, **options})
        running.append(server.__enter__())
        return running[-1]

    yield start
    for server in running:
        server.__exit__(None, None, None)


@pytest.fixture(scope="session")
def replay_module() -> ModuleType:
    """The server that answers from recordings; its tests are skipped where it does not lie beside the checkout."""
    path = RECORDINGS / "openrouter_replay.py"
    if not path.exists():
        pytest.skip(f"the recorded answers are not beside this checkout ({RECORDINGS.name}/ is missing)")
    spec = importlib.util.spec_from_file_location("openrouter_replay", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def replay(replay_module: ModuleType) -> Iterator[Callable[..., Any]]:
    """Start replay servers."""
    running: list[Any] = []

    def start(now: str, **options: Any) -> Any:
        running.append(replay_module.start(now, **{"keys": (KEY,), "requests_per_minute": 10_000, **options}))
        return running[-1]

    yield start
    for server in running:
        server.stop()


def morning_after(day: date) -> datetime:
    """Return 08:00 UTC of the next day: the day is complete and the exports are out."""
    return datetime.combine(day + timedelta(days=1), time(8), UTC)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", default="20", help="how often the kill test kills a command")
