"""Apps: which pages are current, what they leave of a day, and names and categories as history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import duckdb
import pytest

from pipeline import models
from tests.models.answers import LATE, Answer, page, part, ranked, whole
from tests.models.answers import built as build_answers
from tests.models.harness import MODELS, Board, boards, day, final, instant, rows

DAILY = ["+fct_app_tokens_daily", "+fct_app_residual_daily"]
NAMES = ["+dim_app", "+dim_app_history"]
CATEGORIES = ["+fct_app_categories"]
TRENDING = ["+fct_app_trending"]


def trending(at: datetime, first: int, last: int, used: Mapping[int, int], **names: str) -> Answer:
    """A trending list of a window, by number and tokens of the whole window, in OpenRouter's order."""
    window = {"window_start_date": day(first), "window_end_date": day(last)}
    listed = [{**window, **row} for row in ranked(used, **names)]
    return Answer("app-trending", "app_trending", ["whole"], listed, at, day(last))


def built(
    *answers: Answer, totals: Mapping[date, Board] | None = None, select: Sequence[str] = DAILY
) -> duckdb.DuckDBPyConnection:
    """A warehouse with these answers, and daily rankings where `totals` are given."""
    return build_answers(*([final(totals)] if totals else []), *answers, select=select)


USE = "date, app_id, rank, total_tokens"


def test_every_mart_builds_without_rows() -> None:
    marts = [*DAILY, *NAMES, *CATEGORIES, *TRENDING]
    connection = built(select=marts)
    for name in marts:
        assert rows(connection, name.removeprefix("+"), "count(*)") == [(0,)]


def test_an_app_has_its_tokens_requests_and_share_of_the_day() -> None:
    connection = built(whole(0, {7: 300, 8: 100}), whole(1, {8: 5}), totals=boards([{"a/one": 700, "other": 300}]))
    columns = f"{USE}, app_name, total_requests, tokens_per_request, share_pct, as_of"
    assert rows(connection, "fct_app_tokens_daily", columns) == [
        (day(0), 7, 1, 300, "App 7", 30, 10.0, 30.0, LATE),
        (day(0), 8, 2, 100, "App 8", 10, 10.0, 10.0, LATE),
        # Without requests there is no mean, and without the day's total no share.
        (day(1), 8, 1, 5, "App 8", 0, None, None, LATE),
    ]


def test_two_pages_make_up_a_day() -> None:
    connection = built(page(1, 0, {7: 300, 8: 200}), page(2, 0, {9: 10}, is_last=True))
    assert rows(connection, "fct_app_tokens_daily", USE) == [
        (day(0), 7, 1, 300),
        (day(0), 8, 2, 200),
        (day(0), 9, 101, 10),
    ]


def test_a_short_first_page_hides_an_older_second_one() -> None:
    older = [page(1, 0, {7: 300}, instant(1)), page(2, 0, {9: 10}, instant(1))]
    assert rows(built(*older, whole(0, {7: 310}, instant(2))), "fct_app_tokens_daily", USE) == [(day(0), 7, 1, 310)]
    # A full one says nothing of the second.
    assert rows(built(*older, page(1, 0, {7: 310}, instant(2))), "fct_app_tokens_daily", USE) == [
        (day(0), 7, 1, 310),
        (day(0), 9, 101, 10),
    ]


def test_a_first_page_that_became_full_replaces_a_shorter_one() -> None:
    connection = built(whole(0, {7: 300, 8: 200}, instant(1)), page(1, 0, {7: 310}, instant(2)))
    assert rows(connection, "fct_app_tokens_daily", USE) == [(day(0), 7, 1, 310)]


def test_a_second_page_that_became_empty_hides_an_older_one() -> None:
    connection = built(page(1, 0, {7: 300}), page(2, 0, {9: 10}, instant(1)), page(2, 0, {}, instant(2)))
    assert rows(connection, "fct_app_tokens_daily", USE) == [(day(0), 7, 1, 300)]
    assert rows(connection, "fct_app_residual_daily", "is_whole") == [(True,)]


def test_what_was_fetched_wins_over_what_was_imported_whatever_their_dates() -> None:
    connection = built(
        page(1, 0, {7: 1}, instant(1)),
        page(1, 0, {7: 2, 8: 2}, instant(9), origin="file"),
        page(2, 0, {9: 3}, instant(9), origin="file"),
        whole(1, {7: 4}, instant(2)),
        page(2, 1, {9: 5}, instant(9), origin="file"),
    )
    assert rows(connection, "fct_app_tokens_daily", USE) == [
        (day(0), 7, 1, 1),
        (day(0), 9, 101, 3),
        (day(1), 7, 1, 4),
    ]


@pytest.mark.parametrize("is_landed_first", [True, False])
@pytest.mark.parametrize(
    ("earlier", "later"),
    [((instant(2), instant(9)), (instant(3), instant(4))), ((instant(3), instant(3)), (instant(3), instant(4)))],
    ids=["as_of", "fetched_at"],
)
def test_the_newest_vintage_replaces_the_whole_page(
    earlier: tuple[datetime, datetime], later: tuple[datetime, datetime], is_landed_first: bool
) -> None:
    given = [
        page(1, 0, {7: 1, 8: 1}, earlier[0], fetched_at=earlier[1]),
        page(1, 0, {7: 2}, later[0], fetched_at=later[1]),
    ]
    connection = built(*(given if is_landed_first else reversed(given)))
    assert rows(connection, "fct_app_tokens_daily", f"{USE}, as_of") == [(day(0), 7, 1, 2, later[0])]


def test_of_equal_vintages_the_last_load_counts() -> None:
    connection = built(page(1, 0, {7: 1}), page(1, 0, {7: 2}))
    assert rows(connection, "fct_app_tokens_daily", USE) == [(day(0), 7, 1, 2)]


def test_an_app_on_two_pages_counts_once_by_the_later_answer() -> None:
    second = page(2, 0, {8: 95, 9: 10}, instant(2, 8, 1), is_last=True)
    connection = built(page(1, 0, {7: 300, 8: 100}, instant(2, 8)), second)
    assert rows(connection, "fct_app_tokens_daily", USE) == [
        (day(0), 7, 1, 300),
        (day(0), 8, 101, 95),
        (day(0), 9, 102, 10),
    ]
    assert rows(connection, "fct_app_residual_daily", "listed_apps, app_tokens") == [(3, 405)]
    # The first page was asked again, and the app is back on it.
    again = page(1, 0, {7: 300, 8: 101}, instant(2, 9))
    assert rows(built(second, again), "fct_app_tokens_daily", "app_id, rank") == [(7, 1), (8, 2), (9, 102)]
    # The newest as_of decides before the time of the call, and what was fetched before both.
    late_call = page(1, 0, {8: 102}, instant(2, 8), fetched_at=instant(3))
    assert rows(built(late_call, second), "fct_app_tokens_daily", "app_id, rank") == [(8, 101), (9, 102)]
    imported = page(1, 0, {7: 300, 8: 103}, instant(9), origin="file")
    assert rows(built(imported, second), "fct_app_tokens_daily", "app_id, rank") == [(7, 1), (8, 101), (9, 102)]
    # At one instant, the first page counts.
    at_once = page(1, 0, {8: 100}, instant(2, 8, 1))
    assert rows(built(at_once, second), "fct_app_tokens_daily", "app_id, rank") == [(8, 1), (9, 102)]


def test_a_day_that_was_asked_on_the_day_after_is_provisional() -> None:
    connection = built(
        whole(0, {7: 1}, instant(2, 7)),
        whole(1, {7: 1}, instant(2, 7)),
        # The second page is older than the first.
        page(1, 2, {7: 1}, instant(9)),
        page(2, 2, {8: 1}, instant(3, 7)),
    )
    columns = "date, app_id, is_provisional"
    assert rows(connection, "fct_app_tokens_daily", columns) == [
        (day(0), 7, False),
        (day(1), 7, True),
        (day(2), 7, False),
        (day(2), 8, True),
    ]
    assert rows(connection, "fct_app_residual_daily", "date, is_provisional") == [
        (day(0), False),
        (day(1), True),
        (day(2), True),
    ]


RESIDUAL = "listed_apps, app_tokens, app_requests, cutoff_tokens, is_whole, total_tokens, residual_tokens, residual_pct"


@pytest.mark.parametrize(
    ("answers", "total", "expected"),
    [
        ([whole(0, {7: 500, 8: 120})], 1000, (2, 620, 62, 120, True, 1000, 380, 38.0)),
        ([page(1, 0, {7: 500}), page(2, 0, {8: 120})], 1000, (2, 620, 62, 120, True, 1000, 380, 38.0)),
        ([whole(0, {7: 1100})], 1000, (1, 1100, 110, 1100, True, 1000, -100, -10.0)),
        # The list is not whole, or the total is missing, or it is nothing.
        ([page(1, 0, {7: 500})], 1000, (1, 500, 50, 500, False, 1000, None, None)),
        ([page(2, 0, {8: 120}, is_last=True)], 1000, (1, 120, 12, 120, False, 1000, None, None)),
        ([whole(0, {7: 500})], None, (1, 500, 50, 500, True, None, None, None)),
        ([whole(0, {7: 0})], 0, (1, 0, 0, 0, True, 0, 0, None)),
    ],
)
def test_the_residual_is_what_the_listed_apps_leave(
    answers: list[Answer], total: int | None, expected: tuple[Any, ...]
) -> None:
    connection = built(*answers, totals=None if total is None else boards([{"a/one": total}]))
    assert rows(connection, "fct_app_residual_daily", RESIDUAL) == [expected]


def test_a_day_between_loaded_ones_has_no_residual() -> None:
    connection = built(whole(1, {7: 5}), totals=boards([{"a/one": 9}, None, {"a/one": 9}]))
    assert rows(connection, "fct_app_residual_daily", RESIDUAL) == [(1, 5, 0, 5, True, None, None, None)]
    assert rows(connection, "fct_app_tokens_daily", "share_pct") == [(None,)]


def test_a_provisional_total_makes_the_residual_provisional() -> None:
    connection = built(whole(0, {7: 5}), totals=boards([{"a/one": 9}]))
    assert rows(connection, "fct_app_residual_daily", "is_provisional") == [(False,)]
    connection.execute("update raw.rankings_daily set as_of = ?", [instant(1, 8)])
    models.build(connection, MODELS, DAILY)
    assert rows(connection, "fct_app_residual_daily", "is_provisional") == [(True,)]


APP = "app_id, app_name, earlier_names, first_seen_date, last_seen_date, is_name_shared"
VERSION = "app_id, valid_from, valid_to, app_name"


def test_names_are_history_and_a_name_that_comes_back_is_a_new_version() -> None:
    connection = built(
        # Two vintages of one day: the older name is evidence though its rows are no longer current.
        whole(0, {7: 1}, instant(10), n7="Anvil"),
        whole(0, {7: 1}, instant(11), n7="Anvil"),
        whole(0, {7: 1}, instant(12), n7="Hammer"),
        part("coding", instant(14), {7: 1}, n7="Tongs"),
        trending(instant(15), 8, 14, {7: 1}, n7="Anvil"),
        whole(0, {7: 1}, instant(16), n7="Anvil"),
        select=NAMES,
    )
    assert rows(connection, "dim_app_history", VERSION) == [
        (7, day(10), day(12), "Anvil"),
        (7, day(12), day(14), "Hammer"),
        (7, day(14), day(15), "Tongs"),
        (7, day(15), None, "Anvil"),
    ]
    assert rows(connection, "dim_app", APP) == [(7, "Anvil", ["Hammer", "Tongs"], day(10), day(16), False)]


def test_a_name_is_dated_by_retrieval_not_by_the_day_of_the_figures() -> None:
    connection = built(
        whole(5, {7: 1}, instant(10), n7="Anvil"), whole(0, {7: 1}, instant(20), n7="Hammer"), select=NAMES
    )
    assert rows(connection, "dim_app_history", VERSION) == [
        (7, day(10), day(20), "Anvil"),
        (7, day(20), None, "Hammer"),
    ]


@pytest.mark.parametrize(
    ("morning", "evening", "expected"),
    [(None, None, "Evening"), ("file", None, "Evening"), (None, "file", "Morning"), ("file", "file", "Evening")],
)
def test_of_two_names_on_one_date_the_later_fetched_counts_and_own_ones_win(
    morning: str | None, evening: str | None, expected: str
) -> None:
    connection = built(
        part("coding", instant(10, 20), {7: 1}, origin=evening, n7="Evening"),
        whole(0, {7: 1}, instant(10, 8), origin=morning, n7="Morning"),
        select=NAMES,
    )
    assert rows(connection, "dim_app_history", VERSION) == [(7, day(10), None, expected)]
    assert rows(connection, "dim_app", "app_name, earlier_names") == [(expected, [])]


def test_names_of_one_date_are_not_earlier_names_of_another_app() -> None:
    connection = built(
        whole(0, {7: 3, 8: 2, 9: 1}, instant(10), n7="Twin", n8="Twin", n9="Lone"),
        # A name that is shared no longer, and one that another app bears now.
        whole(0, {8: 2, 9: 1}, instant(11), n8="Solo", n9="Twin"),
        select=NAMES,
    )
    assert rows(connection, "dim_app", APP) == [
        (7, "Twin", [], day(10), day(10), True),
        (8, "Solo", ["Twin"], day(10), day(11), False),
        (9, "Twin", ["Lone"], day(10), day(11), True),
    ]


def test_an_app_without_a_daily_rank_is_an_app() -> None:
    connection = built(part("coding", instant(3), {8: 1}), trending(instant(4), 0, 3, {9: 1}), select=NAMES)
    assert rows(connection, "dim_app", "app_id, first_seen_date, last_seen_date, category") == [
        (8, day(3), day(3), "coding"),
        (9, day(4), day(4), None),
    ]


MEMBERSHIP = "date, part, category, is_subcategory, app_id, rank, usage_date, total_tokens, total_requests"


def test_memberships_are_kept_day_by_day_when_an_app_moves() -> None:
    connection = built(
        part("coding", instant(3, 8), {7: 30}),
        part("coding/cli-agent", instant(3, 8), {7: 30}),
        part("entertainment", instant(3, 8), {8: 10}),
        part("entertainment", instant(5, 8), {7: 20}),
        part("entertainment/game", instant(5, 8), {7: 20}),
        select=[*CATEGORIES, *NAMES],
    )
    assert rows(connection, "fct_app_categories", MEMBERSHIP) == [
        (day(3), "cli-agent", "coding", True, 7, 1, day(2), 30, 3),
        (day(3), "coding", "coding", False, 7, 1, day(2), 30, 3),
        (day(3), "entertainment", "entertainment", False, 8, 1, day(2), 10, 1),
        (day(5), "entertainment", "entertainment", False, 7, 1, day(4), 20, 2),
        (day(5), "game", "entertainment", True, 7, 1, day(4), 20, 2),
    ]
    # An app that the newest lists lack keeps its last place.
    assert rows(connection, "dim_app", "app_id, category, subcategory") == [
        (7, "entertainment", "game"),
        (8, "entertainment", None),
    ]


def test_of_several_places_on_one_day_the_subcategory_with_most_use_describes_the_app() -> None:
    connection = built(
        part("coding", instant(3), {7: 90}),
        part("creative/video-gen", instant(3), {7: 30}),
        part("productivity/legal", instant(3), {7: 20}),
        select=NAMES,
    )
    assert rows(connection, "dim_app", "category, subcategory") == [("creative", "video-gen")]


def test_the_newest_answer_of_a_day_and_part_counts() -> None:
    connection = built(
        part("coding", instant(3, 8), {7: 30, 8: 20}),
        part("coding", instant(3, 8), {9: 10}, 2),
        part("creative", instant(3, 8), {8: 20}),
        # Shorter by now: the second page is gone.
        part("coding", instant(3, 9), {7: 31}),
        part("coding", instant(3, 10), {7: 99}, origin="file"),
        select=CATEGORIES,
    )
    columns = "part, app_id, rank, total_tokens"
    assert rows(connection, "fct_app_categories", columns) == [("coding", 7, 1, 31), ("creative", 8, 1, 20)]


def test_a_first_page_of_a_category_that_became_full_replaces_a_shorter_one() -> None:
    connection = built(
        part("coding", instant(3, 8), {7: 30, 8: 20}),
        part("coding", instant(3, 9), {7: 31}, is_last=False),
        select=CATEGORIES,
    )
    assert rows(connection, "fct_app_categories", "app_id, total_tokens") == [(7, 31)]


def test_an_app_on_two_pages_of_a_category_counts_once() -> None:
    connection = built(
        part("coding", instant(3, 8), {7: 30, 8: 20}), part("coding", instant(3, 8, 1), {8: 19}, 2), select=CATEGORIES
    )
    assert rows(connection, "fct_app_categories", "app_id, rank") == [(7, 1), (8, 101)]


OURS = "app_id, rank, total_tokens, our_total_tokens, our_excess_tokens, is_comparable"


def days(first: int, last: int, **more: Any) -> list[Answer]:
    """Whole rankings of consecutive days; app 7 uses 10 tokens more each day, app 8 always 50."""
    return [whole(on, {7: 100 + 10 * on, 8: 50}, **more) for on in range(first, last + 1)]


def test_excess_is_the_window_less_the_mean_of_the_three_before_it() -> None:
    # Windows of two days: 160 + 170 is 330; before it (100 + 110) + (120 + 130) + (140 + 150) is 750, its mean 250.
    connection = built(trending(instant(8, 8), 6, 7, {7: 331, 8: 100}), *days(0, 9), select=TRENDING)
    assert rows(connection, "fct_app_trending", f"date, window_start_date, window_end_date, {OURS}") == [
        (day(8), day(6), day(7), 7, 1, 331, 330, 80.0, True),
        (day(8), day(6), day(7), 8, 2, 100, 100, 0.0, True),
    ]


def test_a_mean_need_not_be_whole() -> None:
    # Windows of one day: 130 less the mean of 100, 110 and 121.
    given = [whole(on, {7: tokens}) for on, tokens in enumerate([100, 110, 121, 130])]
    connection = built(trending(instant(4, 8), 3, 3, {7: 130}), *given, select=TRENDING)
    assert rows(connection, "fct_app_trending", OURS) == [(7, 1, 130, 130, pytest.approx(19 + 2 / 3), True)]


@pytest.mark.parametrize("missing", [0, 5, 6, 7])
def test_an_app_that_misses_a_day_of_the_four_windows_is_not_comparable(missing: int) -> None:
    given = [one for one in days(0, 7) if one.covers != day(missing)]
    listed = trending(instant(8, 8), 6, 7, {7: 330, 8: 100})
    without_day = built(listed, *given, select=TRENDING)
    not_ours = [(7, 1, 330, None, None, False), (8, 2, 100, None, None, False)]
    assert rows(without_day, "fct_app_trending", OURS) == not_ours
    # A list without its second page is not whole.
    without_page = built(listed, *given, page(1, missing, {7: 5, 8: 50}), select=TRENDING)
    assert rows(without_page, "fct_app_trending", OURS) == not_ours
    # Here one of the apps is below the cut.
    without_app = built(listed, *given, whole(missing, {8: 50}), select=TRENDING)
    assert rows(without_app, "fct_app_trending", OURS) == [not_ours[0], (8, 2, 100, 100, 0.0, True)]


def test_the_newest_list_of_a_day_counts() -> None:
    connection = built(
        trending(instant(8, 8), 6, 7, {7: 1, 8: 1}),
        trending(instant(8, 9), 6, 7, {8: 2}),
        trending(instant(9, 8), 7, 8, {7: 3}),
        select=TRENDING,
    )
    columns = "date, app_id, rank, total_tokens, is_comparable, is_provisional"
    assert rows(connection, "fct_app_trending", columns) == [
        (day(8), 8, 1, 2, False, False),
        (day(9), 7, 1, 3, False, False),
    ]


def test_a_list_is_provisional_while_a_day_of_ours_is() -> None:
    listed = trending(instant(8, 8), 6, 7, {7: 330})
    newest = whole(7, {7: 170, 8: 50}, instant(8, 8))
    assert rows(built(listed, *days(0, 7), select=TRENDING), "fct_app_trending", "is_provisional") == [(False,)]
    provisional = built(listed, *days(0, 6), newest, select=TRENDING)
    assert rows(provisional, "fct_app_trending", "is_provisional") == [(True,)]
