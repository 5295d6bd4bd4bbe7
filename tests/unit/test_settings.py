"""Settings come from the environment and `.env`; a bad one is named, its value never shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.errors import UsageError
from pipeline.settings import Settings, load_settings, unknown_variables, variables

KEY = "sk-or-secret-of-the-tests"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the test environment sets."""
    for name, _, _ in variables():
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("bare")
def test_without_any_variable_the_documented_defaults_hold() -> None:
    found = load_settings()
    assert found.api_key is None
    assert found.base_url == "https://openrouter.ai"
    assert found.home == Path("data")
    assert (found.requests_per_minute, found.requests_per_day, found.attempts) == (30, 500, 5)
    assert found.storage_version == "v1.5.0"
    assert found.published_path == Path("data/published/token_growth.duckdb")
    before = datetime.now(UTC)
    assert abs((found.now() - before).total_seconds()) < 1
    assert found.now().microsecond % 1000 == 0


@pytest.mark.usefixtures("bare")
def test_a_dotenv_file_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text(
        f"OPENROUTER_API_KEY='{KEY}'\nTOKENGROWTH_ATTEMPTS=7\nTOKENGROWTH_HOME=elsewhere\nX=1\n"
    )
    monkeypatch.setenv("TOKENGROWTH_HOME", "here")
    found = load_settings()
    assert found.api_key is not None
    assert found.api_key.get_secret_value() == KEY
    assert found.attempts == 7
    assert found.home == Path("here")


def test_settings_are_frozen(use: Callable[..., Settings]) -> None:
    with pytest.raises(ValidationError):
        use().attempts = 9  # type: ignore[misc]


def test_the_clock_can_be_set_and_is_utc(use: Callable[..., Settings]) -> None:
    assert use(None, "2026-08-22T15:00:00.123456+02:00").now() == datetime(2026, 8, 22, 13, 0, 0, 123_000, UTC)


@pytest.mark.parametrize("empty", ["", " ", "\t"])
def test_an_empty_key_is_no_key(empty: str, use: Callable[..., Settings]) -> None:
    assert use(None, None, empty).api_key is None


def test_empty_variables_are_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, _, _ in variables():
        monkeypatch.setenv(name, "")
    found = load_settings()
    assert found.base_url == "https://openrouter.ai"
    assert (found.attempts, found.fixed_now, found.home) == (5, None, Path("data"))


def test_space_around_a_key_is_cut_off(use: Callable[..., Settings]) -> None:
    found = use(None, None, f"  {KEY}\n").api_key
    assert found is not None
    assert found.get_secret_value() == KEY


SPLIT_KEYS = [
    "sk-or secret",
    "sk-or\nsecret",
    "sk-or\r\nX-Other: secret",
    "sk-or-sécret",
    "sk-or\x7fsecret",
    "sk\tsecret",
]


@pytest.mark.parametrize("key", SPLIT_KEYS)
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(key, use, cli) -> None:
    with pytest.raises(UsageError, match="OPENROUTER_API_KEY holds spaces or characters") as caught:
        use(None, None, key)
    ended = cli("run", "--debug")
    assert ended.code == 2
    told = ended.out + ended.err + str(caught.value)
    assert "OPENROUTER_API_KEY" in told
    for part in (key, "secret", "sécret", "X-Other"):
        assert part not in told


def test_the_key_shows_in_no_rendering_of_the_settings(use: Callable[..., Settings]) -> None:
    found = use(None, None, KEY, TOKENGROWTH_ALERT_WEBHOOK_URL=f"https://hooks.example/{KEY}")
    assert KEY not in f"{found!r} {found} {found.model_dump()} {found.model_dump_json()}"


BAD = [
    ("TOKENGROWTH_ATTEMPTS", "many-secret"),
    ("TOKENGROWTH_ATTEMPTS", "0"),
    ("TOKENGROWTH_ATTEMPTS", "2.5secret"),
    ("TOKENGROWTH_NOW", "tomorrow-secret"),
    ("TOKENGROWTH_NOW", "2026-08-22T13:00:00"),
    ("TOKENGROWTH_REQUESTS_PER_DAY", "-5"),
    ("TOKENGROWTH_READ_TIMEOUT_SECONDS", "0"),
    ("TOKENGROWTH_READ_TIMEOUT_SECONDS", "secret"),
    ("TOKENGROWTH_MAX_RESPONSE_MB", "-1"),
    ("TOKENGROWTH_LOCK_TIMEOUT_SECONDS", "-1"),
    ("TOKENGROWTH_STORAGE_VERSION", "secret'; drop"),
    ("OPENROUTER_BASE_URL", "openrouter.ai/secret"),
    ("OPENROUTER_BASE_URL", "ftp://secret.example"),
    ("OPENROUTER_BASE_URL", "https://user:secret@openrouter.ai"),
    ("OPENROUTER_BASE_URL", "http://secret.example"),
    ("OPENROUTER_BASE_URL", "https://"),
    ("OPENROUTER_BASE_URL", "https://secret.example:port"),
    ("OPENROUTER_BASE_URL", "https://secret.example:99999"),
    ("OPENROUTER_BASE_URL", "https://[secret"),
    ("OPENROUTER_BASE_URL", "https://openrouter.ai?a=secret"),
    ("OPENROUTER_BASE_URL", "https://openrouter.ai#secret"),
    ("TOKENGROWTH_ALERT_WEBHOOK_URL", "hooks.example/secret"),
    ("TOKENGROWTH_ALERT_WEBHOOK_URL", "http://hooks.example/secret"),
    ("TOKENGROWTH_ALERT_WEBHOOK_URL", "https:///secret"),
    ("TOKENGROWTH_ALERT_WEBHOOK_URL", "https://[secret"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_is_named_by_its_variable_and_not_shown(name, value, use, cli) -> None:
    with pytest.raises(UsageError) as caught:
        use(**{name: value})
    told = str(caught.value)
    assert told.startswith(f"The setting {name} ")
    assert told.endswith(".")
    assert "\n" not in told
    assert "secret" not in told
    ended = cli("run")
    assert ended.code == 2
    assert ended.err == f"error: {told}\n"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://openrouter.ai/", "https://openrouter.ai"),
        ("https://mirror.example:8443/or//", "https://mirror.example:8443/or"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_base_url_loses_its_last_slashes(url: str, kept: str, use: Callable[..., Settings]) -> None:
    assert use(url).base_url == kept


def test_only_misspelt_variables_are_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENGROWTH_HOM", "x")
    monkeypatch.setenv("OTHER_HOM", "x")
    (tmp_path / ".env").write_text("TOKENGROWTH_ATEMPTS=3\nTOKENGROWTH_ATTEMPTS=3\n")
    assert unknown_variables() == ["TOKENGROWTH_ATEMPTS", "TOKENGROWTH_HOM"]


@pytest.mark.parametrize("command", ["status", "run"])
def test_a_command_warns_of_an_unknown_variable_by_name_only(command, use, cli, tmp_path: Path) -> None:
    use("http://127.0.0.1:1", TOKENGROWTH_ATEMPTS="a-value", TOKENGROWTH_ATTEMPTS="1")
    (tmp_path / ".env").write_text("TOKENGROWTH_HOEM=another-value\n")
    ended = cli(command)
    for name in ("TOKENGROWTH_ATEMPTS", "TOKENGROWTH_HOEM"):
        assert ended.err.count(f"warning: {name} is no setting of tokengrowth;") == 1
    assert "-value" not in ended.out + ended.err


def test_without_unknown_variables_there_is_no_warning(cli: Callable[..., Any]) -> None:
    assert "warning" not in cli("status").err


def test_every_variable_is_described_once() -> None:
    names = [name for name, _, _ in variables()]
    assert len(names) == len(set(names))
    assert all(name.startswith(("TOKENGROWTH_", "OPENROUTER_")) for name in names)
    assert all(meaning.endswith(".") for _, _, meaning in variables())
