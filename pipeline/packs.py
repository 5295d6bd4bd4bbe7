"""Packs: the bodies of one source and month in one solid compressed file, each member named by its SHA-256.

Bodies of one source resemble each other from day to day, so that packed together they take a fraction of what they
take alone. What is damaged in a pack takes with it what lies behind it.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import re
import shutil
import tarfile
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from pipeline.errors import MEND, DamagedError

SUFFIX = ".tar.xz"
SHA256 = re.compile(r"[0-9a-f]{64}")


def write(path: Path, bodies: Iterable[tuple[str, bytes]]) -> set[str]:
    """Write a pack of (SHA-256, body), read it back, and put it in its place; return the names of its members.

    Raises DamagedError where it does not hold what was written. A pack that is there stays as it is until then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    written = set()
    with part.open("wb") as file:
        # Nothing of the machine or the moment goes into a pack: equal bodies make equal files.
        with tarfile.open(fileobj=file, mode="w:xz", preset=6) as tar:
            for sha256, body in bodies:
                member = tarfile.TarInfo(sha256)
                member.size = len(body)
                tar.addfile(member, io.BytesIO(body))
                written.add(sha256)
        file.flush()
        os.fsync(file.fileno())
    if {sha256 for sha256, _ in members(part)} != written:
        raise DamagedError(f"{part} does not hold what was written to it", "check the disk.")
    part.replace(path)
    sync_folder(path.parent)
    return written


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (SHA-256, body) of each member in turn; raise DamagedError at the first that is not what it was."""
    try:
        with tarfile.open(path, mode="r|xz") as tar:
            for member in tar:
                file = tar.extractfile(member)
                body = file.read() if file else b""
                if not SHA256.fullmatch(member.name) or hashlib.sha256(body).hexdigest() != member.name:
                    raise DamagedError(f"{path} does not hold the bytes that its members are named after")
                yield member.name, body
    except (OSError, EOFError, lzma.LZMAError, tarfile.TarError) as error:
        raise DamagedError(f"{path} cannot be read ({error})") from None


def names(path: Path) -> tuple[set[str], str | None]:
    """Name the members that can be read, and say why the others cannot; nothing of a pack that is not there."""
    found: set[str] = set()
    if not path.exists():
        return found, None
    try:
        for sha256, _ in members(path):
            found.add(sha256)
    except DamagedError as error:
        return found, error.reason
    return found, None


class Unpacked:
    """Packs unpacked into a temporary folder while they are read: those of one month, so that room stays bounded.

    Who reads in the order of the manifest unpacks each pack once.
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._packs: dict[Path, str | None] = {}

    def read(self, pack: Path, sha256: str) -> bytes:
        """Return a body; raise DamagedError where the pack does not give it."""
        if pack not in self._packs:
            if any(other.parent != pack.parent for other in self._packs):
                self._clear()
            self._packs[pack] = self._unpack(pack)
        try:
            return (self._room(pack) / sha256).read_bytes()
        except FileNotFoundError:
            reason = self._packs[pack] or f"{pack} does not hold {sha256}"
            raise DamagedError(reason, MEND) from None

    def _unpack(self, pack: Path) -> str | None:
        room = self._room(pack)
        room.mkdir(parents=True)
        try:
            for sha256, body in members(pack):
                (room / sha256).write_bytes(body)
        except DamagedError as error:
            return error.reason
        except OSError as error:
            error.filename = room  # a write that fails does not say where
            raise
        return None

    def _room(self, pack: Path) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="tokengrowth-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder / pack.parent.name / pack.name

    def _clear(self) -> None:
        self._packs.clear()
        if self._folder:
            for room in self._folder.iterdir():
                shutil.rmtree(room)


def sync_folder(folder: Path) -> None:
    """Make a rename or a new file survive a power cut, where the system lets a folder be synced."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
