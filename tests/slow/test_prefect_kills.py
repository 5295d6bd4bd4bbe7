"""kill -9 of a run's process, the worker, the server, or all at once: the next run makes the tables right."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.archive import Archive
from pipeline.settings import Settings, load_settings
from pipeline.simulation import SimulatedOpenRouter, World
from tests.conftest import KEY, morning_after
from tests.deployed import ENDS, SERVER, WORKER, Api, done, environment_of, run_processes, start, stop, wait_for

pytestmark = pytest.mark.slow

DAILY = "token-growth-daily/daily"
# "all" is what a power cut does; its run is ended by the automation, after 90 s.
KINDS = ("run", "worker", "server", "all")
# Beyond what the automation takes to tell that a run is gone.
ZOMBIE_PATIENCE_SECONDS = 240


class Deployed:
    """Server and worker, either of which may be killed and started again."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.api = Api(environment)
        self._environment = environment
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        """Start what is named, the server first: without it a worker does not start."""
        for name in sorted(names):
            words = {"server": SERVER, "worker": WORKER}[name]
            self._running[name] = start(words, self._environment, self._folder / f"{name}.log")
            if name == "server":
                wait_for(self.api.is_healthy, "the server")

    def stop(self) -> None:
        """End both, the worker first."""
        for name in ("worker", "server"):
            if name in self._running:
                stop(self._running[name])

    def kill(self, kind: str) -> None:
        """Kill -9 what `kind` names, and start again what a supervisor would."""
        if kind in ("run", "all"):
            for process in run_processes(self._environment["PREFECT_HOME"]):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
        gone = {"run": (), "all": ("server", "worker")}.get(kind, (kind,))
        for name in gone:
            self._running[name].kill()
            self._running[name].wait()
        self.start(*gone)
        if kind == "all":
            done(["deploy/setup"], self._environment)


@contextmanager
def reading(settings: Settings) -> Iterator[list[str]]:
    """Read the published file without pause; give what went wrong in that."""
    wrong: list[str] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.wait(0.05):
            try:
                with duckdb.connect(str(settings.published_path), read_only=True) as connection:
                    (built,) = connection.execute("select count(*) from marts.growth_total").fetchall()
                    (failed,) = connection.execute("select count(*) from meta.checks where not is_passed").fetchall()
            except duckdb.Error as error:
                wrong.append(str(error))
                continue
            if not built[0] or failed[0]:
                wrong.append(f"{built[0]} days, {failed[0]} failed checks")

    thread = threading.Thread(target=read)
    thread.start()
    yield wrong
    ended.set()
    thread.join()


def totals(settings: Settings) -> dict[Any, int]:
    with duckdb.connect(str(settings.published_path), read_only=True) as connection:
        return dict(connection.execute("select date, total_tokens from marts.growth_total").fetchall())


def test_whatever_is_killed_the_next_run_makes_the_tables_right(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    kills = int(request.config.getoption("--prefect-kills"))
    chance = random.Random(13)
    world = World(days=40 + kills)
    morning = morning_after(world.first_day + timedelta(days=35))
    environment = environment_of(tmp_path) | {
        "OPENROUTER_API_KEY": KEY,
        "TOKENGROWTH_SOURCES": "rankings-daily,models",
        "TOKENGROWTH_REQUESTS_PER_DAY": "100000",
    }
    with SimulatedOpenRouter(world, morning, key=KEY) as source:
        environment["OPENROUTER_BASE_URL"] = source.base_url
        deployed = Deployed(environment, tmp_path)
        api, settings = deployed.api, load_settings()
        archive = Archive(settings.archive_dir)
        try:
            deployed.start("server")
            done(["deploy/setup"], environment)
            deployed.start("worker")
            first = api.done(DAILY, TOKENGROWTH_NOW=morning.isoformat())
            assert first["state"]["type"] == "COMPLETED", first["state"]
            seconds = float(first["total_run_time"])

            print("\n| kill | of | after | its run ended | the next run |\n| --- | --- | --- | --- | --- |")  # noqa: T201
            with reading(settings) as wrong:
                for number in range(kills):
                    kind = KINDS[number % len(KINDS)]
                    morning += timedelta(days=1)
                    source.set_clock(morning)
                    before = {fetch.load_id for fetch in archive.fetches()}
                    killed = api.trigger(DAILY, TOKENGROWTH_NOW=morning.isoformat())
                    begun = ["RUNNING", *ENDS] if kind != "all" else ["PENDING", "RUNNING", *ENDS]
                    running = {"name": {"any_": [killed]}, "state": {"type": {"any_": begun}}}
                    wait_for(lambda asked=running: api.runs(**asked), f"the start of {killed}")
                    moment = chance.uniform(0, 0.9) * seconds
                    time.sleep(moment)
                    deployed.kill(kind)
                    kept = {fetch.load_id for fetch in archive.fetches()}
                    assert before <= kept, kind

                    again = api.trigger(DAILY, TOKENGROWTH_NOW=morning.isoformat())
                    ended = api.ended(again, ZOMBIE_PATIENCE_SECONDS)
                    assert ended["state"]["type"] == "COMPLETED", (kind, ended["state"])
                    (fate,) = api.runs(name={"any_": [killed]})
                    assert fate["state"]["type"] in ENDS, (kind, fate["state"])
                    fates = f"{fate['state']['name']} | {ended['state']['name']}, right"
                    print(f"| {number + 1} | {kind} | {moment:.1f} of {seconds:.1f} s | {fates} |", flush=True)  # noqa: T201
                    if fate["state"]["type"] == "COMPLETED":
                        seconds = min(seconds, float(fate["total_run_time"]))
                    assert kept <= {fetch.load_id for fetch in archive.fetches()}, kind
                    found = totals(settings)
                    days = [world.first_day + timedelta(days=n) for n in range((morning.date() - world.first_day).days)]
                    assert sorted(found) == days, kind
                    # The newest day may still be restated.
                    assert all(found[day] == sum(world.truth(day).values()) for day in days[:-1]), kind
            assert not wrong
        finally:
            deployed.stop()
