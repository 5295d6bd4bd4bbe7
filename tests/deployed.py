"""A Prefect server, its worker and its database as processes of their own, for tests."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PATIENCE_SECONDS = 120
SERVER = ["prefect", "server", "start", "--host", "127.0.0.1"]
WORKER = ["prefect", "worker", "start", "--pool", "token-growth"]
ENDS = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]


def free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def environment_of(folder: Path) -> dict[str, str]:
    """Return the environment of a machine with nothing on it, whose server has a free port."""
    port = free_port()
    return os.environ | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "5",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
    }


def start(
    words: list[str], environment: dict[str, str], log: Path, *, in_background: bool = False
) -> subprocess.Popen[bytes]:
    """Start a process as from a terminal, with a session of its own; its output is added to the log.

    With `in_background` SIGINT is ignored, as of what a script starts with `&`.
    """
    on_interrupt = signal.SIG_IGN if in_background else signal.default_int_handler
    with log.open("ab") as output:
        return subprocess.Popen(
            words,
            env=environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, on_interrupt),
        )


def run_processes(prefect_home: str) -> Iterator[int]:
    """Find the processes of runs that belong to this test, by their environment."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_run = b"PREFECT__FLOW_RUN_ID=" in (variables := (folder / "environ").read_bytes())
            if is_run and f"PREFECT_HOME={prefect_home}\0".encode() in variables:
                yield int(folder.name)


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGINT) -> int:
    """End a process, by force after 40 s; return its exit status."""
    process.send_signal(how)
    try:
        return process.wait(40)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait(10)


@contextmanager
def started(
    words: list[str], environment: dict[str, str], log: Path, *, in_background: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process until the block ends."""
    process = start(words, environment, log, in_background=in_background)
    try:
        yield process
    finally:
        if process.poll() is None:
            stop(process)


@contextmanager
def postgresql() -> Iterator[tuple[str, Path]]:
    """Run an empty PostgreSQL of the distribution; give the URL of its database for Prefect, and its folder."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = places[-1] if places else shutil.which("initdb")
    if not found:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    # It refuses to run as root.
    # Where root's shell has it on its path, another one may not.
    user = [shutil.which("runuser") or "/usr/sbin/runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder, port = Path(tempfile.mkdtemp(prefix="token-growth-postgresql-")), free_port()
    if user:
        os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
    data = folder / "data"
    try:
        init = [*user, str(found), "-D", str(data), "-U", "prefect", "--auth", "trust", "--no-sync"]
        subprocess.run(init, cwd=folder, check=True, capture_output=True)
        options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "fsync": "off"}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        program = str(Path(found).with_name("postgres"))
        # SIGINT is its fast shutdown; runuser hands no signal on, so that its child gets it.
        with (folder.parent / f"{folder.name}.log").open("wb") as log:
            process = subprocess.Popen([*user, program, "-D", str(data), *words], cwd=folder, stdout=log, stderr=log)
        try:
            wait_for((data / "postmaster.pid").exists, "PostgreSQL")
            wait_for(lambda: _accepts(port), "PostgreSQL")
            yield f"postgresql+asyncpg://prefect@127.0.0.1:{port}/postgres", data
        finally:
            if (data / "postmaster.pid").exists():
                os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGINT)
            process.wait(20)
    finally:
        shutil.rmtree(folder)
        (folder.parent / f"{folder.name}.log").unlink(missing_ok=True)


def _accepts(port: int) -> bool:
    with closing(socket.socket()) as knocking:
        return knocking.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Return the first true value of `condition`; fail after two minutes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = condition()
        except requests.RequestException:
            found = None
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"{what} did not come about within {seconds:g} s")


def done(words: list[str], environment: dict[str, str], **more: str) -> str:
    """Run a command of the repository to its end, with variables of its own; return what it says."""
    ended = subprocess.run(
        words,
        env=environment | more,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


class Api:
    """What a Prefect server says of its runs."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.url = environment["PREFECT_API_URL"]
        # On SQLite the server answers 503 where another of its writers takes long; Prefect's client asks again, too.
        again = Retry(10, connect=0, status_forcelist=[503], allowed_methods=None, backoff_factor=0.2)
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(max_retries=again))

    def is_healthy(self) -> bool:
        return requests.get(f"{self.url}/health", timeout=5).ok

    def get(self, path: str) -> Any:
        return self._json(self._session.get(f"{self.url}/{path}", timeout=10))

    def post(self, path: str, asked: Any = None) -> Any:
        return self._json(self._session.post(f"{self.url}/{path}", json=asked or {}, timeout=10))

    def patch(self, path: str, changes: dict[str, Any]) -> None:
        self._session.patch(f"{self.url}/{path}", json=changes, timeout=10).raise_for_status()

    @staticmethod
    def _json(answer: requests.Response) -> Any:
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def runs(self, **asked: Any) -> list[dict[str, Any]]:
        """Return the runs that fit, oldest first."""
        return list(self.post("flow_runs/filter", {"flow_runs": asked, "sort": "EXPECTED_START_TIME_ASC"}))

    def trigger(self, deployment: str, parameters: dict[str, Any] | None = None, **variables: str) -> str:
        """Trigger a deployment, with environment variables of its own; return the run's name."""
        name = f"triggered-{time.monotonic_ns()}"
        run = {"name": name, "parameters": parameters or {}, "state": {"type": "SCHEDULED"}}
        if variables:
            run["job_variables"] = {"env": variables}
        self.post(f"deployments/{self.get(f'deployments/name/{deployment}')['id']}/create_flow_run", run)
        return name

    def ended(self, name: str, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Wait until a run has ended, and return it."""
        asked = {"name": {"any_": [name]}, "state": {"type": {"any_": ENDS}}}
        return dict(wait_for(lambda: self.runs(**asked), f"the end of {name}", seconds)[0])

    def done(self, deployment: str, parameters: dict[str, Any] | None = None, **variables: str) -> dict[str, Any]:
        """Trigger a deployment and wait until its run has ended."""
        return self.ended(self.trigger(deployment, parameters, **variables))

    def scheduled(self) -> list[dict[str, Any]]:
        """Return the runs that the scheduler has made."""
        return self.runs(state={"type": {"any_": ["SCHEDULED"]}}, tags={"all_": ["auto-scheduled"]})
