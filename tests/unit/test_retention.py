"""The archive is verified, packed and copied, and whoever is killed on the way loses nothing."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from pipeline import packs, retention
from pipeline.archive import Archive, Fetch
from pipeline.errors import DamagedError, TokenGrowthError, UsageError
from pipeline.jobs import locked
from pipeline.settings import Settings, load_settings
from tests.conftest import Ended

AUGUST = datetime(2026, 8, 30, 7, 45, tzinfo=UTC)
NOW = "2026-11-25T08:00:00Z"
HEADER = {"x-simulated-data": "seed 7"}


def body(number: int) -> bytes:
    same = random.Random(0).randbytes(2000).hex()
    return json.dumps({"number": number, "same": same}).encode()


def add(home: Path, number: int, at: datetime = AUGUST, source: str = "rankings-daily", **more: Any) -> Fetch:
    return Archive(home / "archive").add(
        source=source,
        url=f"https://openrouter.ai/{number}",
        status=200,
        fetched_at=at + timedelta(minutes=number),
        body=body(number),
        **{"headers": {}, "context": {"start_date": "2026-08-29", "end_date": "2026-08-29"}, **more},
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two sources over three months; one body is named by two months, and one by two sources."""
    home = tmp_path / "home"
    for month in range(3):
        at = AUGUST + timedelta(days=31 * month)
        for number in range(6):
            add(home, number if number == 5 else number + 10 * month, at)
        add(home, 10 * month, at, source="endpoints")
    return home


@pytest.fixture
def settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("TOKENGROWTH_HOME", str(home))
    monkeypatch.setenv("TOKENGROWTH_NOW", NOW)
    return load_settings()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "backup"


def contents(home: Path) -> list[tuple[Fetch, bytes]]:
    archive = Archive(home / "archive")
    return [(fetch, archive.read(fetch)) for fetch in archive.fetches()]


def packed(home: Path) -> list[str]:
    return [path.relative_to(home / "archive" / "packs").as_posix() for path in Archive(home / "archive").packs()]


def flip(path: Path) -> None:
    """Damage a file in its middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x55
    path.write_bytes(content)


def age(*paths: Path) -> None:
    for path in paths:
        os.utime(path, (time.time() - 90_000,) * 2)


def test_months_before_the_last_are_packed_and_every_body_comes_back(home: Path, settings: Settings) -> None:
    before, size = contents(home), sum(path.stat().st_size for path in Archive(home / "archive").objects())
    report = retention.compact(settings)
    assert packed(home) == [f"2026-0{n}/{source}.tar.xz" for n in (8, 9) for source in ("endpoints", "rankings-daily")]
    assert contents(home) == before
    # October's are loose, the one that August names too among them.
    assert len(Archive(home / "archive").objects()) == 6
    assert report.facts["bytes_before"] == size > report.facts["bytes_after"]
    assert (report.exit_code, report.facts["packs_written"], report.facts["packed_objects"]) == (0, 4, 10)
    assert list(Archive(home / "archive").verify()) == []


def test_packing_again_changes_nothing(home: Path, settings: Settings) -> None:
    retention.compact(settings, datetime(2026, 11, 1, tzinfo=UTC).date())
    files = {path: path.read_bytes() for path in (home / "archive").rglob("*") if path.is_file()}
    assert not Archive(home / "archive").objects()
    report = retention.compact(settings, datetime(2026, 11, 1, tzinfo=UTC).date())
    assert report.facts["packs_written"] == report.facts["packed_objects"] == 0
    assert {path: path.read_bytes() for path in (home / "archive").rglob("*") if path.is_file()} == files


def test_what_is_imported_into_a_packed_month_joins_its_pack(home: Path, settings: Settings) -> None:
    retention.compact(settings)
    add(home, 99, source="rankings-daily")
    add(home, 1, AUGUST + timedelta(hours=9))
    before = contents(home)
    report = retention.compact(settings)
    assert (report.facts["packs_written"], report.facts["packed_objects"]) == (1, 2)
    assert contents(home) == before
    assert len(Archive(home / "archive").objects()) == 6


def test_a_pack_depends_on_nothing_but_its_bodies(home: Path, settings: Settings, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path / "other")
    for folder in (home, tmp_path / "other"):
        retention.compact(settings.model_copy(update={"home": folder}))
    for path in Archive(home / "archive").packs():
        assert path.read_bytes() == (tmp_path / "other" / path.relative_to(home)).read_bytes()


def test_a_month_that_is_not_over_is_never_packed(home: Path, settings: Settings) -> None:
    with pytest.raises(UsageError, match="the newest --before is 2026-11"):
        retention.compact(settings, datetime(2026, 12, 1, tzinfo=UTC).date())


def test_leftovers_go_after_a_day_and_not_before(home: Path, settings: Settings) -> None:
    part = Archive(home / "archive").pack_path("2026-08", "models").with_suffix(".xz.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(b"x")
    report = retention.verify(settings)
    assert (report.exit_code, report.facts["leftovers"]) == (0, 1)
    assert retention.compact(settings).facts["removed_leftovers"] == 0
    age(part)
    assert retention.compact(settings).facts["removed_leftovers"] == 1
    assert not part.exists()


@pytest.mark.parametrize("number", [1, 30])
def test_an_object_without_a_row_is_told_and_never_removed(
    number: int, home: Path, settings: Settings, cli: Callable[..., Ended]
) -> None:
    lost = [add(home, 100 + n, AUGUST - timedelta(days=60)) for n in range(number)]
    manifest = home / "archive" / "manifest" / "2026-07.jsonl"
    rows = manifest.read_bytes()
    manifest.unlink()
    archive = Archive(home / "archive")
    age(*archive.objects())
    ended = cli("archive", "verify")
    assert (ended.code, ended.err.count("\n")) == (0, 1)
    assert ended.err.startswith(f"unreferenced: No row of the manifest names {number} object")
    assert retention.verify(settings).facts["unreferenced_objects"] == number
    assert retention.compact(settings, datetime(2026, 11, 1, tzinfo=UTC).date()).facts["removed_leftovers"] == 0
    assert {path.stem for path in archive.objects()} == {fetch.sha256 for fetch in lost}
    manifest.write_bytes(rows)
    assert list(archive.verify()) == []


def test_a_pack_without_rows_tells_that_its_month_is_gone_from_the_manifest(home: Path, settings: Settings) -> None:
    retention.compact(settings)
    (home / "archive" / "manifest" / "2026-08.jsonl").unlink()
    report = retention.verify(settings)
    assert report.exit_code == 1
    assert {damage.path.name for damage in report.damages} == {"2026-08.jsonl"}


def test_a_damaged_object_is_kept_beside_the_pack_until_it_is_mended(home: Path, settings: Settings) -> None:
    first = next(Archive(home / "archive").fetches())
    path = Archive(home / "archive").object_path(first.sha256)
    whole = path.read_bytes()
    flip(path)
    report = retention.compact(settings)
    assert (report.exit_code, [damage.sha256 for damage in report.damages]) == (1, [first.sha256])
    assert path.exists()
    path.write_bytes(whole)
    assert retention.compact(settings).exit_code == 0
    assert not path.exists()
    assert Archive(home / "archive").read(first) == body(0)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")
def test_a_temporary_folder_without_room_is_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    archive = Archive(settings.archive_dir)
    large = archive.add(
        source="models", url="", status=200, fetched_at=AUGUST, headers={}, body=b"x" * 300_000, context={}
    )
    retention.compact(settings)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, limits[1]))
    try:
        with pytest.raises(TokenGrowthError) as caught, locked(settings):
            archive.read(large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert f"no room left on the disk of {tmp_path}/tokengrowth-" in str(caught.value)


def test_a_damaged_pack_is_not_replaced_by_less(home: Path, settings: Settings) -> None:
    retention.compact(settings)
    pack = Archive(home / "archive").pack_path("2026-08", "rankings-daily")
    flip(pack)
    before = pack.read_bytes()
    add(home, 99)
    report = retention.compact(settings)
    assert report.exit_code == 1
    assert pack.read_bytes() == before
    with pytest.raises(DamagedError, match="restore it from a backup"):
        contents(home)


def test_a_pack_that_is_gone_is_named_and_not_the_objects_that_it_took_in(
    home: Path, settings: Settings, target: Path
) -> None:
    retention.compact(settings)
    gone = Archive(home / "archive").packs()[0]
    gone.unlink()
    for report in (retention.verify(settings), retention.copy(settings, target)):
        (damage,) = report.damages
        assert damage.path == gone
        assert damage.reason == f"{gone} is not there, and no object holds what was in it."


def test_what_is_damaged_is_named_with_sources_dates_and_mend(
    home: Path, settings: Settings, cli: Callable[..., Ended]
) -> None:
    archive = Archive(home / "archive")
    first, *_, last = archive.fetches()
    flip(archive.object_path(first.sha256))
    archive.object_path(last.sha256).unlink()
    ended = cli("archive", "verify")
    assert ended.code == 1
    lines = ended.err.splitlines()
    assert len(lines) == 2
    assert str(archive.object_path(first.sha256)) in ended.err
    assert "It concerns endpoints, rankings-daily of 2026-08-29. Copy it from a backup" in lines[0]
    assert "`tokengrowth backfill --force` fetches rankings-daily again" in lines[0]
    assert f"with `TOKENGROWTH_HOME=BACKUP tokengrowth archive copy {home}`" in lines[0]
    assert lines[0].endswith("without one, what endpoints held on these dates is lost.")
    assert ended.out.splitlines()[-1].startswith("verify: 21 fetches in 15 objects and 0 packs")
    assert "2 damaged" in ended.out
    found = json.loads(cli("archive", "verify", "--json").out)
    assert [damage["dates"] for damage in found["damaged"]] == ["2026-08-29"] * 2
    assert found["damaged"][0]["sha256"] == first.sha256


@pytest.mark.parametrize("is_packed", [False, True], ids=["loose", "packed"])
def test_every_damaged_file_is_noticed(is_packed: bool, home: Path, settings: Settings) -> None:
    if is_packed:
        retention.compact(settings, datetime(2026, 11, 1, tzinfo=UTC).date())
    archive = Archive(home / "archive")
    for path in archive.packs() if is_packed else archive.objects():
        whole = path.read_bytes()
        flip(path)
        assert path in {damage.path for damage in archive.verify()}
        path.unlink()
        assert list(archive.verify())
        path.write_bytes(whole)
    assert list(archive.verify()) == []


def test_a_damaged_row_is_named_and_nothing_is_removed(home: Path, settings: Settings) -> None:
    path = home / "archive" / "manifest" / "2026-08.jsonl"
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], b"x" + lines[1], *lines[2:]]))
    (damage,) = Archive(home / "archive").verify()
    assert (damage.path, damage.fetches, damage.reason) == (path, (), f"Line 2 of {path} is damaged.")
    assert retention.verify(settings).exit_code == 1
    age(*Archive(home / "archive").objects())
    before = Archive(home / "archive").objects()
    with pytest.raises(DamagedError, match=r"Line 2 of .* is damaged"):
        retention.compact(settings)
    assert Archive(home / "archive").objects() == before


def test_a_copy_holds_the_same_and_the_next_one_copies_what_is_new(
    home: Path, settings: Settings, target: Path, cli: Callable[..., Ended]
) -> None:
    ended = cli("archive", "copy", str(target))
    assert ended.code == 0
    assert ended.out.splitlines()[-1] == f"copy: 21 fetches; 16 objects and 0 packs copied to {target}"
    assert contents(target) == contents(home)
    add(home, 77, AUGUST + timedelta(days=70))
    report = retention.copy(settings, target)
    assert (report.facts["copied_objects"], report.facts["copied_packs"]) == (1, 0)
    assert contents(target) == contents(home)
    assert retention.copy(settings, target).facts["copied_objects"] == 0


@pytest.mark.parametrize("when", ["before", "between", "target only", "both"])
def test_a_copy_knows_packs_on_either_side(when: str, home: Path, settings: Settings, target: Path) -> None:
    there = settings.model_copy(update={"home": target})
    if when == "before":
        retention.compact(settings)
    retention.copy(settings, target)
    if when in ("between", "both"):
        retention.compact(settings)
    if when in ("target only", "both"):
        retention.compact(there)
        add(home, 98)
    report = retention.copy(settings, target)
    assert report.facts["copied_objects"] == (1 if when in ("target only", "both") else 0)
    assert report.facts["copied_packs"] == 0
    assert contents(target) == contents(home)
    retention.compact(there)
    assert contents(target) == contents(home)


def test_a_damaged_home_is_restored_from_its_copy(home: Path, settings: Settings, target: Path) -> None:
    retention.compact(settings)
    before = contents(home)
    retention.copy(settings, target)
    archive = Archive(home / "archive")
    flip(archive.objects()[0])
    archive.objects()[1].unlink()
    flip(archive.packs()[0])
    archive.packs()[2].unlink()
    (home / "archive" / "manifest" / "2026-09.jsonl").write_bytes(b"broken\n")
    shutil.rmtree(home / "archive" / "packs" / "2026-09")
    later = add(home, 55, AUGUST + timedelta(days=62))
    assert list(archive.verify())
    restored = retention.copy(settings.model_copy(update={"home": target}), home)
    assert restored.exit_code == 0
    assert list(Archive(home / "archive").verify()) == []
    # What was fetched since the copy was made stays.
    assert [(fetch, found) for fetch, found in contents(home) if fetch != later] == before
    assert contents(home)[-1] == (later, body(55))


def test_what_is_damaged_here_is_named_and_not_copied(
    home: Path, settings: Settings, target: Path, cli: Callable[..., Ended]
) -> None:
    first = next(Archive(home / "archive").fetches())
    flip(Archive(home / "archive").object_path(first.sha256))
    ended = cli("archive", "copy", str(target))
    assert ended.code == 1
    assert str(Archive(home / "archive").object_path(first.sha256)) in ended.err
    assert not Archive(target / "archive").object_path(first.sha256).exists()
    # A copy that was whole stays whole.
    Archive(target / "archive").object_path(first.sha256).parent.mkdir(parents=True, exist_ok=True)
    add(target, 0)
    assert cli("archive", "copy", str(target)).code == 1
    assert Archive(target / "archive").read(first) == body(0)


def test_a_target_with_other_data_is_refused(home: Path, settings: Settings, target: Path, tmp_path: Path) -> None:
    add(target, 1, headers=HEADER)
    with pytest.raises(UsageError, match="holds simulated data, not real data"):
        retention.copy(settings, target)
    apart = tmp_path / "apart"
    add(apart, 1)
    with pytest.raises(UsageError, match=r"Line 1 of .* is another fetch than ours: the two archives have gone on"):
        retention.copy(settings, apart)
    with pytest.raises(UsageError, match="is the home that would be copied"):
        retention.copy(settings, home)
    assert len(contents(apart)) == 1


def test_a_home_without_an_archive_is_no_whole_one_and_stays_untouched(
    settings: Settings, target: Path, tmp_path: Path
) -> None:
    nothing = settings.model_copy(update={"home": tmp_path / "mistyped"})
    for command in (retention.verify, retention.compact, lambda settings: retention.copy(settings, target)):
        with pytest.raises(UsageError, match=r"holds no archived answers; check TOKENGROWTH_HOME\."):
            command(nothing)
    assert not nothing.home.exists()
    assert not target.exists()


def test_the_archive_is_not_touched_while_another_writes(
    use: Callable[..., Settings], cli: Callable[..., Ended], tmp_path: Path
) -> None:
    settings = use(now=NOW, TOKENGROWTH_LOCK_TIMEOUT_SECONDS="0")
    add(settings.home, 1)
    with FileLock(settings.lock_path):
        for words in (["verify"], ["compact"], ["copy", str(tmp_path / "backup")]):
            ended = cli("archive", *words)
            assert ended.code == 1
            assert "Another run has been writing" in ended.err
    assert cli("archive", "verify").out.endswith("0 leftovers\n")


def test_packs_of_one_month_at_a_time_are_unpacked_and_nothing_stays(
    home: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    retention.compact(settings, datetime(2026, 11, 1, tzinfo=UTC).date())
    archive, months = Archive(home / "archive"), []
    for fetch in archive.fetches():
        archive.read(fetch)
        (unpacked,) = room.iterdir()
        months.append([path.name for path in unpacked.iterdir()])
    assert months[0] == ["2026-08"]
    assert months[-1] == ["2026-10"]
    assert {len(found) for found in months} == {1}
    del archive
    assert list(room.iterdir()) == []


def test_a_pack_that_cannot_be_read_back_takes_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pack.tar.xz"
    fetch = add(tmp_path, 1)
    monkeypatch.setattr(packs, "members", lambda _: iter(()))
    with pytest.raises(DamagedError, match="check the disk"):
        packs.write(path, [(fetch.sha256, body(1))])
    assert not path.exists()


# Dies before the n-th change of the file system, as kill -9 would: no clean-up runs.
KILLED_AT_EVERY_STEP = """
    import os, shutil, sys
    from pathlib import Path
    from pipeline import retention
    from pipeline.settings import load_settings

    base, work, command = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "shutil.rmtree")

    def run(home):
        settings = load_settings(home=home)
        return retention.compact(settings) if command == "compact" else retention.copy(settings, home / "copy")

    def armed(step):
        left = step
        def hook(event, details):
            nonlocal left
            writes = event == "open" and isinstance(details[2], int) and details[2] & (os.O_WRONLY | os.O_RDWR)
            if event in CHANGES or writes:
                left -= 1
                if left < 0:
                    os._exit(9)
        sys.addaudithook(hook)

    step = 0
    while True:
        home = work / str(step)
        shutil.copytree(base, home)
        if not (child := os.fork()):
            armed(step)
            run(home)
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            break
        step += 1
    print(step)
"""


@pytest.mark.parametrize("command", ["compact", "copy"])
def test_killed_at_any_step_nothing_is_lost_and_it_goes_on(command: str, settings: Settings, tmp_path: Path) -> None:
    home = tmp_path / "small"
    for number, source in enumerate(("rankings-daily", "rankings-daily", "endpoints")):
        add(home, number, source=source)
    add(home, 1, AUGUST + timedelta(days=31))
    before = contents(home)
    work = tmp_path / "work"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED_AT_EVERY_STEP), str(home), str(work), command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    steps = int(done.stdout)
    assert steps > 10
    for step in range(steps + 1):
        killed = work / str(step)
        mine = settings.model_copy(update={"home": killed})
        assert contents(killed) == before, step
        if command == "copy":
            # A copy that stopped half-way names no body that it does not hold.
            copied = contents(killed / "copy")
            assert copied == before[: len(copied)]
            retention.copy(mine, killed / "copy")
            assert contents(killed / "copy") == before
        else:
            retention.compact(mine)
            assert contents(killed) == before
            assert packed(killed) == packed(work / str(steps))
