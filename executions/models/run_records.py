"""What is remembered about runs beside the truth: guests' log lines, HTTP requests and places of calls."""
# ruff: noqa: DJ001 - null means "there is none"; an empty string would be an id like any other

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Index, Q

from engine.deployment.spec import LogLevel
from executions.instants import InstantField
from executions.row_ids import RowIdField


class LogLine(models.Model):
    """What a guest logged or printed; best effort, and no part of the truth.

    No foreign key: a line may be stored before its execution is, whose events wait for the next commit, and stays
    when that commit never comes.
    """

    id = RowIdField(primary_key=True)
    execution_id = models.TextField()
    run_id = models.TextField()
    created_at = InstantField()
    level = models.TextField(choices=[(level.value, level.value) for level in LogLevel], null=True, blank=True)
    """Set for a log message."""
    stream = models.TextField(choices=[("stdout", "stdout"), ("stderr", "stderr")], null=True, blank=True)
    """Set for raw output."""
    message = models.TextField()

    class Meta:
        constraints = [
            CheckConstraint(
                # Null-safe: a condition that comes out as null counts as kept.
                condition=Q(level__isnull=False, level__in=[level.value for level in LogLevel], stream__isnull=True)
                | Q(level__isnull=True, stream__isnull=False, stream__in=["stdout", "stderr"]),
                name="log_line_message_or_stream",
            ),
        ]
        indexes = [
            # An execution's lines in the order they were stored.
            Index(fields=["execution_id", "id"], name="log_line_of_execution"),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id} {self.level or self.stream}: {self.message[:80]}"


class CallSites(models.Model):
    """Where in its source a workflow's run made calls; best effort, and no part of the truth.

    A run's calls share rows, since each of them would otherwise cost as much as one of its events. No foreign key, as
    for `LogLine`.
    """

    id = RowIdField(primary_key=True)
    execution_id = models.TextField()
    first_version = models.PositiveIntegerField()
    """Version of the first event of the first call."""
    behind_version = models.PositiveIntegerField()
    """Version behind the last event of the last call."""
    component = models.TextField()
    """The version of the component that made them, as ``type:name:digest``."""
    sites = models.TextField()
    """``{"stacks": [...], "sites": [[first, behind, number of the stack], ...]}`` (`engine.log.backtraces`)."""

    class Meta:
        verbose_name_plural = "call sites"
        indexes = [
            # The call that wrote an event, the first and the last one.
            Index(fields=["execution_id", "first_version"], name="call_sites_of_execution"),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id} {self.first_version} to {self.behind_version - 1}"


class HttpExchangeQuerySet(models.QuerySet["HttpExchange"]):
    """Questions about HTTP requests."""

    def newest_of(self, execution_id: str, *, limit: int) -> list[HttpExchange]:
        """Return the last requests of an execution, in the order they were stored."""
        return list(self.filter(execution_id=execution_id).order_by("-pk")[:limit])[::-1]


class HttpExchange(models.Model):
    """An HTTP request that a guest sent, or was not allowed to send; best effort, and no part of the truth.

    Headers and bodies are never stored; the URL is the guest's, with placeholders where secrets go. No foreign key, as
    for `LogLine`.
    """

    id = RowIdField(primary_key=True)
    execution_id = models.TextField()
    run_id = models.TextField()
    started_at = InstantField()
    duration_us = models.BigIntegerField()
    """Until its response was read or given up, or it failed; microseconds."""
    method = models.TextField()
    url = models.TextField()
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    """The response's; null if none came."""
    error = models.TextField(null=True, blank=True)
    """Why none came, or it broke off."""
    request_bytes = models.BigIntegerField()
    response_bytes = models.BigIntegerField()
    """Sizes of the bodies, as far as they were sent and arrived."""

    objects = HttpExchangeQuerySet.as_manager()

    class Meta:
        indexes = [
            # An execution's requests in the order they were stored.
            Index(fields=["execution_id", "id"], name="http_exchange_of_execution"),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id} {self.method} {self.url[:80]}: {self.status or self.error}"
