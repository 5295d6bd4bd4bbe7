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
from pipeline.errors import TokenGrowthError, UsageError, writable
from pipeline.reading import simulated_note
from pipeline.rendering import PictureFormat, Theme, megabytes
from pipeline.report.serving import serving
from pipeline.settings import Settings
from pipeline.warehouse import published

__all__ = ["Slides", "Written", "is_installed", "serving", "write"]

EXTRA = ("altair", "vl_convert", "jinja2")
READABLE = 0o644
BEGINNING = b"<!doctype html>"


@dataclass(frozen=True)
class Slides:
    """Where to write each chart as a picture, and how."""

    folder: Path
    form: PictureFormat = PictureFormat.PNG
    theme: Theme = Theme.LIGHT


@dataclass(frozen=True)
class Written:
    """What was written, and the line that says so. `failed` are figures that could not be made, or drawn."""

    path: Path
    pictures: Sequence[Path]
    figures: int
    charts: int
    failed: Sequence[str]
    size_bytes: int
    is_simulated: bool

    @property
    def summary(self) -> str:
        """Return one line for people."""
        slides = f", {len(self.pictures)} pictures" if self.pictures else ""
        failed = f", {len(self.failed)} failed" if self.failed else ""
        return (
            f"report: {self.figures} figures, {self.charts} of them drawn{failed}, {megabytes(self.size_bytes)}{slides}"
            + simulated_note(self.is_simulated)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the facts for machines."""
        return {
            "path": str(self.path),
            "pictures": [str(picture) for picture in self.pictures],
            "figures": self.figures,
            "charts": self.charts,
            "failed": self.failed,
            "size_bytes": self.size_bytes,
            "is_simulated": self.is_simulated,
        }


def is_installed() -> bool:
    """Tell whether the extra `report` is there."""
    return all(importlib.util.find_spec(name) for name in EXTRA)


def write(settings: Settings, path: Path | None = None, slides: Slides | None = None) -> Written:
    """Write the page, by default beside the published file, and the pictures that are asked for, from one reading.

    A reader never meets half of the page. Raises UsageError for a place that holds something else, UnwritableError for
    one that cannot be written, TokenGrowthError where nothing is published or the extra is not installed.
    """
    _require_installed()
    from pipeline.report import page

    path = path or settings.report_path
    _require_replaceable(path)
    with published(settings) as connection:
        content = page.read(connection)
    is_beside = path.absolute() == settings.report_path.absolute()
    parquet = {file.stem for file in settings.parquet_dir.glob("*.parquet")} if is_beside else set()
    text = page.render(content, parquet).encode()
    pictures = {}
    if slides:
        drawn = page.pictures(content, slides.form, slides.theme)
        pictures = {slides.folder / f"{name}.{slides.form}": picture for name, picture in drawn}
    with writable(path, "name another file with --output"):
        _write(path, text)
    for place, picture in pictures.items():
        with writable(place, "name another folder with --pictures"):
            _write(place, picture)
    return Written(
        path,
        list(pictures),
        figures=len(content.drawn),
        charts=sum(bool(one.pictures) for one in content.drawn),
        failed=[one.figure.name for one in content.drawn if one.has_failed],
        size_bytes=len(text),
        is_simulated=content.is_simulated,
    )


def _write(path: Path, content: bytes) -> None:
    write_whole(path, content)
    path.chmod(READABLE)  # a web server runs as another user


def _require_replaceable(path: Path) -> None:
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name the file to write, such as {path / 'report.html'}.")
    if path.exists():
        with path.open("rb") as file:
            if file.read(len(BEGINNING)) != BEGINNING:
                raise UsageError(f"{path} holds something else than a page; name another file.")


def _require_installed() -> None:
    if not is_installed():
        raise TokenGrowthError(
            "The report needs the extra `report`, which is not installed; "
            "`pip install -e '.[report]'` in the checkout adds it."
        )
