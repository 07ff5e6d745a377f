"""How many executions are in which state now, without looking at more than a few thousand of them."""
# ruff: noqa: S608 - statements are put together from constants and placeholders only

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.db import connection
from django.db.models import QuerySet

from engine.deployment.spec import ComponentType
from engine.log.state import Lifecycle, Status
from executions.instants import to_micros
from executions.journal.dialect import dialect_of
from executions.models import Execution
from executions.operations.outside import known_outside

COUNTED: Final = 10_000
"""Up to where anything is counted."""
_LOOKED_AT: Final = 1000
"""How many of the longest due are looked at for one that an executor could run."""

_EXECUTION: Final = Execution._meta.db_table
#: The newest of those that have not ended, by what tells their states apart. ``execution_unfinished``.
_STANDING: Final = f"""
SELECT ffqn, status, lifecycle, is_due, has_failed, is_stub, COUNT(*) FROM (
    SELECT ffqn, status, lifecycle, due_at <= %s AS is_due, temporary_failures > 0 AS has_failed,
           component_type = '{ComponentType.ACTIVITY_STUB.value}' AS is_stub
    FROM {_EXECUTION}{{hint}} WHERE NOT (status = 'finished') ORDER BY created_at DESC, execution_id DESC LIMIT %s
) AS newest GROUP BY 1, 2, 3, 4, 5, 6
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How many executions of a function are in one state.

    Args:
        ffqn: The function.
        status: What they do.
        lifecycle: What somebody wants them to do.
        is_due: Whether the instant of ``due_at`` has come: of a lock, whether it has expired.
        has_failed: Whether an attempt failed.
        is_task: Whether somebody outside is to answer it.
        count: How many.
    """

    ffqn: str
    status: Status
    lifecycle: Lifecycle
    is_due: bool
    has_failed: bool
    is_task: bool
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """All that have not ended.

    Args:
        rows: By function and state.
        is_capped: Whether there are more than `COUNTED`: then only the newest ones are counted.
    """

    rows: tuple[Standing, ...]
    is_capped: bool


def standings(now: datetime) -> Standings:
    """Return how many unfinished executions there are, by function and state."""
    hint = dialect_of(connection).indexed_by("execution_unfinished")
    outside = known_outside()
    with connection.cursor() as cursor:
        cursor.execute(_STANDING.format(hint=hint), (to_micros(now), COUNTED + 1))
        rows = tuple(
            Standing(
                ffqn=ffqn,
                status=Status(status),
                lifecycle=Lifecycle(lifecycle),
                is_due=bool(is_due),
                has_failed=bool(has_failed),
                is_task=bool(is_stub) or ffqn in outside,
                count=count,
            )
            for ffqn, status, lifecycle, is_due, has_failed, is_stub, count in cursor.fetchall()
        )
    return Standings(rows=rows, is_capped=sum(row.count for row in rows) > COUNTED)


class StuckBy(StrEnum):
    """Why an execution is stuck; see `ExecutionQuerySet.stuck`."""

    OVERDUE = "overdue"
    """It was due, and nobody runs it."""
    LOCK_EXPIRED = "lock_expired"
    """Its lock expired, and nobody took over."""
    DIVERGING = "diverging"
    """The present code does not follow its history."""
    CANCELLING = "cancelling"
    """It is being cancelled, and does not end."""


def count_stuck(since: datetime, *, now: datetime) -> int:
    """Return how many are stuck; beyond `COUNTED` it is told as one more than that. See `stuck_by_cause`."""
    return min(COUNTED + 1, sum(stuck_by_cause(since, now=now).values()))


def stuck_by_cause(since: datetime, *, now: datetime) -> dict[StuckBy, int]:
    """Return how many are stuck for which cause; beyond `COUNTED` it is told as one more than that.

    ``execution_pending``, ``execution_locked`` and ``execution_cancelling``, of which no more than that many entries
    each are looked at.

    Args:
        since: What was due then or earlier is overdue.
        now: The present instant.
    """
    outside = known_outside()
    executions = Execution.objects
    lately_due = executions.pending(now).filter(due_at__gt=since)
    digests = lately_due.values_list("incompatible_digest", flat=True)
    return {
        StuckBy.OVERDUE: _count_runnable(executions.pending(since), outside),
        StuckBy.LOCK_EXPIRED: _count_runnable(executions.expired_locks(since), outside),
        StuckBy.DIVERGING: sum(digest is not None for digest in digests[:COUNTED]),
        StuckBy.CANCELLING: executions.cancelling_since(since).exclude(ffqn__in=outside)[: COUNTED + 1].count(),
    }


def longest_due(now: datetime) -> Execution | None:
    """Return what is due for longest and an executor could run: not a task that waits for somebody outside."""
    outside = known_outside()
    rows = Execution.objects.pending(now)[:_LOOKED_AT]
    return next((row for row in rows if not _is_task(row.component_type, row.ffqn, outside)), None)


def _count_runnable(rows: QuerySet[Execution], outside: frozenset[str]) -> int:
    found = rows.values_list("component_type", "ffqn")[: COUNTED + 1]
    return sum(not _is_task(kind, ffqn, outside) for kind, ffqn in found)


def _is_task(component_type: str, ffqn: str, outside: frozenset[str]) -> bool:
    return component_type == ComponentType.ACTIVITY_STUB.value or ffqn in outside
