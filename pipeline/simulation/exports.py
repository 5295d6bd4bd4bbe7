"""The keyless exports of a `World`: an index, and immutable dated snapshots of 30 days with their manifests."""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime, timedelta
from typing import Any

from .wire import API, DAY, DEFAULT_DAYS, Answer, ApiError, as_file, as_json, days_between, iso
from .world import OTHER, World, midnight

EXPORTS = f"{API}/datasets/exports"
EXPORT_FILE = re.compile(rf"{EXPORTS}/rankings-daily/(latest|{DAY})\.(csv|json|manifest\.json)")
PUBLISHED = timedelta(hours=1, minutes=46, seconds=15, milliseconds=433)  # snapshots appear after midnight
COLUMNS = ("date", "model_permaslug", "rank", "total_tokens", "share_of_daily_tokens")


class Exports:
    """The published files at any instant; their links lead to `base_url`."""

    def __init__(self, world: World, base_url: str) -> None:
        """Nothing is computed until it is asked for."""
        self.world, self.base_url = world, base_url

    def index(self, now: datetime) -> Answer:
        """The list of datasets, of which only the rankings have files."""
        latest = self._latest(now)
        url = f"{self.base_url}{EXPORTS}/rankings-daily/latest.manifest.json"
        dataset = {"id": "rankings-daily", "latest_snapshot_date": str(latest), "latest_manifest_url": url}
        updated = iso(midnight(latest) + PUBLISHED)
        return as_file(as_json({"schema_version": "v1", "updated_at": updated, "datasets": [dataset]}))

    def file(self, snapshot: str, kind: str, now: datetime) -> Answer:
        """One file: `snapshot` is a day or `latest`, `kind` is csv, json or manifest.json."""
        latest = self._latest(now)
        try:
            day = latest if snapshot == "latest" else date.fromisoformat(snapshot)
        except ValueError:
            day = date.min
        if not self.world.first_day + timedelta(DEFAULT_DAYS) <= day <= latest:
            raise ApiError(404, "Export not found")
        return as_file(self._snapshot(day)[kind])

    def _latest(self, now: datetime) -> date:
        """The newest snapshot published at that instant."""
        latest = min((now - PUBLISHED).date(), self.world.last_day + timedelta(1))
        if latest < self.world.first_day + timedelta(DEFAULT_DAYS):
            raise ApiError(404, "Export not found")
        return latest

    def _snapshot(self, snapshot: date) -> dict[str, Answer]:
        """The files of one snapshot: the 30 days before its date, as known when it was published."""
        known_at = midnight(snapshot) + PUBLISHED
        rows: list[tuple[Any, ...]] = []
        for day in days_between(snapshot - timedelta(DEFAULT_DAYS), snapshot - timedelta(1)):
            ranked = self.world.ranked(day, known_at)
            total = sum(tokens for _, tokens in ranked)
            for rank, (slug, tokens) in enumerate(ranked, 1):
                rows.append((str(day), slug, None if slug == OTHER else rank, tokens, tokens / total))
        lines = [COLUMNS, *(["" if cell is None else str(cell) for cell in row] for row in rows)]
        csv = "".join(",".join(line) + "\r\n" for line in lines)
        head = {
            "dataset": "rankings-daily",
            "schema_version": "v1",
            "snapshot_date": str(snapshot),
            "retrieved_at": iso(known_at),
            "row_count": len(rows),
            "update_cadence": "daily",
            "license": {"name": "CC BY 4.0", "url": "https://creativecommons.org/licenses/by/4.0/"},
            "attribution": "Simulated data: no such models or volumes exist.",
        }
        files = {
            "csv": Answer(csv.encode(), content_type="text/csv; charset=utf-8"),
            "json": as_json(head | {"data": [dict(zip(COLUMNS, row, strict=True)) for row in rows]}),
        }
        folder = f"{self.base_url}{EXPORTS}/rankings-daily"
        described = {
            kind: {
                "url": f"{folder}/{snapshot}.{kind}",
                "encoding_format": file.content_type.partition(";")[0],
                "bytes": len(file.body),
                "sha256": hashlib.sha256(file.body).hexdigest(),
            }
            for kind, file in files.items()
        }
        latest = {kind: f"{folder}/latest.{kind}" for kind in files}
        links = {
            "readme_url": f"{self.base_url}{EXPORTS}/README.md",
            "files": described,
            "latest": latest | {"manifest": f"{folder}/latest.manifest.json"},
        }
        return files | {"manifest.json": as_json(head | links)}
