"""What readers ask of the published file: growth tables and any SELECT."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from pipeline.rendering import BAR_DAYS, BARS_TITLE, Format, Table, signed, sparkline, tokens
from pipeline.settings import Settings
from pipeline.warehouse import ask, published, rows_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NOT_LOADED = "not loaded"
APPS = "(openrouter.ai/apps)"
ABOUT = "about"
NO_RANK = "\N{EN DASH}"

REACH = "select min(date) as first, max(date) as newest from fct_token_growth_daily where dimension = ?"
GROWTH_OF_A_DAY = """
select
    *,
    min(date) over (partition by entity) as first_date
from fct_token_growth_daily
where dimension = ?
qualify date = ?
order by rank nulls last, entity
"""
GROWTH_OF_THE_TOTAL = """
select * from fct_token_growth_daily where dimension = 'total' and date <= ? order by date desc limit ?
"""
DAILY = """
select entity, date, total_tokens from fct_token_growth_daily where dimension = ? and date between ? and ?
"""


@dataclass(frozen=True)
class Shown:
    """Growth for people (`pretty`: 12.1 T), and as it is stored (`raw`)."""

    pretty: Table
    raw: Table
    summary: str
    citation: str

    def render(self, form: Format, width: int | None = None) -> str:
        """Return what is stored for machines, and what people read on a screen of `width` columns or in Markdown."""
        table = self.raw if form in (Format.JSON, Format.CSV) else self.pretty
        return table.render(form, width)


def query(settings: Settings, sql: str) -> tuple[Table, str]:
    """Run one query on the published file, its marts found by their bare names; return rows and summary line.

    The table's note cites every place, because nobody knows which ones a query reads.
    """
    with published(settings) as connection:
        columns, rows = ask(connection, sql)
        contract = rows_of(connection, "select * from contract")[0]
    table = Table("", columns, rows, cited(contract))
    return table, f"query: {len(table.rows):,} rows" + simulated_note(contract["is_simulated"])


def cited(contract: Mapping[str, Any], dimension: str | None = None) -> str:
    """Return what the licence asks to show with figures: the lines of the places they come from, and the licence.

    Those of a dimension come from the rankings, of apps from the apps' rankings, too; without one every place is cited.
    """
    if contract["is_simulated"]:
        return str(contract["citation"])
    lines = [contract["citation"]]
    if dimension is None:
        lines = contract["citations"] or []
    elif dimension.startswith("app"):
        lines = [line for line in contract["citations"] or [] if APPS in line] + lines
    return " ".join([*(line for line in lines if line), f"Licence: {contract['licence']}."])


def simulated_note(is_simulated: bool) -> str:
    """Return what a summary line adds for made-up figures."""
    return " (simulated data)" if is_simulated else ""


def simulated_title(is_simulated: bool) -> str:
    """Return what opens the title of made-up figures."""
    return "SIMULATED DATA. " if is_simulated else ""


def dimension_named(word: str, plurals: Mapping[str, str], refusal: str = "There is no dimension") -> str:
    """Return the dimension that is meant: by its name or plural, or by its first word, such as price for price_class.

    Raises UsageError for any other word; it begins with `refusal` and the word, and says which ones there are.
    """
    shorts = {name: short for name in plurals if (short := name.partition("_")[0]) not in plurals}
    ways = {short: name for name, short in shorts.items()}
    ways |= {plural.replace(" ", "_"): name for name, plural in plurals.items()} | {name: name for name in plurals}
    said = re.sub(r"[\s_-]+", "_", word.strip().lower())
    for way in (said, said.removesuffix("s")):
        if way in ways:
            return ways[way]
    near = [f" (did you mean {ways[way]!r}?)" for way in get_close_matches(said, ways, 1, 0.8)]
    names = (f"{name} (or {shorts[name]})" if name in shorts else name for name in plurals)
    raise UsageError(f"{refusal} {word!r}{''.join(near)}; choose one of {', '.join(names)}.")


def daily_tokens(connection: DuckDBPyConnection, dimension: str, day: date) -> dict[str, list[int | None]]:
    """Return what is listed of each entity on each of the last days until a day, oldest first.

    None is a day on which nothing of it is listed, or that is not loaded: neither is zero.
    """
    first = day - timedelta(BAR_DAYS - 1)
    found: dict[str, list[int | None]] = {}
    for row in rows_of(connection, DAILY, [dimension, first, day]):
        found.setdefault(row["entity"], [None] * BAR_DAYS)[(row["date"] - first).days] = row["total_tokens"]
    return found


def show(settings: Settings, dimension: str, day: date | None, top: int) -> Shown:
    """Return the growth of the total over its last `top` days, or of the `top` largest entities on a day."""
    with published(settings) as connection:
        contract = rows_of(connection, "select * from contract")[0]
        known = {row["dimension"]: row for row in rows_of(connection, "from dim_dimension")}
        plurals = {name: row["plural"] for name, row in known.items()}
        dimension = dimension_named(dimension, plurals)
        first, newest = rows_of(connection, REACH, [dimension])[0].values()
        if newest is None:
            raise UsageError(
                f"The published tables hold no {plurals[dimension]}; `tokengrowth status` tells what is loaded."
            )
        day = day or newest
        hidden = 0
        if dimension == "total":
            rows = rows_of(connection, GROWTH_OF_THE_TOTAL, [day, top])
        else:
            rows = rows_of(connection, GROWTH_OF_A_DAY, [dimension, day])
            listed = [row for row in rows if row["total_tokens"] is not None and row["entity"] != "other"]
            rows = listed[:top] + [row for row in rows if row["entity"] == "other"]
            hidden = len(listed) - top
        daily = daily_tokens(connection, dimension, day)
    if not rows or rows[0]["date"] != day:
        raise UsageError(f"The published tables hold no {dimension} of {day}; they reach from {first} to {newest}.")
    simulated = simulated_title(contract["is_simulated"])
    state = " (provisional: a day of the last 7 may be restated)" if rows[0]["is_provisional"] else ""
    what = "Tokens of all public models, until" if dimension == "total" else f"Largest {plurals[dimension]} on"
    title = f"{simulated}{what} {day}{state}"
    cells = [_cells(row) for row in rows]
    note = f"{hidden} more listed {plurals[dimension]} are not shown. " if hidden > 0 else ""
    if not known[dimension]["is_partition"]:
        note += f"{plurals[dimension].capitalize()} overlap, so that neither shares nor contributions add up. "
    if any(cell.startswith(ABOUT) for row in cells for cell in (row["7 days"], row.get("7d growth", ""))):
        note += f"{ABOUT.capitalize()}: what is known to belong is counted; JSON and CSV have the bounds. "
    bars = [sparkline(daily[row["entity"]]) for row in rows]
    if dimension == "total":
        # Each day of the total has a row: one line of bars is theirs.
        note, bars = f"{BARS_TITLE.capitalize()}, as bars from zero: {bars[0]}. ", []
    citation = cited(contract, dimension)
    pretty = Table(title, list(cells[0]), [list(cell.values()) for cell in cells], note + citation, bars)
    # Where no title is printed, a column says whether the figures are made up.
    stored = [row | {"is_simulated": contract["is_simulated"]} for row in rows]
    raw = Table("", list(stored[0]), [list(row.values()) for row in stored])
    summary = f"show: {len(rows)} rows of {dimension} until {day}, newest day {newest}"
    return Shown(pretty, raw, summary + simulated_note(contract["is_simulated"]), citation)


def _cells(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row's cells by column title, as people read them: what is unknown has its bounds or the reason."""
    if row["dimension"] == "total":
        rates = {f"growth_{name}_pct": name for name in ("1d", "7d", "28d", "364d")}
        return {
            "date": row["date"],
            "tokens": tokens(row["total_tokens"]),
            "7 days": _week(row),
            **{title: signed(row[name]) if row[name] is not None else NOT_LOADED for name, title in rates.items()},
        }
    contribution = row["contribution_7d_pp"]
    return {
        "rank": row["rank"] or NO_RANK,
        "change": rank_change(row),
        row["dimension"]: row["entity"],
        "tokens": tokens(row["total_tokens"]),
        "share": f"{row['share_pct']:.1f} %",
        "7 days": _week(row),
        "7d growth": growth(row),
        "contribution": signed(contribution, "pp") if contribution is not None else NOT_LOADED,
    }


def growth(row: dict[str, Any]) -> str:
    """Return week-on-week growth: the point, else `new`, the bounds, or why there are none.

    A bound is open where the week before may have been nothing at all. A point is `about` right where no
    catalogue of the day tells all models of an author: the listed ones are counted, the bounds allow for others.
    """
    point, low, high = row["growth_7d_pct"], row["growth_7d_low_pct"], row["growth_7d_high_pct"]
    if point is not None:
        is_certain = low is None or high is None or high - low < 1e-6
        return signed(point) if is_certain else f"{ABOUT} {signed(point)}"
    if row["contribution_7d_pp"] is None:
        return NOT_LOADED
    if _is_new(row):
        return "new"
    if low is not None and high is not None:
        return f"{signed(low)} to {signed(high)}"
    return f"at least {signed(low)}" if low is not None else "from nothing"


def _week(row: dict[str, Any]) -> str:
    low, high = row["tokens_7d_low"], row["tokens_7d_high"]
    if row["tokens_7d"] is not None:
        count = tokens(row["tokens_7d"])
        return count if low == high else f"{ABOUT} {count}"
    return f"{tokens(low)} to {tokens(high)}" if low is not None else NOT_LOADED


def _signed_places(gained: int) -> str:
    return f"{gained:+d}" if gained else "same"


def rank_change(row: dict[str, Any], places: Callable[[int], str] = _signed_places) -> str:
    """Return places gained since the day a week earlier, else `new`, `unlisted` then, or why it is not known."""
    if row["rank"] is None:
        return NO_RANK
    if row["rank_change_7d"] is not None:
        return places(row["rank_change_7d"])
    if row["contribution_7d_pp"] is None:
        return NOT_LOADED
    return "new" if _is_new(row) else "unlisted"


def _is_new(row: dict[str, Any]) -> bool:
    return bool(row["date"] - row["first_date"] < timedelta(days=7))
