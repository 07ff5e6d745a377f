"""How many executions of a deployment are in which state.

Source:
    Obelisk reference, section 9.2 (``GET /v1/deployments``).
"""
# ruff: noqa: S608 - statements are put together from constants and placeholders only

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from engine.log.state import Lifecycle, Status
from executions.instants import to_micros
from executions.journal.dialect import dialect_of
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

_EXECUTION = Execution._meta.db_table
_OF = "deployment_id IN ({places})"
# Conditions of partial indexes stand in the text, so that a planner can see that they apply.
#: Those that ended. ``execution_ended`` or ``execution_ended_below``, whose entries are all that is read.
_FINISHED = (
    f"SELECT deployment_id, result_kind, COUNT(*) FROM {_EXECUTION} WHERE {_OF} AND status = 'finished' "
    "AND parent_id IS {parent} GROUP BY deployment_id, result_kind"
)
#: Those that have not, few beside the others. ``execution_unfinished``: an index by what changes with every step would
#: cost each step more than this.
_UNFINISHED = (
    f"SELECT deployment_id, status, lifecycle, due_at <= %s, COUNT(*) FROM {_EXECUTION}{{hint}} "
    f"WHERE NOT (status = 'finished') AND {_OF}{{scope}} GROUP BY 1, 2, 3, 4"
)


def count_executions(
    deployment_ids: Iterable[str], now: datetime, *, include_derived: bool
) -> dict[str, dict[str, int]]:
    """Return how many executions are in each state, by deployment.

    Takes as long as it takes to look at each unfinished execution, and at an index entry of each finished one.

    Args:
        deployment_ids: Which deployments.
        now: The present instant: ``pending`` are those that are due.
        include_derived: Whether to count what workflows submitted, too.
    """
    wanted = list(deployment_ids)
    counts = {deployment_id: dict.fromkeys(COUNTS, 0) for deployment_id in wanted}
    if not wanted:
        return counts
    places = ", ".join(["%s"] * len(wanted))
    hint = dialect_of(connection).indexed_by("execution_unfinished")
    scope = "" if include_derived else " AND parent_id IS NULL"
    with connection.cursor() as cursor:
        for parent in ("NULL", "NOT NULL") if include_derived else ("NULL",):
            cursor.execute(_FINISHED.format(places=places, parent=parent), wanted)
            for deployment_id, result_kind, count in cursor.fetchall():
                counts[deployment_id][_finished(result_kind)] += count
        cursor.execute(_UNFINISHED.format(places=places, hint=hint, scope=scope), [to_micros(now), *wanted])
        for deployment_id, status, lifecycle, is_due, count in cursor.fetchall():
            counts[deployment_id][_unfinished(status, lifecycle, is_due=bool(is_due))] += count
    return counts


def _finished(result_kind: str) -> str:
    return f"finished_{result_kind}" if result_kind in ("ok", "error") else "finished_execution_failure"


def _unfinished(status: str, lifecycle: str, *, is_due: bool) -> str:
    match status, lifecycle:
        case _, (Lifecycle.PAUSED.value | Lifecycle.CANCELLING.value) as wish:
            return str(wish)
        case Status.LOCKED.value, _:
            return "locked"
        case Status.BLOCKED_BY_JOIN_SET.value, _:
            return "blocked"
        case _:
            return "pending" if is_due else "scheduled"
