"""Raw answers as received, any Content-Encoding undone: content-addressed objects and a manifest of rows.

    archive/objects/3f/3f9a….gz            the body whose SHA-256 is 3f9a…, stored once
    archive/manifest/2026-08.jsonl         one row a fetch, appended after its object is on disk
    archive/packs/2026-08/models.tar.xz    the bodies that one source's rows of a past month name

A body lies among the objects, or in the pack of each month and source whose rows name it. Everything else can be
rebuilt from here, offline. The caller holds the writer lock.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline import packs
from pipeline.errors import MEND, DamagedError

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
    def month(self) -> str:
        """The month of the manifest that holds the row, such as 2026-08."""
        return self.fetched_at[:7]

    @property
    def origin(self) -> str | None:
        """Where an imported file comes from, in its user's words; None for what the pipeline fetched itself."""
        return self.context.get("origin")


@dataclass(frozen=True)
class Damage:
    """What of the archive is lost until it is restored.

    `path` is the file, `reason` a sentence that names it, `fetches` the rows whose bodies cannot be had; `sha256` names
    the body, and is empty where the file is a pack or a manifest.
    """

    sha256: str
    path: Path
    reason: str
    fetches: tuple[Fetch, ...] = ()


class Archive:
    """Append-only store under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._unpacked = packs.Unpacked()

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
        for path in self.manifests():
            for number, line in enumerate(manifest_lines(path), 1):
                load_id = _load_id(line)
                if load_id in seen:
                    continue
                seen.add(load_id)
                fetch = read_row(line)
                if fetch is None:
                    raise DamagedError(f"Line {number} of {path} is damaged", "restore the file from a backup.")
                yield fetch

    def load_ids(self) -> set[str]:
        """Name every fetch of the manifest, also of a row that is damaged."""
        return {_load_id(line) for path in self.manifests() for line in manifest_lines(path)}

    def read(self, fetch: Fetch) -> bytes:
        """Return a body after checking that it is still what was received; raise DamagedError where it is not."""
        try:
            return self.read_object(fetch.sha256)
        except DamagedError:
            pack = self.pack_path(fetch.month, fetch.source)
            if not pack.exists():
                raise
        return self._unpacked.read(pack, fetch.sha256)

    def read_object(self, sha256: str) -> bytes:
        """Return a body that is not packed; raise DamagedError where it is not there or not what it was."""
        path = self.object_path(sha256)
        try:
            body = gzip.decompress(path.read_bytes())
        except (OSError, EOFError, zlib.error) as error:
            raise DamagedError(f"{path} cannot be read ({error})", MEND) from None
        if hashlib.sha256(body).hexdigest() != sha256:
            raise DamagedError(f"{path} does not hold the bytes it is named after", MEND)
        return body

    def verify(self) -> Iterator[Damage]:
        """Yield what is damaged: rows that are none or gone, and bodies that rows name and no object or pack gives.

        Every object and every pack that a row names is read and held against its SHA-256.
        """
        fetches: list[Fetch] = []
        for path in self.manifests():
            for number, line in enumerate(manifest_lines(path), 1):
                if fetch := read_row(line):
                    fetches.append(fetch)
                else:
                    yield Damage("", path, f"Line {number} of {path} is damaged.")
        yield from one_a_file([*self._verify_bodies(fetches), *self._verify_rows(fetches)])

    def _verify_bodies(self, fetches: Iterable[Fetch]) -> Iterator[Damage]:
        reasons: dict[str, str | None] = {}
        for (month, source), rows in by_pack(fetches).items():
            pack = self.pack_path(month, source)
            packed, broken = self.packed(pack)
            lost: dict[str, list[Fetch]] = {}
            for fetch in rows:
                if fetch.sha256 not in reasons:
                    reasons[fetch.sha256] = self.reason(fetch.sha256)
                if reasons[fetch.sha256] and fetch.sha256 not in packed:
                    lost.setdefault(fetch.sha256, []).append(fetch)
            in_pack = {sha256 for sha256 in lost if broken and not self.object_path(sha256).exists()}
            if in_pack:
                yield Damage("", pack, f"{broken}.", tuple(fetch for name in in_pack for fetch in lost[name]))
            for sha256 in lost.keys() - in_pack:
                yield Damage(sha256, self.object_path(sha256), str(reasons[sha256]), tuple(lost[sha256]))

    def packed(self, pack: Path) -> tuple[set[str], str | None]:
        """Name the bodies that a pack gives, and say why it does not give others.

        One that is not there was lost where its month or a later one is packed. What was imported since then is not in
        it, but lies among the objects.
        """
        if not pack.exists() and any(other.parent.name >= pack.parent.name for other in self.packs()):
            return set(), f"{pack} is not there, and no object holds what was in it"
        return packs.names(pack)

    def _verify_rows(self, fetches: Iterable[Fetch]) -> Iterator[Damage]:
        """Yield the files of the manifest that seem to be missing, because packs of their months are there."""
        known = {self.pack_path(month, source) for month, source in by_pack(fetches)}
        for pack in self.packs():
            if pack not in known:
                manifest = self.folder / "manifest" / f"{pack.parent.name}.jsonl"
                yield Damage("", manifest, f"{manifest} has no row for {pack}, as if it were not whole.")

    def unreferenced(self, fetches: Iterable[Fetch]) -> list[Path]:
        """Return the objects that no row names: a writer was killed before it wrote the row, or the row is lost."""
        named = {fetch.sha256 for fetch in fetches}
        return [path for path in self.objects() if path.stem not in named]

    def reason(self, sha256: str) -> str | None:
        """Say why a body cannot be read from its object; None where it can."""
        try:
            self.read_object(sha256)
        except DamagedError as error:
            return f"{error.reason}."
        return None

    @property
    def manifest_dir(self) -> Path:
        """Where the manifest lies, one file a month."""
        return self.folder / "manifest"

    def manifests(self) -> list[Path]:
        """Return the files of the manifest, one a month, in their order."""
        return sorted(self.manifest_dir.glob("*.jsonl"))

    def objects(self) -> list[Path]:
        """Return the files of the bodies that are not packed."""
        return sorted((self.folder / "objects").glob("*/*.gz"))

    def packs(self) -> list[Path]:
        """Return the packs, month by month."""
        return sorted((self.folder / "packs").glob(f"*/*{packs.SUFFIX}"))

    def leftovers(self) -> list[Path]:
        """Return the files that a killed writer left half written."""
        return sorted(self.folder.glob("*/**/*.part"))

    def pack_path(self, month: str, source: str) -> Path:
        """Return where the bodies of a source and month are packed."""
        return self.folder / "packs" / month / f"{source}{packs.SUFFIX}"

    def object_path(self, sha256: str) -> Path:
        """Return where a body lies that is not packed."""
        return self.folder / "objects" / sha256[:2] / f"{sha256}.gz"

    def _store(self, sha256: str, body: bytes) -> None:
        path = self.object_path(sha256)
        if not _is_intact(path, body):
            write_whole(path, gzip.compress(body, compresslevel=6, mtime=0))

    def _append(self, fetch: Fetch) -> str:
        row = {name: value for name, value in asdict(fetch).items() if name != "load_id"}
        line = json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
        path = self.folder / "manifest" / f"{fetch.fetched_at[:7]}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        with path.open("ab+") as file:
            _cut_torn_line(file)
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            packs.sync_folder(path.parent)
        return _load_id(line)


def by_pack(fetches: Iterable[Fetch]) -> dict[tuple[str, str], list[Fetch]]:
    """Sort rows by the month and source that share a pack."""
    found: dict[tuple[str, str], list[Fetch]] = {}
    for fetch in fetches:
        found.setdefault((fetch.month, fetch.source), []).append(fetch)
    return found


def one_a_file(damages: Iterable[Damage]) -> list[Damage]:
    """Join what concerns the same file: rows of several sources may name one body."""
    found: dict[Path, Damage] = {}
    for damage in damages:
        first = found.setdefault(damage.path, damage)
        if first is not damage:
            found[damage.path] = replace(first, fetches=first.fetches + damage.fetches)
    return list(found.values())


def manifest_lines(path: Path) -> list[bytes]:
    """Return the complete lines of a manifest: what a killed writer left behind the last one is no row."""
    return path.read_bytes().split(b"\n")[:-1]


def read_row(line: bytes) -> Fetch | None:
    """Read a line of a manifest; None where it is damaged."""
    try:
        return Fetch(**json.loads(line), load_id=_load_id(line))
    except (ValueError, TypeError):
        return None


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, and survives a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    except OSError as error:
        error.filename = str(path)  # nobody knows the name that was drawn
        raise
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    packs.sync_folder(path.parent)


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
