"""Signals that were sent to executions."""
# ruff: noqa: DJ001 - null means "there is none"; an empty string would be an id like any other

from __future__ import annotations

from django.db import models
from django.db.models import Index, Q, UniqueConstraint

from executions.instants import InstantField
from executions.models.execution import Execution
from executions.row_ids import RowIdField


class Mail(models.Model):
    """A signal that waits for the execution to call its function, or one whose ``signal_id`` must be known again."""

    id = RowIdField(primary_key=True)
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, db_index=False, related_name="mail")
    ffqn = models.TextField()
    """The function whose call it is the result of."""
    signal_id = models.TextField(null=True, blank=True)
    created_at = InstantField()
    retval = models.TextField()
    """`engine.log.retval_json`."""
    is_delivered = models.BooleanField()

    class Meta:
        verbose_name_plural = "mail"
        constraints = [
            # mailbox._KNOWN; a signal counts once, whoever else sends it at the same moment.
            UniqueConstraint(
                fields=["execution", "signal_id"], condition=Q(signal_id__isnull=False), name="mail_signal_unique"
            ),
        ]
        indexes = [
            # mailbox._WAITING.
            Index(fields=["execution", "ffqn", "id"], condition=Q(is_delivered=False), name="mail_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id} <- {self.ffqn}"
