"""Alerts of real runs: printed once, kept in the home, in JSON, and as events."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import shell
from pipeline import jobs, watch
from pipeline.outcome import Outcome
from pipeline.settings import Settings
from pipeline.simulation import World
from tests.conftest import KEY, Ended, morning_after

CLOSED = "http://127.0.0.1:9"


@pytest.fixture
def away(loaded_home: Path, use: Callable[..., Settings], small_world: World) -> Settings:
    """The next morning, on which OpenRouter cannot be reached."""
    now = morning_after(small_world.last_day) + timedelta(days=1)
    unsubscribed = {"TOKENGROWTH_ALERT_TOP_RANK": "0", "TOKENGROWTH_ALERT_SHARE_MOVE_PP": "0"}
    settings = use(CLOSED, now.isoformat(), KEY, TOKENGROWTH_ATTEMPTS="1", **unsubscribed)
    shutil.copytree(loaded_home, settings.home)
    return settings


def told_by(ended: Ended) -> list[dict[str, Any]]:
    return list(json.loads(ended.out)["alerts"])


def test_a_source_that_failed_is_told_once_a_day(
    away: Settings, cli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = cli("run", "--json")
    assert first.code == 3
    names = ["SIMULATED DATA. rankings-daily: ", "SIMULATED DATA. models: "]
    assert [one["message"][: len(name)] for one, name in zip(told_by(first), names, strict=True)] == names
    second = cli("run")
    # The problem is said each time, the alert is told once, and neither line repeats the other.
    assert (second.err.count("failed: rankings-daily"), second.err.count("alert: ")) == (1, 0)
    monkeypatch.setenv("TOKENGROWTH_NOW", (away.now() + timedelta(days=1)).isoformat())
    again = json.loads(cli("run", "--json").out)
    assert [one["subject"] for one in again["alerts"]] == ["source.rankings-daily", "source.models"]
    assert again["alerts"][0]["kind"] == "source.failed"
    assert told_by(cli("run", "--json")) == []
    kept = json.loads(cli("alerts", "--limit", "3", "--json").out)
    assert [one["date"] for one in kept["alerts"]] == ["2025-03-03", "2025-03-04", "2025-03-04"]
    assert cli("alerts").out.splitlines()[-1] == "alerts: 4 of 4 told so far"


def test_the_market_of_the_last_week_is_told_of_what_is_published(
    away: Settings, cli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKENGROWTH_ALERT_SHARE_MOVE_PP")
    found = json.loads(cli("build", "--json").out)["alerts"]
    assert found
    assert {one["kind"] for one in found} == {"market.share_move"}
    assert all("2025-02-23" <= one["date"] <= "2025-03-01" for one in found)
    assert all(one["message"].startswith("SIMULATED DATA. The share of the ") for one in found)


def test_a_run_that_is_killed_while_it_tells_tells_again(
    away: Settings, cli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(watch, "note_told", lambda *_: None)
        assert len(told_by(cli("run", "--json"))) == 2
    assert len(told_by(cli("run", "--json"))) == 2
    whole = away.alerts_path.read_bytes()
    away.alerts_path.write_bytes(whole[:-20])
    assert len(told_by(cli("run", "--json"))) == 1
    assert len(watch.told(away)) == 2


def test_a_check_that_fails_is_told_and_leaves_what_was_published(away: Settings, cli: Callable[..., Ended]) -> None:
    with duckdb.connect(str(away.warehouse_path)) as connection:
        connection.execute("update raw.rankings_daily set total_tokens = -1 where model_permaslug = 'other'")
    before = away.published_path.read_bytes()
    ended = cli("build")
    assert ended.code == 1
    (alert,) = watch.told(away)
    assert alert["kind"] == "check.failed"
    assert ended.err.count(alert["message"].removeprefix("SIMULATED DATA. ").splitlines()[0]) == 1
    assert away.published_path.read_bytes() == before
    assert cli("build").code == 1
    assert len(watch.told(away)) == 1


def test_what_cannot_be_looked_at_stops_no_job(away: Settings) -> None:
    away.published_path.write_bytes(b"no database")
    assert watch.of_published(away) == []
    away.published_path.unlink()
    assert watch.of_published(away) == []


class EventServer(ThreadingHTTPServer):
    """The part of a Prefect server that receives events: it answers with `status`, and keeps the events where 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), EventHandler)
        self.events: list[dict[str, Any]] = []
        self.status = 204


class EventHandler(BaseHTTPRequestHandler):
    server: EventServer

    def do_GET(self) -> None:
        self._answer(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_for_events = self.path == "/api/events"
        if is_for_events and self.server.status == 204:
            self.server.events += json.loads(body)
        self._answer(self.server.status if is_for_events else 404)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def event_server() -> Iterator[EventServer]:
    with EventServer() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{server.server_port}/api"}):
            yield server
        server.shutdown()
        thread.join()


def test_each_alert_is_an_event_about_its_subject(away: Settings, event_server: EventServer) -> None:
    today = away.now().date()
    failed = watch.Alert(
        "source.failed", "source.models", "models: gone", today, {"source": "models", "missing_days": 2}
    )
    entry = watch.Alert("market.top_entry", "model.openai/gpt-5:free", "new", today, {"rank": 3})
    for _ in range(2):
        shell.tell_alerts(away, [failed, entry])
    emitted = event_server.events
    assert [(one["event"], one["resource"]["prefect.resource.id"]) for one in emitted] == [
        ("token-growth.source.failed", "token-growth.source.models"),
        ("token-growth.market.top_entry", "token-growth.model.openai-gpt-5-free"),
    ]
    assert emitted[0]["payload"] == {
        "kind": "source.failed",
        "subject": "source.models",
        "date": str(today),
        "message": "models: gone",
        "source": "models",
        "missing_days": 2,
    }


def test_an_event_that_did_not_arrive_is_not_told(away: Settings, event_server: EventServer) -> None:
    alert = watch.Alert("source.failed", "source.models", "models: gone", away.now().date())
    event_server.status = 500
    shell.tell_alerts(away, [alert])
    assert watch.told(away) == []
    with temporary_settings({PREFECT_API_URL: f"{CLOSED}/api"}):
        shell.tell_alerts(away, [alert])
    assert watch.told(away) == []
    event_server.status = 204
    shell.tell_alerts(away, [alert])
    assert (len(event_server.events), len(watch.told(away))) == (1, 1)


def test_whatever_becomes_of_the_artifacts_alerts_are_told_and_a_backfill_goes_on(
    away: Settings, event_server: EventServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no artifacts")

    monkeypatch.setattr(shell, "leave_artifacts", broken)
    monkeypatch.setattr(shell, "run_log", nullcontext)
    ended: list[Outcome] = []
    with pytest.raises(RuntimeError, match="no artifacts"):
        shell.run_job(jobs.run, ended.append)
    assert [one["event"] for one in event_server.events] == ["token-growth.source.failed"] * 2
    assert len(ended) == 1
