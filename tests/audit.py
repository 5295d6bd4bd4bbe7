"""Do the locked packages have known vulnerabilities: `python -m tests.audit`, in an environment that has pip-audit.

Exit status 0: every package was looked up and none is known to be vulnerable; 1: some are; 3: it could not be told.
pip-audit alone ends with 0 where the advisory service does not know, or does not answer for, any package.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOCKS = ("requirements.lock", "requirements-duckdb15.lock")
COMMAND = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner", "off"]
TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class Verdict:
    """How an audit ended; `lines` are for people."""

    exit_code: int
    lines: tuple[str, ...]


def judge(report: str, complaint: str, lock: str) -> Verdict:
    """Classify what pip-audit printed as JSON, and on the error stream, for a lock."""
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = complaint.strip().splitlines()[-1:] or ["pip-audit gave no report"]
        return Verdict(3, (f"audit: not run: {lock}: {reason[0]}",))
    skipped = [package for package in packages if "skip_reason" in package]
    found = [
        f"{package['name']} {package['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'none'}"
        for package in packages
        for flaw in package.get("vulns", ())
    ]
    if found:
        return Verdict(1, (*found, f"audit: {lock}: {len(found)} known vulnerabilities"))
    if skipped or not packages:
        reason = str(skipped[0]["skip_reason"]) if skipped else "it names no package"
        return Verdict(
            3, (f"audit: not run: {lock}: {len(skipped)} of {len(packages)} packages were not audited: {reason}",)
        )
    return Verdict(0, (f"audit: {lock}: {len(packages)} packages, no known vulnerability",))


def audit(lock: Path) -> Verdict:
    """Run pip-audit on a lock."""
    try:
        done = subprocess.run(
            [*COMMAND, "--format", "json", "--requirement", str(lock)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return Verdict(3, (f"audit: not run: {lock.name}: no answer in {TIMEOUT_SECONDS} s",))
    return judge(done.stdout, done.stderr, lock.name)


def main() -> int:
    """Audit every lock; a finding weighs more than what could not be told."""
    root = Path(__file__).parents[1]
    verdicts = [audit(root / name) for name in LOCKS]
    for verdict in verdicts:
        sys.stdout.write("\n".join(verdict.lines) + "\n")
    codes = {verdict.exit_code for verdict in verdicts}
    return next((code for code in (1, 3) if code in codes), 0)


if __name__ == "__main__":
    sys.exit(main())
