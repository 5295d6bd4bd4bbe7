"""What the documentation shows is what the program prints; nothing is left out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import models, reference, settings
from pipeline.cli import app
from pipeline.rendering import Format
from pipeline.sources import SOURCES
from tests import generated
from tests.conftest import Ended

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readme") / "demo"


def test_the_generated_parts_of_the_readme_and_the_answers_to_queries_are_current(demo_home: Path) -> None:
    assert generated.filled(README, generated.readme_blocks(demo_home)) == README, "run `make docs`"
    page = generated.QUERIES.read_text(encoding="utf-8")
    # One demo for both: another test may run in another process.
    assert generated.answered(page, demo_home) == page, "run `make docs`"


def test_the_readers_of_the_readme_find_the_tables(
    demo_home: Path, cli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    import polars as pl

    if not demo_home.exists():
        generated.readme_blocks(demo_home)
    monkeypatch.setenv("TOKENGROWTH_HOME", str(demo_home))
    (snippet,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    exec(snippet.replace("data/published", str(demo_home / "published")), names)
    growth = names["growth"]
    assert isinstance(growth, pl.DataFrame)
    assert growth.height > 50_000
    ended = cli("query", "from marts.growth_total order by date desc limit 3", "--format", "csv")
    assert ended.code == 0
    assert ended.out.count("\n") == 4


def test_the_reference_of_the_tables_is_current() -> None:
    assert generated.TABLES.read_text(encoding="utf-8") == generated.tables(), "run `make docs`"


def test_there_are_twenty_queries_written_as_the_models_are() -> None:
    page = generated.QUERIES.read_text(encoding="utf-8")
    queries = [sql for _, sql, _ in generated.QUERY.findall(page)]
    assert len(queries) == page.count("\n## ") == page.count("```sql") == 20
    for sql in queries:
        assert re.sub(r"'[^']*'", "", sql).islower()
        assert "*" not in re.sub(r"count\(\*\)| \* ", "", sql), "columns are explicit"
        assert max(map(len, sql.splitlines())) <= 120


def test_the_notebook_is_stored_without_what_a_machine_adds() -> None:
    notebook = json.loads((ROOT / "docs" / "explore.ipynb").read_text(encoding="utf-8"))
    assert notebook["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert {(cell["cell_type"], str(cell["metadata"])) for cell in notebook["cells"]} == {
        ("markdown", "{}"),
        ("code", "{}"),
    }
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_the_lineage_is_current() -> None:
    text = generated.LINEAGE.read_text(encoding="utf-8")
    assert text == generated.lineage(), "run `make docs`"
    assert "[docs/lineage.md](docs/lineage.md)" in README


def test_links_between_sections_lead_somewhere() -> None:
    pages = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
    headings = {
        (name, re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-"))
        for name, text in pages.items()
        for heading in re.findall(r"^#+ (.+)", text, re.MULTILINE)
    }
    links = {
        (page or name, section)
        for name, text in pages.items()
        for page, section in re.findall(r"\]\(([\w.]*)#([\w-]+)\)", text)
    }
    assert len(links) > 60
    assert links - headings == set()


def test_every_measure_is_documented() -> None:
    text = generated.MEASURES.read_text(encoding="utf-8")
    assert text == generated.measures(), "run `make docs`"
    rows = re.findall(r"^\| `(\w+)` \| ([\w ]*|%) \| (.*) \|", text, re.MULTILINE)
    assert len(rows) > 100
    assert all(meaning.strip() for _, _, meaning in rows)
    assert {"contribution_7d_pp", "hhi_high", "quick_ratio", "share_of_change_pct"} <= {name for name, _, _ in rows}
    assert "[docs/measures.md](docs/measures.md)" in README


UNITS_BY_END = {"_pct": "%", "_pp": "percentage points", "_tokens": "tokens", "_usd": "US dollars", "_days": "days"}


def test_the_unit_of_each_published_column_is_that_of_its_last_word_and_a_rate_has_that_of_a_rate() -> None:
    columns = {
        column
        for model in models.load(models.sql_dir()).values()
        if model.schema in ("marts", "meta")
        for column in model.columns
    }
    for column in columns:
        unit = reference.unit(column)
        ends = [known for end, known in UNITS_BY_END.items() if column.endswith(end)]
        if ends:
            assert [unit] == ends, column
        elif "_per_" in column:
            assert unit == "" or " per " in unit, column
    rates = {column: reference.unit(column) for column in columns if " per " in reference.unit(column)}
    assert rates.keys() == {column for column in columns if re.search(r"(tokens|usd)_per_(?!.*(_pct|_usd)$)", column)}
    assert rates["throughput_p50_tokens_per_second"] == "tokens per second"
    assert rates["tokens_per_request_before"] == "tokens per request"
    assert rates["usd_per_million_after"] == "US dollars per million tokens"
    assert rates["lowest_prompt_usd_per_token"] == "US dollars per token"
    assert reference.unit("tokens_7d_high") == reference.unit("estimated_tokens_4w") == "tokens"


def test_every_command_setting_and_mart_is_documented(cli: Callable[..., Ended]) -> None:
    for words in reference.command_words(app):
        assert f"tokengrowth {' '.join(words)}" in README
        assert "--json" in cli(*words, "--help").out
    for name, _, meaning in settings.variables():
        assert name in README
        assert meaning.endswith(".")
    for source in SOURCES:
        assert f"`{source}`" in README, source
    for model in models.load(models.sql_dir()).values():
        if model.schema == "marts":
            assert f"`{model.name}`" in README, model.name


def test_what_is_not_published_as_parquet_is_named() -> None:
    (named,) = re.findall(r"No Parquet there is of what is a view of other tables: (.*?);", README, re.DOTALL)
    views = [one.name for one in models.load(models.sql_dir()).values() if (one.schema, one.kind) == ("marts", "view")]
    assert sorted(re.findall(r"`(\w+)`", named)) == sorted(views)


def test_every_named_file_and_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"`?make ([a-z-]+)", text):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page} names make {target}"
        for link in re.findall(r"\]\(([\w./-]+)\)", text):
            assert (ROOT / link).exists(), f"{page} links {link}"


def test_formats_named_in_the_readme_are_those_that_there_are() -> None:
    assert f"--format {'|'.join(form.value for form in Format)}" in README


def test_every_test_that_the_documentation_names_exists() -> None:
    for page in sorted((ROOT / "docs").glob("*.md")):
        for file, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)", page.read_text(encoding="utf-8")):
            source = (ROOT / file).read_text(encoding="utf-8")
            assert re.search(rf"^def {name}\(", source, re.MULTILINE), f"{page.name} names {file}::{name}"


def test_every_heading_of_the_operations_names_a_test_that_shows_it() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    headings = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    assert len(headings) == 7
    assert [text.splitlines()[0] for text in headings if "`tests/" not in text] == []
