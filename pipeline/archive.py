"""Raw answers as received, any Content-Encoding undone: content-addressed objects and a manifest of rows.

    archive/objects/3f/3f9a….gz       the body whose SHA-256 is 3f9a…, stored once
    archive/manifest/2026-08.jsonl    one row a fetch, appended after its object is on disk

Everything else can be rebuilt from here, offline. The caller holds the writer lock.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.errors import TokenGrowthError

# A server that makes its figures up says so here, with its seed.
SIMULATED_HEADER = "x-simulated-data"
KEPT_HEADERS = ("content-type", "etag", "last-modified", "retry-after", SIMULATED_HEADER)


@dataclass(frozen=True)
class Fetch:
    """One row of the manifest.

    `fetched_at` follows the business clock (ISO 8601, UTC); `context` holds what earlier answers of the same
    exchange established (for an export: its promised size and checksum), so that a row explains itself.
    `load_id` names the fetch in every table: a digest of the row as it is stored, and no part of it.
    """

    source: str
    url: str
    status: int
    fetched_at: str
    sha256: str
    size_bytes: int
    headers: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    load_id: str = ""

    @property
    def is_simulated(self) -> bool:
        """Whether the server declared its figures to be made up."""
        return SIMULATED_HEADER in self.headers

    @property
    def origin(self) -> str | None:
        """Where an imported file comes from, in its user's words; None for what the pipeline fetched itself."""
        return self.context.get("origin")


@dataclass(frozen=True)
class Damage:
    """What of the archive is lost until it is restored.

    `path` is the file, `reason` a sentence that names it, `fetches` the rows whose bodies cannot be had; `sha256` names
    the body, and is empty where the file is a manifest.
    """

    sha256: str
    path: Path
    reason: str
    fetches: tuple[Fetch, ...] = ()


class Archive:
    """Append-only store under one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(
        self,
        *,
        source: str,
        url: str,
        status: int,
        fetched_at: datetime,
        headers: Mapping[str, str],
        body: bytes,
        context: Mapping[str, Any],
    ) -> Fetch:
        """Store a body, then its row; after a crash in between the body is merely unused."""
        fetch = Fetch(
            source=source,
            url=url,
            status=status,
            fetched_at=fetched_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            sha256=hashlib.sha256(body).hexdigest(),
            size_bytes=len(body),
            headers={name: headers[name] for name in KEPT_HEADERS if name in headers},
            context=dict(context),
        )
        self._store(fetch.sha256, body)
        return replace(fetch, load_id=self._append(fetch))

    def fetches(self, known: Collection[str] = ()) -> Iterator[Fetch]:
        """Yield the rows whose load_id is not `known`, in the order in which they were written.

        Two rows that are the same in everything are one fetch.
        """
        seen = set(known)
        for path in sorted((self._folder / "manifest").glob("*.jsonl")):
            for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
                load_id = _load_id(line)
                if load_id in seen:
                    continue
                seen.add(load_id)
                try:
                    yield Fetch(**json.loads(line), load_id=load_id)
                except (ValueError, TypeError):
                    raise TokenGrowthError(
                        f"Line {number} of {path} is damaged; restore the file from a backup."
                    ) from None

    def read(self, fetch: Fetch) -> bytes:
        """Return a body after checking that it is still what was received."""
        path = self._object_path(fetch.sha256)
        try:
            body = gzip.decompress(path.read_bytes())
        except (OSError, EOFError, zlib.error) as error:
            raise TokenGrowthError(f"{path} cannot be read ({error}); restore it from a backup.") from None
        if hashlib.sha256(body).hexdigest() != fetch.sha256:
            raise TokenGrowthError(f"{path} does not hold the bytes it is named after; restore it from a backup.")
        return body

    def verify(self) -> Iterator[Damage]:
        """Yield what is damaged: rows that are none, and bodies that rows name and that are not there as received."""
        named: dict[str, list[Fetch]] = {}
        try:
            for fetch in self.fetches():
                named.setdefault(fetch.sha256, []).append(fetch)
        except TokenGrowthError as error:
            yield Damage("", self._folder / "manifest", str(error))
        for sha256, fetches in named.items():
            try:
                self.read(fetches[0])
            except TokenGrowthError as error:
                yield Damage(sha256, self._object_path(sha256), str(error), tuple(fetches))

    def objects(self) -> list[Path]:
        """Return the files of the bodies."""
        return sorted((self._folder / "objects").glob("*/*.gz"))

    def leftovers(self) -> list[Path]:
        """Return the files that a killed writer left half written."""
        return sorted(self._folder.glob("*/**/*.part"))

    def _object_path(self, sha256: str) -> Path:
        return self._folder / "objects" / sha256[:2] / f"{sha256}.gz"

    def _store(self, sha256: str, body: bytes) -> None:
        path = self._object_path(sha256)
        if _is_intact(path, body):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(gzip.compress(body, compresslevel=6, mtime=0))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
        _sync_folder(path.parent)

    def _append(self, fetch: Fetch) -> str:
        row = {name: value for name, value in asdict(fetch).items() if name != "load_id"}
        line = json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
        path = self._folder / "manifest" / f"{fetch.fetched_at[:7]}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        with path.open("ab+") as file:
            _cut_torn_line(file)
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            _sync_folder(path.parent)
        return _load_id(line)


def _is_intact(path: Path, body: bytes) -> bool:
    try:
        return gzip.decompress(path.read_bytes()) == body
    except (OSError, EOFError, zlib.error):
        return False


def _load_id(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()[:16]


def _cut_torn_line(file: Any) -> None:
    """Drop what a killed writer left behind the last complete row."""
    end = file.seek(0, os.SEEK_END)
    keep = end
    while keep > 0:
        start = max(0, keep - 4096)
        file.seek(start)
        found = file.read(keep - start).rfind(b"\n")
        if found >= 0:
            keep = start + found + 1
            break
        keep = start
    if keep < end:
        file.truncate(keep)


def _sync_folder(folder: Path) -> None:
    """Make a rename or a new file survive a power cut, where the system lets a folder be synced."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
