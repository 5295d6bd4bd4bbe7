"""The registry: one line a module. Their order is the order of reading: what others build on comes first."""

from pipeline.sources import exports, models, rankings_daily
from pipeline.sources.base import DATASET_FLOOR, Cadence, Host, Reply, Request, Source, Want

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        *rankings_daily.SOURCES,
        *exports.SOURCES,
        *models.SOURCES,
    )
}

__all__ = ["DATASET_FLOOR", "SOURCES", "Cadence", "Host", "Reply", "Request", "Source", "Want"]
