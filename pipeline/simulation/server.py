"""HTTP server on loopback that publishes a `World` by OpenRouter's documented contract.

The simulated clock stands still until `set_clock`. It decides what is published and to which UTC day a
request counts; the minute limit runs in real time, because a client waits for `Retry-After` in real time, unless
the simulation is told to count it against its clock.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from . import snapshots
from .apps import APP_CATEGORIES, CATEGORY_OF, market_of
from .exports import EXPORT_FILE, EXPORTS, Exports
from .providers import endpoints_of, provider_rows
from .slices import CATEGORIES, CONTEXT_BUCKETS, LANGUAGE_TYPES, MODALITIES, Slices
from .wire import (
    API,
    Answer,
    ApiError,
    Query,
    as_json,
    days_between,
    iso,
    parse_choice,
    parse_number,
    parse_window,
    window_meta,
)
from .world import World, midnight

COUNTS = "/_simulation/counts"
ENDPOINTS = re.compile(rf"{API}/models/([^/]+/[^/]+)/endpoints")
FILTERS: dict[str, Collection[str]] = {
    "context_bucket": CONTEXT_BUCKETS,
    "modality": MODALITIES,
    "category": CATEGORIES,
    "language_type": LANGUAGE_TYPES,
}
SAMPLED = frozenset({"category", "language_type"})


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
        clocked_limits: bool = False,
    ) -> None:
        """Bind to 127.0.0.1; port 0 picks a free one. All endpoints that need the key share the limits.

        With `clocked_limits` the minute limit, like that of the day, is counted against the simulated clock.
        """
        self.world, self.key, self.clocked_limits = world, key, clocked_limits
        self.apps, self.slices = market_of(world), Slices(world)
        self.requests_per_minute, self.requests_per_day = requests_per_minute, requests_per_day
        self.counts: Counter[str] = Counter()
        self.requests: list[str] = []
        self.lock = threading.Lock()
        self._minute: deque[float] = deque()  # seconds, real or simulated, of the requests of the last minute
        self._days: Counter[date] = Counter()  # requests per simulated UTC day
        self.set_clock(now)
        self._http = ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (Handler,), {"simulation": self}))
        self.base_url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self.exports = Exports(world, self.base_url)
        self._keyed: dict[str, Callable[[Query], Answer]] = {
            f"{API}/datasets/rankings-daily": self._rankings_daily,
            f"{API}/datasets/app-rankings": self._app_rankings,
            f"{API}/datasets/session-cost": self._session_cost,
            f"{API}/classifications/task": self._task_classifications,
            f"{API}/benchmarks": self._benchmarks,
        }
        self._sliced = {
            "context_bucket": self.slices.by_context,
            "modality": self.slices.by_modality,
            "category": self.slices.by_category,
            "language_type": self.slices.by_language,
        }

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

    def answer(self, path: str, query: Query, authorization: str) -> Answer:
        """Route one GET request; `ApiError` when there is nothing to serve."""
        if keyed := self._keyed.get(path):
            self._admit(authorization)
            return keyed(query)
        if path == f"{API}/models":
            return self._models(query)
        if path == f"{API}/providers":
            return as_json({"data": provider_rows()})
        if model := ENDPOINTS.fullmatch(path):
            return self._endpoints(unquote(model[1]), authorization)
        if path == f"{EXPORTS}/index.json":
            return self.exports.index(self.now)
        if file := EXPORT_FILE.fullmatch(path):
            return self.exports.file(file[1], file[2], self.now)
        if path == COUNTS:
            return as_json(dict(self.counts))
        raise ApiError(404, "Export not found" if path.startswith(EXPORTS) else "Not Found")

    def _has_key(self, authorization: str) -> bool:
        scheme, _, key = authorization.partition(" ")
        return scheme.lower() == "bearer" and key.strip() == self.key

    def _admit(self, authorization: str) -> None:
        """Check the key, then both limits; a refused request does not count towards them."""
        if not self._has_key(authorization):
            raise ApiError(401, "Invalid credentials" if authorization else "Missing Authentication header")
        with self.lock:
            instant = self.now.timestamp() if self.clocked_limits else time.monotonic()
            today, wait = self.now.date(), 0.0
            # The simulated clock may also have been moved back.
            while self._minute and not instant - 60 < self._minute[0] <= instant:
                self._minute.popleft()
            if len(self._minute) >= self.requests_per_minute:
                wait = self._minute[0] + 60 - instant
            if self._days[today] >= self.requests_per_day:
                wait = (midnight(today + timedelta(1)) - self.now).total_seconds()
            if wait:
                raise ApiError(429, "Rate limit exceeded", {"Retry-After": str(int(wait) + 1)})
            self._minute.append(instant)
            self._days[today] += 1

    def _rankings_daily(self, query: Query) -> Answer:
        given = [name for name, values in FILTERS.items() if parse_choice(query, name, values)]
        if len(given) > 1:
            raise ApiError(400, f"not to be combined: {', '.join(given)}")
        is_sampled = bool(SAMPLED & {*given})
        simulated = "week" if is_sampled else "day"
        if query.get("period", simulated) != simulated:
            raise ApiError(400, f"not simulated: any period but {simulated} for {', '.join(given) or 'all models'}")
        now = self.now
        start, end = parse_window(query, now)
        dates = days_between(start - timedelta(start.weekday()), end)[::7] if is_sampled else days_between(start, end)
        ranked = self.world.ranked
        for name in given:
            ranked = partial(self._sliced[name], query[name])
        rows = [
            {"date": str(day), "model_permaslug": slug, "total_tokens": str(tokens)}
            for day in dates
            for slug, tokens in ranked(day, now)
        ]
        return as_json({"data": rows, "meta": window_meta(now, start, end)})

    def _app_rankings(self, query: Query) -> Answer:
        subcategory = parse_choice(query, "subcategory", CATEGORY_OF)
        category = parse_choice(query, "category", APP_CATEGORIES)
        if category and subcategory and CATEGORY_OF[subcategory] != category:
            raise ApiError(400, f"{subcategory} is not a subcategory of {category}")
        trending = parse_choice(query, "sort", ("popular", "trending")) == "trending"
        limit, offset = parse_number(query, "limit", 50, 1, 100), parse_number(query, "offset", 0, 0, 100)
        start, end = parse_window(query, self.now)
        ranking = self.apps.ranking(start, end, self.now, category, subcategory, trending)
        rows = [
            {
                "rank": rank,
                "app_id": app.id,
                "app_name": app.name(self.now.date()),
                "total_tokens": str(use.tokens),
                "total_requests": use.requests,
            }
            for rank, (app, use) in enumerate(ranking[offset : offset + limit], offset + 1)
        ]
        return as_json({"data": rows, "meta": window_meta(self.now, start, end)})

    def _session_cost(self, query: Query) -> Answer:
        turns = parse_choice(query, "turn_range", snapshots.TURN_RANGES)
        limit, offset = parse_number(query, "limit", 100, 1, 500), parse_number(query, "offset", 0, 0, 5000)
        end = snapshots.cost_window_end(self.now)
        rows = snapshots.having(
            snapshots.session_costs(self.world, self.apps, end),
            app_slug=query.get("app_slug"),
            model_permaslug=query.get("model"),
            turn_range=turns,
        )
        meta = {
            "as_of": iso(self.now),
            "version": "v1",
            "window_days": snapshots.COST_DAYS,
            "window_end_date": str(end),
        }
        return as_json({"data": rows[offset : offset + limit], "meta": meta})

    def _task_classifications(self, query: Query) -> Answer:
        parse_choice(query, "window", ("7d",))
        caching = {"Cache-Control": "private, max-age=60, stale-while-revalidate=300"}
        return as_json({"data": snapshots.task_shares(self.world, self.now)}, headers=caching)

    def _benchmarks(self, query: Query) -> Answer:
        wanted = {name: parse_choice(query, name, values) for name, values in snapshots.BENCHMARK_FILTERS.items()}
        wanted |= {name: query.get(name) for name in ("search_engine", "category")}
        task_type = parse_choice(query, "task_type", snapshots.TASK_TYPES)
        most = parse_number(query, "max_results", 10**9 - 1, 1, 10**9 - 1)
        with_config = parse_choice(query, "include_run_config", ("true", "false")) == "true"
        rows = snapshots.having(snapshots.benchmarks(self.world, self.now), **wanted)
        if task_type:
            rows = list(snapshots.of_task(rows, task_type))
        rows = rows[:most] if with_config else snapshots.without(rows[:most], {"run_config"})
        meta = {
            "as_of": iso(self.now),
            "version": "v1",
            "source": wanted["source"],
            "source_url": None,
            "citation": None,
            "model_count": len({row["model_permaslug"] for row in rows}),
            "task_type": task_type,
        }
        return as_json({"data": rows, "meta": meta})

    def _models(self, query: Query) -> Answer:
        if unknown := sorted(query.keys() - {"output_modalities"}):
            raise ApiError(400, f"not simulated: {', '.join(unknown)}")
        wanted = set(query.get("output_modalities", "text").split(","))
        rows = self.world.catalogue(self.now)
        if "all" not in wanted:
            rows = [row for row in rows if wanted & set(row["architecture"]["output_modalities"])]
        return as_json({"data": rows, "links": {"next": None}, "total_count": len(rows)})

    def _endpoints(self, model: str, authorization: str) -> Answer:
        data = endpoints_of(self.world, model, self.now, self._has_key(authorization))
        if data is None:
            raise ApiError(404, "Model not found")
        return as_json({"data": data})


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
