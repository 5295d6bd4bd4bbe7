"""What a figure is, where its rows come from, and the words that figures share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.models import parse, tables_read
from pipeline.rendering import clean
from pipeline.report import charts
from pipeline.report.drawing import Colours
from pipeline.warehouse import rows_of

if TYPE_CHECKING:
    import duckdb

QUERIES = Path(__file__).parents[1] / "queries"
NONE = "\N{EN DASH}"
NO_DIRECTION = "no certain direction"

Rows = list[dict[str, Any]]
Draw = Callable[[Colours, int], dict[str, Any]]
# Gives the rows of one of the report's queries by its name.
Read = Callable[[str], Rows]


@dataclass(frozen=True)
class Sparkline:
    """A table cell that is drawn: tokens of each day, None where not listed."""

    values: Sequence[int | None]


@dataclass(frozen=True)
class Figure:
    """One figure of the report: what it finds in a sentence, how to read it, its numbers and, mostly, its chart."""

    name: str
    title: str
    finding: str
    note: str = ""
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    draw: Draw | None = None
    # The dates at both ends of the chart's time axis, where it has one.
    reach: tuple[date, date] | None = None
    # Whose places are cited; None cites them all.
    dimension: str | None = "total"
    is_provisional: bool = False
    is_estimate: bool = False
    # Numbers that are worth as much as the chart stand open; those of a chart are folded.
    is_table: bool = False
    # What is numbered in the chart.
    numbered: Sequence[str] = ()
    queries: Sequence[str] = ()

    @property
    def marts(self) -> list[str]:
        """Tables of the published file that the figure is drawn from."""
        return sorted({mart for name in self.queries for mart in marts_of(name)})


def query(name: str) -> str:
    """Return the text of one of the report's queries."""
    return (QUERIES / f"{name}.sql").read_text(encoding="utf-8")


def marts_of(name: str) -> set[str]:
    """Return the marts that a query reads."""
    return {read.removeprefix("marts.") for read in tables_read(parse(query(name))) if read.startswith("marts.")}


@dataclass(frozen=True)
class Reader:
    """Runs the report's queries on the published file; text from outside comes back without what shows nothing."""

    connection: duckdb.DuckDBPyConnection
    published: Collection[str]

    def __call__(self, name: str) -> Rows:
        """Return the rows of a query by its name; none where a table that it reads takes an extra to be built."""
        if not marts_of(name) <= set(self.published):
            return []
        return [
            {key: clean(value) if isinstance(value, str) else value for key, value in row.items()}
            for row in rows_of(self.connection, query(name))
        ]


def doubling(row: Mapping[str, Any]) -> str:
    """Return a trend in words: the doubling time with its interval, or that there is none."""
    if row["verdict"] == "doubling":
        return f"doubles every {row['doubling_time_days']:,.0f} days ({doubling_interval(row)})"
    if row["verdict"] == "halving":
        low, high = row["halving_time_low_days"], row["halving_time_high_days"]
        return f"halves every {row['halving_time_days']:,.0f} days ({low:,.0f} to {high:,.0f}{star(row)})"
    return NO_DIRECTION


def doubling_interval(row: Mapping[str, Any]) -> str:
    """Return the interval of a doubling time in days, with a star where it covers less than it should."""
    low, high = row["doubling_time_low_days"], row["doubling_time_high_days"]
    return f"{low:,.0f} to {high:,.0f}{star(row)}"


def star(row: Mapping[str, Any]) -> str:
    """Return the mark of an interval that may cover far less than the 95 % that it aims at."""
    return "*" if row["is_interval_narrow"] else ""


def over_days(rows: Rows, draw: Draw) -> tuple[Draw | None, tuple[date, date]]:
    """Return a drawing over days with both ends of its axis; None for the drawing of one day only, which is no line."""
    first, last = charts.domain(rows)
    return draw if first < last else None, (first, last)


def of_shares(
    rows: Rows, dimension: str, fills: Mapping[str, str], query: str, title: str, finding: str, note: str
) -> Figure:
    """Return a figure of shares that make 100 % over days: rows of `date`, the dimension's name, `share_pct`.

    `fills` names the colour of each entity, in the order of the stack. The numbers are a line a day, the newest first.
    """
    days: dict[date, dict[str, float]] = {}
    for row in rows:
        days.setdefault(row["date"], {})[row[dimension]] = row["share_pct"]
    newest = max(days)
    return Figure(
        query.replace("_", "-"),
        title,
        finding,
        note,
        ("date", *fills),
        [
            (day, *(or_dash(lambda share: f"{share:.1f} %", found.get(entity)) for entity in fills))
            for day, found in sorted(days.items(), reverse=True)
        ],
        *over_days(
            rows,
            lambda colours, width: charts.stacked_shares(
                rows, colours, width, group=dimension, fills=fills, title="share of tokens, %"
            ),
        ),
        dimension,
        any(row["is_provisional"] for row in rows if row["date"] == newest),
        queries=(query,),
    )


def or_dash(words: Callable[[Any], str], value: Any) -> str:
    """Return a value in words, and a dash where it is unknown."""
    return NONE if value is None else words(value)


def state(row: Mapping[str, Any]) -> str:
    """Tell whether the figures of a row may be restated."""
    return "provisional" if row["is_provisional"] else "settled"


def places(change: int) -> str:
    """Return places gained or lost as an arrow and their number."""
    return f"{'▲' if change > 0 else '▼'} {abs(change)}" if change else "="


def times(after: float, before: float) -> str:
    """Return a ratio in words."""
    ratio = after / before
    return f"{ratio:.{0 if ratio >= 10 else 1}f} times"


def between(low: str, high: str) -> str:
    """Return two bounds, and one where they meet."""
    return low if low == high else f"{low} to {high}"


def usd(value: float) -> str:
    """Shorten an amount of US dollars."""
    if value >= 1e6:
        return f"${value / 1e6:.2f} M"
    return f"${value / 1e3:.0f} k" if value >= 1e4 else f"${value:,.0f}"
