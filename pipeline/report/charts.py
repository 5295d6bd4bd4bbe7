"""Charts of the report in Vega-Lite: each takes rows and gives a chart, whatever the rows are about.

What is certain is a solid mark, what lies between bounds a pale band, and what is not listed has a colour of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import altair as alt

from pipeline.rendering import SCALES
from pipeline.report.drawing import Colours, config

Rows = Sequence[Mapping[str, Any]]
HEIGHT_PX = 280
ROW_PX = 30
NARROWER_THAN_PX = 500
# Vega looks names up in plain objects, where `constructor` is taken: a key begins with a letter of ours, its label does
# not.
KEY = "="
LABEL = f"slice(datum.label, {len(KEY)})"
# Labels are measured in a font that a reader's browser may not have; a wider one needs some room at the left.
PADDING_PX = {"left": 12, "right": 4, "top": 2, "bottom": 2}


def finished(chart: Any, colours: Colours, width_px: int, height_px: int = HEIGHT_PX) -> dict[str, Any]:
    """Return the Vega-Lite specification of a chart in a look and a size, whose width holds axes and labels too."""
    sized = chart.properties(
        width=width_px,
        height=height_px,
        autosize=alt.AutoSizeParams(type="fit", contains="padding"),
        padding=PADDING_PX,
    )
    specification: dict[str, Any] = sized.to_dict()
    return specification | {"config": config(colours)}


def lines(
    rows: Rows,
    colours: Colours,
    width_px: int,
    *,
    line: str,
    title: str,
    dots: str | None = None,
    band: tuple[str, str] | None = None,
    events: Rows = (),
    starts_at_zero: bool = True,
) -> dict[str, Any]:
    """Draw one line over days, above the dots of single days or a band; events are numbered at the top.

    A day that `is_provisional` has an open dot.
    """
    scale, unit = _unit(rows, [name for name in (line, dots, *(band or ())) if name])
    data = _data(thinned(rows, width_px), scale)
    x = _days(rows, width_px)
    axis = _axis(unit)
    y_scale = alt.Scale(zero=starts_at_zero, nice=True)
    layers: list[Any] = []
    provisional: list[Any] = []
    if band:
        layers.append(
            alt.Chart(data)
            .mark_area(color=colours["series-1"], opacity=0.25)
            .encode(x=x, y=alt.Y(f"{band[0]}:Q", title=title, axis=axis, scale=y_scale), y2=alt.Y2(f"{band[1]}:Q"))
        )
    if dots:
        y = alt.Y(f"{dots}:Q", title=title, axis=axis, scale=y_scale)
        settled = alt.Chart(data).mark_circle(color=colours["rest"], opacity=0.6, size=14)
        open_ = alt.Chart(data).mark_point(
            filled=True, fill=colours["paper"], stroke=colours["ink"], size=26, opacity=1
        )
        layers.append(settled.encode(x=x, y=y).transform_filter("!datum.is_provisional"))
        provisional.append(open_.encode(x=x, y=y).transform_filter("datum.is_provisional"))
    layers.append(
        alt.Chart(data)
        .mark_line(color=colours["series-1"], strokeWidth=2.5)
        .encode(x=x, y=alt.Y(f"{line}:Q", title=title, axis=axis, scale=y_scale))
    )
    if events:
        marks = alt.Chart(_data(events, 1)).encode(x=x)
        layers.append(marks.mark_rule(color=colours["muted"], strokeDash=[2, 3]))
        layers.append(
            marks.mark_text(color=colours["ink"], fontWeight="bold", baseline="top", dy=2, dx=4, align="left").encode(
                y=alt.Y("top_px:Q", scale=None, axis=None), text="number:N"
            )
        )
    return finished(alt.layer(*layers, *provisional), colours, width_px)


def bands(
    rows: Rows, colours: Colours, width_px: int, *, group: str, low: str, high: str, title: str
) -> dict[str, Any]:
    """Draw what lies between two bounds over days, a band for each group; where the bounds meet it is a line."""
    groups = list(dict.fromkeys(str(row[group]) for row in rows))
    fills = alt.Scale(domain=groups, range=[colours[f"series-{n + 1}"] for n in range(len(groups))])
    base = alt.Chart(_data(thinned(rows, width_px, group), 1)).encode(
        x=_days(rows, width_px), color=alt.Color(f"{group}:N", scale=fills, sort=groups)
    )
    y = alt.Y(f"{low}:Q", title=title, scale=alt.Scale(zero=True))
    area = base.mark_area(opacity=0.35).encode(y=y, y2=alt.Y2(f"{high}:Q"))
    edges = [base.mark_line(strokeWidth=1.5).encode(y=alt.Y(f"{name}:Q", title=title)) for name in (low, high)]
    return finished(alt.layer(area, *edges), colours, width_px)


def several_lines(rows: Rows, colours: Colours, width_px: int, *, group: str, value: str, title: str) -> dict[str, Any]:
    """Draw a line for each group over days; the axis does not begin at zero."""
    groups = list(dict.fromkeys(str(row[group]) for row in rows))
    strokes = alt.Scale(domain=groups, range=[colours[f"series-{n + 1}"] for n in range(len(groups))])
    chart = (
        alt.Chart(_data(thinned(rows, width_px, group), 1))
        .mark_line(strokeWidth=2, point=len(rows) < 40)
        .encode(
            x=_days(rows, width_px),
            y=alt.Y(f"{value}:Q", title=title, scale=alt.Scale(zero=False)),
            color=alt.Color(f"{group}:N", scale=strokes, sort=groups),
        )
    )
    return finished(chart, colours, width_px)


def stacked_shares(
    rows: Rows, colours: Colours, width_px: int, *, group: str, fills: Mapping[str, str], title: str
) -> dict[str, Any]:
    """Draw shares that make 100 % over days, in the order of `fills`, whose values name colours."""
    shown = [name for name in fills if any(row[group] == name for row in rows)]
    keys = [KEY + name for name in shown]
    # A day on which a group has nothing is told, or its area would bridge it; a day that is not loaded stays a gap.
    places = {name: n for n, name in enumerate(shown)}
    found = {(row["date"], row[group]): row["share_pct"] for row in rows}
    days = thinned(rows, width_px)
    loaded = {row["date"] for row in days if group in row}
    filled = [
        {
            "date": day,
            "key": KEY + name,
            "share_pct": found.get((day, name), 0.0) if day in loaded else None,
            "place": places[name],
        }
        for day in sorted({row["date"] for row in days})
        for name in shown
    ]
    chart = (
        alt.Chart(_data(filled, 1))
        .mark_area(stroke=colours["paper"], strokeWidth=0.5)
        .encode(
            x=_days(rows, width_px),
            y=alt.Y("share_pct:Q", stack="zero", title=title, scale=alt.Scale(domain=[0, 100])),
            color=alt.Color(
                "key:N",
                sort=keys,
                scale=alt.Scale(domain=keys, range=[colours[fills[name]] for name in shown]),
                legend=_legend(shown, width_px, labelExpr=LABEL),
            ),
            order=alt.Order("place:Q"),
        )
    )
    return finished(chart, colours, width_px)


def stacked_parts(
    rows: Rows, colours: Colours, width_px: int, *, parts: Mapping[str, tuple[str, str]], total: str, title: str
) -> dict[str, Any]:
    """Draw gains above and losses below zero by week, each part with its words and colour, and their sum as a dot."""
    words = dict.fromkeys(word for word, _ in parts.values())
    melted = [
        {"date": row["date"], "part": word, "pp": row[name], "place": place}
        for row in rows
        for place, (name, (word, _)) in enumerate(parts.items())
        if row[name]
    ]
    used = [word for word in words if any(row["part"] == word for row in melted)]
    fills = {word: colours[colour] for word, colour in parts.values()}
    x = _days(rows, width_px, margin_days=4)
    bars = (
        alt.Chart(_data(melted, 1))
        .mark_bar(width={"expr": f"0.75 * width / {max(len(rows), 4) + 1}"})
        .encode(
            x=x,
            y=alt.Y("pp:Q", title=title),
            color=alt.Color(
                "part:N",
                sort=used,
                scale=alt.Scale(domain=used, range=[fills[word] for word in used]),
                legend=_legend(used, width_px),
            ),
            order=alt.Order("place:Q"),
        )
    )
    sums = (
        alt.Chart(_data(rows, 1))
        .mark_point(filled=True, color=colours["ink"], stroke=colours["paper"], size=50, opacity=1)
        .encode(x=x, y=alt.Y(f"{total}:Q"))
    )
    return finished(alt.layer(bars, sums), colours, width_px)


def waterfall(rows: Rows, colours: Colours, width_px: int, *, title: str) -> dict[str, Any]:
    """Draw steps that add up, each from where the one above ends: rows of `name`, `start`, `end`, `words`, `colour`."""
    ends = [float(row[key]) for row in rows for key in ("start", "end")]
    reach = max(ends) - min(min(ends), 0.0)
    data = _data([{**row, "right": max(row["start"], row["end"])} for row in _keyed(rows, "name")], 1)
    y = _names(rows, "name", colours)
    bars = (
        alt.Chart(data)
        .mark_bar(size=ROW_PX - 10)
        .encode(
            y=y,
            x=alt.X(
                "start:Q",
                title=title,
                scale=alt.Scale(domain=[min(min(ends), 0.0), max(ends) + 0.22 * reach], nice=False),
            ),
            x2=alt.X2("end:Q"),
            color=alt.Color("colour:N", scale=None, legend=None),
        )
    )
    words = alt.Chart(data).mark_text(align="left", dx=5).encode(y=y, x="right:Q", text="words:N")
    return finished(alt.layer(bars, words), colours, width_px, ROW_PX * len(rows) + 40)


def intervals(rows: Rows, colours: Colours, width_px: int, *, title: str) -> dict[str, Any]:
    """Draw a point with its interval for each row of `name`, `low`, `point`, `high`, `colour`, and a line at zero.

    The axis holds every point with room around it; an interval that is much wider runs out of the picture.
    """
    data = _data(_keyed(rows, "name"), 1)
    reach = max(5.0, 1.6 * max(abs(row["point"]) for row in rows))
    scale = alt.Scale(domain=[max(-100.0, -reach), reach], nice=False)
    y = _names(rows, "name", colours)
    colour = alt.Color("colour:N", scale=None, legend=None)
    zero = alt.Chart(alt.InlineData([{"zero": 0}])).mark_rule(color=colours["muted"]).encode(x="zero:Q")
    spans = (
        alt.Chart(data)
        .mark_rule(strokeWidth=5, opacity=0.55, clip=True)
        .encode(y=y, x=alt.X("low:Q", title=title, scale=scale), x2=alt.X2("high:Q"), color=colour)
    )
    points = alt.Chart(data).mark_point(filled=True, size=45, opacity=1).encode(y=y, x="point:Q", color=colour)
    return finished(alt.layer(zero, spans, points), colours, width_px, ROW_PX * len(rows) + 40)


def bars(rows: Rows, colours: Colours, width_px: int, *, name: str, value: str, words: str, title: str) -> Any:
    """Draw one bar a row, in the order of the rows, with its value in words."""
    scale, unit = _unit(rows, [value])
    most = max(float(row[value]) for row in rows) / scale
    room = 1.9 if width_px < NARROWER_THAN_PX else 1.25
    data = _data(_keyed(rows, name), scale, only=[value])
    y = _names(rows, name, colours)
    x = alt.X(f"{value}:Q", title=title, axis=_axis(unit), scale=alt.Scale(domain=[0, room * most], nice=False))
    drawn = alt.Chart(data).mark_bar(color=colours["series-1"], size=ROW_PX - 10).encode(y=y, x=x)
    labels = alt.Chart(data).mark_text(align="left", dx=5).encode(y=y, x=x, text=f"{words}:N")
    return finished(alt.layer(drawn, labels), colours, width_px, ROW_PX * len(rows) + 40)


def states(
    rows: Rows, colours: Colours, width_px: int, *, row: str, state: str, fills: Mapping[str, str]
) -> dict[str, Any]:
    """Draw a calendar of weeks: for each row one cell a week in the colour of its state."""
    shown = [name for name in fills if any(one[state] == name for one in rows)]
    first, last = min(one["week"] for one in rows), max(one["week"] for one in rows)
    cells = [{**one, "until": one["week"] + timedelta(days=7)} for one in rows]
    domain = [first.isoformat(), (last + timedelta(days=7)).isoformat()]
    names = list(dict.fromkeys(str(one[row]) for one in rows))
    chart = (
        alt.Chart(_data(cells, 1))
        .mark_rect(stroke=colours["paper"], strokeWidth=0.4)
        .encode(
            x=alt.X("week:T", title=None, scale=alt.Scale(type="utc", domain=domain, nice=False)),
            x2=alt.X2("until:T"),
            y=alt.Y(f"{row}:N", sort=names, title=None, axis=alt.Axis(labelColor=colours["ink"], labelLimit=140)),
            color=alt.Color(
                f"{state}:N",
                sort=shown,
                scale=alt.Scale(domain=shown, range=[colours[fills[name]] for name in shown]),
                legend=_legend(shown, width_px),
            ),
        )
    )
    return finished(chart, colours, width_px, 20 * len(names) + 70)


def thinned(rows: Rows, width_px: int, group: str | None = None) -> Rows:
    """Return what a time axis of a width can show: no more days than pixels, the newest and each weekday among them.

    Where a day up to the next one shown is not loaded, there is a row with its date and group only, so that no line is
    drawn across it.
    """
    first, last = domain(rows)
    step = (last - first).days // width_px + 1
    step += step % 7 == 0
    wanted = [last - timedelta(days=back) for back in range(0, (last - first).days + 1, step)]
    loaded = {row["date"] for row in rows}
    missing = {
        day
        for day in wanted
        if any(one >= first and one not in loaded for one in (day - timedelta(days=back) for back in range(step)))
    }
    shown = set(wanted) - missing
    groups = dict.fromkeys(row[group] for row in rows) if group else {}
    blanks = [{"date": day} | ({group: name} if group else {}) for day in missing for name in groups or [None]]
    return sorted([*blanks, *(row for row in rows if row["date"] in shown)], key=lambda row: row["date"])


def domain(rows: Rows, margin_days: int = 0) -> tuple[date, date]:
    """Return the first and the last date of a time axis."""
    days = [row["date"] for row in rows]
    return min(days) - timedelta(days=margin_days), max(days) + timedelta(days=margin_days)


def _days(rows: Rows, width_px: int, margin_days: int = 0) -> alt.X:
    first, last = domain(rows, margin_days)
    return alt.X(
        "date:T",
        title=None,
        # Dates are UTC days: a zone of the machine must not move them.
        scale=alt.Scale(type="utc", domain=[first.isoformat(), last.isoformat()], nice=False),
        axis=alt.Axis(
            tickCount=4 if width_px < NARROWER_THAN_PX else 7,
            format="%b %-d" if last - first < timedelta(days=200) else "%b %Y",
        ),
    )


def _keyed(rows: Rows, name: str) -> Rows:
    return [{**row, "key": f"{KEY}{row[name]}"} for row in rows]


def _names(rows: Rows, name: str, colours: Colours) -> alt.Y:
    """Return an axis with the names of rows from `_keyed`, in the order of the rows."""
    keys = [row["key"] for row in _keyed(rows, name)]
    return alt.Y(
        "key:N",
        sort=keys,
        title=None,
        axis=alt.Axis(labelColor=colours["ink"], labelLimit=140, labelExpr=LABEL),
    )


def _axis(unit: str) -> alt.Axis:
    return alt.Axis(labelExpr=f"datum.label + ' {unit}'") if unit else alt.Axis()


def _legend(names: Sequence[str], width_px: int, **more: Any) -> alt.Legend:
    return alt.Legend(columns=2 if width_px < NARROWER_THAN_PX else len(names) if len(names) <= 5 else 4, **more)


def _unit(rows: Rows, columns: Sequence[str]) -> tuple[float, str]:
    """Return what to divide by, and its letter, so that an axis has short numbers."""
    most = max((abs(row[name]) for row in rows for name in columns if row[name] is not None), default=0)
    return next(((size, unit) for size, unit in SCALES if most >= size), (1.0, ""))


def _data(rows: Rows, scale: float, only: Sequence[str] | None = None) -> alt.InlineData:
    """Return rows as Vega-Lite's data: dates in ISO 8601, which it reads as UTC, and numbers in the axis' unit."""

    def value(name: str, cell: Any) -> Any:
        if isinstance(cell, date):
            return cell.isoformat()
        if isinstance(cell, int | float) and not isinstance(cell, bool) and (only is None or name in only):
            return cell / scale
        return cell

    return alt.InlineData([{name: value(name, cell) for name, cell in row.items()} for row in rows])
