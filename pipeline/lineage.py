"""Where the figures come from: the graph of the models from the sources to the marts, and what each column is made of.

All of it is read from the SQL and from the registry of the sources. A column is made of the values that its expression
names, through every part of the SELECT; what a join, a filter or a grouping decides is which rows count, and no value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pipeline import models
from pipeline.models import Model
from pipeline.sources import SOURCES

# The published tables by what one asks of them; every one is in one family.
FAMILIES: dict[str, tuple[str, ...]] = {
    "Growth": (
        *("marts.fct_token_growth_daily", "marts.growth_total", "marts.growth_author", "marts.growth_model"),
        *("marts.growth_latest", "marts.fct_momentum_daily", "marts.rpt_growth_explained"),
        *("marts.fct_growth_accounting",),
    ),
    "Trends and events": (
        *("marts.fct_trend", "marts.fct_seasonality", "marts.fct_seasonally_adjusted_daily", "marts.fct_anomalies"),
        *("marts.fct_events", "marts.rpt_revisions"),
    ),
    "Claims": ("marts.rpt_driver_claims",),
    "Make-up of the tokens": (
        *("marts.fct_model_tokens_daily", "marts.fct_slice_tokens_daily", "marts.fct_slice_model_tokens_daily"),
        *("marts.fct_concentration_daily", "marts.fct_cohort_retention", "marts.fct_reasoning_share"),
    ),
    "Weekly estimates": (
        *("marts.fct_estimate_tokens_weekly", "marts.fct_estimate_model_tokens_weekly"),
        *("marts.fct_token_growth_weekly",),
    ),
    "Apps": (
        *("marts.dim_app", "marts.dim_app_history", "marts.fct_app_tokens_daily", "marts.fct_app_residual_daily"),
        *("marts.fct_app_decomposition", "marts.rpt_app_growth_explained", "marts.fct_app_categories"),
        *("marts.fct_app_trending",),
    ),
    "Prices and spend": (
        *("marts.fct_model_price_daily", "marts.fct_endpoint_daily", "marts.dim_provider", "marts.fct_spend_daily"),
        *("marts.spend_total", "marts.fct_price_index_daily", "marts.fct_price_changes"),
    ),
    "Tasks, sessions, benchmarks": (
        *("marts.fct_task_shares", "marts.fct_task_macro_shares", "marts.fct_task_model_shares"),
        *("marts.fct_session_costs", "marts.fct_benchmarks"),
    ),
    "Saved pages": (
        *("marts.fct_page_model_windows", "marts.fct_page_app_windows", "marts.fct_page_model_weeks"),
        *("marts.fct_page_author_weeks",),
    ),
    "Dimensions": (
        *("marts.dim_dimension", "marts.dim_organisation", "marts.dim_model", "marts.dim_model_history"),
        *("marts.dim_date",),
    ),
    "How far to trust it": (
        *("marts.rpt_coverage", "marts.rpt_source_health", "marts.rpt_volume_daily", "marts.rpt_reconciliation"),
        *("marts.rpt_context_totals", "marts.rpt_page_windows", "marts.rpt_unmatched_models"),
    ),
    "The pipeline itself": (
        *("meta.contract", "meta.sources", "meta.loads", "meta.builds", "meta.checks", "meta.layout"),
    ),
}

Graph = Mapping[str, frozenset[str]]


class Origin(NamedTuple):
    """A column of a table that is read."""

    table: str
    column: str


def graph(known: Mapping[str, Model]) -> dict[str, frozenset[str]]:
    """Return what each table reads, in the order of the build; the files under `sql/checks` are no tables."""
    return {model.full_name: model.depends_on for model in models.ordered(known) if model.schema != models.CHECKS}


def turned(reads: Graph) -> dict[str, frozenset[str]]:
    """Return what reads each table, in the order of the build."""
    return {name: frozenset(reader for reader in reads if name in reads[reader]) for name in reads}


def behind(reads: Graph, name: str) -> frozenset[str]:
    """Return all that a table is made of, at any distance; of a turned graph all that is made of it."""
    return frozenset(models.reachable([name], lambda one: reads[one]))


def reduced(reads: Graph) -> dict[str, frozenset[str]]:
    """Return a graph without circles but for the edges that a longer way tells, too: what is reachable stays so."""
    further = {name: frozenset().union(*(behind(reads, one) for one in reads[name])) for name in reads}
    return {name: reads[name] - further[name] for name in reads}


def is_published(name: str) -> bool:
    """Tell whether readers find a table in the published file."""
    return name.startswith(("marts.", "meta."))


def landed_by(name: str) -> list[str]:
    """Name the sources that a table of the schema `raw` is filled from; none for any other table."""
    schema, _, table = name.partition(".")
    return [source.name for source in SOURCES.values() if schema == "raw" and table in source.tables]


def sources_of(reads: Graph, name: str) -> list[str]:
    """Name the sources whose figures reach a table, in the order of the registry."""
    found = {source for one in {name, *behind(reads, name)} for source in landed_by(one)}
    return [source for source in SOURCES if source in found]


def column_origins(known: Mapping[str, Model], model: Model) -> dict[str, list[Origin]]:
    """Return of each column the columns of the tables read that its value is made of, one step back.

    A column that counts rows or is a constant has none, nor has one that landing or a statistics library fills.
    """
    if not model.depends_on:
        return {name: [] for name in model.columns}
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    schema: dict[str, Any] = {}
    for read in model.depends_on:
        schema.setdefault(known[read].schema, {})[known[read].name] = dict.fromkeys(known[read].columns, "unknown")
    # sqlglot.lineage takes forty times as long, and does not know `union by name`.
    whole = qualify(model.parsed.copy(), dialect="duckdb", schema=schema, identify=False)
    scope = build_scope(whole)
    found = _Origins(scope).of_query(scope)
    return {name: sorted(found[name]) for name in model.columns}


class _Origins:
    """What the columns of one SELECT and of its parts are made of; each part is looked at once."""

    def __init__(self, root: Any) -> None:
        self._scopes = {id(scope.expression): scope for scope in root.traverse()}
        self._found: dict[int, dict[str, set[Origin]]] = {}

    def of_query(self, scope: Any) -> dict[str, set[Origin]]:
        """Return the origins of each column of a query, by name."""
        from sqlglot import exp

        key, query = id(scope.expression), scope.expression
        if key not in self._found and isinstance(query, exp.SetOperation):
            self._found[key] = self._of_union(query)
        elif key not in self._found:
            self._found[key] = {one.alias_or_name: set(self._of(one, scope)) for one in query.selects}
        return self._found[key]

    def _of_union(self, union: Any) -> dict[str, set[Origin]]:
        sides = (self._scopes[id(side.unnest())] for side in (union.this, union.expression))
        first, second = map(self.of_query, sides)
        if union.args.get("by_name"):
            return {name: first.get(name, set()) | second.get(name, set()) for name in {**first, **second}}
        pairs = zip(first.items(), second.values(), strict=True)
        return {name: origins | others for (name, origins), others in pairs}

    def _of(self, expression: Any, scope: Any) -> Iterator[Origin]:
        """Yield the origins of an expression; of a subquery those of its own columns."""
        from sqlglot import exp

        for node in expression.walk(prune=lambda node: id(node) in self._scopes):
            if id(node) in self._scopes:
                inner = self._scopes[id(node)]
                for origins in self.of_query(inner).values():
                    yield from origins
            elif isinstance(node, exp.Column):
                yield from self._of_column(node, scope)
            elif isinstance(node, exp.Window) and node.args.get("alias"):
                for window in scope.expression.args.get("windows") or ():
                    if window.name == node.args["alias"].name:
                        yield from self._of(window, scope)

    def _of_column(self, column: Any, scope: Any) -> Iterator[Origin]:
        from sqlglot import exp

        while scope and column.table not in scope.sources:
            scope = scope.parent  # a subquery names a column of the query around it
        source = scope and scope.sources[column.table]
        if isinstance(source, exp.Table):
            table = f"{source.db}.{source.name}"
            yield from (Origin(table, name) for name in _unpivoted(source).get(column.name, [column.name]))
        elif source and not source.is_udtf:
            yield from self.of_query(source).get(column.name, ())


def _unpivoted(table: Any) -> dict[str, list[str]]:
    """Return what `unpivot` makes of a table's columns: one column of their values, and one of their names."""
    made: dict[str, list[str]] = {}
    for pivot in table.args.get("pivots") or ():
        for field in pivot.fields:
            made[field.this.name] = []
            made |= {one.name: [column.name for column in field.expressions] for one in pivot.expressions}
    return made
