"""What the task classifications must hold, shown on payload bytes."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given

from pipeline.archive import Fetch
from pipeline.contracts import WHOLE, Parsed
from pipeline.errors import ContractBrokenError, KeyRefusedError, SourceError
from pipeline.sources.base import Reply, Request, Want
from pipeline.sources.task_shares import PATH, SOURCES
from tests.conftest import KEY
from tests.property.test_fuzzed_payloads import damaged, fast, mutated

(SOURCE,) = SOURCES
NOW = datetime(2026, 8, 22, 13, tzinfo=UTC)
Row = dict[str, Any]


def task(tag: str = "code:debugging", usage: float = 0.25, *models: Row) -> Row:
    return {
        "tag": tag,
        "display_name": tag.title(),
        "macro_category": tag.partition(":")[0],
        "usage_share": usage,
        "token_share": usage,
        "category_usage_share": 0.5,
        "category_token_share": 0.5,
        "models": list(models),
    }


def used(slug: str = "acme/large-20260101", usage: float = 0.5) -> Row:
    return {"id": slug, "tag_usage_share": usage, "tag_token_share": usage / 2}


def macro(key: str = "code", usage: float = 0.5) -> Row:
    return {"key": key, "label": key.title(), "usage_share": usage, "token_share": usage}


def answer(tasks: list[Row] | None = None, macros: list[Row] | None = None, **more: Any) -> dict[str, Any]:
    tasks = [task("code:debugging", 0.25, used()), task("data:sql", 0.5)] if tasks is None else tasks
    macros = [macro(), macro("data")] if macros is None else macros
    plain = {"window_days": 7, "as_of": "2026-08-21", "classifications": tasks, "macro_categories": macros}
    return {"data": plain | more}


def parse(payload: Any, status: int = 200) -> Parsed:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    url = f"https://openrouter.ai{PATH}?window=7d"
    return SOURCE.parse(
        Fetch("task-shares", url, status, "2026-08-22T13:00:00.000Z", "", len(body), {}, {"series": WHOLE}), body
    )


def test_an_answer_is_a_window_of_tasks_groups_and_models() -> None:
    parsed = parse(answer())
    window = {"as_of_date": date(2026, 8, 21), "window_days": 7}
    assert parsed.frames["task_shares"].row(0, named=True) == {
        **window,
        "tag": "code:debugging",
        "display_name": "Code:Debugging",
        "macro_category": "code",
        "usage_share": 0.25,
        "token_share": 0.25,
        "category_usage_share": 0.5,
        "category_token_share": 0.5,
    }
    assert parsed.frames["task_macro_shares"].rows(named=True)[1] == {
        **window,
        "macro_category": "data",
        "label": "Data",
        "usage_share": 0.5,
        "token_share": 0.5,
    }
    assert parsed.frames["task_model_shares"].rows(named=True) == [
        {
            **window,
            "tag": "code:debugging",
            "model_permaslug": "acme/large-20260101",
            "tag_usage_share": 0.5,
            "tag_token_share": 0.25,
        }
    ]
    assert (parsed.settles, parsed.as_of, parsed.warnings) == ((WHOLE,), NOW, ())
    assert (parsed.first_date, parsed.last_date, parsed.floor_date) == (None, None, None), "a window is no day"
    assert parsed.citation == "Source: OpenRouter (openrouter.ai/rankings), as of 2026-08-22T13:00:00Z."


def test_a_window_that_ends_early_is_kept_and_warned_of() -> None:
    assert parse(answer(as_of="2026-08-19")).warnings == (
        "task-shares ends with 2026-08-19, while 2026-08-21 was due.",
    )


def test_whole_numbers_and_errors_of_rounding_are_shares() -> None:
    parsed = parse(answer([task("code:a", 1), task("code:b", 0)], [macro("code", 1.0000000000000002)]))
    assert parsed.frames["task_shares"]["usage_share"].to_list() == [1, 0]


def test_unknown_fields_are_named_at_every_level() -> None:
    odd = answer([task("code:a", 0.1, used() | {"c": 1}) | {"b": 1}], [macro() | {"d": 1}], e=1) | {"a": 1}
    assert parse(odd).warnings == ("task-shares holds unknown fields: a, b, c, d, e.",)


BROKEN: dict[str, tuple[Any, str]] = {
    "no tasks": (answer([]), "has no rows: empty is an error"),
    "no groups": (answer(macros=[]), "has no rows: empty is an error"),
    "another window": (answer(window_days=30), r"at data\.window_days: "),
    "no window": (answer(window_days=None), r"at data\.window_days: "),
    "an instant": (answer(as_of="2026-08-21T00:00:00Z"), r"at data\.as_of: .*should be a day"),
    "a day to come": (answer(as_of="2026-08-23"), "ends with 2026-08-23, after the day on which it was received"),
    "data a list": ({"data": []}, "at data: "),
    "a share in percent": (answer([task("code:a", 25)]), r"classifications\.0\.usage_share: "),
    "a negative share": (answer([task("code:a", -0.1)]), r"classifications\.0\.usage_share: "),
    "a share in a string": (answer([task("code:a") | {"token_share": "0.1"}]), r"classifications\.0\.token_share: "),
    "a share that is no number": (
        json.dumps(answer([task("code:a", float("nan"))])).encode(),
        r"classifications\.0\.usage_share: ",
    ),
    "a tag blank": (answer([task("")]), r"classifications\.0\.tag: "),
    "a group of tasks without shares": (answer([task("agent:x")]), "names the category 'agent' without its shares"),
    "models missing": (
        answer([{name: value for name, value in task("code:a").items() if name != "models"}]),
        r"classifications\.0\.models: Field required",
    ),
    "a model without a name": (answer([task("code:a", 0.1, used(""))]), r"models\.0\.id: "),
    "a task twice": (answer([task("code:a", 0.1), task("code:a", 0.2)]), r"repeats the key \{'tag': 'code:a'\}"),
    "a group twice": (answer(macros=[macro(), macro(), macro("data", 0)]), "repeats the key"),
    "a model twice": (answer([task("code:a", 0.1, used(usage=0.1), used(usage=0.2))]), "repeats the key"),
    "models of more than a whole": (
        answer([task("code:a", 0.1, used("a/b", 0.6), used("a/c", 0.6))]),
        "the shares of the models of 'code:a' must not exceed 1 together, found 1.2000",
    ),
    "tasks of more than a whole": (answer([task("code:a", 0.6), task("code:b", 0.6)]), "the shares of the tasks"),
    "groups of more than a whole": (answer(macros=[macro("code", 0.9), macro("data", 0.9)]), "of the categories"),
    "a web page": (b"<html></html>", "is a web page, not JSON"),
    "nothing": (b"", "is empty"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_breaks_its_contract_is_refused_with_the_place(name: str) -> None:
    payload, sentence = BROKEN[name]
    with pytest.raises(ContractBrokenError, match=sentence) as caught:
        parse(payload)
    assert str(caught.value).startswith("task-shares")
    assert str(caught.value).endswith(".")


def test_another_status_is_a_sentence() -> None:
    with pytest.raises(SourceError, match="task-shares: OpenRouter answered HTTP 404"):
        parse(b"", 404)
    with pytest.raises(KeyRefusedError):
        parse(b"", 401)


def test_one_call_asks_for_the_week() -> None:
    exchange = SOURCE.exchange(Want(NOW, {WHOLE: frozenset({NOW.date()})}))
    assert next(exchange) == Request(PATH, {"window": "7d"}, {"series": WHOLE})
    with pytest.raises(StopIteration):
        exchange.send(Reply(200, b"", Parsed(settles=(WHOLE,))))
    assert SOURCE.plan(Want(NOW)) == []


@fast
@given(mutated(answer()) | damaged(json.dumps(answer()).encode()))
def test_changed_answers_hold_or_are_refused(body: bytes) -> None:
    try:
        parsed = parse(body)
    except SourceError:
        return
    tasks, groups, models = (parsed.frames[f"task_{name}"] for name in ("shares", "macro_shares", "model_shares"))
    assert tasks["tag"].is_unique().all()
    assert groups["macro_category"].is_unique().all()
    assert models.select("tag", "model_permaslug").is_unique().all()
    for frame in parsed.frames.values():
        assert sum(frame.null_count().row(0), 0) == 0
        assert set(frame["window_days"].to_list()) <= {7}
        for name in frame.columns:
            if name.endswith("_share"):
                assert all(0 <= share <= 1.00001 for share in frame[name].to_list())


def test_the_replayed_answer_is_valid(replay: Callable[..., Any]) -> None:
    url = f"{replay('2026-08-22T13:00:00Z').base_url}{PATH}?window=7d"
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Bearer {KEY}"})) as reply:
        parsed = parse(reply.read())
    assert {name: frame.height for name, frame in parsed.frames.items()} == {
        "task_shares": 16,
        "task_macro_shares": 4,
        "task_model_shares": 80,
    }
    assert parsed.warnings == ()
