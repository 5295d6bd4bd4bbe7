"""What the Prefect server does by itself: it ends runs whose process is gone, and tells a webhook what went wrong.

`python -m flows.automations` brings the server to this, as often as it is called.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import timedelta
from typing import cast
from uuid import UUID

from prefect.automations import Automation, EventTrigger, Posture
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import CallWebhook, ChangeFlowRunState
from prefect.events.schemas.events import ResourceSpecification

from pipeline.doctor import ALERTS, SILENCE, TAG, ZOMBIES
from pipeline.errors import UsageError
from pipeline.settings import load_settings

ALERTS_BLOCK = "token-growth-alerts"
WEBHOOK = "TOKENGROWTH_ALERT_WEBHOOK_URL"
# Every run of the deployments, and every event from within one, is related to their tag.
OURS = ResourceSpecification({"prefect.resource.id": f"prefect.tag.{TAG}"})
NOT_COMPARED = {"id", "enabled"}
# A name that a stranger chose, such as a model's, may hold quotes: `tojson` keeps the payload what it is.
# Whose run failed is the deployment's name: that of the run is drawn at random.
PAYLOAD = """{
  {%- set names = event.related | selectattr("role", "equalto", "deployment") | map(attribute="name") | list %}
  {%- set deployment = names if event.event.startswith("prefect.") else [] %}
  "event": {{ event.event | tojson }},
  "subject": {{ (deployment + [event.resource.name or event.resource.id]) | join("/") | tojson }},
  "message": {{ (event.payload.message or event.payload.validated_state.message or "") | string | tojson }},
  "occurred": {{ event.occurred.isoformat() | tojson }}
}"""


def zombies() -> Automation:
    """Return the automation that ends a run as Crashed where neither a heartbeat nor an end is heard for 90 s.

    Its process was killed together with the worker, or the machine went down, perhaps before the first heartbeat. Until
    then it holds the work pool.
    """
    return Automation(
        name=ZOMBIES,
        description="Ends a run whose process is gone as Crashed, so that the next one can start.",
        trigger=EventTrigger(
            posture=Posture.Proactive,
            after={"prefect.flow-run.Pending", "prefect.flow-run.heartbeat"},
            expect={
                "prefect.flow-run.heartbeat",
                *(f"prefect.flow-run.{end}" for end in ("Completed", "Failed", "Crashed", "Cancelled")),
            },
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=OURS,
            for_each={"prefect.resource.id"},
            threshold=1,
            within=SILENCE,
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message=f"No heartbeat for {SILENCE.seconds} s: the process of this run is gone.",
            )
        ],
    )


def alerts(webhook_id: UUID) -> Automation:
    """Return the automation that calls the webhook on every event of this program, and on every run that fails."""
    return Automation(
        name=ALERTS,
        description="Tells the webhook what a run found, and that one failed.",
        trigger=EventTrigger(
            posture=Posture.Reactive,
            expect={"token-growth.*", "prefect.flow-run.Failed", "prefect.flow-run.Crashed"},
            match_related=OURS,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[CallWebhook(block_document_id=webhook_id, payload=PAYLOAD)],
    )


def put(automation: Automation) -> None:
    """Make an automation, or bring the one of its name to this.

    One that is as it should be is left alone, because an update forgets which runs it was waiting for. One that someone
    paused stays paused.
    """
    old = _named(automation.name)
    if not old:
        automation.create()
    elif old[0].model_dump(exclude=NOT_COMPARED) != automation.model_dump(exclude=NOT_COMPARED):
        automation.id, automation.enabled = old[0].id, old[0].enabled
        automation.update()


def _named(name: str) -> list[Automation]:
    with get_client(sync_client=True) as client:
        return [Automation(**one.model_dump()) for one in client.read_automations_by_name(name=name)]


def main() -> None:
    """Make or renew the automations; alerts and their webhook go only where the variable is set, and empty.

    Where it is not set at all, who runs this may just not have it.
    """
    try:
        url = load_settings().alert_webhook_url
    except UsageError as error:
        raise SystemExit(f"error: {error}") from None
    put(zombies())
    if url is not None:
        webhook = Webhook(method="POST", url=url, headers={"Content-Type": "application/json"})
        put(alerts(cast("UUID", webhook.save(ALERTS_BLOCK, overwrite=True))))
        done = "the webhook is told"
    elif WEBHOOK in os.environ:
        for old in _named(ALERTS):
            old.delete()
        with suppress(ValueError):  # there is none
            Webhook.delete(ALERTS_BLOCK)
        done = f"no webhook is told, as {WEBHOOK} is empty"
    else:
        done = f"the webhook stays {'what it was' if _named(ALERTS) else 'unset'}, as {WEBHOOK} is not set"
    sys.stdout.write(f"Automations are as declared; {done}.\n")


if __name__ == "__main__":
    main()
