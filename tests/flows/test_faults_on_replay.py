"""Every fault of the replayed OpenRouter: how a run ends, what stays, what is kept, and how it heals."""

from __future__ import annotations

import gzip
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest

from pipeline import jobs
from pipeline.archive import Archive, Fetch
from pipeline.settings import Settings, load_settings

pytestmark = pytest.mark.recordings

KEY = "sk-or-secret-of-the-tests"
FIRST, SECOND = "2026-08-21T07:45:00Z", "2026-08-22T13:00:00Z"
RANKINGS = "/api/v1/datasets/rankings-daily"
EXPORTS = "/api/v1/datasets/exports/rankings-daily"
QUICK = {
    "TOKENGROWTH_ATTEMPTS": "3",
    "TOKENGROWTH_MAX_RETRY_WAIT_SECONDS": "5",
    "TOKENGROWTH_MAX_RESPONSE_MB": "3",
}
# Few days make quick builds; no day lies between the two clocks but the one that is missing.
SERVED = {"keys": (KEY,), "requests_per_minute": 10_000, "floor": "2026-08-10"}

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Case:
    """A fault, what the run says of it, and whether another try or the archive has a part in it."""

    fault: dict[str, Any]
    sentence: str
    is_retried: bool = True
    is_archived: bool = False
    path: str = ""
    read_timeout_seconds: str = "10"

    def on(self, path: str, times: int | None = None) -> list[dict[str, Any]]:
        return [{**self.fault, "path_prefix": self.path or path, "times": times}]


def broken(fault: dict[str, Any], sentence: str, path: str = "") -> Case:
    return Case(fault, sentence, is_retried=False, is_archived=True, path=path)


UNREADABLE = {
    "status 500": Case({"kind": "status", "status": 500}, "answered HTTP 500"),
    "status 503": Case({"kind": "status", "status": 503}, "answered HTTP 503"),
    "status 503 with a wait": Case({"kind": "status", "status": 503, "retry_after": 0.01}, "answered HTTP 503"),
    "status 429 with a wait": Case({"kind": "status", "status": 429, "retry_after": 0.01}, "answered HTTP 429"),
    "timeout": Case(
        {"kind": "timeout", "delay_ms": 500}, "could not be read: no answer in time", read_timeout_seconds="0.3"
    ),
    "reset": Case({"kind": "reset"}, "could not be read: the connection failed"),
    "truncate": Case({"kind": "truncate"}, "the connection closed in the middle of the answer"),
    "too slow": Case({"kind": "slow", "delay_ms": 4000}, "could not be read", read_timeout_seconds="0.3"),
    "oversize": Case({"kind": "oversize", "size_bytes": 2**22}, "sends more than 3,000,000 bytes", is_retried=False),
}
BROKEN_RANKINGS = {
    "garbage": broken({"kind": "garbage"}, "breaks its contract at the body: Invalid JSON"),
    "html": broken({"kind": "html"}, "is a web page, not JSON"),
    "empty": broken({"kind": "empty"}, "at meta: Field required"),
    "renamed": broken({"kind": "wrong_schema", "variant": "rename"}, "at data: Field required"),
    "numeric": broken(
        {"kind": "wrong_schema", "variant": "numeric"}, "at data.0.total_tokens: Input should be a valid"
    ),
    "missing": broken({"kind": "wrong_schema", "variant": "missing"}, "at data.0.total_tokens: Field required"),
    "duplicate": broken({"kind": "wrong_schema", "variant": "duplicate"}, "repeats the key {'date': '2026-08-1"),
}
CSV, MANIFEST = f"{EXPORTS}/2026-08-22.csv", f"{EXPORTS}/2026-08-22.manifest.json"
RENAMED_CSV = broken({"kind": "wrong_schema", "variant": "rename"}, "do not match its manifest", CSV)
HTML_MANIFEST = broken({"kind": "html"}, "the manifest of 2026-08-22 is a web page", MANIFEST)
BROKEN_EXPORTS = {
    "garbage": broken({"kind": "garbage"}, "do not match its manifest", CSV),
    "html": broken({"kind": "html"}, "do not match its manifest", CSV),
    "empty": broken({"kind": "empty"}, "do not match its manifest", CSV),
    "renamed": RENAMED_CSV,
    "garbage manifest": broken({"kind": "garbage"}, "the latest manifest breaks its contract at the body"),
    "html manifest": HTML_MANIFEST,
    "empty manifest": broken({"kind": "empty"}, "the manifest of 2026-08-22 breaks its contract at snapshot", MANIFEST),
}


BROKEN = {"rankings-daily": BROKEN_RANKINGS, "exports": BROKEN_EXPORTS}


@dataclass(frozen=True)
class Before:
    """A home after a healthy first run, and what a second healthy run makes of it."""

    home: Path
    published: Rows
    healed: Rows


def published(home: Path) -> Rows:
    path = home / "published" / "token_growth.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(
            """
            select tokens.date, tokens.model_permaslug, tokens.total_tokens, growth.tokens_7d, growth.growth_1d_pct
            from marts.fct_model_tokens_daily as tokens
            left join marts.fct_token_growth_daily as growth
            on growth.date = tokens.date and growth.dimension = 'total'
            order by all
            """
        ).fetchall()


def prepare(server: Any, folder: Path, source: str, key: str) -> Before:
    """Run twice without a fault, and keep a copy of the home from in between."""
    with pytest.MonkeyPatch.context() as patch:
        values = {"OPENROUTER_BASE_URL": server.base_url, "OPENROUTER_API_KEY": key, **QUICK}
        values |= {"TOKENGROWTH_HOME": str(folder / "home"), "TOKENGROWTH_STATE_DIR": str(folder / "state")}
        values |= {"TOKENGROWTH_REQUESTS_PER_MINUTE": "1000"}
        for name, value in values.items():
            patch.setenv(name, value)
        found = []
        for clock in (FIRST, SECOND):
            server.set_clock(clock)
            patch.setenv("TOKENGROWTH_NOW", clock)
            assert jobs.run(load_settings(), [source]).exit_code == 0
            found.append(published(folder / "home"))
            if clock == FIRST:
                shutil.copytree(folder / "home", folder / "before")
    return Before(folder / "before", *found)


@pytest.fixture(scope="module")
def prepared(replay_module: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Before]:
    """One home a source."""
    with replay_module.start(FIRST, **SERVED) as server:
        return {
            source: prepare(server, tmp_path_factory.mktemp(source), source, key)
            for source, key in (("rankings-daily", KEY), ("exports", ""))
        }


class Home:
    """One home, the server that it reads, and the commands on it."""

    def __init__(self, server: Any, settings: Settings, cli: Callable[..., Any], source: str) -> None:
        self.server, self.settings, self.source, self._cli = server, settings, source, cli
        self.told = ""

    def call(self, *words: str) -> Any:
        ended = self._cli(*words)
        self.told += ended.out + ended.err
        return ended

    def run(self) -> Any:
        return self.call("run", "--source", self.source)

    def code(self) -> int:
        """Run without the tables on the screen, which take a third of the time."""
        code: int = self.call("run", "--source", self.source, "--json").code
        return code

    def published(self) -> Rows:
        return published(self.settings.home)

    def archived(self) -> list[Fetch]:
        return [fetch for fetch in Archive(self.settings.archive_dir).fetches() if fetch.source == self.source]

    def faulty_requests(self) -> int:
        return sum(row["count"] for row in self.server.status()["requests"] if row["fault"])

    def is_silent_about(self, secret: str) -> bool:
        folders = (self.settings.home, self.settings.state_dir)
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        bodies = [path.read_bytes() for path in files]
        bodies += [gzip.decompress(path.read_bytes()) for path in files if path.suffix == ".gz"]
        return not any(secret.encode() in body for body in [self.told.encode(), *bodies])


@pytest.fixture
def second_day(replay, use, cli, prepared) -> Iterator[Callable[..., Home]]:
    """A home on the second day: one that was published on the first, or an empty one."""

    def start(source: str, *, is_fresh: bool = False, read_timeout_seconds: str = "10") -> Home:
        server = replay(SECOND, **SERVED)
        patience = {"TOKENGROWTH_READ_TIMEOUT_SECONDS": read_timeout_seconds}
        key = KEY if source == "rankings-daily" else None
        settings = use(server.base_url, SECOND, key, **QUICK, **patience)
        if not is_fresh:
            shutil.copytree(prepared[source].home, settings.home)
        return Home(server, settings, cli, source)

    return start


def bytes_served(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()


def paths_of(source: str) -> str:
    return RANKINGS if source == "rankings-daily" else EXPORTS


def holds_one_sentence(err: str, sentence: str) -> bool:
    lines = [line for line in err.splitlines() if sentence in line]
    return len(lines) == 1 and lines[0].endswith(".") and "Traceback" not in err


def test_the_second_day_brings_one_more_day(prepared) -> None:
    for before in prepared.values():
        assert str(before.published[-1][0]) == "2026-08-20"
        assert str(before.healed[-1][0]) == "2026-08-21"
        assert len(before.healed) > len(before.published) > 500


@pytest.mark.slow
@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_answer_leaves_what_is_published(name, second_day, prepared) -> None:
    case, before = UNREADABLE[name], prepared["rankings-daily"]
    home = second_day("rankings-daily", read_timeout_seconds=case.read_timeout_seconds)
    held = home.archived()
    home.server.faults(case.on(RANKINGS))
    ended = home.run()
    assert ended.code == 3
    assert holds_one_sentence(ended.err, case.sentence)
    assert home.faulty_requests() == (3 if case.is_retried else 1)
    assert home.published() == before.published
    assert home.archived() == held
    assert home.is_silent_about(KEY)


@pytest.mark.slow
def test_two_unreadable_answers_are_outlasted_by_a_third_try(second_day, prepared, monkeypatch) -> None:
    home = second_day("rankings-daily")
    # The first run brings the day that is missing, the others ask for it again.
    words = ["run", "--source", "rankings-daily", "--json"]
    for number, case in enumerate(case for case in UNREADABLE.values() if case.is_retried):
        held, faults = home.archived(), home.faulty_requests()
        monkeypatch.setenv("TOKENGROWTH_READ_TIMEOUT_SECONDS", case.read_timeout_seconds)
        home.server.faults(case.on(RANKINGS, times=2))
        assert home.call(*words).code == 0
        assert home.faulty_requests() == faults + 2
        assert len(home.archived()) == len(held) + 1
        start = f"2026-08-{10 + number}"
        words = ["backfill", "--force", "--start-date", start, "--source", "rankings-daily", "--json"]
    assert home.published() == prepared["rankings-daily"].healed
    assert home.is_silent_about(KEY)


def test_an_oversized_answer_is_not_asked_for_again_before_the_next_run(second_day, prepared) -> None:
    home = second_day("rankings-daily")
    home.server.faults(UNREADABLE["oversize"].on(RANKINGS, times=2))
    assert [home.code() for _ in range(3)] == [3, 3, 0]
    assert home.published() == prepared["rankings-daily"].healed


@pytest.mark.slow
@pytest.mark.parametrize("source", BROKEN)
def test_broken_answers_are_refused_and_kept_in_the_archive_until_a_healthy_one_heals(
    source, second_day, prepared
) -> None:
    home, before = second_day(source), prepared[source]
    # Each refusal is published with the next build; two of the exports' ways to break are enough to see it.
    for case in BROKEN[source].values() if source == "rankings-daily" else (RENAMED_CSV, HTML_MANIFEST):
        home.server.faults(case.on(paths_of(source)))
        faults = home.faulty_requests()
        ended = home.run()
        assert ended.code == 3
        assert holds_one_sentence(ended.err, case.sentence)
        assert home.faulty_requests() == faults + 1
        assert home.published() == before.published
        last = home.archived()[-1]
        assert last.status == 200
        assert Archive(home.settings.archive_dir).read(last) == bytes_served(last.url)

    home.server.faults(case.on(paths_of(source), times=2))
    assert [home.code() for _ in range(3)] == [3, 3, 0]
    assert home.published() == before.healed
    assert home.is_silent_about(KEY)


FRESH = {
    **{("rankings-daily", name): case for name, case in {**BROKEN_RANKINGS, "reset": UNREADABLE["reset"]}.items()},
    **{("exports", name): case for name, case in {**BROKEN_EXPORTS, **UNREADABLE}.items()},
}


@pytest.mark.slow
@pytest.mark.parametrize(("source", "name"), FRESH)
def test_where_nothing_was_ever_published_the_run_says_so(source, name, second_day) -> None:
    case = FRESH[source, name]
    home = second_day(source, is_fresh=True, read_timeout_seconds=case.read_timeout_seconds)
    home.server.faults(case.on(paths_of(source)))
    ended = home.run()
    assert ended.code == 1
    assert holds_one_sentence(ended.err, case.sentence)
    assert "error: Nothing is published: there are no rankings to build from." in ended.err
    assert not home.settings.published_path.exists()
    # On a fresh home the Data API is asked for two windows: a broken one does not stop the other, a silent host does.
    windows = 2 if source == "rankings-daily" else 1
    assert home.faulty_requests() == (3 if case.is_retried else windows)
    broken_answers = [fetch for fetch in home.archived() if not fetch.url.endswith(".json") or "manifest" in name]
    assert bool(broken_answers) == case.is_archived
    assert home.is_silent_about(KEY)


@pytest.mark.parametrize("is_fresh", [False, True], ids=["published before", "fresh"])
def test_a_long_wait_after_a_keyed_429_is_the_end_of_the_quota(is_fresh, second_day, prepared) -> None:
    home = second_day("rankings-daily", is_fresh=is_fresh)
    fault = {"kind": "status", "status": 429, "retry_after": 3600, "path_prefix": RANKINGS}
    home.server.faults([fault])
    ended = home.run()
    assert ended.code == 4
    assert "quota reached: " in ended.err
    assert holds_one_sentence(ended.err, "counts today's requests as used up and asks to wait 3,600 s")
    assert home.faulty_requests() == 1
    assert is_fresh or home.published() == prepared["rankings-daily"].published

    home.server.faults([{**fault, "times": 2}])
    assert [home.code() for _ in range(3)] == [4, 4, 0]
    assert is_fresh or home.published() == prepared["rankings-daily"].healed
    assert home.is_silent_about(KEY)


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_wait_without_a_key_is_a_failed_source(status, second_day, prepared) -> None:
    home = second_day("exports")
    home.server.faults([{"kind": "status", "status": status, "retry_after": 3600, "path_prefix": EXPORTS, "times": 2}])
    for _ in range(2):
        ended = home.run()
        assert ended.code == 3
        assert holds_one_sentence(ended.err, f"HTTP {status} and asks to wait 3,600 s; try again then")
    assert home.published() == prepared["exports"].published


def test_a_slow_answer_that_keeps_coming_is_read(second_day, prepared) -> None:
    home = second_day("exports", read_timeout_seconds="0.4")
    home.server.faults([{"kind": "slow", "delay_ms": 600, "path_prefix": CSV}])
    assert home.code() == 0
    assert home.faulty_requests() >= 1
    assert home.published() == prepared["exports"].healed


def test_two_failures_in_a_row_are_outlasted_without_a_key_too(second_day, prepared) -> None:
    home = second_day("exports")
    home.server.faults(
        [
            {"kind": "reset", "path_prefix": f"{EXPORTS}/latest", "times": 2},
            {"kind": "truncate", "path_prefix": CSV, "times": 2},
            {"kind": "status", "status": 502, "path_prefix": MANIFEST, "times": 2},
        ]
    )
    assert home.code() == 0
    assert home.faulty_requests() == 6
    assert home.published() == prepared["exports"].healed


def test_files_that_lag_behind_the_latest_manifest_are_never_read(second_day, prepared) -> None:
    home = second_day("exports")
    home.server.faults([{"kind": "mixed_latest"}])
    assert home.code() == 0
    assert home.faulty_requests() == 0
    assert home.published() == prepared["exports"].healed


def test_a_source_that_fails_does_not_stop_the_other(second_day, prepared) -> None:
    home = second_day("rankings-daily")
    home.server.faults([{"kind": "status", "status": 500, "path_prefix": RANKINGS}])
    ended = home.call("run", "--json")
    assert ended.code == 3
    assert '"status": "failed"' in ended.out
    assert '"source": "models",\n      "status": "loaded"' in ended.out
    assert [row[:3] for row in home.published()] == [row[:3] for row in prepared["rankings-daily"].published]

    home.server.faults([])
    assert home.call("run", "--json").code == 0
    assert [row[:3] for row in home.published()] == [row[:3] for row in prepared["rankings-daily"].healed]


def test_a_refused_key_is_not_tried_again_and_nothing_is_lost(second_day, prepared, monkeypatch) -> None:
    home = second_day("rankings-daily")
    wrong = "sk-or-wrong-key-of-the-tests"
    monkeypatch.setenv("OPENROUTER_API_KEY", wrong)
    ended = home.run()
    assert ended.code == 3
    assert holds_one_sentence(
        ended.err, "OpenRouter refused the key (HTTP 401, 'Invalid credentials'); check OPENROUTER"
    )
    assert home.published() == prepared["rankings-daily"].published
    assert home.is_silent_about(wrong)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(home.server.base_url + RANKINGS, timeout=10)

    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    assert home.code() == 0
    assert home.published() == prepared["rankings-daily"].healed
