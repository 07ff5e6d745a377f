"""For which executions an operation on many is possible as they stand: told of one row, and as a condition on all."""

from __future__ import annotations

from typing import Final, assert_never

from django.db.models import Q

from engine.deployment.spec import ComponentType
from engine.executor.cancellation import is_cancellable_call
from engine.log.state import Lifecycle, Status
from engine.wit.names import CANCELLABLE_SUFFIX
from executions.models import Execution
from executions.operations.bulk import BulkOperation

_FINISHED: Final = Q(status=Status.FINISHED.value)
_CANCELLABLE: Final = Q(
    component_type__in=[ComponentType.ACTIVITY.value, ComponentType.ACTIVITY_STUB.value],
) | Q(component_type=ComponentType.WORKFLOW.value, ffqn__endswith=CANCELLABLE_SUFFIX)
_FENCED: Final = (ComponentType.WORKFLOW.value, ComponentType.CRON.value)
"""What can be paused while it runs."""


def candidates(operation: BulkOperation) -> Q:
    """Return the condition under which nothing is in the way of an operation; `obstacle` in the database's terms."""
    match operation:
        case BulkOperation.CANCEL:
            return ~_FINISHED & ~Q(lifecycle=Lifecycle.CANCELLING.value) & _CANCELLABLE
        case BulkOperation.PAUSE:
            runs_an_activity = Q(status=Status.LOCKED.value) & ~Q(component_type__in=_FENCED)
            return ~_FINISHED & Q(lifecycle=Lifecycle.ACTIVE.value) & ~runs_an_activity
        case BulkOperation.UNPAUSE:
            # What ended is not paused: said for the sake of the index over what has not.
            return ~_FINISHED & Q(lifecycle=Lifecycle.PAUSED.value)
        case BulkOperation.RETRY:
            return _FINISHED & ~Q(result_kind="ok")
        case BulkOperation.FORK:
            return Q(component_type=ComponentType.WORKFLOW.value)
    assert_never(operation)


def obstacle(operation: BulkOperation, row: Execution) -> str | None:
    """Return what is in the way of an operation as an execution stands, in a word or three; ``None`` if nothing is."""
    is_over = row.status == Status.FINISHED.value
    match operation:
        case BulkOperation.CANCEL:
            if is_over:
                return "finished"
            if row.lifecycle == Lifecycle.CANCELLING.value:
                return "being cancelled already"
            return None if is_cancellable_call(ComponentType(row.component_type), row.ffqn) else "not cancellable"
        case BulkOperation.PAUSE:
            if is_over:
                return "finished"
            if row.lifecycle != Lifecycle.ACTIVE.value:
                return "paused already" if row.lifecycle == Lifecycle.PAUSED.value else "being cancelled"
            runs = row.status == Status.LOCKED.value
            return "running activities" if runs and row.component_type not in _FENCED else None
        case BulkOperation.UNPAUSE:
            return None if row.lifecycle == Lifecycle.PAUSED.value else "not paused"
        case BulkOperation.RETRY:
            if not is_over:
                return "not finished"
            return "ended well" if row.result_kind == "ok" else None
        case BulkOperation.FORK:
            return None if row.component_type == ComponentType.WORKFLOW.value else "no workflows"
    assert_never(operation)
