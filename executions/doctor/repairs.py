"""How repairs are written: through the journal, with a record of who asked for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from django.db import transaction
from django.utils import timezone

from engine.errors import JournalError, LogError
from engine.journal.records import Committed, Write
from engine.log.ids import ExecutionId
from executions.journal.repairing import rewrite_state
from executions.models import OperationRecord
from executions.operations.recording import Operation, RecordingJournal

REASON: Final = "found by manage.py doctor"


def repair_by_writes(
    execution_ids: Iterable[str], actor: str, detail: str, write_for: Callable[[ExecutionId], Iterable[Write]]
) -> int:
    """Write what each execution lacks; return how many writes were taken, for some may have moved on.

    Args:
        execution_ids: Which executions.
        actor: In whose name.
        detail: What is repaired.
        write_for: Looks at one again, and returns what it lacks.
    """
    repaired = 0
    for execution_id in map(ExecutionId, execution_ids):
        journal = RecordingJournal(execution_id, Operation.REPAIR, actor=actor, reason=REASON, detail=detail)
        for write in write_for(execution_id):
            (outcome,) = journal.commit([write], now=timezone.now()).outcomes
            repaired += isinstance(outcome, Committed)
    return repaired


def repair_states(execution_ids: Iterable[str], actor: str) -> int:
    """Make rows what their logs say; return how many were not."""
    repaired = 0
    for execution_id in execution_ids:
        try:
            with transaction.atomic():
                if not rewrite_state(ExecutionId(execution_id)):
                    continue
                OperationRecord.objects.create(
                    execution_id=execution_id,
                    operation=Operation.REPAIR.value,
                    detail="state",
                    actor=actor,
                    reason=REASON,
                    at=timezone.now(),
                )
        except (JournalError, LogError):
            # It is told again by the next look.
            continue
        repaired += 1
    return repaired
