"""HTTP server on loopback that publishes a `World` by OpenRouter's documented contract.

The simulated clock stands still until `set_clock`. It decides what is published and to which UTC day a
request counts; the minute limit runs in real time, because a client waits for `Retry-After` in real time.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from .world import OTHER, World, midnight

API = "/api/v1"
EXPORTS = f"{API}/datasets/exports"
COUNTS = "/_simulation/counts"
DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
EXPORT_FILE = re.compile(rf"{EXPORTS}/rankings-daily/(latest|{DAY})\.(csv|json|manifest\.json)")
FLOOR = date(2025, 1, 1)  # documented start of the data
MAX_DAYS, DEFAULT_DAYS = 366, 30
PUBLISHED = timedelta(hours=1, minutes=46, seconds=15, milliseconds=433)  # snapshots appear after midnight
FILTERS = frozenset({"period", "modality", "context_bucket", "category", "language_type"})
COLUMNS = ("date", "model_permaslug", "rank", "total_tokens", "share_of_daily_tokens")


class ApiError(Exception):
    """An answer with the documented error body: status, message, further headers."""


class Answer(NamedTuple):
    """A response before it is sent."""

    body: bytes
    status: int = 200
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = {}


class SimulatedOpenRouter:
    """A server that runs inside its `with` block; `counts` and `requests` record every answered request."""

    def __init__(
        self,
        world: World,
        now: datetime,
        key: str = "sk-or-simulated",
        requests_per_minute: int = 30,
        requests_per_day: int = 500,
        port: int = 0,
    ) -> None:
        """Bind to 127.0.0.1; port 0 picks a free one. The limits apply to the keyed endpoint only."""
        self.world, self.key = world, key
        self.requests_per_minute, self.requests_per_day = requests_per_minute, requests_per_day
        self.counts: Counter[str] = Counter()
        self.requests: list[str] = []
        self.lock = threading.Lock()
        self._minute: deque[float] = deque()  # monotonic seconds of the requests of the last minute
        self._days: Counter[date] = Counter()  # requests per simulated UTC day
        self.set_clock(now)
        self._http = ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (Handler,), {"simulation": self}))
        self.base_url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> SimulatedOpenRouter:
        """Start to answer."""
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop to answer and free the port."""
        self._http.shutdown()
        self._http.server_close()

    def set_clock(self, now: datetime) -> None:
        """Move the simulated clock to an instant, which must carry a time zone."""
        if now.tzinfo is None:
            raise ValueError(f"an instant without a time zone: {now}")
        self.now = now.astimezone(UTC)

    def answer(self, path: str, query: Mapping[str, str], authorization: str) -> Answer:
        """Route one GET request; `ApiError` when there is nothing to serve."""
        if path == f"{API}/datasets/rankings-daily":
            self._admit(authorization)
            return self._rankings_daily(query)
        if path == f"{API}/models":
            return self._models(query)
        if path == f"{EXPORTS}/index.json":
            return self._export_index()
        if file := EXPORT_FILE.fullmatch(path):
            return self._export_file(file[1], file[2])
        if path == COUNTS:
            return as_json(dict(self.counts))
        raise ApiError(404, "Export not found" if path.startswith(EXPORTS) else "Not Found")

    def _admit(self, authorization: str) -> None:
        """Check the key, then both limits; a refused request does not count towards them."""
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or key.strip() != self.key:
            raise ApiError(401, "Invalid credentials" if authorization else "Missing Authentication header")
        with self.lock:
            instant, today, wait = time.monotonic(), self.now.date(), 0.0
            while self._minute and self._minute[0] <= instant - 60:
                self._minute.popleft()
            if len(self._minute) >= self.requests_per_minute:
                wait = self._minute[0] + 60 - instant
            if self._days[today] >= self.requests_per_day:
                wait = (midnight(today + timedelta(1)) - self.now).total_seconds()
            if wait:
                raise ApiError(429, "Rate limit exceeded", {"Retry-After": str(int(wait) + 1)})
            self._minute.append(instant)
            self._days[today] += 1

    def _rankings_daily(self, query: Mapping[str, str]) -> Answer:
        if unknown := sorted(FILTERS & query.keys()):
            raise ApiError(400, f"not simulated: {', '.join(unknown)}")
        now = self.now
        end = min(parse_day(query.get("end_date", str(date.max))), now.date() - timedelta(1))
        default = max(FLOOR, end) - timedelta(DEFAULT_DAYS - 1)
        start = max(FLOOR, parse_day(query.get("start_date", str(default))))
        if not 0 <= (end - start).days < MAX_DAYS:
            raise ApiError(400, f"Not 1 to {MAX_DAYS} completed days since {FLOOR}: {start} to {end}")
        rows = [
            {"date": str(day), "model_permaslug": slug, "total_tokens": str(tokens)}
            for day in days_between(start, end)
            for slug, tokens in self.world.ranked(day, now)
        ]
        meta = {"as_of": iso(now), "start_date": str(start), "end_date": str(end), "version": "v1"}
        return as_json({"data": rows, "meta": meta})

    def _models(self, query: Mapping[str, str]) -> Answer:
        if unknown := sorted(query.keys() - {"output_modalities"}):
            raise ApiError(400, f"not simulated: {', '.join(unknown)}")
        wanted = set(query.get("output_modalities", "text").split(","))
        rows = self.world.catalogue(self.now)
        if "all" not in wanted:
            rows = [row for row in rows if wanted & set(row["architecture"]["output_modalities"])]
        return as_json({"data": rows, "links": {"next": None}, "total_count": len(rows)})

    def _export_index(self) -> Answer:
        latest = self._latest()
        url = f"{self.base_url}{EXPORTS}/rankings-daily/latest.manifest.json"
        dataset = {"id": "rankings-daily", "latest_snapshot_date": str(latest), "latest_manifest_url": url}
        updated = iso(midnight(latest) + PUBLISHED)
        return as_file(as_json({"schema_version": "v1", "updated_at": updated, "datasets": [dataset]}))

    def _export_file(self, snapshot: str, kind: str) -> Answer:
        latest = self._latest()
        try:
            day = latest if snapshot == "latest" else date.fromisoformat(snapshot)
        except ValueError:
            day = date.min
        if not self.world.first_day + timedelta(DEFAULT_DAYS) <= day <= latest:
            raise ApiError(404, "Export not found")
        return as_file(self._snapshot(day)[kind])

    def _latest(self) -> date:
        """The newest snapshot published at the clock."""
        latest = min((self.now - PUBLISHED).date(), self.world.last_day + timedelta(1))
        if latest < self.world.first_day + timedelta(DEFAULT_DAYS):
            raise ApiError(404, "Export not found")
        return latest

    def _snapshot(self, snapshot: date) -> dict[str, Answer]:
        """The files of one snapshot: the 30 days before its date, as known when it was published."""
        known_at = midnight(snapshot) + PUBLISHED
        rows: list[tuple[Any, ...]] = []
        for day in days_between(snapshot - timedelta(DEFAULT_DAYS), snapshot - timedelta(1)):
            ranked = self.world.ranked(day, known_at)
            total = sum(tokens for _, tokens in ranked)
            for rank, (slug, tokens) in enumerate(ranked, 1):
                rows.append((str(day), slug, None if slug == OTHER else rank, tokens, tokens / total))
        lines = [COLUMNS, *(["" if cell is None else str(cell) for cell in row] for row in rows)]
        csv = "".join(",".join(line) + "\r\n" for line in lines)
        head = {
            "dataset": "rankings-daily",
            "schema_version": "v1",
            "snapshot_date": str(snapshot),
            "retrieved_at": iso(known_at),
            "row_count": len(rows),
            "update_cadence": "daily",
            "license": {"name": "CC BY 4.0", "url": "https://creativecommons.org/licenses/by/4.0/"},
            "attribution": "Simulated data: no such models or volumes exist.",
        }
        files = {
            "csv": Answer(csv.encode(), content_type="text/csv; charset=utf-8"),
            "json": as_json(head | {"data": [dict(zip(COLUMNS, row, strict=True)) for row in rows]}),
        }
        folder = f"{self.base_url}{EXPORTS}/rankings-daily"
        described = {
            kind: {
                "url": f"{folder}/{snapshot}.{kind}",
                "encoding_format": file.content_type.partition(";")[0],
                "bytes": len(file.body),
                "sha256": hashlib.sha256(file.body).hexdigest(),
            }
            for kind, file in files.items()
        }
        latest = {kind: f"{folder}/latest.{kind}" for kind in files}
        links = {
            "readme_url": f"{self.base_url}{EXPORTS}/README.md",
            "files": described,
            "latest": latest | {"manifest": f"{folder}/latest.manifest.json"},
        }
        return files | {"manifest.json": as_json(head | links)}


class Handler(BaseHTTPRequestHandler):
    """The HTTP side: sends what the simulation answers and records it."""

    simulation: SimulatedOpenRouter
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a body after its headers must not wait for an acknowledgement

    def do_GET(self) -> None:
        """Answer one request."""
        simulation, target = self.simulation, urlsplit(self.path)
        query = dict(parse_qsl(target.query, keep_blank_values=True))
        try:
            answer = simulation.answer(target.path, query, self.headers.get("Authorization", ""))
        except ApiError as error:
            status, message, *headers = error.args
            answer = as_json({"error": {"code": status, "message": message}}, status, *headers)
        if self.headers.get("If-None-Match", "") == answer.headers.get("ETag"):
            answer = answer._replace(status=304, body=b"")
        if target.path != COUNTS:
            with simulation.lock:
                simulation.counts[target.path] += 1
                simulation.requests.append(self.path)
        self.send_response(answer.status)
        own = {"Content-Type": answer.content_type, "Content-Length": str(len(answer.body))}
        # A connection that stays open would be answered even after the simulation has ended.
        for name, value in {**own, "Connection": "close", **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def end_headers(self) -> None:
        """Mark every response as simulated, also those of the base class."""
        self.send_header("X-Simulated-Data", f"seed={self.simulation.world.seed}")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Stay quiet: `requests` is the log."""


def as_json(payload: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON answer."""
    return Answer(json.dumps(payload, separators=(",", ":")).encode(), status, headers=headers or {})


def as_file(answer: Answer) -> Answer:
    """The answer with the caching headers of a published file."""
    etag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    caching = {"ETag": etag, "Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}
    return answer._replace(headers=caching)


def parse_day(text: str) -> date:
    """The calendar day of a parameter; anything but `YYYY-MM-DD` is a 400."""
    with suppress(ValueError):
        if re.fullmatch(DAY, text):
            return date.fromisoformat(text)
    raise ApiError(400, f"Not a calendar day YYYY-MM-DD: {text}")


def days_between(first: date, last: date) -> list[date]:
    """All days from the first to the last, both included."""
    return [first + timedelta(offset) for offset in range((last - first).days + 1)]


def iso(instant: datetime) -> str:
    """A UTC instant as the API writes it, in milliseconds."""
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
