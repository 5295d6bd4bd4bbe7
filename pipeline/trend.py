"""How fast tokens double: trends with their intervals, and of the total the week's shape and unusual days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import UsageError
from pipeline.fitting import SPANS
from pipeline.reading import cited, dimension_named, simulated_note, simulated_title
from pipeline.rendering import Format, Table, signed, to_json, tokens
from pipeline.settings import Settings
from pipeline.warehouse import published, rows_of

ANOMALY_DAYS = 90
SHOWN_ANOMALIES = 10

OF_THE_TOTAL = """
select * from fct_trend
where dimension = 'total' and date = (select max(date) from fct_trend where dimension = 'total')
order by days, span
"""
OF_A_DIMENSION = """
select trend.*, growth.share_pct
from fct_trend as trend
inner join fct_token_growth_daily as growth using (dimension, entity, date)
where trend.dimension = ? and trend.span = ?
order by growth.share_pct desc nulls last, trend.entity
"""
WEEK = """
select * from fct_seasonality
where dimension = 'total' and year = (select max(year) from fct_seasonality where dimension = 'total')
order by weekday
"""
ANOMALIES = """
select * from fct_anomalies
where dimension = 'total' and date > (select max(date) from fct_trend) - ?
order by date desc
limit ?
"""


@dataclass(frozen=True)
class Trend:
    """Trends, and of the total the week and the unusual days, for people and as they are stored."""

    tables: Sequence[Table]
    raw: dict[str, Any]
    summary: str
    citation: str

    def render(self, form: Format, width: int | None = None) -> str:
        """Return all tables, on a screen of `width` columns; of CSV the trends only: one file holds one table."""
        if form is Format.JSON:
            return to_json(self.raw)
        if form is Format.CSV:
            rows = [row | {"is_simulated": self.raw["is_simulated"]} for row in self.raw["trends"]]
            return Table("", list(rows[0]), [list(row.values()) for row in rows]).render(form)
        return "\n\n".join(table.render(form, width) for table in self.tables)


def trend(settings: Settings, dimension: str, span: str, top: int) -> Trend:
    """Return the trend of the total over each span, or of the `top` largest entities of a dimension over one span."""
    if span not in SPANS:
        raise UsageError(f"There is no span {span!r}; choose one of {', '.join(SPANS)}.")
    with published(settings) as connection:
        contract = rows_of(connection, "select * from contract")[0]
        plurals = {row["dimension"]: row["plural"] for row in rows_of(connection, "from dim_dimension")}
        dimension = dimension_named(dimension, plurals)
        is_total = dimension == "total"
        trends = rows_of(connection, *([OF_THE_TOTAL] if is_total else [OF_A_DIMENSION, [dimension, span]]))
        week = rows_of(connection, WEEK) if is_total else []
        anomalies = rows_of(connection, ANOMALIES, [ANOMALY_DAYS, SHOWN_ANOMALIES]) if is_total else []
    if not trends:
        least = "28 loaded days in a row" if is_total else "an entity with 0.1 % of all tokens on each day of the span"
        raise UsageError(f"There is no trend of {plurals[dimension]} over {span} yet; it takes {least}.")
    citation = cited(contract, dimension)
    simulated = simulated_title(contract["is_simulated"])
    state = " (provisional: a day may be restated)" if trends[0]["is_provisional"] else ""
    days = max(row["days"] for row in trends)  # of `all`, each entity has those of its newest stretch
    over = f"all their days, {days} at most" if span == "all" else f"{days} days"
    what = "all tokens double" if is_total else f"the tokens of {plurals[dimension]} double, over {over}"
    title = f"{simulated}How fast {what}, until {trends[0]['date']}{state}"
    hidden = 0 if is_total else max(0, len(trends) - top)
    shown = trends if is_total else trends[:top]
    note = f"{hidden} more are not shown. " if hidden else ""
    if not is_total:
        note += "What is not listed on each day of the span has no row. "
    if any(row["verdict"] == "no doubling" for row in shown):
        note += "No doubling: the interval spans zero. "
    if any(row["is_interval_narrow"] for row in shown):
        note += "Intervals aim at 95 %; one with * covers less, of 28 days down to 69 % (docs/measures.md). "
    columns = ["span" if is_total else dimension, "trend a week", "interval", "doubling time", "interval"]
    cells = [[_span(row) if is_total else row["entity"], *_cells(row)] for row in shown]
    tables = [Table(title, [*columns, "momentum", "acceleration"], cells, note + citation)]
    if week:
        tables.append(_week(week))
    if is_total:
        tables.append(_anomalies(anomalies, citation))
    raw = {"trends": trends, "is_simulated": contract["is_simulated"], "citation": citation}
    raw |= {"week": week, "anomalies": anomalies} if is_total else {}
    summary = f"trend: {len(shown)} rows of {dimension} until {trends[0]['date']}"
    return Trend(tables, raw, summary + simulated_note(contract["is_simulated"]), citation)


def _span(row: dict[str, Any]) -> str:
    return f"all {row['days']} days" if row["span"] == "all" else f"{row['days']} days"


def _cells(row: dict[str, Any]) -> list[str]:
    """Return trend, doubling time and momentum with their intervals, as people read them."""
    low, high = signed(row["growth_per_week_low_pct"]), signed(row["growth_per_week_high_pct"])
    if row["verdict"] == "doubling":
        time = f"{row['doubling_time_days']:,.0f} days"
        interval = f"{row['doubling_time_low_days']:,.0f} to {row['doubling_time_high_days']:,.0f} days"
    elif row["verdict"] == "halving":
        time = f"halves in {row['halving_time_days']:,.0f} days"
        interval = f"{row['halving_time_low_days']:,.0f} to {row['halving_time_high_days']:,.0f} days"
    else:
        time, interval = "no doubling", "-"
    mark = "*" if row["is_interval_narrow"] else ""
    changes = (f"{row[name]:+.3f}" if row[name] is not None else "-" for name in ("momentum_7d", "acceleration_7d"))
    return [signed(row["growth_per_week_pct"]), f"{low} to {high}{mark}", time, interval, *changes]


def _week(rows: Sequence[dict[str, Any]]) -> Table:
    columns = ["weekday", "factor", "least", "greatest", "weeks"]
    names = ("factor_ratio", "factor_low_ratio", "factor_high_ratio")
    cells = [[row["weekday_name"], *(f"{row[name]:.3f}" for name in names), row["weeks"]] for row in rows]
    return Table(f"The week of {rows[0]['year']}: tokens of a weekday to those of a mean day", columns, cells)


def _anomalies(rows: Sequence[dict[str, Any]], citation: str) -> Table:
    columns = ["date", "tokens", "expected", "deviation", "modified z", "events", "the largest event within 2 days"]
    cells = [
        [
            row["date"],
            tokens(row["total_tokens"]),
            tokens(row["expected_tokens"]),
            signed(row["deviation_pct"]),
            f"{row['modified_z']:+.1f}",
            row["events"],
            row["largest_event"] or "-",
        ]
        for row in rows
    ]
    title = f"Days of the last {ANOMALY_DAYS} that trend and weekday do not explain"
    return Table(title if rows else f"{title}: none", columns, cells, citation)
