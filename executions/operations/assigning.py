"""Giving human tasks to people and groups."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, Group
from django.db import transaction
from django.utils import timezone

from engine.errors import ExecutionNotFound
from engine.log.ids import ExecutionId
from engine.log.state import Status
from executions.models import Execution, OperationRecord, TaskAssignment
from executions.operations.inbox import Assignee, assignees_of
from executions.operations.recording import Operation
from executions.operations.refusals import OperationRefused


class AssignmentMoved(OperationRefused):
    """Somebody else has given, taken or answered the task meanwhile."""


def assign(
    execution_id: ExecutionId,
    to: AbstractBaseUser | Group | None,
    *,
    seen: Assignee,
    actor: str,
    reason: str = "",
) -> Assignee:
    """Give a task to a person or a group, and record who did so.

    Args:
        execution_id: Which task.
        to: Who is to answer it; ``None`` gives it back to the group that its function names.
        seen: Who was to answer it when that was decided.
        actor: Who decided it (`OperationRecord.actor`).
        reason: Why, in their words.

    Returns:
        Who is to answer it now.

    Raises:
        AssignmentMoved: If it was given to somebody else meanwhile, or has ended.
        ExecutionNotFound: If there is no such execution.
    """
    with transaction.atomic():
        return _assign(execution_id, to, seen, actor, reason)


def _assign(
    execution_id: ExecutionId, to: AbstractBaseUser | Group | None, seen: Assignee, actor: str, reason: str
) -> Assignee:
    # Of two at the same moment, the second waits here, and sees what the first did.
    row = Execution.objects.filter(pk=execution_id).select_for_update().first()
    if row is None:
        raise ExecutionNotFound(execution_id)
    if row.status == Status.FINISHED.value:
        raise AssignmentMoved(f"{execution_id} has ended already; nobody has to answer it any more")
    before = assignees_of([row])[execution_id]
    if before != seen:
        raise AssignmentMoved(f"{execution_id} was given to {before.text} meanwhile")
    TaskAssignment.objects.filter(pk=execution_id).delete()
    if isinstance(to, Group):
        TaskAssignment.objects.create(pk=execution_id, group=to)
    elif to is not None:
        TaskAssignment.objects.create(pk=execution_id, user_id=to.pk)
    after = assignees_of([row])[execution_id]
    OperationRecord.objects.create(
        execution_id=execution_id,
        operation=(Operation.RELEASE if to is None else Operation.ASSIGN).value,
        detail=str(after),
        actor=actor,
        reason=reason,
        at=timezone.now(),
    )
    return after
