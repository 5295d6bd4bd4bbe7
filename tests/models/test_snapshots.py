"""Tasks, session costs and benchmarks: windows stay windows, and the newest answer of a day is the one that counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.models.harness import day, instant, rows
from tests.models.snapshots import Snapshot, built

TASKS = ("fct_task_shares", "fct_task_macro_shares", "fct_task_model_shares")


def tasks(fetched_at: datetime, last_day: int, shares: dict[str, float], **models: float) -> Snapshot:
    """Shares of tasks over the 7 days until one, and of models within each task."""
    window = {"as_of_date": day(last_day), "window_days": 7}
    named = [{"tag": tag, "display_name": tag, "macro_category": tag.partition(":")[0]} for tag in shares]
    measures = ("usage_share", "token_share", "category_usage_share", "category_token_share")
    return Snapshot(
        "task-shares",
        fetched_at,
        {
            "task_shares": [{**window, **row, **dict.fromkeys(measures, shares[row["tag"]])} for row in named],
            "task_macro_shares": [
                {
                    **window,
                    "macro_category": "code",
                    "label": "Code",
                    "usage_share": sum(shares.values()),
                    "token_share": 0.5,
                }
            ],
            "task_model_shares": [
                {**window, "tag": tag, "model_permaslug": slug, "tag_usage_share": share, "tag_token_share": share}
                for tag in shares
                for slug, share in models.items()
            ],
        },
    )


def test_task_shares_are_dated_by_retrieval_and_name_their_window() -> None:
    connection = built(TASKS, tasks(instant(10, 8), 9, {"code:tests": 0.25}, large=0.5))
    window = "date, window_start_date, window_end_date"
    assert rows(connection, "fct_task_shares", f"{window}, tag, usage_share_pct, category_token_share_pct") == [
        (day(10), day(3), day(9), "code:tests", 25.0, 25.0)
    ]
    assert rows(connection, "fct_task_macro_shares", f"{window}, label, usage_share_pct, token_share_pct") == [
        (day(10), day(3), day(9), "Code", 25.0, 50.0)
    ]
    assert rows(connection, "fct_task_model_shares", f"{window}, tag, model_permaslug, tag_usage_share_pct") == [
        (day(10), day(3), day(9), "code:tests", "large", 50.0)
    ]


def test_the_newest_answer_of_a_day_replaces_the_whole_day() -> None:
    connection = built(
        TASKS,
        tasks(instant(10, 8), 9, {"code:old": 0.1, "code:both": 0.1}),
        tasks(instant(10, 9), 9, {"code:both": 0.2}),
        tasks(instant(11, 8), 10, {"code:both": 0.3}),
    )
    assert rows(connection, "fct_task_shares", "date, tag, usage_share_pct") == [
        (day(10), "code:both", 20.0),
        (day(11), "code:both", 30.0),
    ]


def costs(fetched_at: datetime, page: int, last_page: int | None = None, **medians: float) -> Snapshot:
    """A page of session costs by app; a short page settles those behind it."""
    common = {"model_permaslug": "a/one", "turn_range": "1-turn", "window_days": 30, "window_end_date": day(4)}
    listed = [
        {"page": str(page), "app_name": app.title(), "app_slug": app, "median_session_cost_usd": usd, **common}
        for app, usd in medians.items()
    ]
    settles = [str(number) for number in range(page, (last_page or page) + 1)]
    return Snapshot("session-costs", fetched_at, {"session_costs": listed} if listed else {}, settles)


COSTS = "date, app_slug, median_session_cost_usd"


def test_pages_make_up_a_day() -> None:
    connection = built(
        ["fct_session_costs"], costs(instant(10, 8), 1, alpha=1.0, beta=2.0), costs(instant(10, 8, 1), 2, 11, gamma=3.0)
    )
    assert rows(connection, "fct_session_costs", COSTS) == [
        (day(10), "alpha", 1.0),
        (day(10), "beta", 2.0),
        (day(10), "gamma", 3.0),
    ]
    assert rows(connection, "fct_session_costs", "distinct window_start_date, window_end_date") == [(day(-25), day(4))]


def test_a_row_that_moves_to_the_next_page_between_two_calls_counts_once() -> None:
    connection = built(
        ["fct_session_costs"], costs(instant(10, 8), 1, alpha=1.0), costs(instant(10, 8, 1), 2, 11, alpha=1.5, beta=2.0)
    )
    assert rows(connection, "fct_session_costs", COSTS) == [(day(10), "alpha", 1.5), (day(10), "beta", 2.0)]


def test_a_list_that_became_shorter_hides_the_pages_of_an_earlier_one() -> None:
    connection = built(
        ["fct_session_costs"],
        costs(instant(10, 8), 1, alpha=1.0),
        costs(instant(10, 8, 1), 2, 11, beta=2.0),
        costs(instant(10, 9), 1, 11, alpha=3.0),
    )
    assert rows(connection, "fct_session_costs", COSTS) == [(day(10), "alpha", 3.0)]


def test_an_unstated_window_stays_unstated() -> None:
    row = {"page": "1", "app_slug": "a", "model_permaslug": "a/one", "turn_range": "1-turn"}
    snapshot = Snapshot("session-costs", instant(10), {"session_costs": [row]}, ["1"])
    connection = built(["fct_session_costs"], snapshot)
    assert rows(connection, "fct_session_costs", "date, window_start_date, window_end_date") == [(day(10), None, None)]


def score(source: str, benchmark: str, value: float, **more: Any) -> dict[str, Any]:
    plain = {
        "benchmark_source": source,
        "benchmark": benchmark,
        "model_permaslug": "a/one",
        "display_name": "One",
        "metric": "index",
        "score": value,
    }
    return plain | more


def test_each_part_of_a_benchmark_is_a_lane() -> None:
    search = {"search_engine": "exa", "search_surface": "plugin"}
    given = [
        score("artificial-analysis", "coding_index", 60.0),
        score("design-arena", "elo", 1300.0, arena="models", category="website"),
        score("design-arena", "elo", 1400.0, arena="models", category="marketing/seo"),
        score("openrouter", "search_hle", 0.5, **search),
        score("openrouter", "search_hle", 0.6, **search, run_config="reasoning_effort=high"),
        score("openrouter", "gpqa_diamond", 0.7),
        score("openrouter", "gpqa_diamond", 0.8, display_name="One (thinking)"),
    ]
    connection = built(["fct_benchmarks"], Snapshot("benchmarks", instant(10), {"benchmarks": given}))
    assert rows(connection, "fct_benchmarks", "benchmark, lane, display_name, score") == [
        ("coding_index", "whole", "One", 60.0),
        ("elo", "models/marketing/seo", "One", 1400.0),
        ("elo", "models/website", "One", 1300.0),
        ("gpqa_diamond", "whole", "One", 0.7),
        ("gpqa_diamond", "whole", "One (thinking)", 0.8),
        ("search_hle", "exa/plugin", "One", 0.5),
        ("search_hle", "exa/plugin/reasoning_effort=high", "One", 0.6),
    ]


def test_scores_are_kept_day_by_day() -> None:
    connection = built(
        ["fct_benchmarks"],
        *(
            Snapshot("benchmarks", instant(on, hour), {"benchmarks": [score("openrouter", "gpqa_diamond", value)]})
            for on, hour, value in ((10, 8, 0.1), (10, 9, 0.2), (12, 8, 0.3))
        ),
    )
    assert rows(connection, "fct_benchmarks", "date, score, as_of") == [
        (day(10), 0.2, instant(10, 9)),
        (day(12), 0.3, instant(12, 8)),
    ]


def test_every_mart_builds_without_rows() -> None:
    marts = (*TASKS, "fct_session_costs", "fct_benchmarks")
    connection = built(marts)
    assert [rows(connection, mart, "date") for mart in marts] == [[]] * len(marts)
