"""The data dictionary: all tables, all columns, all ways between them, and nothing from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise

import pytest
from bs4 import BeautifulSoup, Tag

from pipeline import dictionary, lineage, models, warehouse
from pipeline.dictionary.drawing import BOX_HEIGHT, Drawing, draw
from pipeline.reference import short
from pipeline.sources import SOURCES
from tests.conftest import Ended

MODELS = models.load(models.sql_dir())
READS = lineage.graph(MODELS)
HOSTILE = "</p><script>alert(`1`)</script><img src=https://example.org/x>"


@pytest.fixture(scope="module")
def types() -> Mapping[str, Mapping[str, str]]:
    return warehouse.column_types(MODELS)


@pytest.fixture(scope="module")
def text(types: Mapping[str, Mapping[str, str]]) -> str:
    return dictionary.render(MODELS, types)


@pytest.fixture(scope="module")
def page(text: str) -> BeautifulSoup:
    return BeautifulSoup(text, "html.parser")


@pytest.fixture(scope="module")
def named(page: BeautifulSoup) -> dict[str, Tag]:
    """What the page has by the name that links use."""
    tags = page.find_all(id=True)
    found = {str(tag["id"]): tag for tag in tags}
    assert len(found) == len(tags)
    return found


@pytest.fixture(scope="module")
def drawing() -> Drawing:
    return draw(MODELS, READS)


def facts_of(article: Tag) -> dict[str, Tag]:
    return dict(zip((dt.get_text() for dt in article.find_all("dt")), article.find_all("dd"), strict=True))


def test_every_table_is_there_with_every_column_its_type_and_meaning(
    page: BeautifulSoup, named: dict[str, Tag], types: Mapping[str, Mapping[str, str]]
) -> None:
    tables = [article["id"] for article in page.find_all("article")]
    assert sorted(tables) == sorted([*READS, *(f"source.{name}" for name in SOURCES)])
    for name in READS:
        rows = named[name].select("tbody tr")
        assert [row.th.get_text() for row in rows if row.th] == list(MODELS[name].columns)
        meanings = models.column_docs(MODELS, MODELS[name])
        for row, (column, meaning) in zip(rows, meanings.items(), strict=True):
            type_, said = (cell.get_text() for cell in row.find_all("td"))
            assert type_.startswith(types[name][column].lower())
            assert said.startswith(meaning.replace("`", ""))


def test_grain_checks_and_formulas_are_there(named: dict[str, Tag]) -> None:
    article = named["marts.fct_token_growth_daily"]
    assert [code.get_text() for code in article.select("code.check")] == MODELS["marts.fct_token_growth_daily"].checks
    assert facts_of(article)["Grain"].get_text() == "dimension, entity, date"
    row = named["marts.fct_token_growth_daily.growth_7d_pct"]
    formulas = [code.get_text() for code in row.select(".formula code")]
    assert formulas == ["100 * (tokens_7d / nullif(tokens_7d_before, 0) - 1)"]
    assert [link["href"] for link in row.select(".of a")] == [
        f"#intermediate.int_entity_windows.{column}"
        for column in ("is_censored_7d", "is_censored_7d_before", "low_7d", "low_7d_before")
    ]


def test_links_name_what_a_table_reads_and_what_reads_it(named: dict[str, Tag]) -> None:
    readers = lineage.turned(READS)
    for name in READS:
        facts = facts_of(named[name])
        linked = {what: {link["href"][1:] for link in dd.find_all("a")} for what, dd in facts.items()}
        assert linked.get("Reads", set()) == READS[name]
        assert linked.get("Read by", set()) == readers[name]
        assert linked.get("Sources", set()) == {f"source.{source}" for source in lineage.sources_of(READS, name)}


def test_every_link_leads_to_something_on_the_page(page: BeautifulSoup, named: dict[str, Tag]) -> None:
    links = [link["href"] for link in page.find_all("a")]
    assert len(links) > 3000
    assert {link[1:] for link in links} <= named.keys()


def test_the_drawing_has_every_way_and_no_other(drawing: Drawing, page: BeautifulSoup) -> None:
    names = [node.name for node in drawing.nodes]
    drawn = [(names[edge.start], names[edge.end]) for edge in drawing.edges]
    assert len(drawn) == len(set(drawn))
    landed = {(source, name) for name in READS for source in lineage.landed_by(name)}
    assert set(drawn) == {(read, name) for name in READS for read in READS[name]} | landed
    assert len(page.select("#drawing path")) == len(drawn)
    hrefs = [link["href"].removeprefix("#").removeprefix("source.") for link in page.select("#drawing a")]
    assert hrefs == names
    assert sorted(names) == sorted([*READS, *SOURCES])


def test_no_two_boxes_overlap_and_all_are_in_the_picture(drawing: Drawing) -> None:
    by_band: dict[float, list[float]] = {}
    for node in drawing.nodes:
        by_band.setdefault(node.x, []).append(node.y)
        assert 0 <= node.x < node.x + node.width < drawing.width
        assert 0 < node.top < node.top + BOX_HEIGHT < drawing.height
        assert node.width > 6 * len(node.label)
    assert len(by_band) == 6
    for heights in by_band.values():
        assert min(below - above for above, below in pairwise(sorted(heights))) > BOX_HEIGHT
    edges = sorted((node.x, node.x + node.width) for node in {node.x: node for node in drawing.nodes}.values())
    assert all(right < left for (_, right), (left, _) in pairwise(edges))


def test_a_page_is_one_file_that_asks_for_nothing(text: str, page: BeautifulSoup) -> None:
    assert len(text.encode()) < 1_000_000
    assert not page.find_all(["img", "iframe", "object", "form"])
    assert not page.find_all(src=True)
    assert [tag["href"] for tag in page.find_all("link")] == ["data:,"]
    assert not re.search(r"@import|url\(", text)
    policy = page.select_one("meta[http-equiv]")
    assert policy
    assert str(policy["content"]).startswith("default-src 'none';")


def test_what_a_model_says_of_itself_is_text(types: Mapping[str, Mapping[str, str]]) -> None:
    name = "marts.dim_provider"
    model = MODELS[name]
    (column, *_), sql = model.columns, model.sql
    sql = f"-- {HOSTILE}\n-- check: '{HOSTILE}' <> ''\n{sql}".replace(f"{column},", f"{column}, -- {HOSTILE}\n", 1)
    hostile = MODELS | {name: replace(model, sql=sql)}
    assert HOSTILE in models.column_docs(hostile, hostile[name])[column]
    page = BeautifulSoup(dictionary.render(hostile, types), "html.parser")
    assert len(page.find_all("script")) == 1
    assert not page.find_all("img")
    (article,) = page.find_all(id=name)
    assert article.get_text().count(HOSTILE.replace("`", "")) == 2
    assert article.get_text().count(HOSTILE) == 1


def test_names_are_short_where_a_prefix_tells_the_schema() -> None:
    assert [short(name) for name in ("marts.fct_trend", "raw.models", "meta.loads", "staging.stg_models")] == [
        "fct_trend",
        "raw.models",
        "meta.loads",
        "stg_models",
    ]


def test_the_command_prints_the_page(cli: Callable[..., Ended], text: str) -> None:
    ended = cli("docs", "dictionary", "--json")
    assert ended.code == 0
    assert json.loads(ended.out) == {"section": "dictionary", "html": text}
    assert ended.err == "docs: dictionary\n"
    assert cli("docs", "lineage").out.startswith("## From the sources to the families of tables\n")
