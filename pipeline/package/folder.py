"""The folder of a package: written beside its place, which it takes when it is whole."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import TokenGrowthError, UsageError
from pipeline.rendering import clean

SUMS = "SHA256SUMS"
# What a killed export left beside its target; after so long no living one writes there.
LEFTOVER_SECONDS = 86_400


class Writer:
    """Writes files below a folder, each synced to the disk, and notes their sizes in bytes and their digests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digests: dict[str, str] = {}
        self.sizes: dict[str, int] = {}

    def write(self, name: str, content: str | bytes) -> None:
        """Write one file; text is UTF-8."""
        content = content.encode() if isinstance(content, str) else content
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self.sizes[name], self._digests[name] = len(content), hashlib.sha256(content).hexdigest()

    def write_sums(self) -> None:
        """Write the digests of all files so far, as `sha256sum --check` reads them; of the same files, the same."""
        self.write(SUMS, "".join(f"{digest}  {name}\n" for name, digest in sorted(self._digests.items())))


def require_replaceable(target: Path, name: str) -> None:
    """Raise UsageError for a target that would lose anything but an earlier export of the package `name`."""
    if Path.cwd().is_relative_to(target):
        raise UsageError(f"{target} holds the working folder, which a package would replace; name a folder within it.")
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UsageError(f"{target} is no folder; name an empty one or a new one.")
    found = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_symlink() or path.is_file()}
    if not found:
        return
    held, written = _held(target)
    if foreign := sorted(found - written):
        raise UsageError(
            f"{target} holds {clean(foreign[0])}, which no export wrote; name an empty folder or a new one."
        )
    if held != name:
        raise UsageError(f"{target} holds the package {clean(held)}, and this one is {name}; name another folder.")


def _held(target: Path) -> tuple[str, set[str]]:
    """Return the name of the package that a folder holds, and the files that its export wrote, by its own account."""
    try:
        held = json.loads((target / "datapackage.json").read_text(encoding="utf-8"))
        sums = (target / SUMS).read_text(encoding="utf-8")
        return str(held["name"]), {SUMS, *(line.split("  ", 1)[1] for line in sums.splitlines())}
    except (OSError, ValueError, LookupError, TypeError):
        return "", set()


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a new folder that takes the target's place when the block has succeeded, by two renames.

    Raises TokenGrowthError where it cannot be written; then, and whenever the block fails, the target is as it was.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", suffix=".part", dir=target.parent) as work:
            new, old = Path(work, "new"), Path(work, "old")
            new.mkdir()
            yield new
            if target.exists():
                target.rename(old)
            try:
                new.rename(target)
            except BaseException:
                if old.exists():
                    old.rename(target)
                raise
    except OSError as error:
        raise TokenGrowthError(
            f"The package cannot be written to {target} ({error.strerror or error}); what was there before is kept."
        ) from None


def _sweep(target: Path) -> None:
    """Put back what an export that was killed between its two renames had moved aside, and clear what others left."""
    for path in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        if time.time() - path.stat().st_mtime > LEFTOVER_SECONDS:
            if (path / "old").exists() and not target.exists():
                (path / "old").rename(target)
            shutil.rmtree(path, ignore_errors=True)
