"""The Data API's limits, kept across processes and restarts: 30 requests a minute, 500 a UTC day.

Both stores lie in the user's state directory and hold a hash of the key, never the key. They outlive any warehouse
or archive. The minute follows real time; the day does too, whatever the business clock says, unless the caller asks
for another clock.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pyrate_limiter import Limiter, Rate, SQLiteBucket
from pyrate_limiter.limiter import SingleBucketFactory

from pipeline.errors import QuotaReachedError, UnwritableError, writable
from pipeline.settings import Settings

# OpenRouter counts when a request arrives, we count when it leaves; the extra time covers the difference.
MINUTE_MILLISECONDS = 62_000
ANOTHER = "set TOKENGROWTH_STATE_DIR to another folder"
LEDGER = """
create table if not exists requests (
    key_hash text not null, utc_day text not null, sent_at text not null, url text not null
);
create index if not exists requests_of_a_day on requests (key_hash, utc_day);
"""


def key_hash(key: str) -> str:
    """Return a short one-way name of a key."""
    return hashlib.sha256(f"tokengrowth:{key}".encode()).hexdigest()[:16]


class Quota:
    """Reserves one request at a time for one key."""

    def __init__(
        self,
        state_dir: Path,
        key: str,
        per_minute: int,
        per_day: int,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._state_dir = state_dir
        self._key_hash = key_hash(key)
        self._per_minute = per_minute
        self._per_day = per_day
        self._clock = clock

    @classmethod
    def of(cls, settings: Settings) -> Quota | None:
        """Return the quota of the key in the settings; None without a key."""
        if settings.api_key is None:
            return None
        return cls(
            settings.state_dir,
            settings.api_key.get_secret_value(),
            settings.requests_per_minute,
            settings.requests_per_day,
            settings.quota_clock,
        )

    def reserve(self, url: str, kept_on: Callable[[date], int] = lambda _: 0) -> None:
        """Wait for a place in the minute, then count the request.

        Raises QuotaReachedError when the day's requests are used up, but for those that are kept for others on it, and
        UnwritableError where they cannot be counted.
        """
        try:
            with writable(self._state_dir, ANOTHER):
                self._reserve(url, kept_on)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise UnwritableError(self._state_dir, str(error), ANOTHER) from None
            raise

    def _reserve(self, url: str, kept_on: Callable[[date], int]) -> None:
        self._state_dir.mkdir(parents=True, exist_ok=True)
        self._refuse_when_used_up(self.used_today(), kept_on(self._clock().date()))
        self._wait_for_the_minute()
        now = self._clock()
        with self._ledger() as ledger:
            ledger.execute("begin immediate")
            self._refuse_when_used_up(self._used(ledger, now), kept_on(now.date()))
            ledger.execute(
                "insert into requests values (?, ?, ?, ?)",
                (self._key_hash, now.date().isoformat(), now.isoformat(), url),
            )
            ledger.execute("commit")

    def used_today(self) -> int:
        """Count the requests of the running UTC day."""
        if not self._ledger_path.exists():
            return 0
        with self._ledger() as ledger:
            return self._used(ledger, self._clock())

    @property
    def _ledger_path(self) -> Path:
        return self._state_dir / "requests.sqlite"

    @contextmanager
    def _ledger(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._ledger_path, timeout=30, isolation_level=None)) as ledger:
            ledger.executescript(LEDGER)
            yield ledger

    def _used(self, ledger: sqlite3.Connection, now: datetime) -> int:
        query = "select count(*) from requests where key_hash = ? and utc_day = ?"
        return int(ledger.execute(query, (self._key_hash, now.date().isoformat())).fetchone()[0])

    def _refuse_when_used_up(self, used: int, kept: int) -> None:
        if used < self._per_day - kept:
            return
        midnight = self._clock().date() + timedelta(days=1)
        spent = f"All {self._per_day}" if not kept else f"{used} of {self._per_day}"
        rest = f", {kept} are kept for the daily run" if kept else ""
        raise QuotaReachedError(
            f"{spent} requests of this UTC day are used{rest}; nothing more is asked before {midnight}T00:00Z."
        )

    def _wait_for_the_minute(self) -> None:
        bucket = SQLiteBucket.init_from_file(
            [Rate(self._per_minute, MINUTE_MILLISECONDS)],
            table=f"minute_{self._key_hash}",
            db_path=str(self._state_dir / "minute.sqlite"),
            use_file_lock=True,
        )
        with closing(bucket):
            limiter = Limiter(SingleBucketFactory(bucket, schedule_leak=False))
            limiter.try_acquire(self._key_hash, blocking=True)
            bucket.leak(time.time_ns() // 1_000_000)
