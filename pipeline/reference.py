"""The parts of the documentation that are generated: settings, commands, and tables from the SQL headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import models
from pipeline import settings as settings_module
from pipeline.rendering import Format, Table

if TYPE_CHECKING:
    import typer


def settings() -> str:
    """Return one row a setting."""
    rows = [[f"{name}", default or "-", meaning] for name, default, meaning in settings_module.variables()]
    return Table("", ["variable", "default", "meaning"], rows).render(Format.MARKDOWN)


def commands(app: typer.Typer) -> str:
    """Return one row a command."""
    import typer

    group: Any = typer.main.get_command(app)
    rows = [[f"tokengrowth {name}", command.get_short_help_str(200)] for name, command in group.commands.items()]
    return Table("", ["command", "what it does"], rows).render(Format.MARKDOWN)


def tables() -> str:
    """Return every table that readers find in the published file, with grain, checks and columns."""
    known = models.load(models.sql_dir())
    parts = []
    for model in models.ordered(known):
        if model.schema not in ("marts", "meta"):
            continue
        rows = [[name, doc] for name, doc in models.column_docs(known, model).items()]
        facts = [f"Grain: {', '.join(model.grain)}."] if model.grain else []
        facts += [f"Holds on every row: {', '.join(f'`{check}`' for check in model.checks)}."] if model.checks else []
        parts.append(
            "\n\n".join(
                [
                    f"## {model.full_name}",
                    model.description,
                    *facts,
                    Table("", ["column", "meaning"], rows).render(Format.MARKDOWN),
                ]
            )
        )
    return "\n\n".join(parts)
