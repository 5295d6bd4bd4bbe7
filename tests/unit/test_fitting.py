"""What is fitted: the library against its published examples, and our lines against what is known of them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import fitting

np = pytest.importorskip("numpy")
statsmodels = pytest.importorskip("statsmodels")

FIRST = date(2025, 1, 1)
# What the 95 % interval of the slope covers, in percent, by days and autocorrelation of what the line does not explain:
# the table of docs/measures.md, from 3,000 trials each.
COVERAGE = {
    28: {0.0: 92, 0.4: 87, 0.7: 80, 0.9: 69},
    90: {0.0: 92, 0.4: 90, 0.7: 87, 0.9: 75},
    365: {0.0: 93, 0.4: 92, 0.7: 91, 0.9: 85},
}


def test_newey_west_errors_are_those_of_stata() -> None:
    """Growth of investment on growth of GDP and the real rate, United States, 1959 to 2009: 4 lags, small sample.

    The figures are those that statsmodels holds itself to (`results_macro_ols_robust`, made by Stata's ivreg2).
    """
    from statsmodels.datasets import macrodata

    data = macrodata.load().data
    investment, gdp = (400 * np.diff(np.log(np.asarray(data[name], float))) for name in ("realinv", "realgdp"))
    design = np.column_stack([gdp, np.asarray(data["realint"], float)[:-1], np.ones(len(gdp))])
    fit = fitting.least_squares(investment, design, 4)
    assert list(fit.params) == pytest.approx([4.3742216647032, -0.61399696947899, -9.4816727746549], rel=1e-10)
    assert list(fit.bse) == pytest.approx([0.33125644884286, 0.29582347593197, 1.1859338087713], rel=1e-10)


def test_the_decomposition_is_that_of_its_authors() -> None:
    """Carbon dioxide at Mauna Loa, months of 1959 to 1987, against the Fortran program of Cleveland et al."""
    results = Path(statsmodels.__file__).parent / "tsa" / "stl" / "tests" / "results"
    if not results.exists():
        pytest.skip("statsmodels came without its examples")
    with (results / "stl_test_results.csv").open() as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file)]
    expected = np.array([[float(cell) for cell in row[2:4]] for row in rows if row[0] == "baseline"])
    co2 = np.loadtxt(results / "stl_co2.csv")
    jumps = {"seasonal_jump": 4, "trend_jump": 2, "low_pass_jump": 2}
    fit = fitting.stl(co2, period=12, seasonal=35, trend=19, low_pass=13, **jumps).fit(inner_iter=1, outer_iter=2)
    assert len(expected) == 348
    assert fit.seasonal == pytest.approx(expected[:, 0], rel=1e-7)
    assert fit.trend == pytest.approx(expected[:, 1], rel=1e-7)


def test_critical_values_are_those_of_fixed_b_theory() -> None:
    assert fitting.critical_value(0) == 1.96
    # All days as lags: 4.771, Kiefer, Vogelsang & Bunzel (2000), Econometrica 68:695.
    assert fitting.critical_value(1) == pytest.approx(4.771, rel=0.01)
    values = [fitting.critical_value(bandwidth / 100) for bandwidth in range(101)]
    assert values == sorted(values)


def test_a_line_with_a_week_is_found_exactly() -> None:
    week = np.log([1.08, 1.07, 1.05, 1.03, 1.0, 0.87, 0.88])
    logs = 20 + 0.01 * np.arange(40) + week[(np.arange(40) + 3) % 7]
    line = fitting.line(logs, logs, 3)
    assert line.slope_per_day == pytest.approx(0.01, abs=1e-12)
    assert line.slope_se_per_day == pytest.approx(0, abs=1e-12)
    assert (line.slope_lowest_per_day, line.slope_highest_per_day) == pytest.approx((0.01, 0.01), abs=1e-12)
    assert line.residual_autocorrelation == 0
    assert line.lag_days == 14


@given(
    st.lists(st.tuples(st.floats(0, 5), st.floats(0, 1), st.floats(0, 1)), min_size=28, max_size=60),
    st.integers(0, 6),
)
@settings(deadline=None, max_examples=50)
def test_no_series_within_the_bounds_has_a_slope_beyond_them(
    days: Sequence[tuple[float, float, float]], weekday: int
) -> None:
    low = np.array([one[0] for one in days])
    high = low + [one[1] for one in days]
    within = low + (high - low) * [one[2] for one in days]
    bounds, truth = fitting.line(low, high, weekday), fitting.line(within, within, weekday)
    assert bounds.slope_lowest_per_day - 1e-9 <= truth.slope_per_day <= bounds.slope_highest_per_day + 1e-9


@pytest.mark.parametrize("days", COVERAGE)
def test_the_interval_covers_what_the_documentation_says(days: int) -> None:
    random = np.random.default_rng(20260821)
    trials = 400
    for autocorrelation, expected in COVERAGE[days].items():
        covered = 0
        for _ in range(trials):
            shocks = 0.05 * random.normal(size=days + 60)
            noise = np.zeros(days + 60)
            for n in range(1, len(noise)):
                noise[n] = autocorrelation * noise[n - 1] + shocks[n]
            line = fitting.line(noise[60:], noise[60:], 0)
            covered += abs(line.slope_per_day) <= line.critical_value * line.slope_se_per_day
        assert 100 * covered / trials == pytest.approx(expected, abs=5)


def series(dimension: str, entity: str, tokens: Sequence[int], *, start: int = 0, lasts: bool = True) -> pl.DataFrame:
    first = FIRST + timedelta(start)
    days = range(len(tokens))
    return pl.DataFrame(
        {
            "dimension": [dimension] * len(tokens),
            "entity": [entity] * len(tokens),
            "stretch_start_date": [first] * len(tokens),
            "date": [first + timedelta(n) for n in days],
            "total_tokens": list(tokens),
            "high_tokens": list(tokens),
            "is_current": [lasts] * len(tokens),
        }
    )


def growing(days: int) -> list[int]:
    return [round(1e12 * 1.01**n) for n in range(days)]


def test_the_total_has_a_line_each_day_and_the_rest_the_newest_only() -> None:
    given_series = pl.concat(
        [
            series("total", "all", growing(95)),
            series("model", "a/long", growing(95)),
            series("model", "b/gone", growing(40), lasts=False),
            series("model", "c/new", growing(30), start=65),
        ]
    )
    found = fitting.trends(given_series)
    total = found.filter(pl.col("dimension") == "total")
    assert total.group_by("span").len().sort("span").rows() == [("28d", 68), ("90d", 6), ("all", 68)]
    rest = found.filter(pl.col("dimension") != "total").select("entity", "span", "date", "first_date", "days")
    last = FIRST + timedelta(94)
    assert rest.sort("entity", "span").rows() == [
        ("a/long", "28d", last, last - timedelta(27), 28),
        ("a/long", "90d", last, last - timedelta(89), 90),
        ("a/long", "all", last, FIRST, 95),
        ("c/new", "28d", last, last - timedelta(27), 28),
        ("c/new", "all", last, FIRST + timedelta(65), 30),
    ]
    assert found["slope_per_day"].to_list() == pytest.approx([float(np.log(1.01))] * len(found), abs=1e-9)


def test_parts_add_up_to_the_logarithm_and_short_stretches_have_none() -> None:
    random = np.random.default_rng(1)
    tokens = [int(one) for one in 1e12 * np.exp(0.1 * random.normal(size=60))]
    found = fitting.decompositions(pl.concat([series("total", "all", tokens), series("model", "a/short", growing(55))]))
    assert len(found) == 60
    added = found["log_trend"] + found["log_season"] + found["log_remainder"]
    assert added.to_list() == pytest.approx(list(np.log(tokens)), abs=1e-9)
