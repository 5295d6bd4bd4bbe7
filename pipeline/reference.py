"""The parts of the documentation that are generated: settings, commands, and from the SQL tables and their lineage."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pipeline import fitting, models
from pipeline import settings as settings_module
from pipeline.lineage import (
    FAMILIES,
    Graph,
    column_origins,
    graph,
    is_published,
    landed_by,
    reduced,
    sources_of,
    turned,
)
from pipeline.sources import SOURCES

if TYPE_CHECKING:
    import typer


def settings() -> str:
    """Return one row a setting."""
    rows = [(name, f"`{default}`" if default else "-", text) for name, default, text in settings_module.variables()]
    return markdown(("variable", "default", "meaning"), rows)


def commands(app: typer.Typer) -> str:
    """Return one row a command, those of groups too."""
    rows = [
        (f"tokengrowth {' '.join(words)}", command.get_short_help_str(200))
        for words, command in command_words(app).items()
    ]
    return markdown(("command", "what it does"), rows)


def command_words(app: typer.Typer) -> dict[tuple[str, ...], Any]:
    """Return every command by the words that call it, in the order of the help."""
    import typer

    def within(group: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from within(command, (*words, name))
            else:
                yield (*words, name), command

    return dict(within(typer.main.get_command(app), ()))


def tables() -> str:
    """Return every table that readers find in the published file, with grain, checks and columns."""
    known = models.load(models.sql_dir())
    parts = []
    for model in models.ordered(known):
        if model.schema not in ("marts", "meta"):
            continue
        parts += _head(model.full_name, model)
        parts.append(f"[Where it comes from](lineage.md#{anchor(model.full_name)})")
        parts.append(markdown(("column", "meaning"), models.column_docs(known, model).items()))
    return "\n\n".join(parts)


# The tables that answer where growth comes from, in the order in which one reads them.
MEASURES = (
    *("fct_token_growth_daily", "fct_token_growth_weekly", "rpt_growth_explained", "fct_growth_accounting"),
    *("fct_trend", "fct_momentum_daily", "fct_seasonality", "fct_seasonally_adjusted_daily", "fct_anomalies"),
    *("fct_cohort_retention", "fct_app_decomposition", "rpt_app_growth_explained"),
    *("fct_price_index_daily", "fct_spend_daily", "spend_total", "fct_price_changes"),
    *("fct_concentration_daily", "fct_reasoning_share", "fct_events", "rpt_driver_claims", "dim_dimension"),
)
UNITS = {
    "_pct": "%",
    "_pp": "percentage points",
    "_tokens": "tokens",
    "_ratio": "ratio",
    "_usd": "US dollars",
    "_date": "UTC day",
    "_days": "days",
}
RATE = re.compile(r"(tokens|usd)_per_([a-z]+)")


def measures() -> str:
    """Return each measure with its unit, meaning and formula: the comment and the expression beside its column."""
    known = models.load(models.sql_dir())
    parts = []
    for name in MEASURES:
        model = known[f"marts.{name}"]
        parts += _head(name, model)
        docs, formulas = models.column_docs(known, model), models.formulas(model)
        rows = [
            (column, unit(column), doc, f"`{formulas[column]}`" if column in formulas else "")
            for column, doc in docs.items()
            if column not in model.grain
        ]
        parts.append(markdown(("measure", "unit", "meaning", "formula"), rows))
    return "\n\n".join(parts)


def _head(title: str, model: models.Model) -> list[str]:
    """Return what opens the section of a table: description, grain, and what holds on every row."""
    parts = [f"## {title}", model.description]
    if model.name in fitting.marts():
        parts.append("Built where the extra `stats` is installed.")
    if model.grain:
        parts.append(f"Grain: {', '.join(f'`{name}`' for name in model.grain)}.")
    if model.checks:
        parts.append("Holds on every row:\n\n" + "\n".join(f"- `{check}`" for check in model.checks))
    return parts


def unit(column: str) -> str:
    """Tell the unit of a column by its name, which is how units are told everywhere; what it ends with comes first."""
    if column.startswith(("is_", "has_")):
        return "yes or no"
    for suffix, known in UNITS.items():
        if column.endswith(suffix):
            return known
    if rate := RATE.search(column):
        of, per = rate.groups()
        return f"{UNITS[f'_{of}']} per {'million tokens' if per == 'million' else per}"
    return "tokens" if column.startswith("tokens_") or "_tokens" in column else ""


# What a table that is not published is part of in the overview; one of `raw` or `staging` stands for its sources.
AREAS = {
    "curated": "Curated by hand",
    "intermediate": "Days, entities, windows",
    "fitted": "Trends and events",
    "claims": "Claims",
}
LOADS = "meta.loads"


def lineage() -> str:
    """Return where each published table comes from, in pictures and words, and what its columns are made of."""
    known = models.load(models.sql_dir())
    reads = graph(known)
    readers = turned(reads)
    parts = ["## From the sources to the families of tables", _mermaid(*_overview(reads))]
    for family, tables in FAMILIES.items():
        parts.append(f"## {family}")
        for name in tables:
            parts += [f"### {name}", known[name].description]
            parts += _neighbours(reads, readers, name)
            parts += [] if all(map(is_published, reads[name])) else _picture(reads, name)
            origins = column_origins(known, known[name])
            rows = [
                (column, ", ".join(f"`{short(table)}.{one}`" for table, one in made))
                for column, made in origins.items()
            ]
            if any(made for _, made in rows):
                parts += _folded("What its columns are made of", markdown(("column", "made of"), rows))
    return "\n\n".join(parts)


def _neighbours(reads: Graph, readers: Graph, name: str) -> list[str]:
    facts = {
        "Sources": [f"`{source}`" for source in sources_of(reads, name)],
        "Reads": [_linked(read) for read in reads if read in reads[name]],
        "Read by": [_linked(reader) for reader in reads if reader in readers[name]],
    }
    lines = [f"- {what}: {', '.join(found)}" for what, found in facts.items() if found]
    return ["\n".join(lines)] if lines else []


def _linked(name: str) -> str:
    return f"[`{name}`](#{anchor(name)})" if is_published(name) else f"`{name}`"


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives to a heading which is the name of a table."""
    return heading.replace(".", "")


def _overview(reads: Graph) -> tuple[dict[str, str], set[tuple[str, str]]]:
    """Return a node a source, area and family, and an edge where one feeds the other with no third between them."""
    area = {name: family for family, tables in FAMILIES.items() for name in tables}
    for name, found in reads.items():
        schema = name.split(".")[0]
        # What stands between two marts is a step on the way from one to the other.
        if schema in AREAS and not (schema == "intermediate" and any(read.startswith("marts.") for read in found)):
            area[name] = AREAS[schema]
    feeds: dict[str, set[str]] = {one: set() for one in (*SOURCES, *AREAS.values(), *FAMILIES)}

    def follow(name: str, to: str) -> None:
        for read in reads[name]:
            if read in area:
                # Which answers count is read from meta.loads nearly everywhere.
                feeds[to] |= {area[read]} if read != LOADS or name.startswith("marts.") else set()
            else:
                feeds[to].update(landed_by(read))
                follow(read, to)

    for name in area:
        follow(name, area[name])
    near = reduced({one: frozenset(found - {one}) for one, found in feeds.items()})
    edges = {(start, end) for end, found in near.items() for start in found}
    named = {one for edge in edges for one in edge}
    return {one: f'(["{one}"])' if one in SOURCES else f'["{one}"]' for one in feeds if one in named}, edges


def _picture(reads: Graph, name: str) -> list[str]:
    """Return the way to a table, from the sources or from the published tables on it, which have their own pictures."""
    within = {name: reads[name]}
    todo = list(reads[name])
    while todo:
        one = todo.pop()
        if one not in within:
            # Which answers count is read from meta.loads nearly everywhere; drawn is what reads nothing raw beside it.
            has_raw = any(read.startswith("raw.") for read in reads[one])
            within[one] = frozenset() if is_published(one) else reads[one] - ({LOADS} if has_raw else set())
            todo += within[one]
    edges = {(read, one) for one, found in reduced(within).items() for read in found}
    nodes = {one: _node(one) for one in reads if one in within}
    return _folded("The way to it", _mermaid(nodes | {name: f"{_node(name)}:::own"}, edges))


def _node(name: str) -> str:
    if landed_by(name):
        return f'[("{"<br>".join([name, *landed_by(name)])}")]'
    if is_published(name):
        return f'[["{short(name)}"]]'
    return f'["{short(name)}"]'


def short(name: str) -> str:
    """Return the name of a table without its schema, where a prefix tells that, too."""
    schema, _, table = name.partition(".")
    return table if schema in ("staging", "intermediate", "marts") else name


def _mermaid(nodes: dict[str, str], edges: set[tuple[str, str]]) -> str:
    """Return a graph from left to right, nodes in their order and edges in that of what they join."""
    place = {name: number for number, name in enumerate(nodes)}
    drawn = sorted((place[start], place[end]) for start, end in edges)
    lines = [f"    n{place[name]}{text}" for name, text in nodes.items()]
    lines += [f"    n{start} --> n{end}" for start, end in drawn]
    return "\n".join(["```mermaid", "flowchart LR", *lines, "    classDef own stroke-width:3px", "```"])


def _folded(summary: str, text: str) -> list[str]:
    return [f"<details><summary>{summary}</summary>", text, "</details>"]


def markdown(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table of our own words, the first column as code; what comes from outside goes to `rendering`."""
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    for name, *cells in rows:
        lines.append("| " + " | ".join([f"`{name}`", *(cell.replace("|", "\\|") for cell in cells)]) + " |")
    return "\n".join(lines)
