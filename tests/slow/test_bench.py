"""Limits on what a build takes; `python tests/bench.py` prints the figures."""

from __future__ import annotations

import pytest

from tests.bench import build_against_bare, large, market

pytestmark = pytest.mark.slow


def test_order_and_checks_cost_little() -> None:
    found = build_against_bare(market(catalogue_days=1))
    assert found.build <= max(1.3 * found.bare, found.bare + 0.3), found


def test_hundred_times_the_rows_are_built_in_two_minutes() -> None:
    """Ten dimensions of the rankings, of which the models alone are 5.6 million rows of growth."""
    found = large()
    assert found.rows_a_day == 4791
    assert found.seconds < 120, found
    assert found.peak_mb < 7500, found
