"""Names are strangers' text: whatever an app or a model is called, the tables hold it and no output obeys it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import pytest
import yaml
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt

from flows import shell
from pipeline import jobs, package
from pipeline import report as report_
from pipeline.outcome import Outcome
from pipeline.rendering import defused
from pipeline.settings import Settings, load_settings
from pipeline.simulation import SimulatedOpenRouter, World
from pipeline.simulation.server import Handler
from tests.conftest import KEY, Ended, morning_after
from tests.unit.test_rendering import HOSTILE

# The last is as long as an app's name, or a model's, may be.
NAMES = [*HOSTILE, "y" * 2000]
MODEL_NAMES = [*HOSTILE, "y" * 500]
# What a slug of the rankings may be: printable ASCII without blanks.
SLUGS = [
    "=cmd|'/C_calc'!A0/x",
    "<script>alert(1)</script>/x",
    "'/;drop_table_marts.dim_model;--",
    '"/`|[x](javascript:alert(1))',
    "../../etc/passwd",
    "@everyone/http://evil.example",
    "$(touch_pwned)/`id`",
    "%s%n/{0}",
    "constructor/toString",
    "__proto__/valueOf",
]
SVG_TAGS = {"svg", "g", "path", "line", "rect", "text", "tspan", "defs", "clipPath"}
LAST_DAY = date(2025, 2, 3)
COMMANDS = [
    ["show"],
    ["show", "app", "--top", "200"],
    ["show", "model", "--top", "50"],
    ["show", "author", "--top", "50"],
    ["explain", "--by", "app", "--top", "200"],
    ["explain", "--by", "model", "--top", "50"],
    ["claims"],
    ["query", "from dim_app"],
    ["query", "from dim_model"],
    ["query", "from fct_events"],
]


def hostile(answer: Any, path: str) -> Any:
    """Rename the apps, the catalogue's models, eight ranked models and the providers of an answer."""
    if not path.endswith(("/app-rankings", "/rankings-daily", "/models", "/providers")) or answer.status != 200:
        return answer
    payload = json.loads(answer.body)
    slugs = sorted({row["model_permaslug"] for row in payload["data"] if "model_permaslug" in row})
    renamed = dict(zip([slug for slug in slugs if slug != "other"][::3], SLUGS, strict=False))
    for n, row in enumerate(payload["data"]):
        if "app_name" in row:
            row["app_name"] = NAMES[row["app_id"] % len(NAMES)]
        elif "total_tokens" in row:
            row["model_permaslug"] = renamed.get(row["model_permaslug"], row["model_permaslug"])
        elif path.endswith("/providers"):
            row["name"] = "x" * 100_000
        else:
            row["name"] = MODEL_NAMES[n % len(MODEL_NAMES)]
    return answer._replace(body=json.dumps(payload).encode())


@dataclass(frozen=True)
class Market:
    """A home that a run filled from a hostile market, which does not say that it is simulated."""

    settings: Settings
    outcome: Outcome


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    world, home = World(days=40), tmp_path_factory.mktemp("hostile") / "home"
    with (
        pytest.MonkeyPatch.context() as patch,
        SimulatedOpenRouter(world, morning_after(LAST_DAY), key=KEY, requests_per_minute=10_000) as server,
    ):
        usual, send_header = server.answer, Handler.send_header
        patch.setattr(server, "answer", lambda path, query, key: hostile(usual(path, query, key), path))
        patch.setattr(
            Handler,
            "send_header",
            lambda self, name, value: None if name.lower() == "x-simulated-data" else send_header(self, name, value),
        )
        for name, value in {
            "OPENROUTER_BASE_URL": server.base_url,
            "OPENROUTER_API_KEY": KEY,
            "TOKENGROWTH_NOW": server.now.isoformat(),
            "TOKENGROWTH_HOME": str(home),
            "TOKENGROWTH_STATE_DIR": str(home / "state"),
            "TOKENGROWTH_SOURCES": "rankings-daily,models,app-rankings,providers",
            "TOKENGROWTH_REQUESTS_PER_MINUTE": "10000",
        }.items():
            patch.setenv(name, value)
        settings = load_settings()
        yield Market(settings, jobs.run(settings))


@pytest.fixture
def ask(market: Market, cli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    monkeypatch.setenv("TOKENGROWTH_HOME", str(market.settings.home))
    monkeypatch.setenv("TOKENGROWTH_NOW", str(market.settings.fixed_now))
    return cli


def rows(market: Market, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(market.settings.published_path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def hold_inert_markdown(text: str, more: frozenset[str] = frozenset()) -> None:
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    tags = set(re.findall(r"<(\w+)", html))
    assert tags <= {"p", "strong", "em", "table", "thead", "tbody", "tr", "th", "td", "code"} | more, tags
    assert all(line.isprintable() for line in text.split("\n"))


def test_the_tables_hold_every_name_as_it_is(market: Market) -> None:
    names = {name for (name,) in rows(market, "select app_name from marts.dim_app")}
    assert names <= set(NAMES)
    assert len(names) > 30
    slugs = {slug for (slug,) in rows(market, "select distinct model_permaslug from marts.fct_model_tokens_daily")}
    assert set(SLUGS) <= slugs
    models = {name for (name,) in rows(market, "select name from marts.dim_model") if name}
    assert models <= set(MODEL_NAMES)
    assert len(models) > 10


def test_a_name_beyond_the_contract_is_refused_by_a_stated_rule_and_nothing_else(market: Market) -> None:
    providers = market.outcome.of("providers")
    assert providers.status == "failed"
    assert "data.0.name: String should have at most 500 characters" in str(providers.message)
    assert len(str(providers.message)) < 500
    assert rows(market, "select count(*) from marts.dim_provider") == [(0,)]
    assert {market.outcome.of(name).status for name in ("rankings-daily", "models", "app-rankings")} == {"loaded"}
    assert market.outcome.is_published


def test_no_name_becomes_a_path(market: Market) -> None:
    files = [path.relative_to(market.settings.home).as_posix() for path in market.settings.home.rglob("*")]
    assert all(re.fullmatch(r"[\w./-]+", name) for name in files)
    assert not Path("pwned").exists()


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: "-".join(words[:3]).replace(" ", "-"))
def test_no_output_obeys_a_name(words: list[str], ask: Callable[..., Ended]) -> None:
    table = ask(*words)
    assert table.code == 0, table.err
    assert all(line.isprintable() for line in table.out.split("\n"))
    assert max(map(len, table.out.split("\n"))) < 5000
    hold_inert_markdown(ask(*words, "--format", "markdown").out)
    assert json.loads(ask(*words, "--json").out)
    for row in csv.reader(io.StringIO(ask(*words, "--format", "csv").out, newline="")):
        for cell in row:
            assert not re.match(r"\W*[=@\uff1d]|[\t\r\n]", cell.removeprefix("'")) or cell.startswith("'")


def test_status_and_the_log_are_inert(ask: Callable[..., Ended], market: Market) -> None:
    ended = ask("status")
    assert ended.code == 0
    assert all(line.isprintable() for line in (ended.out + ended.err).split("\n"))
    assert all(problem.isprintable() for problem in market.outcome.problems)


def test_artifacts_are_inert(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    tables: list[Any] = []
    monkeypatch.setattr(shell, "create_markdown_artifact", lambda text, **_: texts.append(text))
    monkeypatch.setattr(shell, "create_table_artifact", lambda table, **_: tables.append(table))
    monkeypatch.setattr(shell, "create_link_artifact", lambda **_: None)
    shell.leave_artifacts(market.settings, market.outcome)
    assert len(texts) == 4
    for text in texts:
        hold_inert_markdown(text)
        assert "(openrouter.ai/rankings)" in text
        assert "CC BY 4.0" in text
    assert all(str(cell).isprintable() for row in tables[0] for cell in row.values())


def test_the_report_holds_every_name_as_text(ask: Callable[..., Ended], market: Market) -> None:
    pytest.importorskip("altair", reason="the extra `report` is not installed")
    ended = ask("report", "--pictures", "pictures", "--picture-format", "svg")
    assert ended.code == 0, ended.err
    text = market.settings.report_path.read_text(encoding="utf-8")
    page = BeautifulSoup(text, "html.parser")
    own = {script.text for script in page.find_all("script")}
    assert own == {(Path(report_.__file__).parent / "page.js").read_text(encoding="utf-8")}
    allowed = {"class", "id", "href", "aria-labelledby", "aria-label", "role", "tabindex", "scope", "hidden", "type"}
    for tag in page.find_all(True):
        assert not any(name.startswith("on") for name in tag.attrs), tag.attrs
        assert not str(tag.get("href", "")).lower().startswith("javascript"), tag.attrs
        if tag.name in ("td", "th", "a", "p", "li", "h3"):
            assert set(tag.attrs) <= allowed, tag.attrs
    assert all(line.isprintable() for line in page.find("main").get_text().split("\n"))
    assert "<script>alert(1)</script>/x" in page.find("main").get_text()
    for picture in Path("pictures").glob("*.svg"):
        root = ElementTree.fromstring(picture.read_text(encoding="utf-8"))
        assert {element.tag.rpartition("}")[2] for element in root.iter()} <= SVG_TAGS


@pytest.fixture(scope="module")
def packed(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("hostile") / "package"
    package.export(market.settings, target, ("csv", "parquet"))
    return target


def test_a_package_holds_every_name_and_its_csv_obeys_none(packed: Path, market: Market) -> None:
    names = rows(market, "select app_id, app_name from marts.dim_app order by app_id")
    slugs = rows(market, "select distinct model_permaslug from marts.fct_model_tokens_daily order by all")
    assert duckdb.sql(f"select app_id, app_name from '{packed}/parquet/dim_app.parquet'").fetchall() == names
    cells: dict[str, list[str]] = {}
    for path in packed.rglob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, strict=True):
                for column, cell in row.items():
                    cells.setdefault(f"{path.parts[len(packed.parts) + 1]}:{column}", []).append(cell)
                    assert not re.match(r"\W*[=@\uff1d]|[\t\r\n]", cell.removeprefix("'")) or cell.startswith("'")
    assert cells["dim_app.csv:app_name"] == [defused(name) for _, name in names]
    assert set(cells["fct_model_tokens_daily:model_permaslug"]) == {defused(slug) for (slug,) in slugs}
    assert sum(cell.startswith("'") for cell in cells["dim_app.csv:app_name"]) > 15


def test_what_a_package_says_of_itself_is_inert(packed: Path) -> None:
    files = [path.relative_to(packed).as_posix() for path in packed.rglob("*")]
    assert all(re.fullmatch(r"[\w./=-]+", name) for name in files)
    text = (packed / "README.md").read_text(encoding="utf-8")
    hold_inert_markdown(text, frozenset({"h1", "h2", "pre", "a"}))
    assert re.findall(r"\]\((.*?)\)", text) == ["https://creativecommons.org/licenses/by/4.0/"]
    for name in ("README.md", "datapackage.json", "CITATION.cff", "LICENCE.txt"):
        said = (packed / name).read_text(encoding="utf-8")
        assert all(line.isprintable() for line in said.split("\n"))
        assert "evil" not in said
        assert "passwd" not in said


def test_a_package_of_openrouter_s_figures_names_their_places_and_the_licence(packed: Path, market: Market) -> None:
    described = json.loads((packed / "datapackage.json").read_text(encoding="utf-8"))
    assert described["name"] == "openrouter-token-growth"
    assert described["title"].startswith("Token use on OpenRouter, ")
    assert [one["name"] for one in described["licenses"]] == ["CC-BY-4.0"]
    assert described["sources"] == [
        {"title": APPS, "path": "https://openrouter.ai/apps"},
        {"title": RANKINGS, "path": "https://openrouter.ai/rankings"},
    ]
    citation = yaml.safe_load((packed / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["license"] == "CC-BY-4.0"
    assert [(one["type"], one["title"]) for one in citation["references"]] == [("data", APPS), ("data", RANKINGS)]
    assert (packed / "LICENCE.txt").read_bytes() == market.settings.licence_path.read_bytes()
    text = (packed / "README.md").read_text(encoding="utf-8")
    assert f"\n    {APPS}\n    {RANKINGS}\n" in text
    assert "Simulated" not in text + json.dumps(described)


def test_the_validator_reads_a_hostile_package(packed: Path) -> None:
    frictionless = pytest.importorskip("frictionless")
    report = frictionless.Package(str(packed / "datapackage.json")).validate()
    assert report.valid, report.flatten(["name", "type", "note"])[:5]


RANKINGS = "Source: OpenRouter (openrouter.ai/rankings), as of 2025-02-04T08:00:00Z."
APPS = "Source: OpenRouter (openrouter.ai/apps), as of 2025-02-04T08:00:00Z."
LICENCE = "Licence: CC BY 4.0, https://creativecommons.org/licenses/by/4.0/."


@pytest.mark.parametrize(
    ("words", "citation"),
    [
        (["show"], f"{RANKINGS} {LICENCE}"),
        (["show", "model"], f"{RANKINGS} {LICENCE}"),
        (["show", "app"], f"{APPS} {RANKINGS} {LICENCE}"),
        (["explain"], f"{RANKINGS} {LICENCE}"),
        (["explain", "--by", "app"], f"{APPS} {RANKINGS} {LICENCE}"),
        (["trend"], f"{RANKINGS} {LICENCE}"),
        (["claims"], f"{APPS} {RANKINGS} {LICENCE}"),
        (["query", "from growth_total limit 1"], f"{APPS} {RANKINGS} {LICENCE}"),
    ],
    ids=lambda value: "-".join(value[:3]).replace(" ", "-") if isinstance(value, list) else "",
)
def test_every_export_names_its_places_and_the_licence(
    words: list[str], citation: str, ask: Callable[..., Ended]
) -> None:
    assert citation in ask(*words).out
    assert citation.replace("_", "\\_") in ask(*words, "--format", "markdown").out
    for form in ("csv", "json"):
        ended = ask(*words, "--format", form)
        assert citation in ended.err.splitlines()
        assert form != "csv" or "creativecommons" not in ended.out
    assert citation in ask(*words, "--json").err.splitlines()


def test_the_published_files_name_their_places_and_the_licence(market: Market) -> None:
    assert market.settings.licence_path.read_text() == (
        f"OpenRouter's figures. Show these lines with them:\n\n{APPS}\n{RANKINGS}\n\n"
        f"{LICENCE.removesuffix('.')}\nAs of: 2025-02-04T08:00:00Z\n"
    )
    for path in market.settings.parquet_dir.glob("*.parquet"):
        found = dict(duckdb.sql(f"select decode(key), decode(value) from parquet_kv_metadata('{path}')").fetchall())
        assert (found["citation"], found["licence"] in LICENCE) == (f"{APPS} {RANKINGS}", True)
