"""The registry: one line a source."""

from pipeline.sources import exports, models, rankings_daily
from pipeline.sources.base import DATASET_FLOOR, Request, Source, Want

SOURCES: dict[str, Source] = {source.name: source for source in (rankings_daily.SOURCE, exports.SOURCE, models.SOURCE)}

__all__ = ["DATASET_FLOOR", "SOURCES", "Request", "Source", "Want"]
