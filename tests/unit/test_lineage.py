"""Where tables and columns come from: read from the SQL, held against the SQL."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlglot import exp
from sqlglot.lineage import lineage as sqlglot_lineage

from pipeline import lineage, models, reference
from pipeline.lineage import Origin

MODELS = models.load(models.sql_dir())
READS = lineage.graph(MODELS)


def origins(folder: Path, sql: str, kind: str = "table") -> dict[str, set[str]]:
    """Return what the columns of a model are made of, as `table.column`; it reads the two tables below."""
    tables = {"raw/days": "select 1 as day, 2 as tokens, 3 as price", "raw/names": "select 1 as day, 'a' as name"}
    for name, text in {**tables, "marts/model": f"-- kind: {kind}\n{sql}"}.items():
        path = folder / f"{name}.sql"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    known = models.load(folder)
    found = lineage.column_origins(known, known["marts.model"])
    return {name: {f"{one.table.removeprefix('raw.')}.{one.column}" for one in made} for name, made in found.items()}


@pytest.mark.parametrize(
    ("sql", "made_of"),
    [
        ("select days.day from raw.days as days", {"day": {"days.day"}}),
        ("select tokens * price as usd from raw.days", {"usd": {"days.tokens", "days.price"}}),
        ("select count(*) as days, 7 as seven from raw.days", {"days": set(), "seven": set()}),
        (
            "with a as (select *, tokens + 1 as more from raw.days), b as (select more as much from a) "
            "select much::double as much from b",
            {"much": {"days.tokens"}},
        ),
        (
            "select day, name as what from raw.names union all select day, 'x' from raw.days",
            {"day": {"names.day", "days.day"}, "what": {"names.name"}},
        ),
        (
            "select price as a, day as b from raw.days union all by name select day as b, name as a from raw.names",
            {"a": {"days.price", "names.name"}, "b": {"days.day", "names.day"}},
        ),
        (
            "select lag(tokens) over history as before from raw.days window history as (order by day)",
            {"before": {"days.tokens", "days.day"}},
        ),
        (
            "select tokens / (select max(price) from raw.days where day > 3) as a, day in (select day from raw.names) "
            "as b from raw.days",
            {"a": {"days.tokens", "days.price"}, "b": {"days.day", "names.day"}},
        ),
        (
            "select (select max(names.name) from raw.names as names where names.day = days.day) as name "
            "from raw.days as days",
            {"name": {"names.name"}},
        ),
        (
            "select what, value from raw.days unpivot (value for what in (tokens, price))",
            {"what": set(), "value": {"days.tokens", "days.price"}},
        ),
        (
            "select days.tokens, known.label from raw.days as days "
            "inner join (values (1, 'one')) as known (day, label) on days.day = known.day",
            {"tokens": {"days.tokens"}, "label": set()},
        ),
        (
            "select sum(days.tokens) filter (where names.name = 'a') as tokens from raw.days as days "
            "left join raw.names as names on days.day = names.day where days.price > 0 group by days.day",
            {"tokens": {"days.tokens", "names.name"}},
        ),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_a_column_is_made_of_the_values_that_its_expression_names(
    tmp_path: Path, sql: str, made_of: dict[str, set[str]]
) -> None:
    assert origins(tmp_path, sql) == made_of


def test_a_union_has_no_formula_because_its_parts_differ() -> None:
    one = "select tokens * price as usd from raw.days"
    assert models.formulas(models.Model("marts", "one", Path("one.sql"), one)) == {"usd": "tokens * price"}
    assert models.formulas(models.Model("marts", "two", Path("two.sql"), f"{one} union all select 1 as usd")) == {}


def test_what_landing_fills_is_made_of_nothing_that_is_read(tmp_path: Path) -> None:
    assert origins(tmp_path, "select null::date as day where false", kind="ledger") == {"day": set()}


def test_every_column_is_made_of_columns_that_its_table_reads() -> None:
    made = 0
    for name, reads in READS.items():
        found = lineage.column_origins(MODELS, MODELS[name])
        assert list(found) == list(MODELS[name].columns)
        for one in (one for several in found.values() for one in several):
            assert one.table in reads
            assert one.column in MODELS[one.table].columns
            made += 1
    assert made > 2000


@pytest.mark.parametrize("name", ["marts.fct_token_growth_daily", "marts.rpt_driver_claims"])
def test_sqlglot_finds_the_same(name: str) -> None:
    model = MODELS[name]
    tables = {read: MODELS[read] for read in model.depends_on}
    schema: dict[str, dict[str, dict[str, str]]] = {}
    for read in tables.values():
        schema.setdefault(read.schema, {})[read.name] = dict.fromkeys(read.columns, "unknown")
    for column, found in lineage.column_origins(MODELS, model).items():
        leaves = [
            node
            for node in sqlglot_lineage(column, model.sql, schema=schema, dialect="duckdb").walk()
            if isinstance(node.source, exp.Table) and not node.downstream
        ]
        assert set(found) == {
            Origin(f"{leaf.source.db}.{leaf.source.name}", leaf.name.split(".")[-1]) for leaf in leaves
        }


def test_every_published_table_is_in_one_family() -> None:
    listed = [name for tables in lineage.FAMILIES.values() for name in tables]
    assert sorted(listed) == sorted(name for name in READS if lineage.is_published(name))


def test_families_do_not_read_each_other_in_a_circle_which_the_overview_could_not_reduce() -> None:
    family = {name: title for title, tables in lineage.FAMILIES.items() for name in tables}
    reads: dict[str, set[str]] = {title: set() for title in lineage.FAMILIES}
    for name, title in family.items():
        reads[title] |= {family[one] for one in lineage.behind(READS, name) & family.keys()} - {title}
    assert [one for one, found in reads.items() if any(one in reads[other] for other in found)] == []


def test_a_reduced_graph_reaches_the_same_by_fewer_edges() -> None:
    small = {"a": frozenset[str](), "b": frozenset("a"), "c": frozenset("ab")}
    assert lineage.reduced(small) == {"a": frozenset(), "b": frozenset("a"), "c": frozenset("b")}
    assert lineage.turned(small) == {"a": frozenset("bc"), "b": frozenset("c"), "c": frozenset()}
    fewer = lineage.reduced(READS)
    assert all(lineage.behind(fewer, name) == lineage.behind(READS, name) for name in READS)
    assert sum(map(len, fewer.values())) < sum(map(len, READS.values()))


def test_sources_are_those_whose_answers_reach_a_table() -> None:
    assert lineage.sources_of(READS, "marts.fct_benchmarks") == ["benchmarks"]
    assert lineage.sources_of(READS, "marts.dim_date") == ["rankings-daily", "exports", "models"]
    assert lineage.sources_of(READS, "marts.dim_dimension") == []
    assert lineage.sources_of(READS, "raw.page_captures") == ["rankings-page-list"]


def test_each_picture_shows_the_whole_way_and_nothing_else() -> None:
    names = {reference.short(name): name for name in READS}
    assert len(names) == len(READS)
    drawn_of = {}
    for section in re.split("^### ", reference.lineage(), flags=re.MULTILINE)[1:]:
        for picture in re.findall("```mermaid\n(.*?)```", section, re.DOTALL):
            nodes = {number: names[label] for number, label in re.findall(r'(n\d+)[\[(]+"([^"<]+)', picture)}
            assert len(nodes) == len(set(nodes.values()))
            edges = [(nodes[start], nodes[end]) for start, end in re.findall(r"(n\d+) --> (n\d+)", picture)]
            shown = {one: frozenset(start for start, end in edges if end == one) for one in nodes.values()}
            drawn_of[section.split()[0]] = shown
    published = set(filter(lineage.is_published, READS))
    assert drawn_of.keys() == {name for name in published if READS[name] - published}
    for name, shown in drawn_of.items():
        assert lineage.behind(shown, name) == shown.keys() - {name}
        assert all(shown[one] <= READS[one] for one in shown)
        for one in shown.keys() - (published - {name}):
            assert READS[one] - {"meta.loads"} <= lineage.behind(shown, one)


def test_pictures_are_within_what_github_draws() -> None:
    for picture in re.findall(r"```mermaid\n(.*?)```", reference.lineage(), re.DOTALL):
        assert len(picture) < 50_000
        assert picture.count("-->") < 500


def test_every_source_is_in_the_overview_but_the_list_of_captures() -> None:
    overview = reference.lineage().split("```")[1]
    assert set(re.findall(r'\(\["([\w-]+)"\]\)', overview)) == {
        source for name in READS if lineage.is_published(name) for source in lineage.sources_of(READS, name)
    }
