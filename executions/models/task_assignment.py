"""Who is to answer which human task."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import CheckConstraint, Index, Q


class TaskAssignment(models.Model):
    """The person or the group that a human task was given to.

    A task without a row is for the group that its function names, if it does. No foreign key to the execution: the row
    is deleted with it (`executions.journal.deleting`). It stays when the task was answered; who did that is in the
    records of operations.
    """

    execution_id = models.TextField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.CASCADE, related_name="+", db_index=False)

    class Meta:
        constraints = [
            CheckConstraint(
                condition=Q(user__isnull=False, group__isnull=True) | Q(user__isnull=True, group__isnull=False),
                name="task_assigned_to_one",
            )
        ]
        indexes = [
            # Somebody's tasks, a group's tasks, and the deletion of either.
            Index(fields=["user", "execution_id"], name="task_of_user"),
            Index(fields=["group", "execution_id"], name="task_of_group"),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id} for {self.user or self.group}"
