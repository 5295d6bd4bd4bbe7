"""What is known of reasoning: what models can do by day, and what saved pages state of their windows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import duckdb
import pytest

from pipeline import models
from tests.models.harness import (
    MODELS,
    Catalogue,
    Rankings,
    boards,
    day,
    final,
    insert,
    instant,
    landed,
    rows,
)

TABLE = "fct_reasoning_share"
SATURDAY = datetime(2025, 1, 18, 5)
FRIDAY = date(2025, 1, 17)
SPANS = {"day": FRIDAY, "week": date(2025, 1, 11), "month": date(2024, 12, 19)}
CAPABLE = "window_start_date, total_tokens, capable_share_low_pct, capable_share_high_pct, unknown_share_pct"
STATED = "ranking_window, prompt_share_pct, completion_share_pct, reasoning_share_pct, reasoning_of_completion_pct"
Row = dict[str, Any]


def use(
    reasoning: int | None, window: str = "week", slug: str = "a/one", captured_at: datetime = SATURDAY, **more: int
) -> Row:
    """A model's row of a saved page: 900 tokens sent and 100 received where nothing else is said."""
    return {
        "captured_at": captured_at,
        "ranking_window": window,
        "model_permaslug": slug,
        "variant": "standard",
        "prompt_tokens": 900,
        "completion_tokens": 100,
        "reasoning_tokens": reasoning,
        "requests": 1,
        "last_active_date": FRIDAY,
        "as_of": captured_at,
        "fetched_at": datetime(2026, 1, 1),
        "load_id": f"page-{captured_at}",
        "source": "rankings-page",
        **more,
    }


def built(*given: Rankings | Catalogue, uses: Iterable[Row] = ()) -> duckdb.DuckDBPyConnection:
    """A warehouse with these rankings, catalogues and rows of pages."""
    connection = landed(*given)
    uses = list(uses)
    insert(connection, "raw.page_models", uses)
    loads = {row["load_id"]: {name: row[name] for name in ("load_id", "source", "fetched_at", "as_of")} for row in uses}
    insert(connection, "meta.loads", [load | {"outcome": "landed", "is_simulated": False} for load in loads.values()])
    models.require_passed(models.build(connection, MODELS, [f"+{TABLE}"]))
    return connection


def test_it_builds_without_rankings_and_pages() -> None:
    assert rows(built(), TABLE, "count(*)") == [(0,)]


def test_what_no_catalogue_knows_lies_between_the_bounds() -> None:
    board = {"a/thinks": 40, "a/talks": 30, "b/secret": 10, "other": 120}
    known = Catalogue(instant(2), {"a/thinks": {"is_reasoning_capable": True}, "a/talks": {}, "c/not-ranked": {}})
    connection = built(final(boards([board, {"a/talks": 5}, {"a/thinks": 5}])), known)
    assert rows(connection, TABLE, CAPABLE) == [
        (day(0), 200, 20.0, 85.0, 65.0),
        (day(1), 5, 0.0, 0.0, 0.0),
        (day(2), 5, 100.0, 100.0, 0.0),
    ]


def test_without_a_catalogue_nothing_is_known() -> None:
    connection = built(final(boards([{"a/thinks": 40, "other": 10}])))
    assert rows(connection, TABLE, CAPABLE) == [(day(0), 50, 0.0, 100.0, 100.0)]


def test_each_day_has_the_catalogue_row_of_its_time_and_a_delisted_model_its_last() -> None:
    board = boards([{"a/one": 30, "a/gone": 10}] * 2)
    catalogues = [
        Catalogue(instant(0, 8), {"a/one": {}, "a/gone": {"is_reasoning_capable": True}}),
        Catalogue(instant(1, 8), {"a/one": {"is_reasoning_capable": True}, "b/two": {}}),
    ]
    assert rows(built(final(board), catalogues[0]), TABLE, CAPABLE) == [
        (day(on), 40, 25.0, 25.0, 0.0) for on in range(2)
    ]
    assert rows(built(final(board), *catalogues), TABLE, CAPABLE) == [
        (day(0), 40, 25.0, 25.0, 0.0),
        (day(1), 40, 100.0, 100.0, 0.0),
    ]


def test_a_variant_has_its_own_catalogue_row() -> None:
    known = Catalogue(instant(0), {"a/one": {}, "a/one:thinking": {"is_reasoning_capable": True}})
    connection = built(final(boards([{"a/one": 30, "a/one:thinking": 10}])), known)
    assert rows(connection, TABLE, CAPABLE) == [(day(0), 40, 25.0, 25.0, 0.0)]


def test_each_loaded_day_has_a_row_and_the_newest_may_be_provisional() -> None:
    connection = built(Rankings(boards([{"a/one": 1}, None, {"a/one": 1}]), as_of=instant(3, 7)))
    columns = "basis, ranking_window, window_start_date, window_end_date, source_at, is_provisional"
    assert rows(connection, TABLE, columns) == [
        ("capability", "day", day(0), day(0), instant(3, 7), False),
        ("capability", "day", day(2), day(2), instant(3, 7), True),
    ]


def test_a_day_without_tokens_has_no_shares() -> None:
    connection = built(final(boards([{"a/one": 0}])))
    assert rows(connection, TABLE, CAPABLE) == [(day(0), 0, None, None, None)]


def test_a_page_states_shares_of_each_of_its_windows() -> None:
    uses = [use(10, "day"), use(40, "week", prompt_tokens=700), use(60, "month"), use(30, "month", slug="b/two")]
    connection = built(final(boards([{"a/one": 1}], 16)), uses=uses)
    where = "basis = 'page_window'"
    assert rows(connection, TABLE, STATED, where) == [
        ("day", 90.0, 10.0, 1.0, 10.0),
        ("month", 90.0, 10.0, 4.5, 45.0),
        ("week", 87.5, 12.5, 5.0, 40.0),
    ]
    spans = "ranking_window, window_start_date, window_end_date, source_at, total_tokens, is_provisional"
    assert rows(connection, TABLE, spans, where) == [
        ("day", SPANS["day"], FRIDAY, SATURDAY, 1000, False),
        ("month", SPANS["month"], FRIDAY, SATURDAY, 2000, False),
        ("week", SPANS["week"], FRIDAY, SATURDAY, 800, False),
    ]
    # Each basis leaves the columns of the other empty; both may describe one day.
    assert rows(connection, TABLE, f"basis, {STATED}", "basis = 'capability'") == [
        ("capability", "day", None, None, None, None)
    ]
    assert rows(connection, TABLE, "distinct " + CAPABLE.partition(", total_tokens, ")[2], where) == [
        (None, None, None)
    ]


@pytest.mark.parametrize("figures", [(0, 0), (None, None), (0, None)])
def test_a_page_without_any_reasoning_says_nothing_of_it(figures: tuple[int | None, int | None]) -> None:
    uses = [use(figure, slug=f"a/{number}") for number, figure in enumerate(figures)]
    assert rows(built(uses=uses), TABLE, STATED) == [("week", 90.0, 10.0, None, None)]


def test_a_model_without_reasoning_counts_as_one_beside_others_that_have_some() -> None:
    uses = [use(20), use(0, slug="b/zero"), use(None, slug="b/null")]
    found = rows(built(uses=uses), TABLE, STATED)
    assert found == [("week", 90.0, 10.0, pytest.approx(2 / 3), pytest.approx(20 / 3))]


def test_a_page_whose_figures_have_stopped_says_nothing_in_its_longer_windows_either() -> None:
    stopped = [use(0, "day"), use(30, "week"), use(50, "month")]
    earlier = [use(30, "week", captured_at=SATURDAY.replace(hour=1))]
    connection = built(uses=[*stopped, *earlier])
    columns = "source_at, ranking_window, reasoning_share_pct"
    assert rows(connection, TABLE, columns) == [
        (SATURDAY.replace(hour=1), "week", 3.0),
        (SATURDAY, "day", None),
        (SATURDAY, "month", None),
        (SATURDAY, "week", None),
    ]


def test_a_page_without_completions_has_no_share_of_them() -> None:
    connection = built(uses=[use(5, completion_tokens=0), use(5, "day", prompt_tokens=0, completion_tokens=0)])
    assert rows(connection, TABLE, STATED) == [
        ("day", None, None, None, None),
        ("week", 100.0, 0.0, None, None),  # reasoning is part of the output
    ]
