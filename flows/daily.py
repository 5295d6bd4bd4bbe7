"""The daily job: fetch what is missing, land it, build the growth tables, publish them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import State, StateType
from prefect.runtime import deployment, flow_run
from prefect.states import Completed

from flows.shell import as_task, run_job
from pipeline import jobs
from pipeline.outcome import Outcome
from pipeline.planner import last_complete_day
from pipeline.settings import Settings

# The tag that Prefect's scheduler gives to the runs of a schedule, and to no others.
SCHEDULED = "auto-scheduled"


@flow(name="token-growth-daily")
def daily(target_date: date | None = None) -> State[Any]:
    """Load every day until `target_date`, by default the day before the run was scheduled.

    Of several runs of a schedule that are due, as after days without a worker, only the last does the work: it loads
    all that is missing.
    """
    if is_superseded():
        return Completed(name="Superseded", message="A later run of the schedule is due as well; it does the work.")

    def job(settings: Settings) -> Outcome:
        target = target_date
        if target is None:
            # A run that starts late still means its own day; the business clock may stand before it.
            scheduled = flow_run.scheduled_start_time.date() - timedelta(days=1)
            target = min(scheduled, last_complete_day(settings.now()))
        return jobs.run(settings, target=target, step=as_task)

    return run_job(job)


def is_superseded() -> bool:
    """Tell whether this run is one of a schedule, and a later one of it is due and has not begun."""
    if not deployment.id or SCHEDULED not in flow_run.tags:
        return False
    later = flow_run.scheduled_start_time + timedelta(seconds=1)
    waiting = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=[deployment.id]),
        tags=FlowRunFilterTags(all_=[SCHEDULED]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED, StateType.PENDING])),
        expected_start_time=FlowRunFilterExpectedStartTime(after_=later, before_=datetime.now(UTC)),
    )
    with get_client(sync_client=True) as client:
        return bool(client.read_flow_runs(flow_run_filter=waiting, limit=1))


if __name__ == "__main__":
    daily()
