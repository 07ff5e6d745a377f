"""What executors do at every tick, and nobody did: ending locks that expired, firing delays that are due."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Final

from django.utils import timezone

from components.reports import counted
from engine.executor.timers import after_expiry
from engine.journal.records import Append, FinishDelay, Write
from engine.log.ids import DelayId, ExecutionId
from engine.log.state import Lifecycle, Status
from executions.doctor.findings import MOST_EXAMPLES, Examination, Finding, Repair, Severity
from executions.doctor.repairs import repair_by_writes
from executions.journal.journal import SqlJournal
from executions.liveness import alive_executors
from executions.models import Delay, Execution
from executions.operations.listing import STUCK_AFTER

_MOST: Final = 10_000


def look_for_expired_locks(examination: Examination) -> Iterator[Finding]:
    """Find locks that expired a minute ago and longer."""
    expired = Execution.objects.expired_locks(examination.now - STUCK_AFTER)[: examination.most(_MOST)]
    found = {each: each for each in expired.values_list("execution_id", flat=True)}
    if found:
        yield _neglect(
            examination,
            found,
            what=f"{counted(len(found), 'execution')} whose lock expired more than a minute ago, and nobody took over.",
            why="Their runs are gone; an executor ends such locks within a tick, and then they are run again.",
            repair="end the locks, as an executor would",
            detail="expired lock",
            write_for=_end_of_lock,
        )


def look_for_overdue_delays(examination: Examination) -> Iterator[Finding]:
    """Find delays that were due a minute ago and longer."""
    overdue = Delay.objects.due(examination.now - STUCK_AFTER)[: examination.most(_MOST)]
    found = dict(overdue.values_list("delay_id", "execution_id"))
    if found:
        yield _neglect(
            examination,
            found,
            what=f"{counted(len(found), 'delay')} that should have fired more than a minute ago.",
            why="Executors fire delays at every tick; the workflows that wait for these stand still.",
            repair="fire them, as an executor would",
            detail="overdue delay",
            write_for=_firing,
        )


def _neglect(
    examination: Examination,
    found: Mapping[str, str],
    *,
    what: str,
    why: str,
    repair: str,
    detail: str,
    write_for: Callable[[ExecutionId], Iterable[Write]],
) -> Finding:
    """Return the finding; what was found is told by its id, with the execution whose it is."""
    nobody = not alive_executors(examination.now)
    return Finding(
        severity=Severity.PROBLEM,
        what=what,
        why=why,
        remedy="Start an executor: `manage.py run_executor`." if nobody else "Look into the executors' logs for why.",
        examples=tuple(found)[:MOST_EXAMPLES],
        repair=Repair(
            what=repair,
            run=partial(repair_by_writes, sorted(set(found.values())), detail=detail, write_for=write_for),
        ),
    )


def _end_of_lock(execution_id: ExecutionId) -> Iterator[Append]:
    journal, now = SqlJournal.for_current_connection(), timezone.now()
    state = journal.state_of(execution_id)
    is_locked = state.status is Status.LOCKED and state.lifecycle is Lifecycle.ACTIVE
    if is_locked and state.due_at + timedelta(seconds=1) < now:
        yield after_expiry(journal, state, now)


def _firing(execution_id: ExecutionId) -> Iterator[FinishDelay]:
    now = timezone.now()
    due = Delay.objects.due(now).filter(execution_id=execution_id)
    for delay in list(due.values_list("delay_id", flat=True)):
        yield FinishDelay(delay_id=DelayId(delay), at=now)
