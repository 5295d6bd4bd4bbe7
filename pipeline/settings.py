"""All settings, each declared and described once; `tokengrowth docs` prints them from here."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import platformdirs
from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    AwareDatetime,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.errors import UsageError

APP_NAME = "openrouter-token-growth"
LOOPBACK_HOSTS = {"127.0.0.1", "localhost", "::1"}


def _base_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_complete = False
    if not is_complete:
        raise ValueError("needs a URL such as https://openrouter.ai")
    if parts.query or parts.fragment:
        raise ValueError("must end with its host or path; the calls add their own parameters")
    if parts.username or parts.password:
        raise ValueError("must not hold a user name or password; the key goes into OPENROUTER_API_KEY")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        raise ValueError("plain http is refused for any host but loopback; use https")
    return url.rstrip("/")


def _web_url(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", url):
        raise ValueError("needs a URL such as https://example.org/report.html")
    return url


def _key(key: SecretStr) -> SecretStr | None:
    text = key.get_secret_value().strip()
    if not re.fullmatch(r"[!-~]*", text):
        raise ValueError("holds spaces or characters that a header cannot carry; copy the key again")
    return SecretStr(text) if text else None


def _webhook(url: SecretStr) -> SecretStr:
    text = url.get_secret_value().strip()
    try:
        parts = urlsplit(text)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS)
        is_usable = is_safe and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ValueError("needs a URL that begins with https://, or with http:// for loopback")
    return SecretStr(text)


class Settings(BaseSettings):
    """What the environment and a `.env` file say; frozen, so that one run sees one truth."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True, env_ignore_empty=True
    )

    api_key: Annotated[SecretStr | None, AfterValidator(lambda key: key and _key(key))] = Field(
        None,
        alias="OPENROUTER_API_KEY",
        description="Key of the Data API (all history since 2025-01-01). Without it the keyless exports are read.",
    )
    base_url: Annotated[str, AfterValidator(_base_url)] = Field(
        "https://openrouter.ai", alias="OPENROUTER_BASE_URL", description="Where OpenRouter is."
    )
    home: Path = Field(
        Path("data"),
        alias="TOKENGROWTH_HOME",
        description="Folder of the archive, the warehouse and the published files.",
    )
    state_dir: Path = Field(
        default_factory=lambda: platformdirs.user_state_path(APP_NAME),
        alias="TOKENGROWTH_STATE_DIR",
        description="Folder of the request ledger, shared by all homes of a user. Default: the user's state directory.",
    )
    fixed_now: Annotated[AwareDatetime, Field(ge=datetime(2020, 1, 1, tzinfo=UTC))] | None = Field(
        None,
        alias="TOKENGROWTH_NOW",
        description="Business clock (target day, fetched_at) as an instant such as 2026-08-22T13:00:00Z. "
        "Default: the real time.",
    )
    sources: str = Field(
        "",
        alias="TOKENGROWTH_SOURCES",
        description="Names of the sources to read where a command names none, separated by commas. "
        "Default: all that can be read.",
    )
    requests_per_minute: PositiveInt = Field(
        30,
        alias="TOKENGROWTH_REQUESTS_PER_MINUTE",
        description="Data API requests in any 60 seconds, per key, over all processes.",
    )
    requests_per_day: PositiveInt = Field(
        500,
        alias="TOKENGROWTH_REQUESTS_PER_DAY",
        description="Data API requests in a UTC day, per key, over all processes.",
    )
    has_clocked_limits: bool = Field(
        False,
        alias="TOKENGROWTH_CLOCKED_LIMITS",
        description="Count the day's requests by the business clock instead of the real time, as a replay may.",
    )
    web_archive_url: Annotated[str, AfterValidator(_base_url)] = Field(
        "https://web.archive.org",
        alias="TOKENGROWTH_WEB_ARCHIVE_URL",
        description="Where captures of the rankings page are read by a backfill.",
    )
    web_archive_requests_per_minute: PositiveInt = Field(
        12,
        alias="TOKENGROWTH_WEB_ARCHIVE_REQUESTS_PER_MINUTE",
        description="Requests to the web archive in any 60 seconds, per process.",
    )
    connect_timeout_seconds: PositiveFloat = Field(
        10, alias="TOKENGROWTH_CONNECT_TIMEOUT_SECONDS", description="Wait for a connection."
    )
    read_timeout_seconds: PositiveFloat = Field(
        60, alias="TOKENGROWTH_READ_TIMEOUT_SECONDS", description="Wait for the next bytes of an answer."
    )
    attempts: PositiveInt = Field(
        5, alias="TOKENGROWTH_ATTEMPTS", description="Tries of a request that fails in a way that may pass."
    )
    backoff_seconds: PositiveFloat = Field(
        1, alias="TOKENGROWTH_BACKOFF_SECONDS", description="First wait between tries; it doubles, with jitter."
    )
    max_retry_wait_seconds: PositiveFloat = Field(
        120,
        alias="TOKENGROWTH_MAX_RETRY_WAIT_SECONDS",
        description="Longest wait that a Retry-After header is granted.",
    )
    max_response_mb: PositiveFloat = Field(
        50, alias="TOKENGROWTH_MAX_RESPONSE_MB", description="Largest answer that is read, in 10^6 bytes."
    )
    lock_timeout_seconds: float = Field(
        60,
        ge=0,
        alias="TOKENGROWTH_LOCK_TIMEOUT_SECONDS",
        description="How long a run waits for another one that is writing; a flow waits 3600 where this is not set.",
    )
    alert_top_rank: NonNegativeInt = Field(
        10,
        alias="TOKENGROWTH_ALERT_TOP_RANK",
        description="A model that is new among so many largest ones is an alert; 0 for none.",
    )
    alert_share_move_pp: NonNegativeFloat = Field(
        5,
        alias="TOKENGROWTH_ALERT_SHARE_MOVE_PP",
        description="A share of an author or model that certainly moved by more points in a week is an alert; "
        "0 for none.",
    )
    alert_restatement_pct: NonNegativeFloat = Field(
        1,
        alias="TOKENGROWTH_ALERT_RESTATEMENT_PCT",
        description="A settled figure that changed by more percent is an alert; 0 for none.",
    )
    storage_version: str = Field(
        "v1.5.0",
        pattern=r"^(v\d+\.\d+\.\d+|latest)$",
        alias="TOKENGROWTH_STORAGE_VERSION",
        description="DuckDB storage format of the published file; v1.5.0 opens in DuckDB 1.5 and later.",
    )

    alert_webhook_url: Annotated[SecretStr | None, AfterValidator(lambda url: url and _webhook(url))] = Field(
        None,
        alias="TOKENGROWTH_ALERT_WEBHOOK_URL",
        description="Where the Prefect server sends alerts as JSON, once `deploy/setup` was told; kept secret.",
    )

    report_url: Annotated[str | None, AfterValidator(lambda url: url and _web_url(url))] = Field(
        None,
        alias="TOKENGROWTH_REPORT_URL",
        description="Where you serve report.html, for the link that flows leave in Prefect. Default: the file's own.",
    )

    def now(self) -> datetime:
        """Return the business clock in UTC, to the millisecond."""
        moment = (self.fixed_now or datetime.now(UTC)).astimezone(UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def quota_clock(self) -> datetime:
        """Return the clock that tells to which UTC day a request counts."""
        return self.now() if self.has_clocked_limits else datetime.now(UTC)

    @property
    def archive_dir(self) -> Path:
        """Raw answers and their manifest."""
        return self.home / "archive"

    @property
    def warehouse_path(self) -> Path:
        """The writer's database."""
        return self.home / "warehouse.duckdb"

    @property
    def lock_path(self) -> Path:
        """The one lock of all writers."""
        return self.home / "writer.lock"

    @property
    def alerts_path(self) -> Path:
        """What was told so far, one alert a line."""
        return self.home / "alerts.jsonl"

    @property
    def published_path(self) -> Path:
        """The database that readers open."""
        return self.home / "published" / "token_growth.duckdb"

    @property
    def parquet_dir(self) -> Path:
        """One Parquet file a mart, beside the published database."""
        return self.home / "published" / "parquet"

    @property
    def licence_path(self) -> Path:
        """Citation and licence of the published figures, beside them."""
        return self.home / "published" / "LICENCE.txt"

    @property
    def report_path(self) -> Path:
        """The report, beside the published file."""
        return self.home / "published" / "report.html"


def load_settings(**overrides: Any) -> Settings:
    """Read the environment and `.env`; raise UsageError that names the variable, never its value.

    `overrides` are values by field name that win over both.
    """
    given = {str(Settings.model_fields[name].alias): value for name, value in overrides.items()}
    try:
        return Settings(**given)
    except UnicodeDecodeError:
        raise UsageError("The file .env is not UTF-8 text.") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        message = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"The setting {first['loc'][0]} {message[:1].lower()}{message[1:]}.") from None


def variables() -> list[tuple[str, str, str]]:
    """Return (variable, default, meaning) of every setting, in the order of this file."""
    return [
        (
            str(field.alias),
            "" if field.default_factory or field.default is None else str(field.default),
            str(field.description),
        )
        for field in Settings.model_fields.values()
    ]


def unknown_variables() -> list[str]:
    """Name the TOKENGROWTH_* variables that no setting reads: most likely a typing error."""
    known = {name for name, _, _ in variables()}
    present = {*os.environ, *dotenv_values(".env")}
    return sorted(name for name in present if name.startswith("TOKENGROWTH_") and name not in known)
