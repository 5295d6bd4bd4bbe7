"""The registry: one line a module. Their order is the order of reading.

What others build on comes first; what takes the most calls, one a day and page, comes last of the keyed ones.
"""

from pipeline.sources import (
    app_rankings,
    benchmarks,
    endpoints,
    exports,
    models,
    providers,
    rankings_daily,
    rankings_filtered,
    rankings_page,
    session_costs,
    task_shares,
)
from pipeline.sources.base import DATASET_FLOOR, Cadence, Host, Reply, Request, Source, Want

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        *rankings_daily.SOURCES,
        *exports.SOURCES,
        *models.SOURCES,
        *providers.SOURCES,
        *endpoints.SOURCES,
        *task_shares.SOURCES,
        *session_costs.SOURCES,
        *benchmarks.SOURCES,
        *rankings_filtered.SOURCES,
        *app_rankings.SOURCES,
        *rankings_page.SOURCES,
    )
}

__all__ = ["DATASET_FLOOR", "SOURCES", "Cadence", "Host", "Reply", "Request", "Source", "Want"]
