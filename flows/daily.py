"""The daily job: fetch what is missing, land it, build the growth tables, publish them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows.shell import as_task, run_job
from pipeline import jobs
from pipeline.outcome import Outcome
from pipeline.planner import last_complete_day
from pipeline.settings import Settings


@flow(name="token-growth-daily")
def daily(target_date: date | None = None) -> State[Any]:
    """Load every day until `target_date`, by default the day before the run was scheduled."""

    def job(settings: Settings) -> Outcome:
        target = target_date
        if target is None:
            # A run that starts late still means its own day; the business clock may stand before it.
            scheduled = flow_run.scheduled_start_time.date() - timedelta(days=1)
            target = min(scheduled, last_complete_day(settings.now()))
        return jobs.run(settings, target=target, step=as_task)

    return run_job(job)


if __name__ == "__main__":
    daily()
