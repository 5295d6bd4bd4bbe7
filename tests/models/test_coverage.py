"""What is held of each source on each date, and why not where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from pipeline import models
from tests.models.harness import MODELS, day, insert, instant, landed, rows

NOW = instant(10, 8)


def source(name: str, cadence: str = "day", **facts: Any) -> dict[str, Any]:
    """A row of meta.sources; the business clock stands at 08:00 on day 10."""
    plain = {"source": name, "cadence": cadence, "has_past": cadence != "snapshot", "series": ["whole"]}
    return {**plain, "floor_date": day(5), "published_after": timedelta(hours=1), "checked_at": NOW, **facts}


def load(name: str, first: int | None = None, last: int | None = None, **facts: Any) -> dict[str, Any]:
    """A row of meta.loads that landed, unless `facts` say otherwise."""
    window = {"first_date": day(first), "last_date": day(last or first)} if first is not None else {}
    plain = {"source": name, "series": ["whole"], "outcome": "landed", "fetched_at": NOW, "is_simulated": False}
    return {**plain, **window, **facts}


def covered(sources: Sequence[dict[str, Any]], loads: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """The states of each source in the order of the dates."""
    connection: duckdb.DuckDBPyConnection = landed()
    insert(connection, "meta.sources", sources)
    insert(connection, "meta.loads", [{**one, "load_id": f"load-{number}"} for number, one in enumerate(loads)])
    models.require_passed(models.build(connection, MODELS, ["+rpt_coverage"]))
    found: dict[str, list[str]] = {}
    for name, _, state in rows(connection, "rpt_coverage", "source, date, state"):
        found.setdefault(name, []).append(state)
    return found


def test_a_gap_is_missing_and_the_newest_day_may_not_be_due() -> None:
    found = covered([source("days")], [load("days", 5, 6), load("days", 8, 8)])
    assert found == {"days": ["loaded", "loaded", "missing", "loaded", "missing"]}
    late = source("days", published_after=timedelta(hours=9))
    assert covered([late], [load("days", 5, 8)])["days"][-1] == "not yet published"


def test_a_floor_is_one_until_an_older_day_is_held() -> None:
    floor = load("days", outcome="absent", floor_date=day(7))
    assert covered([source("days")], [load("days", 7, 9), floor]) == {"days": ["before floor"] * 2 + ["loaded"] * 3}
    assert covered([source("days")], [load("days", 7, 9), floor, load("days", 5, 5)])["days"][:3] == [
        "loaded",
        "missing",
        "loaded",
    ]


def test_a_date_is_loaded_when_every_part_is_held_that_it_can_hold() -> None:
    parts = source("parts", series=["1", "2"])
    both = load("parts", 5, 9, series=["1"])
    found = covered(
        [parts], [both, load("parts", 6, 9, series=["2"]), load("parts", 7, 7, series=["2"], floor_date=day(6))]
    )
    assert found == {"parts": ["loaded"] * 5}
    assert covered([parts], [both, load("parts", 6, 9, series=["2"])])["parts"] == ["missing", *["loaded"] * 4]


def test_a_missed_snapshot_is_lost_and_todays_can_still_be_had() -> None:
    found = covered([source("now", "snapshot")], [load("now", fetched_at=instant(8, 8))])
    assert found == {"now": ["loaded", "lost", "missing"]}


def test_of_parts_that_vary_those_that_were_asked_count() -> None:
    varying = source("models", "snapshot", series=None)
    asked = {"asked_series": 3, "fetched_at": NOW}
    two = [load("models", series=["a"], **asked), load("models", series=["b"], outcome="absent", **asked)]
    refused = load("models", series=["c"], outcome="refused", **asked)
    connection = covered([varying], [*two, refused])
    assert connection == {"models": ["missing"]}
    again = load("models", series=["c"], asked_series=1, fetched_at=NOW)
    assert covered([varying], [*two, refused, again]) == {"models": ["loaded"]}


def test_the_past_of_what_is_read_for_comparison_is_not_wanted() -> None:
    other = source("exports", yields_to="days")
    assert covered([other], [load("exports", 8, 9)])["exports"] == ["missing"] * 3 + ["loaded"] * 2
    both = covered([source("days"), other], [load("exports", 8, 9), load("days", 5, 9)])
    assert both["exports"] == ["loaded"] * 2


def test_weeks_are_counted_by_their_mondays() -> None:
    weekly = source("weeks", "week", floor_date=date(2024, 12, 23), checked_at=datetime(2025, 1, 13, 8))
    found = covered([weekly], [load("weeks", first_date=date(2024, 12, 23), last_date=date(2024, 12, 23))])
    assert found == {"weeks": ["loaded", "missing", "missing"]}


def test_an_import_of_an_old_snapshot_loses_no_day() -> None:
    old = load("now", fetched_at=datetime(2024, 3, 1), origin="a colleague")
    assert covered([source("now", "snapshot")], [old, load("now", fetched_at=instant(9, 8))])["now"] == [
        "loaded",
        "missing",
    ]
