"""The README's section "On a schedule", for real: a Prefect server, its deployments, a worker, runs."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pipeline.settings import load_settings
from pipeline.simulation import SimulatedOpenRouter, World
from pipeline.warehouse import published
from tests.conftest import KEY
from tests.deployed import (
    PATIENCE_SECONDS,
    SERVER,
    WORKER,
    Api,
    done,
    environment_of,
    postgresql,
    run_processes,
    started,
    stop,
    wait_for,
)

pytestmark = pytest.mark.slow

NOW = "2025-02-20T08:00:00+00:00"
TWO_DAYS_LATER = "2025-02-22T08:00:00+00:00"
TOKEN = "a-secret-token-of-the-webhook"
# What a daily run leaves beside the growth tables, by the first words.
EXPLANATIONS = {
    "token-growth-trend": "How fast all tokens double",
    "token-growth-explained": "**SIMULATED DATA. Growth of all tokens",
    "token-growth-claims": "**SIMULATED DATA. What the data say of each claim",
}


@pytest.fixture(scope="module")
def world() -> World:
    return World(days=60)


@contextmanager
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Run an endpoint of alerts; give its URL, with a token, and what it receives."""
    received: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append({"path": self.path, **json.loads(body)})
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/alerts?token={TOKEN}", received
        server.shutdown()
        thread.join()


def assert_nowhere(folder: Path, secret: str) -> None:
    for path in folder.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), f"a secret is in {path}"


def running_without_a_process(api: Api) -> str:
    """Leave a run as one whose machine went down an hour ago, after its first heartbeat; return its id."""
    flow = api.get("deployments/name/token-growth-rebuild/rebuild")["flow_id"]
    run = api.post("flow_runs/", {"flow_id": flow, "tags": ["token-growth"], "state": {"type": "RUNNING"}})
    heartbeat = {
        "id": str(uuid4()),
        "occurred": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
        "event": "prefect.flow-run.heartbeat",
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run['id']}"},
        "related": [{"prefect.resource.id": "prefect.tag.token-growth", "prefect.resource.role": "tag"}],
    }
    api.post("events", [heartbeat])
    return str(run["id"])


def test_one_command_gives_a_schedule_daily_runs_and_a_backfill(world: World, tmp_path: Path) -> None:
    environment = environment_of(tmp_path)
    api = Api(environment)
    with SimulatedOpenRouter(world, datetime.fromisoformat(NOW), key=KEY, requests_per_minute=10_000) as server:
        environment |= {
            "OPENROUTER_BASE_URL": server.base_url,
            "OPENROUTER_API_KEY": KEY,
            "TOKENGROWTH_NOW": NOW,
            "TOKENGROWTH_SOURCES": "rankings-daily,models,app-rankings",
            "TOKENGROWTH_REQUESTS_PER_DAY": "60",
            "TOKENGROWTH_REQUESTS_PER_MINUTE": "10000",
        }
        with started(["deploy/up"], environment, tmp_path / "up.log", in_background=True) as up:
            wait_for(lambda: len(api.scheduled()) >= 3, "scheduled runs")
            hours = {run["expected_start_time"][11:16] for run in api.scheduled()}
            assert hours == {"07:45", "13:45", "19:45"}

            # As the README says it.
            done(
                ["prefect", "deployment", "run", "token-growth-daily/daily", "--flow-run-name", "by hand"], environment
            )
            daily = api.ended("by hand")
            assert daily["state"]["type"] == "COMPLETED", daily["state"]

            # One request for the days and two for each of 14 days of apps leave 31 of 60.
            much = {"start_date": "2025-01-01", "sources": ["app-rankings"]}
            limited = api.done("token-growth-backfill/backfill", much)
            assert limited["state"]["name"] == "QuotaReached", limited["state"]
            assert "All 60 requests of this UTC day are used" in limited["state"]["message"]
            waiting = api.runs(state={"type": {"any_": ["SCHEDULED"]}})
            (continuation,) = [run for run in waiting if run["parameters"].get("sources") == ["app-rankings"]]
            assert continuation["expected_start_time"][11:16] == "00:10"

            artifacts = api.post("artifacts/filter")
            logs = api.post("logs/filter", {"limit": 200})

            # Stopped while a run waits for its source, it leaves neither a process nor a run that is Running.
            with socket.create_server(("127.0.0.1", 0)) as silent:
                silent.settimeout(PATIENCE_SECONDS)
                url = f"http://127.0.0.1:{silent.getsockname()[1]}"
                api.trigger("token-growth-daily/daily", OPENROUTER_BASE_URL=url, TOKENGROWTH_NOW=TWO_DAYS_LATER)
                with silent.accept()[0]:
                    assert stop(up, signal.SIGTERM) == 143
                    assert not list(run_processes(environment["PREFECT_HOME"]))
    with closing(sqlite3.connect(tmp_path / "prefect" / "prefect.db")) as database:
        states = {state for (state,) in database.execute("select state_type from flow_run")}
    assert states == {"COMPLETED", "CRASHED", "SCHEDULED"}

    settings = load_settings()
    with published(settings) as connection:
        rows = dict(connection.execute("select date, total_tokens from growth_total").fetchall())
    assert len(rows) == 50
    assert all(tokens == sum(world.truth(day).values()) for day, tokens in rows.items() if day < max(rows))
    left = {(artifact["key"], str(artifact["data"]).partition(" over the ")[0]) for artifact in artifacts}
    assert {key for key, _ in left} == {"token-growth", "token-growth-loaded", "token-growth-report", *EXPLANATIONS}
    assert any(key == "token-growth-report" and settings.report_path.resolve().as_uri() in text for key, text in left)
    assert settings.report_path.exists()
    for key, words in EXPLANATIONS.items():
        assert any(key == found and words in text for found, text in left), key
    assert any("GET /api/v1/datasets/rankings-daily" in entry["message"] for entry in logs)
    assert_nowhere(tmp_path, KEY)


def test_on_postgresql_late_runs_are_made_up_once_and_alerts_reach_a_webhook(world: World, tmp_path: Path) -> None:
    environment = environment_of(tmp_path)
    api = Api(environment)
    with (
        postgresql() as (database, tables),
        webhook() as (url, received),
        SimulatedOpenRouter(world, datetime.fromisoformat(NOW), key=KEY) as server,
    ):
        environment |= {
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
            "OPENROUTER_BASE_URL": server.base_url,
            "TOKENGROWTH_NOW": NOW,
            "TOKENGROWTH_SOURCES": "rankings-daily,models",
        }
        with started(SERVER, environment, tmp_path / "server.log"):
            said = done(["deploy/setup"], environment, TOKENGROWTH_ALERT_WEBHOOK_URL=url)
            assert TOKEN not in said
            wait_for(lambda: len(api.scheduled()) >= 3, "scheduled runs")

            zombie = running_without_a_process(api)
            # As an upgrade does; what the automations are waiting for is not forgotten by it.
            done(["deploy/setup"], environment, TOKENGROWTH_ALERT_WEBHOOK_URL=url)
            made = sorted(one["name"] for one in api.post("automations/filter"))
            assert made == ["token-growth alerts", "token-growth zombies"], "setup twice makes nothing twice"
            assert len(api.post("deployments/filter")) == 3

            # The key is nowhere but in a block.
            saved = "import sys; from prefect.blocks.system import Secret; "
            saved += "Secret(value=sys.argv[1]).save('openrouter-api-key')"
            done(["python", "-c", saved, KEY], environment)

            # Three mornings without a worker.
            daily = api.get("deployments/name/token-growth-daily/daily")["id"]
            for days in (3, 2, 1):
                then = (datetime.now(UTC) - timedelta(days=days)).isoformat()
                state = {"type": "SCHEDULED", "state_details": {"scheduled_time": then}}
                late = {"name": f"late {days}", "state": state, "tags": ["auto-scheduled"]}
                api.post(f"deployments/{daily}/create_flow_run", late)
            with started(WORKER, environment, tmp_path / "worker.log"):
                late_runs = [api.ended(f"late {days}") for days in (3, 2, 1)]
                assert [run["state"]["name"] for run in late_runs] == ["Superseded", "Superseded", "Completed"]
                assert server.requests[0].startswith("/api/v1/datasets/rankings-daily")

                # Two days later the source still stands still; a date that cannot be loaded fails a run.
                stalled = api.done("token-growth-daily/daily", TOKENGROWTH_NOW=TWO_DAYS_LATER)
                assert stalled["state"]["name"] == "CompletedWithFailures", stalled["state"]
                refused = api.done("token-growth-backfill/backfill", {"start_date": "2024-01-05"})
                assert refused["state"]["type"] == "FAILED"
                wait_for(lambda: len(received) >= 5, "the alerts")
                assert api.get(f"flow_runs/{zombie}")["state"]["type"] == "CRASHED"
            # An operator's pauses outlive a setup, and a webhook one that does not know it.
            for one in api.post("automations/filter"):
                api.patch(f"automations/{one['id']}", {"enabled": False})
            changed = "from flows import automations; new = automations.zombies(); new.description = 'New.'; "
            done(["python", "-c", changed + "automations.put(new)"], environment)
            daily = api.get("deployments/name/token-growth-daily/daily")
            paused = daily["schedules"][0]["id"]
            done(["prefect", "deployment", "schedule", "pause", "token-growth-daily/daily", paused], environment)
            done(["prefect", "work-pool", "pause", "token-growth"], environment)
            assert "the webhook stays what it was" in done(["deploy/setup"], environment)
            assert [one["enabled"] for one in api.post("automations/filter")] == [False, False]
            assert api.get("work_pools/token-growth")["is_paused"]
            schedules = api.get("deployments/name/token-growth-daily/daily")["schedules"]
            assert [one["id"] for one in schedules if not one["active"]] == [paused]
            # Told that there is no webhook, it removes the secret.
            done(["python", "-m", "flows.automations"], environment, TOKENGROWTH_ALERT_WEBHOOK_URL="")
            assert [one["name"] for one in api.post("automations/filter")] == ["token-growth zombies"]
            assert [one["name"] for one in api.post("block_documents/filter")] == ["openrouter-api-key"]
        for secret in (KEY, TOKEN):
            assert_nowhere(tables, secret)
            assert_nowhere(tmp_path, secret)
    stale, *entered, failed, crashed = sorted(received, key=lambda alert: str(alert["event"]), reverse=True)
    assert (stale["event"], stale["subject"]) == ("token-growth.source.stale", "source.rankings-daily")
    assert "is not held" in stale["message"]
    assert [one["event"] for one in entered] == ["token-growth.market.top_entry"] * 2
    assert failed["event"] == "prefect.flow-run.Failed"
    assert failed["subject"].startswith("backfill/")
    assert "before 2025-01-01" in failed["message"]
    assert crashed["event"] == "prefect.flow-run.Crashed"
    assert crashed["message"] == "No heartbeat for 90 s: the process of this run is gone."
    assert {alert["path"] for alert in received} == {f"/alerts?token={TOKEN}"}
