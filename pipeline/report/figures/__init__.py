"""What the report says: each figure reads the published file by one query and turns its rows into words, a table and
a chart. A section of the page is a module here.

Nothing here draws: a figure's `draw` gives a Vega-Lite specification in the colours and the width asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.report.figures import drivers, growth, kind, market, origin, trust
from pipeline.report.figures.base import Figure, Read


@dataclass(frozen=True)
class Section:
    """Figures that answer one question."""

    name: str
    title: str
    figures: Sequence[Callable[[Read], Figure]]


SECTIONS = (
    Section("growth", "How fast", (growth.total, growth.trends)),
    Section("origin", "Where from", (origin.shares, origin.waterfall, origin.leaderboard, origin.accounting)),
    Section("kind", "What kind", (kind.free_and_paid, kind.contexts, kind.apps, kind.requests)),
    Section("market", "The market", (market.concentration, market.price_index, market.spend)),
    Section("drivers", "What drives it", (drivers.claims,)),
    Section(
        "trust",
        "How far to trust it",
        (trust.coverage, trust.health, trust.reconciliation, trust.restated, trust.unmatched),
    ),
)
