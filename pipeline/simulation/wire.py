"""What all answers of the simulated API have in common: bodies, errors, and how parameters are read."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

API = "/api/v1"
DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
FLOOR = date(2025, 1, 1)  # documented start of the data
MAX_DAYS, DEFAULT_DAYS = 366, 30

Query = Mapping[str, str]


class ApiError(Exception):
    """An answer with the documented error body: status, message, further headers."""


class Answer(NamedTuple):
    """A response before it is sent."""

    body: bytes
    status: int = 200
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = {}


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


def parse_window(query: Query, now: datetime) -> tuple[date, date]:
    """The first and last complete day that `start_date` and `end_date` ask for; 400 when there is none."""
    end = min(parse_day(query.get("end_date", str(date.max))), now.date() - timedelta(1))
    default = max(FLOOR, end) - timedelta(DEFAULT_DAYS - 1)
    start = max(FLOOR, parse_day(query.get("start_date", str(default))))
    if not 0 <= (end - start).days < MAX_DAYS:
        raise ApiError(400, f"Not 1 to {MAX_DAYS} completed days since {FLOOR}: {start} to {end}")
    return start, end


def parse_choice(query: Query, name: str, allowed: Collection[str]) -> str | None:
    """The value of a parameter that has documented values, None where it is not given."""
    value = query.get(name)
    if value is not None and value not in allowed:
        raise ApiError(400, f"{name} is not one of {', '.join(allowed)}")
    return value


def parse_number(query: Query, name: str, default: int, lowest: int, highest: int) -> int:
    """The whole number of a parameter; one outside its bounds is a 400."""
    text = query.get(name, str(default))
    if not re.fullmatch("[0-9]{1,9}", text) or not lowest <= int(text) <= highest:
        raise ApiError(400, f"{name} is not a whole number from {lowest} to {highest}")
    return int(text)


def window_meta(now: datetime, start: date, end: date) -> dict[str, str]:
    """The `meta` of an answer about a window of days."""
    return {"as_of": iso(now), "start_date": str(start), "end_date": str(end), "version": "v1"}


def days_between(first: date, last: date) -> list[date]:
    """All days from the first to the last, both included."""
    return [first + timedelta(offset) for offset in range((last - first).days + 1)]


def iso(instant: datetime) -> str:
    """A UTC instant as the API writes it, in milliseconds."""
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
