"""The README's section "On a schedule", for real: a Prefect server, a deployment, a worker, runs."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from pipeline.settings import load_settings
from pipeline.simulation import SimulatedOpenRouter, World
from pipeline.warehouse import published
from tests.conftest import KEY

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PATIENCE_SECONDS = 120
NOW = "2025-02-20T08:00:00+00:00"
# What a daily run leaves beside the growth tables, by the first words.
EXPLANATIONS = {
    "token-growth-trend": "How fast all tokens double",
    "token-growth-explained": "**SIMULATED DATA. Growth of all tokens",
    "token-growth-claims": "**SIMULATED DATA. What the data say of each claim",
}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return os.environ | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "5",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
    }


@contextmanager
def started(words: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Prefect process until the block ends; it gets SIGINT as from a terminal."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            words,
            env=environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """Return the first true value of `condition`; fail after two minutes."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            found = condition()
        except requests.ConnectionError:
            found = None
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"{what} did not come about within {PATIENCE_SECONDS} s")


def prefect(environment: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        ["prefect", "--no-prompt", *words],
        env=environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ended_run(
    api: str, deployment: str, parameters: dict[str, Any], environment: dict[str, str], **variables: str
) -> dict[str, Any]:
    """Trigger a deployment as the README does, with environment variables of its own; wait until its run has ended."""
    words = [word for name, value in parameters.items() for word in ("--param", f"{name}={json.dumps(value)}")]
    words += ["--job-variable", f"env={json.dumps(variables)}"] if variables else []
    name = f"triggered-{time.monotonic_ns()}"
    prefect(environment, "deployment", "run", deployment, "--flow-run-name", name, *words)

    def ended() -> dict[str, Any] | None:
        states = {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]}}
        asked = {"flow_runs": {"state": states, "name": {"any_": [name]}}}
        runs = requests.post(f"{api}/flow_runs/filter", json=asked, timeout=10).json()
        return runs[0] if runs else None

    return wait_for(ended, f"the end of {deployment}")


def test_a_deployed_schedule_a_daily_run_and_a_backfill(environment: dict[str, str], tmp_path: Path) -> None:
    world = World(days=60)
    api = environment["PREFECT_API_URL"]
    with SimulatedOpenRouter(world, datetime.fromisoformat(NOW), key=KEY) as server:
        environment |= {
            "OPENROUTER_BASE_URL": server.base_url,
            "OPENROUTER_API_KEY": KEY,
            "TOKENGROWTH_NOW": NOW,
            "TOKENGROWTH_SOURCES": "rankings-daily,models,app-rankings",
            "TOKENGROWTH_REQUESTS_PER_DAY": "60",
        }
        with started(["prefect", "server", "start", "--host", "127.0.0.1"], environment, tmp_path / "server.log"):
            wait_for(lambda: requests.get(f"{api}/health", timeout=5).ok, "the server")
            prefect(environment, "work-pool", "create", "token-growth", "--type", "process")
            deployed = prefect(environment, "deploy", "--all")
            assert deployed.count("successfully created") == 3, deployed

            with started(
                ["prefect", "worker", "start", "--pool", "token-growth"], environment, tmp_path / "worker.log"
            ):
                daily = ended_run(api, "token-growth-daily/daily", {}, environment)
                assert daily["state"]["type"] == "COMPLETED", daily["state"]
                first_calls = list(server.requests)

                window = {"start_date": "2025-01-05", "end_date": "2025-01-20", "force": True}
                window |= {"sources": ["rankings-daily"]}
                backfill = ended_run(api, "token-growth-backfill/backfill", window, environment)
                assert backfill["state"]["type"] == "COMPLETED", backfill["state"]
                assert server.requests[len(first_calls) :] == [
                    "/api/v1/datasets/rankings-daily?start_date=2025-01-05&end_date=2025-01-20"
                ]

                # One request for the days, two for each of 14 days of apps and one for the backfill leave 30 of 60.
                much = {"start_date": "2025-01-01", "sources": ["app-rankings"]}
                limited = ended_run(api, "token-growth-backfill/backfill", much, environment)
                assert limited["state"]["name"] == "QuotaReached", limited["state"]
                assert "All 60 requests of this UTC day are used" in limited["state"]["message"]

                wrong = {"start_date": "2024-01-05"}
                refused = ended_run(api, "token-growth-backfill/backfill", wrong, environment)
                assert refused["state"]["type"] == "FAILED"
                assert "before 2025-01-01" in refused["state"]["message"]

                # Two days later the server still stands still.
                stalled = ended_run(
                    api,
                    "token-growth-daily/daily",
                    {},
                    environment,
                    TOKENGROWTH_NOW="2025-02-22T08:00:00+00:00",
                    TOKENGROWTH_REQUESTS_PER_DAY="1000",
                )
                assert stalled["state"]["type"] == "COMPLETED", stalled["state"]
                assert stalled["state"]["name"] == "CompletedWithFailures", stalled["state"]
                asked = {"filter": {"event": {"prefix": ["token-growth.source."]}}}

                def have_told(query: dict[str, Any] = asked) -> bool:
                    events = requests.post(f"{api}/events/filter", json=query, timeout=10).json()["events"]
                    return {event["payload"]["source"] for event in events} == {"rankings-daily", "app-rankings"}

                wait_for(have_told, "an event of each source")

            wait_for(lambda: _scheduled_runs(tmp_path) >= 3, "scheduled runs in the server's database")
            asked = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}, "limit": 200}
            scheduled = requests.post(f"{api}/flow_runs/filter", json=asked, timeout=10).json()
            (continuation,) = [run for run in scheduled if run["parameters"].get("sources") == ["app-rankings"]]
            assert continuation["expected_start_time"][11:16] == "00:10"
            artifacts = requests.post(f"{api}/artifacts/filter", json={}, timeout=10).json()
            logs = requests.post(f"{api}/logs/filter", json={"limit": 200}, timeout=10).json()

    with published(load_settings()) as connection:
        rows = dict(connection.execute("select date, total_tokens from growth_total").fetchall())
        vintages = connection.execute(
            "select min(date), max(date), count(distinct date) from rpt_revisions "
            "where vintages > 1 and date < '2025-02-19'"
        ).fetchall()
    assert len(rows) == 50
    assert all(tokens == sum(world.truth(day).values()) for day, tokens in rows.items() if day < max(rows))
    assert [str(value) for value in vintages[0]] == ["2025-01-05", "2025-01-20", "16"]
    left = {(artifact["key"], str(artifact["data"]).partition(" over the ")[0]) for artifact in artifacts}
    assert {key for key, _ in left} == {"token-growth", "token-growth-loaded", *EXPLANATIONS}
    for key, words in EXPLANATIONS.items():
        assert any(key == found and words in text for found, text in left), key
    assert any("GET /api/v1/datasets/rankings-daily" in entry["message"] for entry in logs)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), f"the key is in {path}"


def _scheduled_runs(tmp_path: Path) -> int:
    with closing(sqlite3.connect(tmp_path / "prefect" / "prefect.db")) as database:
        query = "select count(*) from flow_run where state_type = 'SCHEDULED' and auto_scheduled"
        return int(database.execute(query).fetchone()[0])
