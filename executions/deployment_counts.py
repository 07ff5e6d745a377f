"""How many executions of a deployment are in which state.

Source:
    Obelisk reference, section 9.2 (``GET /v1/deployments``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import BooleanField, Case, Count, Value, When

from engine.log.state import Lifecycle, Status
from executions.models import Execution

COUNTS = (
    "locked",
    "pending",
    "scheduled",
    "blocked",
    "paused",
    "cancelling",
    "finished_ok",
    "finished_error",
    "finished_execution_failure",
)


def count_executions(
    deployment_ids: Iterable[str], now: datetime, *, include_derived: bool
) -> dict[str, dict[str, int]]:
    """Return how many executions are in each state, by deployment; looks at every execution, so it takes its time.

    Args:
        deployment_ids: Which deployments.
        now: The present instant: ``pending`` are those that are due.
        include_derived: Whether to count what workflows submitted, too.
    """
    wanted = list(deployment_ids)
    counts = {deployment_id: dict.fromkeys(COUNTS, 0) for deployment_id in wanted}
    executions = Execution.objects.all() if include_derived else Execution.objects.top_level()
    is_due = Case(When(due_at__lte=now, then=Value(True)), default=Value(False), output_field=BooleanField())  # noqa: FBT003
    grouped = (
        executions.filter(deployment_id__in=wanted)
        .values_list("deployment_id", "status", "lifecycle", "result_kind", is_due)
        .annotate(count=Count("execution_id"))
        .order_by()
    )
    for deployment_id, status, lifecycle, result_kind, due, count in grouped:
        counts[deployment_id][_name(status, lifecycle, result_kind, is_due=due)] += count
    return counts


def _name(status: str, lifecycle: str, result_kind: str | None, *, is_due: bool) -> str:
    match status, lifecycle:
        case Status.FINISHED.value, _:
            return f"finished_{result_kind}" if result_kind in ("ok", "error") else "finished_execution_failure"
        case _, (Lifecycle.PAUSED.value | Lifecycle.CANCELLING.value) as wish:
            return str(wish)
        case Status.LOCKED.value, _:
            return "locked"
        case Status.BLOCKED_BY_JOIN_SET.value, _:
            return "blocked"
        case _:
            return "pending" if is_due else "scheduled"
