"""Keeping the archive for years: is it whole, packed small, and copied elsewhere.

Nothing here loses a fetch: what is removed was read back from where it lies then, and whoever is killed on the way
leaves an archive that is whole, from which the same command goes on.
"""

from __future__ import annotations

import filecmp
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from pipeline import packs
from pipeline.archive import (
    SIMULATED_HEADER,
    Archive,
    Damage,
    Fetch,
    by_pack,
    manifest_lines,
    one_a_file,
    read_row,
    write_whole,
)
from pipeline.errors import EXIT_FAILED, EXIT_OK, DamagedError, UsageError
from pipeline.jobs import locked, locked_to_read
from pipeline.rendering import Table, megabytes
from pipeline.settings import Settings
from pipeline.sources import SOURCES

# Nobody else writes while the lock is held; the day is for clocks and file systems that lag.
LEFTOVER_SECONDS = 86_400
SIZES = ("fetches", "received_bytes", "object_bytes", "pack_bytes")


@dataclass
class Report:
    """What a command found and did in a home, for the screen and for JSON."""

    home: Path
    facts: dict[str, Any]
    summary: str
    tables: list[Table] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """1 where something is damaged."""
        return EXIT_FAILED if self.damages else EXIT_OK

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**self.facts, "damaged": [_described(damage, self.home) for damage in self.damages]}

    def sentences(self) -> Iterator[str]:
        """Say of each damaged file what it concerns, and what mends it; then what else is worth knowing."""
        for damage in self.damages:
            about = _described(damage, self.home)
            what = f" It concerns {', '.join(about['sources'])} of {about['dates']}." if damage.fetches else ""
            yield f"damaged: {damage.reason}{what} {about['mend']}"
        yield from self.notes


def verify(settings: Settings) -> Report:
    """Read the whole archive and hold it against its checksums."""
    archive = _archive(settings)
    with locked_to_read(settings):
        damages = list(archive.verify())
        rows = list(_readable(archive))
        loose, packed = archive.objects(), archive.packs()
        unreferenced, leftovers = archive.unreferenced(rows), archive.leftovers()
    sizes = _sizes(archive, rows)
    stored = sum(path.stat().st_size for path in [*loose, *packed])
    facts = {
        "fetches": len(rows),
        "objects": len(loose),
        "packs": len(packed),
        "stored_bytes": stored,
        "unreferenced_objects": len(unreferenced),
        "leftovers": len(leftovers),
        "sources": sizes,
    }
    state = f"{len(damages)} damaged" if damages else "all whole"
    return Report(
        settings.home,
        facts,
        f"verify: {_count(len(rows), 'fetch')} in {_count(len(loose), 'object')} and {_count(len(packed), 'pack')}, "
        f"{megabytes(stored)}, {state}; {_count(len(unreferenced), 'unreferenced object')}, "
        f"{_count(len(leftovers), 'leftover')}",
        [_size_table(sizes)],
        damages,
        [_note_unreferenced(len(unreferenced), settings.home)] if unreferenced else [],
    )


def _note_unreferenced(number: int, home: Path) -> str:
    return (
        f"unreferenced: No row of the manifest names {_count(number, 'object')}: a killed run left them, or their rows "
        f"are lost. They are never removed; rows come back from a backup by {_restore(home)}."
    )


def compact(settings: Settings, before: date | None = None) -> Report:
    """Pack the bodies of all months before that of `before`, by default the last whole one, and tidy up.

    An object is removed when a pack of every month and source that names it was read back and holds it. Raises
    UsageError for a month that is not over, DamagedError for a manifest that is damaged.
    """
    this_month = settings.now().date().replace(day=1)
    before = before or (this_month - timedelta(days=1)).replace(day=1)
    if before > this_month:
        raise UsageError(f"Only months that are over are packed; the newest --before is {this_month:%Y-%m}.")
    archive = _archive(settings)
    with locked(settings):
        groups = by_pack(archive.fetches())
        old = {key: rows for key, rows in groups.items() if key[0] < f"{before:%Y-%m}"}
        bytes_before = _stored(archive)
        damages, kept = [], {row.sha256 for key, rows in groups.items() if key not in old for row in rows}
        removable: set[str] = set()
        written = 0
        for key, rows in old.items():
            held, is_new, found = _pack(archive, key, rows)
            written += is_new
            damages += found
            named = {row.sha256 for row in rows}
            removable |= named & held
            kept |= named - held
        removed = [archive.object_path(sha256) for sha256 in sorted(removable - kept)]
        removed = [path for path in removed if path.exists()]
        tidied = [path for path in archive.leftovers() if _is_old(path)]
        for path in [*removed, *tidied]:
            path.unlink(missing_ok=True)
            with suppress(OSError):  # it holds others
                path.parent.rmdir()
        bytes_after = _stored(archive)
    facts = {
        "before": f"{before:%Y-%m}",
        "packs_written": written,
        "packed_objects": len(removed),
        "removed_leftovers": len(tidied),
        "bytes_before": bytes_before,
        "bytes_after": bytes_after,
    }
    return Report(
        settings.home,
        facts,
        f"compact: {_count(len(removed), 'object')} of months before {before:%Y-%m} packed, "
        f"{_count(written, 'pack')} written, {_count(len(tidied), 'leftover')} removed; "
        f"{megabytes(bytes_before)} before, {megabytes(bytes_after)} after",
        damages=one_a_file(damages),
    )


def _archive(settings: Settings) -> Archive:
    """Return the archive of a home; raise UsageError where there is none, before anything is made there."""
    archive = Archive(settings.archive_dir)
    if not any(map(manifest_lines, archive.manifests())) and not archive.objects() and not archive.packs():
        raise UsageError(f"{archive.folder} holds no archived answers; check TOKENGROWTH_HOME.")
    return archive


def _pack(archive: Archive, key: tuple[str, str], rows: list[Fetch]) -> tuple[set[str], bool, list[Damage]]:
    """Pack the bodies of one month and source; return what its pack holds, whether it is new, and what is damaged.

    A pack is read only where one of its bodies lies among the objects, too. One that lost a part which lies nowhere
    else is left as it is, and so are the objects.
    """
    path = archive.pack_path(*key)
    named: dict[str, list[Fetch]] = {}
    for row in rows:
        named.setdefault(row.sha256, []).append(row)
    if not any(archive.object_path(sha256).exists() for sha256 in named):
        return set(), False, []
    held, broken = packs.names(path)
    if held >= named.keys():
        return held, False, []
    reasons = {sha256: archive.reason(sha256) for sha256 in named if sha256 not in held}
    lost = {sha256: reason for sha256, reason in reasons.items() if reason}
    if broken and lost:
        return set(), False, [Damage("", path, f"{broken}.", tuple(row for name in lost for row in named[name]))]
    found = [Damage(name, archive.object_path(name), reason, tuple(named[name])) for name, reason in lost.items()]
    bodies = ((sha256, archive.read(same[0])) for sha256, same in named.items() if sha256 not in lost)
    return packs.write(path, bodies), True, found


def copy(settings: Settings, home: Path) -> Report:
    """Copy the archive to another home: bodies first, then rows; what is damaged there is made good.

    What is whole in the target is never replaced. Raises UsageError for a target that holds other data, DamagedError
    for a damaged manifest of ours.
    """
    if home.resolve() == settings.home.resolve():
        raise UsageError(f"{home} is the home that would be copied; name another folder.")
    ours, theirs = _archive(settings), Archive(home / "archive")
    with locked_to_read(settings):
        rows = list(ours.fetches())
        _refuse_another_world(rows, theirs, home)
        with locked(settings.model_copy(update={"home": home})):
            manifests = {path.name: _merged(path, theirs.folder / "manifest" / path.name) for path in ours.manifests()}
            result = _copy_bodies(ours, theirs, rows)
            for name, merged in manifests.items():
                path = theirs.folder / "manifest" / name
                if not path.exists() or path.read_bytes() != merged:
                    write_whole(path, merged)
    damages: list[Damage] = result.pop("damages")
    state = f"; {len(damages)} damaged here and not copied" if damages else ""
    return Report(
        settings.home,
        {"target": str(home), "fetches": len(rows), **result},
        f"copy: {_count(len(rows), 'fetch')}; {_count(result['copied_objects'], 'object')} and "
        f"{_count(result['copied_packs'], 'pack')} copied to {home}{state}",
        damages=damages,
    )


def _copy_bodies(ours: Archive, theirs: Archive, rows: list[Fetch]) -> dict[str, Any]:
    """Give the target each body that it does not have, packed where it is packed here."""
    objects = copied_packs = 0
    damages: list[Damage] = []
    # Bodies that rows of several months name are read once.
    reasons: dict[str, str | None] = {}
    has: dict[str, bool] = {}
    for key, named in by_pack(rows).items():
        pack, target = ours.pack_path(*key), theirs.pack_path(*key)
        held, broken = ours.packed(pack)
        held_there = held if _is_same(pack, target) else packs.names(target)[0]
        lost: dict[str, list[Fetch]] = {}
        lacks_packed = False
        for row in named:
            sha256 = row.sha256
            if sha256 not in held:
                if sha256 not in reasons:
                    reasons[sha256] = ours.reason(sha256)
                if reasons[sha256]:
                    lost.setdefault(sha256, []).append(row)
                    continue
            if sha256 in held_there:
                continue
            if sha256 not in has:
                has[sha256] = theirs.reason(sha256) is None
            if not has[sha256] and sha256 in held:
                lacks_packed = True
            elif not has[sha256]:
                write_whole(theirs.object_path(sha256), ours.object_path(sha256).read_bytes())
                has[sha256] = True
                objects += 1
        if lacks_packed:
            both = chain(_whole_members(pack), ((n, b) for n, b in _whole_members(target) if n not in held))
            packs.write(target, both)
            copied_packs += 1
        for sha256, concerned in lost.items():
            if broken and not ours.object_path(sha256).exists():
                damages.append(Damage("", pack, f"{broken}.", tuple(concerned)))
            else:
                damages.append(Damage(sha256, ours.object_path(sha256), str(reasons[sha256]), tuple(concerned)))
    return {"copied_objects": objects, "copied_packs": copied_packs, "damages": one_a_file(damages)}


def _whole_members(pack: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the members of a pack until the first that is damaged."""
    if pack.exists():
        with suppress(DamagedError):
            yield from packs.members(pack)


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and filecmp.cmp(one, other, shallow=False)


def _merged(path: Path, target: Path) -> bytes:
    """Return a file of the manifest that holds all rows of both; raise UsageError where they are not one history.

    One of the two must be how the other began. A row that is damaged there is made good from ours.
    """
    lines = []
    there = manifest_lines(target) if target.exists() else []
    for number, (ours, theirs) in enumerate(zip_longest(manifest_lines(path), there), 1):
        if theirs is None or (ours is not None and ours != theirs and read_row(theirs) is None):
            lines.append(ours)
        elif ours is None or ours == theirs:
            lines.append(theirs)
        else:
            raise UsageError(
                f"Line {number} of {target} is another fetch than ours: the two archives have gone on apart. Nothing "
                "was copied; name an empty folder, or one that is a copy of this archive."
            )
    return b"".join(line + b"\n" for line in lines)


def _refuse_another_world(rows: Sequence[Fetch], theirs: Archive, home: Path) -> None:
    first, other = next(iter(rows), None), next(_readable(theirs), None)
    if first and other and other.headers.get(SIMULATED_HEADER) != first.headers.get(SIMULATED_HEADER):
        here, there = ("simulated" if row.is_simulated else "real" for row in (first, other))
        what = "simulated data of another seed" if here == there else f"{there} data, not {here} data"
        raise UsageError(f"{home} holds {what}; name another folder. Nothing was copied.")


def _readable(archive: Archive) -> Iterator[Fetch]:
    """Yield the rows of the manifest that are not damaged."""
    for path in archive.manifests():
        for line in manifest_lines(path):
            if fetch := read_row(line):
                yield fetch


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > LEFTOVER_SECONDS


def _stored(archive: Archive) -> int:
    return sum(path.stat().st_size for path in [*archive.objects(), *archive.packs()])


def _sizes(archive: Archive, rows: Iterable[Fetch]) -> list[dict[str, Any]]:
    """Return by source what was received and what it takes; a body that several rows name counts for the first."""
    loose = {path.stem: path.stat().st_size for path in archive.objects()}
    sizes: dict[str, dict[str, Any]] = {}
    for row in rows:
        mine = sizes.setdefault(
            row.source, {"source": row.source, "fetches": 0, "received_bytes": 0, "object_bytes": 0, "pack_bytes": 0}
        )
        mine["fetches"] += 1
        mine["received_bytes"] += row.size_bytes
        mine["object_bytes"] += loose.pop(row.sha256, 0)
    for path in archive.packs():
        if mine := sizes.get(path.name.removesuffix(packs.SUFFIX), {}):
            mine["pack_bytes"] += path.stat().st_size
    return list(sizes.values())


def _size_table(sizes: Sequence[Mapping[str, Any]]) -> Table:
    total = {"source": "all"} | {name: sum(one[name] for one in sizes) for name in SIZES}
    return Table(
        "", ["source", *(name.replace("_", " ") for name in SIZES)], [list(one.values()) for one in [*sizes, total]]
    )


def _described(damage: Damage, home: Path) -> dict[str, Any]:
    """Return a damaged file with the sources and dates that it concerns, and the mend."""
    return {
        "path": str(damage.path),
        "sha256": damage.sha256 or None,
        "reason": damage.reason,
        "sources": sorted({fetch.source for fetch in damage.fetches}),
        "dates": _dates(damage.fetches),
        "mend": mend(damage, home),
    }


def _restore(home: Path) -> str:
    """Return the command that brings back what a home lacks."""
    return f"`TOKENGROWTH_HOME=BACKUP tokengrowth archive copy {shlex.quote(str(home))}`"


def mend(damage: Damage, home: Path) -> str:
    """Say how a damaged file of a home is made good."""
    sentence = f"Copy it from a backup with {_restore(home)}"
    by_past: dict[bool, list[str]] = {True: [], False: []}
    for source in sorted({fetch.source for fetch in damage.fetches}):
        by_past[source in SOURCES and SOURCES[source].has_past].append(source)
    if by_past[True]:
        sentence += f"; without one, `tokengrowth backfill --force` fetches {', '.join(by_past[True])} again"
    if by_past[False]:
        sentence += f"; without one, what {', '.join(by_past[False])} held on these dates is lost"
    return sentence + "."


def _dates(fetches: Sequence[Fetch]) -> str:
    """Return the dates that answers cover: those that were asked, else the days on which they were fetched."""
    dates = [
        str(fetch.context.get(name, fetch.fetched_at[:10])) for fetch in fetches for name in ("start_date", "end_date")
    ]
    if not dates:
        return "unknown"
    first, last = min(dates), max(dates)
    return first if first == last else f"{first} to {last}"


def _count(number: int, what: str) -> str:
    plural = f"{what}es" if what.endswith("ch") else f"{what}s"
    return f"{number:,} {what if number == 1 else plural}"
