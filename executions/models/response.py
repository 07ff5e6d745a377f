"""What came back to the join sets of executions."""
# ruff: noqa: DJ001 - null means "there is none"; an empty string would be an id like any other

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from executions.instants import InstantField
from executions.models.conditions import all_or_none
from executions.models.execution import Execution
from executions.row_ids import RowIdField


class JoinSetResponse(models.Model):
    """A child's end, or a delay's, as it reached the execution that waits for it. Only ever inserted.

    A child's return value is left out on purpose: it is the event of the child's log at ``finished_version``.
    """

    id = RowIdField(primary_key=True)
    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, db_index=False, related_name="responses")
    """The execution that receives it."""
    cursor = models.PositiveIntegerField()
    """Its place in the order of arrival, from 1 without gaps: what replay follows."""
    join_set_id = models.TextField()
    created_at = InstantField()
    at_version = models.PositiveIntegerField()
    """How many events the receiving log held when it arrived."""
    child_execution_id = models.TextField(null=True, blank=True)
    finished_version = models.PositiveIntegerField(null=True, blank=True)
    delay_id = models.TextField(null=True, blank=True)
    delay_cancelled = models.BooleanField(null=True, blank=True)

    class Meta:
        constraints = [
            # sql.RESPONSES, sql.IS_ANSWERED; and nobody sees N + 1 before N.
            UniqueConstraint(fields=["execution", "cursor"], name="response_cursor_unique"),
            UniqueConstraint(
                fields=["child_execution_id"],
                condition=Q(child_execution_id__isnull=False),
                name="response_child_unique",
            ),
            UniqueConstraint(fields=["delay_id"], condition=Q(delay_id__isnull=False), name="response_delay_unique"),
            CheckConstraint(condition=Q(cursor__gte=1), name="response_cursor_from_one"),
            CheckConstraint(
                condition=all_or_none("child_execution_id", "finished_version")
                & all_or_none("delay_id", "delay_cancelled")
                & Q(
                    Q(child_execution_id__isnull=False, delay_id__isnull=True)
                    | Q(child_execution_id__isnull=True, delay_id__isnull=False)
                ),
                name="response_child_or_delay",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id} <- {self.child_execution_id or self.delay_id}"
