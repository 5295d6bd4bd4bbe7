"""The request ledger: limits that hold across objects, processes and keys."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline import quota
from pipeline.errors import QuotaReachedError
from pipeline.quota import Quota, key_hash

KEY = "sk-or-secret-of-the-tests"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def of(state: Path) -> Callable[..., Quota]:
    """Make a quota on the one state directory."""

    def make(key: str = KEY, per_minute: int = 1000, per_day: int = 500) -> Quota:
        return Quota(state, key, per_minute, per_day)

    return make


def ledger(state: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(state / "requests.sqlite")) as connection:
        # The file is there before its table.
        if not connection.execute("select 1 from sqlite_master where name = 'requests'").fetchall():
            return []
        return connection.execute("select * from requests order by sent_at").fetchall()


def test_each_request_is_counted_and_noted(of, state) -> None:
    assert of().used_today() == 0
    assert not state.exists()
    before = datetime.now(UTC)
    for n in range(3):
        of().reserve(f"https://x/{n}")
    assert of().used_today() == 3
    rows = ledger(state)
    assert [row[3] for row in rows] == ["https://x/0", "https://x/1", "https://x/2"]
    for row in rows:
        assert row[0] == key_hash(KEY)
        assert before <= datetime.fromisoformat(row[2]) <= datetime.now(UTC)
        assert row[1] == row[2][:10]


def test_each_key_has_its_own_count(of) -> None:
    of().reserve("https://x/")
    of("another").reserve("https://x/")
    of("another").reserve("https://x/")
    assert (of().used_today(), of("another").used_today(), of("third").used_today()) == (1, 2, 0)


def test_yesterdays_requests_do_not_count(of, state) -> None:
    of(per_day=2).reserve("https://x/")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    row = (key_hash(KEY), yesterday.date().isoformat(), yesterday.isoformat(), "https://x/")
    with closing(sqlite3.connect(state / "requests.sqlite")) as connection, connection:
        connection.executemany("insert into requests values (?, ?, ?, ?)", [row] * 9)
    assert of().used_today() == 1
    of(per_day=2).reserve("https://x/")
    assert len(ledger(state)) == 11


def test_the_last_request_of_the_day_is_granted_and_the_next_refused(of, state) -> None:
    first = of(per_day=2)
    first.reserve("https://x/")
    first.reserve("https://x/")
    midnight = (datetime.now(UTC) + timedelta(days=1)).date()
    for again in (first, of(per_day=2)):
        with pytest.raises(QuotaReachedError, match=rf"All 2 requests .* before {midnight}T00:00Z") as caught:
            again.reserve("https://x/")
        assert caught.value.exit_code == 4
    assert len(ledger(state)) == 2
    of("another", per_day=2).reserve("https://x/")
    of(per_day=3).reserve("https://x/")


def test_a_refused_request_does_not_wait_for_the_minute(of) -> None:
    of(per_minute=1, per_day=1).reserve("https://x/")
    started = time.monotonic()
    with pytest.raises(QuotaReachedError):
        of(per_minute=1, per_day=1).reserve("https://x/")
    assert time.monotonic() - started < 5


def test_only_a_hash_of_the_key_is_on_disk(of, state) -> None:
    of().reserve("https://x/")
    found = {path.name: path.read_bytes() for path in state.iterdir()}
    assert {"requests.sqlite", "minute.sqlite"} <= found.keys()
    assert not any(KEY.encode() in content for content in found.values())
    assert any(key_hash(KEY).encode() in content for content in found.values())
    assert len(key_hash(KEY)) == 16
    assert key_hash(KEY) != key_hash(KEY + "x")


def test_the_minute_limit_delays(of, state, monkeypatch) -> None:
    monkeypatch.setattr(quota, "MINUTE_MILLISECONDS", 400)
    started = time.monotonic()
    for _ in range(5):
        of(per_minute=2).reserve("https://x/")
    assert time.monotonic() - started >= 0.8
    assert len(ledger(state)) == 5


def test_the_minute_limit_does_not_delay_before_it_is_reached(of) -> None:
    started = time.monotonic()
    for _ in range(3):
        of(per_minute=3).reserve("https://x/")
    assert time.monotonic() - started < 5


def test_the_minute_of_one_key_does_not_delay_another(of) -> None:
    of(per_minute=1).reserve("https://x/")
    started = time.monotonic()
    of("another", per_minute=1).reserve("https://x/")
    assert time.monotonic() - started < 5


def start(state: Path, calls: int, per_minute: int, per_day: int) -> subprocess.Popen[str]:
    """Start a process that waits for a line, reserves, and tells how many were granted and refused."""
    script = f"""
        import json, sys
        from pathlib import Path
        from pipeline.errors import QuotaReachedError
        from pipeline.quota import Quota

        mine, granted, refused = Quota(Path({str(state)!r}), {KEY!r}, {per_minute}, {per_day}), 0, 0
        print("ready", flush=True)
        sys.stdin.readline()
        for _ in range({calls}):
            try:
                mine.reserve("https://x/")
                granted += 1
            except QuotaReachedError:
                refused += 1
        print(json.dumps([granted, refused]))
    """
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], text=True, **pipes)


@pytest.fixture
def two(state: Path) -> Iterator[Callable[..., list[subprocess.Popen[str]]]]:
    """Let two processes reserve at once; those that still wait are killed at the end."""
    running: list[subprocess.Popen[str]] = []

    def begin(**limits: int) -> list[subprocess.Popen[str]]:
        running.extend(start(state, **limits) for _ in range(2))
        for process in running:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in running:
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
        return running

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def test_two_processes_share_the_minute(two, state) -> None:
    running = two(calls=5, per_minute=5, per_day=500)
    deadline = time.monotonic() + 20
    while not (state / "requests.sqlite").exists() or len(ledger(state)) < 5:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.5)
    assert len(ledger(state)) == 5
    assert any(process.poll() is None for process in running)


def test_two_processes_share_the_day(two, state) -> None:
    ended = []
    for process in two(calls=5, per_minute=1000, per_day=7):
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        ended.append(json.loads(out))
    assert sum(granted for granted, _ in ended) == 7
    assert sum(refused for _, refused in ended) == 3
    assert len(ledger(state)) == 7


def test_a_request_of_a_killed_process_still_counts(of, state) -> None:
    script = f"""
        import os
        from pathlib import Path
        from pipeline.quota import Quota

        Quota(Path({str(state)!r}), {KEY!r}, 1000, 500).reserve("https://x/")
        os._exit(9)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False, capture_output=True)
    assert killed.returncode == 9, killed.stderr
    of().reserve("https://x/")
    assert of().used_today() == 2
