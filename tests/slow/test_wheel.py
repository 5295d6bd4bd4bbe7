"""The built wheel carries its SQL and templates and works away from the checkout; a browser test opens its demo."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_the_wheel_works_away_from_the_checkout(site: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(site)}

    def said(*words: str) -> str:
        command = [sys.executable, *words]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = "import pipeline, flows, pipeline.models as m; print(pipeline.__file__, flows.__file__, m.sql_dir())"
    found = said("-c", where)
    assert all(word.startswith(str(site)) for word in found.split()), found
    assert said("-m", "pipeline", "docs", "dictionary").startswith("<!doctype html>")
