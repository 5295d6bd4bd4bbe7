"""The parts of the documentation that are generated: settings, commands, and tables from the SQL headers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pipeline import models
from pipeline import settings as settings_module

if TYPE_CHECKING:
    import typer


def settings() -> str:
    """Return one row a setting."""
    rows = [(name, f"`{default}`" if default else "-", text) for name, default, text in settings_module.variables()]
    return _markdown(("variable", "default", "meaning"), rows)


def commands(app: typer.Typer) -> str:
    """Return one row a command."""
    import typer

    group: Any = typer.main.get_command(app)
    rows = [(f"tokengrowth {name}", command.get_short_help_str(200)) for name, command in group.commands.items()]
    return _markdown(("command", "what it does"), rows)


def tables() -> str:
    """Return every table that readers find in the published file, with grain, checks and columns."""
    known = models.load(models.sql_dir())
    parts = []
    for model in models.ordered(known):
        if model.schema not in ("marts", "meta"):
            continue
        parts += [f"## {model.full_name}", model.description]
        if model.grain:
            parts.append(f"Grain: {', '.join(f'`{name}`' for name in model.grain)}.")
        if model.checks:
            parts.append("Holds on every row:\n\n" + "\n".join(f"- `{check}`" for check in model.checks))
        parts.append(_markdown(("column", "meaning"), models.column_docs(known, model).items()))
    return "\n\n".join(parts)


def _markdown(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table of our own words, the first column as code; what comes from outside goes to `rendering`."""
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    for name, *cells in rows:
        lines.append("| " + " | ".join([f"`{name}`", *(cell.replace("|", "\\|") for cell in cells)]) + " |")
    return "\n".join(lines)
