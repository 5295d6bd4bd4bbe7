"""The built wheel carries its SQL and works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def test_the_wheel_runs_the_demo_away_from_the_checkout(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            str(tmp_path / "site"),
            str(wheel),
        ],
        check=True,
        capture_output=True,
    )
    where = "import pipeline, flows, pipeline.models as m; print(pipeline.__file__, flows.__file__, m.sql_dir())"
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    found = subprocess.run(
        [sys.executable, "-c", where], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert all(word.startswith(str(tmp_path / "site")) for word in found.stdout.split()), found.stdout
    page = subprocess.run(
        [sys.executable, "-m", "pipeline", "docs", "dictionary"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert page.stdout.startswith("<!doctype html>"), page.stderr
    demo = subprocess.run(
        [sys.executable, "-m", "pipeline", "demo", "--home", str(tmp_path / "demo")],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert demo.returncode == 0, demo.stderr
    assert "SIMULATED DATA. Largest authors" in demo.stdout
    report = subprocess.run(
        [sys.executable, "-m", "pipeline", "report"],
        env=environment | {"TOKENGROWTH_HOME": str(tmp_path / "demo")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "report: 19 figures, 12 of them drawn" in report.stdout, report.stderr
