"""Timers that should have fired."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from django.utils import timezone

from components.reports import counted
from engine.journal.records import FinishDelay
from engine.log.ids import DelayId, ExecutionId
from executions.doctor.findings import MOST_EXAMPLES, Examination, Finding, Repair, Severity
from executions.doctor.repairs import repair_by_writes
from executions.liveness import alive_executors
from executions.models import Delay
from executions.operations.listing import STUCK_AFTER

_MOST: Final = 10_000


def look_for_overdue_delays(examination: Examination) -> Iterator[Finding]:
    """Find delays that were due a minute ago and longer."""
    overdue = Delay.objects.due(examination.now - STUCK_AFTER)[: examination.most(_MOST)]
    found = list(overdue.values_list("delay_id", "execution_id"))
    if not found:
        return
    nobody = not alive_executors(examination.now)
    yield Finding(
        severity=Severity.PROBLEM,
        what=f"{counted(len(found), 'delay')} that should have fired more than a minute ago.",
        why="Executors fire delays at every tick; the workflows that wait for these stand still.",
        remedy="Start an executor: `manage.py run_executor`." if nobody else "Look into the executors' logs for why.",
        examples=tuple(delay for delay, _ in found[:MOST_EXAMPLES]),
        repair=Repair(
            what="fire them, as an executor would",
            run=partial(
                repair_by_writes,
                sorted({execution_id for _, execution_id in found}),
                detail="overdue delay",
                write_for=_firing,
            ),
        ),
    )


def _firing(execution_id: ExecutionId) -> Iterator[FinishDelay]:
    now = timezone.now()
    due = Delay.objects.due(now).filter(execution_id=execution_id)
    for delay in list(due.values_list("delay_id", flat=True)):
        yield FinishDelay(delay_id=DelayId(delay), at=now)
