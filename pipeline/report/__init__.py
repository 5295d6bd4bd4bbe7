"""The report: one self-contained HTML page of the published tables, and its charts as pictures for slides.

The page holds its pictures as SVG, drawn beforehand: it needs no network and no script to be read, and the first
picture is there with the first paint. Needs the extra `report`, which nothing else imports.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.archive import write_whole
from pipeline.errors import TokenGrowthError, UsageError
from pipeline.reading import simulated_note
from pipeline.rendering import PictureFormat, Theme, megabytes
from pipeline.report.serving import serving
from pipeline.settings import Settings
from pipeline.warehouse import published

__all__ = ["Written", "is_installed", "serving", "write", "write_pictures"]

EXTRA = ("altair", "vl_convert", "jinja2")
READABLE = 0o644


@dataclass(frozen=True)
class Written:
    """What was written, and the line that says so."""

    paths: Sequence[Path]
    figures: int
    charts: int
    size_bytes: int
    is_simulated: bool

    @property
    def summary(self) -> str:
        """Return one line for people."""
        what = (
            f"{self.figures} figures, {self.charts} of them drawn"
            if len(self.paths) == 1
            else f"{len(self.paths)} pictures"
        )
        return f"report: {what}, {megabytes(self.size_bytes)}{simulated_note(self.is_simulated)}"

    def to_dict(self) -> dict[str, Any]:
        """Return the facts for machines."""
        return {
            "paths": [str(path) for path in self.paths],
            "figures": self.figures,
            "charts": self.charts,
            "size_bytes": self.size_bytes,
            "is_simulated": self.is_simulated,
        }


def is_installed() -> bool:
    """Tell whether the extra `report` is there."""
    return all(importlib.util.find_spec(name) for name in EXTRA)


def write(settings: Settings, path: Path | None = None) -> Written:
    """Write the page, by default beside the published file; a reader never meets half of it.

    Raises UsageError for a folder, TokenGrowthError where nothing is published or the extra is not installed.
    """
    _require_installed()
    from pipeline.report import page

    path = path or settings.report_path
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name the file to write, such as {path / settings.report_path.name}.")
    with published(settings) as connection:
        content = page.read(connection)
    parquet = {file.stem for file in settings.parquet_dir.glob("*.parquet")} if path == settings.report_path else set()
    text = page.render(content, parquet).encode()
    write_whole(path, text)
    path.chmod(READABLE)  # a web server runs as another user
    return Written([path], len(content.figures), content.chart_count, len(text), content.is_simulated)


def write_pictures(settings: Settings, folder: Path, form: PictureFormat, theme: Theme) -> Written:
    """Write each chart as a picture that names its source, for slides. Raises like `write`."""
    _require_installed()
    from pipeline.report import page

    with published(settings) as connection:
        content = page.read(connection)
    pictures = {folder / f"{name}.{form}": picture for name, picture in page.pictures(content, form, theme)}
    for path, picture in pictures.items():
        write_whole(path, picture)
        path.chmod(READABLE)
    return Written(
        list(pictures),
        len(content.figures),
        content.chart_count,
        sum(map(len, pictures.values())),
        content.is_simulated,
    )


def _require_installed() -> None:
    if not is_installed():
        raise TokenGrowthError(
            "The report needs the extra `report`, which is not installed; "
            "`pip install -e '.[report]'` in the checkout adds it."
        )
