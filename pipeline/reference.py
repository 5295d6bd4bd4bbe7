"""The parts of the documentation that are generated: settings, commands, and tables from the SQL headers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pipeline import fitting, models
from pipeline import settings as settings_module

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
    """Tell the unit of a column by its name, which is how units are told everywhere."""
    if column.startswith(("is_", "has_")):
        return "yes or no"
    if column.startswith(("tokens_", "delta_")) or "_tokens" in column:
        return "tokens"
    return next((unit for suffix, unit in UNITS.items() if column.endswith(suffix)), "")


def markdown(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table of our own words, the first column as code; what comes from outside goes to `rendering`."""
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    for name, *cells in rows:
        lines.append("| " + " | ".join([f"`{name}`", *(cell.replace("|", "\\|") for cell in cells)]) + " |")
    return "\n".join(lines)
