"""What a saved rankings page must hold, shown on small pages of our own and on the recorded ones."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.archive import Fetch
from pipeline.contracts import WHOLE, Parsed
from pipeline.errors import ContractBrokenError, SourceError, SourceUnavailableError, VoidError
from pipeline.pages import flight, rankings
from pipeline.pages.rankings import RankingsPage, parse
from pipeline.sources.base import Cadence, Host, Request, Want
from pipeline.sources.rankings_page import SOURCES

LISTING, SOURCE = SOURCES
RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "rankings_html"
TITLE = "LLM Rankings | OpenRouter"
Row = dict[str, Any]


def model(permaslug: str = "acme/large", variant: str = "standard", **more: Any) -> Row:
    return {
        "date": "2025-11-07 00:00:00",
        "model_permaslug": permaslug,
        "variant": variant,
        "variant_permaslug": permaslug,
        "total_completion_tokens": 20,
        "total_prompt_tokens": 300,
        "total_native_tokens_reasoning": 5,
        "total_native_tokens_cached": 7,
        "count": 11,
        "total_tool_calls": 3,
        "requests_with_tool_call_errors": 1,
        "num_media_prompt": 0,
        "num_media_completion": 2,
        "num_audio_prompt": 0,
        "change": 0.5,
        **more,
    }


def ranking(*rows: Row, window: str = "week") -> Row:
    return {"rankingData": list(rows) or [model()], "rankingType": window}


def app(app_id: int = 1, **more: Any) -> Row:
    return {"app_id": app_id, "total_tokens": "120", "app": {"id": app_id, "title": "Anvil"}, **more}


def apps(*rows: Row) -> Row:
    return {"rankMap": {window: list(rows) or [app()] for window in ("day", "week", "month")}}


def weeks(count: int, start: str = "2025-10-06", **ys: float) -> list[Row]:
    first = date.fromisoformat(start)
    keys = {key.replace("__", "/"): value for key, value in ys.items()}
    return [{"x": str(first + timedelta(weeks=n)), "ys": keys} for n in range(count)]


def leaderboard(**more: Any) -> Row:
    return {"data": weeks(3, acme__large=900, Others=50), **more}


def element(props: Any) -> str:
    return json.dumps(["$", "$L58", None, props])


def pages(*payloads: str, title: str = TITLE, push: str = "self.__next_f.push([1,{}])") -> bytes:
    """A page of which each payload is a row, pushed by a script of its own."""
    rows = [f"{number:x}:{payload}\n" for number, payload in enumerate(payloads, start=0x4E)]
    scripts = "".join(f"<script>{push.format(json.dumps(row))}</script>" for row in rows)
    start = "<script>(self.__next_f=self.__next_f||[]).push([0]);self.__next_f.push([2,null])</script>"
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{start}{scripts}</body></html>".encode()


def page(*props: Any) -> RankingsPage:
    return parse(pages(*map(element, props)))


def refused(body: bytes) -> str:
    with pytest.raises(ContractBrokenError) as refusal:
        parse(body, "saved.html")
    sentence = str(refusal.value)
    assert sentence.startswith("saved.html")
    assert "\n" not in sentence
    return sentence


def charts(frame: pl.DataFrame) -> dict[str, float]:
    return dict(frame.group_by("chart").agg(pl.sum("value")).sort("chart").iter_rows())


def test_a_leaderboard_gives_one_row_a_model_and_variant() -> None:
    result = page(ranking(model("acme/small", "free", change=None), model(), window="day"))
    assert result.models.rows() == [
        ("day", "acme/large", "standard", 300, 20, 5, 7, 11, 3, 1, 0, 2, 0, 0.5, date(2025, 11, 7)),
        ("day", "acme/small", "free", 300, 20, 5, 7, 11, 3, 1, 0, 2, 0, None, date(2025, 11, 7)),
    ]
    assert result.chart.is_empty()
    assert result.apps.is_empty()
    assert dict(result.models.schema) == {
        **dict.fromkeys(("ranking_window", "model_permaslug", "variant"), pl.String),
        **dict.fromkeys(("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens"), pl.Int64),
        **dict.fromkeys(("requests", "tool_calls", "tool_call_error_requests"), pl.Int64),
        **dict.fromkeys(("prompt_media", "completion_media", "prompt_audio"), pl.Int64),
        "change_ratio": pl.Float64,
        "last_active_date": pl.Date,
    }


def test_the_windows_of_older_pages_are_kept_apart() -> None:
    result = page({"models": {"day": [model()], "week": [model(count=70)], "month": [model(count=300)]}})
    assert result.models.select("ranking_window", "requests").rows() == [("day", 11), ("week", 70), ("month", 300)]


def test_counters_that_older_pages_lack_are_null() -> None:
    row = model(total_tool_calls="$undefined", change="$undefined")
    del row["total_native_tokens_cached"]
    found = page(ranking(row)).models.row(0, named=True)
    assert (found["tool_calls"], found["cached_tokens"], found["change_ratio"]) == (None, None, None)


def test_the_leaderboard_chart_is_told_by_its_forecast() -> None:
    slice_of_it = {"data": weeks(5, acme__large=10_000, Others=1)}
    result = page(slice_of_it, leaderboard(forecast="forecast-1w"))
    assert charts(result.chart) == {"models": 2850.0, "unknown_1": 50_005.0}
    assert result.chart.filter(chart="models").row(0) == ("models", date(2025, 10, 6), "Others", 50.0, "tokens")
    assert set(result.chart.filter(chart="unknown_1")["unit"]) == {None}


def test_without_a_forecast_it_is_the_weekly_one_that_holds_most() -> None:
    calls = {"data": weeks(9, acme__large=1, Others=2)}
    languages = {"data": [{"x": f"2025-10-{day:02}", "ys": {"acme/large": 9e9, "Others": 0.5}} for day in (6, 7)]}
    assert charts(page(calls, languages, leaderboard()).chart)["models"] == 2850.0
    elsewhere = {"data": weeks(3, "2025-10-07", acme__large=900, Others=50)}
    assert "models" not in charts(page(leaderboard(), elsewhere).chart), "no shared week: nothing tells them apart"


def test_other_charts_are_named_by_their_keys() -> None:
    sizes = weeks(2, "2025-10-05", **{"1K": 1.5, "10K": 2})
    authors = weeks(2, "2025-10-05", acme=5, umbra=6, others=7)
    uses = weeks(2, "2025-10-05", programming=3, trivia=1, others=0)
    result = page({"data": authors}, {"data": sizes}, {"data": uses}, {"data": weeks(1, odd=1)})
    assert charts(result.chart) == {"authors": 36.0, "categories": 8.0, "context_length": 7.0, "unknown_1": 1.0}
    two = page({"data": authors}, {"data": weeks(2, acme=1, others=1)})
    assert set(charts(two.chart)) == {"unknown_1", "unknown_2"}, "two of a kind: which one is meant is not told"


@pytest.mark.parametrize(
    "x", ["2025-07-28", "2025-07-28T00:00:00+00:00", "2025-07-28 00:00:00", "$D2025-07-28T00:00:00.000Z"]
)
def test_days_may_have_a_time_part(x: str) -> None:
    assert page({"data": [{"x": x, "ys": {"a/b": 1, "Others": 1.5}}]}).chart["bucket_date"][0] == date(2025, 7, 28)


def test_apps_are_read_with_and_without_ranks() -> None:
    result = page(apps(app(2, total_tokens=90, rank=4, total_requests=8), app(1)))
    assert result.apps.filter(ranking_window="week").rows() == [
        ("week", None, 1, "Anvil", 120, None),
        ("week", 4, 2, "Anvil", 90, 8),
    ]
    assert result.apps["ranking_window"].unique(maintain_order=True).to_list() == ["day", "week", "month"]


def test_sections_are_found_wherever_they_hang_and_once() -> None:
    tree = {"children": [None, [["$", "div", None, {"children": [ranking(), {"deep": [apps(), leaderboard()]}]}]]]}
    result = page(tree, ranking(), tree)
    assert (len(result.models), len(result.apps), len(result.chart)) == (1, 3, 6)


def test_rows_of_other_kinds_are_skipped() -> None:
    text = 'é\n4f:{"rankingData":1}'
    stream = (
        f'2:I[40385,["95486"],"default"]\n:HL["/font.woff2","font"]\n2d:T{len(text.encode()):x},{text}'
        f'21:null\n3:E{{"digest":"1"}}\n4:"$Sreact.fragment"\n2e:T0,5:{element(ranking())}\n'
    )
    # A character outside the BMP is two UTF-16 units, which two pushes may hold.
    stream = stream.replace("Sreact", "S\U0001f600")
    escaped = json.dumps(stream)[1:-1]
    cut = escaped.index("\\ude00")
    body = pages("null").replace(
        b"</body>",
        f'<script>self.__next_f.push([1,"{escaped[:cut]}"])</script><script>let f="no data"</script>'
        f'<script>self.__next_f.push([1,"{escaped[cut:]}"]);</script></body>'.encode(),
    )
    assert len(parse(body).models) == 1


def test_a_text_may_end_the_stream_with_newlines() -> None:
    assert len(parse(pages(element(ranking()), "T3,ab\n")).models) == 1


def test_unknown_fields_are_allowed_and_named() -> None:
    found = page(ranking(model(num_video_prompt=3)) | {"isLoading": False}, apps(app(color="red")), leaderboard())
    assert len(found.models) == 1
    assert found.warnings == ("the rankings page holds unknown fields: color, num_video_prompt.",)
    assert page(ranking(), apps(), leaderboard()).warnings == ()


def _without(row: Row, name: str) -> Row:
    return {key: value for key, value in row.items() if key != name}


@pytest.mark.parametrize(
    ("props", "place"),
    [
        (ranking(_without(model(), "total_prompt_tokens")), "rankingData.0.total_prompt_tokens"),
        (ranking(model(), model("a/b", total_prompt_tokens="300")), "rankingData.1.total_prompt_tokens"),
        (ranking(model(total_tool_calls=1.5)), "rankingData.0.total_tool_calls"),
        (ranking(model(count=-1)), "rankingData.0.count"),
        (ranking(model(change="high")), "rankingData.0.change"),
        (ranking(model(date="2025-11-07 12:00:00")), "rankingData.0.date"),
        (ranking(model(date="2025-13-07")), "rankingData.0.date"),
        (ranking(window="trending"), "rankingType"),
        ({"rankingData": [model()]}, "rankingType"),
        ({"rankingData": [], "rankingType": "week"}, "rankingData"),
        ({"rankingData": "$4f:props:rankingData", "rankingType": "week"}, "found '$4f:props"),
        (apps(app(total_tokens="1e9")), "rankMap.day.0.total_tokens"),
        (apps(_without(app(), "app")), "rankMap.day.0.app"),
        (apps(app(rank="1")), "rankMap.day.0.rank"),
        ({"rankMap": {"day": [app()], "week": [app()]}}, "rankMap"),
        ({"data": [{"x": "2025-07-28", "ys": {"a/b": None}}]}, "data.0.ys.a/b"),
        ({"data": [{"x": "2025-07-28", "ys": {"a/b": True}}]}, "data.0.ys.a/b"),
        ({"data": [{"ys": {"a/b": 1}}]}, "data.0.x"),
        ({"data": [{"x": 20250728, "ys": {"a/b": 1}}]}, "data.0.x"),
        (ranking(model(), model()), "repeats the key"),
        ([ranking(), ranking(model(count=12))], "repeats the key"),
        (apps(app(), app()), "repeats the key"),
        ({"data": weeks(1, a=1) * 2}, "repeats the key"),
        (ranking(model("a/b:free"), model("a/b", "free")), "repeats the key"),
        (ranking(model(), model("a/b", total_prompt_tokens=5 * 10**16)), "rankingData.1.total_prompt_tokens"),
        (ranking(model(), model("a/b", total_prompt_tokens=5 * 10**16 - 1)), "more than can be"),
    ],
)
def test_a_broken_section_is_refused_at_its_place(props: Any, place: str) -> None:
    assert place in refused(pages(element(props)))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "is not openrouter.ai/rankings but a page without a title"),
        (b'{"data": []}', "is not openrouter.ai/rankings but a page without a title"),
        (b"<?xml version='1.0'?><rss/>", "is not openrouter.ai/rankings"),
        (pages(element(ranking()), title="Just a moment..."), "a page called 'Just a moment...'; the server may have"),
        (b"\x1f\x8b\x08\x00", "is not HTML in UTF-8"),
        (b"<![x" * 9, "is not HTML in UTF-8"),
        (pages(element(ranking())).replace(b"</html>", b""), "is cut off before its end"),
        (pages("1", push="self.__next_f.push([1,{}];"), "pushes more than JSON"),
        (pages("1", push='self.__next_f.push([1,{}"])'), "pushes invalid JSON"),
        (pages("1", push="self.__next_f.push([3,{}])"), "pushes an unknown kind of data"),
        (pages("1", push='self.__next_f.push([1,"\\ud83d"])'), "pushes half a character"),
        (pages('{"a":'), "row 4e, is not valid JSON"),
        (pages('{"a":1,"a":2}'), "row 4e, repeats a key of ['a', 'a']"),
        (pages("T99,abc"), "row 4e, is cut off"),
        (pages("[" * 150 + "]" * 150), "row 4e, nests deeper than 100"),
        (pages("[" * 100_000 + "]" * 100_000), "row 4e, nests deeper than 100 levels"),
        (pages(f"[{'9' * 5000}]"), "row 4e, is not valid JSON"),
        (pages("T1,ab"), "has a damaged stream at byte"),
        (pages(element({"rows": [model()]}), element(apps())), 'names "model_permaslug", but holds no such section'),
        (pages(element({"points": {"ys": {"a/b": 1}}})), 'names "ys", but holds no such section'),
        (pages(*(element({"data": weeks(n, a=1)}) for n in range(1, 103))), "more than 100 sections"),
    ],
)
def test_what_is_no_whole_page_is_refused(body: bytes, sentence: str) -> None:
    assert sentence in refused(body)


def test_an_empty_shell_is_refused_with_what_to_use_instead() -> None:
    shell = refused(pages(element({"data-testid": "rankings-skeleton-row", "children": "Top Models"})))
    assert "has carried no data since 2026-05-17" in shell
    assert "Data API with a key" in shell
    assert "keyless exports" in shell


def test_sizes_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    body = pages(element(ranking(model("a/b"), model("a/c"))))
    monkeypatch.setattr(rankings, "MAX_ROWS", 1)
    assert "more than 1 rows" in refused(body)
    monkeypatch.setattr(flight, "MAX_BYTES", 1000)
    assert "larger than 1000 bytes" in refused(body)


@pytest.fixture(scope="module")
def recorded() -> Callable[[str], bytes]:
    """Read a recorded page; its tests are skipped where the recordings do not lie beside the checkout."""
    if not RECORDINGS.exists():
        pytest.skip(f"the recorded pages are not beside this checkout ({RECORDINGS.name}/ is missing)")
    return lambda time: gzip.decompress((RECORDINGS / f"rankings_{time}.html.gz").read_bytes())


@pytest.mark.recordings
def test_the_recorded_page_with_data(recorded: Callable[[str], bytes]) -> None:
    body = recorded("20251108044935")
    result = parse(body)
    assert len(result.models) == 344
    assert set(result.models["ranking_window"]) == {"week"}
    total = result.models.select(pl.col("prompt_tokens") + pl.col("completion_tokens")).sum().item()
    assert total == 5_636_904_228_987
    assert result.models["variant"].value_counts().sort("count").rows() == [
        ("extended", 1),
        ("thinking", 3),
        ("exacto", 5),
        ("free", 45),
        ("standard", 290),
    ]
    shown = result.chart.group_by("chart").agg(
        pl.n_unique("bucket_date"), first=pl.min("bucket_date"), last=pl.max("bucket_date")
    )
    assert shown.sort("chart").rows() == [
        ("authors", 53, date(2024, 11, 3), date(2025, 11, 2)),
        ("models", 52, date(2024, 11, 11), date(2025, 11, 3)),
        ("unknown_1", 15, date(2025, 7, 28), date(2025, 11, 3)),
        ("unknown_2", 13, date(2025, 8, 11), date(2025, 11, 3)),
        ("unknown_3", 13, date(2025, 8, 11), date(2025, 11, 3)),
        ("unknown_4", 30, date(2025, 10, 9), date(2025, 11, 7)),
        ("unknown_5", 26, date(2025, 10, 13), date(2025, 11, 7)),
    ]
    assert result.apps["ranking_window"].value_counts().sort("ranking_window").rows() == [
        ("day", 20),
        ("month", 20),
        ("week", 20),
    ]
    without_forecast = body.replace(b'\\"forecast\\":\\"forecast-1w\\"', b'\\"other\\":1')
    assert without_forecast != body
    assert parse(without_forecast).chart.equals(result.chart)


@pytest.mark.recordings
def test_the_recorded_page_without_data(recorded: Callable[[str], bytes]) -> None:
    assert "has carried no data since 2026-05-17" in refused(recorded("20260521131239"))


NOW = datetime(2026, 8, 22, 13, tzinfo=UTC)
ORIGINAL = "https://openrouter.ai/rankings"
HEADER = ["urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length"]


def digest(number: int) -> str:
    """The digest of one of many different pages, as the web archive writes it."""
    return "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[number // 32**n % 32] for n in range(32))


def row(stamp: str, original: str = ORIGINAL, status: str = "200", same_as: str | None = None) -> list[str]:
    """One line of a list of captures; each is another page, unless it is the same as one."""
    number = digest(int(same_as or stamp))
    return ["ai,openrouter)/rankings", stamp, original, "text/html", status, number, "64000"]


def listing(*rows: list[str]) -> bytes:
    return json.dumps([HEADER, *rows]).encode()


def wanting(first: str, last: str, **more: Any) -> Want:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    days = frozenset(start + timedelta(n) for n in range((end - start).days + 1))
    return Want(NOW, {WHOLE: days}, **more)


def fetched(request: Request, body: bytes, *, status: int = 200, url: str | None = None) -> Parsed:
    url = url or f"https://web.archive.org{request.path}"
    source = LISTING if request.path.startswith("/cdx") else SOURCE
    return source.parse(Fetch(source.name, url, status, NOW.isoformat(), "", 0, {}, request.context), body)


def listed(answer: bytes, first: str = "2025-02-05", last: str = "2026-05-16") -> dict[str, str]:
    """Return the captures of a list as the warehouse hands them on: what each is called, and its digest."""
    (request,) = LISTING.plan(wanting(first, last))
    parsed = fetched(request, answer)
    assert parsed.settles == (WHOLE,)
    assert (parsed.first_date, parsed.last_date) == (date.fromisoformat(first), date.fromisoformat(last))
    frame = parsed.frames.get("page_captures")
    assert parsed.is_absent == (frame is None)
    return {} if frame is None else dict(frame.select("series", "digest").iter_rows())


def requests(want: Want, answer: bytes) -> list[Request]:
    """Return the captures of a list that are read for the wanted days."""
    subjects = listed(answer)
    return SOURCE.plan(Want(NOW, dict.fromkeys(subjects, want.days), subjects=subjects, max_calls=want.max_calls))


def walk(want: Want, answer: bytes) -> list[str]:
    return [str(request).removeprefix("GET /web/") for request in requests(want, answer)]


def test_the_sources_read_captures_of_the_web_archive_without_a_key() -> None:
    for source in SOURCES:
        assert (source.host, source.cadence, source.needs_key) == (Host.WEB_ARCHIVE, Cadence.CAPTURE, False)
        assert (source.floor, source.ceiling) == (date(2025, 2, 5), date(2026, 5, 16))
    assert (LISTING.series, SOURCE.series) == ((WHOLE,), None)


def test_the_list_of_captures_is_asked_at_once() -> None:
    (request,) = LISTING.plan(wanting("2025-02-05", "2026-05-16"))
    assert str(request) == (
        "GET /cdx/search/cdx?url=openrouter.ai/rankings&output=json&from=20250205&to=20260516"
        "&filter=statuscode:200&collapse=timestamp:8"
    )
    assert request.context == {"series": WHOLE, "start_date": "2025-02-05", "end_date": "2026-05-16"}
    assert LISTING.plan(Want(NOW)) == []


def test_what_a_list_has_outside_the_window_is_left_out() -> None:
    answer = listing(row("20250101000000"), row("20251108044935"), row("20260601000000"))
    assert list(listed(answer)) == [f"20251108044935 {ORIGINAL}"]


def test_one_capture_a_day_is_read_the_last_and_the_newest_day_first() -> None:
    answer = listing(
        row("20251107101010"), row("20251108044935"), row("20251108231500"), row("20251109000000", status="404")
    )
    assert walk(wanting("2025-11-01", "2025-11-30"), answer) == [
        f"20251108231500id_/{ORIGINAL}",
        f"20251107101010id_/{ORIGINAL}",
    ]


def test_a_capture_says_when_it_was_made_and_of_what() -> None:
    original = f"{ORIGINAL}?view=month"
    (request,) = requests(wanting("2025-11-01", "2025-11-30"), listing(row("20251108044935", original)))
    assert request == Request(
        f"/web/20251108044935id_/{ORIGINAL}",
        {"view": "month"},
        {"series": f"20251108044935 {original}", "captured_at": "2025-11-08T04:49:35+00:00"},
    )
    assert fetched(request, pages(element(ranking()))).settles == (request.series,)


def test_each_view_of_the_page_has_its_captures() -> None:
    answer = listing(
        row("20251108010000", f"{ORIGINAL}?view=day"),
        row("20251108020000", f"{ORIGINAL}?view=week"),
        row("20251108030000", "http://www.openrouter.ai:80/rankings/"),
        row("20251108040000", "https://openrouter.ai/rankings/programming"),
        row("20251108050000", "https://elsewhere.example/?https://openrouter.ai/rankings"),
    )
    assert walk(wanting("2025-11-08", "2025-11-08"), answer) == [
        "20251108030000id_/http://www.openrouter.ai:80/rankings/",
        f"20251108010000id_/{ORIGINAL}?view=day",
    ]


def test_a_page_that_did_not_change_says_nothing_of_its_day() -> None:
    answer = listing(row("20251107230000"), row("20251108000100", same_as="20251107230000"), row("20251109120000"))
    assert walk(wanting("2025-11-08", "2025-11-09"), answer) == [f"20251109120000id_/{ORIGINAL}"]


def test_what_is_held_or_was_not_asked_is_not_read() -> None:
    answer = listing(row("20251107101010"), row("20251108044935"))
    subjects = listed(answer)
    held, wanted = subjects
    assert held.startswith("20251107")
    want = Want(NOW, {wanted: wanting("2025-11-01", "2025-11-30").days}, subjects=subjects)
    assert [request.series for request in SOURCE.plan(want)] == [wanted]
    assert walk(wanting("2025-11-07", "2025-11-07"), answer) == [f"20251107101010id_/{ORIGINAL}"]
    assert walk(wanting("2025-11-01", "2025-11-30", max_calls=1), answer) == [f"20251108044935id_/{ORIGINAL}"]


def test_there_may_be_no_captures() -> None:
    for answer in (b"[]", listing()):
        assert listed(answer, "2025-11-01", "2025-11-30") == {}
        (whole,) = LISTING.plan(wanting("2025-02-05", "2026-05-16"))
        with pytest.raises(ContractBrokenError, match="names no capture at all: empty is an error"):
            fetched(whole, answer)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "breaks its contract at the body: Invalid JSON"),
        (b"<html>busy</html>", "breaks its contract at the body: Invalid JSON"),
        (b'{"captures": []}', "breaks its contract at the body"),
        (
            b'[["timestamp", "original", "statuscode", "digest"], ["20251108044935"]]',
            "longer or shorter than its header",
        ),
        (b"[[]]", "lacks the column timestamp"),
        (json.dumps([HEADER[:5], row("20251108044935")[:5]]).encode(), "lacks the column digest"),
        (json.dumps([[*HEADER, "digest"]]).encode(), "lacks the column digest, or has it twice"),
        (json.dumps([HEADER, [*row("20251108044935")[:6], 64000]]).encode(), "breaks its contract at 1.6"),
        (listing(row("20251108")), "a timestamp that is none, '20251108'"),
        (listing(row("20251131000000")), "a timestamp that is none"),
        (listing([*row("20251108044935")[:5], "-", "1"]), "a digest that is none"),
    ],
)
def test_a_list_that_is_none_is_refused(body: bytes, sentence: str) -> None:
    (request,) = LISTING.plan(wanting("2025-11-01", "2025-11-30"))
    with pytest.raises(ContractBrokenError, match=sentence):
        fetched(request, body)


CAPTURED = Request(f"/web/20251108044935id_/{ORIGINAL}", {}, {"captured_at": "2025-11-08T04:49:35+00:00"})


def test_a_capture_gives_typed_rows_and_its_day() -> None:
    parsed = fetched(CAPTURED, pages(element(ranking()), element(apps()), element(leaderboard(forecast="forecast-1w"))))
    assert {table: frame.height for table, frame in parsed.frames.items()} == {
        "page_models": 1,
        "page_charts": 6,
        "page_apps": 3,
    }
    for frame in parsed.frames.values():
        assert frame.schema["captured_at"] == pl.Datetime("ms")
        assert set(frame["captured_at"]) == {datetime(2025, 11, 8, 4, 49, 35)}
    assert parsed.as_of == datetime(2025, 11, 8, 4, 49, 35, tzinfo=UTC)
    assert (parsed.first_date, parsed.last_date) == (date(2025, 11, 8), date(2025, 11, 8))
    assert (parsed.promised_end_date, parsed.floor_date, parsed.is_absent) == (None, None, False)
    assert parsed.settles == (WHOLE,)
    assert parsed.warnings == ()
    assert parsed.citation == "Source: OpenRouter (openrouter.ai/rankings), as of 2025-11-08T04:49:35Z."


def test_a_page_without_a_section_gives_no_frame_of_it() -> None:
    assert set(fetched(CAPTURED, pages(element(apps()))).frames) == {"page_apps"}


def test_the_address_that_answered_tells_which_capture_it_is() -> None:
    url = f"https://web.archive.org/web/20251108233000id_/{ORIGINAL}"
    assert fetched(CAPTURED, pages(element(ranking())), url=url).as_of == datetime(2025, 11, 8, 23, 30, tzinfo=UTC)


def test_a_saved_page_is_of_the_time_that_its_user_states() -> None:
    saved = Request("", {}, {"captured_at": "2025-11-08T06:00:00.25+01:00", "origin": "saved by hand"})
    parsed = fetched(saved, pages(element(ranking())), url=ORIGINAL)
    assert parsed.as_of == datetime(2025, 11, 8, 5, tzinfo=UTC)
    assert set(parsed.frames["page_models"]["captured_at"]) == {datetime(2025, 11, 8, 5)}


@pytest.mark.parametrize(
    ("body", "is_void"),
    [
        (f"<html><title>{TITLE}</title></html>".encode(), True),
        (f"<html><title>{TITLE}</title>".encode(), False),
        (b"<html><title>Just a moment</title></html>", True),
        (b"<html><title>Internet Archive: Temporarily Offline</title></html>", False),
        (b"\xff\xfe", True),
    ],
    ids=["an empty shell", "a cut page", "another page", "the archive's page", "no page"],
)
def test_only_what_never_changes_is_never_asked_again(body: bytes, is_void: bool) -> None:
    with pytest.raises(ContractBrokenError) as error:
        fetched(CAPTURED, body)
    assert isinstance(error.value, VoidError) == is_void
    with pytest.raises(VoidError):
        fetched(CAPTURED, b"", status=404)


@pytest.mark.parametrize("newest", ["2025-11-06", "2025-11-08"])
def test_a_page_out_of_a_cache_is_warned_of(newest: str) -> None:
    (warning,) = fetched(CAPTURED, pages(element(ranking(model(date=newest))))).warnings
    assert warning == (
        f"rankings-page: the page of 2025-11-08 lists use up to {newest}: its windows may not end with 2025-11-07."
    )


@pytest.mark.parametrize("status", [302, 403, 404, 503])
def test_another_status_is_that_of_the_web_archive(status: int) -> None:
    refusal = SourceUnavailableError if status == 503 else SourceError
    (asked,) = LISTING.plan(wanting("2025-11-01", "2025-11-30"))
    for request, what in ((CAPTURED, "the capture of 2025-11-08 04:49:35"), (asked, "the list of captures")):
        with pytest.raises(refusal, match=f"rankings-page: {what}: the web archive answered HTTP {status}"):
            fetched(request, b"", status=status)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.integers(0, 23), st.sampled_from(["", "?view=day", "?view=x", "/a"])),
        min_size=1,
        max_size=12,
        unique_by=lambda one: one[:2],
    ),
    st.sets(st.integers(0, 8), min_size=1),
)
def test_at_most_one_capture_a_wanted_day_and_view_is_read(made: list[tuple[int, int, str]], wanted: set[int]) -> None:
    more = row("20260101000000")
    answer = listing(*(row(f"2025110{day + 1}{hour:02}0000", ORIGINAL + view) for day, hour, view in made), more)
    want = Want(NOW, {WHOLE: frozenset(date(2025, 11, day + 1) for day in wanted)})
    asked = walk(want, answer)
    assert asked == sorted(asked, key=lambda one: one[:14], reverse=True)
    of_wanted = {(day, view) for day, _, view in made if day in wanted and view in ("", "?view=day")}
    read = [(int(one[6:8]) - 1, one.partition("?")[1] + one.partition("?")[2]) for one in asked]
    assert sorted(read) == sorted(of_wanted)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(HEADER),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=30,
)


@settings(max_examples=150, deadline=None)
@given(anything.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60))
def test_any_list_is_read_or_refused_in_one_sentence(body: bytes) -> None:
    (request,) = LISTING.plan(wanting("2025-11-01", "2025-11-30"))
    try:
        said = "" if fetched(request, body).is_absent else "landed"
    except SourceError as refusal:
        said = str(refusal)
    assert not said or (said.endswith(".") and said.isprintable())


@pytest.mark.recordings
def test_the_replayed_web_archive_is_read_whole(replay: Callable[..., Any]) -> None:
    base = replay("2026-08-21T07:45:00Z").base_url

    def answer(request: Request) -> tuple[str, bytes]:
        query = f"?{urlencode(request.params)}" if request.params else ""
        with urlopen(f"{base}{request.path}{query}") as response:
            return response.url, response.read()

    (request,) = LISTING.plan(wanting("2025-02-05", "2026-05-16"))
    _, body = answer(request)
    (request,) = requests(wanting("2025-02-05", "2026-05-16"), body)
    url, body = answer(request)
    parsed = fetched(request, body, url=url)
    heights = {table: frame.height for table, frame in parsed.frames.items()}
    assert (heights["page_models"], heights["page_apps"]) == (344, 60)
    assert heights["page_charts"] > 2000
    assert parsed.as_of == datetime(2025, 11, 8, 4, 49, 35, tzinfo=UTC)
    assert parsed.warnings == ()
    redirected = Request("/web/20251001000000id_/" + ORIGINAL, {}, {"captured_at": "2025-10-01T00:00:00+00:00"})
    url, body = answer(redirected)
    parsed = fetched(redirected, body, url=url)
    # Held as what was asked, told as what it is.
    assert (parsed.first_date, parsed.as_of) == (date(2025, 10, 1), datetime(2025, 11, 8, 4, 49, 35, tzinfo=UTC))
