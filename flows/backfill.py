"""Load a window of days that are not held, by hand; run it again to go on where it stopped."""

from __future__ import annotations

from datetime import date
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.shell import as_task, run_job
from pipeline import jobs


@flow(name="token-growth-backfill")
def backfill(
    start_date: date | None = None,
    end_date: date | None = None,
    sources: list[str] | None = None,
    force: bool = False,
) -> State[Any]:
    """Load the days from `start_date` (2025-01-01) to `end_date` (yesterday) that are not held.

    `sources` are names such as rankings-daily or exports; `force` fetches held days again. Dates before
    2025-01-01 or after yesterday fail the run with a sentence that says so.
    """
    return run_job(
        lambda settings: jobs.backfill(settings, start_date, end_date, sources or (), force=force, step=as_task)
    )


if __name__ == "__main__":
    backfill()
