"""A plain answer to "why is it not moving?"."""

from __future__ import annotations

from django.utils import timezone

from engine.log.state import Lifecycle, Status
from executions.deployed import deployed_registry
from executions.liveness import alive_executors
from executions.models import Execution


def why_not_moving(row: Execution) -> str | None:
    """Return one sentence on what an execution waits for, or ``None`` if it has finished."""
    if row.status == Status.FINISHED.value:
        return None
    if row.lifecycle == Lifecycle.PAUSED.value:
        return "It is paused; unpause it."
    if row.lifecycle == Lifecycle.CANCELLING.value:
        return "It is being cancelled and waits for what it started to end."
    now = timezone.now()
    match row.status:
        case Status.LOCKED.value:
            if row.due_at <= now:
                return f"The lock of {row.executor_id} expired; another executor takes over at its next look."
            return f"It is running on {row.executor_id}, whose lock lasts until {row.due_at:%H:%M:%S} UTC."
        case Status.BLOCKED_BY_JOIN_SET.value:
            return _waiting(row)
        case _:
            pass
    if row.due_at > now:
        retries = f" after {row.temporary_failures} failed runs" if row.temporary_failures else ""
        return f"It is due at {row.due_at:%Y-%m-%d %H:%M:%S} UTC{retries}."
    if not alive_executors(now):
        return "It is due, but no executor is alive; start one with `manage.py run_executor`."
    function = deployed_registry().find(row.ffqn)
    if function is None:
        return f"It is due, but no deployed component exports {row.ffqn}; deploy one that does."
    if row.incompatible_digest == function.component.id.digest:
        return "It is due, but its history cannot be replayed by the deployed component version."
    if not function.is_submittable:
        return "It is a stub and waits for its result to be supplied."
    return "It is due and waits for a free executor slot."


def _waiting(row: Execution) -> str:
    waiting_for = row.children.exclude(status=Status.FINISHED.value)
    open_children = [child for child in waiting_for[:100] if f".{row.join_set_id}_" in child.execution_id]
    delays = list(row.delays.filter(join_set_id=row.join_set_id).order_by("expires_at")[:1])
    parts = []
    if open_children:
        more = f" and {len(open_children) - 1} more" if len(open_children) > 1 else ""
        parts.append(f"{open_children[0].execution_id} ({open_children[0].ffqn}, {open_children[0].status}){more}")
    if delays:
        parts.append(f"a delay until {delays[0].expires_at:%Y-%m-%d %H:%M:%S} UTC")
    verb = "closes" if row.closing else "waits at"
    return f"It {verb} join set {row.join_set_id} for {' or '.join(parts) if parts else 'a response'}."
