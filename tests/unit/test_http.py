"""The network client against a real server on loopback that answers by a script."""

from __future__ import annotations

import gzip
import itertools
import logging
import socket
import ssl
import struct
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline import http
from pipeline.archive import Archive
from pipeline.errors import ClockError, QuotaReachedError, SourceError, SourceUnavailableError, UsageError
from pipeline.http import Client
from pipeline.quota import Quota
from pipeline.settings import Settings

KEY = "sk-or-secret-of-the-tests"
PATH = "/api/v1/thing"
BODY = b'{"data": "as it came"}'

Behaviour = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers the n-th request with the n-th behaviour; the last one stays."""

    script: Script
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        script = self.script
        with script.lock:
            number = len(script.requests)
            script.requests.append((self.path, self.headers.get("Authorization")))
        with suppress(OSError):
            script.behaviours[min(number, len(script.behaviours) - 1)](self)

    def log_message(self, *_: object) -> None:
        pass


class Script(ThreadingHTTPServer):
    """A server, what it was asked, and the event that ends its waits."""

    daemon_threads = True

    def __init__(self, behaviours: Sequence[Behaviour], tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), type("Bound", (Handler,), {"script": self}))
        if tls:
            # Before the thread below watches the socket: the wrapped one is another, and the first is closed.
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.behaviours = behaviours
        self.requests: list[tuple[str, str | None]] = []
        self.lock, self.stopping = threading.Lock(), threading.Event()
        self.base_url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, *_: object) -> None:
        pass

    def stop(self) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()


def answer(status: int = 200, body: bytes = BODY, **headers: str) -> Behaviour:
    def behave(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def reset(handler: Handler) -> None:
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def half_a_body(handler: Handler) -> None:
    handler.close_connection = True
    answer(200, BODY[:9], Content_Length=str(len(BODY)))(handler)


def half_of_the_chunks(handler: Handler) -> None:
    handler.close_connection = True
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"5\r\n{'dat\r\nff\r\na")


def silence(handler: Handler) -> None:
    handler.close_connection = True
    handler.script.stopping.wait(5)


def silence_in_the_body(handler: Handler) -> None:
    handler.close_connection = True
    answer(200, BODY[:9], Content_Length=str(len(BODY)))(handler)
    handler.script.stopping.wait(5)


def trickle(handler: Handler) -> None:
    handler.close_connection = True
    answer(200, b"", Content_Length="300")(handler)
    for _ in range(300):
        handler.script.stopping.wait(0.05)
        handler.wfile.write(b" ")
        handler.wfile.flush()


broken_gzip = answer(200, b"no gzip at all", Content_Encoding="gzip")


@pytest.fixture
def serve() -> Iterator[Callable[..., Script]]:
    """Start servers that follow a script."""
    running: list[Script] = []

    def start(*behaviours: Behaviour) -> Script:
        running.append(Script(behaviours))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def settings_for(use: Callable[..., Settings]) -> Callable[..., Settings]:
    """Settings for a server; short waits, three attempts."""

    def build(server: Script, key: str | None = KEY, **more: str) -> Settings:
        few = {"TOKENGROWTH_ATTEMPTS": "3", "TOKENGROWTH_READ_TIMEOUT_SECONDS": "0.2"}
        return use(server.base_url, more.pop("TOKENGROWTH_NOW", None), key, **{**few, **more})

    return build


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Do not sleep between tries, but note for how long it would have been."""
    waits: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    return waits


def get(settings: Settings, *, with_key: bool = False, **params: str) -> http.Answer:
    return Client(settings).get(PATH, params, with_key=with_key)


def used(settings: Settings) -> int:
    return Quota(settings.state_dir, KEY, 10_000, 500).used_today()


def test_an_answer_arrives_whole_with_its_status_headers_and_query(serve, settings_for) -> None:
    server = serve(answer(200, BODY, ETag='"abc"'))
    found = get(settings_for(server), with_key=True, start_date="2026-08-01", odd="a b&c")
    assert (found.status, found.body, found.headers["etag"]) == (200, BODY, '"abc"')
    assert found.url == f"{server.base_url}{PATH}?start_date=2026-08-01&odd=a+b%26c"
    assert server.requests == [(f"{PATH}?start_date=2026-08-01&odd=a+b%26c", f"Bearer {KEY}")]


def test_a_compressed_body_arrives_decompressed(serve, settings_for) -> None:
    server = serve(answer(200, gzip.compress(BODY), Content_Encoding="gzip"))
    assert get(settings_for(server)).body == BODY


PASSING = {
    "connection reset": (reset, "the connection failed"),
    "half a body": (half_a_body, "closed in the middle"),
    "half of the chunks": (half_of_the_chunks, "closed in the middle"),
    "no answer in time": (silence, "no answer in time"),
    "body stalls": (silence_in_the_body, "could not be read"),
    "broken compression": (broken_gzip, "cannot be decompressed"),
    "429": (answer(429), "answered HTTP 429"),
    "500": (answer(500), "answered HTTP 500"),
    "502": (answer(502), "answered HTTP 502"),
    "503": (answer(503), "answered HTTP 503"),
    "504": (answer(504), "answered HTTP 504"),
}


@pytest.mark.parametrize("name", PASSING)
@pytest.mark.parametrize("with_key", [True, False], ids=["with key", "keyless"])
def test_what_may_pass_is_tried_again_and_every_keyed_try_counts(name, with_key, serve, settings_for) -> None:
    fails, _ = PASSING[name]
    server = serve(fails, answer())
    settings = settings_for(server)
    client = Client(settings)
    assert client.get(PATH, {}, with_key=with_key).body == BODY
    assert client.sent == len(server.requests) == 2
    assert used(settings) == (2 if with_key else 0)
    assert {seen for _, seen in server.requests} == {f"Bearer {KEY}" if with_key else None}


@pytest.mark.parametrize("name", PASSING)
def test_the_last_try_ends_in_a_sentence_with_the_address_and_the_cause(name, serve, settings_for) -> None:
    fails, cause = PASSING[name]
    server = serve(fails)
    with pytest.raises(SourceUnavailableError, match=cause) as caught:
        get(settings_for(server))
    assert str(caught.value).startswith(f"{server.base_url}{PATH} ")
    assert len(server.requests) == 3


def test_nobody_listening_is_tried_again_too(serve, settings_for) -> None:
    server = serve(answer())
    settings = settings_for(server)
    server.stop()
    client = Client(settings)
    with pytest.raises(SourceUnavailableError, match="the connection failed"):
        client.get(PATH, {}, with_key=False)
    assert client.sent == 3


@pytest.mark.parametrize("status", [201, 304, 400, 401, 403, 404, 410, 501])
def test_a_final_status_is_returned_without_another_try(status, serve, settings_for) -> None:
    server = serve(answer(status, b"" if status == 304 else BODY))
    assert get(settings_for(server)).status == status
    assert len(server.requests) == 1


def test_a_server_without_tls_is_refused_at_once(serve, use) -> None:
    server = serve(answer())
    settings = use(server.base_url.replace("http:", "https:"), None, KEY)
    client = Client(settings)
    with pytest.raises(SourceError, match="no valid TLS certificate") as caught:
        client.get(PATH, {}, with_key=True)
    assert not isinstance(caught.value, SourceUnavailableError)
    assert client.sent == 1
    assert server.requests == []


def test_a_server_that_hangs_up_in_the_midst_of_tls_is_asked_again(use, slept) -> None:
    def greet_and_hang_up() -> None:
        for _ in range(3):
            connection, _ = listener.accept()
            # All of the greeting is read, or the kernel would answer by a reset.
            connection.recv(65_536)
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=greet_and_hang_up, daemon=True).start()
        client = Client(use(f"https://127.0.0.1:{listener.getsockname()[1]}", None, KEY, TOKENGROWTH_ATTEMPTS="3"))
        with pytest.raises(SourceUnavailableError, match="the connection failed"):
            client.get(PATH, {}, with_key=True)
    assert client.sent == 3


def test_the_waits_double_and_are_jittered(serve, settings_for, slept) -> None:
    settings = settings_for(serve(answer(503)), TOKENGROWTH_ATTEMPTS="5", TOKENGROWTH_BACKOFF_SECONDS="1")
    with pytest.raises(SourceUnavailableError):
        get(settings)
    assert all(low <= wait <= low + 1 for wait, low in zip(slept, (1, 2, 4, 8), strict=True))


def test_a_wait_never_exceeds_a_minute_without_being_asked_for(serve, settings_for, slept) -> None:
    settings = settings_for(serve(answer(503)), TOKENGROWTH_ATTEMPTS="12", TOKENGROWTH_BACKOFF_SECONDS="1")
    with pytest.raises(SourceUnavailableError):
        get(settings)
    assert len(slept) == 11
    assert max(slept) <= 61


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_waited_for(status, serve, settings_for, slept) -> None:
    server = serve(answer(status, Retry_After="7"), answer())
    assert get(settings_for(server)).status == 200
    assert slept == [7.0]


def test_retry_after_as_a_date_is_waited_for(serve, settings_for, slept) -> None:
    server = serve(answer(429, Retry_After=formatdate(time.time() + 30, usegmt=True)), answer())
    assert get(settings_for(server)).status == 200
    assert len(slept) == 1
    assert 27 < slept[0] <= 30


def test_retry_after_really_delays(serve, settings_for) -> None:
    server = serve(answer(429, Retry_After="0.3"), answer())
    started = time.monotonic()
    assert get(settings_for(server)).status == 200
    assert time.monotonic() - started >= 0.3


NONSENSE = ["soon", "", "-5", "nan", "Wed, 99 Foo 2026 99:99:99 GMT", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"]
NONSENSE += [formatdate(0, usegmt=True), "Mon, 01 Jan 0001 00:00:00 -0000"]


@pytest.mark.parametrize("header", NONSENSE)
def test_a_retry_after_that_says_nothing_leaves_the_usual_wait(header, serve, settings_for, slept) -> None:
    server = serve(answer(503, Retry_After=header), answer())
    assert get(settings_for(server)).status == 200
    assert len(slept) == 1
    assert slept[0] <= 0.02


FAR = ["3600", "inf", "Fri, 01 Jan 2100 00:00:00 GMT"]


@pytest.mark.parametrize("header", FAR)
def test_a_keyed_429_with_a_long_wait_is_the_end_of_the_quota(header, serve, settings_for, slept) -> None:
    server = serve(answer(429, Retry_After=header), answer())
    with pytest.raises(QuotaReachedError, match=r"HTTP 429.*asks to wait .* s\.$") as caught:
        get(settings_for(server), with_key=True)
    assert caught.value.exit_code == 4
    assert slept == []
    assert len(server.requests) == 1


@pytest.mark.parametrize(("status", "with_key"), [(429, False), (503, False), (503, True)])
def test_other_long_waits_make_the_source_unavailable(status, with_key, serve, settings_for, slept) -> None:
    server = serve(answer(status, Retry_After="3600"), answer())
    with pytest.raises(SourceUnavailableError, match="asks to wait 3,600 s") as caught:
        get(settings_for(server), with_key=with_key)
    assert caught.value.exit_code == 3
    assert slept == []
    assert len(server.requests) == 1


def test_the_longest_granted_wait_is_a_setting(serve, settings_for, slept) -> None:
    server = serve(answer(429, Retry_After="3600"), answer())
    settings = settings_for(server, TOKENGROWTH_MAX_RETRY_WAIT_SECONDS="3600")
    assert get(settings).status == 200
    assert slept == [3600.0]


def test_todays_limit_ends_the_tries(serve, settings_for) -> None:
    server = serve(answer(503))
    settings = settings_for(server, TOKENGROWTH_REQUESTS_PER_DAY="2", TOKENGROWTH_ATTEMPTS="5")
    with pytest.raises(QuotaReachedError, match="All 2 requests of this UTC day are used"):
        get(settings, with_key=True)
    assert len(server.requests) == 2


def test_an_answer_over_the_size_limit_is_refused_and_not_asked_again(serve, settings_for) -> None:
    server = serve(answer(200, b" " * 200_001))
    settings = settings_for(server, TOKENGROWTH_MAX_RESPONSE_MB="0.2")
    with pytest.raises(SourceError, match=r"more than 200,000 bytes.*TOKENGROWTH_MAX_RESPONSE_MB") as caught:
        get(settings)
    assert not isinstance(caught.value, SourceUnavailableError)
    assert len(server.requests) == 1


def test_the_size_limit_holds_for_a_redirect(serve, settings_for) -> None:
    server = serve(answer(302, b" " * 2_000_000, Location=PATH), answer())
    with pytest.raises(SourceError, match="more than 200,000 bytes"):
        get(settings_for(server, TOKENGROWTH_MAX_RESPONSE_MB="0.2"))


def test_an_answer_of_just_the_size_limit_is_kept(serve, settings_for) -> None:
    server = serve(answer(200, b" " * 200_000))
    assert len(get(settings_for(server, TOKENGROWTH_MAX_RESPONSE_MB="0.2")).body) == 200_000


def test_the_size_limit_counts_decompressed_bytes(serve, settings_for) -> None:
    server = serve(answer(200, gzip.compress(bytes(2_000_000)), Content_Encoding="gzip"))
    with pytest.raises(SourceError, match="more than 200,000 bytes"):
        get(settings_for(server, TOKENGROWTH_MAX_RESPONSE_MB="0.2"))


def test_a_body_that_trickles_in_ends_some_time(serve, settings_for, monkeypatch) -> None:
    monkeypatch.setattr(http, "MAX_BODY_SECONDS", 0.2)
    settings = settings_for(serve(trickle), TOKENGROWTH_ATTEMPTS="1")
    started = time.monotonic()
    with pytest.raises(SourceUnavailableError, match=r"took more than 0\.2 s"):
        get(settings)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("url", ["http://openrouter.ai", "http://10.0.0.1:8080", "http://localhost.evil.example"])
def test_plain_http_is_refused_for_any_host_but_loopback(url, use, cli) -> None:
    with pytest.raises(UsageError, match="OPENROUTER_BASE_URL plain http is refused") as caught:
        use(url, None, KEY)
    assert caught.value.exit_code == 2
    ended = cli("run")
    assert ended.code == 2
    assert "OPENROUTER_BASE_URL" in ended.err
    assert KEY not in ended.out + ended.err


def other_name(server: Script) -> str:
    return server.base_url.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_key_does_not_follow_a_redirect_to_another_host(status, serve, settings_for) -> None:
    other = serve(answer())
    server = serve(answer(status, b"", Location=f"{other_name(other)}/elsewhere"))
    with pytest.raises(SourceError, match=r"redirects to another host \(http://localhost\).*OPENROUTER_BASE_URL"):
        get(settings_for(server), with_key=True)
    assert other.requests == []
    assert len(server.requests) == 1


def test_the_key_does_not_follow_a_redirect_to_another_port_or_scheme(serve, settings_for) -> None:
    other = serve(answer())
    for location in (f"{other.base_url}/x", other.base_url.replace("http:", "https:"), f"//{other.base_url[7:]}/x"):
        server = serve(answer(302, b"", Location=location))
        with pytest.raises(SourceError, match="redirects to another host"):
            get(settings_for(server), with_key=True)
    assert other.requests == []


def test_the_key_does_not_follow_a_second_redirect_either(serve, settings_for) -> None:
    other = serve(answer())
    server = serve(answer(302, b"", Location="/step"), answer(302, b"", Location=f"{other_name(other)}/x"))
    with pytest.raises(SourceError, match="redirects to another host"):
        get(settings_for(server), with_key=True)
    assert [path for path, _ in server.requests] == [PATH, "/step"]
    assert other.requests == []


def test_a_redirect_on_the_same_host_is_followed_with_the_key_and_counted(serve, settings_for) -> None:
    server = serve(answer(302, b"", Location="/moved?x=1"), answer())
    settings = settings_for(server)
    found = get(settings, with_key=True)
    assert found.body == BODY
    assert found.url == f"{server.base_url}/moved?x=1"
    assert server.requests == [(PATH, f"Bearer {KEY}"), ("/moved?x=1", f"Bearer {KEY}")]
    assert used(settings) == 2


def test_without_a_key_a_redirect_to_another_host_is_followed(serve, settings_for) -> None:
    other = serve(answer())
    server = serve(answer(302, b"", Location=f"{other_name(other)}/elsewhere"))
    assert get(settings_for(server)).body == BODY
    assert other.requests == [("/elsewhere", None)]


@pytest.mark.parametrize("location", ["http://example.com/x", "ftp://127.0.0.1.example/x", "file:///etc/passwd"])
def test_a_redirect_away_from_https_is_refused(location, serve, settings_for) -> None:
    server = serve(answer(302, b"", Location=location))
    with pytest.raises(SourceError, match="redirects to"):
        get(settings_for(server))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "location", ["http://[", "http://127.0.0.1:99999999/", "http://127.0.0.1:x/", "ftp://127.0.0.1/"]
)
@pytest.mark.parametrize("with_key", [True, False], ids=["with key", "keyless"])
def test_a_redirect_to_nonsense_is_a_sentence(location, with_key, serve, settings_for) -> None:
    server = serve(answer(302, b"", Location=location))
    with pytest.raises(SourceError):
        get(settings_for(server), with_key=with_key)


def test_redirects_in_a_circle_end(serve, settings_for) -> None:
    server = serve(answer(302, b"", Location=PATH))
    with pytest.raises(SourceError, match="redirects more than 5 times"):
        get(settings_for(server))
    assert len(server.requests) == 5


@pytest.mark.parametrize("with_key", [True, False], ids=["with key", "keyless"])
def test_netrc_neither_replaces_nor_adds_a_key(with_key, serve, settings_for, tmp_path, monkeypatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(answer(302, b"", Location="/moved"), answer())
    get(settings_for(server), with_key=with_key)
    assert [seen for _, seen in server.requests] == [f"Bearer {KEY}" if with_key else None] * 2


FATAL = {
    "too large": answer(200, b" " * 300_000),
    "another host": answer(302, b"", Location="http://localhost:1/x"),
    "circle": answer(302, b"", Location=PATH),
    "quota": answer(429, Retry_After="3600"),
    "wait": answer(503, Retry_After="3600"),
}
FAILURES = {**{name: fails for name, (fails, _) in PASSING.items()}, **FATAL}


@pytest.mark.parametrize("name", FAILURES)
def test_the_key_is_in_no_message_traceback_log_or_file(name, serve, settings_for, tmp_path: Path, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve(FAILURES[name])
    settings = settings_for(server, TOKENGROWTH_ATTEMPTS="2", TOKENGROWTH_MAX_RESPONSE_MB="0.2")
    with pytest.raises(SourceError) as caught:
        get(settings, with_key=True)
    assert server.requests[0][1] == f"Bearer {KEY}"
    for shows_locals in (False, True):
        told = traceback.TracebackException.from_exception(caught.value, capture_locals=shows_locals)
        # This very function names the key; the frames below it must not.
        told.stack[:] = [frame for frame in told.stack if frame.filename != __file__]
        assert KEY not in "".join(told.format())
    assert all(KEY not in str(error) + repr(error) for error in chain(caught.value))
    assert caplog.records
    assert all(KEY not in record.getMessage() + repr(record.args) for record in caplog.records)
    assert files_holding(KEY, tmp_path) == []


def test_the_key_is_in_no_archived_answer(serve, settings_for, tmp_path: Path) -> None:
    server = serve(answer(401, b'{"error": {"code": 401, "message": "Invalid credentials"}}', ETag='"abc"'))
    settings = settings_for(server)
    found = get(settings, with_key=True, start_date="2026-08-01")
    archive = Archive(settings.archive_dir)
    archive.add(
        source="rankings-daily",
        url=found.url,
        status=found.status,
        fetched_at=datetime(2026, 8, 22, tzinfo=UTC),
        headers=found.headers,
        body=found.body,
        context={},
    )
    assert len(list(archive.fetches())) == 1
    assert files_holding("etag", tmp_path) != []
    assert files_holding(KEY, tmp_path) == []
    assert KEY not in repr(found) + repr(settings) + str(settings.model_dump())


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def files_holding(text: str, folder: Path) -> list[Path]:
    found: list[Path] = []
    for path in (path for path in folder.rglob("*") if path.is_file()):
        body = path.read_bytes()
        bodies = [body, gzip.decompress(body)] if path.suffix == ".gz" else [body]
        if any(text.encode() in one for one in itertools.chain(bodies, [str(path).encode()])):
            found.append(path)
    return found


def test_a_client_sends_its_name_and_no_cookie_jar_grows_an_authorization(serve, settings_for) -> None:
    agents: list[Any] = []

    def note(handler: Handler) -> None:
        agents.append((handler.headers["User-Agent"], handler.headers["Authorization"]))
        answer()(handler)

    client = Client(settings_for(serve(note)))
    client.get(PATH, {}, with_key=True)
    client.get(PATH, {}, with_key=False)
    assert [agent.partition("/")[0] for agent, _ in agents] == ["openrouter-token-growth"] * 2
    assert [seen for _, seen in agents] == [f"Bearer {KEY}", None]


def dated(hours: float, **headers: str) -> Behaviour:
    """Answer by a clock that is some hours ahead of this one."""

    def behave(handler: Handler) -> None:
        handler.date_time_string = lambda *_: formatdate(time.time() + hours * 3600, usegmt=True)  # type: ignore[method-assign]
        answer(**headers)(handler)

    return behave


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        (dated(-72), "4,320 minutes ahead of"),
        (dated(-72, Age="3600"), "4,260 minutes ahead of"),
        (dated(0.25), "15 minutes behind"),
        (dated(0.25, Age="5100"), "15 minutes behind"),
    ],
)
def test_a_clock_that_is_off_is_refused_before_anything_is_kept(behaviour, says, serve, settings_for) -> None:
    server = serve(behaviour)
    with pytest.raises(ClockError, match=rf"clock of this machine is {says} that of 127\.0\.0\.1; set it right"):
        get(settings_for(server))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        dated(0.1),
        dated(-0.1),
        dated(-72, Age="259200"),
        dated(0, Age="5100"),  # a cache that dates anew what it serves
        answer(Date="no date"),
        answer(Date="Tue, 01 Jan 2030"),
    ],
)
def test_a_clock_that_is_right_is_believed(behaviour, serve, settings_for) -> None:
    assert get(settings_for(serve(behaviour))).body == BODY


def test_a_business_clock_that_is_set_needs_no_right_time(serve, settings_for) -> None:
    server = serve(dated(-72))
    assert get(settings_for(server, TOKENGROWTH_NOW="2026-08-22T13:00:00Z")).body == BODY
