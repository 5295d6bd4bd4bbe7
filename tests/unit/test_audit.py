"""An audit that could not be made is never taken for one that found nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import audit

CLEAN = {"name": "polars", "version": "2.1.0", "vulns": []}
FLAWED = {"name": "x", "version": "1.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1"], "aliases": []}]}
UNMENDED = {"name": "y", "version": "2.0", "vulns": [{"id": "GHSA-1", "fix_versions": [], "aliases": []}]}
SKIPPED = {"name": "z", "skip_reason": "Dependency not found on PyPI and could not be audited: z (1.0)"}


def judged(*packages: dict[str, Any]) -> audit.Verdict:
    return audit.judge(json.dumps({"dependencies": packages, "fixes": []}), "", "requirements.lock")


def test_all_looked_up_and_none_vulnerable_is_well() -> None:
    assert judged(CLEAN, CLEAN) == audit.Verdict(0, ("audit: requirements.lock: 2 packages, no known vulnerability",))


def test_each_vulnerability_is_named_with_its_mend() -> None:
    verdict = judged(CLEAN, FLAWED, SKIPPED, UNMENDED)
    assert verdict.exit_code == 1
    assert verdict.lines == (
        "x 1.0: PYSEC-2026-1, mended in 1.1",
        "y 2.0: GHSA-1, mended in none",
        "audit: requirements.lock: 2 known vulnerabilities",
    )


@pytest.mark.parametrize("packages", [[SKIPPED], [CLEAN, SKIPPED], []], ids=["none", "some", "no package"])
def test_what_was_not_looked_up_is_not_well(packages: list[dict[str, Any]]) -> None:
    verdict = judged(*packages)
    assert verdict.exit_code == 3
    assert verdict.lines[0].startswith("audit: not run: requirements.lock: ")


@pytest.mark.parametrize("report", ["", "no JSON", "[]", "{}", "null"])
def test_a_report_that_is_none_tells_the_last_words(report: str) -> None:
    verdict = audit.judge(report, "Traceback …\nConnectionError: no route to host\n", "requirements.lock")
    assert verdict == audit.Verdict(3, ("audit: not run: requirements.lock: ConnectionError: no route to host",))
    assert audit.judge(report, "", "requirements.lock").exit_code == 3


def test_without_pip_audit_it_is_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(audit, "COMMAND", [sys.executable, "-c", "raise SystemExit('No module named pip_audit')"])
    verdict = audit.audit(tmp_path / "requirements.lock")
    assert verdict == audit.Verdict(3, ("audit: not run: requirements.lock: No module named pip_audit",))


def test_a_service_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(audit, "COMMAND", [sys.executable, "-c", "import time; time.sleep(30)"])
    monkeypatch.setattr(audit, "TIMEOUT_SECONDS", 0.2)
    assert audit.audit(tmp_path / "x.lock").lines == ("audit: not run: x.lock: no answer in 0.2 s",)


def test_make_audit_says_so_where_pip_audit_cannot_be_installed(tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "--silent", "audit", f"AUDIT_VENV={tmp_path / 'venv'}", "AUDIT_INSTALL=false"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert "audit: not run: pip-audit cannot be installed" in done.stdout
    assert done.returncode == 2, "make's own status of a recipe that failed"
    assert "Error 3" in done.stderr
