"""What a package says of itself: datapackage.json, README.md, CITATION.cff.

All is in our own words but the lines to cite, which come from OpenRouter: in Markdown they stand in a block of code.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pipeline.package.tables import Column, Edition, Resource
from pipeline.reading import simulated_title
from pipeline.reference import UNITS, markdown, unit
from pipeline.rendering import first_sentence, to_json
from pipeline.settings import APP_NAME
from pipeline.warehouse import SIMULATED_NOTE

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
LICENCE = {
    "name": "CC-BY-4.0",
    "path": "https://creativecommons.org/licenses/by/4.0/",
    "title": "Creative Commons Attribution 4.0 International",
}
MEDIA_TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
TYPES = {
    "BIGINT": "integer",
    "INTEGER": "integer",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "datetime",
    "VARCHAR": "string",
    "VARCHAR[]": "array",
    "INTERVAL": "duration",
}
NUMBERS = ("integer", "number")
# Where a stranger begins.
FIRST_TABLES = ("growth_total", "fct_token_growth_daily", "rpt_growth_explained", "fct_trend")

WHAT = (
    "How many tokens OpenRouter's public traffic uses each day, how fast that grows, and where the growth comes from: "
    "by organisation, model, price class, app, context length and more, with bounds where the source shows only the "
    "largest."
)
HOW_SURE = """\
OpenRouter lists the 50 largest models of a day and the 200 largest apps; the rest of a day is one row, `other`. Where
that hides a part of a figure, the figure is empty or counts what is listed, and `…_low` and `…_high` enclose what it
can be: they are bounds, not intervals of confidence. Those of `fct_trend` are intervals, which aim at 95 %. Empty means
not known, never nought. Tables named `…_estimate_…` hold OpenRouter's own estimates, never to be added to exact tokens.
`rpt_reconciliation` holds independent figures for the same thing against each other.

Names of models and apps are strangers' text. Parquet holds them as they came. In CSV an apostrophe opens each that a
spreadsheet would take for a formula, instants end in `Z`, and a list is JSON."""


def descriptor(edition: Edition, resources: Sequence[Resource]) -> str:
    """Return datapackage.json: a resource a table; what is not of the standard is named as in meta.contract."""
    sources = [{"title": line, "path": path} for line, path in edition.places]
    collector = [] if edition.is_simulated else [{"title": "OpenRouter", "roles": ["DataCollector"]}]
    package = {
        "$schema": PROFILE,
        "name": edition.name,
        "title": _title(edition),
        "description": _description(edition),
        "version": edition.version,
        "created": _instant(edition.build["built_at"]),
        **({} if edition.is_simulated else {"licenses": [LICENCE]}),
        "sources": sources or [{"title": edition.contract["citation"]}],
        "contributors": [
            *collector,
            {"title": f"{APP_NAME} {edition.build['program_version']}", "roles": ["DataCurator"]},
        ],
        "keywords": ["OpenRouter", "large language models", "tokens", *(["simulated"] if edition.is_simulated else [])],
        "is_simulated": edition.is_simulated,
        "as_of": _instant(edition.contract["as_of"]),
        **edition.days,
        "contract_version": edition.contract["contract_version"],
        "build_id": edition.build["build_id"],
        "resources": [_resource(resource) for resource in resources],
    }
    return to_json(package) + "\n"


def _resource(resource: Resource) -> dict[str, Any]:
    """Describe the CSV, and beside it the paths of the same rows in Parquet; or these, where there is no CSV.

    A digest of Parquet is left to SHA256SUMS: the standard knows one a resource, and files of Parquet do not join.
    """
    table, form = resource.table, next(iter(resource.paths))
    references = [
        {"fields": [column], "reference": {"resource": name, "fields": [column]}}
        for column, name in resource.references.items()
    ]
    of_csv = {
        "encoding": "utf-8",
        "bytes": resource.csv_bytes,
        "hash": f"sha256:{resource.csv_digest.hexdigest()}",
    }
    return {
        "name": table.name,
        "type": "table",
        "description": table.description,
        "path": _one_or_all(resource.paths[form]),
        "format": form,
        "mediatype": MEDIA_TYPES[form],
        **(of_csv if form == "csv" else {}),
        "rows": resource.rows,
        **{other: _one_or_all(paths) for other, paths in resource.paths.items() if other != form},
        "schema": {
            "fields": [_field(column, table.grain) for column in table.columns],
            "missingValues": [""],
            "primaryKey": list(table.grain),
            **({"foreignKeys": references} if references else {}),
        },
    }


def _one_or_all(paths: Sequence[str]) -> str | list[str]:
    return paths[0] if len(paths) == 1 else list(paths)


def _field(column: Column, grain: Sequence[str]) -> dict[str, Any]:
    kind = TYPES[column.type]
    of_number = unit(column.name) if kind in NUMBERS else ""
    return {
        "name": column.name,
        "type": kind,
        "description": column.description,
        **({"unit": of_number} if of_number else {}),
        **({"constraints": {"required": True}} if column.name in grain else {}),
    }


def citation(edition: Edition) -> str:
    """Return CITATION.cff; its texts are JSON, which YAML reads."""
    lines = [
        "cff-version: 1.2.0",
        f"message: {to_json(_how_to_cite(edition))}",
        "type: dataset",
        f"title: {to_json(_title(edition))}",
        f"abstract: {to_json(_description(edition))}",
        f"version: {to_json(edition.version)}",
        f"date-released: {edition.build['built_at']:%Y-%m-%d}",
        *([] if edition.is_simulated else [f"license: {LICENCE['name']}"]),
        "authors:",
        f"  - name: {APP_NAME}",
        *(["references:"] if edition.places else []),
    ]
    for line, path in edition.places:
        lines += [
            "  - type: data",
            f"    title: {to_json(line)}",
            f"    url: {to_json(path)}",
            "    authors:",
            "      - name: OpenRouter",
        ]
    return "\n".join(lines) + "\n"


def readme(edition: Edition, resources: Sequence[Resource]) -> str:
    """Return README.md, for a stranger."""
    first = [f"`{name}`" for name in FIRST_TABLES if name in {resource.table.name for resource in resources}]
    tables = [
        (one.table.name, f"{one.rows:,}", first_sentence(one.table.description.removeprefix(SIMULATED_NOTE)))
        for one in resources
    ]
    names = [
        *((f"…{suffix}", meaning) for suffix, meaning in UNITS.items()),
        ("…_7d", "of the 7 days that end on the row's date; as growth, against the 7 before; so 28 and 364"),
        ("…_low", "lower bound of what the name before it says; the upper is `…_high`"),
        ("is_…", "true or false; so `has_…`"),
        ("…_at", "instant in UTC; so `as_of`"),
    ]
    parts = [
        f"# {_title(edition)}",
        _description(edition),
        f"This is version {edition.version}: that of the tables' contract (major breaks, minor adds, patch mends), "
        "then the instant of the build.",
        "## How to read it",
        *_how_to_read(resources),
        "## What is in it",
        (f"Begin with {', '.join(first)}. " if first else "")
        + "`datapackage.json` has type, unit and meaning of every column, and what names a row. "
        "`sha256sum --check SHA256SUMS` tells whether all files are whole.",
        markdown(("table", "rows", "what it is"), tables),
        "## What the names of columns say",
        markdown(("name", "meaning"), names),
        "## How fresh and how sure it is",
        f"Days are UTC, from {edition.days['first_date']} to {edition.days['last_date']}, as of "
        f"{_instant(edition.contract['as_of'])}. OpenRouter may restate a day: `is_provisional` marks those that are "
        "likely to change, and windows that hold one.",
        HOW_SURE,
        "## Licence, and how to cite it",
        *_licence(edition),
        f"{_how_to_cite(edition)} `CITATION.cff` says it to reference managers.",
    ]
    return "\n\n".join(parts) + "\n"


def _how_to_read(resources: Sequence[Resource]) -> list[str]:
    """Return how to read the package with the usual tools, by its most telling table that is there."""
    by_name = {resource.table.name: resource for resource in resources}
    name = next((name for name in ("fct_token_growth_daily", *FIRST_TABLES) if name in by_name), next(iter(by_name)))
    resource = by_name[name]
    form = "parquet" if "parquet" in resource.paths else "csv"
    is_by_year = resource.table.is_by_year
    files = f"{form}/{name}/*/*.{form}" if is_by_year else f"{form}/{name}.{form}"
    folder = f'"{form}/{name}"' if is_by_year else f'"{files}"'
    growth = "where dimension = 'total' order by date desc " if name == "fct_token_growth_daily" else ""
    opened = "arrow::open_dataset({}{})".format(folder, "" if form == "parquet" else ', format = "csv"')
    return [
        "A table of many rows a day is a folder with one file a year, in the manner of Hive (`year=2026`, which "
        "many readers add as a column); any other is one file."
        + (
            " Spreadsheets open what is in `csv/`, as UTF-8. `datapackage.json` has the types of its columns."
            if "csv" in resource.paths
            else ""
        ),
        f"```sql\n-- DuckDB\nfrom read_{form}('{files}') {growth}limit 10;\n```",
        f'```python\nimport polars as pl\n\nframe = pl.read_{form}("{files}")\n```',
        f'```python\nimport pandas as pd\n\nframe = pd.read_{form}("{resource.paths[form][-1]}")\n```',
        f"R, which no test runs: `{opened}`.",
    ]


def _licence(edition: Edition) -> list[str]:
    if edition.is_simulated:
        return []
    return [
        f"The figures are OpenRouter's, under [{LICENCE['title']}]({LICENCE['path']}). Tables named `…_page_…` come "
        "from saved web pages, which that licence does not name. Show with the figures:",
        "\n".join(f"    {line}" for line, _ in edition.places),
    ]


def _how_to_cite(edition: Edition) -> str:
    if edition.is_simulated:
        return "The figures are made up: never cite them as OpenRouter's."
    return "Show OpenRouter's lines and the licence with the figures, and cite this package by its version."


def _title(edition: Edition) -> str:
    days = edition.days
    return (
        f"{simulated_title(edition.is_simulated)}Token use on OpenRouter, {days['first_date']} to {days['last_date']}"
    )


def _description(edition: Edition) -> str:
    provisional = edition.days["provisional_from"]
    return (
        (SIMULATED_NOTE if edition.is_simulated else "")
        + f"{WHAT} As of {_instant(edition.contract['as_of'])}"
        + (f"; from {provisional} on provisional." if provisional else ".")
    )


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
