"""The rules that keep the house as it is: imports, SQL files, locks."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from sqlglot import exp

from pipeline import models
from pipeline.sources import SOURCES

ROOT = Path(__file__).parents[1]
PIPELINE = sorted((ROOT / "pipeline").rglob("*.py"))
FLOWS = sorted((ROOT / "flows").glob("*.py"))
MODELS = models.load(ROOT / "sql")

# Each module or package may import those before it, never one behind it.
LAYERS = [
    "errors",
    "rendering",
    "html",
    "settings",
    "quota",
    "packs",
    "archive",
    "contracts",
    "pages",
    "sources",
    "imports",
    "planner",
    "http",
    "models",
    "lineage",
    "fitting",
    "warehouse",
    "outcome",
    "jobs",
    "retention",
    "reading",
    "explanation",
    "trend",
    "report",
    "status",
    "watch",
    "doctor",
    "reference",
    "dictionary",
    "package",
    "simulation",
    "cli",
    "__main__",
]


def imported(path: Path, *, at_run_time_only: bool = True) -> set[str]:
    """Name the modules that a file imports, also within functions; not those for type checkers only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if at_run_time_only and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped.update(child for statement in node.body for child in ast.walk(statement))
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def uses(path: Path, package: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for name in imported(path))


def layer(path: Path) -> str:
    return path.relative_to(ROOT / "pipeline").parts[0].removesuffix(".py")


def test_every_module_has_its_layer() -> None:
    assert {layer(path) for path in PIPELINE} == {*LAYERS, "__init__"}


@pytest.mark.parametrize("path", PIPELINE, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_flow_one_way(path: Path) -> None:
    assert not uses(path, "prefect"), "the pipeline runs without Prefect"
    assert not uses(path, "flows")
    own = layer(path)
    if own == "__init__":
        return
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "pipeline" and len(parts) > 1 and parts[1] in LAYERS:
            assert LAYERS.index(parts[1]) <= LAYERS.index(own), f"{own} must not import {parts[1]}"


@pytest.mark.parametrize(
    ("package", "homes"),
    [
        ("requests", {"http"}),
        ("duckdb", {"warehouse"}),
        ("prefect", set()),
        ("filelock", {"jobs"}),
        ("statsmodels", {"fitting"}),
        ("altair", {"report"}),
        ("vl_convert", {"report"}),
        ("jinja2", {"html"}),
    ],
)
def test_each_library_has_one_home(package: str, homes: set[str]) -> None:
    assert {layer(path) for path in PIPELINE if uses(path, package)} == homes


def test_sources_are_pure() -> None:
    for path in (ROOT / "pipeline" / "sources").glob("*.py"):
        for library in ("requests", "duckdb", "sqlite3", "pathlib", "os", "time", "pipeline.http", "pipeline.settings"):
            assert not uses(path, library), f"{path.name} must not use {library}"
        assert ".now(" not in path.read_text(encoding="utf-8"), f"{path.name} must not read the clock"


def test_flows_are_thin() -> None:
    for path in FLOWS:
        assert not any(uses(path, library) for library in ("duckdb", "polars", "requests", "pipeline.warehouse"))
        assert "select " not in path.read_text(encoding="utf-8").lower()


def test_the_commands_load_neither_prefect_nor_anything_heavy_to_say_what_they_are() -> None:
    script = "import sys, pipeline.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"prefect", "duckdb", "polars", "pydantic", "requests", "sqlglot"} & set(loaded)
    script = "import sys, pipeline.jobs, pipeline.reading; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"prefect", "polars", "requests", "sqlglot"} & set(loaded)


def test_every_source_is_registered() -> None:
    modules = {path.stem for path in (ROOT / "pipeline" / "sources").glob("*.py")} - {"__init__", "base"}
    defined = [
        source for name in sorted(modules) for source in importlib.import_module(f"pipeline.sources.{name}").SOURCES
    ]
    assert sorted(source.name for source in defined) == sorted(SOURCES)


def test_every_raw_table_is_filled_by_some_source() -> None:
    filled = {f"raw.{table}" for source in SOURCES.values() for table in source.tables}
    assert filled == {name for name, model in MODELS.items() if model.schema == "raw"}


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.full_name)
def test_a_model_file_is_one_described_select(model: models.Model) -> None:
    code = "\n".join(line.split("--")[0] for line in model.sql.splitlines())
    assert model.description
    assert model.description.endswith(".")
    assert re.sub(r"'[^']*'", "", code) == re.sub(r"'[^']*'", "", code).lower(), "keywords and names are lower case"
    assert ";" not in code
    if model.schema in ("marts", "meta", "raw"):
        assert "*" not in model.columns, "columns are explicit"
    if model.schema == "checks":
        return
    assert model.kind in ("table", "view", "ledger", "fitted")
    assert model.grain or model.kind == "ledger"
    missing = [name for name, doc in models.column_docs(MODELS, model).items() if not doc]
    assert not missing, "each column is documented here or where it comes from"
    inherited = models.inherited_docs(MODELS, model)
    repeated = [name for name, doc in model.columns.items() if doc and doc == inherited.get(name)]
    assert not repeated, "a comment that repeats what the column inherits is left out"


def test_every_column_between_raw_and_marts_is_read() -> None:
    for model in MODELS.values():
        if model.schema in ("staging", "intermediate"):
            readers = [reader for reader in MODELS.values() if model.full_name in reader.depends_on]
            named = {column.name for reader in readers for column in reader.parsed.find_all(exp.Column)}
            assert model.columns.keys() <= named | set(model.grain), f"nothing reads a column of {model.full_name}"


def test_the_order_of_models_follows_what_they_read() -> None:
    ordered = [model.full_name for model in models.ordered(MODELS)]
    for model in MODELS.values():
        for read in model.depends_on:
            assert ordered.index(read) < ordered.index(model.full_name)


def test_the_marts_read_nothing_raw_but_revisions() -> None:
    for model in MODELS.values():
        if model.schema == "marts" and model.name != "rpt_revisions":
            assert not any(read.startswith("raw.") for read in model.depends_on)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-duckdb15.lock"])
def test_locks_are_hashed_and_name_no_host(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    requirements = re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==", text, re.MULTILINE)
    assert len(requirements) > 100
    assert text.count("--hash=sha256:") >= len(requirements)
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)
    capped = dict(re.findall(r"^(fastapi|sqlalchemy|duckdb)==(\S+)", text, re.MULTILINE))
    assert capped["fastapi"] < "0.151"
    assert capped["sqlalchemy"].startswith("2.0.")
    assert capped["duckdb"].startswith("1.5." if "15" in name else "2.")


def test_the_tests_are_collected_without_the_extras_that_only_one_lock_holds() -> None:
    """What a file imports as it is loaded is in both locks; the rest it imports by `importorskip`, or within a test."""
    lock = (ROOT / "requirements-duckdb15.lock").read_text(encoding="utf-8")
    held = set(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==", lock, re.MULTILINE))
    installed = packages_distributions()
    for path in sorted((ROOT / "tests").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module}
        for package in {name.partition(".")[0] for name in names} & installed.keys() - {"flows", "pipeline", "tests"}:
            distributions = {re.sub(r"[-_.]+", "-", name).lower() for name in installed[package]}
            assert distributions & held, f"{path.relative_to(ROOT)} imports {package}, which only one lock holds"
