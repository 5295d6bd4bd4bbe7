"""`tokengrowth report` as a user types it: the page says what the tables say, and stands alone."""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import pytest
import requests
from bs4 import BeautifulSoup, Tag

from flows import shell
from pipeline import report
from pipeline.settings import Settings, load_settings
from tests.conftest import Ended

ROOT = Path(__file__).parents[2]
QUERIES = sorted((ROOT / "pipeline" / "report" / "queries").glob("*.sql"))
needs_the_extra = pytest.mark.skipif(not report.is_installed(), reason="the extra `report` is not installed")


@pytest.fixture(scope="module")
def page_path(loaded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of sixty days with rankings and a catalogue, and of nothing else."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    report.write(load_settings(home=loaded_home), path)
    return path


@pytest.fixture
def page(page_path: Path) -> BeautifulSoup:
    return BeautifulSoup(page_path.read_text(encoding="utf-8"), "html.parser")


@pytest.fixture
def home(loaded_home: Path, use: Callable[..., Settings]) -> Settings:
    settings = use(now="2025-03-02T08:00:00Z")
    shutil.copytree(loaded_home, settings.home)
    return settings


def words(tag: Tag | None) -> str:
    assert tag is not None
    return " ".join(tag.get_text(" ").split())


@needs_the_extra
def test_the_page_says_what_the_commands_say(home: Settings, page: BeautifulSoup, cli: Callable[..., Ended]) -> None:
    newest = json.loads(cli("show", "total", "--json").out)[0]
    cards = [words(card) for card in page.select(".cards div")]
    assert cards[0].startswith(f"Tokens on {newest['date']} {newest['total_tokens'] / 1e9:.1f} B provisional")
    assert cards[1].startswith(f"Growth over 7 days {newest['growth_7d_pct']:+.1f} %")
    assert cards[3] == "Growth over 364 days \N{EN DASH} it takes 371 loaded days in a row"

    explained = json.loads(cli("explain", "--window", "28", "--json").out)
    assert f"All tokens changed by {explained['growth_pct']:+.1f} %" in words(page.select_one("#waterfall ~ .finding"))
    shown = [row.find_all(["th", "td"]) for row in page.select("table.waterfall tbody tr")]
    steps = {step["entity"]: step["contribution_pp"] for step in explained["steps"]}
    parts = {words(row[0]): words(row[4]) for row in shown}
    for name in parts.keys() - {"other organisations", "not listed"}:
        assert parts[name] == f"{steps[name]:+.1f} pp"
    assert parts["not listed"] == f"{steps['other']:+.1f} pp"

    leaders = json.loads(cli("show", "model", "--top", "15", "--json").out)
    names = [words(row.find_all("td")[1]) for row in page.select("table.leaderboard tbody tr")]
    assert names == [row["entity"] for row in leaders if row["entity"] != "other"]


@needs_the_extra
def test_it_stands_alone_and_says_where_its_numbers_come_from(page: BeautifulSoup) -> None:
    assert not page.select("link[href^=http], script[src], img, iframe, object, embed, use")
    assert "default-src 'none'" in page.select_one("meta[http-equiv]")["content"]
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    targets = {link["href"] for link in page.find_all("a")}  # of a page that does not lie beside the tables
    assert targets
    assert {f"#{name}" for name in ids} >= targets
    figures = page.select("article.figure")
    assert len(figures) == 19
    for figure in figures:
        assert words(figure.select_one(".finding")).endswith(".")
        source = words(figure.select_one(".source"))
        assert source.startswith("Simulated data, not OpenRouter's. Drawn from ")
        assert figure.select(".source a[href^='#table-']")
        assert "select" in words(figure.select_one(".query pre"))
    assert words(page.select_one(".banner")).startswith("Simulated data")
    assert "from build" in words(page.select_one("footer"))


@needs_the_extra
def test_what_is_not_loaded_is_said_and_what_can_be_drawn_is_drawn_for_both_widths(page: BeautifulSoup) -> None:
    said = {words(figure.select_one("h3")): words(figure.select_one(".finding")) for figure in page.select("article")}
    assert said["The largest apps"] == "No apps are loaded."
    assert said["How long requests are"] == "No context lengths are loaded."
    assert said["What tokens cost: price indexes"].startswith("There is no index yet")
    drawn = {figure["aria-labelledby"] for figure in page.select("article.figure") if figure.select("svg.marks")}
    missing = {"apps", "requests", "contexts", "price-index"}
    tables = {"leaderboard", "claims", "health", "reconciliation", "restated", "unmatched"}
    every = {figure["aria-labelledby"] for figure in page.select("article.figure")}
    assert drawn == every - missing - tables
    for figure in page.select("figure"):
        wide, narrow = (figure.select_one(f".{width} svg") for width in ("wide", "narrow"))
        assert (wide["width"], narrow["width"]) == ("760", "340")
        assert len(wide.find_all(["path", "line"])) > 10


@needs_the_extra
@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_each_query_runs_as_it_stands_and_describes_itself(path: Path, loaded_home: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(r"-- [A-Z].*\.$", " ".join(line for line in text.splitlines() if line.startswith("-- "))[:400])
    with duckdb.connect(str(loaded_home / "published" / "token_growth.duckdb"), read_only=True) as connection:
        connection.execute(text).fetchall()


@needs_the_extra
def test_every_query_belongs_to_a_figure(page: BeautifulSoup) -> None:
    shown = {pre.get_text() for pre in page.select(".query pre")}
    # The headline's is shown by the cards.
    assert {path.read_text(encoding="utf-8") for path in QUERIES if path.stem != "headline"} == shown


@needs_the_extra
def test_the_command_writes_it_beside_the_published_file(home: Settings, cli: Callable[..., Ended]) -> None:
    ended = cli("report")
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[0] == f"Wrote {home.report_path}"
    assert re.fullmatch(r"report: 19 figures, 9 of them drawn, 0\.\d MB \(simulated data\)", ended.out.splitlines()[-1])
    assert home.report_path.stat().st_mode & 0o777 == 0o644
    page = BeautifulSoup(home.report_path.read_text(encoding="utf-8"), "html.parser")
    files = [link["href"] for link in page.select("a[href$='.parquet']")]
    assert len(files) > 10
    assert all((home.report_path.parent / file).exists() for file in files)
    assert "The report beside it is of an earlier build" in cli("build").out


@needs_the_extra
def test_pictures_can_leave_the_page(home: Settings, cli: Callable[..., Ended], tmp_path: Path) -> None:
    slides = tmp_path / "slides"
    for form in ("png", "svg"):
        words_ = ("--output", str(tmp_path / "r.html"), "--pictures", str(slides), "--picture-format", form)
        ended = cli("report", *words_, "--theme", "dark", "--json")
        written = json.loads(ended.out)
        assert len(written["pictures"]) == written["charts"] == 9
        assert (written["is_simulated"], written["failed"]) == (True, [])
        assert ended.err == f"Wrote {tmp_path / 'r.html'}\nWrote 9 pictures to {slides}\n"
    for path in slides.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size > 5_000
    for path in slides.glob("*.svg"):
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        text = "".join(root.itertext())
        assert "SIMULATED DATA. " in text
        assert "Simulated data, not OpenRouter's." in text
        assert "var(--" not in path.read_text(encoding="utf-8")
    assert not home.report_path.exists()


@needs_the_extra
def test_it_is_shown_on_loopback_until_the_user_ends_it_and_is_the_same_in_every_zone(
    home: Settings, page_path: Path
) -> None:
    command = [sys.executable, "-m", "pipeline", "report", "--serve", "--port", "0"]
    elsewhere = os.environ | {"TZ": "America/New_York"}
    with subprocess.Popen(command, cwd=ROOT, env=elsewhere, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(2)]
        url = re.search(r"http://127\.0\.0\.1:\d+/", lines[1])
        assert url
        answer = requests.get(url[0], timeout=10)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(timeout=10) == 0
    assert answer.text == home.report_path.read_text(encoding="utf-8")
    assert rest.startswith("report: 19 figures")
    drawn = [re.findall(r"<svg.*?</svg>", text, re.DOTALL) for text in (answer.text, page_path.read_text("utf-8"))]
    assert len(drawn[0]) > 18
    assert drawn[0] == drawn[1]


def test_the_server_shows_one_file_as_it_is_now(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("<p>one", encoding="utf-8")
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    with report.serving(path, 0) as server:
        thread = threading.Thread(target=server.wait)
        thread.start()
        assert requests.get(server.url, timeout=5).text == "<p>one"
        path.write_text("<p>two", encoding="utf-8")
        answer = requests.get(server.url, timeout=5)
        assert (answer.text, answer.headers["Cache-Control"]) == ("<p>two", "no-store")
        assert requests.head(server.url, timeout=5).headers["Content-Length"] == "6"
        (tmp_path / "parquet").mkdir()
        (tmp_path / "parquet" / "dim_app.parquet").write_bytes(b"PAR1")
        assert requests.get(f"{server.url}parquet/dim_app.parquet", timeout=5).content == b"PAR1"
        for place in ("secret", "report.html", "..%2fsecret", "parquet/../secret", "parquet/none.parquet"):
            assert requests.get(server.url + place, timeout=5).status_code == 404
        path.unlink()
        gone = requests.get(server.url, timeout=5)
        assert gone.status_code == 404
        assert "tokengrowth report writes the report anew" in gone.text
        server.http.shutdown()
        thread.join()


@needs_the_extra
@pytest.mark.usefixtures("home")
def test_a_port_in_use_is_refused_in_one_sentence(cli: Callable[..., Ended]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = cli("report", "--serve", "--port", str(port))
    assert ended.code == 2
    assert f"cannot be shown at port {port}" in ended.err


@pytest.mark.usefixtures("home")
def test_without_the_extra_it_says_what_is_lacking(cli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    usual: Callable[..., Any] = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "vl_convert" else usual(name, *a))
    ended = cli("report")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "error: The report needs the extra `report`, which is not installed; "
        "`pip install -e '.[report]'` in the checkout adds it.\n"
    )


@needs_the_extra
@pytest.mark.usefixtures("home")
def test_a_folder_is_no_file(cli: Callable[..., Ended], tmp_path: Path) -> None:
    ended = cli("report", "--output", str(tmp_path))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"error: {tmp_path} is a folder; name the file to write, such as {tmp_path}/report.html.\n"


@needs_the_extra
def test_a_file_that_is_no_page_is_left_alone(home: Settings, cli: Callable[..., Ended]) -> None:
    before = home.published_path.read_bytes()
    ended = cli("report", "--output", str(home.published_path))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"error: {home.published_path} holds something else than a page; name another file.\n"
    assert home.published_path.read_bytes() == before


@needs_the_extra
def test_a_figure_that_fails_takes_no_other_with_it(
    home: Settings, cli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from pipeline.report.figures import kind, origin

    monkeypatch.setattr(kind, "PRICE_CLASSES", {"paid": "no such colour"})
    monkeypatch.setattr(origin, "PARTS", {"no_such_column": ("none", "none", "gain")})
    ended = cli("report")
    assert ended.code == 1
    assert ended.out.splitlines()[-1].startswith("report: 19 figures, 7 of them drawn, 2 failed, ")
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "The figure accounting could not be made (KeyError: 'no_such_column').",
        "The figure free-and-paid could not be drawn (KeyError: 'no such colour').",
    ]
    page = BeautifulSoup(home.report_path.read_text(encoding="utf-8"), "html.parser")
    assert words(page.select_one("#accounting ~ .finding")).startswith("This figure could not be made")
    assert not page.select("article:has(#free-and-paid) svg.marks")
    assert page.select("article:has(#shares) svg.marks")


@needs_the_extra
def test_a_report_that_fails_fails_no_run(
    home: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    links: list[dict[str, str]] = []
    monkeypatch.setattr(shell, "create_link_artifact", lambda **link: links.append(link))
    monkeypatch.setenv("TOKENGROWTH_REPORT_URL", "https://example.org/growth/report.html")
    shell.leave_report(load_settings())
    assert links[0]["link"] == "https://example.org/growth/report.html"
    home.report_path.unlink()
    home.report_path.mkdir()
    shell.leave_report(home)
    assert len(links) == 1
    assert "The report was not written; `tokengrowth report` writes it: " in caplog.text
    assert "is a folder" in caplog.text


@needs_the_extra
def test_a_place_that_cannot_be_written_is_said_with_what_names_another(
    home: Settings, cli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**words: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), f"{words['dir']}/drawn.part")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    ended = cli("report")
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert ended.err.startswith(f"error: {home.report_path} cannot be written (Read-only file system); ")
    assert ended.err.endswith("or name another file with --output.\n")


@needs_the_extra
@pytest.mark.usefixtures("use")
def test_nothing_published_is_said(cli: Callable[..., Ended]) -> None:
    ended = cli("report")
    assert ended.code == 1
    assert "Nothing is published" in ended.err
