"""The archive keeps what was received, and says so when it no longer can."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.archive import Archive, Fetch
from pipeline.errors import SourceError, TokenGrowthError

NOW = datetime(2026, 8, 22, 13, 0, 0, 123_456, tzinfo=UTC)
BODY = b'{"data": [1, 2, 3]}' * 50


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def add(folder: Path) -> Callable[..., Fetch]:
    """Archive an answer of the rankings."""

    def call(body: bytes = BODY, at: datetime = NOW, **more: Any) -> Fetch:
        answer: dict[str, Any] = {
            "source": "rankings-daily",
            "url": "https://openrouter.ai/api/v1/datasets/rankings-daily",
            "status": 200,
            "headers": {"content-type": "application/json", "set-cookie": "secret", "etag": '"x"'},
            "context": {"start_date": "2026-08-19"},
        }
        return Archive(folder).add(body=body, fetched_at=at, **{**answer, **more})

    return call


def objects(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "objects").rglob("*") if path.is_file())


def manifest(folder: Path) -> Path:
    return folder / "manifest" / "2026-08.jsonl"


def test_what_was_received_comes_back_byte_by_byte(folder, add) -> None:
    for body in (b"", b"\x00\xff" * 1000, BODY, gzip.compress(BODY)):
        fetch = add(body)
        assert Archive(folder).read(fetch) == body
        assert fetch.sha256 == hashlib.sha256(body).hexdigest()
        assert fetch.size_bytes == len(body)


def test_a_row_tells_what_was_asked_and_keeps_harmless_headers_only(folder, add) -> None:
    add()
    (found,) = Archive(folder).fetches()
    assert found.fetched_at == "2026-08-22T13:00:00.123Z"
    assert found.headers == {"content-type": "application/json", "etag": '"x"'}
    assert found.context == {"start_date": "2026-08-19"}
    assert b"secret" not in manifest(folder).read_bytes()


def test_identical_content_is_stored_once_and_every_fetch_has_its_row(folder, add) -> None:
    fetches = [add(at=NOW + timedelta(hours=n)) for n in range(3)]
    assert len(objects(folder)) == 1
    assert list(Archive(folder).fetches()) == fetches
    assert len({fetch.load_id for fetch in fetches}) == 3


def test_the_file_of_an_object_is_named_after_its_content_and_always_the_same(folder, add, tmp_path) -> None:
    add()
    (path,) = objects(folder)
    assert path.relative_to(folder / "objects").as_posix() == f"{path.stem[:2]}/{hashlib.sha256(BODY).hexdigest()}.gz"
    before = path.read_bytes()
    path.unlink()
    add(at=NOW + timedelta(days=1))
    assert path.read_bytes() == before


def test_rows_come_back_in_the_order_of_their_months_and_of_writing(folder, add) -> None:
    september = add(at=datetime(2026, 9, 1, tzinfo=UTC))
    second = add(at=NOW + timedelta(minutes=1))
    third = add(at=NOW)
    assert list(Archive(folder).fetches()) == [second, third, september]


def test_known_rows_are_left_out(folder, add) -> None:
    first, second = add(), add(b"other")
    assert list(Archive(folder).fetches({first.load_id})) == [second]
    assert list(Archive(folder).fetches([first.load_id, second.load_id])) == []


def test_an_archive_that_was_never_written_is_empty(folder) -> None:
    assert list(Archive(folder).fetches()) == []


def test_the_load_id_is_the_digest_of_the_stored_row(folder, add) -> None:
    fetch = add(headers={"etag": "b", "content-type": "a"}, context={"n": 1})
    (line,) = manifest(folder).read_bytes().splitlines()
    assert fetch.load_id == hashlib.sha256(line).hexdigest()[:16]
    assert line.startswith(b'{"context":{"n":1},"fetched_at":')
    assert b'"headers":{"content-type":"a","etag":"b"}' in line
    assert fetch.load_id.encode() not in line
    # A row that an older version wrote keeps its name, whatever fields a newer one adds.
    manifest(folder).write_bytes(line.replace(b',"headers":{"content-type":"a","etag":"b"}', b"") + b"\n")
    (older,) = Archive(folder).fetches()
    assert older.headers == {}
    assert list(Archive(folder).fetches({older.load_id})) == []


def test_a_row_read_back_has_the_load_id_it_was_written_with(folder, add) -> None:
    fetch = add(headers={"etag": '"é\u2028\\"'}, context={"is_newest": True, "row_count": 1530, "note": None})
    (found,) = Archive(folder).fetches()
    assert found.load_id == fetch.load_id
    assert list(Archive(folder).fetches({found.load_id})) == []


def test_rows_are_immutable(folder, add) -> None:
    first = add()
    before = manifest(folder).read_bytes()
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.status = 500  # type: ignore[misc]
    add(b"other")
    add()
    assert manifest(folder).read_bytes().startswith(before)
    assert manifest(folder).read_bytes().count(b"\n") == 3


@pytest.mark.parametrize("torn", [b'{"source": "rank', b"x" * 5000, b"\x00" * 9000, b"{"])
def test_a_torn_last_line_is_not_read_and_cut_by_the_next_append(torn, folder, add) -> None:
    first = add()
    whole = manifest(folder).read_bytes()
    manifest(folder).write_bytes(whole + torn)
    assert list(Archive(folder).fetches()) == [first]
    second = add(b"other")
    assert list(Archive(folder).fetches()) == [first, second]
    after = manifest(folder).read_bytes()
    assert after.startswith(whole)
    assert hashlib.sha256(after[len(whole) : -1]).hexdigest()[:16] == second.load_id


def test_a_manifest_that_is_one_torn_line_is_emptied_by_the_next_append(folder, add) -> None:
    manifest(folder).parent.mkdir(parents=True)
    manifest(folder).write_bytes(b'{"source"' + b" " * 9000)
    assert list(Archive(folder).fetches()) == []
    fetch = add()
    assert hashlib.sha256(manifest(folder).read_bytes()[:-1]).hexdigest()[:16] == fetch.load_id


@pytest.mark.parametrize("line", [b"{", b"", b"null", b"[]", b"{}", b'{"source": "x"}', b"\xff\xfe", b'{"unknown": 1}'])
def test_a_damaged_line_between_rows_is_named(line, folder, add) -> None:
    add()
    with manifest(folder).open("ab") as file:
        file.write(line + b"\n")
    add(b"other")
    with pytest.raises(TokenGrowthError, match=r"Line 2 of .*2026-08\.jsonl is damaged; restore the file") as caught:
        list(Archive(folder).fetches())
    assert not isinstance(caught.value, SourceError)


def test_every_flipped_byte_of_an_object_is_noticed(folder, add) -> None:
    fetch = add()
    (path,) = objects(folder)
    stored = path.read_bytes()
    harmless = range(4, 10)  # time, compression level and system in the gzip header
    for n in set(range(len(stored))) - set(harmless):
        path.write_bytes(stored[:n] + bytes([stored[n] ^ 0x55]) + stored[n + 1 :])
        with pytest.raises(TokenGrowthError, match="restore it from a backup") as caught:
            Archive(folder).read(fetch)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"not gzip", gzip.compress(b"something else", mtime=0), gzip.compress(BODY, mtime=0)[:-9]],
)
def test_a_damaged_object_is_a_sentence(content, folder, add) -> None:
    fetch = add()
    (path,) = objects(folder)
    path.write_bytes(content)
    with pytest.raises(TokenGrowthError, match="restore it from a backup") as caught:
        Archive(folder).read(fetch)
    assert not isinstance(caught.value, SourceError)


def test_a_missing_object_is_a_sentence(folder, add) -> None:
    fetch = add()
    objects(folder)[0].unlink()
    with pytest.raises(TokenGrowthError, match=r"cannot be read .*restore it from a backup"):
        Archive(folder).read(fetch)


def test_a_writer_killed_between_object_and_row_leaves_no_fetch(folder, add) -> None:
    script = f"""
        import os
        from datetime import UTC, datetime
        from pathlib import Path
        from pipeline.archive import Archive

        Archive._append = lambda *_: os._exit(9)
        Archive(Path({str(folder)!r})).add(
            source="s", url="u", status=200, fetched_at=datetime(2026, 8, 22, tzinfo=UTC),
            headers={{}}, body={BODY!r}, context={{}},
        )
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False, capture_output=True)
    assert killed.returncode == 9, killed.stderr
    assert len(objects(folder)) == 1
    assert list(Archive(folder).fetches()) == []
    fetch = add()
    assert len(objects(folder)) == 1
    assert list(Archive(folder).fetches()) == [fetch]
    assert Archive(folder).read(fetch) == BODY


def test_a_body_that_cannot_be_written_leaves_neither_object_nor_row(folder, add) -> None:
    folder.mkdir()
    (folder / "objects").write_text("in the way")
    with pytest.raises(OSError, match="objects"):
        add()
    assert not manifest(folder).exists()


def test_the_manifest_is_plain_json_lines(folder, add) -> None:
    fetch = add()
    (line,) = manifest(folder).read_text().splitlines()
    assert json.loads(line)["url"] == fetch.url
    assert hashlib.sha256(line.encode()).hexdigest()[:16] == fetch.load_id
