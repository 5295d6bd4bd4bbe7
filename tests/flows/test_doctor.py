"""`tokengrowth doctor` on homes in each state: what it finds, how grave it is, what mends it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import pytest
from filelock import FileLock
from pydantic import SecretStr

from pipeline import doctor, jobs
from pipeline.doctor import Finding, State
from pipeline.quota import Quota
from pipeline.settings import Settings, load_settings
from pipeline.simulation import SimulatedOpenRouter, World
from pipeline.sources import SOURCES
from tests.conftest import KEY, Ended, morning_after
from tests.flows.test_faults import garble_table


@pytest.fixture(scope="module")
def loaded_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty days, loaded and published."""
    home, world = tmp_path_factory.mktemp("loaded"), World(days=20)
    with (
        pytest.MonkeyPatch.context() as environment,
        SimulatedOpenRouter(world, morning_after(world.last_day), key=KEY) as server,
    ):
        environment.setenv("TOKENGROWTH_SOURCES", "rankings-daily,models")
        settings = load_settings(
            base_url=server.base_url, api_key=SecretStr(KEY), fixed_now=server.now, home=home, state_dir=home / "state"
        )
        assert jobs.run(settings).exit_code == 0
    return home


@pytest.fixture
def home(loaded_home: Path, use: Callable[..., Settings]) -> Settings:
    """A good home, an hour after its run."""
    settings = use("http://127.0.0.1:9", "2025-01-21T09:00:00Z", KEY)
    shutil.copytree(loaded_home, settings.home)
    return settings


def findings(**options: Any) -> dict[str, Finding]:
    """The gravest finding of each check."""
    gravity = [State.OK, State.SKIPPED, State.WARNING, State.FAILED]
    found = sorted(doctor.doctor(**options), key=lambda one: gravity.index(one.state))
    assert all(one.mend for one in found if one.state in (State.WARNING, State.FAILED))
    assert not any(one.mend for one in found if one.state is State.OK)
    return {one.check: one for one in found}


def failed() -> set[str]:
    return {name for name, one in findings().items() if one.state is State.FAILED}


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_nothing_yet_is_no_failure_and_stays_nothing(use: Callable[..., Settings], cli: Callable[..., Ended]) -> None:
    settings = use()
    ended = cli("doctor")
    assert ended.code == 0
    assert "`tokengrowth run` begins" in ended.out
    assert not settings.home.exists()
    assert not settings.state_dir.exists()
    assert findings()["warehouse"].state is State.SKIPPED


def test_a_good_home_is_well_and_is_not_written(home: Settings, cli: Callable[..., Ended]) -> None:
    before = digests(home.home)
    ended = cli("doctor", "--json")
    assert digests(home.home) == before
    assert ended.code == 0
    found = json.loads(ended.out)
    states = {one["check"]: one["state"] for one in found["findings"]}
    names = ["python", "packages", "settings", "network", "key", "quota", "disk", "lock", "archive", "warehouse"]
    assert {name: states[name] for name in [*names, "build", "published", "sources"]} == dict.fromkeys(
        [*names, "build", "published", "sources"], "ok"
    )
    assert (states["clock"], states["prefect"]) == ("warning", "skipped")
    assert found["summary"] == "doctor: 13 ok, 1 warning, 0 failed, 1 skipped"


def test_a_setting_that_is_none_or_cannot_be_is_named(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENGROWTH_HOMES", "elsewhere")
    assert findings()["settings"].found == "TOKENGROWTH_HOMES: no such setting."
    monkeypatch.setenv("TOKENGROWTH_SOURCES", "rankings-dayly")
    assert "rankings-dayly" in findings()["settings"].found
    monkeypatch.setenv("TOKENGROWTH_ATTEMPTS", "none")
    assert findings()["settings"].found.startswith("The setting TOKENGROWTH_ATTEMPTS ")
    assert failed() == {"settings"}


def test_packages_that_break_prefect_are_named(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = ["fastapi<0.1", "nobodys-package>=1", "duckdb>=1.5", 'statsmodels>=99; extra == "stats"']
    monkeypatch.setattr(doctor, "requires", lambda _: needed)
    (found,) = [one for one in doctor.doctor() if one.check == "packages"]
    assert found.state is State.FAILED
    assert f"fastapi {version('fastapi')} is installed, <0.1 is needed, as with a newer one no Prefect" in found.found
    assert "nobodys-package is not installed." in found.found
    assert "duckdb" not in found.found
    assert "statsmodels" not in found.found


def test_the_proxy_is_named_without_its_password(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_BASE_URL", "https://openrouter.ai")
    monkeypatch.setenv("https_proxy", "http://user:secret@proxy.example:3128")
    assert findings()["network"].found == "https://openrouter.ai is asked through the proxy http://proxy.example:3128."


def test_a_clock_before_the_newest_answer_is_a_warning(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENGROWTH_NOW", "2025-01-20T09:00:00Z")
    assert failed() == set()
    assert findings()["clock"].state is State.WARNING
    assert "before the newest archived answer of 2025-01-21T08:00Z" in findings()["clock"].found


def refuse_the_key(home: Settings) -> None:
    with duckdb.connect(str(home.warehouse_path)) as connection:
        connection.execute(
            "update meta.loads set outcome = 'refused', message = 'OpenRouter refused the key (HTTP 401).' "
            "where source = 'rankings-daily'"
        )


def test_a_key_that_was_refused_fails(home: Settings) -> None:
    refuse_the_key(home)
    assert failed() == {"key"}
    assert findings()["key"].mend.startswith("Set a valid OPENROUTER_API_KEY")


def test_a_key_that_is_accepted_now_overrules_that_one_was_refused(
    home: Settings, simulate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_the_key(home)
    monkeypatch.setenv("OPENROUTER_BASE_URL", simulate(World(days=20)).base_url)
    assert failed() == {"key"}
    found = findings(online=True)
    assert (found["online"].state, found["key"].state) == (State.OK, State.OK)
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-another")
    assert findings(online=True)["key"].state is State.FAILED


def test_a_quota_warns_where_nothing_is_left_or_todays_run_needs_more(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENGROWTH_REQUESTS_PER_DAY", "20")
    monkeypatch.setenv("TOKENGROWTH_SOURCES", "rankings-daily,app-rankings")
    quota = Quota.of(load_settings())
    assert quota
    quota.reserve("http://127.0.0.1:9")
    assert findings()["quota"].state is State.WARNING
    assert findings()["quota"].found == "1 of today's 20 requests are used; today's run still takes up to 28."
    # Once the apps are held, too, a run that would take 29 takes none.
    held = f"'app-rankings' as source, {list(SOURCES['app-rankings'].series or ())} as series, 'apps' as load_id"
    with duckdb.connect(str(home.warehouse_path)) as connection:
        connection.execute(
            f"insert into meta.loads select * replace ({held}) from meta.loads where last_date is not null"
        )
    assert findings()["quota"].state is State.OK
    monkeypatch.setenv("TOKENGROWTH_REQUESTS_PER_DAY", "1")
    assert findings()["quota"].state is State.WARNING
    # What cannot be looked at holds nothing.
    home.warehouse_path.unlink()
    assert findings()["quota"].found == "1 of today's 1 requests are used; today's run still takes up to 29."


def test_a_disk_that_is_full_fails(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage(home.home)._replace(free=50_000_000)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: full)
    assert failed() == {"disk"}
    assert findings()["disk"].found.startswith("50.0 MB are free in ")


def test_a_home_that_cannot_be_written_fails(tmp_path: Path, use: Callable[..., Settings]) -> None:
    (tmp_path / "file").write_text("no folder")
    use(TOKENGROWTH_HOME=str(tmp_path / "file" / "home"))
    assert failed() == {"disk"}
    assert "cannot be written" in findings()["disk"].found
    assert "TOKENGROWTH_HOME" in findings()["disk"].mend


def test_a_state_folder_that_cannot_be_written_fails(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.home / "file").write_text("no folder")
    monkeypatch.setenv("TOKENGROWTH_STATE_DIR", str(home.home / "file" / "state"))
    assert failed() == {"disk"}
    assert (
        findings()["disk"].mend == "Give this user the folder, or set TOKENGROWTH_STATE_DIR to one that it can write."
    )
    monkeypatch.delenv("OPENROUTER_API_KEY")
    assert failed() == set()


def test_a_home_that_is_written_to_is_not_waited_for(home: Settings, cli: Callable[..., Ended]) -> None:
    with FileLock(home.lock_path), duckdb.connect(str(home.warehouse_path)):
        started = datetime.now(UTC)
        assert findings()["lock"].state is State.WARNING
        assert datetime.now(UTC) - started < timedelta(seconds=10)
    assert findings()["lock"].state is State.OK


def test_a_look_fails_no_run(home: Settings, cli: Callable[..., Ended]) -> None:
    look = "import sys, time, duckdb; c = duckdb.connect(sys.argv[1], read_only=True); print(flush=True); time.sleep(2)"
    words = [sys.executable, "-c", look, str(home.warehouse_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as looking:
        assert looking.stdout
        looking.stdout.readline()
        assert cli("build").code == 0


def test_damaged_and_lost_answers_are_counted_and_named(home: Settings) -> None:
    damaged, lost, *_ = (home.archive_dir / "objects").rglob("*.gz")
    damaged.write_bytes(b"broken")
    lost.unlink()
    (home.archive_dir / "objects" / "left.part").write_bytes(b"")
    assert failed() == {"archive"}
    assert findings()["archive"].found.startswith("Damaged files: 2; answers lost with them: 2 of 2.")
    assert str(damaged) in findings()["archive"].found


def test_a_loss_that_was_accepted_is_a_warning(home: Settings) -> None:
    damaged, *_ = (home.archive_dir / "objects").rglob("*.gz")
    damaged.write_bytes(b"broken")
    assert failed() == {"archive"}
    jobs.rebuild(home, accepts_loss=True)
    found = findings()["archive"]
    assert found.state is State.WARNING
    assert found.found.startswith("Damaged files: 1; answers lost with them: 1 of 2, of which no table has rows.")
    assert found.mend.startswith("Restore these files from a backup, then `tokengrowth rebuild`;")
    home.warehouse_path.unlink()
    assert findings()["archive"].state is State.FAILED


def test_a_damaged_manifest_is_named_once(home: Settings) -> None:
    (manifest,) = (home.archive_dir / "manifest").glob("*.jsonl")
    manifest.write_bytes(b"{broken\n" + manifest.read_bytes())
    assert failed() == {"archive"}
    assert "Line 1 of " in findings()["archive"].found
    assert findings()["archive"].mend.startswith("Restore the manifest from a backup: until then every command")
    assert findings()["warehouse"].state is State.SKIPPED


def test_what_archive_and_warehouse_do_not_share_is_counted(home: Settings) -> None:
    (manifest,) = (home.archive_dir / "manifest").glob("*.jsonl")
    rows = manifest.read_bytes().splitlines(keepends=True)
    manifest.write_bytes(rows[0])
    assert failed() == {"warehouse"}
    assert findings()["warehouse"].found == (
        "1 of 2 answers in the warehouse are not in the archive's manifest (1 of models)."
    )
    manifest.write_bytes(b"".join(rows))
    with duckdb.connect(str(home.warehouse_path)) as connection:
        connection.execute("delete from meta.loads where source = 'models'")
    assert findings()["warehouse"].found == "1 of 2 archived answers were not read yet."
    assert findings()["warehouse"].mend == "`tokengrowth build` reads them."


@pytest.mark.parametrize(("content", "how"), [(b"no database", "sets it aside and makes"), (None, "makes")])
def test_a_warehouse_that_is_lost_is_mended_by_the_next_run(
    content: bytes | None, how: str, home: Settings, cli: Callable[..., Ended]
) -> None:
    if content:
        home.warehouse_path.write_bytes(content)
    else:
        home.warehouse_path.unlink()
    assert failed() == {"warehouse"}
    assert findings()["warehouse"].mend.startswith(f"The next `tokengrowth run` {how} it")
    ended = cli("doctor")
    assert ended.code == 1
    assert "To mend" in ended.out


@pytest.mark.parametrize(
    ("change", "state", "mend"),
    [
        ("drop table meta.layout", State.WARNING, "The next `tokengrowth run` makes it anew"),
        ("update meta.layout set layout_version = 99", State.FAILED, "Upgrade this program"),
    ],
)
def test_a_warehouse_of_another_version_is_told(change: str, state: State, mend: str, home: Settings) -> None:
    with duckdb.connect(str(home.warehouse_path)) as connection:
        connection.execute(change)
    assert findings()["warehouse"].state == state
    assert findings()["warehouse"].mend.startswith(mend)


def test_a_build_that_failed_is_told_with_its_message(home: Settings) -> None:
    with duckdb.connect(str(home.warehouse_path)) as connection:
        connection.execute(
            "insert into meta.builds by name "
            "select * replace (false as is_successful, 'No row may offend.' as message) from meta.builds"
        )
    assert failed() == {"build"}
    assert findings()["build"].found == "2025-01-21 08:00 UTC: No row may offend."
    assert findings()["build"].mend.startswith("`tokengrowth build` tries again")


def test_published_files_that_are_lost_or_cut_are_mended_by_a_build(home: Settings, cli: Callable[..., Ended]) -> None:
    cut = home.parquet_dir / "dim_date.parquet"
    cut.write_bytes(cut.read_bytes()[:-10])
    (home.parquet_dir / "dim_model.parquet").unlink()
    assert "are missing or cut: dim_date, dim_model." in findings()["published"].found
    garble_table(home.published_path, "marts.fct_token_growth_daily")
    assert failed() == {"published"}
    home.published_path.write_bytes(b"no database")
    assert failed() == {"published"}
    home.published_path.unlink()
    assert failed() == {"published"}
    assert findings()["published"].mend == "`tokengrowth build` publishes it anew."
    assert cli("build").code == 0
    assert failed() == set()


def test_a_build_that_is_not_published_is_told(home: Settings) -> None:
    with duckdb.connect(str(home.warehouse_path)) as connection:
        connection.execute("update meta.builds set build_id = 'another'")
    assert findings()["published"].found == "The last build is not published."


def test_what_was_published_two_days_ago_is_old(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENGROWTH_NOW", "2025-01-23T09:00:00Z")
    found = findings()["published"]
    assert (found.state, "49 hours ago" in found.found) == (State.WARNING, True)


@pytest.mark.parametrize(
    ("change", "state", "words", "mend"),
    [
        ("verdict = 'stale', due_date = '2025-01-20'", State.FAILED, "2025-01-20 was due and is not held", "again"),
        ("verdict = 'refused', last_refusal = 'It broke.'", State.FAILED, "It broke.", "a newer version may read it"),
        (
            "verdict = 'refused', last_refusal = 'OpenRouter refused the key (HTTP 401).'",
            State.FAILED,
            "refused the key",
            "asks again with a valid OPENROUTER_API_KEY.",
        ),
        (
            "verdict = 'drifted', warning = 'Odd.', warned_since = '2025-01-21 08:00'",
            State.WARNING,
            "Odd. Since 2025",
            "rebuild",
        ),
        ("verdict = 'unusual volume', volume_ratio = 0.1", State.WARNING, "0.10 times the median", "Compare with"),
    ],
)
def test_each_ill_of_a_source_is_told(change: str, state: State, words: str, mend: str, home: Settings) -> None:
    with duckdb.connect(str(home.published_path)) as connection:
        connection.execute(f"update marts.rpt_source_health set {change} where source = 'rankings-daily'")
    found = findings()["source rankings-daily"]
    assert found.state is state
    assert words in found.found
    assert mend in found.mend
    assert findings()["sources"].found.startswith("1 of 2 sources were fresh")
    assert findings()["sources"].state is State.WARNING


def test_sources_of_a_key_that_only_prefect_holds_are_judged_too(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENROUTER_API_KEY")
    monkeypatch.delenv("TOKENGROWTH_SOURCES")
    with duckdb.connect(str(home.published_path)) as connection:
        connection.execute(
            "update marts.rpt_source_health set verdict = 'stale', due_date = '2025-01-20' "
            "where source = 'rankings-daily'"
        )
    assert failed() == {"source rankings-daily"}
    assert "in Prefect's block openrouter-api-key" in findings()["key"].found


def test_online_asks_once_and_tells_a_refused_key(
    home: Settings, simulate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = simulate(World(days=20))
    monkeypatch.setenv("OPENROUTER_BASE_URL", server.base_url)
    found = findings(online=True)
    assert (found["online"].state, found["skew"].state) == (State.OK, State.OK)
    assert "one request of today's is used" in found["online"].found
    assert len(server.requests) == 1
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-another")
    assert "the key is refused" in findings(online=True)["online"].found
    monkeypatch.setenv("OPENROUTER_BASE_URL", "http://127.0.0.1:9")
    assert findings(online=True)["online"].mend.startswith("Look at the network")


class Prefect:
    """A server with the answers of Prefect's API that are asked, changed by a test."""

    def __init__(self) -> None:
        self.auth: str | None = None
        self.date: str | None = None
        started = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
        self.answers: dict[str, Any] = {
            "/api/health": True,
            "/api/admin/version": version("prefect"),
            "/api/admin/settings": {"server": {"events": {"expired_bucket_buffer": "P1Y"}}},
            "/api/work_pools/token-growth": {"status": "READY", "is_paused": False},
            "/api/deployments/filter": [
                {"id": name, "name": name, "paused": False, "schedules": [{"active": True}] * (name == "daily")}
                for name in ("daily", "backfill", "rebuild")
            ],
            "/api/flow_runs/filter": [{"state_type": "COMPLETED", "state_name": "Completed", "start_time": started}],
            # What is asked for runs of one state; no other has any.
            "/api/flow_runs/filter RUNNING": [],
            "/api/flow_runs/filter Late": [],
            "/api/events/filter": {"events": []},
            "/api/automations/filter": [
                {"name": name, "enabled": True} for name in ("token-growth zombies", "token-growth alerts")
            ],
        }


@pytest.fixture
def prefect(home: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Prefect]:
    served = Prefect()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
            served.auth = self.headers.get("Authorization")
            wanted = question.get("flow_runs", {}).get("state", {}).values()
            states = [name for one in wanted for name in one.get("any_", [])]
            answer = served.answers.get(" ".join([self.path, *states[:1]]))
            body = json.dumps(answer).encode()
            self.send_response(200 if answer is not None else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def date_time_string(self, timestamp: float | None = None) -> str:
            return served.date or super().date_time_string(timestamp)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{server.server_address[1]}/api")
    yield served
    server.shutdown()
    server.server_close()


def test_a_schedule_that_works_is_well(prefect: Prefect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "admin:pass")
    found = findings()
    checks = ["prefect", "work pool", "deployments", "daily run", "runs", "automation", "alerts"]
    assert {name: found[name].state for name in checks} == dict.fromkeys(checks, State.OK)
    assert prefect.auth == "Basic YWRtaW46cGFzcw=="


LONG_AGO = "2025-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("path", "answer", "check", "state", "mend"),
    [
        ("health", False, "prefect", State.FAILED, "log"),
        ("admin/version", "3.0.0", "prefect", State.WARNING, "upgrade the server first"),
        ("work_pools/token-growth", None, "work pool", State.FAILED, "`deploy/setup` makes it"),
        ("work_pools/token-growth", {"status": "NOT_READY"}, "work pool", State.FAILED, "prefect worker start"),
        ("work_pools/token-growth", {"is_paused": True}, "work pool", State.FAILED, "prefect work-pool resume"),
        ("deployments/filter", [], "deployments", State.FAILED, "`deploy/setup`"),
        ("flow_runs/filter", [], "daily run", State.WARNING, "prefect deployment run token-growth-daily/daily"),
        (
            "flow_runs/filter",
            [{"state_type": "CRASHED", "state_name": "Crashed", "start_time": LONG_AGO}],
            "daily run",
            State.FAILED,
            "Read its log",
        ),
        (
            "flow_runs/filter",
            [{"state_type": "COMPLETED", "state_name": "Completed", "start_time": LONG_AGO}],
            "daily run",
            State.WARNING,
            "See whether a worker polls",
        ),
        ("automations/filter", [], "automation", State.WARNING, "`deploy/setup` makes it"),
        (
            "admin/settings",
            {"server": {"events": {"expired_bucket_buffer": "PT1M"}}},
            "automation",
            State.WARNING,
            "Start the server in the folder of this program's pyproject.toml",
        ),
        (
            "automations/filter",
            [{"name": "token-growth zombies", "enabled": False}],
            "automation",
            State.WARNING,
            "`prefect automation resume 'token-growth zombies'`",
        ),
        ("automations/filter", [], "alerts", State.SKIPPED, ""),
        (
            "automations/filter",
            [{"name": "token-growth alerts", "enabled": False}],
            "alerts",
            State.WARNING,
            "`prefect automation resume 'token-growth alerts'`",
        ),
    ],
)
def test_each_ill_of_the_schedule_is_told(
    path: str, answer: Any, check: str, state: State, mend: str, prefect: Prefect
) -> None:
    prefect.answers[f"/api/{path}"] = answer
    found = findings()[check]
    assert found.state is state
    assert mend in found.mend


def test_a_paused_schedule_is_told_with_what_resumes_it(prefect: Prefect) -> None:
    daily = prefect.answers["/api/deployments/filter"][0]
    daily["schedules"] = [{"id": "morning", "active": False}]
    assert findings()["deployments"].mend == "`prefect deployment schedule resume token-growth-daily/daily morning`"
    daily["schedules"] = []
    assert findings()["deployments"].mend == "`deploy/setup` makes its schedules."
    daily["paused"] = True
    assert findings()["deployments"].found == "The deployment daily is paused."


def test_a_dead_run_and_those_that_wait_for_it_are_told(prefect: Prefect) -> None:
    late = "1 late, since 2025-01-01 00:00 UTC: bold-bee."
    begun = {"id": "4d", "name": "able-ant", "state": {"name": "Running", "timestamp": LONG_AGO}}
    prefect.answers["/api/flow_runs/filter RUNNING"] = [begun]
    prefect.answers["/api/flow_runs/filter Late"] = [{"name": "bold-bee", "expected_start_time": LONG_AGO}]
    dead = findings()["runs"]
    assert dead.state is State.FAILED
    assert "able-ant is Running, and nothing was heard of it for 3 minutes or more: its process is gone." in dead.found
    assert dead.found.endswith(late)
    assert dead.mend == "`prefect flow-run delete 4d`"
    # It lives: the other waits for it.
    prefect.answers["/api/events/filter"] = {"events": [{}]}
    assert (findings()["runs"].state, findings()["runs"].found) == (State.WARNING, late)
    assert findings()["runs"].mend == "Wait for able-ant, or `prefect flow-run cancel 4d`"
    prefect.answers["/api/flow_runs/filter RUNNING"] = []
    assert "`prefect worker start --pool token-growth`" in findings()["runs"].mend
    # What has just begun, or is late by seconds, is as it should be.
    just_now = datetime.now(UTC).isoformat()
    prefect.answers["/api/events/filter"] = {"events": []}
    prefect.answers["/api/flow_runs/filter RUNNING"] = [begun | {"state": {"name": "Pending", "timestamp": just_now}}]
    prefect.answers["/api/flow_runs/filter Late"] = [{"name": "bold-bee", "expected_start_time": just_now}]
    assert findings()["runs"].state is State.OK


def test_what_is_no_prefect_or_cannot_be_understood_is_told(
    prefect: Prefect, monkeypatch: pytest.MonkeyPatch, cli: Callable[..., Ended]
) -> None:
    prefect.answers["/api/deployments/filter"] = [{"nameless": True}]
    assert findings()["prefect"].found == "What was read is not understood (KeyError('name'))."
    monkeypatch.setenv("PREFECT_API_URL", os.environ["PREFECT_API_URL"].removesuffix("/api"))
    assert findings()["prefect"].mend.startswith("Mend PREFECT_API_URL, which ends in /api")
    assert "no API of Prefect" in cli("doctor").out


def test_a_clock_that_is_off_is_what_is_to_mend(prefect: Prefect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_BASE_URL", os.environ["PREFECT_API_URL"].removesuffix("/api"))
    monkeypatch.delenv("TOKENGROWTH_NOW")
    prefect.date = "Tue, 01 Jan 2030 00:00:00 GMT"
    found = findings(online=True)
    assert "online" not in found
    assert "minutes behind that of 127.0.0.1" in found["skew"].found
    assert found["skew"].mend == "Synchronise the clock (NTP)."


def test_a_server_that_is_down_is_told(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert failed() == {"prefect"}
    assert findings()["prefect"].mend.startswith("Start the server")
    monkeypatch.setenv("PREFECT_API_URL", "")
    assert findings()["prefect"].mend.startswith("`unset PREFECT_API_URL`")
    assert failed() == {"prefect"}
