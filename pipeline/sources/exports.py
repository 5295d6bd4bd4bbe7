"""The official exports: keyless daily snapshots of the rankings, each with the 30 days before its date.

`latest.*` may mix two snapshots right after a publication. It is therefore read for the newest snapshot's
date only; a dated file never changes and is held against its own dated manifest.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from pydantic import NonNegativeInt

from pipeline.archive import Fetch
from pipeline.contracts import (
    OTHER,
    WHOLE,
    Day,
    Instant,
    Parsed,
    Payload,
    citation,
    read_json,
    require_all,
    require_ranked_days,
)
from pipeline.errors import ContractBrokenError
from pipeline.sources import rankings_daily
from pipeline.sources.base import DATASET_FLOOR, Cadence, Exchange, Reply, Request, Source, Want, require_ok

if TYPE_CHECKING:
    import polars as pl

NAME = "exports"
PATH = "/api/v1/datasets/exports/rankings-daily"
SNAPSHOT_DAYS = 30
# Consecutive snapshots of a backfill share two days, so that a seam can be compared.
STRIDE_DAYS = 28
PUBLISHED_AFTER = timedelta(hours=2, minutes=30)
COLUMNS = ["date", "model_permaslug", "rank", "total_tokens", "share_of_daily_tokens"]


class ExportFile(Payload):
    """Size and checksum of one file of a snapshot."""

    bytes: NonNegativeInt
    sha256: str


class Manifest(Payload):
    """What a snapshot consists of. `retrieved_at` is the instant as of which its figures hold."""

    snapshot_date: Day
    retrieved_at: Instant
    row_count: NonNegativeInt
    files: dict[str, ExportFile]


def plan(want: Want) -> list[Request]:
    """List the calls if every snapshot exists; the walk ends at the first one that does not."""
    newest = (want.now - PUBLISHED_AFTER).date()
    requests = [Request(f"{PATH}/latest.manifest.json")]
    for snapshot in _snapshots(want, newest):
        requests += [_manifest_request(snapshot, newest), Request(f"{PATH}/{snapshot}.csv")]
    return requests


def exchange(want: Want) -> Exchange:
    """Read the newest snapshot, then older ones in strides of 28 days until one does not exist.

    Between the oldest read and the one that does not exist, the first of all snapshots is found by halving
    the distance, so that the walk ends with the very first day that the exports hold; a limited walk just ends.
    """
    latest = yield Request(f"{PATH}/latest.manifest.json")
    newest = _read_manifest(latest.status, latest.body, None).snapshot_date
    if newest > want.now.date():
        raise ContractBrokenError(f"{NAME}: the latest manifest names the snapshot of {newest}, which is to come.")
    present, missing, read_from = newest, date.min, newest
    for snapshot in _snapshots(want, newest):
        manifest = yield from _ask_manifest(snapshot, newest)
        if manifest is None and want.max_calls is not None:
            return
        if manifest is None:
            # One day without a snapshot is no end: that of the next day overlaps enough to stand in for it.
            missing = max(missing, snapshot)
            manifest = yield from _ask_manifest(snapshot + timedelta(days=1), newest)
        if manifest is None:
            missing = max(missing, snapshot + timedelta(days=1))
            manifest = yield from _first_between(missing, present)
            if manifest is None and read_from == newest:
                manifest = yield from _ask_manifest(newest, newest)
            if manifest and any(_first_day(manifest.snapshot_date) <= day < read_from for day in want.days):
                yield from _ask_file(manifest, want)
            return
        yield from _ask_file(manifest, want)
        present, read_from = manifest.snapshot_date, _first_day(manifest.snapshot_date)


def _ask_file(manifest: Manifest, want: Want) -> Exchange:
    request = _file_request(manifest)
    if request.path not in want.held_paths:
        yield request


def _first_between(missing: date, present: date) -> Generator[Request, Reply, Manifest | None]:
    """Find the oldest snapshot after `missing` and before `present`; None where there is none."""
    oldest: Manifest | None = None
    while (present - missing).days > 1:
        middle = missing + timedelta(days=(present - missing).days // 2)
        manifest = yield from _ask_manifest(middle, None)
        if manifest is None:
            missing = middle
        else:
            present, oldest = middle, manifest
    return oldest


def _snapshots(want: Want, newest: date) -> Iterator[date]:
    """Choose snapshots that cover the wanted days, newest first, each sharing two days with the next."""
    covered_from = newest + timedelta(days=1)
    read = 0
    for day in sorted((day for day in want.days if day < newest), reverse=True):
        if day >= covered_from:
            continue
        snapshot = min(day + timedelta(days=1 + SNAPSHOT_DAYS - STRIDE_DAYS), newest)
        covered_from = _first_day(snapshot)
        if f"{PATH}/{snapshot}.csv" in want.held_paths:
            continue
        read += 1
        if want.max_calls is not None and 1 + 2 * read > want.max_calls:
            return
        yield snapshot


def _first_day(snapshot: date) -> date:
    return snapshot - timedelta(days=SNAPSHOT_DAYS)


def _ask_manifest(snapshot: date, newest: date | None) -> Generator[Request, Reply, Manifest | None]:
    answer = yield _manifest_request(snapshot, newest)
    if answer.status == 404 and snapshot != newest:
        return None
    return _read_manifest(answer.status, answer.body, snapshot)


def _manifest_request(snapshot: date, newest: date | None) -> Request:
    context = {"snapshot_date": str(snapshot), "is_newest": snapshot == newest}
    return Request(f"{PATH}/{snapshot}.manifest.json", context=context)


def _file_request(manifest: Manifest) -> Request:
    file = manifest.files["csv"]
    return Request(
        f"{PATH}/{manifest.snapshot_date}.csv",
        context={
            "snapshot_date": str(manifest.snapshot_date),
            "retrieved_at": manifest.retrieved_at.isoformat(),
            "row_count": manifest.row_count,
            "bytes": file.bytes,
            "sha256": file.sha256,
        },
    )


def parse(fetch: Fetch, body: bytes) -> Parsed:
    """Return rows (date, model_permaslug, total_tokens) for raw.rankings_daily; none for a manifest."""
    if fetch.context.get("is_imported"):
        return _parse_imported_file(fetch, body)
    if "sha256" in fetch.context:
        return _parse_file(fetch, body)
    snapshot = fetch.context.get("snapshot_date")
    if fetch.status == 404 and snapshot and not fetch.context["is_newest"]:
        # Snapshots are never removed, so that nothing older than the next day's snapshot can be had.
        floor = _first_day(date.fromisoformat(snapshot)) + timedelta(days=1)
        return Parsed(settles=(WHOLE,), is_absent=True, floor_date=floor)
    _read_manifest(fetch.status, body, date.fromisoformat(snapshot) if snapshot else None)
    return Parsed()


def _read_manifest(status: int, body: bytes, snapshot: date | None) -> Manifest:
    """Read the manifest of a snapshot, or the latest one where None; hold it to what was asked for."""
    what = f"{NAME}: the manifest of {snapshot}" if snapshot else f"{NAME}: the latest manifest"
    require_ok(status, body, what)
    manifest = read_json(Manifest, body, what)
    if "csv" not in manifest.files:
        raise ContractBrokenError(f"{what} names no CSV file.")
    if snapshot and manifest.snapshot_date != snapshot:
        raise ContractBrokenError(f"{what} is that of {manifest.snapshot_date}.")
    return manifest


def _parse_file(fetch: Fetch, body: bytes) -> Parsed:
    promised = fetch.context
    what = f"{NAME}: the snapshot of {promised['snapshot_date']}"
    require_ok(fetch.status, body, what)
    if (len(body), hashlib.sha256(body).hexdigest()) != (promised["bytes"], promised["sha256"]):
        raise ContractBrokenError(
            f"{what} has {len(body):,} bytes that do not match its manifest ({promised['bytes']:,} bytes, "
            f"SHA-256 {promised['sha256'][:12]}…). Nothing of it was landed."
        )
    frame, unknown = _read_csv(body, what)
    if frame.height != promised["row_count"]:
        raise ContractBrokenError(
            f"{what} has {frame.height} rows, its manifest promises {promised['row_count']}. Nothing was landed."
        )
    last_day = date.fromisoformat(promised["snapshot_date"]) - timedelta(days=1)
    as_of = datetime.fromisoformat(promised["retrieved_at"])
    return replace(_landed(frame, unknown, last_day, as_of, what), promised_end_date=last_day)


def _parse_imported_file(fetch: Fetch, body: bytes) -> Parsed:
    """Read a file that someone saved, without its manifest: nothing promises its size, its checksum or its last day.

    Its figures are those of the morning on which a snapshot with that last day is published, however much later it
    was saved.
    """
    import polars as pl

    what = f"{NAME}: the imported snapshot"
    frame, unknown = _read_csv(body, what)
    last_day = frame.select(pl.col("date").max()).item()
    if last_day is None:
        raise ContractBrokenError(f"{what} has no rows: empty is an error, not a day without use.")
    retrieved_at = datetime.fromisoformat(fetch.fetched_at)
    if last_day > retrieved_at.date():
        raise ContractBrokenError(f"{what} ends with {last_day}, after the day on which it was retrieved.")
    published_at = datetime.combine(last_day + timedelta(days=1), time(), UTC) + PUBLISHED_AFTER
    as_of = min(published_at, retrieved_at)
    return _landed(frame, unknown, last_day, as_of, what)


def _landed(frame: pl.DataFrame, unknown: list[str], last_day: date, as_of: datetime, what: str) -> Parsed:
    require_ranked_days(frame, start=DATASET_FLOOR, end=last_day, as_of=as_of, what=what)
    days = frame["date"].to_list()
    return Parsed(
        frames={"rankings_daily": frame},
        settles=(WHOLE,),
        as_of=as_of,
        first_date=min(days),
        last_date=max(days),
        warnings=(f"{what} holds unknown columns: {', '.join(unknown)}.",) if unknown else (),
        citation=citation(as_of),
    )


def _read_csv(body: bytes, what: str) -> tuple[pl.DataFrame, list[str]]:
    """Read the file strictly: every value is text until its type was proved."""
    import polars as pl

    try:
        text = pl.read_csv(io.BytesIO(body), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise ContractBrokenError(f"{what} is not a CSV file: {str(error).splitlines()[0][:200]}.") from None
    missing = [name for name in COLUMNS if name not in text.columns]
    if missing:
        raise ContractBrokenError(f"{what} lacks the columns {', '.join(missing)}. Nothing of it was landed.")
    is_other = pl.col("model_permaslug") == OTHER
    shapes = {
        "date": pl.col("date").str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
        "model_permaslug": pl.col("model_permaslug").str.contains(r"^[!-~]{1,200}$"),
        "rank": pl.col("rank").str.contains(r"^[0-9]+$") | (is_other & pl.col("rank").is_null()),
        "total_tokens": pl.col("total_tokens").str.contains(r"^[0-9]{1,16}$"),
        "share_of_daily_tokens": pl.col("share_of_daily_tokens").cast(pl.Float64, strict=False).is_between(0, 1),
    }
    for name, rule in shapes.items():
        require_all(text, rule, what, f"{name} has a value of another type")
    frame = text.select(
        pl.col("date").str.to_date("%Y-%m-%d", strict=False),
        "model_permaslug",
        pl.col("total_tokens").cast(pl.Int64),
    )
    require_all(frame, pl.col("date").is_not_null(), what, "date is not a day of the calendar")
    return frame, [name for name in text.columns if name not in COLUMNS]


SOURCES = (
    Source(
        name=NAME,
        needs_key=False,
        cadence=Cadence.DAY,
        run_days=SNAPSHOT_DAYS,
        run_calls=3,
        refetched_days=3,
        published_after=PUBLISHED_AFTER,
        yields_to=rankings_daily.NAME,
        plan=plan,
        exchange=exchange,
        parse=parse,
        tables=("rankings_daily",),
    ),
)
