"""What retention did lately."""

from __future__ import annotations

from django.db import models

from executions.instants import InstantField


class RetentionRun(models.Model):
    """One look for what is kept no longer. Only the last ones are kept themselves."""

    id = models.BigAutoField(primary_key=True)
    started_at = InstantField()
    took_ms = models.PositiveIntegerField()
    deleted = models.PositiveIntegerField()
    """How many executions."""
    is_complete = models.BooleanField()
    """False if the time was over before all was looked at; the next one goes on."""

    def __str__(self) -> str:
        return f"{self.started_at}: {self.deleted} deleted"
