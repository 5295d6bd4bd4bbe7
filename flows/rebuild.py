"""Drop the warehouse and rebuild it from the archive alone, without the network, by hand."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.shell import as_task, run_job
from pipeline import jobs


@flow(name="token-growth-rebuild")
def rebuild() -> State[Any]:
    """Read every archived answer again, build and publish."""
    return run_job(lambda settings: jobs.rebuild(settings, as_task))


if __name__ == "__main__":
    rebuild()
