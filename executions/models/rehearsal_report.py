"""Rehearsals that people asked for, and what they came to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import models
from django.db.models import CheckConstraint, Index, Q

from executions.instants import InstantField, is_lately, lately

LOST_AFTER: Final = timedelta(minutes=1)
"""A rehearsal that gave no sign of life for so long went down with its process."""


class RehearsalStatus(models.TextChoices):
    """How a rehearsal stands."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """By somebody, before its end."""
    FAILED = "failed"


class RehearsalReportQuerySet(models.QuerySet["RehearsalReport"]):
    """Questions about rehearsals."""

    def newest_of(self, deployment_id: str) -> RehearsalReport | None:
        """Return the last rehearsal of a deployment."""
        return self.filter(deployment_id=deployment_id).order_by("-pk").first()

    def under_way(self, now: datetime) -> RehearsalReportQuerySet:
        """Those that some process is at."""
        return self.filter(lately("seen_at", now, LOST_AFTER), status=RehearsalStatus.RUNNING)


class RehearsalReport(models.Model):
    """One rehearsal of a deployment, while it goes on and afterwards.

    Written by the process that carries it out, a few times a second; what diverges is kept by its cause, so that a row
    stays small however many executions there are.
    """

    id = models.BigAutoField(primary_key=True)
    deployment_id = models.TextField()
    actor = models.TextField()
    """Who asked for it: as `OperationRecord.actor`."""
    status = models.TextField(choices=RehearsalStatus, default=RehearsalStatus.RUNNING)
    started_at = InstantField()
    seen_at = InstantField()
    """When it was last written."""
    stop_wanted = models.BooleanField(default=False)
    total = models.PositiveIntegerField(default=0)
    """How many workflows had not finished when it began."""
    compatible = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField(db_default=0, default=0)
    """How many people had left on the code that they have."""
    diverging = models.PositiveIntegerField(default=0)
    causes = models.JSONField(default=list)
    """See `executions.rehearsal.causes`."""
    functions_gone = models.JSONField(default=dict)
    """How many executions wait for a function that nobody exports any more, by function."""
    is_complete = models.BooleanField(default=True)
    """False if some workflows were left out."""
    problem = models.TextField(blank=True)
    """Why it failed."""

    objects = RehearsalReportQuerySet.as_manager()

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(status__in=RehearsalStatus.values), name="rehearsal_status_is_known"),
        ]
        indexes = [
            # The last rehearsal of a deployment.
            Index(fields=["deployment_id", "id"], name="rehearsal_of_deployment"),
        ]

    def __str__(self) -> str:
        return f"{self.deployment_id} {self.status}"

    @property
    def looked_at(self) -> int:
        """How many workflows were looked at."""
        return self.compatible + self.unchanged + self.left + self.diverging

    def is_lost(self, now: datetime) -> bool:
        """Tell whether it ended without a word."""
        return self.status == RehearsalStatus.RUNNING and not is_lately(self.seen_at, now, LOST_AFTER)
