"""Captures of openrouter.ai/rankings in the web archive: windows and charts from before the Data API. Keyless.

Two sources: the list of captures, and the captures that it names. The reader of captures serves pages that someone
saved and imports, too. The page itself is never asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from pipeline.archive import Fetch
from pipeline.contracts import WHOLE, Parsed, citation, printable, require_few_values, require_unique
from pipeline.errors import ContractBrokenError, SourceError, SourceUnavailableError, VoidError, may_pass
from pipeline.pages import flight, rankings
from pipeline.sources.base import Cadence, Host, Request, Source, Want, walk

NAME = "rankings-page"
LISTING_NAME = "rankings-page-list"
LISTING_PATH = "/cdx/search/cdx"
# The oldest capture with tokens, and the last day on which the page was served with data.
FIRST_CAPTURE = date(2025, 2, 5)
LAST_CAPTURE = date(2026, 5, 16)
DAY = timedelta(days=1)

STAMP = "%Y%m%d%H%M%S"
CAPTURE_URL = re.compile(r"/web/([0-9]{14})(?:id_)?/")
# The page shows a week unless it is asked for another window.
ORIGINAL = re.compile(r"https?://(?:www\.)?openrouter\.ai(?::80|:443)?/rankings/?(?:\?view=(day|week|month))?")
DEFAULT_VIEW = "week"

Cell = Annotated[str, StringConstraints(max_length=2000)]
Table = Annotated[list[Annotated[list[Cell], Field(max_length=20)]], Field(max_length=200_000)]
TABLE: TypeAdapter[list[list[str]]] = TypeAdapter(Table)
DIGEST = re.compile(r"[A-Z2-7]{32}")
COLUMNS = ("timestamp", "original", "statuscode", "digest")


@dataclass(frozen=True, order=True)
class Capture:
    """One copy of the page: when it was made, of which address, and the digest of what it holds."""

    captured_at: datetime
    original: str
    digest: str

    @property
    def date(self) -> date:
        """The UTC day on which it was made."""
        return self.captured_at.date()

    @property
    def view(self) -> str:
        """The window that it shows."""
        match = ORIGINAL.fullmatch(self.original)
        return (match and match[1]) or DEFAULT_VIEW

    @property
    def series(self) -> str:
        """Its name among the parts of the source."""
        return f"{self.captured_at.strftime(STAMP)} {self.original}"

    @property
    def request(self) -> Request:
        """The call that reads it as it was, without what the archive adds."""
        address = urlsplit(self.original)
        page = address._replace(query="").geturl()
        return Request(
            f"/web/{self.captured_at.strftime(STAMP)}id_/{page}",
            dict(parse_qsl(address.query)),
            {"series": self.series, "captured_at": self.captured_at.isoformat()},
        )


def plan_listing(want: Want) -> list[Request]:
    """Ask for the captures of all wanted days at once."""
    if not want.days:
        return []
    start, end = min(want.days), max(want.days)
    params = {
        "url": "openrouter.ai/rankings",
        "output": "json",
        "from": f"{start:%Y%m%d}",
        "to": f"{end:%Y%m%d}",
        "filter": "statuscode:200",
        "collapse": "timestamp:8",
    }
    return [Request(LISTING_PATH, params, {"series": WHOLE, "start_date": str(start), "end_date": str(end)})]


def parse_listing(fetch: Fetch, body: bytes) -> Parsed:
    """Return one row a capture, for raw.page_captures; none where nobody saved the page in that time.

    The server may ignore the window that was asked: what lies outside is left out.
    """
    import polars as pl

    _require_ok(fetch.status, "the list of captures")
    start, end = (date.fromisoformat(fetch.context[name]) for name in ("start_date", "end_date"))
    captures = sorted({capture for capture in _captures(body) if start <= capture.date <= end})
    if not captures and (start, end) == (FIRST_CAPTURE, LAST_CAPTURE):
        raise ContractBrokenError(f"{LISTING_NAME} names no capture at all: empty is an error. Nothing was landed.")
    rows = [(one.series, one.captured_at.replace(tzinfo=None), one.original, one.digest) for one in captures]
    frame = pl.DataFrame(
        rows,
        orient="row",
        schema={"series": pl.String, "captured_at": pl.Datetime("ms"), "original": pl.String, "digest": pl.String},
    )
    require_unique(frame, ["series"], f"{LISTING_NAME}: the list of captures")
    return Parsed(
        frames={"page_captures": frame} if rows else {},
        settles=(WHOLE,),
        as_of=datetime.fromisoformat(fetch.fetched_at),
        first_date=start,
        last_date=end,
        is_absent=not rows,
    )


def plan(want: Want) -> list[Request]:
    """Ask for one capture a day and view that is not held, newest first; `subjects` maps captures to digests."""
    listed = [_capture(series, digest) for series, digest in want.subjects.items()]
    unread = [one.request for one in _chosen(listed) if one.date in want.cells.get(one.series, ())]
    return unread[: want.max_calls]


def _capture(series: str, digest: str) -> Capture:
    stamp, original = series.split(" ", 1)
    return Capture(datetime.strptime(stamp, STAMP).replace(tzinfo=UTC), original, digest)


def _chosen(captures: list[Capture]) -> list[Capture]:
    """Choose the last capture of each day and view, newest first: it is the one with the day before most settled.

    A copy of what an earlier capture holds, byte by byte, is that page again out of some cache, and says nothing
    about its own day. The server is asked for one capture a day, which not every server heeds.
    """
    firsts: dict[str, Capture] = {}
    for capture in sorted(captures):
        firsts.setdefault(capture.digest, capture)
    last = {(capture.date, capture.view): capture for capture in sorted(firsts.values())}
    return sorted(last.values(), reverse=True)


def _captures(body: bytes) -> list[Capture]:
    """Read a listing; raise ContractBrokenError where it is none. Pages of other addresses are left out."""
    what = f"{LISTING_NAME}: the list of captures"
    require_few_values(body, what)
    try:
        table = TABLE.validate_json(body, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(printable(part) for part in first["loc"]) or "the body"
        raise ContractBrokenError(f"{what} breaks its contract at {place}: {first['msg']}.") from None
    if not table:
        return []
    header, *rows = table
    missing = [name for name in COLUMNS if header.count(name) != 1]
    if missing:
        raise ContractBrokenError(f"{what} lacks the column {missing[0]}, or has it twice.")
    if any(len(row) != len(header) for row in rows):
        raise ContractBrokenError(f"{what} has a row that is longer or shorter than its header.")
    return list(_ok_captures([dict(zip(header, row, strict=True)) for row in rows], what))


def _ok_captures(rows: list[dict[str, str]], what: str) -> Iterator[Capture]:
    for row in rows:
        captured_at = _instant(row["timestamp"])
        if captured_at is None:
            raise ContractBrokenError(f"{what} has a timestamp that is none, {printable(row['timestamp'])!r}.")
        if not DIGEST.fullmatch(row["digest"]):
            raise ContractBrokenError(f"{what} has a digest that is none, {printable(row['digest'])!r}.")
        # The filter may be ignored, too.
        if row["statuscode"] == "200" and ORIGINAL.fullmatch(row["original"]):
            yield Capture(captured_at, row["original"], row["digest"])


def _instant(stamp: str) -> datetime | None:
    if not re.fullmatch(r"20[0-9]{12}", stamp):
        return None
    try:
        return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def captured_at_by(url: str) -> datetime | None:
    """Return the instant that an address in the web archive names; None where it names none."""
    match = CAPTURE_URL.search(urlsplit(url).path)
    return _instant(match[1]) if match else None


def parse(fetch: Fetch, body: bytes) -> Parsed:
    """Return what a capture shows, for raw.page_models, raw.page_charts and raw.page_apps."""
    # The archive redirects to the nearest capture that it can deliver: the address that answered tells which.
    stated = datetime.fromisoformat(fetch.context["captured_at"]).astimezone(UTC).replace(microsecond=0)
    captured_at = captured_at_by(fetch.url) or stated
    _require_ok(fetch.status, f"the capture of {captured_at:%Y-%m-%d %H:%M:%S}")
    what = f"{NAME}: the page of {captured_at.date()}"
    try:
        page = rankings.parse(body, what)
    except ContractBrokenError as error:
        raise (VoidError if _is_final(body, what) else ContractBrokenError)(str(error)) from None
    # An answer is held under the day of the capture that was asked, whichever the archive delivered.
    return _parsed(page, what, captured_at, fetch.context.get("series", WHOLE), stated.date())


def _is_final(body: bytes, what: str) -> bool:
    """Tell whether asking again would bring the same: a cut page or the archive's own may change, a capture never."""
    try:
        html = flight.read_html(body, what)
    except ContractBrokenError:
        return True
    return html.is_whole and not any(re.search("internet archive|wayback", title, re.I) for title in html.titles)


def _parsed(page: rankings.RankingsPage, what: str, captured_at: datetime, series: str, asked: date) -> Parsed:
    import polars as pl

    day = captured_at.date()
    frames = {"page_models": page.models, "page_charts": page.chart, "page_apps": page.apps}
    stamp = pl.lit(captured_at.replace(tzinfo=None), dtype=pl.Datetime("ms")).alias("captured_at")
    newest = max(page.models["last_active_date"].to_list(), default=day - DAY)
    odd = (
        (f"{what} lists use up to {newest}: its windows may not end with {day - DAY}.",) if newest != day - DAY else ()
    )
    return Parsed(
        frames={table: frame.select(stamp, pl.all()) for table, frame in frames.items() if frame.height},
        settles=(series,),
        as_of=captured_at,
        # Not days of data: its windows end before the day of the capture.
        first_date=asked,
        last_date=asked,
        warnings=(*page.warnings, *odd),
        citation=citation(captured_at),
    )


def _require_ok(status: int, what: str) -> None:
    if status != 200:
        gone = VoidError if status == 404 else SourceError
        error = SourceUnavailableError if may_pass(status) else gone
        raise error(f"{NAME}: {what}: the web archive answered HTTP {status}.")


SOURCES = (
    Source(
        name=LISTING_NAME,
        needs_key=False,
        cadence=Cadence.CAPTURE,
        floor=FIRST_CAPTURE,
        ceiling=LAST_CAPTURE,
        host=Host.WEB_ARCHIVE,
        plan=plan_listing,
        exchange=walk(plan_listing),
        parse=parse_listing,
        tables=("page_captures",),
    ),
    Source(
        name=NAME,
        needs_key=False,
        cadence=Cadence.CAPTURE,
        series=None,
        floor=FIRST_CAPTURE,
        ceiling=LAST_CAPTURE,
        host=Host.WEB_ARCHIVE,
        plan=plan,
        exchange=walk(plan),
        parse=parse,
        tables=("page_models", "page_charts", "page_apps"),
    ),
)
