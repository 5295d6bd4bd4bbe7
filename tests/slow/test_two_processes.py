"""Two processes at once: one quota, one lock, right tables."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.settings import Settings
from pipeline.simulation import World
from tests.conftest import KEY

pytestmark = pytest.mark.slow


def test_two_processes_stay_within_the_minute_together_and_write_in_turn(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World, tmp_path: Path
) -> None:
    limit = 6
    server = simulate(small_world, requests_per_minute=limit)
    use(
        server.base_url,
        server.now.isoformat(),
        KEY,
        TOKENGROWTH_REQUESTS_PER_MINUTE=str(limit),
        TOKENGROWTH_LOCK_TIMEOUT_SECONDS="300",
    )
    # Two homes for the quota alone, and one that both share for the lock; each command asks for one window.
    script = (
        "import sys\nfrom datetime import date\nfrom pathlib import Path\n"
        "from pipeline import jobs\nfrom pipeline.settings import load_settings\n"
        "for home in sys.argv[1:]:\n"
        "    outcome = jobs.backfill(load_settings(home=Path(home)), date(2025, 1, 1), date(2025, 1, 20), force=True)\n"
        "    assert outcome.exit_code == 0, outcome.to_dict()\n"
        "    print(sum(source.calls for source in outcome.sources), flush=True)\n"
    )
    started = time.monotonic()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, *[str(tmp_path / home) for home in homes]],
            env=os.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for homes in (["one", "shared", "one", "shared"], ["two", "shared", "two", "shared"])
    ]
    ended = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ended
    # One try a call: no call was refused for the minute.
    assert [out.split() for out, _ in ended] == [["1"] * 4] * 2
    assert server.counts["/api/v1/datasets/rankings-daily"] == 8
    assert time.monotonic() - started > 55, "eight calls do not fit into a minute of six"
    with duckdb.connect(str(tmp_path / "shared" / "published" / "token_growth.duckdb"), read_only=True) as connection:
        rows = connection.execute("select date, total_tokens from marts.growth_total order by date").fetchall()
    assert [total for _, total in rows] == [sum(small_world.truth(day).values()) for day, _ in rows]
    assert len(rows) == 20
