"""Executions and what is stored about them: state, event log, responses, delays, log lines, and who executes.

Only `executions.journal` writes the first four tables; everything else asks through the named querysets. An index is
kept only where a query here or in `executions.journal.sql` needs it, and says which: most rows are written by workflow
steps, where each index costs time. The execution of a pure activity is inserted when it has already finished, so the
partial indexes over unfinished executions cost such a step nothing.
"""
# ruff: noqa: DJ001 - null means "there is none"; an empty string would be an id like any other

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from engine.deployment.spec import ComponentType, LogLevel
from engine.log.event_decoding import decode_event
from engine.log.events import LogEntry
from engine.log.ids import Version
from engine.log.state import Lifecycle, Status
from executions.instants import InstantField
from executions.row_ids import RowIdField

_IS_PENDING = Q(status=Status.PENDING_AT.value, lifecycle=Lifecycle.ACTIVE.value)
_IS_LOCKED = Q(status=Status.LOCKED.value, lifecycle=Lifecycle.ACTIVE.value)
_IS_CANCELLING = Q(lifecycle=Lifecycle.CANCELLING.value)
_IS_UNFINISHED = ~Q(status=Status.FINISHED.value)


def _all_or_none(*fields: str) -> Q:
    none, every = Q(), Q()
    for field in fields:
        none &= Q(**{f"{field}__isnull": True})
        every &= Q(**{f"{field}__isnull": False})
    return none | every


class ExecutionQuerySet(models.QuerySet["Execution"]):
    """Questions about executions."""

    def pending(self, now: datetime) -> ExecutionQuerySet:
        """Those that any executor may lock at ``now``, the longest due first."""
        return self.filter(_IS_PENDING, due_at__lte=now).order_by("due_at", "execution_id")

    def expired_locks(self, now: datetime) -> ExecutionQuerySet:
        """Active ones whose lock expired at or before ``now``, oldest first."""
        return self.filter(_IS_LOCKED, due_at__lte=now).order_by("due_at", "execution_id")

    def unfinished(self) -> ExecutionQuerySet:
        """Those that have not ended, in whatever state they are."""
        return self.filter(_IS_UNFINISHED)

    def cancelling(self) -> ExecutionQuerySet:
        """Those that are being cancelled, oldest first."""
        return self.filter(_IS_CANCELLING).order_by("created_at", "execution_id")

    def top_level(self) -> ExecutionQuerySet:
        """Those that no workflow submitted."""
        return self.filter(parent__isnull=True)

    def children_of(self, execution_id: str) -> ExecutionQuerySet:
        """Those that one execution submitted, without their own children."""
        # A child's id extends its parent's, so the primary key serves; "/" is the character behind ".".
        descendants = Q(execution_id__gt=f"{execution_id}.", execution_id__lt=f"{execution_id}/")
        return self.filter(descendants, parent_id=execution_id)

    def of_function(self, ffqn: str) -> ExecutionQuerySet:
        """Calls of one function."""
        return self.filter(ffqn=ffqn)

    def newest_first(self) -> ExecutionQuerySet:
        """In the order of lists: by creation, newest first."""
        return self.order_by("-created_at", "-execution_id")


class Execution(models.Model):
    """The present state of one call of a function: the fold of its events and responses, and never anything else.

    Parameters and result are left out on purpose: they stand in the log, and would be copied with every update here.
    Written together with the events that lead to the state, guarded by ``next_version`` and ``response_count``.
    """

    execution_id = models.TextField(primary_key=True)
    parent = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        db_constraint=False,
        related_name="children",
    )
    """Who submitted it and waits for it; null at top level. The join set can be read off the id.

    Without a constraint in the database: the journal writes a child only together with its parent's request, and a
    constraint would want an index of its own, written with every child."""
    scheduled_by = models.TextField(null=True, blank=True)
    """The execution that started it without waiting."""
    ffqn = models.TextField()
    component_type = models.TextField(choices=[(kind.value, kind.value) for kind in ComponentType])
    component_name = models.TextField()
    component_digest = models.TextField()
    deployment_id = models.TextField()
    """The deployment it last ran under. No foreign key: the log must be readable whatever became of deployments, and
    the check would cost every insert a look at a row that is known to be there."""
    created_at = InstantField()
    first_scheduled_at = InstantField()

    next_version = models.PositiveIntegerField()
    response_count = models.PositiveIntegerField()
    status = models.TextField(choices=[(status.value, status.value) for status in Status])
    lifecycle = models.TextField(choices=[(lifecycle.value, lifecycle.value) for lifecycle in Lifecycle])
    due_at = InstantField()
    """When pending: the instant it may be locked. When locked or blocked: the instant the lock expires. When finished:
    the instant it ended."""
    executor_id = models.TextField(null=True, blank=True)
    run_id = models.TextField(null=True, blank=True)
    """With ``executor_id``: who holds the lock, or held it last."""
    last_lock_version = models.PositiveIntegerField(null=True, blank=True)
    max_retries = models.PositiveIntegerField(null=True, blank=True)
    retry_backoff_us = models.BigIntegerField()
    """Delay before the first retry, in microseconds."""
    temporary_failures = models.PositiveIntegerField()
    join_set_id = models.TextField(null=True, blank=True)
    """The join set that blocks it."""
    closing = models.BooleanField()
    """Whether it is blocked by the closing of that join set."""
    result_kind = models.TextField(null=True, blank=True)
    incompatible_digest = models.TextField(null=True, blank=True)

    objects = ExecutionQuerySet.as_manager()

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(status__in=[status.value for status in Status]), name="execution_status_known"),
            CheckConstraint(
                condition=Q(lifecycle__in=[lifecycle.value for lifecycle in Lifecycle]),
                name="execution_lifecycle_known",
            ),
            CheckConstraint(condition=Q(next_version__gte=1), name="execution_begins_with_created"),
            CheckConstraint(condition=_all_or_none("executor_id", "run_id"), name="execution_holder_whole"),
            CheckConstraint(
                condition=~Q(status=Status.LOCKED.value) | Q(executor_id__isnull=False),
                name="execution_locked_has_holder",
            ),
            CheckConstraint(
                condition=Q(status=Status.FINISHED.value, result_kind__isnull=False)
                | Q(_IS_UNFINISHED, result_kind__isnull=True),
                name="execution_finished_has_result",
            ),
            CheckConstraint(
                condition=Q(status=Status.BLOCKED_BY_JOIN_SET.value, join_set_id__isnull=False)
                | Q(~Q(status=Status.BLOCKED_BY_JOIN_SET.value), join_set_id__isnull=True, closing=False),
                name="execution_blocked_has_join_set",
            ),
            # Executors leave a paused execution alone, so nobody can hold it; what ended needs no wish any more.
            CheckConstraint(
                condition=~Q(lifecycle=Lifecycle.PAUSED.value, status=Status.LOCKED.value),
                name="execution_paused_not_locked",
            ),
            CheckConstraint(
                condition=~Q(status=Status.FINISHED.value) | Q(lifecycle=Lifecycle.ACTIVE.value),
                name="execution_finished_is_active",
            ),
        ]
        indexes = [
            # sql.PENDING, sql.NEXT_WAKE_UP. The last two columns let it pass over executions that an executor cannot
            # run without looking at their rows: after a deployment many may be stuck there.
            Index(
                fields=["due_at", "execution_id", "ffqn", "incompatible_digest"],
                condition=_IS_PENDING,
                name="execution_pending",
            ),
            # sql.EXPIRED_LOCKS, sql.NEXT_WAKE_UP.
            Index(fields=["due_at", "execution_id"], condition=_IS_LOCKED, name="execution_locked"),
            # sql.CANCELLING: asked at every tick, and nearly always empty.
            Index(fields=["created_at", "execution_id"], condition=_IS_CANCELLING, name="execution_cancelling"),
            # Lists of what is in progress.
            Index(fields=["created_at", "execution_id"], condition=_IS_UNFINISHED, name="execution_unfinished"),
            # The list as people first see it, and with children.
            Index(fields=["created_at", "execution_id"], condition=Q(parent__isnull=True), name="execution_top_level"),
            Index(fields=["created_at"], name="execution_created"),
            # Lists of one function's calls.
            Index(fields=["ffqn", "created_at"], name="execution_function"),
        ]

    def __str__(self) -> str:
        return self.execution_id


class Event(models.Model):
    """One thing that happened to an execution. Only ever inserted.

    ``payload`` is the whole event; the columns beside it are copies that lists and filters need.
    """

    id = RowIdField(primary_key=True)
    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, db_index=False, related_name="events")
    version = models.PositiveIntegerField()
    """Its place in the log, from 0 without gaps."""
    created_at = InstantField()
    variant = models.TextField()
    join_set_id = models.TextField(null=True, blank=True)
    history_event_type = models.TextField(null=True, blank=True)
    """Set when ``variant`` is ``history_event``."""
    payload = models.TextField()
    """`engine.log.event_encoding`, to the letter: a ``jsonb`` column would reorder keys and rewrite numbers."""

    class Meta:
        constraints = [
            # sql.LOG, sql.FIRST_EVENTS, sql.RESPONSES; and two writers can never both have appended.
            UniqueConstraint(fields=["execution", "version"], name="event_version_unique"),
            CheckConstraint(
                condition=Q(version=0, variant="created") | Q(~Q(variant="created"), version__gt=0),
                name="event_created_is_first",
            ),
            CheckConstraint(
                condition=Q(variant="history_event", history_event_type__isnull=False)
                | Q(~Q(variant="history_event"), history_event_type__isnull=True),
                name="event_history_has_type",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id} #{self.version} {self.history_event_type or self.variant}"

    def entry(self) -> LogEntry:
        """Return the event at its place, decoded.

        Raises:
            StoredEventInvalid: If this version of the program cannot read it.
        """
        return LogEntry(Version(self.version), self.created_at, decode_event(self.payload))


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
                condition=_all_or_none("child_execution_id", "finished_version")
                & _all_or_none("delay_id", "delay_cancelled")
                & Q(
                    Q(child_execution_id__isnull=False, delay_id__isnull=True)
                    | Q(child_execution_id__isnull=True, delay_id__isnull=False)
                ),
                name="response_child_or_delay",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id} <- {self.child_execution_id or self.delay_id}"


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
            # sql.DUE_DELAYS, sql.NEXT_WAKE_UP.
            Index(fields=["expires_at", "delay_id"], condition=Q(is_paused=False), name="delay_due"),
        ]

    def __str__(self) -> str:
        return self.delay_id


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
    note = models.TextField(blank=True)
    """What it wants people to know, such as why it locks nothing."""

    objects = ExecutorHeartbeatQuerySet.as_manager()

    def __str__(self) -> str:
        return self.executor_id
