"""What no source may say, whatever it is: each is refused by a stated rule, archived, and harms no other source."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from pipeline import jobs
from pipeline.archive import Archive, Fetch
from pipeline.contracts import bounded_json
from pipeline.errors import ContractBrokenError, SourceError
from pipeline.settings import Settings
from pipeline.simulation import World
from pipeline.simulation.wire import Answer
from pipeline.sources import SOURCES
from tests.conftest import KEY, Ended, morning_after
from tests.property.test_fuzzed_payloads import call

DEEP = 100_000
BEYOND = {
    "an array of 100,000 levels": ("[" * DEEP + "]" * DEEP, "nests deeper than 100 levels"),
    "an object of 100,000 levels": ('{"a":' * DEEP + "1" + "}" * DEEP, "nests deeper than 100 levels"),
    "101 levels": ("[" * 101 + "]" * 101, "nests deeper than 100 levels"),
    "a long list": (json.dumps([0] * 200_001), "holds a list of 200,001 items, more than 200,000"),
    "many fields": (json.dumps({str(n): 0 for n in range(200_001)}), "holds a list of 200,001 items"),
    "many lists": (json.dumps([[[]] * 160_000] * 7), "holds more than 2,000,000 values"),
    "a long text": (json.dumps("x" * 100_001), "holds a text of 100,001 characters, more than 100,000"),
    "a long name": (json.dumps({"x" * 100_001: 1}), "holds a text of 100,001 characters"),
    "beyond a BIGINT": (str(2**63), "holds a whole number beyond 9,223,372,036,854,775,807"),
    "below a BIGINT": (str(-(2**64)), "holds a whole number beyond"),
    "5,000 digits": ("9" * 5000, "is not valid JSON"),
    "an endless number": ("1e400", "holds a number that is too large"),
    "NaN": ("NaN", "holds NaN, which is no number in JSON"),
    "minus infinity": ("-Infinity", "holds -Infinity, which is no number in JSON"),
    "two equal keys": ('{"a": 1, "a": 2}', "repeats a key of ['a', 'a']"),
    "no UTF-8": (b'"\xff\xfe"', "is not valid JSON"),
}


def as_bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


@pytest.mark.parametrize("name", BEYOND)
@pytest.mark.parametrize("form", ["%s", '{"data": [%s]}', '{"data": [], "unknown": %s}'])
def test_what_is_beyond_a_limit_is_refused_wherever_it_stands(name: str, form: str) -> None:
    text, sentence = BEYOND[name]
    before, after = form.split("%s")
    body = before.encode() + as_bytes(text) + after.encode()
    with pytest.raises(ContractBrokenError) as caught:
        bounded_json(body, "The answer")
    assert sentence in str(caught.value)
    assert str(caught.value).endswith("Nothing of it was landed.")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("source", SOURCES)
def test_what_holds_too_many_values_is_refused_before_it_takes_memory(source: str) -> None:
    text, _ = BEYOND["many lists"]
    body = f'{{"data": [], "unknown": {text}}}'.encode()
    request = call(SOURCES[source])
    tracemalloc.start()
    try:
        for status in (200, 404):
            fetch = Fetch(source, "https://x/y", status, "2026-08-22T13:00:00.000Z", "", len(body), {}, request.context)
            with pytest.raises(SourceError):
                jobs.parse(fetch, body)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 10 * len(body)  # parsed it takes 30 times as much


def test_what_is_just_within_the_limits_is_read() -> None:
    deepest: Any = []
    for _ in range(99):
        deepest = [deepest]
    for value in (deepest, ["x" * 100_000], [2**63 - 1, -(2**63) + 1], [0] * 200_000, [1e308, None, True]):
        assert bounded_json(json.dumps(value).encode(), "x") == value


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_refuses_it_in_a_sentence(source: str) -> None:
    request = call(SOURCES[source])
    bodies = [
        before.encode() + as_bytes(text) + after.encode()
        for text, _ in BEYOND.values()
        for before, after in (("", ""), ('{"data": [{"x": ', "}]}"))
        if len(text) < 300_000
    ]
    for body in bodies:
        fetch = Fetch(source, "https://x/y", 200, "2026-08-22T13:00:00.000Z", "", len(body), {}, request.context)
        with pytest.raises(SourceError) as caught:
            jobs.parse(fetch, body)
        assert "Please report" not in str(caught.value)
        assert len(str(caught.value)) < 600


@pytest.mark.parametrize("status", [400, 404, 500])
@pytest.mark.parametrize("source", SOURCES)
def test_an_error_that_nests_deep_is_an_error_like_any_other(source: str, status: int) -> None:
    body = b"[" * DEEP + b"]" * DEEP
    context = call(SOURCES[source]).context
    fetch = Fetch(source, "https://x/y", status, "2026-08-22T13:00:00.000Z", "", len(body), {}, context)
    with pytest.raises(SourceError) as caught:
        jobs.parse(fetch, body)
    assert "Please report" not in str(caught.value)


def test_a_source_beyond_its_limits_is_archived_and_harms_no_other(
    use: Callable[..., Settings], simulate: Callable[..., Any], small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = simulate(small_world, morning_after(date(2025, 1, 20)))
    deep, usual = b"[" * DEEP + b"]" * DEEP, server.answer
    monkeypatch.setattr(
        server, "answer", lambda path, *rest: Answer(deep) if path.endswith("/models") else usual(path, *rest)
    )
    settings = use(server.base_url, server.now.isoformat(), KEY, TOKENGROWTH_SOURCES="rankings-daily,models,providers")
    outcome = jobs.run(settings)
    assert outcome.of("models").status == "failed"
    assert outcome.of("rankings-daily").status == "loaded"
    assert deep in [Archive(settings.archive_dir).read(fetch) for fetch in Archive(settings.archive_dir).fetches()]


@pytest.mark.parametrize("name", ["an array of 100,000 levels", "5,000 digits", "NaN", "many lists"])
def test_an_import_beyond_the_limits_is_a_sentence(name: str, cli: Callable[..., Ended], tmp_path: Any) -> None:
    path = tmp_path / "saved.json"
    path.write_bytes(as_bytes(BEYOND[name][0]))
    ended = cli("import", str(path), "--origin", "a colleague", "--retrieved-at", "2025-03-01")
    assert ended.code == 2
    assert "The file is none that can be imported" in ended.err
