"""What people and programs did to executions."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Index, Q

from engine.log.ids import DelayId, delay_position
from executions.instants import InstantField
from executions.row_ids import RowIdField


class OperationRecordQuerySet(models.QuerySet["OperationRecord"]):
    """Questions about operations."""

    def newest_of(self, execution_id: str, *, limit: int) -> list[OperationRecord]:
        """Return the last operations on an execution, oldest first."""
        return list(self.filter(execution_id=execution_id).order_by("-pk")[:limit])[::-1]

    def behind(self, execution_id: str, at: datetime) -> OperationRecord | None:
        """Return the operation that wrote an execution's events of an instant; ``None`` if it was the engine's work."""
        return self.filter(execution_id=execution_id, at=at).order_by("pk").last()

    def submitted_by(self, actor: str) -> models.QuerySet[OperationRecord, str]:
        """Return the ids of the executions that somebody submitted."""
        return self.filter(actor=actor, operation="submit").values_list("execution_id", flat=True)

    def exclusion_of(self, execution_id: str, digest: str) -> OperationRecord | None:
        """Return the operation that kept a component version from running an execution, if somebody wanted that."""
        return self.filter(execution_id=execution_id, operation="exclude", detail=digest).order_by("pk").last()

    def last_pause_of(self, delay_id: str) -> OperationRecord | None:
        """Return the last operation that paused a delay; ``None`` if it was created paused."""
        parent = delay_position(DelayId(delay_id)).parent
        return self.filter(execution_id=parent, operation="pause_delay", detail=delay_id).order_by("pk").last()


class OperationRecord(models.Model):
    """One operation that changed something about an execution, and who asked for it.

    Written in the transaction of the change (`executions.operations.recording`). What was refused, or changed nothing,
    is only in the site's log. No foreign key: the row is only ever inserted, and deleted with the execution.
    """

    id = RowIdField(primary_key=True)
    execution_id = models.TextField()
    """On what; of a delay's operation, whose delay it is."""
    operation = models.TextField()
    """An `executions.operations.recording.Operation`, as text: those of older versions of this program stay."""
    detail = models.TextField(blank=True)
    """What else tells it apart: the delay, the signal, the version, or which execution it started."""
    actor = models.TextField()
    """Who: ``user:NAME``, ``token:PREFIX NAME`` or ``command:NAME``, the name in the operating system."""
    reason = models.TextField(blank=True)
    """Why, in their words."""
    at = InstantField()
    """That of the events that it wrote."""
    batch_id = models.BigIntegerField(null=True, blank=True)
    """The `Batch` that it was one of many of; null if it was done by itself."""

    objects = OperationRecordQuerySet.as_manager()

    class Meta:
        indexes = [
            # An execution's operations in their order, and their deletion with it.
            Index(fields=["execution_id", "id"], name="operation_of_execution"),
            # Lists of what somebody started.
            Index(fields=["actor", "execution_id"], condition=Q(operation="submit"), name="operation_submitted_by"),
            # What was done lately, by whomever.
            Index(fields=["at", "id"], name="operation_at"),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id} {self.operation} by {self.actor}"
