"""Reads saved or archived copies of https://openrouter.ai/rankings, which carried figures from 2025-02 to 2026-05.

The page brings its figures as the props of React components, in a stream that many small scripts push. Nothing
but its content tells what a section is: identifiers change with every build, and positions with every redesign.
"""

from __future__ import annotations

import json
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from bs4 import BeautifulSoup
from bs4.exceptions import ParserRejectedMarkup
from bs4.filter import SoupStrainer
from pydantic import BeforeValidator, Field, StringConstraints

from pipeline.contracts import Payload, read_json, require_unique
from pipeline.errors import ContractBrokenError

if TYPE_CHECKING:
    import polars as pl
    from polars._typing import PolarsDataType

MAX_BYTES = 8 * 2**20  # sixteen times the recorded page
MAX_DEPTH = 100
MAX_SECTIONS = 100
MAX_ROWS = 50_000  # of one table; the recorded page's charts have some 2,500

WINDOWS = ("day", "week", "month")
CONTEXT_BUCKETS = frozenset({"1K", "10K", "100K", "1M", "10M"})
CATEGORIES = frozenset(
    {"programming", "roleplay", "marketing", "marketing/seo", "technology", "science", "translation", "legal"}
    | {"finance", "health", "trivia", "academia"}
)

PUSH = re.compile(r"__next_f(?:\s*\|\|\s*\[\]\s*\))?\.push\(\s*(?=\[)")
PUSH_END = re.compile(r"\s*\)")
# Rows of text (T) and binary kinds state their length in bytes; they may hold newlines and end without one.
ROW = re.compile(rb"\n*([0-9a-f]{0,16}):(?:[TAOoUSsLlGgMmVb]([0-9a-f]{1,8}),)?")
JSON_STARTS = frozenset(b'{["-0123456789tfn')
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
Count = Annotated[int, Field(ge=0, lt=2**62)]
CountOrText = Annotated[Count, BeforeValidator(_whole)]
Value = Annotated[float, Field(ge=0, allow_inf_nan=False)]
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


class Ranking(Payload):
    """The leaderboard of one window."""

    rows: Annotated[list[ModelRow], Field(alias="rankingData", min_length=1)]
    window: Annotated[Window, Field(alias="rankingType")]


class App(Payload):
    """Who an application is; of its profile only the name matters here."""

    title: Text


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
    states one.
    """

    models: pl.DataFrame
    chart: pl.DataFrame
    apps: pl.DataFrame


def parse(body: bytes, what: str = "the rankings page") -> RankingsPage:
    """Return the figures of a saved page; raise ContractBrokenError when it has none or they are damaged."""
    stream = _stream(_scripts(body, what), what)
    sections = list(_sections(_rows(stream, what), what))
    _require_read(sections, stream, what)
    return RankingsPage(
        models=_models_frame([section for section in sections if isinstance(section, Ranking)], what),
        chart=_chart_frame([section for section in sections if isinstance(section, Chart)], what),
        apps=_apps_frame([section for section in sections if isinstance(section, Apps)], what),
    )


def _broken(what: str, sentence: str) -> ContractBrokenError:
    return ContractBrokenError(f"{what} {sentence}. Nothing of it was landed.")


def _require_read(sections: Sequence[Payload], stream: bytes, what: str) -> None:
    """Refuse a page of which nothing was read, or nothing of a kind that it names: it has changed its form."""
    for kind, names in NAMES.items():
        for name in names:
            if name in stream and not any(isinstance(section, kind) for section in sections):
                raise _broken(what, f"names {name.decode()}, but holds no such section of a known form")
    if not sections:
        raise ContractBrokenError(
            f"{what} is an empty shell: openrouter.ai/rankings has carried no data since 2026-05-17. "
            "Use the Data API with a key, or OpenRouter's keyless exports."
        )


def _scripts(body: bytes, what: str) -> list[str]:
    """Return the scripts of a whole rankings page."""
    if len(body) > MAX_BYTES:
        raise _broken(what, f"is larger than {MAX_BYTES} bytes")
    try:
        html = body.decode("utf-8-sig")
        with warnings.catch_warnings():
            # That a text resembles a file name or XML is no concern: the title decides what it is.
            warnings.simplefilter("ignore")
            soup = BeautifulSoup(html, "html.parser", parse_only=SoupStrainer(["title", "script"]))
    except (UnicodeDecodeError, ParserRejectedMarkup):
        raise _broken(what, "is not HTML in UTF-8") from None
    # A streamed page may bring its title late, after those of icons.
    texts = [tag.find(string=True, recursive=False) for tag in soup.find_all("title")]
    titles = [" ".join(str(text).split()) for text in texts if text]
    if not any("rankings" in title.lower() and "openrouter" in title.lower() for title in titles):
        found = f"a page called {titles[0][:60]!r}" if titles else "a page without a title"
        raise _broken(what, f"is not openrouter.ai/rankings but {found}; the server may have checked for browsers")
    if "</html>" not in html.lower():
        raise _broken(what, "is cut off before its end")
    return [str(tag.contents[0]) for tag in soup.find_all("script") if tag.contents]


def _stream(scripts: Iterable[str], what: str) -> bytes:
    """Join what the scripts push; a row, and even a character of two UTF-16 units, may be cut between pushes."""
    chunks: list[str] = []
    for script in scripts:
        position = 0
        while start := PUSH.search(script, position):
            try:
                pushed, position = json.JSONDecoder().raw_decode(script, start.end())
            except (ValueError, RecursionError):
                raise _broken(what, f"pushes invalid JSON, {script[start.end() :][:60]!r}") from None
            end = PUSH_END.match(script, position)
            if not end:
                raise _broken(what, f"pushes more than JSON, {script[position:][:60]!r}")
            position = end.end()
            match pushed:
                case [1, str(chunk)]:
                    chunks.append(chunk)
                case [0] | [2, _]:  # the start, and the state of a form
                    pass
                case _:
                    raise _broken(what, f"pushes an unknown kind of data, {script[start.end() :][:60]!r}")
    try:
        return "".join(chunks).encode("utf-16-le", "surrogatepass").decode("utf-16-le").encode()
    except UnicodeError:
        raise _broken(what, "pushes half a character") from None


def _rows(stream: bytes, what: str) -> Iterator[tuple[str, Any]]:
    """Split the stream `<hexid>:<payload>`; yield the place and the value of each row that is JSON."""
    last = len(stream.rstrip(b"\n"))
    position = 0
    while position < last:
        head = ROW.match(stream, position)
        if not head:
            raise _broken(what, f"has a damaged stream at byte {position}, {stream[position:][:40]!r}")
        place = f"{what}, row {head[1].decode()},"
        if head[2]:
            position = head.end() + int(head[2], 16)
            if position > len(stream):
                raise _broken(place, "is cut off")
            continue
        end = stream.find(b"\n", head.end())
        end = len(stream) if end < 0 else end
        payload = stream[head.end() : end]
        # Rows of other kinds begin with a capital letter: modules (I), hints (HL), errors (E), debug data (D).
        if payload and payload[0] in JSON_STARTS:
            yield place, _json(payload, place)
        position = end


def _json(payload: bytes, place: str) -> Any:
    """Decode one row. JSON would let the last of two equal keys win; React writes an absent value as text."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise _broken(place, f"repeats a key of {str([name for name, _ in pairs])[:60]}")
        return {name: part for name, part in pairs if part != "$undefined"}

    try:
        return json.loads(payload, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        raise _broken(place, f"is not valid JSON, {payload[:40]!r}") from None


def _sections(rows: Iterable[tuple[str, Any]], what: str) -> Iterator[Payload]:
    """Yield every section at any depth of any row, once however often the page repeats it."""
    seen: list[tuple[type[Payload], Any]] = []
    for place, root in rows:
        # The whole row is walked first: what nests too deep must reach neither a comparison nor an encoder.
        for found in list(_walk(root, place)):
            if found in seen:
                continue
            if len(seen) == MAX_SECTIONS:
                raise _broken(what, f"has more than {MAX_SECTIONS} sections")
            seen.append(found)
            model, section = found
            yield read_json(model, json.dumps(section).encode(), place)


def _walk(root: Any, place: str) -> Iterator[tuple[type[Payload], Any]]:
    """Find the raw sections of one row; the walk keeps its own stack, as Python's is short."""
    stack: list[tuple[Any, Mapping[str, Any], int]] = [(root, {}, 0)]
    while stack:
        node, holder, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise _broken(place, f"nests deeper than {MAX_DEPTH}")
        if isinstance(node, dict):
            if "rankingData" in node:
                yield Ranking, {name: node[name] for name in ("rankingData", "rankingType") if name in node}
            if "rankMap" in node:
                yield Apps, {"rankMap": node["rankMap"]}
            # Older pages hold model rows of three windows at once. They overlap: each stays a ranking of its own.
            if _has_models(node):
                yield from ((Ranking, {"rankingData": node[w], "rankingType": w}) for w in WINDOWS if w in node)
            stack += [(value, node, depth + 1) for value in node.values()]
        elif isinstance(node, list):
            if _has_item_with("ys", node):
                yield Chart, {"data": node, "forecast": bool(holder.get("forecast"))}
            stack += [(value, {}, depth + 1) for value in node]


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
    if shown and shown <= CONTEXT_BUCKETS:
        return "context_length"
    if shown and shown <= CATEGORIES:
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
        "change_ratio": ("change", pl.Float64),
        "last_active_date": ("date", pl.Date),
    }
    schema: dict[str, PolarsDataType] = {"window": pl.String} | {name: kind for name, (_, kind) in fields.items()}
    rows = [
        (ranking.window, *(getattr(row, attribute) for attribute, _ in fields.values()))
        for ranking in rankings
        for row in ranking.rows
    ]
    rows.sort(key=lambda row: (WINDOWS.index(row[0]), row[1:3]))
    return _frame(rows, schema, ["window", "model_permaslug", "variant"], what)


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
        "window": pl.String,
        "rank": pl.Int64,
        "app_id": pl.Int64,
        "app_name": pl.String,
        "total_tokens": pl.Int64,
        "requests": pl.Int64,
    }
    rows = [
        (window, app.rank, app.app_id, app.app.title, app.total_tokens, app.total_requests)
        for section in sections
        for window, apps in section.windows.items()
        for app in apps
    ]
    rows.sort(key=lambda row: (WINDOWS.index(row[0]), -row[4], row[2]))
    return _frame(rows, schema, ["window", "app_id"], what)


def _frame(rows: list[Any], schema: dict[str, PolarsDataType], key: list[str], what: str) -> pl.DataFrame:
    """Build one table in an order of its own, as the page's sections come in any."""
    import polars as pl

    if len(rows) > MAX_ROWS:
        raise _broken(what, f"has more than {MAX_ROWS} rows of one kind")
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    require_unique(frame, key, what)
    return frame
