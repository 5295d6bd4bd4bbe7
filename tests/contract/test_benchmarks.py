"""What the benchmark scores must hold, and how they become one long table, shown on payload bytes."""

from __future__ import annotations

import json
import math
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from pipeline.archive import Fetch
from pipeline.contracts import WHOLE, Parsed
from pipeline.errors import ContractBrokenError, SourceError
from pipeline.sources.base import Want
from pipeline.sources.benchmarks import KEY as KEY_COLUMNS
from pipeline.sources.benchmarks import PATH, SOURCES
from tests.conftest import KEY
from tests.property.test_fuzzed_payloads import damaged, fast, mutated

(SOURCE,) = SOURCES
NOW = datetime(2026, 8, 22, 13, tzinfo=UTC)
Row = dict[str, Any]
HEAD = {"model_permaslug": "acme/large-20260101", "display_name": "Large"}


def analysis(**more: Any) -> Row:
    indices = {"intelligence_index": 71.2, "coding_index": 65.8, "agentic_index": None}
    return {"source": "artificial-analysis", **HEAD, **indices, "pricing": None} | more


def arena(**more: Any) -> Row:
    standing = {"arena": "models", "category": "website", "elo": 1385.2, "win_rate": 62.5}
    rest = {"avg_generation_time_ms": None, "tournament_stats": {"total": None}, "pricing": None}
    return {"source": "design-arena", **HEAD, **standing, **rest} | more


def run(**more: Any) -> Row:
    return {
        "source": "openrouter",
        **HEAD,
        "benchmark_type": "gpqa_diamond",
        "accuracy": 0.72,
        "accuracy_stddev": 0.03,
        "avg_cost_per_task": 0.002,
        "total_tasks": 300,
        "last_run_timestamp": "2026-06-03T14:00:00+02:00",
    } | more


def search(**more: Any) -> Row:
    return {
        "source": "openrouter",
        **HEAD,
        "benchmark_type": "search_widesearch",
        "primary_metric": "f1_by_item",
        "primary_score": 0.5,
        "avg_cost_per_task": None,
        "avg_latency_per_task_ms": 9000,
        "total_tasks": 100,
        "search_engine": "exa",
        "search_surface": "plugin",
        "last_run_timestamp": "2026-06-03T12:00:00Z",
        "run_config": {"max_agent_turns": 25, "reasoning_effort": "high", "temperature": None},
    } | more


def answer(*rows: Row, **meta: Any) -> dict[str, Any]:
    about = {"source": None, "source_url": None, "citation": None, "model_count": 1, "task_type": None}
    return {"data": list(rows), "meta": {"as_of": "2026-08-22T12:00:00Z", "version": "v1", **about} | meta}


def parse(payload: Any, status: int = 200) -> Parsed:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    url = f"https://openrouter.ai{PATH}"
    return SOURCE.parse(
        Fetch("benchmarks", url, status, "2026-08-22T13:00:00.000Z", "", len(body), {}, {"series": WHOLE}), body
    )


def landed(*rows: Row) -> list[Row]:
    """The landed rows, without what is null."""
    frame = parse(answer(*rows)).frames["benchmarks"]
    return [{name: value for name, value in row.items() if value is not None} for row in frame.rows(named=True)]


def test_an_index_that_was_not_measured_has_no_row() -> None:
    assert landed(analysis()) == [
        {"benchmark_source": "artificial-analysis", "benchmark": benchmark, **HEAD, "metric": "index", "score": score}
        for benchmark, score in (("intelligence_index", 71.2), ("coding_index", 65.8))
    ]


def test_a_standing_in_an_arena_is_a_rating_and_a_rate() -> None:
    lane = {"benchmark_source": "design-arena", "arena": "models", "category": "website", **HEAD}
    assert landed(arena()) == [
        {**lane, "benchmark": "elo", "metric": "elo", "score": 1385.2},
        {**lane, "benchmark": "win_rate", "metric": "percent", "score": 62.5},
    ]


def test_a_run_has_its_cost_and_its_spread() -> None:
    assert landed(run()) == [
        {
            "benchmark_source": "openrouter",
            "benchmark": "gpqa_diamond",
            **HEAD,
            "metric": "accuracy",
            "score": 0.72,
            "score_stddev": 0.03,
            "total_tasks": 300,
            "avg_cost_per_task_usd": 0.002,
            "last_run_at": datetime(2026, 6, 3, 12),
        }
    ]


def test_a_search_run_says_how_the_model_searched() -> None:
    assert landed(search()) == [
        {
            "benchmark_source": "openrouter",
            "benchmark": "search_widesearch",
            "search_engine": "exa",
            "search_surface": "plugin",
            "run_config": "max_agent_turns=25 reasoning_effort=high",
            **HEAD,
            "metric": "f1_by_item",
            "score": 0.5,
            "total_tasks": 100,
            "last_run_at": datetime(2026, 6, 3, 12),
        }
    ]


def test_runs_that_differ_in_how_the_model_was_driven_are_kept_apart() -> None:
    rows = landed(search(), search(run_config={"reasoning_effort": "low"}), search(run_config=None))
    assert [row.get("run_config") for row in rows] == [
        "max_agent_turns=25 reasoning_effort=high",
        "reasoning_effort=low",
        None,
    ]


def test_models_that_share_a_slug_are_kept_apart_by_their_names() -> None:
    assert len(landed(run(), run(display_name="Large (thinking)"))) == 2


def test_an_arenas_own_id_is_kept() -> None:
    assert landed(arena(model_permaslug="Some Model v2"))[0]["model_permaslug"] == "Some Model v2"


def test_a_new_benchmark_of_a_known_kind_lands() -> None:
    assert [row["benchmark"] for row in landed(run(benchmark_type="new"), search(benchmark_type="search_new"))] == [
        "new",
        "search_new",
    ]


def test_rows_of_a_new_source_stay_in_the_archive() -> None:
    parsed = parse(answer(run(), {"source": "somebody", "score": 1}))
    assert parsed.rows == 1
    assert parsed.warnings == ("benchmarks holds rows of unknown sources, which were not landed: somebody.",)


def test_the_answer_covers_one_instant() -> None:
    parsed = parse(answer(run(), citation="Source: us."))
    assert (parsed.settles, parsed.as_of) == ((WHOLE,), datetime(2026, 8, 22, 12, tzinfo=UTC))
    assert parsed.citation == "Source: us."
    assert parsed.warnings == ()


def test_an_answer_that_may_be_cut_is_kept_and_warned_of() -> None:
    assert parse(answer(run(), model_count=160)).warnings == (
        "benchmarks says that it is about 160 models, and names 1.",
    )
    for limit in (50, 100):
        many = answer(*(run(model_permaslug=f"acme/{number}") for number in range(limit)), model_count=limit)
        assert parse(many).warnings == (
            f"benchmarks holds {limit} rows, a limit that the guide names: there may be more.",
        )


def test_unknown_fields_are_named_at_every_level() -> None:
    odd = answer(analysis(a=1), arena(b=1), run(c=1), search(d=1, run_config={"e": 1}), f=1) | {"g": 1}
    assert parse(odd).warnings == ("benchmarks holds unknown fields: a, b, c, d, e, f, g.",)


BROKEN: dict[str, tuple[Any, str]] = {
    "no rows": (answer(), "has no rows: empty is an error"),
    "nothing measured": (answer(analysis(intelligence_index=None, coding_index=None)), "has no rows"),
    "no source": (answer(run() | {"source": None}), r"data\.0\.unknown\.source: "),
    "a source in a list": (answer(run() | {"source": ["openrouter"]}), r"data\.0\.unknown\.source: "),
    "a row null": (b'{"data": [null], "meta": {}}', "breaks its contract"),
    "an index missing": (
        answer({name: value for name, value in analysis().items() if name != "agentic_index"}),
        r"agentic_index: Field required",
    ),
    "an index in a string": (answer(analysis(coding_index="65.8")), r"coding_index: "),
    "no rating": (answer(arena(elo=None)), r"data\.0\.design-arena\.elo: "),
    "a rate above a hundred": (answer(arena(win_rate=101)), r"win_rate: "),
    "an arena with a slash": (answer(arena(arena="models/x")), r"data\.0\.design-arena\.arena: "),
    "an accuracy in percent": (answer(run(accuracy=72)), r"data\.0\.classic\.accuracy: "),
    "no accuracy": (answer(run(accuracy=None)), r"data\.0\.classic\.accuracy: "),
    "another metric": (answer(search(primary_metric="luck")), r"data\.0\.search\.primary_metric: "),
    "a search without an engine": (answer(search(search_engine="")), r"data\.0\.search\.search_engine: "),
    "a run long ago": (answer(run(last_run_timestamp="0001-01-01T00:00:00Z")), r"last_run_timestamp: "),
    "a run without a zone": (answer(run(last_run_timestamp="2026-06-03T12:00:00")), r"last_run_timestamp: "),
    "tasks a fraction": (answer(run(total_tasks=1.5)), r"total_tasks: "),
    "a negative cost": (answer(run(avg_cost_per_task=-1)), r"avg_cost_per_task: "),
    "a score twice": (answer(run(), run(accuracy=0.1)), "repeats the key"),
    "another version": (answer(run(), version="v2"), r"meta\.version: "),
    "no meta": ({"data": [run()]}, "at meta: Field required"),
    "nothing": (b"", "is empty"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_breaks_its_contract_is_refused_with_the_place(name: str) -> None:
    payload, sentence = BROKEN[name]
    with pytest.raises(ContractBrokenError, match=sentence):
        parse(payload)


def test_one_call_asks_for_everything_with_how_it_was_made() -> None:
    (request,) = SOURCE.plan(Want(NOW, {WHOLE: frozenset({NOW.date()})}))
    assert str(request) == f"GET {PATH}?include_run_config=true"
    assert SOURCE.plan(Want(NOW)) == []


EVERY_KIND = answer(analysis(), arena(), run(), search())


@fast
@given(mutated(EVERY_KIND) | damaged(json.dumps(EVERY_KIND).encode()))
def test_changed_answers_hold_or_are_refused(body: bytes) -> None:
    try:
        parsed = parse(body)
    except SourceError:
        return
    frame = parsed.frames["benchmarks"]
    assert frame.height > 0
    assert frame.select(KEY_COLUMNS).is_unique().all()
    named = ("benchmark_source", "benchmark", "model_permaslug", "display_name", "metric", "score")
    assert sum(frame.select(named).null_count().row(0)) == 0
    ranges = {"index": 1e4, "elo": 1e4, "percent": 100, "accuracy": 1, "f1_by_item": 1}
    for metric, score in frame.select("metric", "score").rows():
        assert math.isfinite(score)
        assert abs(score) <= ranges[metric]


def test_the_replayed_answer_is_valid(replay: Callable[..., Any]) -> None:
    url = f"{replay('2026-08-22T13:00:00Z').base_url}{PATH}?include_run_config=true"
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Bearer {KEY}"})) as reply:
        parsed = parse(reply.read())
    assert parsed.rows > 2000
    assert parsed.warnings == ()
