"""Shows the report on loopback, as it lies on disk at the moment it is asked for, and the tables that it links to."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pipeline.errors import UsageError

HOST = "127.0.0.1"
TABLE = re.compile(r"/(parquet/\w+\.parquet)")


@dataclass(frozen=True)
class Server:
    """A server that is bound, and answers while someone waits."""

    http: ThreadingHTTPServer

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.http.server_port}/"

    def wait(self) -> None:
        """Answer until the user interrupts."""
        with contextlib.suppress(KeyboardInterrupt):
            self.http.serve_forever()


@contextlib.contextmanager
def serving(path: Path, port: int) -> Iterator[Server]:
    """Bind a port of loopback for a page, 0 for a free one; raise UsageError where the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.respond(has_body=False)

        def do_GET(self) -> None:
            self.respond(has_body=True)

        def respond(self, *, has_body: bool) -> None:
            table = TABLE.fullmatch(self.path)
            if self.path != "/" and not table:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            try:
                body = (path.parent / table[1] if table else path).read_bytes()
            except OSError:
                self.send_error(HTTPStatus.NOT_FOUND, "This file is gone; tokengrowth report writes the report anew")
                return
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "application/vnd.apache.parquet" if table else "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if has_body:
                self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing of each request: the terminal is the user's."""

    try:
        http = ThreadingHTTPServer((HOST, port), Handler)
    except OSError as error:
        raise UsageError(
            f"The report cannot be shown at port {port} of {HOST} ({error.strerror}); name another one by --port, or 0."
        ) from None
    http.daemon_threads = True
    try:
        yield Server(http)
    finally:
        http.server_close()
