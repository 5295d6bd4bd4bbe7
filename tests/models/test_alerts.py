"""What the tables say that deserves a look: each kind of alert from given rows, and none from usual ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pytest

from pipeline import models, watch
from pipeline.settings import Settings, load_settings
from tests.models.harness import MODELS, Board, Rankings, boards, day, final, insert, instant, landed
from tests.models.test_health import answer, source

SELECTED = ["+fct_token_growth_daily", "+rpt_source_health", "+rpt_volume_daily", "+rpt_revisions", "+growth_total"]
STEADY: Board = {"a/one": 500, "a/two": 300, "b/one": 150, "other": 50}
ALL_OF_IT = {"TOKENGROWTH_ALERT_TOP_RANK": "2", "TOKENGROWTH_ALERT_SHARE_MOVE_PP": "5"}


def told_of(
    *given: Rankings,
    settings: Settings | None = None,
    sources: Sequence[Mapping[str, Any]] = (),
    loads: Sequence[Mapping[str, Any]] = (),
) -> list[watch.Alert]:
    """The alerts of what is given landed, built and checked."""
    connection: duckdb.DuckDBPyConnection = landed(*given)
    insert(connection, "meta.sources", sources)
    insert(connection, "meta.loads", [{**one, "load_id": f"answer-{n}"} for n, one in enumerate(loads)])
    wanted = [*SELECTED, "dim_date", "dim_dimension", "+contract"]
    models.require_passed(models.build(connection, MODELS, wanted))
    connection.execute("set search_path = 'marts,meta'")
    return watch.of_tables(settings or load_settings(), connection)


def kinds(alerts: Sequence[watch.Alert]) -> list[tuple[str, str, int]]:
    """Kind, subject, and day by number."""
    return [(one.kind, one.subject, (one.date - day(0)).days) for one in alerts]


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The top 2 are subscribed."""
    for name, value in ALL_OF_IT.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_a_steady_market_is_no_news(strict: Settings) -> None:
    assert told_of(final(boards([STEADY] * 40)), settings=strict) == []


def test_a_model_new_in_the_top_is_told_once_of_the_day_it_came(strict: Settings) -> None:
    risen = {"a/one": 500, "b/one": 310, "a/two": 300, "other": 50}
    found = told_of(final(boards([STEADY] * 36 + [risen] * 4)), settings=strict)
    (entry,) = [one for one in found if one.kind == "market.top_entry"]
    assert kinds([entry]) == [("market.top_entry", "model.b/one", 36)]
    assert entry.message.startswith("b/one is new among the top 2 models on 2025-02-06: rank 2 with 310 tokens, 26.7 %")
    found = told_of(final(boards([STEADY] * 26 + [risen] + [STEADY] * 9 + [risen] * 4)), settings=strict)
    assert "market.top_entry" not in {one.kind for one in found}


def test_the_first_days_of_a_home_are_no_entries_and_zero_unsubscribes(
    strict: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told_of(final(boards([STEADY] * 4)), settings=strict) == []
    jump = final(boards([STEADY] * 36 + [{**STEADY, "b/one": 900}] * 4))
    assert {one.kind for one in told_of(jump, settings=strict)} == {"market.top_entry", "market.share_move"}
    monkeypatch.setenv("TOKENGROWTH_ALERT_TOP_RANK", "0")
    monkeypatch.setenv("TOKENGROWTH_ALERT_SHARE_MOVE_PP", "0")
    assert told_of(jump, settings=load_settings()) == []


def test_a_share_that_certainly_moved_is_told_of_the_day_it_crossed_the_threshold() -> None:
    moved = {"a/one": 400, "a/two": 200, "b/one": 350, "other": 50}
    found = told_of(final(boards([STEADY] * 33 + [moved] * 7)))
    # 20 points a day move the week's share by 2.9 points each day: the second day is above 5.
    assert {one[1:] for one in kinds(found)} == {
        # Up to 5 points of an author may be among `other`, as no catalogue says what is there.
        ("author.a", 36),
        ("author.b", 36),
        ("model.b/one", 34),
        ("model.a/one", 36),
        ("model.a/two", 36),
    }
    rise = next(one for one in found if one.subject == "author.b")
    assert rise.message.startswith("The share of the author b rose by at least ")
    assert rise.message.endswith(" points from the week before to the 7 days until 2025-02-06, to 26.4 to 31.4 %.")
    assert rise.facts["certain_pp"] > 5


def test_a_move_within_the_bounds_is_not_told() -> None:
    # `b/one` leaves the list: it may have up to what the last listed model has, which is as much as before.
    left = {"a/one": 500, "a/two": 151, "other": 349}
    found = told_of(final(boards([STEADY] * 33 + [left] * 7)))
    assert "model.b/one" not in {one.subject for one in found}


def test_a_restated_day_that_was_settled_is_told_and_one_within_the_threshold_is_not() -> None:
    days = boards([STEADY] * 20)
    first = Rankings(days, instant(22), load_id="a")
    again = Rankings({day(17): {**STEADY, "a/one": 520}, day(18): {**STEADY, "a/one": 503}}, instant(23), load_id="b")
    found = told_of(first, again)
    assert kinds(found) == [("restatement", "rankings", 17)]
    assert found[0].message == (
        "Settled figures of 2025-01-18 changed by more than 1 %: 1 of them, that of a/one most, by +4.0 %."
    )


def test_a_provisional_day_may_be_restated() -> None:
    first = Rankings(boards([STEADY] * 20), instant(20), load_id="a")
    again = Rankings({day(19): {**STEADY, "a/one": 520}}, instant(22), load_id="b")
    assert told_of(first, again) == []


def test_a_day_of_half_the_tokens_is_told_and_made_up_figures_say_so() -> None:
    half = {slug: used // 2 for slug, used in STEADY.items()}
    found = told_of(Rankings(boards([STEADY] * 59 + [half]), instant(70), is_simulated=True))
    assert kinds(found) == [("source.volume", "rankings", 59)]
    assert found[0].message == (
        "SIMULATED DATA. All models used 500 tokens on 2025-03-01, 0.50 times what its weekday leads to expect."
    )


def test_drift_and_a_short_answer_are_told_with_their_source() -> None:
    short = [answer(instant(n, 8), n - 1) for n in range(5, 10)]
    short.append(answer(instant(10, 8), 9, rows=5, warnings="days holds unknown fields: colour."))
    found = told_of(final(boards([STEADY] * 10)), sources=[source()], loads=short)
    assert kinds(found) == [("source.drifted", "source.days", 10), ("source.volume", "source.days", 10)]
    assert found[0].message == "days holds unknown fields: colour."
    assert "0.10 times the median of 5 earlier days" in found[1].message


def test_a_second_drift_of_a_day_is_another_alert() -> None:
    first, second = (
        told_of(final(boards([STEADY] * 10)), sources=[source()], loads=[answer(instant(10, 8), 9, warnings=warning)])
        for warning in ("days holds unknown fields: colour.", "days holds unknown fields: colour, size.")
    )
    assert first[0].date == second[0].date
    assert first[0].id != second[0].id


def test_names_from_outside_do_not_steer_a_terminal(strict: Settings) -> None:
    risen = {"a/one": 500, "b/\x1b[31m": 310, "a/two": 300, "other": 50}
    (entry,) = [one for one in told_of(final(boards([STEADY] * 39 + [risen])), settings=strict) if "entry" in one.kind]
    assert entry.message.isprintable()
