"""A plain answer to "why is it not moving?"."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from components.reports import counted
from engine.deployment.spec import ComponentType, Runner
from engine.errors import DeploymentError
from engine.log.state import Lifecycle, Status
from executions.deployed import deployed_registry
from executions.liveness import alive_executors
from executions.models import Execution

NOBODY_ALIVE = "no executor is alive; start one with `manage.py run_executor`"


def why_not_moving(row: Execution, *, now: datetime | None = None) -> str | None:
    """Return one sentence on what an execution waits for, or ``None`` if it has finished.

    Args:
        row: The execution.
        now: The instant to answer for; the present one by default.
    """
    if row.status == Status.FINISHED.value:
        return None
    if row.lifecycle == Lifecycle.PAUSED.value:
        return "It is paused; unpause it."
    if row.lifecycle == Lifecycle.CANCELLING.value:
        return "It is being cancelled and waits for what it started to end."
    now = now or timezone.now()
    if row.component_type == ComponentType.WEBHOOK_ENDPOINT.value and row.due_at <= now:
        return "The web process that served the request died; the next one, or an executor, ends it shortly."
    match row.status:
        case Status.LOCKED.value:
            if row.due_at <= now:
                then = "; another executor takes over" if alive_executors(now) else f", but {NOBODY_ALIVE}"
                return f"The lock of {row.executor_id} expired{then}."
            return f"It is running on {row.executor_id}, whose lock lasts until {row.due_at:%H:%M:%S} UTC."
        case Status.BLOCKED_BY_JOIN_SET.value:
            return _waiting(row)
        case _:
            pass
    if row.due_at > now:
        retries = f" after {counted(row.temporary_failures, 'failed run')}" if row.temporary_failures else ""
        return f"It is due at {_shown(row.due_at)}{retries}."
    try:
        function = deployed_registry().find(row.ffqn)
    except DeploymentError as error:
        return f"It is due; what is deployed cannot be told here: {error}."
    if function is None:
        return f"It is due, but no deployed component exports {row.ffqn}; deploy one that does."
    if function.component.runner is Runner.NONE:
        return "Nobody here carries it out; it waits for its result to be supplied."
    if row.incompatible_digest == function.component.id.digest:
        return "It is due, but its history cannot be replayed by the deployed component version."
    if not alive_executors(now):
        return f"It is due, but {NOBODY_ALIVE}."
    return "It is due and waits for a free executor slot."


def _waiting(row: Execution) -> str:
    # The whole id down to the join set: another one's children may have an ancestor in one of the same name.
    members = f"{row.execution_id}.{row.join_set_id}_"
    children = row.children.unfinished().filter(execution_id__startswith=members).order_by("created_at", "execution_id")
    delay = row.delays.filter(join_set_id=row.join_set_id).order_by("expires_at").first()
    parts = []
    if (child := children.first()) is not None:
        others = children.count() - 1
        more = f" and {others} more" if others else ""
        parts.append(f"{child.execution_id} ({child.ffqn}, {child.status}){more}")
    if delay is not None:
        parts.append("a delay that is paused" if delay.is_paused else f"a delay until {_shown(delay.expires_at)}")
    verb = "closes" if row.closing else "waits at"
    return f"It {verb} join set {row.join_set_id} for {' or '.join(parts) if parts else 'a response'}."


def _shown(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
