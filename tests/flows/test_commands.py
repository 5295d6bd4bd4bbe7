"""The commands as a user types them, on a home filled from the simulation."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from html import escape
from pathlib import Path

import duckdb
import pytest
from markdown_it import MarkdownIt

from pipeline import explanation, jobs, reading
from pipeline.rendering import Format, signed
from pipeline.settings import Settings, load_settings
from pipeline.simulation import SimulatedOpenRouter, World
from tests.conftest import KEY, Ended, morning_after

ROOT = Path(__file__).parents[2]
# The dimensions of what is loaded here: no apps and no slices.
RANKED = ["total", "model", "author", "organisation", "variant", "price_class", "weights", "reasoning"]
RANKED += ["tokenizer", "model_age"]


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty days with a gap in the middle: 2025-02-10 is not loaded."""
    world = World(days=60)
    home = tmp_path_factory.mktemp("filled")
    with (
        pytest.MonkeyPatch.context() as environment,
        SimulatedOpenRouter(world, morning_after(world.last_day), key=KEY) as server,
    ):
        environment.setenv("OPENROUTER_BASE_URL", server.base_url)
        environment.setenv("OPENROUTER_API_KEY", KEY)
        environment.setenv("TOKENGROWTH_NOW", server.now.isoformat())
        environment.setenv("TOKENGROWTH_HOME", str(home))
        environment.setenv("TOKENGROWTH_SOURCES", "rankings-daily,models")
        environment.setenv("TOKENGROWTH_STATE_DIR", str(home / "state"))
        settings = load_settings()
        jobs.backfill(settings, date(2025, 1, 1), date(2025, 2, 9))
        jobs.backfill(settings, date(2025, 2, 11), date(2025, 3, 1))
    return home


@pytest.fixture
def home(filled_home: Path, use: Callable[..., Settings]) -> Settings:
    return use(now="2025-03-02T08:00:00Z", TOKENGROWTH_HOME=str(filled_home))


def test_json_is_an_array_or_an_object_and_the_summary_where_the_readme_says(
    home: Settings, cli: Callable[..., Ended]
) -> None:
    said = re.sub(r"\s+", " ", (ROOT / "README.md").read_text(encoding="utf-8"))
    (sentences,) = re.findall(r"All take `--json`: (.*?) Exit status:", said)
    arrays, beside = (set(re.findall(r"`(\w+)`", part)) for part in sentences.split("All end with", 1))
    beside.remove("summary")
    commands = ("show", "explain", "claims", "docs settings", "status", "plan", "alerts", "doctor", "check")
    for words in (*map(str.split, commands), ["query", "from growth_total limit 1"]):
        ended = cli(*words, "--json")
        printed = json.loads(ended.out)
        assert isinstance(printed, list) == (words[0] in arrays), words
        assert any(line.startswith(words[0]) for line in ended.err.splitlines()) == (words[0] in beside), words
        assert ("summary" in printed) == (words[0] not in beside), words


def test_no_cell_is_ever_empty(home: Settings) -> None:
    # The first days, whole weeks, around the day that is not loaded, and the newest.
    shown = 0
    for day in [date(2025, 1, 1) + timedelta(days=n) for n in (0, 6, 13, 20, 39, 41, 46, 47, 53, 54, 59)]:
        for dimension in RANKED:
            rows = reading.show(home, dimension, day, 100).pretty.rows
            assert all(cell not in (None, "") for row in rows for cell in row), (day, dimension)
            shown += len(rows)
    assert shown > 1_000


def test_the_point_the_bounds_and_new_are_told_apart(home: Settings) -> None:
    rows = [row for day in range(14, 28) for row in reading.show(home, "model", date(2025, 2, day), 100).raw.rows]
    names = list(reading.show(home, "model", date(2025, 2, 20), 100).raw.columns)
    kinds = set()
    for values in rows:
        row = dict(zip(names, values, strict=True))
        text = reading.growth(row)
        if row["growth_7d_pct"] is not None:
            kinds.add("point")
            assert text.endswith("%")
            assert " to " not in text
        elif " to " in text:
            kinds.add("bounds")
            assert row["growth_7d_low_pct"] is not None
            assert row["growth_7d_high_pct"] is not None
        elif text == "new":
            kinds.add("new")
            assert (row["date"] - row["first_date"]).days < 7
        elif text.startswith("at least"):
            kinds.add("at least")
            assert row["growth_7d_high_pct"] is None
        else:
            kinds.add(text)
    assert {"bounds", "new", "not loaded"} <= kinds
    later = reading.show(home, "model", date(2025, 3, 1), 100).raw.rows
    assert any(dict(zip(names, row, strict=True))["growth_7d_pct"] is not None for row in later)


def test_show_prints_every_format(home: Settings, cli: Callable[..., Ended]) -> None:
    table = cli("show", "author", "--top", "3")
    assert table.code == 0
    assert table.out.splitlines()[-1].startswith("show: 4 rows of author until 2025-03-01")
    raw = json.loads(cli("show", "author", "--top", "3", "--json").out)
    assert [(row["dimension"], row["rank"]) for row in raw] == [
        ("author", 1),
        ("author", 2),
        ("author", 3),
        ("author", None),
    ]
    assert cli("show", "author", "--format", "markdown").out.startswith("**SIMULATED DATA")


@pytest.mark.parametrize("dimension", ["total", "author"])
def test_the_csv_of_show_has_the_rows_and_columns_of_its_json(
    dimension: str, home: Settings, cli: Callable[..., Ended]
) -> None:
    stored = json.loads(cli("show", dimension, "--json").out)
    rows = list(csv.DictReader(io.StringIO(cli("show", dimension, "--format", "csv").out)))
    assert [list(row) for row in rows] == [list(row) for row in stored]
    for row, facts in zip(rows, stored, strict=True):
        for name, cell in row.items():
            fact = facts[name]
            read = None if cell == "" else cell if isinstance(fact, str) else json.loads(cell)
            assert read == fact, name
    # Bounds are columns: on no day does a figure look exact that is not.
    assert any(row["tokens_7d_low"] != row["tokens_7d_high"] for row in rows) == (dimension == "author")


def test_bars_show_the_days_that_are_held_and_a_gap_for_the_one_that_is_not(
    home: Settings, cli: Callable[..., Ended]
) -> None:
    # The last 28 days begin on 2025-02-02; 2025-02-10 is not loaded.
    for words in (("show", "author"), ("explain", "--by", "author"), ("show", "author", "--format", "markdown")):
        lines = [line for line in cli(*words).out.splitlines() if "█" in line]
        assert len(lines) > 5
        assert all(line.rstrip(" |")[-28:][8] == "·" for line in lines), words
    (of_the_total,) = re.findall(r"from zero: (.{28})\.", cli("show").out)
    assert [n for n, bar in enumerate(of_the_total) if bar == "·"] == [8]
    for form in ("csv", "json"):
        assert not re.search("[▁-█]|last 28", cli("show", "author", "--format", form).out)
        assert not re.search("[▁-█]|last 28", cli("explain", "--format", form).out)


def test_explain_prints_steps_that_add_up_and_the_events_behind_them(home: Settings, cli: Callable[..., Ended]) -> None:
    raw = json.loads(cli("explain", "--json").out)
    assert (raw["by"], raw["window_days"], raw["date"], raw["is_simulated"]) == ("organisation", 7, "2025-03-01", True)
    change = raw["tokens_after"] - raw["tokens_before"]
    assert sum(step["change_tokens"] for step in raw["steps"]) == change
    assert sum(step["contribution_pp"] for step in raw["steps"]) == pytest.approx(raw["growth_pct"])
    total = json.loads(cli("show", "total", "--top", "1", "--json").out)[0]
    assert total["growth_7d_pct"] == pytest.approx(raw["growth_pct"])
    shown = cli("explain", "--top", "2")
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert lines[0].startswith(
        "SIMULATED DATA. Growth of all tokens over the 7 days until 2025-03-01, by organisation: "
    )
    names = [re.split(r"  +", line)[0] for line in lines[3:8]]
    largest = sorted(raw["steps"], key=lambda step: -abs(step["change_tokens"]))
    expected = {step["entity"] for step in [step for step in largest if step["entity"] != "other"][:2]}
    assert set(names[:2]) == expected
    assert names[2:] == [f"{len(raw['steps']) - 3} more", "other (not listed)", "all"]
    assert lines[-1].endswith("(simulated data)")


def test_explain_shows_the_bounds_of_each_steps_growth(home: Settings, cli: Callable[..., Ended]) -> None:
    shown = cli("explain", "--by", "organisation", "--top", "3").out.splitlines()[3:9]
    cells = {row[0]: row[5:7] for row in (re.split(r"  +", line) for line in shown)}
    growth = {row["entity"]: row for row in json.loads(cli("show", "organisation", "--json").out)}
    bounded = [name for name in cells if name in growth and growth[name]["growth_7d_high_pct"] is not None]
    assert bounded
    for name in bounded:
        low, high = (signed(growth[name][f"growth_7d_{end}_pct"]) for end in ("low", "high"))
        assert cells[name][1] == (low if low == high else f"{low} to {high}")
    # `other` and the whole are exact.
    assert all(cells[name][0] == cells[name][1] for name in ("other (not listed)", "all"))


def test_explain_names_the_events_of_the_shown_steps_only(home: Settings, cli: Callable[..., Ended]) -> None:
    of_models = json.loads(cli("explain", "--by", "model", "--top", "5", "--json").out)
    assert of_models["events"]
    largest = sorted(of_models["steps"], key=lambda step: -abs(step["change_tokens"]))
    shown = [step["entity"] for step in largest if step["entity"] != "other"][:5]
    assert {event["entity"] for event in of_models["events"]} <= set(shown)
    assert {event["step"] for event in of_models["events"]} <= set(shown)
    of_prices = json.loads(cli("explain", "--by", "price", "--json").out)
    assert len(of_prices["events"]) >= len(of_models["events"])
    assert all("2025-02-16" <= event["date"] <= "2025-03-01" for event in of_prices["events"])


def test_explain_leaves_out_what_ended_before_both_windows(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explanation, "SHOWN_EVENTS", 1000)
    with duckdb.connect(str(home.published_path), read_only=True) as connection:
        ended = connection.execute(
            "select steps.date, events.date, events.entity from marts.fct_events as events "
            "inner join marts.rpt_growth_explained as steps "
            "on events.entity = steps.entity and events.date = steps.date - 13 "
            "where events.kind = 'exit' and steps.dimension = 'model' and steps.window_days = 7 "
            "and steps.tokens_before = 0 and steps.tokens_after = 0 "
            "and steps.date - 1 in (select date from marts.rpt_growth_explained where window_days = 7)"
        ).fetchall()
    assert ended
    for day, end, model in ended:
        of_both = [explanation.explain(home, on, 7, "price", 10).raw["events"] for on in (day - timedelta(1), day)]
        named = [(end, model) in {(event["date"], event["entity"]) for event in events} for events in of_both]
        assert named == [True, False], "the day before, its last tokens are those of the first day"
        assert all(event["change_tokens"] != 0 for event in of_both[1])


@pytest.mark.parametrize("words", [("show", "author"), ("explain",), ("claims",)])
def test_what_an_older_version_published_is_named(
    words: tuple[str, ...], filled_home: Path, tmp_path: Path, use: Callable[..., Settings], cli: Callable[..., Ended]
) -> None:
    older = use(TOKENGROWTH_HOME=str(tmp_path / "older"))
    shutil.copytree(filled_home / "published", older.published_path.parent)
    with duckdb.connect(str(older.published_path)) as connection:
        connection.execute("drop table marts.dim_dimension")
        connection.execute("drop table marts.rpt_driver_claims")
    ended = cli(*words)
    assert ended.code == 1
    assert "was made by another version of this program" in ended.err
    assert "`tokengrowth build` makes it anew" in ended.err


def test_claims_prints_a_verdict_and_a_finding_for_each(home: Settings, cli: Callable[..., Ended]) -> None:
    rows = json.loads(cli("claims", "--json").out)
    assert [row["claim_id"] for row in rows] == [*"12345678", "F1", "F2", "F3", "L1", "L2", "L3"]
    assert all(row["is_simulated"] and row["finding"].endswith(".") for row in rows)
    shown = cli("claims")
    assert shown.code == 0
    for row in rows:
        assert row["claim"] in shown.out
        assert f"{row['verdict']}, grade {row['grade']}" in shown.out
        assert row["finding"] in " ".join(shown.out.split())
    assert max(map(len, shown.out.splitlines())) <= 120
    markdown = cli("claims", "--format", "markdown").out
    assert markdown.startswith("**SIMULATED DATA")
    whole = MarkdownIt("commonmark").enable("table").render(markdown)
    for row in rows:
        assert f"<td>{escape(row['finding'], quote=False)}</td>\n<td>{escape(row['rule'], quote=False)}</td>" in whole
    assert len(list(csv.DictReader(io.StringIO(cli("claims", "--format", "csv").out)))) == 14


@pytest.mark.parametrize("by", ["author", "variant", "weights", "reasoning", "tokenizer", "price"])
def test_every_dimension_explains_the_same_growth(by: str, home: Settings, cli: Callable[..., Ended]) -> None:
    raw = json.loads(cli("explain", "--by", by, "--json").out)
    assert sum(step["contribution_pp"] for step in raw["steps"]) == pytest.approx(raw["growth_pct"])
    markdown = cli("explain", "--by", by, "--format", "markdown").out
    assert markdown.startswith("**SIMULATED DATA")
    plain = list(csv.DictReader(io.StringIO(cli("explain", "--by", by, "--format", "csv").out)))
    assert sum(int(row["change_tokens"]) for row in plain) == raw["tokens_after"] - raw["tokens_before"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("show", "planet"), "There is no dimension 'planet'; choose one of total, model,"),
        (("trend", "planet"), "price_class (or price), weights,"),
        (
            ("show", "organization"),
            "There is no dimension 'organization' (did you mean 'organisation'?); choose one of",
        ),
        (("show", "--date", "2025-02-10"), "hold no total of 2025-02-10; they reach from 2025-01-01 to 2025-03-01."),
        (("show", "model", "--date", "2030-01-01"), "hold no model of 2030-01-01"),
        (("show", "--date", "yesterday"), "does not match"),
        (("show", "app"), "The published tables hold no apps; `tokengrowth status` tells what is loaded."),
        (("explain", "--by", "planet"), "Growth is not explained by 'planet'; choose one of"),
        (("explain", "--by", "modality"), "Growth is not explained by 'modality'; choose one of"),
        (("explain", "--window", "30"), "There is no window of 30 days; choose 7 or 28."),
        (
            ("explain", "--date", "2025-02-20"),
            "which takes 14 loaded days in a row; of those that can be had, there are",
        ),
        (("explain", "--by", "app"), "there is none yet, and `tokengrowth backfill` loads more days."),
        (("report", "--picture-format", "png"), "name a folder for them with --pictures."),
        (("report", "--theme", "light"), "name a folder for them with --pictures."),
        (("query", "select * from nowhere"), "The query does not run"),
        (("query", "select"), "The query does not run"),
        (("query", "select 1; select 2"), "A query is one statement, and these are 2; run them one by one."),
        (("query", "select 1 as a, 2 as b, 3 as a"), "Several columns of the query are named 'a'; name each by `as`."),
        *(((command, "--top", "9" * 20), "Invalid value for '--top'") for command in ("show", "explain", "trend")),
        (("query", "insert into loads select * from loads"), "The query does not run"),
        (("run", "--source", "nowhere"), "No source is named 'nowhere'"),
        (("run", "--source", "rankings-daily"), "needs OPENROUTER_API_KEY"),
        (("run", "--date", "2025-03-02"), "the last complete UTC day"),
        (("backfill", "--start-date", "2024-12-31"), "before 2025-01-01"),
        (("backfill", "--end-date", "2025-03-02"), "after 2025-03-01"),
        (("backfill", "--start-date", "2025-02-03", "--end-date", "2025-02-02"), "is after the end date"),
        (("backfill", "--source", "models"), "serves the present only"),
        (("build", "--select", "nowhere"), "No model is named 'nowhere'"),
        (("docs", "nowhere"), "There is no section 'nowhere'"),
        (("nowhere",), "No such command"),
    ],
)
def test_a_usage_error_is_one_sentence_and_ends_with_2(
    words: tuple[str, ...], sentence: str, home: Settings, cli: Callable[..., Ended]
) -> None:
    ended = cli(*words)
    assert ended.code == 2
    assert sentence in " ".join(ended.err.split())
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("word", "dimension"),
    [
        *(
            ("Organisation", "organisation"),
            ("models", "model"),
            ("Price class", "price_class"),
            ("prices", "price_class"),
        ),
        *(("price-classes", "price_class"), ("Ages of models", "model_age"), ("tokenizers", "tokenizer")),
    ],
)
def test_a_dimension_is_found_however_its_name_is_written(
    word: str, dimension: str, home: Settings, cli: Callable[..., Ended]
) -> None:
    assert json.loads(cli("show", word, "--json").out)[0]["dimension"] == dimension
    assert json.loads(cli("explain", "--by", word, "--json").out)["by"] == dimension


def test_a_traceback_only_with_debug(home: Settings, cli: Callable[..., Ended]) -> None:
    assert "Traceback" in cli("show", "planet", "--debug").err


def test_query_reads_the_published_file_and_nothing_else(home: Settings, cli: Callable[..., Ended]) -> None:
    ended = cli("query", "select count(*) as days from growth_total", "--format", "csv")
    assert ended.out == "days\n59\n"
    pivot = "pivot (select dimension, is_partition from dim_dimension) on is_partition using count(*);"
    assert json.loads(cli("query", pivot, "--json").out)[0].keys() == {"dimension", "false", "true"}
    for statement in ("create table more (a int)", "copy growth_total to 'growth.csv'", "from read_text('/etc/hosts')"):
        assert cli("query", statement).code == 2, statement
    assert not Path("growth.csv").exists()


def test_query_reads_a_file_with_its_comments_from_the_input(
    home: Settings, cli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("-- All days.\nselect count(*) as days\nfrom marts.growth_total\n"))
    assert cli("query", "-", "--format", "csv").out == "days\n59\n"


def test_status_names_the_gaps(home: Settings, cli: Callable[..., Ended]) -> None:
    facts = json.loads(cli("status", "--json").out)
    assert (facts["loaded_days"], facts["missing_days"], facts["days_behind"]) == (59, 1, 0)
    (source,) = facts["sources"]
    assert (source["source"], source["loaded"], source["missing"]) == ("rankings-daily", 59, 1)
    assert (source["missing_dates"], source["lost_dates"]) == (["2025-02-10"], [])
    text = cli("status").out
    square, hollow = "\N{BLACK SQUARE}", "\N{WHITE SQUARE}"
    # Eight weeks from Monday 2025-01-06 on; the gap is a Monday, and the newest week ends with Saturday.
    week = 7 * square
    (line,) = [line for line in text.splitlines() if line.startswith("rankings-daily") and square in line]
    assert line.split() == ["rankings-daily", *(5 * [week]), hollow + 6 * square, week, 6 * square, "none"]
    assert "x lost" in text


def test_status_tells_of_answers_what_the_health_of_sources_does(
    home: Settings, use: Callable[..., Settings], cli: Callable[..., Ended], tmp_path: Path
) -> None:
    copied = use(now="2025-03-02T08:00:00Z", TOKENGROWTH_HOME=str(shutil.copytree(home.home, tmp_path / "copied")))
    imported = "'saved' as load_id, 'a colleague' as origin, 'refused' as outcome, 'Cut.' as message"

    def told() -> tuple[str, str | None]:
        (source,) = json.loads(cli("status", "--json").out)["sources"]
        return source["newest_answer_at"], source["last_refusal"]

    with duckdb.connect(str(copied.published_path)) as connection:
        connection.execute(
            f"insert into meta.loads select * replace ({imported}, fetched_at + interval 1 hour as fetched_at) "
            "from meta.loads where source = 'rankings-daily' limit 1"
        )
    assert told() == ("2025-03-02T08:00:00Z", None)
    with duckdb.connect(str(copied.published_path)) as connection:
        connection.execute("update marts.rpt_source_health set last_refusal = 'It broke.'")
    assert told() == ("2025-03-02T08:00:00Z", "It broke.")


def test_a_dry_run_prints_the_calls_and_makes_none(home: Settings, cli: Callable[..., Ended]) -> None:
    ended = cli("backfill", "--dry-run", "--json", "--source", "exports")
    calls = [call["call"] for call in json.loads(ended.out)["calls"]["backfill"]]
    assert calls[0] == "GET /api/v1/datasets/exports/rankings-daily/latest.manifest.json"
    assert calls[1:3] == [
        "GET /api/v1/datasets/exports/rankings-daily/2025-03-02.manifest.json",
        "GET /api/v1/datasets/exports/rankings-daily/2025-03-02.csv",
    ]


def test_check_and_a_selected_build(home: Settings, cli: Callable[..., Ended]) -> None:
    assert re.fullmatch(r"check: (\d{2,}) of \1 checks passed", cli("check").out.splitlines()[-1])
    ended = cli("build", "--select", "+dim_date", "--json")
    outcome = json.loads(ended.out)
    assert ended.code == 0
    assert outcome["build"]["models"] < 12
    assert outcome["is_published"] is False


@pytest.mark.parametrize(
    ("words", "code"),
    [(("query", "from fct_token_growth_daily"), 0), (("claims",), 0), (("--help",), 0), (("show", "planet"), 2)],
)
def test_output_that_nobody_reads_to_the_end_is_no_failure(words: tuple[str, ...], code: int, home: Settings) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "pipeline", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, stdout=writer, stderr=subprocess.PIPE)
    assert (done.returncode, bool(done.stderr)) == (code, code != 0)
    assert subprocess.run(command, env=environment, stdout=writer, stderr=writer).returncode == code
    os.close(writer)


@pytest.mark.parametrize("locale", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_a_terminal_gets_the_letters_that_it_knows(locale: dict[str, str], home: Settings) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | locale
    done = subprocess.run([sys.executable, "-m", "pipeline", "show", "author"], env=environment, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    lines = done.stdout.decode("ascii").splitlines()
    assert sum(bool(re.search(r"  [1-8.]{28}$", line)) for line in lines) > 5
    assert any(line.split()[:3] == ["-", "-", "other"] for line in lines)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ("fct_token_growth_daily set tokens_7d_low = tokens_7d - 1", "About: what is known to belong is counted;"),
        ("fct_token_growth_daily set growth_7d_high_pct = 900", "About: what is known to belong is counted;"),
        (
            "dim_dimension set is_partition = false",
            "Variants overlap, so that neither shares nor contributions add up.",
        ),
    ],
)
def test_show_says_how_to_read_what_is_about_right_or_overlaps(
    change: str, note: str, filled_home: Path, tmp_path: Path, use: Callable[..., Settings], cli: Callable[..., Ended]
) -> None:
    changed = use(TOKENGROWTH_HOME=str(tmp_path / "changed"))
    shutil.copytree(filled_home / "published", changed.published_path.parent)
    assert not re.search("About|overlap", cli("show", "variant").out)
    with duckdb.connect(str(changed.published_path)) as connection:
        connection.execute(f"update marts.{change}")
    assert note in cli("show", "variant").out


def test_a_narrow_terminal_gets_a_table_without_bars(home: Settings) -> None:
    def shown(columns: int) -> str:
        leader, follower = pty.openpty()
        environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": str(columns)}
        subprocess.run([sys.executable, "-m", "pipeline", "show", "variant"], env=environment, stdout=follower)
        os.close(follower)
        with os.fdopen(leader, "rb") as terminal:
            return terminal.read1().decode()

    assert "█" in shown(140)
    narrow = shown(90)
    assert "standard" in narrow
    assert "█" not in narrow


def test_every_format_has_a_name_for_the_command_line() -> None:
    assert {form.value for form in Format} == {"table", "csv", "json", "markdown"}


def test_a_person_who_watches_sees_the_running_step(filled_home: Path, tmp_path: Path) -> None:
    home = shutil.copytree(filled_home, tmp_path / "watched")
    environment = {
        **os.environ,
        "TOKENGROWTH_HOME": str(home),
        "TOKENGROWTH_NOW": "2025-03-02T08:00:00Z",
        "TERM": "xterm",
    }
    watcher, terminal = pty.openpty()
    command = [sys.executable, "-m", "pipeline", "rebuild"]
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=terminal, stderr=terminal, stdin=subprocess.DEVNULL
    ) as process:
        os.close(terminal)
        shown = b""
        with suppress(OSError):
            while piece := os.read(watcher, 4096):
                shown += piece
    os.close(watcher)
    assert process.returncode == 0, shown
    assert b"rebuild: 0 requests" in shown
    assert b"publish" in shown


@pytest.mark.parametrize("instant", ["2022-12-31", "2999-01-01"])
def test_an_import_states_a_time_that_can_be(home: Settings, cli: Callable[..., Ended], instant: str) -> None:
    Path("saved.json").write_text("{}")
    ended = cli("import", "saved.json", "--origin", "a colleague", "--retrieved-at", instant)
    assert ended.code == 2
    assert "is not between 2023-01-01 and now; it is in UTC." in ended.err


def test_an_import_names_the_file_that_is_none_and_lands_nothing(home: Settings, cli: Callable[..., Ended]) -> None:
    Path("good.json").write_text(json.dumps({"data": [{"name": "A", "slug": "a", "privacy_policy_url": None}]}))
    Path("bad.json").write_text("[]")
    words = ("--origin", "a colleague", "--retrieved-at", "2025-03-01")
    for name, sentence in (
        ("bad.json", "bad.json: The file is none that can be imported"),
        ("gone.json", "gone.json: No such"),
    ):
        ended = cli("import", "good.json", name, *words)
        assert (ended.code, sentence in ended.err) == (2, True), ended.err
    assert cli("query", "select count(*) as n from loads where origin is not null", "--format", "csv").out == "n\n0\n"


def test_a_run_that_is_stopped_by_hand_says_so(use: Callable[..., Settings], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = {**os.environ, "OPENROUTER_BASE_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        with subprocess.Popen(
            [sys.executable, "-m", "pipeline", "run"],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        ) as process:
            # Accepted and never answered.
            caller, _ = silent.accept()
            with caller:
                process.send_signal(signal.SIGINT)
                _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "error: Stopped. What was archived is kept; the next run goes on from there.\n"
