"""Charts as SVG and PNG: one look in two themes, drawn by Vega-Lite without a browser.

In the page a colour is a CSS variable, so that one picture serves the light and the dark theme. Slides get the colours
themselves. The categorical colours are Paul Tol's "bright" scheme, which colour-blind readers can tell apart
(https://sronpersonalpages.nl/~pault/); those of the dark theme are the same, lightened where needed.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from pipeline.rendering import Theme

Colours = Mapping[str, str]
Spec = dict[str, Any]

LIGHT: Colours = {
    "paper": "#ffffff",
    "ink": "#1c2530",
    "muted": "#56616f",
    "grid": "#e3e7ec",
    "series-1": "#4477aa",
    "series-2": "#ee6677",
    "series-3": "#228833",
    "series-4": "#ccbb44",
    "series-5": "#66ccee",
    "series-6": "#aa3377",
    "rest": "#9aa3ae",
    "unlisted": "#d5dae0",
    "gain": "#2a7fb8",
    "loss": "#d1603d",
}
DARK: Colours = {
    "paper": "#14181f",
    "ink": "#e8ecf1",
    "muted": "#a5afbc",
    "grid": "#2b323c",
    "series-1": "#6699cc",
    "series-2": "#ee7788",
    "series-3": "#44aa55",
    "series-4": "#ccbb44",
    "series-5": "#66ccee",
    "series-6": "#cc66aa",
    "rest": "#7d8793",
    "unlisted": "#444d59",
    "gain": "#58a6dc",
    "loss": "#e9835f",
}
VARIABLES: Colours = {name: f"var(--{name})" for name in LIGHT}
# What Vega measures is what a browser shows: Arial, or Liberation Sans, which is as wide.
FONT = "Arial, 'Liberation Sans', Helvetica, sans-serif"
ID = re.compile(r'(\bid="|url\(#)([^")]*)')
WIDE_PX, NARROW_PX = 760, 340
CHARACTERS_A_LINE = 135
TITLE_PX, LINE_PX = 46, 14
COLOURS = {Theme.LIGHT: LIGHT, Theme.DARK: DARK}


@dataclass(frozen=True)
class Inline:
    """A picture for the page, and where its plot lies in it, so that a pointer finds its date: from left, in px."""

    svg: Markup
    plot_left_px: float
    plot_width_px: float


def config(colours: Colours) -> dict[str, Any]:
    """Return Vega-Lite's settings of the look."""
    return {
        # The page describes each chart in words and in a table; a thousand marks that are read out help nobody.
        "aria": False,
        "font": FONT,
        "background": None,
        "view": {"stroke": None},
        "axis": {
            "labelColor": colours["muted"],
            "titleColor": colours["muted"],
            "domainColor": colours["muted"],
            "tickColor": colours["muted"],
            "gridColor": colours["grid"],
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "labelLimit": 170,
        },
        "axisY": {"domain": False, "ticks": False, "labelPadding": 6},
        "axisX": {"grid": False, "labelOverlap": True, "labelSeparation": 8},
        "legend": {
            "orient": "top",
            "title": None,
            "labelColor": colours["ink"],
            "labelFontSize": 12,
            "labelLimit": 150,
            "symbolType": "square",
            "symbolSize": 110,
            "columnPadding": 22,
        },
        "text": {"color": colours["ink"], "fontSize": 12},
        "title": {"color": colours["ink"], "subtitleColor": colours["muted"], "anchor": "start", "fontSize": 16},
    }


def inline(spec: Spec, name: str) -> Inline:
    """Return a chart's SVG for the page: hidden from screen readers, and with ids that no other picture has."""
    svg = to_svg(spec)
    left = re.search(r"translate\((-?[\d.]+),", svg)
    width = re.search(r'class="background"[^>]*? d="M[\d.]+,[\d.]+h([\d.]+)v', svg)
    if left is None or width is None:
        raise ValueError(f"the drawing of {name} has no plot")
    # Vega counts its ids on and on; those of a page are its own, and the same each time. A name is text, not a tag.
    ids = {old: f"{name}-{n}" for n, old in enumerate(dict.fromkeys(re.findall(r'<[^>]*\bid="([^"]*)"', svg)))}
    svg = re.sub(r"<[^>]*>", lambda tag: ID.sub(lambda found: found[1] + ids[found[2]], tag[0]), svg)
    svg = re.sub(r"<svg ", '<svg aria-hidden="true" focusable="false" ', svg, count=1)
    # Vega has escaped what the marks say.
    return Inline(Markup(svg), float(left[1]), float(width[1]))


def titled(spec: Spec, colours: Colours, title: str, paragraphs: Sequence[str]) -> Spec:
    """Return a chart that can leave the page: on the theme's ground, with its title and what the page says of it."""
    lines = [line for text in paragraphs for line in textwrap.wrap(text, CHARACTERS_A_LINE)]
    return {
        **spec,
        # What is said takes no room from the plot.
        "height": spec["height"] + TITLE_PX + LINE_PX * len(lines),
        "background": colours["paper"],
        "padding": 16,
        "title": {"text": title, "subtitle": lines, "subtitlePadding": 6, "offset": 14},
    }


def to_svg(spec: Spec) -> str:
    """Return a chart as SVG."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(spec))


def to_png(spec: Spec) -> bytes:
    """Return a chart as PNG, two pixels a point."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(spec, scale=2))
