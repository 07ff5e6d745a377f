"""Operations that people asked for on many executions at once, and what became of each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from executions.instants import InstantField, is_lately, lately

LOST_AFTER: Final = timedelta(seconds=30)
"""A batch that gave no sign of life for so long went down with its process, and another one may take it up."""


class BatchStatus(models.TextChoices):
    """How a batch stands."""

    RUNNING = "running"
    """Some process is at it, or will take it up."""
    DONE = "done"
    STOPPED = "stopped"
    """By somebody, before its end."""
    FAILED = "failed"


class BatchQuerySet(models.QuerySet["Batch"]):
    """Questions about batches."""

    def running(self) -> BatchQuerySet:
        """Those that are not at their end."""
        return self.filter(status=BatchStatus.RUNNING)

    def unattended(self, now: datetime) -> BatchQuerySet:
        """Those that nobody is at, though they are to go on."""
        return self.running().filter(Q(runner="") | ~lately("seen_at", now, LOST_AFTER))


class Batch(models.Model):
    """One operation on all executions that a filter let through when somebody confirmed it.

    The cursor moves on in the transaction of each single operation, and only for the process that holds the batch
    (``runner``): whatever dies, none is operated on twice, and the next process goes on behind the last one.
    """

    id = models.BigAutoField(primary_key=True)
    key = models.TextField(unique=True)
    """Made with the page on which it was confirmed, so that a second click starts nothing."""
    operation = models.TextField()
    """An `executions.operations.bulk.BulkOperation`."""
    wanted = models.JSONField()
    """The filter: see `executions.batches.filters`."""
    actor = models.TextField()
    """Who asked for it: as `OperationRecord.actor`."""
    reason = models.TextField()
    started_at = InstantField()
    """Also the instant that states such as "due" are told for."""
    total = models.PositiveIntegerField()
    """For how many it was possible when it was confirmed; one more than `executions.operations.bulk.COUNTED` stands
    for more."""
    status = models.TextField(choices=BatchStatus, default=BatchStatus.RUNNING)
    runner = models.TextField(blank=True)
    """Who is at it: differs each time that it is taken up."""
    seen_at = InstantField()
    """The last sign of life."""
    attempts = models.PositiveIntegerField(default=0)
    """How often it was taken up since it last moved on."""
    stop_wanted = models.BooleanField(default=False)
    stopped_by = models.TextField(blank=True)
    """Who wanted it to stop."""
    cursor_id = models.TextField(blank=True)
    """The last execution that was looked at; empty before the first."""
    cursor_at = InstantField()
    """When that was created."""
    done = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)

    objects = BatchQuerySet.as_manager()

    class Meta:
        constraints = [CheckConstraint(condition=Q(status__in=BatchStatus.values), name="batch_status_is_known")]
        indexes = [
            # What is to be taken up: asked now and then by every web process, and nearly always empty.
            Index(fields=["seen_at"], condition=Q(status=BatchStatus.RUNNING), name="batch_running"),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.pk} {self.status}"

    @property
    def looked_at(self) -> int:
        """How many executions it has come past."""
        return self.done + self.refused

    def is_unattended(self, now: datetime) -> bool:
        """Tell whether nobody is at it, though it is to go on."""
        return self.status == BatchStatus.RUNNING and (not self.runner or not is_lately(self.seen_at, now, LOST_AFTER))


class BatchEntry(models.Model):
    """What became of one execution of a batch; kept when the execution is deleted."""

    id = models.BigAutoField(primary_key=True)
    # Its first index begins with the batch.
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="entries", db_index=False)
    execution_id = models.TextField()
    is_done = models.BooleanField()
    detail = models.TextField(blank=True)
    """Which execution was started, or why nothing was done."""

    class Meta:
        constraints = [
            # None is operated on twice. Also the order of the report.
            UniqueConstraint(fields=["batch", "execution_id"], name="batch_entry_once"),
        ]
        indexes = [
            # The report of what was left as it was.
            Index(fields=["batch", "execution_id"], condition=Q(is_done=False), name="batch_entry_refused"),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.execution_id}"
