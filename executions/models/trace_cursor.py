"""Up to where spans were sent."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Q

from executions.instants import InstantField


class TraceCursor(models.Model):
    """Up to which row of the event log spans were sent to a collector: one row, from the first time that one is named.

    Whoever sends claims it for a while, so that others leave it alone; one that dies meanwhile is followed by another,
    which sends the same again.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    event_id = models.BigIntegerField()
    claimed_until = InstantField()

    class Meta:
        constraints = [CheckConstraint(condition=Q(id=1), name="trace_cursor_is_one")]

    def __str__(self) -> str:
        return f"sent up to event {self.event_id}"
