"""What pages of app rankings must hold, by day, by category and by growth, shown on payload bytes."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import polars as pl
import pytest
from hypothesis import given

from pipeline.archive import Fetch
from pipeline.contracts import WHOLE, Parsed
from pipeline.errors import SourceError
from pipeline.sources.app_rankings import CATEGORIES, CATEGORY_OF, CATEGORY_SERIES, PAGES, PATH, SOURCES
from pipeline.sources.base import Reply, Request, Source, Want
from tests.conftest import KEY
from tests.property.test_fuzzed_payloads import damaged, fast, mutated

BY_CATEGORY, TRENDING, DAILY = SOURCES
NOW = datetime(2026, 8, 21, 13, tzinfo=UTC)
DAY = "2026-08-20"
WEEK_START = "2026-08-14"
Row = dict[str, Any]


def app(rank: int = 1, **more: Any) -> Row:
    plain = {"app_id": 7_000 + rank, "app_name": "Anvil", "total_tokens": str(9_000 - rank), "total_requests": 12}
    return {"rank": rank, **plain, **more}


def page(rows: int = 1, first_rank: int = 1, start: str = DAY, **more: Any) -> Row:
    meta = {"as_of": "2026-08-21T07:00:00.000Z", "start_date": start, "end_date": DAY, "version": "v1"}
    return {"data": [app(first_rank + number) for number in range(rows)], "meta": meta, **more}


def parse(
    payload: Any, series: str = "1", *, source: Source = DAILY, status: int = 200, start: str = DAY, **context: Any
) -> Parsed:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    asked = {"series": series, "start_date": start, "end_date": DAY, **context}
    return source.parse(Fetch(source.name, f"https://x{PATH}", status, NOW.isoformat(), "", 0, {}, asked), body)


def refused(*words: Any, **more: Any) -> str:
    with pytest.raises(SourceError) as error:
        parse(*words, **more)
    return str(error.value)


def test_a_short_page_gives_typed_rows_and_settles_the_one_behind_it() -> None:
    parsed = parse(page())
    assert parsed.frames["app_rankings_daily"].rows(named=True) == [
        {
            "date": date(2026, 8, 20),
            "page": "1",
            "rank": 1,
            "app_id": 7001,
            "app_name": "Anvil",
            "total_tokens": 8999,
            "total_requests": 12,
        }
    ]
    assert parsed.frames["app_rankings_daily"].schema["total_tokens"] == pl.Int64
    assert parsed.settles == PAGES
    assert (parsed.first_date, parsed.last_date, parsed.floor_date) == (date(2026, 8, 20), date(2026, 8, 20), None)
    assert parsed.as_of == datetime(2026, 8, 21, 7, tzinfo=UTC)
    assert parsed.citation == "Source: OpenRouter (openrouter.ai/apps), as of 2026-08-21T07:00:00Z."


def test_a_full_page_leaves_the_next_one_open() -> None:
    assert parse(page(100)).settles == ("1",)
    assert parse(page(99)).settles == ("1", "2")
    assert parse(page(100, 101), "2").settles == ("2",)
    parsed = parse(page(0, 101), "2")
    assert (parsed.settles, parsed.is_absent, parsed.first_date) == (("2",), True, date(2026, 8, 20))


def test_an_empty_day_is_an_error_unless_newer_days_are_held() -> None:
    assert "has no rows: empty is an error, not a day without use." in refused(page(0))
    assert "HTTP 400" in refused(page(0), status=400)
    gap, floor = parse(page(0), is_older=True), parse(b"{}", status=400, is_older=True)
    assert (gap.is_absent, gap.settles, gap.floor_date, gap.first_date) == (True, PAGES, None, None)
    assert (floor.is_absent, floor.settles, floor.floor_date) == (True, PAGES, date(2026, 8, 21))


def test_a_window_is_never_taken_for_a_day() -> None:
    sentence = refused(page(start="2026-07-22"))
    assert "covers 2026-07-22 to 2026-08-20, while 2026-08-20 to 2026-08-20 was asked" in sentence


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rank": 2}, "ranks go up from 1 one by one"),
        ({"rank": 201}, "less than or equal to 200"),
        ({"total_tokens": 8999}, "Input should be a valid string"),
        ({"total_tokens": "-1"}, "String should match pattern"),
        ({"total_tokens": "9" * 16}, "less than 5e+15 tokens"),
        ({"total_requests": -1}, "greater than or equal to 0"),
        ({"total_requests": 1.5}, "valid integer"),
        ({"app_id": "7"}, "valid integer"),
        ({"app_name": None}, "valid string"),
    ],
)
def test_a_row_that_breaks_the_contract_is_refused(change: Row, sentence: str) -> None:
    assert sentence in refused(page() | {"data": [app(**change)]})


def test_pages_are_in_order_and_whole() -> None:
    assert "apps are ranked by tokens" in refused(page() | {"data": [app(1), app(2, total_tokens="9999")]})
    assert "repeats the key" in refused(page() | {"data": [app(1), app(2, app_id=7001)]})
    assert "101 rows on a page of 100" in refused(page(101))
    assert "ranks go up from 101" in refused(page(3), "2")
    assert "as of 2026-08-21" in refused(
        page() | {"meta": page()["meta"] | {"end_date": "2026-08-22", "start_date": "2026-08-22"}},
        start="2026-08-22",
        end_date="2026-08-22",
    )


def test_unknown_fields_are_named_and_names_kept_as_they_are() -> None:
    name = "=1+1 <script> \N{ROBOT FACE}"
    parsed = parse(page() | {"data": [app(app_name=name, icon="x")], "more": 1})
    assert parsed.warnings == (f"app-rankings of {DAY}, page 1 holds unknown fields: icon, more.",)
    assert parsed.frames["app_rankings_daily"]["app_name"].to_list() == [name]


def test_a_category_is_told_from_its_subcategories() -> None:
    parsed = parse(page(), "coding 1", source=BY_CATEGORY)
    assert parsed.frames["app_categories"].select("date", "part", "category", "page").row(0) == (
        date(2026, 8, 20),
        "coding",
        "coding",
        "1",
    )
    assert parsed.settles == ("coding 1", "coding 2")
    parsed = parse(page(100, 101), "cli-agent 2", source=BY_CATEGORY)
    assert parsed.frames["app_categories"].select("part", "category").row(0) == ("cli-agent", "coding")


def test_a_subcategory_may_be_empty_and_a_category_not() -> None:
    parsed = parse(page(0), "legal 1", source=BY_CATEGORY)
    assert (parsed.is_absent, parsed.frames, parsed.settles) == (True, {}, ("legal 1", "legal 2"))
    assert "empty is an error" in refused(page(0), "coding 1", source=BY_CATEGORY)


def test_the_trending_list_is_not_ranked_by_tokens_and_names_its_window() -> None:
    rows = [app(1, total_tokens="5"), app(2, total_tokens="900")]
    parsed = parse(page(start=WEEK_START) | {"data": rows}, WHOLE, source=TRENDING, start=WEEK_START)
    frame = parsed.frames["app_trending"]
    assert frame["total_tokens"].to_list() == [5, 900]
    assert frame.select("window_start_date", "window_end_date").row(0) == (date(2026, 8, 14), date(2026, 8, 20))
    assert "empty is an error" in refused(page(0, start=WEEK_START), WHOLE, source=TRENDING, start=WEEK_START)


def test_a_day_is_one_call_a_page_the_newest_first() -> None:
    days = frozenset({date(2026, 8, 19), date(2026, 8, 20)})
    requests = DAILY.plan(Want(NOW, {"1": days, "2": frozenset({date(2026, 8, 20)})}))
    window = "start_date=2026-08-{0}&end_date=2026-08-{0}&limit=100&offset={1}"
    assert [str(request).partition("?")[2] for request in requests] == [
        window.format(20, 0),
        window.format(20, 100),
        window.format(19, 0),
    ]
    assert requests[1].context == {"series": "2", "start_date": DAY, "end_date": DAY}


def test_a_run_asks_nineteen_parts_and_one_trending_week() -> None:
    today = frozenset({NOW.date()})
    requests = BY_CATEGORY.plan(Want(NOW, dict.fromkeys(CATEGORY_SERIES, today)))
    assert len(requests) == 2 * (len(CATEGORIES) + len(CATEGORY_OF)) == 38
    assert requests[0].params == {"category": "coding", "start_date": DAY, "end_date": DAY} | {
        "limit": "100",
        "offset": "0",
    }
    assert requests[8].params["subcategory"] == "cli-agent"
    assert len(BY_CATEGORY.series or ()) - len(BY_CATEGORY.later_pages) == 19
    (trending,) = TRENDING.plan(Want(NOW, {WHOLE: today}))
    assert (trending.params["sort"], trending.start_date, trending.end_date) == (
        "trending",
        date(2026, 8, 14),
        date(2026, 8, 20),
    )


def answers(source: Source, want: Want, base_url: str) -> list[tuple[Request, Parsed]]:
    """Lead an exchange against a server."""
    exchange, asked = source.exchange(want), []
    try:
        request = next(exchange)
        while True:
            url = f"{base_url}{request.path}?{urlencode(request.params)}"
            call = urllib.request.Request(url, headers={"Authorization": f"Bearer {KEY}"})
            with urllib.request.urlopen(call, timeout=10) as answer:
                body = answer.read()
            parsed = source.parse(
                Fetch(source.name, url, 200, want.now.isoformat(), "", 0, {}, dict(request.context)), body
            )
            asked.append((request, parsed))
            request = exchange.send(Reply(200, body, parsed))
    except StopIteration:
        return asked


def test_the_simulated_market_fills_both_pages(simulate: Callable[..., Any], small_world: Any) -> None:
    server = simulate(small_world)
    last, today = small_world.last_day, frozenset({server.now.date()})
    days = frozenset({last - timedelta(days=1), last})
    asked = answers(DAILY, Want(server.now, dict.fromkeys(PAGES, days)), server.base_url)
    assert [(request.series, request.start_date, parsed.rows) for request, parsed in asked] == [
        (series, day, 100) for day in sorted(days, reverse=True) for series in PAGES
    ]
    parts = answers(BY_CATEGORY, Want(server.now, dict.fromkeys(CATEGORY_SERIES, today)), server.base_url)
    assert len(parts) == 19
    apps = {
        name: sum(len(parsed.frames["app_categories"]) for _, parsed in parts if _.series == name)
        for name in (f"{part} 1" for part in (*CATEGORIES, *CATEGORY_OF))
    }
    for category in CATEGORIES:
        inside = [part for part, its in CATEGORY_OF.items() if its == category]
        assert apps[f"{category} 1"] == sum(apps[f"{part} 1"] for part in inside)
    ((_, trending),) = answers(TRENDING, Want(server.now, {WHOLE: today}), server.base_url)
    assert 0 < trending.rows <= 100


@pytest.mark.recordings
def test_the_recorded_market_is_read(replay: Callable[..., Any]) -> None:
    base = replay(NOW.isoformat()).base_url
    yesterday, today = frozenset({date(2026, 8, 20)}), frozenset({NOW.date()})
    asked = answers(DAILY, Want(NOW, dict.fromkeys(PAGES, yesterday)), base)
    assert [parsed.rows for _, parsed in asked] == [65]
    assert not any(parsed.warnings for _, parsed in asked)
    parts = answers(BY_CATEGORY, Want(NOW, dict.fromkeys(CATEGORY_SERIES, today)), base)
    assert len(parts) == 19
    ((_, trending),) = answers(TRENDING, Want(NOW, {WHOLE: today}), base)
    assert trending.rows > 10


CASES = {"app-rankings": (DAILY, "1"), "app-categories": (BY_CATEGORY, "legal 1"), "app-trending": (TRENDING, WHOLE)}
VALID = page(3)
TABLES = {"app_rankings_daily", "app_categories", "app_trending"}


@pytest.mark.parametrize("name", CASES)
@fast
@given(mutated(VALID) | damaged(json.dumps(VALID).encode()))
def test_changed_pages_hold_or_are_refused(name: str, body: bytes) -> None:
    source, series = CASES[name]
    sentence = "."
    try:
        parsed = parse(body, series, source=source)
    except SourceError as refusal:
        parsed, sentence = Parsed(is_absent=True), str(refusal)
    assert sentence.endswith(".")
    assert parsed.rows or parsed.is_absent
    assert set(parsed.frames) <= TABLES
    for frame in parsed.frames.values():
        assert frame["app_id"].is_unique().all()
        assert frame["rank"].to_list() == list(range(1, frame.height + 1))
        assert frame["total_tokens"].min() >= 0
        assert sum(frame.null_count().row(0)) == 0
