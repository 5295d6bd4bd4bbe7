"""Through a proxy to a server with TLS, as from within a company: what the key, a password and a redirect may reach."""

from __future__ import annotations

import logging
import select
import socket
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pipeline.errors import SourceError, SourceUnavailableError
from pipeline.http import Client
from pipeline.settings import Settings
from tests.unit.test_http import BODY, KEY, PATH, Behaviour, Script, answer

PROXY_PASSWORD = "password-of-the-proxy"


@pytest.fixture
def serve() -> Iterator[Callable[..., Script]]:
    """Start servers that follow a script."""
    running: list[Script] = []

    def start(*behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> Script:
        running.append(Script(behaviours, tls))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def settings_for(use: Callable[..., Settings]) -> Callable[..., Settings]:
    """Settings for an address; short waits, two attempts."""

    def build(base_url: str) -> Settings:
        return use(base_url, None, KEY, TOKENGROWTH_ATTEMPTS="2", TOKENGROWTH_READ_TIMEOUT_SECONDS="2")

    return build


class Proxy(BaseHTTPRequestHandler):
    """Tunnels whatever host is asked to one server on loopback, as a proxy of a company does; or refuses to."""

    tunnels_to: int | None = None
    seen: ClassVar[list[tuple[str, str | None]]]
    protocol_version = "HTTP/1.1"

    def do_CONNECT(self) -> None:
        self.seen.append((self.path, self.headers.get("Proxy-Authorization")))
        self.close_connection = True
        if self.tunnels_to is None:
            self.send_error(407)
            return
        with socket.create_connection(("127.0.0.1", self.tunnels_to)) as there:
            self.send_response(200)
            self.end_headers()
            while ready := select.select([self.connection, there], [], [], 5)[0]:
                for end in ready:
                    data = end.recv(65_536)
                    if not data:
                        return
                    (there if end is self.connection else self.connection).sendall(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., type[Proxy]]]:
    """Start a proxy whose URL holds a password, and name it in the environment."""
    servers: list[ThreadingHTTPServer] = []

    def start(tunnels_to: int | None = None) -> type[Proxy]:
        handler = type("Bound", (Proxy,), {"tunnels_to": tunnels_to, "seen": []})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://user:{PROXY_PASSWORD}@127.0.0.1:{server.server_address[1]}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        return handler

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def serve_tls(serve: Callable[..., Script], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Script]:
    """Serve by TLS as openrouter.test, with a certificate that the environment trusts."""

    def start(*behaviours: Behaviour) -> Script:
        certificate, key = certified("openrouter.test", tmp_path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        return serve(*behaviours, tls=context)

    return start


def certified(host: str, folder: Path) -> tuple[Path, Path]:
    """Write a certificate that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "tls.crt").write_bytes(certificate.public_bytes(pem))
    (folder / "tls.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "tls.crt", folder / "tls.key"


def port_of(server: Script) -> int:
    return int(server.server_address[1])


def test_other_hosts_are_asked_through_the_proxy_of_the_environment(serve_tls, proxied, settings_for) -> None:
    server = serve_tls(answer())
    proxy = proxied(port_of(server))
    found = Client(settings_for("https://openrouter.test")).get(PATH, {}, with_key=True)
    assert (found.status, found.body) == (200, BODY)
    # The proxy sees the host and its own password; the key goes through the tunnel.
    assert [path for path, _ in proxy.seen] == ["openrouter.test:443"]
    assert KEY not in str(proxy.seen)
    assert server.requests == [(PATH, f"Bearer {KEY}")]


def test_loopback_is_asked_without_the_proxy(serve, proxied, settings_for) -> None:
    proxy = proxied()
    assert Client(settings_for(serve(answer()).base_url)).get(PATH, {}, with_key=True).status == 200
    assert proxy.seen == []


def test_the_password_of_a_proxy_is_in_no_message(proxied, settings_for, caplog) -> None:
    caplog.set_level(logging.DEBUG, "pipeline")
    proxy = proxied()
    with pytest.raises(SourceUnavailableError) as caught:
        Client(settings_for("https://openrouter.test")).get(PATH, {}, with_key=True)
    assert len(proxy.seen) == 2
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert "https://openrouter.test/api/v1/thing could not be read" in shown
    assert PROXY_PASSWORD not in shown
    assert KEY not in shown


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/x",
        "http://localhost:{port}/x",
        "https://127.0.0.1:{port}/x",
        "https://10.0.0.7/x",
        "https://192.168.1.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://[fd00::1]/x",
        "https://[::ffff:10.0.0.7]/x",
        "https://0.0.0.0/x",
        "https://localhost/x",
        "https://127.1/x",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://files.localhost/x",
    ],
)
def test_a_redirect_from_the_network_into_a_private_one_is_refused(
    location, serve, serve_tls, proxied, settings_for
) -> None:
    inner = serve(answer(200, b"secret"))
    server = serve_tls(answer(302, Location=location.format(port=port_of(inner))))
    proxied(port_of(server))
    with pytest.raises(SourceError, match=r"redirects to .* which is (not https|no public address)"):
        Client(settings_for("https://openrouter.test")).get(PATH, {}, with_key=False)
    assert inner.requests == []


def test_a_redirect_within_the_host_goes_through_the_proxy_too(serve_tls, proxied, settings_for) -> None:
    server = serve_tls(answer(302, Location="https://openrouter.test/elsewhere"), answer())
    proxied(port_of(server))
    assert Client(settings_for("https://openrouter.test")).get(PATH, {}, with_key=False).body == BODY
    assert [path for path, _ in server.requests] == [PATH, "/elsewhere"]
