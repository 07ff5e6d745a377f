"""Durable timers that have not fired."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Index, Q

from executions.instants import InstantField
from executions.models.execution import Execution


class DelayQuerySet(models.QuerySet["Delay"]):
    """Questions about delays."""

    def due(self, now: datetime) -> DelayQuerySet:
        """Those that fire at or before ``now``, oldest first."""
        return self.filter(is_paused=False, expires_at__lte=now).order_by("expires_at", "delay_id")


class Delay(models.Model):
    """A durable timer that has neither fired nor been cancelled; the row is deleted when it does."""

    delay_id = models.TextField(primary_key=True)
    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, db_index=False, related_name="delays")
    join_set_id = models.TextField()
    expires_at = InstantField()
    is_paused = models.BooleanField()

    objects = DelayQuerySet.as_manager()

    class Meta:
        indexes = [
            # sql.DUE_DELAYS, sql.OUTLOOK.
            Index(fields=["expires_at", "delay_id"], condition=Q(is_paused=False), name="delay_due"),
        ]

    def __str__(self) -> str:
        return self.delay_id
