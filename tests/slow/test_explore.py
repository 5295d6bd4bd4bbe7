"""What docs/ offers to those who explore the published file works on a market that is not the demo's."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from pydantic import SecretStr

from pipeline import jobs
from pipeline.settings import load_settings
from pipeline.simulation import SimulatedOpenRouter, World
from tests.conftest import morning_after

pytestmark = pytest.mark.slow
nbformat = pytest.importorskip("nbformat", reason="the extra `readers` is not installed")
nbclient = pytest.importorskip("nbclient", reason="the extra `readers` is not installed")

DOCS = Path(__file__).parents[2] / "docs"
SECTION = re.compile(r"^## (.+?)\n\n(.+?)\n```sql\n(.+?)```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five simulated months, read on two mornings, so that a day is restated and a cohort is three months old."""
    world = World(seed=11, days=150)
    home = tmp_path_factory.mktemp("market") / "explored"
    clocks = [morning_after(world.last_day) + timedelta(days=n) for n in (-1, 0)]
    with SimulatedOpenRouter(world, clocks[0], requests_per_minute=10_000) as server:
        for clock in clocks:
            server.set_clock(clock)
            settings = load_settings(
                base_url=server.base_url,
                web_archive_url=server.base_url,
                api_key=SecretStr(server.key),
                home=home,
                state_dir=home / "state",
                fixed_now=clock,
                requests_per_minute=10_000,
            )
            assert jobs.run(settings).exit_code == 0
    return home


def test_each_query_has_an_answer(explored: Path) -> None:
    page = (DOCS / "queries.md").read_text(encoding="utf-8")
    sections = SECTION.findall(page)
    assert len(sections) == page.count("```sql")
    with duckdb.connect(str(explored / "published" / "token_growth.duckdb"), read_only=True) as connection:
        for question, prose, sql in sections:
            relation = connection.sql(sql)
            rows = relation.fetchall()
            assert rows, question
            for name, values in zip(relation.columns, zip(*rows, strict=True), strict=True):
                # What is null on a whole market is said to be so.
                is_explained = re.search(rf"`{name}`[^.]*\bnull\b", prose)
                assert is_explained or any(value is not None for value in values), (question, name)


def test_the_notebook_draws_its_pictures(explored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    # As a reader starts it: in a folder below the one that holds the home.
    monkeypatch.setenv("TOKENGROWTH_HOME", explored.name)
    (folder := explored.parent / "notebooks").mkdir()
    notebook = nbformat.read(DOCS / "explore.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute(cwd=str(folder))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    # A chart whose specification is not valid prints a traceback, and draws nothing.
    assert {output.output_type for output in outputs} == {"execute_result"}
    pictures = [output.data["image/svg+xml"] for output in outputs if "image/svg+xml" in output.data]
    assert len(pictures) == 5
    for picture in pictures:
        assert "SIMULATED DATA. " in picture
        assert len(re.findall(r"<path [^>]*role=\"graphics-symbol\"|<path aria-label", picture)) > 2
        assert "NaN" not in picture
