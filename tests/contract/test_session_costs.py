"""What the pages of session costs must hold, and when the next one is asked, shown on payload bytes."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given

from pipeline.archive import Fetch
from pipeline.contracts import Parsed
from pipeline.errors import ContractBrokenError, SourceError
from pipeline.sources.base import Reply, Want
from pipeline.sources.session_costs import PAGE_ROWS, PAGES, PATH, SOURCES
from tests.conftest import KEY
from tests.property.test_fuzzed_payloads import damaged, fast, mutated

(SOURCE,) = SOURCES
NOW = datetime(2026, 8, 22, 13, tzinfo=UTC)
TODAY = frozenset({NOW.date()})
Row = dict[str, Any]


def cost(app: str = "hermes-agent", **more: Any) -> Row:
    plain = {
        "app_name": "Hermes Agent",
        "app_slug": app,
        "model_permaslug": "acme/large-20260101",
        "turn_range": "10-49-turns",
        "median_session_cost_usd": 1.74,
    }
    return plain | more


def page(rows: list[Row], **meta: Any) -> dict[str, Any]:
    plain = {"as_of": "2026-08-22T02:00:00.000Z", "version": "v1", "window_days": 30, "window_end_date": "2026-08-16"}
    return {"data": rows, "meta": plain | meta}


def full(rows: int = PAGE_ROWS) -> dict[str, Any]:
    return page([cost(f"app-{number}") for number in range(rows)])


def parse(payload: Any, number: str = "1", status: int = 200) -> Parsed:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    url = f"https://openrouter.ai{PATH}"
    context = {"series": number}
    return SOURCE.parse(
        Fetch("session-costs", url, status, "2026-08-22T13:00:00.000Z", "", len(body), {}, context), body
    )


def test_a_short_page_gives_typed_rows_and_settles_those_behind_it() -> None:
    parsed = parse(page([cost()]), "3")
    assert parsed.frames["session_costs"].rows(named=True) == [
        {
            "page": "3",
            "app_name": "Hermes Agent",
            "app_slug": "hermes-agent",
            "model_permaslug": "acme/large-20260101",
            "turn_range": "10-49-turns",
            "median_session_cost_usd": 1.74,
            "window_days": 30,
            "window_end_date": date(2026, 8, 16),
        }
    ]
    assert parsed.settles == PAGES[2:]
    assert parsed.as_of == datetime(2026, 8, 22, 2, tzinfo=UTC)
    assert parsed.citation is not None
    assert parsed.citation.startswith("Source: OpenRouter Data API (openrouter.ai/docs/cookbook/")
    assert parsed.citation.endswith(", as of 2026-08-22T02:00:00Z. Licensed under CC BY 4.0.")
    assert parsed.warnings == ()


def test_a_full_page_settles_itself() -> None:
    assert parse(full()).settles == ("1",)
    assert parse(full(PAGE_ROWS - 1)).settles == PAGES


def test_a_full_last_page_may_not_be_the_end() -> None:
    parsed = parse(full(), "11")
    assert parsed.settles == ("11",)
    assert parsed.warnings == ("session-costs fills the last page that can be asked; what lies behind it is not had.",)


def test_an_empty_page_ends_the_list_and_no_first_page_is_empty() -> None:
    parsed = parse(page([]), "2")
    assert (parsed.settles, parsed.is_absent, parsed.rows) == (PAGES[1:], True, 0)
    with pytest.raises(ContractBrokenError, match="has no rows: empty is an error"):
        parse(page([]))


def test_a_window_may_be_unstated() -> None:
    frame = parse(page([cost()], window_days=None, window_end_date=None)).frames["session_costs"]
    assert frame.select("window_days", "window_end_date").row(0) == (None, None)
    assert frame.schema["window_end_date"] == pl.Date


def test_names_of_apps_are_kept_as_they_are() -> None:
    name = "写作助手 \N{EN DASH} \N{ROBOT FACE} “v2”"
    assert parse(page([cost(app_name=name)])).frames["session_costs"]["app_name"].to_list() == [name]


def test_unknown_fields_are_named() -> None:
    assert parse(page([cost(b=1)], a=1) | {"c": 1}).warnings == ("session-costs holds unknown fields: a, b, c.",)


BROKEN: dict[str, tuple[Any, str]] = {
    "more rows than asked": (full(PAGE_ROWS + 1), "holds 501 rows on a page of 500"),
    "a key twice": (page([cost(), cost(median_session_cost_usd=2)]), "repeats the key"),
    "another length": (page([cost(turn_range="many")]), r"at data\.0\.turn_range: "),
    "a cost in a string": (page([cost(median_session_cost_usd="1.74")]), r"data\.0\.median_session_cost_usd: "),
    "a negative cost": (page([cost(median_session_cost_usd=-1)]), r"data\.0\.median_session_cost_usd: "),
    "an endless cost": (b'{"data": [{"median_session_cost_usd": 1e999}]}', "breaks its contract"),
    "no model": (page([cost(model_permaslug="")]), r"at data\.0\.model_permaslug: "),
    "no slug": (page([cost(app_slug=None)]), r"at data\.0\.app_slug: "),
    "a long name": (page([cost(app_name="x" * 501)]), r"at data\.0\.app_name: "),
    "another version": (page([cost()], version="v2"), r"at meta\.version: "),
    "a window of a year and more": (page([cost()], window_days=3650), r"at meta\.window_days: "),
    "a window to come": (page([cost()], window_end_date="2026-08-23"), "ends with 2026-08-23, after the day"),
    "no meta": ({"data": [cost()]}, "at meta: Field required"),
    "nothing": (b" ", "is empty"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_page_that_breaks_its_contract_is_refused_with_the_place(name: str) -> None:
    payload, sentence = BROKEN[name]
    with pytest.raises(ContractBrokenError, match=sentence) as caught:
        parse(payload)
    assert str(caught.value).startswith("session-costs")


def asked(*replies: Parsed | None, pages: tuple[str, ...] = PAGES) -> list[str]:
    """The offsets that a walk asks for, when it is answered so."""
    exchange = SOURCE.exchange(Want(NOW, dict.fromkeys(pages, TODAY)))
    offsets = []
    try:
        request = next(exchange)
        for reply in replies:
            offsets.append(request.params["offset"])
            request = exchange.send(Reply(200, b"", reply))
        offsets.append(f"{request.params['offset']} next")
    except StopIteration:
        pass
    return offsets


def test_pages_are_asked_until_one_is_not_full() -> None:
    assert asked(parse(page([cost()]))) == ["0"]
    assert asked(parse(full()), parse(full(), "2"), parse(page([]), "3")) == ["0", "500", "1000"]
    assert asked(None) == ["0", "500 next"], "a refused page says nothing about the next one"
    assert asked(parse(full(), "2"), pages=PAGES[1:]) == ["500", "1000 next"], "held pages are not asked again"
    assert len(asked(*(parse(full(), number) for number in PAGES))) == 11


def test_the_plan_never_passes_what_may_be_asked() -> None:
    requests = SOURCE.plan(Want(NOW, dict.fromkeys(PAGES, TODAY)))
    assert str(requests[0]) == f"GET {PATH}?limit=500&offset=0"
    assert str(requests[-1]) == f"GET {PATH}?limit=500&offset=5000"
    assert SOURCE.later_pages == frozenset(PAGES[1:])
    assert SOURCE.plan(Want(NOW)) == []


@fast
@given(mutated(page([cost(), cost("other-app")])) | damaged(json.dumps(page([cost()])).encode()))
def test_changed_pages_hold_or_are_refused(body: bytes) -> None:
    try:
        parsed = parse(body)
    except SourceError:
        return
    frame = parsed.frames["session_costs"]
    assert frame.height > 0
    assert frame.select("app_slug", "model_permaslug", "turn_range").is_unique().all()
    assert sum(frame.drop("window_days", "window_end_date").null_count().row(0)) == 0
    assert all(0 <= usd < 1e6 for usd in frame["median_session_cost_usd"].to_list())


def test_the_replayed_list_is_valid(replay: Callable[..., Any]) -> None:
    (first, *_) = SOURCE.plan(Want(NOW, dict.fromkeys(PAGES, TODAY)))
    url = f"{replay('2026-08-22T13:00:00Z').base_url}{str(first).removeprefix('GET ')}"
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Bearer {KEY}"})) as reply:
        parsed = parse(reply.read())
    assert 100 < parsed.rows < PAGE_ROWS
    assert parsed.warnings == ()
