"""Statistics that a library has: fills each table of kind `fitted` where what it is computed from has changed.

The library is statsmodels, the optional extra `stats`. It is imported here only, and only when there is something to
fit, because that takes a second. Without it the tables of the schema `fitted`, and all that read them, are not built.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import models
from pipeline.models import Model, quoted

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ADVICE = "it takes the extra `stats` (`pip install -e '.[stats]'` in the checkout), and then `tokengrowth build`."
WEEK_DAYS = 7
# Spans of a trend, by name, in days; None is the whole stretch.
SPANS = {"28d": 28, "90d": 90, "365d": 365, "all": None}
# Two weeks of lags at least, because residuals hold together for days.
LEAST_LAGS = 14
# A decomposition needs some weeks to tell a weekday from chance.
DECOMPOSED_DAYS = 56
# Equal loads give equal tables: the last digits depend on the machine.
DIGITS = 12
SERIES = """
select dimension, entity, stretch_start_date, date, total_tokens, high_tokens, is_current
from fitted.series
order by dimension, entity, date
"""


def is_available() -> bool:
    """Tell whether the extra `stats` is installed."""
    return find_spec("statsmodels") is not None


@lru_cache(maxsize=1)
def marts() -> list[str]:
    """Name the marts that are built only where the extra is installed."""
    known = models.load(models.sql_dir())
    buildable = models.unfitted(known)
    return sorted(model.name for name, model in known.items() if model.schema == "marts" and name not in buildable)


def refresh(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Fill a fitted table anew, unless it was filled from the same series by the same method."""
    frame = connection.sql(SERIES).pl()
    key = _key(model, frame)
    known = connection.execute(
        "select comment from duckdb_tables() where database_name = current_database() and schema_name = ? "
        "and table_name = ?",
        [model.schema, model.name],
    ).fetchall()
    if known == [(key,)]:
        return
    connection.execute(f"create or replace table {model.full_name} as {model.sql}")
    rows = FITS[model.full_name](frame) if len(frame) else None
    if rows is not None and len(rows):
        connection.register("fitted_rows", rows)
        connection.execute(f"insert into {model.full_name} by name select * from fitted_rows")  # noqa: S608
        connection.unregister("fitted_rows")
    connection.execute(f"comment on table {model.full_name} is {quoted(key)}")


def _key(model: Model, series: pl.DataFrame) -> str:
    """Return a digest of all that a fitted table depends on."""
    method = Path(__file__).read_text(encoding="utf-8") + version("statsmodels")
    return hashlib.sha256("\0".join((model.sql, method, series.write_csv())).encode()).hexdigest()


@dataclass(frozen=True)
class Line:
    """A straight line through the logarithm of a daily series, with a level for each weekday.

    `slope_per_day` and its standard error are in log points a day; `slope_lowest_per_day` and `slope_highest_per_day`
    are the least and the greatest slope of any series within the bounds of the given one.
    """

    slope_per_day: float
    slope_se_per_day: float
    slope_lowest_per_day: float
    slope_highest_per_day: float
    critical_value: float
    lag_days: int
    residual_autocorrelation: float


def line(logs: Floats, high_logs: Floats, first_weekday: int) -> Line:
    """Fit a line by least squares to logarithms of consecutive days, the first of them on `first_weekday` (0 to 6).

    The number of lags is that of Lazarus, Lewis, Stock & Watson (2018, JBES 36:541), two weeks at least.
    """
    import numpy as np

    days = len(logs)
    lags = max(LEAST_LAGS, int(np.ceil(1.3 * np.sqrt(days))))
    design, weights = _design(days, first_weekday)
    fit = least_squares(logs, design, lags)
    spread = fit.resid @ fit.resid
    # The slope is a weighted sum of the logarithms: it is least where each day has the bound that its weight tells.
    rising = weights > 0
    return Line(
        slope_per_day=round(float(fit.params[0]), DIGITS),
        slope_se_per_day=round(float(fit.bse[0]), DIGITS),
        slope_lowest_per_day=round(float(weights @ np.where(rising, logs, high_logs)), DIGITS),
        slope_highest_per_day=round(float(weights @ np.where(rising, high_logs, logs)), DIGITS),
        # The weights of Newey and West fall to nothing one day after the last lag.
        critical_value=round(critical_value((lags + 1) / days), DIGITS),
        lag_days=lags,
        # A series that lies on its line has residuals of rounding only.
        residual_autocorrelation=(
            round(float(fit.resid[1:] @ fit.resid[:-1] / spread), 6) if spread > days * 1e-20 else 0.0
        ),
    )


def least_squares(values: Floats, design: Floats, lags: int) -> Any:
    """Return the library's fit with the standard errors of Newey & West (1987), corrected for small samples."""
    from statsmodels.regression.linear_model import OLS

    return OLS(values, design).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True})


def critical_value(bandwidth: float) -> float:
    """Return how many standard errors make half an interval that aims at 95 %, by the bandwidth in parts of the days.

    The normal 1.96 takes the standard error for known, and covers far less than 95 % with few days; these fixed-b
    values of the Bartlett kernel allow for it: Kiefer & Vogelsang (2005), Econometric Theory 21:1130.
    """
    return 1.96 + 2.9694 * bandwidth + 0.4160 * bandwidth**2 - 0.5324 * bandwidth**3


@lru_cache(maxsize=4096)
def _design(days: int, first_weekday: int) -> tuple[Floats, Floats]:
    """Return the regressors, the day first and then the seven weekdays, and each day's weight in the slope."""
    import numpy as np

    day = np.arange(days, dtype=np.float64)
    weekday = (np.arange(days) + first_weekday) % WEEK_DAYS
    design = np.column_stack([day - day.mean(), np.eye(WEEK_DAYS)[weekday]])
    return design, np.linalg.pinv(design)[0]


def trends(series: pl.DataFrame) -> pl.DataFrame:
    """Return the lines through the newest days of each stretch that lasts, of the total those of every day."""
    import numpy as np
    import polars as pl

    rows: list[dict[str, Any]] = []
    for key, stretch in _stretches(series):
        is_total = key["dimension"] == "total"
        if not (is_total or stretch["is_current"][0]):
            continue
        dates = stretch["date"].to_list()
        logs, high_logs = (np.log(stretch[name].to_numpy()) for name in ("total_tokens", "high_tokens"))
        least = min(days for days in SPANS.values() if days)
        for end in range(least if is_total else len(dates), len(dates) + 1):
            for span, days in SPANS.items():
                start = end - (days or end)
                if start < 0:
                    continue
                fitted = line(logs[start:end], high_logs[start:end], dates[start].weekday())
                days_of = {"date": dates[end - 1], "span": span, "first_date": dates[start], "days": end - start}
                rows.append(key | days_of | asdict(fitted))
    return pl.DataFrame(rows)


def decompositions(series: pl.DataFrame) -> pl.DataFrame:
    """Return trend, weekly season and remainder of the logarithm of each stretch of 56 days or more.

    Seasonal-trend decomposition by loess (STL), robust: Cleveland, Cleveland, McRae & Terpenning (1990); and the
    remainder of the plain one. The robust one follows most days so closely that of pure noise one day in fourteen is
    beyond 3.5 of its scaled median absolute deviations, of the plain one a day in a thousand.
    """
    import numpy as np
    import polars as pl

    parts = []
    for _, stretch in _stretches(series):
        if len(stretch) < DECOMPOSED_DAYS:
            continue
        logs = np.log(stretch["total_tokens"].to_numpy())
        found, plain = (stl(logs, period=WEEK_DAYS, robust=robust).fit() for robust in (True, False))
        columns = {"log_trend": found.trend, "log_season": found.seasonal, "log_remainder": found.resid}
        columns["log_plain_remainder"] = plain.resid
        parts.append(
            stretch.select("dimension", "entity", "stretch_start_date", "date").with_columns(
                pl.Series(name, values).round(DIGITS) for name, values in columns.items()
            )
        )
    return pl.concat(parts) if parts else pl.DataFrame()


def stl(values: Floats, **options: Any) -> Any:
    """Return the library's decomposition, not fitted yet."""
    from statsmodels.tsa.seasonal import STL

    return STL(values, **options)


def _stretches(series: pl.DataFrame) -> Iterator[tuple[dict[str, Any], pl.DataFrame]]:
    """Yield each stretch of consecutive days, in order, with its dimension and entity."""
    for (dimension, entity, _), stretch in series.group_by(
        "dimension", "entity", "stretch_start_date", maintain_order=True
    ):
        yield {"dimension": dimension, "entity": entity}, stretch


FITS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "fitted.trends": trends,
    "fitted.decompositions": decompositions,
}
