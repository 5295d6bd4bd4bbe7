"""Trends, seasons and anomalies: known growth is found, what is not listed widens intervals, absence is told."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import duckdb
import pytest

from pipeline import fitting, models
from pipeline.simulation import World
from tests.models.harness import (
    ALL_MODELS,
    MODELS,
    Board,
    Catalogue,
    Rankings,
    boards,
    day,
    final,
    instant,
    landed,
    rows,
    world_boards,
    world_days,
)

pytest.importorskip("statsmodels")

TABLES = [f"+{name}" for name in fitting.marts()]
WEEK = (1.0, 1.08, 1.05, 1.03, 1.0, 0.9, 0.85)


def built(*given: Rankings | Catalogue) -> duckdb.DuckDBPyConnection:
    connection = landed(*given)
    build(connection)
    return connection


def build(connection: duckdb.DuckDBPyConnection) -> None:
    models.require_passed(models.build(connection, ALL_MODELS, TABLES, fitting.refresh))


def seasonal(level: float, growth: float, days: int, spikes: Mapping[int, float] | None = None) -> list[int]:
    """Tokens that grow by a factor a day, with a week's shape, a small wave, and some days out of line."""
    return [
        round(level * growth**n * WEEK[n % 7] * (1 + 0.002 * math.sin(2.1 * n)) * (spikes or {}).get(n, 1))
        for n in range(days)
    ]


def given_boards(tokens: Mapping[str, Sequence[int]], other: int = 1000) -> list[Board | None]:
    days = len(next(iter(tokens.values())))
    return [{slug: counts[n] for slug, counts in tokens.items() if counts[n]} | {"other": other} for n in range(days)]


def trends(connection: duckdb.DuckDBPyConnection, entity: str, columns: str, where: str = "true") -> list[Any]:
    dimension, _, name = entity.partition(" ")
    return rows(connection, "fct_trend", columns, f"dimension = '{dimension}' and entity = '{name}' and {where}")


def test_doubling_times_are_those_of_the_growth() -> None:
    tokens = {
        "a/up": seasonal(1e9, 2 ** (1 / 28), 60),
        "b/down": seasonal(8e9, 0.5 ** (1 / 14), 60),
        "c/flat": seasonal(4e9, 1.0, 60),
    }
    connection = built(final(boards(given_boards(tokens))))
    newest = f"span = '28d' and date = '{day(59)}'"
    ((verdict, doubling, low, high),) = trends(
        connection, "model a/up", "verdict, doubling_time_days, doubling_time_low_days, doubling_time_high_days", newest
    )
    assert verdict == "doubling"
    assert doubling == pytest.approx(28, rel=0.01)
    assert low < doubling < high < 30
    ((verdict, doubling, halving, low, high),) = trends(
        connection,
        "model b/down",
        "verdict, doubling_time_days, halving_time_days, halving_time_low_days, halving_time_high_days",
        newest,
    )
    assert (verdict, doubling) == ("halving", None)
    assert halving == pytest.approx(14, rel=0.01)
    assert 13 < low < halving < high
    ((verdict, halving, doubling, low, high),) = trends(
        connection,
        "model c/flat",
        "verdict, halving_time_days, doubling_time_days, growth_per_week_low_pct, growth_per_week_high_pct",
        newest,
    )
    assert (verdict, halving, doubling) == ("no doubling", None, None)
    assert low < 0 < high
    # Each day of the total from the 28th on, of the rest the newest.
    assert [date for (date,) in trends(connection, "total all", "date", "span = '28d'")] == [
        day(n) for n in range(27, 60)
    ]
    assert [one for (one,) in trends(connection, "author a", "date", "span = 'all'")] == [day(59)]
    assert trends(connection, "total all", "span", "span = '90d'") == []


def test_an_interval_is_marked_that_may_cover_far_less_than_it_aims_at() -> None:
    jitter = Random(5)
    apart = [round(1e9 * 1.002**n * math.exp(0.05 * jitter.gauss(0, 1))) for n in range(370)]
    together, wave = [], 0.0
    for n in range(370):
        wave = 0.97 * wave + 0.05 * jitter.gauss(0, 1)
        together.append(round(1e8 * 1.002**n * math.exp(wave)))
    connection = built(final(boards(given_boards({"a/one": apart, "b/two": together}))))
    spans = "span, is_interval_narrow"
    assert dict(trends(connection, "model a/one", spans)) == {"28d": True, "90d": True, "365d": False, "all": False}
    assert dict(trends(connection, "model b/two", spans)) == {"28d": True, "90d": True, "365d": True, "all": True}


def test_momentum_and_acceleration_are_logarithms_of_weeks() -> None:
    tokens = [round(1e9 * 1.01 ** (n * n / 10)) for n in range(40)]
    connection = built(final(boards(given_boards({"a/one": tokens}, other=0))))
    (found,) = trends(connection, "total all", "momentum_7d, acceleration_7d", f"span = '28d' and date = '{day(39)}'")
    weeks = [sum(tokens[40 - 7 * n - 7 : 40 - 7 * n]) for n in range(3)]
    momentum, before = math.log(weeks[0] / weeks[1]), math.log(weeks[1] / weeks[2])
    assert found == pytest.approx((momentum, momentum - before))
    of_all_days = rows(connection, "fct_momentum_daily", "date", "dimension = 'total' and acceleration_7d is not null")
    assert of_all_days[0] == (day(20),)


def test_a_day_that_is_missing_or_not_listed_ends_a_stretch() -> None:
    tokens = {"a/one": seasonal(1e9, 1.01, 70), "b/two": seasonal(1e9, 1.01, 70)}
    tokens["b/two"][50] = 0
    given = given_boards(tokens)
    given[30] = None
    connection = built(final(boards(given)))
    assert [one for (one,) in trends(connection, "model a/one", "first_date", "span = 'all'")] == [day(31)]
    # Of 19 days since the last gap nothing is told.
    assert trends(connection, "model b/two", "span") == []
    first = rows(connection, "fct_seasonally_adjusted_daily", "min(date)", "dimension = 'model'")
    assert first == [(None,)]  # no stretch of 56 days


def test_intervals_hold_the_truth_of_what_is_not_listed(small_world: World) -> None:
    days = world_days(small_world, 0, 59)
    given = final(world_boards(small_world, days))
    connection = built(given)
    found = connection.execute(
        "select entity, span, first_date, days, slope_lowest_per_day, slope_highest_per_day "
        "from fitted.trends where dimension = 'author'"
    ).fetchall()
    widths = []
    for author, span, first, count, lowest, highest in found:
        start = (first - small_world.first_day).days
        truth = [
            sum(used for slug, used in small_world.truth(on).items() if slug.split("/")[0] == author)
            for on in days[start : start + count]
        ]
        logs = fitting_logs(truth)
        slope = fitting.line(logs, logs, first.weekday()).slope_per_day
        assert lowest - 1e-9 <= slope <= highest + 1e-9, (author, span)
        widths.append(highest - lowest)
    assert len(widths) > 20
    assert max(widths) > 0.001
    censored = rows(connection, "fct_trend", "count(*)", "dimension = 'author' and is_censored")
    assert censored[0][0] > 10
    narrower = rows(
        connection,
        "fct_trend",
        "count(*)",
        "is_censored and slope_high_per_day - slope_low_per_day <= 2 * critical_value * slope_se_per_day",
    )
    assert narrower == [(0,)]


def fitting_logs(tokens: Sequence[int]) -> Any:
    import numpy as np

    return np.log(np.array(tokens, dtype=float))


def test_the_week_is_found_and_taken_out() -> None:
    connection = built(final(boards(given_boards({"a/one": seasonal(1e12, 1.005, 84)}))))
    mean = math.exp(sum(map(math.log, WEEK)) / 7)
    # The first day is a Wednesday.
    expected = {(2 + n) % 7 + 1: WEEK[n] / mean for n in range(7)}
    found = dict(rows(connection, "fct_seasonality", "weekday, factor_ratio", "dimension = 'total'"))
    assert found == pytest.approx(expected, rel=0.005)
    assert rows(connection, "fct_seasonality", "weekday_name, weeks", "dimension = 'total' and weekday = 1") == [
        ("Monday", 12)
    ]
    columns = "max(abs(growth_1d_pct)), max(abs(growth_1d_adjusted_pct)), median(growth_7d_trend_pct)"
    ((raw, adjusted, trend),) = rows(connection, "fct_seasonally_adjusted_daily", columns, "dimension = 'total'")
    assert raw > 10
    assert adjusted < 2
    assert trend == pytest.approx(100 * (1.005**7 - 1), rel=0.02)
    assert rows(
        connection,
        "fct_seasonally_adjusted_daily",
        "count(*)",
        "abs(adjusted_tokens * weekday_factor_ratio / total_tokens - 1) > 1e-9 "
        "or abs(trend_tokens * weekday_factor_ratio * (1 + remainder_pct / 100) / total_tokens - 1) > 1e-9",
    ) == [(0,)]


def test_days_out_of_line_are_found_with_the_events_beside_them() -> None:
    tokens = {"a/one": seasonal(1e12, 1.002, 90, {40: 1.3}), "a/two": [0] * 41 + [10**8] * 49}
    catalogue = Catalogue(instant(89), {"a/one": {}, "a/two": {"created_at": instant(40)}})
    connection = built(final(boards(given_boards(tokens))), catalogue)
    columns = "date, round(deviation_pct), modified_z > 3.5, events, largest_event"
    found = rows(connection, "fct_anomalies", columns, "dimension = 'total'")
    assert found == [(day(40), 30, True, 2, f"top 10 entry of a/two on {day(41)}")]
    of_the_author = rows(connection, "fct_anomalies", "date, events", "dimension = 'author'")
    assert of_the_author == [(day(40), 2)]
    # The model itself had no event, and the new one is too small to be told of.
    assert rows(connection, "fct_anomalies", "entity, date, events, largest_event", "dimension = 'model'") == [
        ("a/one", day(40), 0, None)
    ]


def test_noise_is_not_unusual() -> None:
    jitter = Random(7)
    tokens = [[round(1e9 * 1.002**n * WEEK[n % 7] * math.exp(0.03 * jitter.gauss(0, 1))) for n in range(90)]]
    tokens += [[round(1e9 * math.exp(0.03 * jitter.gauss(0, 1))) for _ in range(90)] for _ in range(9)]
    connection = built(final(boards(given_boards({f"a{n}/one": counts for n, counts in enumerate(tokens)}))))
    (count,) = rows(connection, "fct_anomalies", "count(*)", "dimension = 'model'")
    assert count[0] <= 3  # of 900; by the robust decomposition alone some 60


def test_a_series_without_spread_has_no_anomalies() -> None:
    connection = built(final(boards(given_boards({"a/one": [10**12] * 70}, other=0))))
    assert rows(connection, "fct_seasonally_adjusted_daily", "count(*)", "dimension = 'total'") == [(70,)]
    assert rows(connection, "fct_anomalies", "*") == []


def test_provisional_days_mark_what_ends_with_them() -> None:
    given = boards(given_boards({"a/one": seasonal(1e9, 1.01, 40)}))
    fresh = Rankings({day(39): given.pop(day(39))}, instant(40, 8))
    connection = built(final(given), fresh)
    found = trends(connection, "total all", "date, is_provisional", f"span = '28d' and date >= '{day(38)}'")
    assert found == [(day(38), False), (day(39), True)]


def test_what_did_not_change_is_not_fitted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(name: str, fit: Any) -> Any:
        def call(series: Any) -> Any:
            calls.append(name)
            return fit(series)

        return call

    monkeypatch.setattr(fitting, "FITS", {name: counted(name, fit) for name, fit in fitting.FITS.items()})
    listed = boards(given_boards({"a/one": seasonal(1e9, 1.01, 60)}))
    connection = built(final(listed))
    before = rows(connection, "fct_trend", "*")
    build(connection)
    assert calls == ["fitted.decompositions", "fitted.trends"]
    assert rows(connection, "fct_trend", "*") == before
    connection.execute("update raw.rankings_daily set total_tokens = total_tokens + 1000 where date = ?", [day(59)])
    build(connection)
    assert len(calls) == 4
    assert rows(connection, "fct_trend", "*") != before


def test_nothing_to_fit_needs_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fitting.FITS, "fitted.trends", lambda series: pytest.fail("nothing is there to be fitted"))
    connection = built(final(boards(given_boards({"a/one": seasonal(1e9, 1.01, 27)}))))
    assert rows(connection, "fct_trend", "*") == []


def test_without_the_library_every_other_table_is_there() -> None:
    left_out = {name for name in ALL_MODELS if name not in MODELS}
    assert {name.partition(".")[2] for name in left_out if name.startswith("marts.")} == set(fitting.marts())
    assert left_out - {f"marts.{name}" for name in fitting.marts()} == {
        name for name in ALL_MODELS if name.startswith("fitted.")
    }
    assert not any(model.depends_on & left_out for model in MODELS.values())
