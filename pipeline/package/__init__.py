"""The data package: a folder with every published mart as CSV and Parquet, for people who never run the pipeline.

    datapackage.json    what is in it, by the Data Package standard, version 2
    README.md           the same in words, for a stranger
    CITATION.cff        how to cite it, by the Citation File Format 1.2.0
    LICENCE.txt         the lines that the licence asks to show
    SHA256SUMS          of every other file
    csv/, parquet/      the tables

A table whose rows are told apart by a date and by something more is a folder with one file a year, in the manner of
Hive (`csv/fct_trend/year=2026/fct_trend_2026.csv`); any other is one file. The rows of a file
are in the order of the table's grain, and times are those of the build: the same published file gives the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.package import tables, texts
from pipeline.package.folder import Writer, replacing, require_replaceable
from pipeline.package.tables import Edition, Resource, Table
from pipeline.reading import simulated_note
from pipeline.rendering import megabytes
from pipeline.settings import Settings
from pipeline.warehouse import licence_text, published


@dataclass(frozen=True)
class Export:
    """What was written: `files` are paths within the target, with their sizes in bytes."""

    target: Path
    edition: Edition
    resources: Sequence[Resource]
    files: Mapping[str, int]

    @property
    def summary(self) -> str:
        """The line that ends the command."""
        size = megabytes(sum(self.files.values()))
        number = f"{len(self.resources)} table{'s' if len(self.resources) > 1 else ''}"
        return f"export: {number} in {len(self.files)} files, {size}, to {self.target}" + simulated_note(
            self.edition.is_simulated
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "target": self.target,
            "name": self.edition.name,
            "version": self.edition.version,
            "is_simulated": self.edition.is_simulated,
            "size_bytes": sum(self.files.values()),
            "rows": {resource.table.name: resource.rows for resource in self.resources},
            "files": self.files,
        }


def export(settings: Settings, target: Path, forms: Sequence[str], names: Sequence[str] = ()) -> Export:
    """Write the package to `target`, which it replaces when it is whole; with `names` only these tables.

    `forms` are csv, parquet or both, the first of them being what datapackage.json describes. Raises UsageError for a
    table that is not published, and for a target that holds anything but an earlier export of the same kind;
    TokenGrowthError where nothing is published or the target cannot be written. What was there then stays.
    """
    place = Path(os.path.abspath(target))  # noqa: PTH100 - a link is refused, not followed
    with published(settings) as connection:
        edition = tables.edition_of(connection)
        chosen = _chosen(tables.published_tables(connection), names)
        require_replaceable(place, edition.name)
        with replacing(place) as folder:
            writer = Writer(folder)
            resources = tables.write(connection, edition, chosen, forms, writer)
            writer.write("datapackage.json", texts.descriptor(edition, resources))
            writer.write("README.md", texts.readme(edition, resources))
            writer.write("CITATION.cff", texts.citation(edition))
            writer.write("LICENCE.txt", licence_text(edition.contract))
            writer.write_sums()
    return Export(target, edition, resources, writer.sizes)


def _chosen(known: Mapping[str, Table], names: Sequence[str]) -> list[Table]:
    for name in names:
        if name not in known:
            raise UsageError(f"There is no table {name!r} to export; `tokengrowth docs` lists them.")
    return [table for name, table in known.items() if name in names or not names]
