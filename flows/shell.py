"""What all flows share: steps as tasks, the pipeline's log in the run's log, artifacts, and the final state."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar, cast

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.blocks.system import Secret
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, TaskRun
from prefect.events import Event, Resource
from prefect.events.related import related_resources_from_run_context
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed
from prefect.tasks import Task, exponential_backoff
from prefect.utilities.asyncutils import run_coro_as_sync

from pipeline import explanation, reading, report, trend, watch
from pipeline.doctor import KEY_BLOCK
from pipeline.errors import (
    EXIT_FAILED,
    EXIT_OK,
    EXIT_QUOTA,
    BuildFailedError,
    SourceUnavailableError,
    TokenGrowthError,
    UsageError,
)
from pipeline.outcome import Outcome
from pipeline.rendering import Format
from pipeline.settings import Settings, load_settings
from pipeline.watch import Alert

FETCH_RETRIES = 2
LOCK_TIMEOUT_SECONDS = 3600
log = logging.getLogger("pipeline.flows")
T = TypeVar("T")


def as_task(name: str, function: Callable[..., T], *args: Any, may_pass: bool = False) -> T:
    """Run a step of a job as a task of its name, and try it again where its failure may pass.

    The pipeline's own retries come first: these are for a source that is away for longer.
    """
    step: Task[Any, T] = Task(
        fn=lambda: function(*args),
        name=name,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=FETCH_RETRIES if may_pass else 0,
        retry_delay_seconds=exponential_backoff(backoff_factor=15) if may_pass else None,
        retry_jitter_factor=0.5 if may_pass else None,
        retry_condition_fn=_is_unavailable if may_pass else None,
    )
    return step()


async def _is_unavailable(task: Task[Any, Any], task_run: TaskRun, state: State[Any]) -> bool:
    error = await state.aresult(raise_on_failure=False)
    return isinstance(error, SourceUnavailableError)


class _RunLog(logging.Handler):
    """Hands the pipeline's log records to the logger of the flow or task that is running."""

    def emit(self, record: logging.LogRecord) -> None:
        get_run_logger().log(record.levelno, record.getMessage())


@contextmanager
def run_log() -> Iterator[None]:
    """Show what the pipeline logs, from INFO on, in the run's log."""
    logger, handler = logging.getLogger("pipeline"), _RunLog()
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]


def run_job(job: Callable[[Settings], Outcome], after: Callable[[Outcome], None] | None = None) -> State[Any]:
    """Run a job with the settings of the environment, then `after`; return the state that the flow ends in.

    What a user can mend ends the run Failed with one sentence; anything unexpected is raised. What deserves a look
    leaves an event, so that an automation can tell someone.
    """
    try:
        settings = run_settings()
        with run_log():
            outcome = job(settings)
            tell_alerts(settings, watch.alerts(settings, outcome))
    except TokenGrowthError as error:
        if isinstance(error, BuildFailedError):
            tell_alerts(settings, [watch.of_failed_build(settings, error)])
        return Failed(message=str(error))
    # The artifacts come last: whatever goes wrong with them, the alerts are told and a backfill goes on.
    if after:
        after(outcome)
    with run_log():
        leave_artifacts(settings, outcome)
    problems = " ".join(outcome.problems)
    message = f"{outcome.summary()}. {problems}".strip()
    if outcome.exit_code == EXIT_OK:
        return Completed(message=message)
    if outcome.exit_code == EXIT_FAILED:
        return Failed(message=f"Nothing is published. {message}")
    name = "QuotaReached" if outcome.exit_code == EXIT_QUOTA else "CompletedWithFailures"
    return Completed(name=name, message=message)


def run_settings() -> Settings:
    """Read the settings, with what a run has of its own where neither environment nor .env say it.

    That is an hour of waiting for another run, and the key from the Secret block `openrouter-api-key`. Raises
    UsageError like `load_settings`.
    """
    settings = load_settings()
    own: dict[str, Any] = {}
    if "lock_timeout_seconds" not in settings.model_fields_set:
        # A run waits for a long backfill, rather than to be missed for a day.
        own["lock_timeout_seconds"] = LOCK_TIMEOUT_SECONDS
    if settings.api_key is None:
        with suppress(ValueError):  # there is no such block
            own["api_key"] = cast("Secret[str]", Secret.load(KEY_BLOCK)).get()
    return load_settings(**own)


def tell_alerts(settings: Settings, alerts: Iterable[Alert]) -> None:
    """Send an event for each alert that was not told yet; what the server did not confirm is told by the next run."""
    untold = watch.untold(settings, alerts)
    if not untold:
        return
    try:
        run_coro_as_sync(_send(untold))
    except Exception as error:  # whatever it is: a finding never stops a job
        log.warning("Alerts could not be told; the next run tells them: %s", error)
        return
    watch.note_told(settings, untold)


async def _send(alerts: Iterable[Alert]) -> None:
    """Send an event for each alert about a resource that is named after its subject; raise unless the server took all.

    An HTTP answer confirms them. Prefect's `emit_event` only queues, and its websocket only tells that they were sent.
    """
    async with get_client() as api:
        related = await related_resources_from_run_context(api)
        events = [
            Event(
                event=f"token-growth.{alert.kind}",
                resource=Resource(
                    {
                        "prefect.resource.id": f"token-growth.{re.sub(r'[^A-Za-z0-9._-]', '-', alert.subject)}",
                        "prefect.resource.name": alert.subject,
                    }
                ),
                related=related,
                payload=alert.payload(),
            )
            for alert in alerts
        ]
        await api.request("POST", "/events", json=[event.model_dump(mode="json") for event in events])


def leave_artifacts(settings: Settings, outcome: Outcome) -> None:
    """Leave a table of what was loaded, and growth, its explanation and the claims as readers see them now."""
    loaded = [
        {
            "source": source.source,
            "status": source.status,
            "requests": source.calls,
            "rows": source.rows,
            "first date": str(source.first_date or "-"),
            "last date": str(source.last_date or "-"),
            "missing days": source.missing_days,
            "message": source.message or "-",
        }
        for source in outcome.sources
    ]
    create_table_artifact(table=loaded, key="token-growth-loaded", description=outcome.summary())
    if outcome.is_anything_published:
        parts = [
            reading.show(settings, dimension, None, 10).render(Format.MARKDOWN)
            for dimension in ("total", "author", "model")
        ]
        create_markdown_artifact("\n\n".join(parts), key="token-growth", description="Growth of token use")
        create_markdown_artifact(
            "\n\n".join(_explained(settings, by) for by in ("organisation", "price", "context")),
            key="token-growth-explained",
            description="Where the growth of the last 7 days came from",
        )
        create_markdown_artifact(
            _trends(settings), key="token-growth-trend", description="How fast tokens double, and unusual days"
        )
        create_markdown_artifact(
            explanation.claims(settings).render(Format.MARKDOWN),
            key="token-growth-claims",
            description="What the data say of each claim about what drives growth",
        )

    if outcome.is_published:
        leave_report(settings)


def leave_report(settings: Settings) -> None:
    """Write the report beside the published file, and leave a link to it, where the extra `report` is installed."""
    if not report.is_installed():
        return
    try:
        written = report.write(settings)
    except Exception as error:  # whatever it is: what was loaded is published, and a picture never fails a run
        log.warning("The report was not written; `tokengrowth report` writes it: %s", error)
        return
    if written.failed:
        log.warning("The report lacks figures that could not be made or drawn: %s.", ", ".join(written.failed))
    create_link_artifact(
        link=settings.report_url or written.path.resolve().as_uri(),
        link_text=str(written.path),
        key="token-growth-report",
        description=written.summary,
    )


def _trends(settings: Settings) -> str:
    try:
        return "\n\n".join(
            trend.trend(settings, dimension, "28d", 10).render(Format.MARKDOWN)
            for dimension in ("total", "organisation")
        )
    except TokenGrowthError as error:  # too few days are loaded yet, or the extra is not installed
        return str(error)


def _explained(settings: Settings, by: str) -> str:
    try:
        return explanation.explain(settings, None, 7, by, 10).render(Format.MARKDOWN)
    except UsageError as error:  # too few days are loaded yet
        return str(error)
