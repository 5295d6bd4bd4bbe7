"""The one place that touches the network: session, limits, retries, redirects and the key."""

from __future__ import annotations

import ipaddress
import logging
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from importlib.metadata import version
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from pydantic import SecretStr
from pyrate_limiter import Duration, Limiter, Rate
from requests.auth import AuthBase
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from pipeline.errors import ClockError, QuotaReachedError, SourceError, SourceUnavailableError, may_pass
from pipeline.quota import Quota
from pipeline.settings import APP_NAME, LOOPBACK_HOSTS, Settings
from pipeline.sources import Host

log = logging.getLogger(__name__)

MAX_REDIRECTS = 5
CHUNK_BYTES = 65_536
# A body that trickles in must end some time, however often single bytes arrive.
MAX_BODY_SECONDS = 600
# A clock that is further off than this would stamp answers with a wrong day.
MAX_CLOCK_ERROR = timedelta(minutes=10)
PREFECT_TIMEOUT_SECONDS = 5


@dataclass(frozen=True)
class Answer:
    """A complete HTTP answer: the body is whole, the status is final."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class _RetryableError(SourceUnavailableError):
    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class _Bearer(AuthBase):
    """Sets the key on one request; given explicitly so that no netrc entry replaces it."""

    def __init__(self, key: SecretStr | None) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        return request


class _Session(requests.Session):
    """Leaves redirects alone: requests reads their whole body and prepares the next call even when told not to."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Name no target."""
        return None


class Client:
    """Asks OpenRouter and the web archive. Keyed requests are reserved in the quota before each try.

    `kept_on` tells how many of a day's requests are left to others.
    """

    def __init__(self, settings: Settings, kept_on: Callable[[date], int] = lambda _: 0) -> None:
        self._settings = settings
        self._kept_on = kept_on
        self._session = _Session()
        self._session.headers["User-Agent"] = f"{APP_NAME}/{version(APP_NAME)}"
        self._quota = Quota.of(settings)
        self.sent = 0

    @cached_property
    def _web_archive_limit(self) -> Limiter:
        return Limiter(Rate(self._settings.web_archive_requests_per_minute, Duration.MINUTE))

    def get(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        with_key: bool,
        is_counted: bool | None = None,
        host: Host = Host.OPENROUTER,
    ) -> Answer:
        """Fetch one resource, trying again where a failure may pass.

        It counts to the quota, unless `is_counted` says otherwise, where it bears the key.

        Returns any final answer, whatever its status, but those that may pass (408, 429, 5xx): they raise
        SourceUnavailableError after the last try. Raises QuotaReachedError when today's requests are used up,
        on either side.
        """
        base_url = self._settings.base_url if host is Host.OPENROUTER else self._settings.web_archive_url
        url = base_url + path + ("?" + urlencode(params) if params else "")
        retrying = Retrying(
            retry=retry_if_exception_type(_RetryableError),
            stop=stop_after_attempt(self._settings.attempts),
            wait=self._wait_seconds,
            before_sleep=_log_retry,
            reraise=True,
        )
        is_counted = with_key if is_counted is None else is_counted
        return retrying(self._follow, url, self._settings.api_key if with_key else None, is_counted, host)

    def _follow(self, url: str, key: SecretStr | None, is_counted: bool, host: Host) -> Answer:
        for _ in range(MAX_REDIRECTS):
            if host is Host.WEB_ARCHIVE:
                self._web_archive_limit.try_acquire(host)
            answer = self._send(url, key, is_counted)
            if not (300 <= answer.status < 400 and "location" in answer.headers):
                return answer
            target = _redirect_target(url, answer.headers["location"])
            self._refuse_unsafe_redirect(url, target, key)
            url = target
        raise SourceError(f"{_shown(url)} redirects more than {MAX_REDIRECTS} times; check OPENROUTER_BASE_URL.")

    def _refuse_unsafe_redirect(self, url: str, target: str, key: SecretStr | None) -> None:
        old, new = urlsplit(url), urlsplit(target)
        if key and (old.scheme, old.netloc) != (new.scheme, new.netloc):
            raise SourceError(
                f"{_shown(url)} redirects to another host ({new.scheme}://{new.hostname}); "
                "the key does not follow it there. Check OPENROUTER_BASE_URL."
            )
        if new.scheme != "https" and new.hostname not in LOOPBACK_HOSTS:
            raise SourceError(f"{_shown(url)} redirects to {new.scheme}://{new.hostname}, which is not https.")
        if _is_public(old.hostname) and not _is_public(new.hostname):
            raise SourceError(f"{_shown(url)} redirects to {new.hostname}, which is no public address.")

    def _send(self, url: str, key: SecretStr | None, is_counted: bool) -> Answer:
        if is_counted and self._quota:
            self._quota.reserve(_shown(url), self._kept_on)
        self.sent += 1
        # What goes to loopback goes there directly, through no proxy of the environment.
        self._session.trust_env = urlsplit(url).hostname not in LOOPBACK_HOSTS
        settings = self._settings
        try:
            with self._session.get(
                url,
                auth=_Bearer(key),
                timeout=(settings.connect_timeout_seconds, settings.read_timeout_seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = self._read(response)
        # The requests exceptions carry the request, and with it the key: none of them leaves this place.
        except requests.exceptions.SSLError as error:
            if _is_hung_up(error):
                raise _RetryableError(f"{_shown(url)} could not be read: {_cause(error)}.") from None
            raise SourceError(f"{_shown(url)} shows no valid TLS certificate; nothing was read.") from None
        except (
            requests.exceptions.ConnectionError,
            requests.exceptions.Timeout,
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.ContentDecodingError,
        ) as error:
            raise _RetryableError(f"{_shown(url)} could not be read: {_cause(error)}.") from None
        except requests.exceptions.RequestException as error:
            raise SourceError(f"{_shown(url)} could not be asked: {type(error).__name__}.") from None
        if may_pass(response.status_code):
            self._raise_retryable(url, response, is_counted=is_counted)
        if key and key.get_secret_value().encode() in body + repr(response.headers).encode():
            raise SourceError(f"{_shown(url)} sends the key back; nothing of its answer was kept.")
        if settings.fixed_now is None:
            _require_right_clock(url, response.headers)
        return Answer(url, response.status_code, response.headers, body)

    def _read(self, response: requests.Response) -> bytes:
        limit = int(self._settings.max_response_mb * 1e6)
        deadline = time.monotonic() + MAX_BODY_SECONDS
        body = bytearray()
        raw: Any = response.raw
        # By default a chunk is waited for until it is full, and the deadline with it.
        raw.stream = lambda size, decode_content: iter(lambda: raw.read1(size, decode_content), b"")
        for chunk in response.iter_content(CHUNK_BYTES):
            body += chunk
            if len(body) > limit:
                raise SourceError(
                    f"{_shown(response.url)} sends more than {limit:,} bytes; nothing of it was kept. "
                    "TOKENGROWTH_MAX_RESPONSE_MB sets the limit."
                )
            if time.monotonic() > deadline:
                raise _RetryableError(f"{_shown(response.url)} took more than {MAX_BODY_SECONDS} s to send.")
        return bytes(body)

    def _raise_retryable(self, url: str, response: requests.Response, *, is_counted: bool) -> None:
        wait = _retry_after_seconds(response.headers.get("Retry-After"))
        message = f"{_shown(url)} answered HTTP {response.status_code}"
        if wait is not None and wait > self._settings.max_retry_wait_seconds:
            if response.status_code == 429 and is_counted:
                raise QuotaReachedError(
                    f"{message}: OpenRouter counts today's requests as used up and asks to wait {wait:,.0f} s."
                )
            raise SourceUnavailableError(f"{message} and asks to wait {wait:,.0f} s; try again then.")
        raise _RetryableError(f"{message}.", wait)

    def _wait_seconds(self, state: RetryCallState) -> float:
        first = self._settings.backoff_seconds
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_seconds if isinstance(error, _RetryableError) else None
        backoff = wait_exponential(multiplier=first, max=60)(state) + wait_random(0, first)(state)
        return max(backoff, asked or 0)


def proxy_of(url: str) -> str | None:
    """Return the proxy of the environment through which a URL is asked, without its password; None where none is."""
    if urlsplit(url).hostname in LOOPBACK_HOSTS:
        return None
    proxy = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
    return _shown(proxy) if proxy else None


def ask_prefect(api_url: str, path: str, question: Mapping[str, Any] | None = None, auth: str | None = None) -> Any:
    """Ask a Prefect server, with a filter by POST; return its JSON, None where it knows nothing of that name (404).

    `auth` is a user and password, as Prefect's own PREFECT_API_AUTH_STRING. Raises SourceError without an answer.
    """
    url = api_url.rstrip("/") + path
    user, _, password = (auth or "").partition(":")
    with _Session() as session:
        session.trust_env = urlsplit(url).hostname not in LOOPBACK_HOSTS
        try:
            answer = session.request(
                "GET" if question is None else "POST",
                url,
                json=question,
                auth=(user, password) if auth else _Bearer(None),
                timeout=PREFECT_TIMEOUT_SECONDS,
                allow_redirects=False,
            )
            if answer.status_code == 404:
                return None
            if answer.status_code != 200:
                raise SourceError(f"Prefect at {_shown(url)} answered HTTP {answer.status_code}.")
            return answer.json()
        except requests.exceptions.RequestException as error:
            raise SourceError(f"Prefect at {_shown(url)} could not be read: {_cause(error)}.") from None


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("%s Trying again in %.1f s.", error, state.upcoming_sleep)


def _retry_after_seconds(header: str | None) -> float | None:
    """Read Retry-After, given in seconds or as an HTTP date."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _require_right_clock(url: str, headers: Mapping[str, str]) -> None:
    """Raise ClockError where this machine's clock and the server's are apart; a server that tells no time is believed.

    What a cache kept says when it was made, and its Age how long ago that was; some caches date it anew.
    """
    try:
        made_at = parsedate_to_datetime(headers["Date"]).astimezone(UTC)
        served_at = made_at + timedelta(seconds=max(0, int(headers.get("Age", 0))))
    except (KeyError, ValueError, OverflowError):
        return
    now = datetime.now(UTC)
    error, way = (made_at - now, "behind") if now < made_at else (now - served_at, "ahead of")
    if error > MAX_CLOCK_ERROR:
        minutes = round(error / timedelta(minutes=1))
        raise ClockError(
            f"The clock of this machine is {minutes:,} minutes {way} that of {urlsplit(url).hostname}; set it right "
            "and run the command again. Nothing of the answer was kept, because it would bear a wrong day."
        )


def _redirect_target(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
        _shown(target)
    except ValueError:
        raise SourceError(f"{_shown(url)} redirects to an address that is none; check OPENROUTER_BASE_URL.") from None
    return target


def _is_public(host: str | None) -> bool:
    """Tell whether a host may be one of the internet: a name, or an address in any spelling that is not private.

    Names are not resolved: who is behind one is for TLS to say.
    """
    host = host or "localhost"
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host)).is_global
    except OSError:
        pass
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")
    return (address.ipv4_mapped or address).is_global


def _shown(url: str) -> str:
    """Return the URL for messages: without user information or fragment."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}" + (f"?{parts.query}" if parts.query else "")


def _is_hung_up(error: BaseException | None) -> bool:
    """Whether the peer closed the connection in the midst of TLS, which tells nothing about its certificate."""
    while error is not None:
        if isinstance(error, ssl.SSLEOFError):
            return True
        error = error.__context__
    return False


def _cause(error: Exception) -> str:
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection closed in the middle of the answer"
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return "the body cannot be decompressed"
    return "the connection failed"
