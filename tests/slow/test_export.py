"""Whoever reads a package while its next export is killed has the package that was there."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ended
from tests.flows.conftest import loaded_home

__all__ = ["loaded_home"]
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def require_whole(target: Path) -> None:
    sums = (target / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    for digest, name in (line.split("  ") for line in sums):
        assert hashlib.sha256((target / name).read_bytes()).hexdigest() == digest, name
    files = [path for path in target.rglob("*") if path.is_file()]
    assert len(files) == len(sums) + 1


def test_a_killed_export_leaves_the_package_that_was_there(
    loaded_home: Path, tmp_path: Path, cli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENGROWTH_HOME", str(loaded_home))
    target = tmp_path / "package"
    assert cli("export", str(target), "--table", "growth_total").code == 0
    before = (target / "SHA256SUMS").read_bytes()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for files in (0, 1, 50, 100):
        left = set(tmp_path.glob(".package.*.part"))
        process = subprocess.Popen([sys.executable, "-m", "pipeline", "export", str(target)], env=environment)
        while process.poll() is None:
            begun = set(tmp_path.glob(".package.*.part")) - left
            if begun and sum(path.is_file() for path in begun.pop().rglob("*")) >= files:
                break
            time.sleep(0.002)
        process.kill()
        assert process.wait(10) == -9, "it was killed amid its work"
        require_whole(target)
        assert (target / "SHA256SUMS").read_bytes() == before
    assert len(list(tmp_path.glob(".package.*.part"))) == 4
    assert cli("export", str(target)).code == 0
    require_whole(target)
    assert (target / "SHA256SUMS").read_bytes() != before
