"""Executions: the present state of each, and the questions asked about many."""
# ruff: noqa: DJ001 - null means "there is none"; an empty string would be an id like any other

from __future__ import annotations

from datetime import datetime

from django.apps import apps
from django.db import models
from django.db.models import CheckConstraint, Exists, Index, OuterRef, Q

from engine.deployment.spec import ComponentType
from engine.log.state import Lifecycle, Status
from executions.instants import InstantField
from executions.models.conditions import all_or_none

_IS_PENDING = Q(status=Status.PENDING_AT.value, lifecycle=Lifecycle.ACTIVE.value)
_IS_LOCKED = Q(status=Status.LOCKED.value, lifecycle=Lifecycle.ACTIVE.value)
_IS_CANCELLING = Q(lifecycle=Lifecycle.CANCELLING.value)
_IS_FINISHED = Q(status=Status.FINISHED.value)
_IS_UNFINISHED = ~_IS_FINISHED
_IS_OPEN_STUB = _IS_UNFINISHED & Q(component_type=ComponentType.ACTIVITY_STUB.value)


def _last_event_at(latest: datetime) -> Exists:
    """Return the condition that the last event of an execution was written at an instant or earlier."""
    last = apps.get_model("executions", "Event").objects.filter(
        execution_id=OuterRef("execution_id"), version=OuterRef("next_version") - 1, created_at__lte=latest
    )
    return Exists(last)


class ExecutionQuerySet(models.QuerySet["Execution"]):
    """Questions about executions."""

    def pending(self, now: datetime) -> ExecutionQuerySet:
        """Those that any executor may lock at ``now``, the longest due first."""
        return self.filter(_IS_PENDING, due_at__lte=now).order_by("due_at", "execution_id")

    def scheduled(self, now: datetime) -> ExecutionQuerySet:
        """Those that are due later than ``now``, the next one first."""
        return self.filter(_IS_PENDING, due_at__gt=now).order_by("due_at", "execution_id")

    def locked(self) -> ExecutionQuerySet:
        """Active ones that somebody holds or, if the lock expired, held; the lock that ends first before others."""
        return self.filter(_IS_LOCKED).order_by("due_at", "execution_id")

    def expired_locks(self, now: datetime) -> ExecutionQuerySet:
        """Active ones whose lock expired at or before ``now``, oldest first."""
        return self.filter(_IS_LOCKED, due_at__lte=now).order_by("due_at", "execution_id")

    def unexpired_locks(self, now: datetime) -> ExecutionQuerySet:
        """Active ones that somebody holds, in no order."""
        return self.filter(_IS_LOCKED, due_at__gt=now)

    def unfinished(self) -> ExecutionQuerySet:
        """Those that have not ended, in whatever state they are."""
        return self.filter(_IS_UNFINISHED)

    def open_stubs(self) -> ExecutionQuerySet:
        """Stubs that wait for their answer."""
        return self.filter(_IS_OPEN_STUB)

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

    def oldest_first(self) -> ExecutionQuerySet:
        """The other way round."""
        return self.order_by("created_at", "execution_id")

    def cancelling_since(self, since: datetime) -> ExecutionQuerySet:
        """Those that are being cancelled, and whose log has not grown since an instant; oldest first."""
        return self.cancelling().filter(_last_event_at(since))

    def stuck(self, since: datetime, *, now: datetime) -> ExecutionQuerySet:
        """Those that do not move, though they should.

        Nobody runs them, though they were due, or their lock expired, at or before ``since``; or they do not follow
        their history on the present code; or they are being cancelled for longer. Not stubs: they wait for somebody
        outside, for as long as that takes.

        Args:
            since: What was due then or earlier is overdue.
            now: The present instant.
        """
        is_overdue = (_IS_PENDING | _IS_LOCKED) & Q(due_at__lte=since)
        is_diverging = _IS_PENDING & Q(due_at__lte=now, incompatible_digest__isnull=False)
        waits = (is_overdue | is_diverging) & ~Q(component_type=ComponentType.ACTIVITY_STUB.value)
        return self.filter(waits | (_IS_CANCELLING & _last_event_at(since))).unfinished()


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
            CheckConstraint(condition=all_or_none("executor_id", "run_id"), name="execution_holder_whole"),
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
            # sql.PENDING, sql.OUTLOOK. The last two columns let it pass over executions that an executor cannot
            # run without looking at their rows: after a deployment many may be stuck there.
            Index(
                fields=["due_at", "execution_id", "ffqn", "incompatible_digest"],
                condition=_IS_PENDING,
                name="execution_pending",
            ),
            # sql.EXPIRED_LOCKS, sql.OUTLOOK.
            Index(fields=["due_at", "execution_id"], condition=_IS_LOCKED, name="execution_locked"),
            # sql.CANCELLING: asked at every tick, and nearly always empty.
            Index(fields=["created_at", "execution_id"], condition=_IS_CANCELLING, name="execution_cancelling"),
            # Lists of what is in progress.
            Index(fields=["created_at", "execution_id"], condition=_IS_UNFINISHED, name="execution_unfinished"),
            # The inbox of people, and how many tasks are in it. Stubs are few, and others are not in this index.
            Index(fields=["created_at", "execution_id"], condition=_IS_OPEN_STUB, name="execution_open_stub"),
            # The list as people first see it, and with children.
            Index(fields=["created_at", "execution_id"], condition=Q(parent__isnull=True), name="execution_top_level"),
            Index(fields=["created_at"], name="execution_created"),
            # Numbers of executions of a deployment, and whether there is any. Two indexes, each execution in one of
            # them, so that either number can be had without looking at a row; written once, when an execution ends.
            Index(
                fields=["deployment_id", "result_kind"],
                condition=_IS_FINISHED & Q(parent__isnull=True),
                name="execution_ended",
            ),
            Index(
                fields=["deployment_id", "result_kind"],
                condition=_IS_FINISHED & Q(parent__isnull=False),
                name="execution_ended_below",
            ),
            # Lists of what ended lately, without children: no step of a workflow is in it, and what is in it gets
            # there once, when it ends.
            Index(
                fields=["due_at", "result_kind"],
                condition=_IS_FINISHED & Q(parent__isnull=True),
                name="execution_ended_at",
            ),
            # Lists of one function's calls.
            Index(fields=["ffqn", "created_at"], name="execution_function"),
        ]

    def __str__(self) -> str:
        return self.execution_id
