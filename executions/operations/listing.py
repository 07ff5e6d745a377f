"""Finding executions: what people filter by, page by page, newest first.

A page is found by key, not by number: its place is the creation and the id of one execution, so that pages neither
repeat nor skip anything while executions come and go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db.models import Q
from django.utils import timezone

from engine.errors import EngineError, IdSyntaxError
from engine.log.ids import EXECUTION_PREFIX, parse_execution_id
from engine.log.return_values import FailureKind
from engine.log.state import Lifecycle, Status
from executions.models import Execution, ExecutionQuerySet, OperationRecord
from executions.models.label import Label
from executions.operations.outside import known_outside

_FEW: Final = 1000
"""As many that ended between two instants are looked up one by one."""
STUCK_AFTER: Final = timedelta(minutes=1)
"""How long something may be due before it counts as stuck."""


class ListedStatus(StrEnum):
    """What lists can be filtered by."""

    PENDING = "pending"
    SCHEDULED = "scheduled"
    RETRYING = "retrying"
    """Pending or scheduled after an attempt that failed."""
    LOCKED = "locked"
    BLOCKED = "blocked"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    UNFINISHED = "unfinished"
    FINISHED = "finished"
    FINISHED_OK = "finished_ok"
    FINISHED_ERROR = "finished_error"
    FINISHED_EXECUTION_FAILURE = "finished_execution_failure"
    FINISHED_FAILED = "finished_failed"
    """Ended by the platform, and not because it was cancelled."""
    FINISHED_CANCELLED = "finished_cancelled"


class Direction(StrEnum):
    """Which way to page."""

    OLDER = "older"
    NEWER = "newer"


class CursorRefused(EngineError):
    """A cursor that leads nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFilter:
    """Which executions; what is left out does not matter. All conditions have to hold.

    Args:
        function: Full name of the function.
        ffqn_prefix: What the function's full name begins with.
        statuses: In any of these states.
        component: Name of the component that runs it.
        component_digest: Its digest.
        deployment_id: The deployment under which it last ran.
        parent: The execution that submitted it.
        execution_id_prefix: What the id begins with.
        labels: Values by label name.
        created_after: Created at or behind this instant.
        created_before: Created before this instant.
        finished_after: Ended at or behind this instant.
        finished_before: Ended before this instant.
        stuck: It does not move, for longer than `STUCK_AFTER` (`ExecutionQuerySet.stuck`).
        show_derived: Also those that workflows submitted; a ``parent`` implies it.
        hide_finished: Only those that have not ended.
        submitted_by: Started in the console or with the API by this actor (`OperationRecord.actor`).
        ids: One of these.
    """

    function: str | None = None
    ffqn_prefix: str | None = None
    statuses: tuple[ListedStatus, ...] = ()
    component: str | None = None
    component_digest: str | None = None
    deployment_id: str | None = None
    parent: str | None = None
    execution_id_prefix: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None
    finished_after: datetime | None = None
    finished_before: datetime | None = None
    stuck: bool = False
    show_derived: bool = False
    hide_finished: bool = False
    submitted_by: str | None = None
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: at an instant, and at an execution of that instant if one is named."""

    created_at: datetime
    execution_id: str | None = None


def matching(wanted: ExecutionFilter, *, now: datetime | None = None) -> ExecutionQuerySet:
    """Return the executions that a filter lets through, in no order."""
    now = now or timezone.now()
    rows = Execution.objects.all()
    if wanted.parent is not None:
        rows = rows.children_of(wanted.parent)
    elif not wanted.show_derived:
        rows = rows.top_level()
    if wanted.function is not None:
        rows = rows.of_function(wanted.function)
    rows = _by_columns(rows, wanted)
    if wanted.execution_id_prefix is not None:
        rows = rows.filter(_begins("execution_id", wanted.execution_id_prefix))
    if wanted.ffqn_prefix is not None:
        rows = rows.filter(_begins("ffqn", wanted.ffqn_prefix))
    if wanted.finished_after is not None or wanted.finished_before is not None:
        rows = _finished_between(rows, wanted, now)
    if wanted.hide_finished:
        rows = rows.unfinished()
    if wanted.stuck:
        # An external activity waits for somebody outside, as a stub does.
        rows = rows.stuck(now - STUCK_AFTER, now=now).exclude(ffqn__in=known_outside())
    if wanted.statuses:
        rows = _in_states(rows, wanted.statuses, now)
    if wanted.submitted_by is not None:
        rows = rows.filter(execution_id__in=OperationRecord.objects.submitted_by(wanted.submitted_by))
    if wanted.ids:
        rows = rows.filter(execution_id__in=wanted.ids)
    for name, value in wanted.labels:
        rows = rows.filter(execution_id__in=Label.objects.filter(name=name, value=value).values("execution_id"))
    return rows


def page_of(
    wanted: ExecutionFilter,
    *,
    place: Place | None = None,
    direction: Direction = Direction.OLDER,
    including: bool = False,
    length: int,
    now: datetime | None = None,
    only: Q | None = None,
) -> Sequence[Execution]:
    """Return one page, newest first; see `page_query`."""
    rows = page_query(wanted, place=place, direction=direction, including=including, length=length, now=now, only=only)
    return list(rows) if direction is Direction.OLDER else list(rows)[::-1]


def page_query(
    wanted: ExecutionFilter,
    *,
    place: Place | None = None,
    direction: Direction = Direction.OLDER,
    including: bool = False,
    length: int,
    now: datetime | None = None,
    only: Q | None = None,
) -> ExecutionQuerySet:
    """Return the query of one page, the nearest to its place first.

    Args:
        wanted: The filter.
        place: Where the page begins; at the newest or the oldest one by default.
        direction: Which way it goes from there.
        including: Whether what is at the place belongs to it.
        length: Most executions.
        now: The instant that the states are told for; the present one by default.
        only: A condition that has to hold besides.
    """
    rows = matching(wanted, now=now)
    if only is not None:
        rows = rows.filter(only)
    older = direction is Direction.OLDER
    if place is not None:
        rows = rows.filter(_behind(place, older=older, including=including))
    return (rows.newest_first() if older else rows.oldest_first())[:length]


def place_at(cursor: str) -> Place:
    """Return the place that a cursor means: an execution's id, or an instant.

    Raises:
        CursorRefused: If it is neither, or there is no such execution.
    """
    if cursor.startswith(EXECUTION_PREFIX):
        try:
            execution_id = parse_execution_id(cursor)
        except IdSyntaxError as error:
            raise CursorRefused(f"cursor: {error}") from error
        created_at = Execution.objects.filter(pk=execution_id).values_list("created_at", flat=True).first()
        if created_at is None:
            raise CursorRefused(f"cursor: there is no execution {execution_id}")
        return Place(created_at, execution_id)
    return Place(instant_at(cursor))


def instant_at(text: str) -> datetime:
    """Return the instant that RFC 3339 text means.

    Raises:
        CursorRefused: If it is none.
    """
    try:
        instant = datetime.fromisoformat(text)
        # Also what lies beyond the years that can be told in UTC.
        assured = instant.astimezone(timezone.get_default_timezone()) if instant.tzinfo is not None else None
    except (ValueError, OverflowError):
        assured = None
    if assured is None:
        raise CursorRefused(
            f"cursor: {text[:100]!r} is neither an execution id nor an instant such as 2026-01-31T12:00:00Z"
        )
    return assured


def _by_columns(rows: ExecutionQuerySet, wanted: ExecutionFilter) -> ExecutionQuerySet:
    columns: Mapping[str, object] = {
        "component_name": wanted.component,
        "component_digest": wanted.component_digest,
        "deployment_id": wanted.deployment_id,
        "created_at__gte": wanted.created_after,
        "created_at__lt": wanted.created_before,
    }
    return rows.filter(**{column: value for column, value in columns.items() if value is not None})


def _finished_between(rows: ExecutionQuerySet, wanted: ExecutionFilter, now: datetime) -> ExecutionQuerySet:
    """Narrow down to what ended between two instants.

    Pages are in the order of creation, not of ends. So the few that ended then are found first, by an index; of many,
    any page is full soon.
    """
    ended = _ended(Execution.objects.all(), wanted.finished_after, wanted.finished_before)
    if wanted.parent is None and not wanted.show_derived:
        # Children are in no such index: it would be written with every step.
        ended = ended.top_level()
        outcomes = [status for status in wanted.statuses if status.startswith("finished")]
        if outcomes and len(outcomes) == len(wanted.statuses):
            ended = _in_states(ended, outcomes, now)
        few = list(ended.order_by("due_at").values_list("pk", flat=True)[: _FEW + 1])
        if len(few) <= _FEW:
            return rows.filter(pk__in=few)
    rows = _ended(rows, wanted.finished_after, wanted.finished_before)
    # What ended before an instant was created before it: pages begin there.
    return rows if wanted.finished_before is None else rows.filter(created_at__lt=wanted.finished_before)


def _ended(rows: ExecutionQuerySet, after: datetime | None, before: datetime | None) -> ExecutionQuerySet:
    rows = rows.filter(status=Status.FINISHED.value)
    if after is not None:
        rows = rows.filter(due_at__gte=after)
    return rows if before is None else rows.filter(due_at__lt=before)


def _behind(place: Place, *, older: bool, including: bool) -> Q:
    # The first condition says no more than the second, but is one that an index can follow.
    if older:
        bound, strict, ids = Q(created_at__lte=place.created_at), Q(created_at__lt=place.created_at), "execution_id__lt"
    else:
        bound, strict, ids = Q(created_at__gte=place.created_at), Q(created_at__gt=place.created_at), "execution_id__gt"
    if place.execution_id is None:
        return bound if including else strict
    return bound & (strict | Q(created_at=place.created_at, **{f"{ids}e" if including else ids: place.execution_id}))


def _begins(column: str, prefix: str) -> Q:
    """Return a prefix as a range, which an index can follow; no id or name holds the last of all characters."""
    return Q(**{f"{column}__gte": prefix, f"{column}__lt": prefix + "\U0010ffff"}) if prefix else Q()


def _in_states(rows: ExecutionQuerySet, statuses: Sequence[ListedStatus], now: datetime) -> ExecutionQuerySet:
    wanted = Q()
    for status in statuses:
        wanted |= _condition(status, now)
    rows = rows.filter(wanted)
    # Said once more where it follows, for the sake of the index over what has not ended.
    return rows if any(status.startswith("finished") for status in statuses) else rows.unfinished()


def _condition(status: ListedStatus, now: datetime) -> Q:
    active = Q(lifecycle=Lifecycle.ACTIVE.value)
    finished = Q(status=Status.FINISHED.value)
    match status:
        case ListedStatus.PENDING:
            return active & Q(status=Status.PENDING_AT.value, due_at__lte=now)
        case ListedStatus.SCHEDULED:
            return active & Q(status=Status.PENDING_AT.value, due_at__gt=now)
        case ListedStatus.RETRYING:
            return active & Q(status=Status.PENDING_AT.value, temporary_failures__gt=0)
        case ListedStatus.LOCKED:
            return active & Q(status=Status.LOCKED.value)
        case ListedStatus.BLOCKED:
            return active & Q(status=Status.BLOCKED_BY_JOIN_SET.value)
        case ListedStatus.PAUSED:
            return Q(lifecycle=Lifecycle.PAUSED.value)
        case ListedStatus.CANCELLING:
            return Q(lifecycle=Lifecycle.CANCELLING.value)
        case ListedStatus.UNFINISHED:
            return ~finished
        case ListedStatus.FINISHED:
            return finished
        case ListedStatus.FINISHED_OK:
            return finished & Q(result_kind="ok")
        case ListedStatus.FINISHED_ERROR:
            return finished & Q(result_kind="error")
        case ListedStatus.FINISHED_EXECUTION_FAILURE:
            return finished & Q(result_kind__in=[kind.value for kind in FailureKind])
        case ListedStatus.FINISHED_FAILED:
            failures = [kind.value for kind in FailureKind if kind is not FailureKind.CANCELLED]
            return finished & Q(result_kind__in=failures)
        case ListedStatus.FINISHED_CANCELLED:
            return finished & Q(result_kind=FailureKind.CANCELLED.value)
