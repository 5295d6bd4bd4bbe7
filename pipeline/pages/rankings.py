"""Reads saved or archived copies of https://openrouter.ai/rankings, which carried figures from 2025-02 to 2026-05.

The page brings its figures as the props of React components, in a stream that many small scripts push. Nothing
but its content tells what a section is: identifiers change with every build, and positions with every redesign.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from pipeline.contracts import (
    CATEGORIES,
    CONTEXT_BUCKETS,
    MAX_TOKENS_A_DAY,
    Payload,
    read_json,
    require_unique,
    unknown_fields,
)
from pipeline.errors import ContractBrokenError
from pipeline.pages.flight import Html, broken, pushed_stream, read_html, stream_rows

if TYPE_CHECKING:
    import polars as pl
    from polars._typing import PolarsDataType

MAX_SECTIONS = 100
MAX_ROWS = 50_000  # of one table; the recorded page's charts have some 2,500

WINDOWS = ("day", "week", "month")
# More than any month, and less than what a table of a hundred windows can add up in a BIGINT.
MAX_WINDOW_TOKENS = 10 * MAX_TOKENS_A_DAY
STANDARD = "standard"

# Another time than midnight UTC would leave open which day is meant. `$D` is how React writes a Date.
DAY = re.compile(r"(?:\$D)?([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00(?::?00)?)?)?")


def _day(value: object) -> date:
    match = DAY.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ValueError("not a UTC day")
    return date.fromisoformat(match[1])


def _whole(value: object) -> object:
    return int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,18}", value) else value


Day = Annotated[date, BeforeValidator(_day)]
Text = Annotated[str, StringConstraints(max_length=500)]
Count = Annotated[int, Field(ge=0, lt=MAX_WINDOW_TOKENS)]
CountOrText = Annotated[Count, BeforeValidator(_whole)]
Value = Annotated[float, Field(ge=0, lt=MAX_WINDOW_TOKENS, allow_inf_nan=False)]
Window = Literal["day", "week", "month"]


class ModelRow(Payload):
    """Use of one model and variant in a window; counters that older pages may lack are optional."""

    date: Day
    model_permaslug: Text
    variant: Text
    total_prompt_tokens: Count
    total_completion_tokens: Count
    count: Count
    change: Annotated[float, Field(allow_inf_nan=False)] | None = None
    total_native_tokens_reasoning: Count | None = None
    total_native_tokens_cached: Count | None = None
    total_tool_calls: Count | None = None
    requests_with_tool_call_errors: Count | None = None
    num_media_prompt: Count | None = None
    num_media_completion: Count | None = None
    num_audio_prompt: Count | None = None
    variant_permaslug: Any = None


class Ranking(Payload):
    """The leaderboard of one window."""

    rows: Annotated[list[ModelRow], Field(alias="rankingData", min_length=1)]
    window: Annotated[Window, Field(alias="rankingType")]


class App(Payload):
    """Who an application is; of its profile only the name matters here."""

    title: Text
    id: Any = None
    created_at: Any = None
    description: Any = None
    main_url: Any = None
    origin_url: Any = None
    source_code_url: Any = None
    icon_class_name: Any = None
    favicon_url: Any = None


class AppRow(Payload):
    """Use of one application in a window; rank and requests came in 2026."""

    app_id: Count
    total_tokens: CountOrText
    app: App
    rank: Annotated[int, Field(ge=1, lt=2**62)] | None = None
    total_requests: CountOrText | None = None


class Apps(Payload):
    """The listed applications of each window."""

    windows: Annotated[dict[Window, Annotated[list[AppRow], Field(min_length=1)]], Field(alias="rankMap", min_length=3)]


class Point(Payload):
    """One bucket of a stacked chart."""

    x: Day
    ys: dict[Text, Value]


class Chart(Payload):
    """A stacked chart; only the leaderboard's is drawn with a forecast."""

    points: Annotated[list[Point], Field(alias="data", min_length=1)]
    forecast: bool


NAMES: dict[type[Payload], tuple[bytes, ...]] = {
    Ranking: (b'"rankingData"', b'"model_permaslug"'),
    Chart: (b'"ys"',),
    Apps: (b'"rankMap"',),
}


@dataclass(frozen=True, eq=False)
class RankingsPage:
    """What one page says.

    `models` holds totals of trailing windows, not of days, `last_active_date` the last day on which each model was
    used. `chart` holds the buckets of every chart: the newest is still running, the oldest of a year may be cut;
    `unit` is null where the page does not tell it. `apps` holds the listed applications, with a rank where the page
    states one. `warnings` names fields that this version does not know.
    """

    models: pl.DataFrame
    chart: pl.DataFrame
    apps: pl.DataFrame
    warnings: tuple[str, ...] = ()


def parse(body: bytes, what: str = "the rankings page") -> RankingsPage:
    """Return the figures of a saved page; raise ContractBrokenError when it has none or they are damaged."""
    html = read_html(body, what)
    _require_rankings(html, what)
    stream = pushed_stream(html.scripts, what)
    sections = list(_sections(stream_rows(stream, what), what))
    _require_read(sections, stream, what)
    return RankingsPage(
        models=_models_frame([section for section in sections if isinstance(section, Ranking)], what),
        chart=_chart_frame([section for section in sections if isinstance(section, Chart)], what),
        apps=_apps_frame([section for section in sections if isinstance(section, Apps)], what),
        warnings=unknown_fields(_parts(sections), what),
    )


def is_rankings(html: Html) -> bool:
    """Tell by its title whether a page is openrouter.ai/rankings, with or without figures."""
    return any("rankings" in title.lower() and "openrouter" in title.lower() for title in html.titles)


def _require_rankings(html: Html, what: str) -> None:
    if not is_rankings(html):
        found = f"a page called {html.titles[0][:60]!r}" if html.titles else "a page without a title"
        raise broken(what, f"is not openrouter.ai/rankings but {found}; the server may have checked for browsers")
    if not html.is_whole:
        raise broken(what, "is cut off before its end")


def _parts(sections: Iterable[Payload]) -> Iterator[Payload]:
    """Yield the payloads within sections; the sections themselves are cut out of what the page draws with them."""
    for section in sections:
        match section:
            case Ranking():
                yield from section.rows
            case Chart():
                yield from section.points
            case Apps():
                yield from (part for apps in section.windows.values() for row in apps for part in (row, row.app))


def _require_read(sections: Sequence[Payload], stream: bytes, what: str) -> None:
    """Refuse a page of which nothing was read, or nothing of a kind that it names: it has changed its form."""
    for kind, names in NAMES.items():
        for name in names:
            if name in stream and not any(isinstance(section, kind) for section in sections):
                raise broken(what, f"names {name.decode()}, but holds no such section of a known form")
    if not sections:
        raise ContractBrokenError(
            f"{what} is an empty shell: openrouter.ai/rankings has carried no data since 2026-05-17. "
            "Use the Data API with a key, or OpenRouter's keyless exports."
        )


def _sections(rows: Iterable[tuple[str, Any]], what: str) -> Iterator[Payload]:
    """Yield every section at any depth of any row, once however often the page repeats it."""
    seen: list[tuple[type[Payload], Any]] = []
    for place, root in rows:
        for found in _walk(root):
            if found in seen:
                continue
            if len(seen) == MAX_SECTIONS:
                raise broken(what, f"has more than {MAX_SECTIONS} sections")
            seen.append(found)
            model, section = found
            yield read_json(model, json.dumps(section).encode(), place)


def _walk(root: Any) -> Iterator[tuple[type[Payload], Any]]:
    """Find the raw sections of one row; the walk keeps its own stack, as Python's is short."""
    stack: list[tuple[Any, Mapping[str, Any]]] = [(root, {})]
    while stack:
        node, holder = stack.pop()
        if isinstance(node, dict):
            if "rankingData" in node:
                yield Ranking, {name: node[name] for name in ("rankingData", "rankingType") if name in node}
            if "rankMap" in node:
                yield Apps, {"rankMap": node["rankMap"]}
            # Older pages hold model rows of three windows at once. They overlap: each stays a ranking of its own.
            if _has_models(node):
                yield from ((Ranking, {"rankingData": node[w], "rankingType": w}) for w in WINDOWS if w in node)
            stack += [(value, node) for value in node.values()]
        elif isinstance(node, list):
            if _has_item_with("ys", node):
                yield Chart, {"data": node, "forecast": bool(holder.get("forecast"))}
            stack += [(value, {}) for value in node]


def _has_models(windows: Any) -> bool:
    return isinstance(windows, dict) and any(_has_item_with("model_permaslug", windows.get(w)) for w in WINDOWS)


def _has_item_with(name: str, items: Any) -> bool:
    return isinstance(items, list) and any(isinstance(item, dict) and name in item for item in items)


def _named(charts: Sequence[Chart]) -> dict[str, Chart]:
    """Name each chart by its content; the number of an unknown one only keeps it apart from others of its page."""
    kinds: defaultdict[str, list[Chart]] = defaultdict(list)
    for chart in charts:
        kinds[_kind(chart)].append(chart)
    leaderboard = _leaderboard(kinds.pop("by model", []))
    kinds.pop("unknown", None)
    # Two charts of one kind differ in something that the page does not say.
    named = {kind: alike[0] for kind, alike in kinds.items() if len(alike) == 1}
    if leaderboard:
        named["models"] = leaderboard
    rest = [chart for chart in charts if not any(chart is known for known in named.values())]
    rest.sort(key=lambda chart: chart.model_dump_json())
    return named | {f"unknown_{number}": chart for number, chart in enumerate(rest, start=1)}


def _kind(chart: Chart) -> str:
    """Tell charts apart by the entities that they stack, where these are certain."""
    entities = {entity for point in chart.points for entity in point.ys}
    shown = entities - {"others", "Others"}
    # Buckets and use cases bear the names that OpenRouter documents for its API.
    if shown and shown <= {*CONTEXT_BUCKETS}:
        return "context_length"
    if shown and shown <= {*CATEGORIES}:
        return "categories"
    # The chart of authors is the only one that writes the remainder in small letters.
    if "others" in entities and not any("/" in entity for entity in entities):
        return "authors"
    if "Others" in entities and any("/" in entity for entity in shown):
        return "by model"
    return "unknown"


def _leaderboard(charts: Sequence[Chart]) -> Chart | None:
    """Pick the chart of all tokens by model.

    Those of a category, a language, a context length, tool calls or images stack models just the same, and nothing
    on the page tells these apart. The leaderboard is the one with a forecast. Where none has, it is the weekly one
    that holds more than each other in the weeks they share: a slice is less than the whole, and calls and images
    are fewer than tokens.
    """
    candidates = [chart for chart in charts if chart.forecast] or [chart for chart in charts if _is_weekly(chart)]
    for chart in candidates:
        if all(other is chart or _exceeds(chart, other) for other in candidates):
            return chart
    return None


def _is_weekly(chart: Chart) -> bool:
    return len(chart.points) > 1 and len({point.x.weekday() for point in chart.points}) == 1


def _exceeds(chart: Chart, other: Chart) -> bool:
    totals = {point.x: sum(point.ys.values()) for point in chart.points}
    others = {point.x: sum(point.ys.values()) for point in other.points}
    return sum(totals[x] for x in totals.keys() & others) > sum(others[x] for x in totals.keys() & others)


def _models_frame(rankings: Sequence[Ranking], what: str) -> pl.DataFrame:
    import polars as pl

    fields: dict[str, tuple[str, PolarsDataType]] = {
        "model_permaslug": ("model_permaslug", pl.String),
        "variant": ("variant", pl.String),
        "prompt_tokens": ("total_prompt_tokens", pl.Int64),
        "completion_tokens": ("total_completion_tokens", pl.Int64),
        "reasoning_tokens": ("total_native_tokens_reasoning", pl.Int64),
        "cached_tokens": ("total_native_tokens_cached", pl.Int64),
        "requests": ("count", pl.Int64),
        "tool_calls": ("total_tool_calls", pl.Int64),
        "tool_call_error_requests": ("requests_with_tool_call_errors", pl.Int64),
        "prompt_media": ("num_media_prompt", pl.Int64),
        "completion_media": ("num_media_completion", pl.Int64),
        "prompt_audio": ("num_audio_prompt", pl.Int64),
        "change_ratio": ("change", pl.Float64),
        "last_active_date": ("date", pl.Date),
    }
    schema: dict[str, PolarsDataType] = {"ranking_window": pl.String} | {
        name: kind for name, (_, kind) in fields.items()
    }
    rows = [
        (ranking.window, *(getattr(row, attribute) for attribute, _ in fields.values()))
        for ranking in rankings
        for row in ranking.rows
    ]
    rows.sort(key=lambda row: (WINDOWS.index(row[0]), row[1:3]))
    frame = _frame(rows, schema, ["ranking_window", "model_permaslug", "variant"], what)
    # Tables name a model by its slug and variant in one, so that these must be unique, too.
    is_standard = pl.col("variant") == STANDARD
    slug = pl.concat_str(
        "model_permaslug", pl.when(~is_standard).then(pl.lit(":") + pl.col("variant")), ignore_nulls=True
    )
    require_unique(frame.select("ranking_window", slug.alias("slug")), ["ranking_window", "slug"], what)
    for window in WINDOWS:
        tokens = sum(row[3] + row[4] for row in rows if row[0] == window)
        if tokens >= MAX_WINDOW_TOKENS:
            raise broken(what, f"holds {tokens:.1e} tokens for the window {window!r}, more than can be")
    return frame


def _chart_frame(charts: Sequence[Chart], what: str) -> pl.DataFrame:
    import polars as pl

    schema: dict[str, PolarsDataType] = {
        "chart": pl.String,
        "bucket_date": pl.Date,
        "entity": pl.String,
        "value": pl.Float64,
        "unit": pl.String,
    }
    units = {"models": "tokens", "authors": "tokens"}
    rows = [
        (name, point.x, entity, value, units.get(name))
        for name, chart in _named(charts).items()
        for point in chart.points
        for entity, value in point.ys.items()
    ]
    rows.sort(key=lambda row: row[:3])
    return _frame(rows, schema, ["chart", "bucket_date", "entity"], what)


def _apps_frame(sections: Sequence[Apps], what: str) -> pl.DataFrame:
    import polars as pl

    schema: dict[str, PolarsDataType] = {
        "ranking_window": pl.String,
        "rank": pl.Int64,
        "app_id": pl.Int64,
        "app_name": pl.String,
        "total_tokens": pl.Int64,
        "total_requests": pl.Int64,
    }
    rows = [
        (window, app.rank, app.app_id, app.app.title, app.total_tokens, app.total_requests)
        for section in sections
        for window, apps in section.windows.items()
        for app in apps
    ]
    rows.sort(key=lambda row: (WINDOWS.index(row[0]), -row[4], row[2]))
    return _frame(rows, schema, ["ranking_window", "app_id"], what)


def _frame(rows: list[Any], schema: dict[str, PolarsDataType], key: list[str], what: str) -> pl.DataFrame:
    """Build one table in an order of its own, as the page's sections come in any."""
    import polars as pl

    if len(rows) > MAX_ROWS:
        raise broken(what, f"has more than {MAX_ROWS} rows of one kind")
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    require_unique(frame, key, what)
    return frame
