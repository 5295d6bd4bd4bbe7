"""The data package, as strangers read it: the validator of the standard, Polars, pandas, DuckDB, plain CSV."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import yaml
from polars.testing import assert_frame_equal

from pipeline import fitting, models, package
from pipeline.package import folder, tables, texts
from pipeline.rendering import defused
from pipeline.settings import Settings, load_settings
from pipeline.warehouse import frame_of, published
from tests.conftest import Ended
from tests.flows.test_layout import change

KNOWN = models.load(models.sql_dir())
# Those of the statistics need an extra.
MODELS = KNOWN if fitting.is_available() else models.unfitted(KNOWN)
MARTS = {model.name for model in MODELS.values() if model.schema == "marts"}
# The sixty days of the simulated market lie in one year; these make two of them.
TWO_YEARS = "update marts.fct_token_growth_daily set date = date + 330 where date >= '2025-02-01'"
GROWTH = "csv/fct_token_growth_daily/year=2025/fct_token_growth_daily_2025.csv"


@pytest.fixture(scope="module")
def home(loaded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose growth tables span two years."""
    home = tmp_path_factory.mktemp("package") / "home"
    shutil.copytree(loaded_home, home)
    change(home / "published" / "token_growth.duckdb", TWO_YEARS)
    return home


@pytest.fixture(scope="module")
def exported(home: Path) -> Path:
    """The package of that home."""
    target = home.parent / "token-growth"
    package.export(load_settings(home=home), target, ("csv", "parquet"))
    return target


@pytest.fixture(scope="module")
def growth(home: Path) -> Path:
    """Two tables of it: what takes less time to copy, to spoil and to validate."""
    target = home.parent / "growth"
    package.export(load_settings(home=home), target, ("csv",), ("fct_token_growth_daily", "dim_dimension"))
    return target


@pytest.fixture
def export(home: Path, cli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    monkeypatch.setenv("TOKENGROWTH_HOME", str(home))
    return lambda *words: cli("export", *map(str, words))


def described(target: Path) -> Any:
    return json.loads((target / "datapackage.json").read_text(encoding="utf-8"))


def resources(target: Path) -> dict[str, Any]:
    return {resource["name"]: resource for resource in described(target)["resources"]}


def paths(target: Path, named: str | list[str]) -> list[Path]:
    return [target / path for path in ([named] if isinstance(named, str) else named)]


def contents(target: Path) -> dict[str, bytes]:
    return {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}


def read_csv(files: list[Path], schema: pl.Schema) -> pl.DataFrame:
    """Read CSV by the types of what was published; a list is JSON."""
    plain = {name: pl.String if isinstance(kind, pl.List | pl.Datetime) else kind for name, kind in schema.items()}
    frame = pl.concat([pl.read_csv(path, schema=plain) for path in files])
    return frame.with_columns(
        *(pl.col(name).str.json_decode(kind) for name, kind in schema.items() if isinstance(kind, pl.List)),
        *(
            pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%SZ")
            for name, kind in schema.items()
            if isinstance(kind, pl.Datetime)
        ),
    )


def test_every_mart_is_there_in_both_formats_as_it_is_published(exported: Path, home: Path) -> None:
    found = resources(exported)
    assert set(found) == {*MARTS, "contract", "sources"}
    with published(load_settings(home=home)) as connection:
        for name, table in tables.published_tables(connection).items():
            frame = frame_of(connection, table.sql)
            assert found[name]["rows"] == frame.height
            if table.is_by_year:
                frame = frame.sort(pl.col("date").dt.year(), maintain_order=True)
            as_parquet = pl.concat([pl.read_parquet(path) for path in paths(exported, found[name]["parquet"])])
            assert_frame_equal(as_parquet, frame, check_exact=True)
            assert_frame_equal(read_csv(paths(exported, found[name]["path"]), frame.schema), frame, check_exact=True)
    assert found["fct_token_growth_daily"]["rows"] > 1000


def test_a_table_of_many_rows_a_day_is_a_file_a_year(exported: Path) -> None:
    found = resources(exported)
    assert found["fct_token_growth_daily"]["path"] == [GROWTH, GROWTH.replace("2025", "2026")]
    assert found["growth_total"]["path"] == "csv/growth_total.csv"
    # One without rows shows its columns, in the year of the build.
    assert found["fct_price_changes"]["path"] == "csv/fct_price_changes/year=2025/fct_price_changes_2025.csv"
    for name, resource in found.items():
        grain = next(model.grain for model in MODELS.values() if model.name == name)
        for path in paths(exported, resource["path"]):
            assert path.parent.name.startswith("year=") == ("date" in grain and len(grain) > 1), path
    dates = pl.read_csv(exported / GROWTH, try_parse_dates=True)["date"]
    assert dates.dt.year().unique().to_list() == [2025]


def test_the_validator_of_the_standard_finds_nothing(exported: Path) -> None:
    frictionless = pytest.importorskip("frictionless")
    report = frictionless.Package(str(exported / "datapackage.json")).validate()
    assert report.valid, report.flatten(["name", "type", "note"])[:5]
    read = {task.name: task.stats.get("rows", 0) for task in report.tasks}
    assert read == {name: resource["rows"] for name, resource in resources(exported).items()}


def swap(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


DAMAGES: dict[str, tuple[Callable[[str], str], str]] = {
    "a figure changed": (
        lambda text: re.sub(r",(\d)", lambda digit: f",{9 - int(digit[1])}", text, count=1),
        "hash-count",
    ),
    "a row lost": (lambda text: text[: text.rstrip("\n").rindex("\n") + 1], "row-count"),
    "a row twice": (lambda text: text + text.splitlines()[-1] + "\n", "primary-key"),
    "a word for a number": (lambda text: re.sub(r",\d+", ",many", text, count=1), "type-error"),
    "no name of the row": (lambda text: swap(text, '\n"author",', "\n,"), "constraint-error"),
    "an unknown dimension": (lambda text: swap(text, '\n"author",', '\n"planet",'), "foreign-key"),
    "a column renamed": (lambda text: swap(text, '"rank"', '"place"'), "incorrect-label"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_validator_finds_a_damage(damage: str, growth: Path, tmp_path: Path) -> None:
    frictionless = pytest.importorskip("frictionless")
    target = tmp_path / "damaged"
    shutil.copytree(growth, target)
    spoil, kind = DAMAGES[damage]
    (target / GROWTH).write_text(spoil((target / GROWTH).read_text(encoding="utf-8")), encoding="utf-8")
    report = frictionless.Package(str(target / "datapackage.json")).validate()
    assert kind in {found for (found,) in report.flatten(["type"])}


def test_the_sums_are_of_every_file(exported: Path) -> None:
    sums = dict(
        reversed(line.split("  ")) for line in (exported / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    )
    files = contents(exported)
    del files["SHA256SUMS"]
    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def test_every_column_is_described(exported: Path) -> None:
    of_type: dict[str, set[str]] = {}
    for name, resource in resources(exported).items():
        schema = resource["schema"]
        model = next(model for model in MODELS.values() if model.name == name)
        assert schema["primaryKey"] == model.grain
        assert [field["name"] for field in schema["fields"]] == list(models.column_docs(MODELS, model))
        for field in schema["fields"]:
            assert field["description"]
            assert ("constraints" in field) == (field["name"] in model.grain)
            of_type.setdefault(field["type"], set()).add(field["name"])
    assert set(of_type) == set(texts.TYPES.values())
    assert of_type["duration"] == {"published_after"}
    fields = {field["name"]: field for field in resources(exported)["fct_token_growth_daily"]["schema"]["fields"]}
    assert fields["growth_7d_pct"] == {
        "name": "growth_7d_pct",
        "type": "number",
        "description": models.column_docs(MODELS, MODELS["marts.fct_token_growth_daily"])["growth_7d_pct"],
        "unit": "%",
    }
    assert fields["contribution_7d_pp"]["unit"] == "percentage points"
    assert "unit" not in fields["date"]


def test_references_are_those_that_every_row_keeps(exported: Path) -> None:
    references = {
        (name, key["fields"][0], key["reference"]["resource"])
        for name, resource in resources(exported).items()
        for key in resource["schema"].get("foreignKeys", ())
    }
    assert ("fct_token_growth_daily", "dimension", "dim_dimension") in references
    assert ("rpt_unmatched_models", "model_permaslug", "dim_model") in references
    # `other` is no model.
    assert ("fct_model_tokens_daily", "model_permaslug", "dim_model") not in references
    assert not any(name == dim for name, _, dim in references)


def test_made_up_figures_say_so_everywhere(exported: Path, export: Callable[..., Ended], tmp_path: Path) -> None:
    found = described(exported)
    assert found["is_simulated"] is True
    assert found["name"] == "openrouter-token-growth-simulated"
    assert found["title"].startswith("SIMULATED DATA. ")
    assert found["description"].startswith("Simulated data, not OpenRouter's. ")
    assert "licenses" not in found
    assert all(one["description"].startswith("Simulated data, not OpenRouter's. ") for one in found["resources"])
    assert "OpenRouter" not in [one["title"] for one in found["contributors"]]
    citation = yaml.safe_load((exported / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["title"].startswith("SIMULATED DATA. ")
    assert "license" not in citation
    assert "references" not in citation
    assert (exported / "README.md").read_text(encoding="utf-8").startswith("# SIMULATED DATA. ")
    assert (exported / "LICENCE.txt").read_text(encoding="utf-8").startswith("Made-up figures.")
    query = "select decode(value) from parquet_kv_metadata(?) where decode(key) = 'citation'"
    for path in exported.rglob("*.parquet"):
        assert duckdb.execute(query, [str(path)]).fetchall() == [("Simulated data, not OpenRouter's.",)]
    ended = export(tmp_path / "one", "--table", "growth_total", "--json")
    assert json.loads(ended.out)["is_simulated"] is True
    assert json.loads(ended.out)["summary"].endswith("(simulated data)")


def test_it_says_what_it_is_and_of_when(exported: Path, home: Path) -> None:
    found = described(exported)
    with published(load_settings(home=home)) as connection:
        edition = tables.edition_of(connection)
    version = f"{edition.contract['contract_version']}+20250302T080000Z"
    assert (found["version"], found["created"]) == (version, "2025-03-02T08:00:00Z")
    assert found["build_id"] == edition.build["build_id"]
    assert (found["first_date"], found["last_date"], found["provisional_from"]) == (
        "2025-01-01",
        "2025-03-01",
        "2025-03-01",
    )
    citation = yaml.safe_load((exported / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "dataset"
    assert citation["version"] == version
    assert citation["date-released"] == date(2025, 3, 2)
    assert citation["authors"] == [{"name": "openrouter-token-growth"}]


def test_what_its_readme_tells_to_run_runs(
    exported: Path, export: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pandas = pytest.importorskip("pandas")
    as_csv = tmp_path / "csv only"
    assert export(as_csv, "--format", "csv").code == 0
    rows = resources(exported)["fct_token_growth_daily"]["rows"]
    for target in (exported, as_csv):
        monkeypatch.chdir(target)
        text = Path("README.md").read_text(encoding="utf-8")
        snippets = re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL)
        assert [language for language, _ in snippets] == ["sql", "python", "python"]
        frames: list[Any] = []
        for language, snippet in snippets:
            if language == "sql":
                assert len(duckdb.sql(snippet.rstrip().removesuffix(";")).fetchall()) == 10
                continue
            names: dict[str, Any] = {}
            exec(snippet, names)
            frames.append(names["frame"])
        assert isinstance(frames[0], pl.DataFrame)
        assert frames[0].height == rows
        assert isinstance(frames[1], pandas.DataFrame)
        assert 0 < len(frames[1]) < rows
        for name in re.findall(r"\| `(\w+)` \|", text):
            assert name in resources(target)
    assert duckdb.sql(
        f"select year, count(*) from read_parquet('{exported}/parquet/fct_token_growth_daily/*/*.parquet') "
        "group by year order by year"
    ).fetchall() == [(year, pl.read_csv(exported / GROWTH.replace("2025", str(year))).height) for year in (2025, 2026)]


def test_a_plain_reader_of_csv_finds_every_row(exported: Path) -> None:
    path = exported / "csv" / "growth_total.csv"
    assert not path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert len(rows) == 60
    assert int(rows[0]["total_tokens"]) > 1e9
    assert rows[0]["growth_7d_pct"] == ""


def test_the_same_published_file_gives_the_same_bytes(
    exported: Path, export: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(exported)
    monkeypatch.setenv("TOKENGROWTH_NOW", "2031-01-01T00:00:00Z")
    ended = export(tmp_path / "again")
    assert (ended.code, ended.err) == (0, "")
    assert contents(tmp_path / "again") == before
    assert export(exported).code == 0
    assert contents(exported) == before


def test_a_part_of_it_refers_to_nothing_that_it_lacks(export: Callable[..., Ended], tmp_path: Path) -> None:
    target = tmp_path / "part"
    ended = export(target, "--table", "growth_total", "--table", "fct_events", "--format", "csv", "--json")
    assert ended.code == 0
    told = json.loads(ended.out)
    assert told["summary"].startswith("export: 2 tables in 7 files, ")
    assert told["files"] == {name: len(content) for name, content in contents(target).items()}
    assert set(resources(target)) == {"growth_total", "fct_events"}
    assert "parquet" not in resources(target)["growth_total"]
    assert "foreignKeys" not in resources(target)["fct_events"]["schema"]
    ended = export(target, "--table", "growth_total", "--format", "parquet")
    assert ended.code == 0
    assert resources(target)["growth_total"]["path"] == "parquet/growth_total.parquet"
    assert not (target / "csv").exists()
    frictionless = pytest.importorskip("frictionless")
    assert frictionless.Package(str(target / "datapackage.json")).resource_names == ["growth_total"]
    ended = export(target, "--table", "builds")
    assert (ended.code, ended.err) == (
        2,
        "error: There is no table 'builds' to export; `tokengrowth docs` lists them.\n",
    )


REFUSALS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "other files": (
        lambda target: (target / "thesis.docx").write_text("x"),
        "holds thesis.docx, which no export wrote",
    ),
    "a file of somebody amid it": (
        lambda target: (target / "csv" / "notes.txt").write_text("x"),
        "holds csv/notes.txt",
    ),
    "no account of it": (lambda target: (target / "SHA256SUMS").unlink(), "which no export wrote"),
    "a damaged descriptor": (lambda target: (target / "datapackage.json").write_text("{"), "which no export wrote"),
    "what is real": (
        lambda target: (target / "datapackage.json").write_text('{"name": "openrouter-token-growth"}'),
        "holds the package openrouter-token-growth, and this one is openrouter-token-growth-simulated",
    ),
}


@pytest.mark.parametrize("state", REFUSALS)
def test_what_would_be_lost_is_refused(state: str, growth: Path, export: Callable[..., Ended], tmp_path: Path) -> None:
    target = tmp_path / "target"
    shutil.copytree(growth, target)
    make, message = REFUSALS[state]
    make(target)
    before = contents(target)
    ended = export(target)
    assert (ended.code, ended.err.count("\n"), ended.out) == (2, 1, "")
    assert message in ended.err
    assert contents(target) == before


def test_what_is_no_folder_of_its_own_is_refused(
    export: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    for name in ("file", "link"):
        ended = export(tmp_path / name)
        assert (ended.code, ended.err.count("\n")) == (2, 1)
        assert f"{name} is no folder" in ended.err
    monkeypatch.chdir(tmp_path / "folder")
    ended = export(".")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "holds the working folder" in ended.err
    assert export("within", "--table", "growth_total").code == 0
    assert export("../file/within").code == 1


@pytest.mark.parametrize(
    ("error", "code"), [(OSError(errno.ENOSPC, "No space left on device"), 1), (KeyboardInterrupt(), 130)]
)
def test_an_export_that_fails_leaves_the_one_before(
    error: BaseException, code: int, growth: Path, export: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, beside = contents(growth), sorted(growth.parent.iterdir())

    def fail(_: object) -> str:
        raise error

    monkeypatch.setattr(texts, "citation", fail)
    ended = export(growth, "--table", "growth_total")
    assert (ended.code, ended.err.count("\n")) == (code, 1)
    if code == 1:
        assert "cannot be written to" in ended.err
        assert "(No space left on device); what was there before is kept." in ended.err
    assert contents(growth) == before
    assert sorted(growth.parent.iterdir()) == beside


def test_what_a_killed_export_left_goes_after_a_day(export: Callable[..., Ended], tmp_path: Path) -> None:
    left, young, other = (tmp_path / name for name in (".mine.a.part", ".mine.b.part", ".yours.a.part"))
    for path in (left, young, other):
        (path / "new").mkdir(parents=True)
    long_ago = time.time() - folder.LEFTOVER_SECONDS - 60
    for path in (left, other):
        os.utime(path, (long_ago, long_ago))
    assert export(tmp_path / "mine", "--table", "growth_total").code == 0
    assert [path.exists() for path in (left, young, other)] == [False, True, True]


def test_a_package_that_a_killed_export_had_moved_aside_is_put_back(
    export: Callable[..., Ended], tmp_path: Path
) -> None:
    target, aside = tmp_path / "mine", tmp_path / ".mine.a.part"
    assert export(target, "--table", "growth_total").code == 0
    before = contents(target)
    aside.mkdir()
    target.rename(aside / "old")
    long_ago = time.time() - folder.LEFTOVER_SECONDS - 60
    os.utime(aside, (long_ago, long_ago))
    assert export(target, "--table", "no_such_table").code == 2
    assert not target.exists(), "a refused export touches nothing"
    with pytest.raises(RuntimeError), folder.replacing(target):
        raise RuntimeError
    assert contents(target) == before
    assert not aside.exists()


def test_without_anything_published_it_says_so(cli: Callable[..., Ended], tmp_path: Path) -> None:
    ended = cli("export", str(tmp_path / "package"))
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert "run `tokengrowth run` first" in ended.err
    assert not (tmp_path / "package").exists()


def test_a_text_that_needs_it_is_defused_in_csv_alone(home: Path, tmp_path: Path) -> None:
    settings: Settings = load_settings(home=home)
    with published(settings) as connection:
        frame = frame_of(connection, "select '=1+1' as name, ['=1+1', null] as names, null::varchar[] as none")
    path = tmp_path / "one.csv"
    path.write_bytes(tables._csv(frame))
    with path.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file, strict=True)
    assert row["name"] == defused("=1+1") == "'=1+1"
    assert json.loads(row["names"]) == ["=1+1", None]
    assert "=" not in row["names"]
    assert row["none"] == ""


@pytest.mark.recordings
def test_what_openrouter_said_is_a_valid_package(
    use: Callable[..., Settings], replay: Callable[..., Any], cli: Callable[..., Ended], tmp_path: Path
) -> None:
    frictionless = pytest.importorskip("frictionless")
    now = "2026-08-21T07:45:00Z"
    use(replay(now).base_url, now)
    assert cli("run").code == 0
    ended = cli("export", str(tmp_path / "package"))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"export: {len(MARTS) + 2} tables in ")
    assert "simulated" not in ended.out
    assert described(tmp_path / "package")["last_date"] == "2026-08-20"
    report = frictionless.Package(str(tmp_path / "package" / "datapackage.json")).validate()
    assert report.valid, report.flatten(["name", "type", "note"])[:5]
