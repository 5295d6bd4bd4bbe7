"""`tokengrowth trend` as a user types it, with the statistics library and without."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import fitting, jobs
from pipeline.settings import Settings, load_settings
from pipeline.simulation import SimulatedOpenRouter, World
from tests.conftest import KEY, Ended, morning_after

DAYS = 100


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred days, built without the library."""
    world = World(days=DAYS)
    home = tmp_path_factory.mktemp("trend")
    with (
        pytest.MonkeyPatch.context() as environment,
        SimulatedOpenRouter(world, morning_after(world.last_day), key=KEY) as server,
    ):
        environment.setitem(sys.modules, "statsmodels", None)
        environment.setenv("OPENROUTER_BASE_URL", server.base_url)
        environment.setenv("OPENROUTER_API_KEY", KEY)
        environment.setenv("TOKENGROWTH_NOW", server.now.isoformat())
        environment.setenv("TOKENGROWTH_HOME", str(home))
        environment.setenv("TOKENGROWTH_SOURCES", "rankings-daily,models")
        environment.setenv("TOKENGROWTH_STATE_DIR", str(home / "state"))
        outcome = jobs.run(load_settings())
    names = ", ".join(fitting.marts())
    assert outcome.hints == [
        f"Not built: {names}; it takes the extra `stats` (`pip install -e '.[stats]'` in the checkout), and then "
        "`tokengrowth build`."
    ]
    return home


@pytest.fixture
def home(filled_home: Path, tmp_path: Path, use: Callable[..., Settings]) -> Settings:
    shutil.copytree(filled_home, tmp_path / "home")
    return use(now="2025-04-11T08:00:00Z")


@pytest.fixture
def without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "statsmodels", None)


@pytest.mark.usefixtures("home", "without_the_library")
def test_without_the_library_every_command_says_what_is_lacking(cli: Callable[..., Ended]) -> None:
    advice = "it takes the extra `stats`"
    for words in (("trend",), ("trend", "author"), ("query", "from fct_trend"), ("query", "from marts.fct_anomalies")):
        ended = cli(*words)
        assert ended.code in (1, 2)
        assert advice in ended.err
        assert len(ended.err.splitlines()) == 1
    assert "not built: fct_anomalies, fct_seasonality" in cli("status").out
    built = cli("build")
    assert built.code == 0
    assert f"Not built: {', '.join(fitting.marts())}; {advice}" in built.out
    for words in (("show",), ("explain",), ("claims",), ("query", "from fct_momentum_daily limit 1")):
        assert cli(*words).code == 0
    assert "Built where the extra `stats` is installed." in cli("docs", "tables").out


def test_trend_prints_doubling_times_the_week_and_unusual_days(home: Settings, cli: Callable[..., Ended]) -> None:
    pytest.importorskip("statsmodels")
    assert "extra `stats`" in cli("trend").err  # what is published was built without it
    built = cli("build")
    assert (built.code, built.out.count("Not built")) == (0, 0), built.err
    assert json.loads(cli("status", "--json").out)["statistics_tables"] == "all built"
    total = cli("trend")
    assert total.code == 0
    assert total.out.startswith("SIMULATED DATA. How fast all tokens double, until 2025-04-10")
    for part in ("28 days", "90 days", "all 100 days", "The week of 2025", "Saturday", "that trend and weekday do not"):
        assert part in total.out
    assert total.out.splitlines()[-1] == "trend: 3 rows of total until 2025-04-10 (simulated data)"
    raw = json.loads(cli("trend", "--json").out)
    assert [row["span"] for row in raw["trends"]] == ["28d", "90d", "all"]
    assert raw["week"][0]["weekday_name"] == "Monday"
    assert raw["is_simulated"] is True
    authors = cli("trend", "author", "--span", "28d", "--top", "3")
    assert authors.code == 0
    assert authors.out.splitlines()[-1].startswith("trend: 3 rows of author")
    assert "more are not shown" in authors.out
    models = json.loads(cli("trend", "model", "--span", "all", "--json").out)["trends"]
    assert models[0]["days"] < max(row["days"] for row in models) == DAYS
    assert f"over all their days, {DAYS} at most, until" in cli("trend", "model", "--span", "all").out
    rows = list(csv.DictReader(io.StringIO(cli("trend", "organisation", "--format", "csv").out)))
    assert {row["span"] for row in rows} == {"28d"}
    assert {row["is_simulated"] for row in rows} == {"true"}
    assert cli("trend", "--format", "markdown").out.startswith("**SIMULATED DATA")
    for words, complaint in (
        (("trend", "--span", "7d"), "There is no span '7d'; choose one of 28d, 90d, 365d, all."),
        (("trend", "colour"), "There is no dimension 'colour'"),
        (("trend", "app"), "There is no trend of apps over 28d yet; it takes an entity with 0.1 % of all tokens"),
        (("trend", "model", "--span", "365d"), "There is no trend of models over 365d yet"),
    ):
        ended = cli(*words)
        assert ended.code == 2
        assert complaint in ended.err
    assert home.published_path.exists()


@pytest.mark.usefixtures("home", "without_the_library")
def test_without_the_library_the_report_lacks_its_trends_only(cli: Callable[..., Ended], tmp_path: Path) -> None:
    pytest.importorskip("altair", reason="the extra `report` is not installed")
    ended = cli("report", "--output", str(tmp_path / "report.html"))
    assert ended.code == 0, ended.err
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "There is no trend yet: it takes 28 loaded days in a row and the extra `stats`." in text
    assert "Doubling time" not in text
    assert text.count('class="picture wide"') == 8
