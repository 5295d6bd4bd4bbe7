"""Freshness, volume and drift of each source, and the volume of the figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from pipeline import models
from tests.models.harness import FIRST, MODELS, boards, built, day, final, insert, instant, landed, rows

NOW = instant(10, 8)
Facts = dict[str, Any]


def source(name: str = "days", cadence: str = "day", **facts: Any) -> Facts:
    """A row of meta.sources; the business clock stands at 08:00 on day 10, and day 9 was due at 01:00."""
    plain = {"source": name, "cadence": cadence, "has_past": cadence != "snapshot", "series": ["whole"]}
    return {**plain, "floor_date": FIRST, "published_after": timedelta(hours=1), "checked_at": NOW, **facts}


def answer(
    at: datetime, first: int, last: int | None = None, name: str = "days", rows: int = 51, **facts: Any
) -> Facts:
    """A row of meta.loads that landed, unless `facts` say otherwise: `rows` a day."""
    last = first if last is None else last
    dates = {"first_date": day(first), "last_date": day(last), "landed_rows": rows * (last - first + 1)}
    plain = {"source": name, "series": ["whole"], "outcome": "landed", "fetched_at": at, "is_simulated": False}
    return {**plain, **dates, **facts}


def health(answers: Sequence[Facts], sources: Sequence[Facts] | None = None) -> dict[str, Facts]:
    """The row of each source."""
    connection = landed()
    insert(connection, "meta.sources", [source()] if sources is None else sources)
    insert(connection, "meta.loads", [{**one, "load_id": f"load-{n}"} for n, one in enumerate(answers)])
    models.require_passed(models.build(connection, MODELS, ["+rpt_source_health"]))
    cursor = connection.execute("from marts.rpt_source_health")
    names = [column[0] for column in cursor.description or ()]
    return {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}


def mornings(last: int = 10, rows: int = 51) -> list[Facts]:
    """What runs of consecutive mornings received: the day before each, and all days before the first."""
    return [answer(instant(5, 8), 0, 4, rows=rows)] + [
        answer(instant(n, 8), n - 1, rows=rows) for n in range(6, last + 1)
    ]


def test_a_source_is_fresh_until_a_date_is_overdue() -> None:
    found = health(mornings())["days"]
    assert (found["verdict"], found["freshness"], found["age_hours"]) == ("ok", "fresh", 0)
    assert (found["newest_date"], found["due_date"]) == (day(9), day(9))
    found = health(mornings(9))["days"]
    assert (found["verdict"], found["freshness"], found["age_hours"]) == ("stale", "stale", 24)
    assert (found["newest_date"], found["due_date"]) == (day(8), day(9))
    not_due = source(published_after=timedelta(hours=9))
    assert health(mornings(9), [not_due])["days"]["freshness"] == "fresh"


def test_a_snapshot_has_until_the_next_day() -> None:
    taken = [answer(instant(n, 8), n, name="now") for n in (8, 9)]
    assert health(taken, [source("now", "snapshot")])["now"]["freshness"] == "fresh"
    assert health(taken[:1], [source("now", "snapshot")])["now"]["freshness"] == "stale"


def test_what_is_read_to_compare_and_captures_are_not_judged() -> None:
    copies = answer(instant(5, 8), 0, name="copies")
    known = [source(), source("copies", yields_to="days")]
    assert health([*mornings(), copies], known)["copies"]["freshness"] == "not judged"
    assert health([copies], known)["copies"]["freshness"] == "stale"
    assert health([copies], [source("copies", "capture")])["copies"]["freshness"] == "not judged"


@pytest.mark.parametrize(
    ("received", "ratio", "verdict"), [(24, 0.48, "unusual volume"), (26, 0.52, "ok"), (110, 2.2, "unusual volume")]
)
def test_rows_are_compared_a_date_and_part(received: int, ratio: float, verdict: str) -> None:
    answers = [*mornings(9, rows=50), answer(instant(10, 8), 9, rows=received)]
    found = health(answers)["days"]
    assert (found["rows_per_part"], found["typical_rows_per_part"], found["compared_days"]) == (received, 50, 5)
    assert found["volume_ratio"] == pytest.approx(ratio)
    assert (found["verdict"], found["is_unusual_volume"]) == (verdict, verdict != "ok")


def test_two_days_are_too_few_to_call_a_third_unusual_and_imports_are_left_out() -> None:
    few = [answer(instant(8, 8), 0, 7), answer(instant(9, 8), 8), answer(instant(10, 8), 9, rows=1)]
    assert not health(few)["days"]["is_unusual_volume"]
    imported = [answer(instant(n, 8), n, rows=1, origin="a colleague") for n in range(1, 5)]
    assert health([*few, *imported])["days"]["compared_days"] == 2


def test_drift_has_a_beginning_and_ends_with_an_answer_that_is_understood() -> None:
    odd = "days holds unknown fields: colour."
    answers = mornings()
    for late in answers[-2:]:
        late["warnings"] = odd
    found = health(answers)["days"]
    assert (found["verdict"], found["warning"], found["warned_since"]) == ("drifted", odd, instant(9, 8))
    for known in (None, "days covers the week of 2025-01-06 in part only; it was left out."):
        answers[-1]["warnings"] = known
        assert health(answers)["days"]["verdict"] == "ok"


def test_what_differs_from_day_to_day_in_a_warning_makes_no_new_one() -> None:
    answers = mornings()
    for n, late in enumerate(answers[-2:]):
        late["warnings"] = f"days of day {n}, page 1 holds unknown fields: a.b, c. It left out {n} rows."
    found = health(answers)["days"]
    assert (found["warning"], found["warned_since"]) == ("days holds unknown fields: a.b, c.", instant(9, 8))


def test_a_refused_answer_is_named_until_one_lands() -> None:
    refused = answer(instant(10, 9), 9, outcome="refused", message="Nothing of it was landed.", landed_rows=0)
    found = health([*mornings(), refused])["days"]
    assert (found["verdict"], found["last_refusal"]) == ("refused", "Nothing of it was landed.")
    assert health([*mornings(), {**refused, "origin": "a colleague"}])["days"]["last_refusal"] is None
    found = health([*mornings(), refused, answer(instant(10, 10), 9)])["days"]
    assert (found["verdict"], found["last_refusal"]) == ("ok", None)


def totals(values: Sequence[int]) -> list[tuple[date, float, bool]]:
    """Date, ratio and verdict of the days that differ from what was expected by more than a tenth."""
    connection = built(final(boards([{"a/one": value} for value in values])), select=["+rpt_volume_daily"])
    found = rows(connection, "rpt_volume_daily", "date, volume_ratio, is_unusual", "abs(volume_ratio - 1) > 0.1")
    return [(on, round(ratio, 2), unusual) for on, ratio, unusual in found]


def test_growth_and_the_week_are_usual_and_a_halved_day_is_not() -> None:
    week = (1.0, 1.1, 1.1, 1.1, 1.05, 0.8, 0.7)
    values = [round(1e9 * math.exp(0.01 * n) * week[n % 7]) for n in range(90)]
    assert totals(values) == []
    values[80] //= 2
    assert totals(values) == [(day(80), 0.5, True)]
    values[80] = round(values[80] * 2 * 0.85)
    assert totals(values) == [(day(80), 0.85, False)]
