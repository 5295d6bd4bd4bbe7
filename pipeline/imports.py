"""What a saved file is: recognised by its content, for an import that lands it like an answer of its own.

Pure: it names the source that reads the file and builds the context that the source's own call would have had.
A filtered answer looks like a whole one; only the parameters of the address that it comes from tell them apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeGuard
from urllib.parse import parse_qsl, urlsplit

from pydantic_core import from_json

from pipeline.contracts import CATEGORIES, CONTEXT_BUCKETS, WHOLE, printable, require_few_values
from pipeline.errors import ContractBrokenError, UsageError
from pipeline.pages import flight, rankings
from pipeline.sources import app_rankings as apps
from pipeline.sources import benchmarks, endpoints, exports, models, providers, rankings_daily, session_costs
from pipeline.sources import rankings_filtered as filtered
from pipeline.sources import rankings_page as page
from pipeline.sources import task_shares as tasks

OPENROUTER = "https://openrouter.ai"
# How many rows OpenRouter lists where the call does not say.
DEFAULT_APPS = 50
DEFAULT_SESSION_COSTS = 100

DAILY_SLICES = {
    "context_bucket": ("rankings-contexts", CONTEXT_BUCKETS),
    "modality": ("rankings-modalities", filtered.MODALITIES),
}
WEEKLY_SLICES = {
    "category": ("rankings-categories", CATEGORIES),
    "language_type": ("rankings-languages", filtered.LANGUAGE_TYPES),
}
SLICES = DAILY_SLICES | WEEKLY_SLICES

Params = Mapping[str, str]
Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Recognised:
    """A file's source, and what is to be archived with it.

    `url` is its origin, or where the origin is no address, that of the resource at OpenRouter. `doubt` says what
    nothing proves.
    """

    source: str
    context: Mapping[str, Any]
    url: str
    doubt: str | None = None


@dataclass(frozen=True)
class _Found:
    source: str
    path: str
    context: Mapping[str, Any]


def recognise(body: bytes, origin: str, retrieved_at: datetime) -> Recognised:
    """Tell what a file is; raise UsageError, in one sentence, for one that cannot be imported.

    `body` is the content, unpacked; `origin` the address that it comes from, or words; `retrieved_at` an instant
    with a time zone. An answer of OpenRouter's API that was saved with filters is told by its address alone: from
    words as origin it is taken as unfiltered. Then the caller's own figures of the same days have to win.
    """
    address = _address(origin)
    found = _page(body, address, retrieved_at) or _export(body) or _answer(body, _params(address))
    if found is None:
        raise UsageError(
            "The file is none that can be imported: OpenRouter's JSON (rankings-daily, app-rankings, session-cost, "
            "task classifications, benchmarks, models, providers or endpoints), a CSV file of its exports, or a saved "
            "rankings page, each as it is or gzipped."
        )
    context = {**found.context, "origin": origin, "is_imported": True}
    is_told = "/api/v1/" in urlsplit(address or "").path or found.path not in (rankings_daily.PATH, apps.PATH)
    doubt = None if is_told else f"taken as {found.source} without filters, as no address of OpenRouter's API tells"
    return Recognised(found.source, context, address or OPENROUTER + found.path, doubt)


def _address(origin: str) -> str | None:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return origin if parts.scheme in ("http", "https") and parts.netloc else None


def _params(address: str | None) -> Params:
    """Return what a call of OpenRouter's API was asked; the parameters of any other address are its own."""
    parts = urlsplit(address or "")
    return dict(parse_qsl(parts.query, keep_blank_values=True)) if "/api/v1/" in parts.path else {}


def _page(body: bytes, address: str | None, retrieved_at: datetime) -> _Found | None:
    if not body.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return None
    try:
        html = flight.read_html(body, "The file")
    except ContractBrokenError:
        return None
    if not rankings.is_rankings(html):
        return None
    captured_at = (page.captured_at_by(address) if address else None) or retrieved_at
    return _Found(page.NAME, "/rankings", {"captured_at": captured_at.isoformat()})


def _export(body: bytes) -> _Found | None:
    header = body.partition(b"\n")[0].decode(errors="replace").strip().split(",")
    return _Found(exports.NAME, exports.PATH, {}) if set(exports.COLUMNS) <= set(header) else None


def _answer(body: bytes, params: Params) -> _Found | None:
    try:
        require_few_values(body, "The file")
        answer = from_json(body)
    except (ContractBrokenError, ValueError):
        return None
    if not isinstance(answer, dict):
        return None
    if "snapshot_date" in answer:
        is_manifest = "data" not in answer and "files" in answer
        kind = "the manifest of an export, which holds no figures" if is_manifest else "an export as JSON"
        raise UsageError(f"The file is {kind}; import the CSV file of the same snapshot.")
    data = answer.get("data")
    if isinstance(data, dict):
        return _classified(data) or _served(data)
    first = data[0] if isinstance(data, list) and data else None
    if not isinstance(first, dict):
        return None
    for fields, kind_of in LISTS.items():
        if set(fields) <= first.keys():
            return kind_of(answer, params)
    return None


def _classified(data: Answer) -> _Found | None:
    return _Found(tasks.NAME, tasks.PATH, {"series": WHOLE}) if "classifications" in data else None


def _served(data: Answer) -> _Found | None:
    identifier, served = data.get("id"), data.get("endpoints")
    if not _is_slug(identifier) or not isinstance(served, list):
        return None
    if identifier.startswith("~"):
        raise UsageError("The file holds the endpoints of an alias; import those of the model that it stands for.")
    base, _, variant = identifier.partition(":")
    # The slug of the rankings, which all endpoints of a model name.
    named = {str(one.get("model_id")) for one in served if isinstance(one, dict)}
    (slug,) = named if len(named) == 1 and all(map(_is_slug, named)) else (base,)
    permaslug = slug if not variant or ":" in slug else f"{slug}:{variant}"
    path = f"/api/v1/models/{identifier}/endpoints"
    return _Found(endpoints.NAME, path, {"series": identifier, "model_permaslug": permaslug})


def _is_slug(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and endpoints.SAFE_ID.fullmatch(value) is not None


def _rankings(answer: Answer, params: Params) -> _Found:
    _require_known(params, {"start_date", "end_date", "period", *SLICES}, rankings_daily.NAME)
    start, end = _window(answer)
    asked = [(name, value) for name, value in params.items() if name in SLICES]
    if len(asked) > 1:
        raise UsageError("The file is filtered twice; OpenRouter answers rankings with one filter at the most.")
    name, value = asked[0] if asked else ("", "")
    grain = "week" if name in WEEKLY_SLICES else "day"
    period = params.get("period", grain)
    if period != grain:
        raise UsageError(
            f"The file holds rankings by {printable(period)}; such ones can be imported by {grain} only "
            f"(period={grain})."
        )
    if not asked:
        return _Found(rankings_daily.NAME, rankings_daily.PATH, {"start_date": str(start), "end_date": str(end)})
    source, slices = SLICES[name]
    if value not in slices:
        raise UsageError(f"The address of the file has an unknown filter, {name}={printable(value)}.")
    if name in WEEKLY_SLICES:
        # The week of the first day is listed under its Monday; that it is cut shows in the answer.
        start -= timedelta(days=start.weekday())
    return _Found(source, rankings_daily.PATH, {"series": value, "start_date": str(start), "end_date": str(end)})


def _apps(answer: Answer, params: Params) -> _Found:
    known = {"start_date", "end_date", "limit", "offset", "sort", "category", "subcategory"}
    _require_known(params, known, apps.NAME)
    start, end = _window(answer)
    if params.get("sort", "popular") == "trending":
        _require_known(params, {"start_date", "end_date", "sort", "limit"}, apps.TRENDING_NAME)
        _page_number(answer, params, 0, apps.PAGE_ROWS, 1, DEFAULT_APPS)
        return _Found(apps.TRENDING_NAME, apps.PATH, {"series": WHOLE})
    if start != end:
        raise UsageError(
            f"The file holds totals of the window {start} to {end}, and a window is not a day: app rankings can be "
            "imported that were asked with start_date and end_date alike."
        )
    # The rank is absolute, and tells the page where the address does not.
    rank = answer["data"][0]["rank"]
    offset = rank - 1 if isinstance(rank, int) else -1
    number = _page_number(answer, params, offset, apps.PAGE_ROWS, len(apps.PAGES), DEFAULT_APPS)
    # The narrower of two filters wins.
    part = params.get("subcategory") or params.get("category")
    window = {"start_date": str(start), "end_date": str(end)}
    if part and part not in apps.PARTS:
        raise UsageError(f"The address of the file has an unknown filter, category={printable(part)}.")
    if part:
        return _Found(apps.CATEGORIES_NAME, apps.PATH, {"series": f"{part} {number}", **window})
    return _Found(apps.NAME, apps.PATH, {"series": number, **window})


def _session_costs(answer: Answer, params: Params) -> _Found:
    _require_known(params, {"limit", "offset"}, session_costs.NAME)
    offset = _number(params.get("offset") or "0")
    pages = len(session_costs.PAGES)
    number = _page_number(answer, params, offset, session_costs.PAGE_ROWS, pages, DEFAULT_SESSION_COSTS)
    return _Found(session_costs.NAME, session_costs.PATH, {"series": number})


def _benchmarks(answer: Answer, params: Params) -> _Found:
    _require_known(params, {"include_run_config"}, benchmarks.NAME)
    meta = answer.get("meta")
    for name in ("source", "task_type"):
        if isinstance(meta, dict) and meta.get(name) is not None:
            raise UsageError(f"The file holds benchmarks of one {name} only; import an answer without filters.")
    return _Found(benchmarks.NAME, benchmarks.PATH, {"series": WHOLE})


def _models(answer: Answer, params: Params) -> _Found:
    """Recognise a catalogue. Those that others saved are mostly of models with text output, the default."""
    _require_known(params, {"output_modalities", "sort"}, models.NAME)
    if params.get("output_modalities", "all") not in ("all", "text"):
        raise UsageError("The file holds models of some output modalities only; import the list of all.")
    return _Found(models.NAME, models.PATH, {"series": WHOLE})


def _providers(answer: Answer, params: Params) -> _Found:
    return _Found(providers.NAME, providers.PATH, {"series": WHOLE})


# Fields that only the rows of one list have together; the first list that fits is it.
LISTS: Mapping[tuple[str, ...], Callable[[Answer, Params], _Found]] = {
    ("date", "model_permaslug", "total_tokens"): _rankings,
    ("rank", "app_id", "total_tokens"): _apps,
    ("app_slug", "turn_range", "median_session_cost_usd"): _session_costs,
    ("source", "model_permaslug", "display_name"): _benchmarks,
    ("id", "canonical_slug", "pricing"): _models,
    ("name", "slug", "privacy_policy_url"): _providers,
}


def _require_known(params: Params, known: Collection[str], what: str) -> None:
    """Raise UsageError for a parameter that makes the answer another than the source would have asked for."""
    for name in params:
        if name not in known:
            raise UsageError(
                f"The file was asked with {printable(name)}={printable(params[name])}; import an answer of {what} "
                "without that parameter."
            )


def _window(answer: Answer) -> tuple[date, date]:
    """Return the first and last day that an answer states, both included."""
    meta = answer.get("meta")
    try:
        start, end = (_day(meta[name]) for name in ("start_date", "end_date"))  # type: ignore[index]
    except (TypeError, KeyError, ValueError):
        raise UsageError("The file lacks `meta` with its start_date and end_date, and so the days it covers.") from None
    return start, end


def _day(text: str) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(text)
    return date.fromisoformat(text)


def _page_number(answer: Answer, params: Params, offset: int, page_rows: int, pages: int, default_rows: int) -> str:
    """Return which page of a list a file is; raise UsageError for a piece that is no page, or cut.

    A page ends the list when it is not full. A shorter one that was cut by its own limit would end it too early.
    """
    rows, limit = len(answer["data"]), _number(params.get("limit") or str(default_rows))
    number = offset // page_rows + 1
    is_page = offset >= 0 and offset % page_rows == 0 and number <= pages and rows <= page_rows
    is_cut = rows < page_rows and rows >= limit
    if not is_page or is_cut:
        raise UsageError(
            f"The file holds {rows} rows of a list that may go on; import pages of {page_rows} rows "
            f"(limit={page_rows}, offset a multiple of it), with their address as origin."
        )
    return str(number)


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,6}", text) else -1
