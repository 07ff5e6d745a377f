"""Locks that expired and that nobody ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Final

from django.utils import timezone

from components.reports import counted
from engine.executor.timers import after_expiry
from engine.journal.records import Append
from engine.log.ids import ExecutionId
from engine.log.state import Lifecycle, Status
from executions.doctor.findings import MOST_EXAMPLES, Examination, Finding, Repair, Severity
from executions.doctor.repairs import repair_by_writes
from executions.journal.journal import SqlJournal
from executions.liveness import alive_executors
from executions.models import Execution
from executions.operations.listing import STUCK_AFTER

_MOST: Final = 10_000


def look_for_expired_locks(examination: Examination) -> Iterator[Finding]:
    """Find locks that expired a minute ago and longer."""
    expired = Execution.objects.expired_locks(examination.now - STUCK_AFTER)
    found = list(expired.values_list("execution_id", flat=True)[: examination.most(_MOST)])
    if not found:
        return
    nobody = not alive_executors(examination.now)
    yield Finding(
        severity=Severity.PROBLEM,
        what=f"{counted(len(found), 'execution')} whose lock expired more than a minute ago, and nobody took over.",
        why="Their runs are gone; an executor ends such locks within a tick, and then they are run again.",
        remedy="Start an executor: `manage.py run_executor`." if nobody else "Look into the executors' logs for why.",
        examples=tuple(found[:MOST_EXAMPLES]),
        repair=Repair(
            what="end the locks, as an executor would",
            run=partial(repair_by_writes, found, detail="expired lock", write_for=_end_of_lock),
        ),
    )


def _end_of_lock(execution_id: ExecutionId) -> Iterator[Append]:
    journal, now = SqlJournal.for_current_connection(), timezone.now()
    state = journal.state_of(execution_id)
    is_locked = state.status is Status.LOCKED and state.lifecycle is Lifecycle.ACTIVE
    if is_locked and state.due_at + timedelta(seconds=1) < now:
        yield after_expiry(journal, state, now)
