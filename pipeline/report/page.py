"""The page: what the figures say, put into its template; and the charts as pictures of their own."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from pipeline import html
from pipeline.reading import cited, simulated_title
from pipeline.rendering import PictureFormat, Theme, first_sentence, signed, tokens
from pipeline.report import drawing, figures
from pipeline.report.figures import base
from pipeline.report.figures.base import Figure, Sparkline
from pipeline.warehouse import last_build, rows_of

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger(__name__)
FOLDER = Path(__file__).parent
NAME = "OpenRouter token growth"
KINDS = {
    "date": re.compile(r"\d{4}-\d\d-\d\d|\N{EN DASH}"),
    "number": re.compile(r"[+\-]?\$?[\d.,]+( (T|B|M|k|%|pp))?( to .*)?|\N{EN DASH}|[=▲▼].*"),
}
SPARKLINE_PX = (120, 26)
SHOWN_DAYS = 371
YEAR_DAYS = 364  # whole weeks, so that a weekday meets its like
DESCRIPTIONS = """
select table_name as name, comment from duckdb_tables() where schema_name = 'marts'
union all
select view_name as name, comment from duckdb_views() where schema_name = 'marts'
"""
NOT_BUILT = "It is not published, because it takes an extra that was not installed"
DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
WIDTHS = (drawing.WIDE_PX, drawing.NARROW_PX)


@dataclass(frozen=True)
class Drawn:
    """A figure with its pictures, a wide and a narrow one, or none."""

    figure: Figure
    pictures: Sequence[drawing.Inline]
    has_failed: bool = False


@dataclass(frozen=True)
class Content:
    """Everything that the page says, read from the published file at once."""

    contract: dict[str, Any]
    build: dict[str, Any]
    headline: dict[str, Any]
    trend: dict[str, Any] | None
    sections: Sequence[tuple[figures.Section, Sequence[Drawn]]]
    descriptions: dict[str, str]

    @property
    def is_simulated(self) -> bool:
        """Tell whether the figures are made up."""
        return bool(self.contract["is_simulated"])

    @property
    def drawn(self) -> list[Drawn]:
        """Return the figures in their order."""
        return [one for _, several in self.sections for one in several]


def read(connection: duckdb.DuckDBPyConnection) -> Content:
    """Return what the page says, from a connection to the published file."""
    descriptions = {row["name"]: row["comment"] for row in rows_of(connection, DESCRIPTIONS)}
    reader = base.Reader(connection, descriptions)
    trends = [row for row in reader("trends") if row["dimension"] == "total"]
    return Content(
        contract=rows_of(connection, "select * from contract")[0],
        build=last_build(connection),
        headline=reader("headline")[0],
        trend=trends[0] if trends else None,
        sections=[(section, [_drawn(make, reader) for make in section.figures]) for section in figures.SECTIONS],
        descriptions=descriptions,
    )


def _drawn(make: Callable[[base.Read], Figure], reader: base.Reader) -> Drawn:
    """Return a figure with its drawings, or what can be had of it: one that fails takes no other with it."""
    name = make.__name__.replace("_", "-")
    try:
        figure = make(reader)
    except Exception as error:  # whatever it is: the others are as good as before
        _warn(name, "made", error)
        finding = "This figure could not be made; the log of the command says why."
        return Drawn(Figure(name, name.replace("-", " ").capitalize(), finding), (), has_failed=True)
    if figure.draw is None:
        return Drawn(figure, ())
    try:
        pictures = [drawing.inline(figure.draw(drawing.VARIABLES, width), f"{name}-{width}") for width in WIDTHS]
    except Exception as error:
        _warn(name, "drawn", error)
        return Drawn(replace(figure, draw=None), (), has_failed=True)
    return Drawn(figure, pictures)


def _warn(name: str, what: str, error: Exception) -> None:
    first_line = str(error).partition("\n")[0]
    log.warning("The figure %s could not be %s (%s: %s).", name, what, type(error).__name__, first_line)
    log.debug("The traceback:", exc_info=error)


def render(content: Content, parquet: Collection[str] = ()) -> str:
    """Return the page as HTML, which links to those tables that lie as Parquet beside it.

    Whatever a name holds, it is text.
    """
    used = sorted({mart for one in content.drawn for mart in one.figure.marts})
    return html.page(
        FOLDER,
        {"dated": dated},
        title=NAME,
        summary=_summary(content),
        is_simulated=content.is_simulated,
        cards=_cards(content),
        sections=[
            {
                "name": section.name,
                "title": section.title,
                "figures": [_shown(one, content) for one in several],
            }
            for section, several in content.sections
        ],
        tables={mart: first_sentence(content.descriptions.get(mart, NOT_BUILT)) for mart in used},
        parquet=parquet,
        citation=cited(content.contract),
        program_version=content.build["program_version"],
        build_id=content.build["build_id"],
        built_at=f"{content.build['built_at']:%Y-%m-%d %H:%M} UTC",
        contract_version=content.contract["contract_version"],
        light=drawing.LIGHT,
        dark=drawing.DARK,
    )


def dated(text: str) -> Markup:
    """Return text whose dates stay on one line."""
    return Markup(DATE.sub(r'<span class="date">\g<0></span>', str(escape(text))))


def pictures(content: Content, form: PictureFormat, theme: Theme) -> Iterator[tuple[str, bytes]]:
    """Yield each chart with its name: titled, on the theme's ground, with its source below."""
    colours = drawing.COLOURS[theme]
    for figure in (one.figure for one in content.drawn):
        if figure.draw is None:
            continue
        spec = figure.draw(colours, drawing.WIDE_PX)
        marked = ", ".join(_tags(figure))
        numbered = "; ".join(f"{n}: {words}" for n, words in enumerate(figure.numbered, start=1))
        spec = drawing.titled(
            spec,
            colours,
            simulated_title(content.is_simulated) + figure.title + (f" ({marked})" if marked else ""),
            [figure.finding, figure.note, numbered, cited(content.contract, figure.dimension)],
        )
        yield figure.name, drawing.to_svg(spec).encode() if form is PictureFormat.SVG else drawing.to_png(spec)


def _shown(one: Drawn, content: Content) -> dict[str, Any]:
    figure = one.figure
    rows = [[_cell(cell) for cell in row] for row in _shown_rows(figure)]
    return {
        "name": figure.name,
        "title": figure.title,
        "finding": figure.finding,
        "note": figure.note,
        "tags": _tags(figure),
        "is_table": figure.is_table,
        "pictures": dict(zip(("wide", "narrow"), one.pictures, strict=False)),
        "reach": figure.reach,
        "columns": figure.columns,
        "rows": rows,
        "left_out": len(figure.rows) - len(rows),
        "numbered": figure.numbered,
        "kinds": [_kind([str(row[n]) for row in rows]) for n in range(len(figure.columns))],
        "marts": figure.marts,
        "texts": [base.query(name) for name in figure.queries],
        "citation": cited(content.contract, figure.dimension),
    }


def _kind(cells: Sequence[str]) -> str:
    """Return the class of a column: dates stay on one line, and numbers stand flush right as well."""
    return next((name for name, pattern in KINDS.items() if all(map(pattern.fullmatch, cells))), "")


def _tags(figure: Figure) -> list[str]:
    states = {"estimate": figure.is_estimate, "provisional": figure.is_provisional}
    return [word for word, holds in states.items() if holds]


def _shown_rows(figure: Figure) -> list[Sequence[Any]]:
    """Return each day of the last year and each week before: a page that grew without end would not open on a phone."""
    return [row for n, row in enumerate(figure.rows) if n < SHOWN_DAYS or (n - SHOWN_DAYS) % 7 == 0]


def _cell(value: Any) -> Any:
    if isinstance(value, Sparkline):
        return sparkline_svg(value.values)
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str) else f"{value:,}"


def sparkline_svg(values: Sequence[int | None]) -> Markup:
    """Return values as a line from zero, with a gap where one is missing, and what it shows in words."""
    width, height = SPARKLINE_PX
    known = [value for value in values if value is not None]
    most, step = max(known, default=0) or 1, width / max(len(values) - 1, 1)
    path, is_drawing = [], False
    for n, value in enumerate(values):
        if value is not None:
            # A day between gaps is a dot: a line of no length, whose ends are round.
            place = f"{n * step:.1f},{height - height * value / most:.1f}"
            path.append(f"L{place}" if is_drawing else f"M{place}h0")
        is_drawing = value is not None
    words = f"{tokens(known[0])} to {tokens(known[-1])}, listed on {len(known)} of {len(values)} days" if known else ""
    return Markup('<svg class="sparkline" role="img" aria-label="{}" viewBox="0 0 {} {}"><path d="{}"/></svg>').format(
        words, width, height, "".join(path)
    )


def _summary(content: Content) -> str:
    head = content.headline
    sentence = f"{tokens(head['total_tokens'])} tokens on {head['date']}"
    if head["growth_7d_pct"] is not None:
        sentence += f", {signed(head['growth_7d_pct'])} over seven days"
    if content.trend:
        sentence += f"; by the trend within the last {content.trend['days']} days, use {_doubling(content.trend)}"
    state = " What is provisional is marked." if head["is_provisional"] else ""
    days = f"{head['days']:,} day{'s' if head['days'] > 1 else ''} from {head['first_date']} on"
    return f"{sentence}. {days}, as of {_instant(content)}.{state}"


def _against(days: int) -> str:
    return "the week on the same week a year before" if days == YEAR_DAYS else f"on the {days} days before"


def _needs(days: int) -> str:
    return f"it takes {days + 7 if days == YEAR_DAYS else 2 * days} loaded days in a row"


def _doubling(trend: dict[str, Any]) -> str:
    words = base.doubling(trend)
    return words if words != base.NO_DIRECTION else f"has {words}"


def _instant(content: Content) -> str:
    return f"{content.contract['as_of']:%Y-%m-%d %H:%M} UTC"


def _cards(content: Content) -> list[dict[str, str]]:
    head, trend = content.headline, content.trend
    cards = [
        {
            "label": f"Tokens on {head['date']}",
            "value": tokens(head["total_tokens"]),
            "more": "provisional" if head["is_provisional"] else "settled",
        }
    ]
    for days in (7, 28, YEAR_DAYS):
        growth = head[f"growth_{days}d_pct"]
        cards.append(
            {
                "label": f"Growth over {days} days",
                "value": base.NONE if growth is None else signed(growth),
                "more": _needs(days) if growth is None else _against(days),
            }
        )
    if trend:
        is_doubling = trend["verdict"] == "doubling"
        cards.append(
            {
                "label": f"Doubling time by the trend within {trend['days']} days",
                "value": f"{trend['doubling_time_days']:,.0f} days" if is_doubling else base.NONE,
                "more": (f"interval: {base.doubling_interval(trend)} days" if is_doubling else base.doubling(trend)),
            }
        )
    return cards
