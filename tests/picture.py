"""The README's picture of the report: `python -m tests.picture` runs the demo and takes it in Chromium."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from pipeline import report
from pipeline.rendering import Theme
from pipeline.settings import load_settings
from tests.browser import launched, opened

DOCS = Path(__file__).parents[1] / "docs"
WIDTH_PX, HEIGHT_PX = 1000, 930


def main() -> None:
    """Write docs/report-light.png and docs/report-dark.png."""
    with tempfile.TemporaryDirectory() as folder, launched() as browser:
        home = Path(folder) / "home"
        command = [sys.executable, "-m", "pipeline", "demo", "--home", str(home)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        path = report.write(load_settings(home=home)).path
        for theme in Theme:
            page = opened(browser, path.as_uri(), width=WIDTH_PX, theme=theme.value).page
            page.set_viewport_size({"width": WIDTH_PX, "height": HEIGHT_PX})
            page.screenshot(path=DOCS / f"report-{theme}.png")


if __name__ == "__main__":
    main()
