"""Who executes."""
# ruff: noqa: DJ001 - null means "there is none"; an empty string would be an id like any other

from __future__ import annotations

from datetime import datetime

from django.db import models

from executions.instants import InstantField


class ExecutorHeartbeatQuerySet(models.QuerySet["ExecutorHeartbeat"]):
    """Questions about executors."""

    def seen_since(self, instant: datetime) -> ExecutorHeartbeatQuerySet:
        """Those that gave a sign of life at ``instant`` or later."""
        return self.filter(seen_at__gte=instant)


class ExecutorHeartbeat(models.Model):
    """One executor's latest sign of life. For people and health checks; locks alone decide who may run what."""

    executor_id = models.TextField(primary_key=True)
    host = models.TextField()
    pid = models.PositiveIntegerField()
    started_at = InstantField()
    seen_at = InstantField()
    deployment_id = models.TextField(null=True, blank=True)
    """The deployment it runs; null while it runs none."""
    slots = models.PositiveIntegerField()
    """Executions it can run at a time."""
    running = models.PositiveIntegerField()
    """Executions it ran when it was last seen."""
    version = models.TextField(blank=True, db_default="")
    """Of the program; empty if it is older than this column, and may share the database during an upgrade."""
    cpu_percent = models.PositiveIntegerField(null=True, blank=True)
    """Of one processor, between its last two signs of life; null as the two below if it did not say."""
    rss_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    threads = models.PositiveIntegerField(null=True, blank=True)
    note = models.TextField(blank=True)
    """Why it cannot work, such as a database that takes no writes; empty if it can."""

    objects = ExecutorHeartbeatQuerySet.as_manager()

    def __str__(self) -> str:
        return self.executor_id
