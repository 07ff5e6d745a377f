"""Labels of executions, for finding them."""

from __future__ import annotations

from django.db import models
from django.db.models import Index

from executions.row_ids import RowIdField


class Label(models.Model):
    """One label that an execution was started with; a copy of what its creation says.

    Written by the journal together with the execution. No foreign key: it would want an index of its own, and the row
    is only ever inserted.
    """

    id = RowIdField(primary_key=True)
    execution_id = models.TextField()
    name = models.TextField()
    value = models.TextField()

    class Meta:
        indexes = [
            # Lists of what carries a label.
            Index(fields=["name", "value", "execution_id"], name="label_value"),
            # An execution's labels, and their deletion with it.
            Index(fields=["execution_id"], name="label_of_execution"),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id} {self.name}={self.value}"
