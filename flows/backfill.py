"""Load a window of days that are not held, by hand; what a day's requests do not suffice for goes on the next day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.deployments import run_deployment
from prefect.runtime import deployment, flow_run

from flows.shell import as_task, run_job
from pipeline import jobs
from pipeline.errors import EXIT_QUOTA
from pipeline.outcome import Outcome

# Some minutes after midnight UTC, when the day's requests are there again.
CONTINUES_AT = time(0, 10, tzinfo=UTC)


@flow(name="token-growth-backfill")
def backfill(
    start_date: date | None = None,
    end_date: date | None = None,
    sources: list[str] | None = None,
    force: bool = False,
) -> State[Any]:
    """Load the days from `start_date` (2025-01-01) to `end_date` (yesterday) that are not held.

    `sources` are names such as rankings-daily or app-rankings; `force` fetches held days again. Dates before
    2025-01-01 or after yesterday fail the run with a sentence that says so. A deployed backfill that meets the day's
    limit schedules itself for the next day, until all is held.
    """
    return run_job(
        lambda settings: jobs.backfill(settings, start_date, end_date, sources or (), force=force, step=as_task),
        after=continue_tomorrow,
    )


def continue_tomorrow(outcome: Outcome) -> None:
    """Schedule the same backfill for after midnight where today's requests did not suffice.

    With `force` every day would be fetched again and again: such a run is not continued.
    """
    if outcome.exit_code != EXIT_QUOTA or not deployment.id or flow_run.parameters.get("force"):
        return
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    run_deployment(
        deployment.id,
        parameters=flow_run.parameters,
        scheduled_time=datetime.combine(tomorrow, CONTINUES_AT),
        idempotency_key=f"{deployment.id} {flow_run.parameters} {tomorrow}",
        timeout=0,
        as_subflow=False,
    )


if __name__ == "__main__":
    backfill()
