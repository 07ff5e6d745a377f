"""Builders of what the engine's tests are about: ids, events and writes, with defaults for what does not matter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from engine.deployment.spec import ComponentId, ComponentType, LockingStrategy
from engine.journal.records import (
    Append,
    FinishDelay,
    HttpExchange,
    Lockable,
    LockRequest,
    LogLine,
    NewExecution,
    Submit,
)
from engine.log import events as e
from engine.log.ids import (
    DelayId,
    DeploymentId,
    ExecutionId,
    ExecutorId,
    JoinSetId,
    RunId,
    Version,
    child_id,
    delay_id,
    named_join_set,
)
from engine.log.return_values import JsonText, Returned, ReturnValue, TypedValue
from engine.log.schedules import Now
from engine.log.state import Holder

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEPLOYMENT = DeploymentId("Dep_00000000000000000000000001")
JOIN_SET = named_join_set("work")
FFQN = "test:pkg/api.call"


def after(seconds: float = 0, *, milliseconds: float = 0) -> datetime:
    """The instant so long after `NOW`."""
    return NOW + timedelta(seconds=seconds, milliseconds=milliseconds)


def make_execution_id(number: int = 1) -> ExecutionId:
    """The ``number``-th top-level execution id."""
    return ExecutionId(f"E_{number:026d}")


def make_component_id(
    name: str = "worker", *, version: str = "a", component_type: ComponentType = ComponentType.WORKFLOW
) -> ComponentId:
    """A component; ``version`` is the hex digit its digest is made of."""
    return ComponentId(component_type=component_type, name=name, digest="sha256:" + version * 64)


def make_holder(number: int = 1) -> Holder:
    """The ``number``-th executor, in a run of its own."""
    return Holder(ExecutorId(f"Exr_{number:026d}"), RunId(f"Run_{number:026d}"))


def make_created(
    *,
    ffqn: str = FFQN,
    params: str = "[]",
    scheduled_at: datetime = NOW,
    component_id: ComponentId | None = None,
    parent: tuple[ExecutionId, JoinSetId] | None = None,
) -> e.Created:
    """A first event."""
    return e.Created(
        ffqn=ffqn,
        params=JsonText(params),
        scheduled_at=scheduled_at,
        component_id=component_id or make_component_id(),
        deployment_id=DEPLOYMENT,
        parent=parent,
    )


def make_locked(
    holder: Holder | None = None,
    *,
    until: datetime | None = None,
    component_id: ComponentId | None = None,
    max_retries: int | None = None,
) -> e.Locked:
    """A lock event; ten seconds from `NOW` unless ``until`` says otherwise."""
    holder = holder or make_holder()
    return e.Locked(
        component_id=component_id or make_component_id(),
        executor_id=holder.executor_id,
        deployment_id=DEPLOYMENT,
        run_id=holder.run_id,
        lock_expires_at=until or after(10),
        max_retries=max_retries,
        retry_backoff=timedelta(milliseconds=100),
    )


def make_retval(number: int = 55) -> Returned:
    """An ok value of type u64."""
    return Returned(ok=True, payload=TypedValue("u64", JsonText(str(number))))


def make_finished(number: int = 55) -> e.Finished:
    """An end with an ok value."""
    return e.Finished(retval=make_retval(number))


def make_entries(*events: e.ExecutionEvent, start: int = 0, at: datetime = NOW) -> tuple[e.LogEntry, ...]:
    """Events at their places, from version ``start`` on."""
    return tuple(e.LogEntry(Version(version), at, event) for version, event in enumerate(events, start))


def make_execution(
    execution_id: ExecutionId | None = None, *events: e.ExecutionEvent, at: datetime = NOW
) -> NewExecution:
    """A new execution; without events it is just created."""
    return NewExecution(
        execution_id or make_execution_id(), make_entries(*(events or (make_created(scheduled_at=at),)), at=at)
    )


def make_submit(execution_id: ExecutionId | None = None, *events: e.ExecutionEvent, at: datetime = NOW) -> Submit:
    """A client's submission of `make_execution`."""
    return Submit(make_execution(execution_id, *events, at=at))


def make_append(
    execution_id: ExecutionId,
    *events: e.ExecutionEvent,
    expected: int,
    at: datetime = NOW,
    holder: Holder | None = None,
    awaits: bool = False,
    seen: int = 0,
    created: Sequence[NewExecution] = (),
    responses: Sequence[e.Response] = (),
) -> Append:
    """The next step of an execution."""
    return Append(
        execution_id=execution_id,
        expected=Version(expected),
        holder=holder,
        entries=make_entries(*events, start=expected, at=at),
        awaits=awaits,
        responses_seen=seen,
        created=tuple(created),
        responses=tuple(responses),
    )


def make_child_request(
    parent: ExecutionId, number: int = 1, *, join_set: JoinSetId = JOIN_SET, params: str = "[]"
) -> e.ChildRequested:
    """The request of a join set's ``number``-th child."""
    return e.ChildRequested(
        join_set_id=join_set,
        child_execution_id=child_id(parent, join_set, number),
        target_ffqn=FFQN,
        params=JsonText(params),
    )


def make_child(
    parent: ExecutionId,
    number: int = 1,
    *events: e.ExecutionEvent,
    join_set: JoinSetId = JOIN_SET,
    at: datetime = NOW,
) -> NewExecution:
    """A join set's ``number``-th child: created, then ``events``."""
    activity = make_component_id("activity", component_type=ComponentType.ACTIVITY)
    created = make_created(scheduled_at=at, parent=(parent, join_set), component_id=activity)
    return make_execution(child_id(parent, join_set, number), created, *events, at=at)


def make_child_response(
    parent: ExecutionId,
    number: int = 1,
    *,
    join_set: JoinSetId = JOIN_SET,
    version: int = 1,
    at_version: int = 0,
    at: datetime = NOW,
    retval: ReturnValue | None = None,
) -> e.Response:
    """The response of a join set's ``number``-th child, which finished at ``version`` of its log."""
    return e.Response(
        execution_id=parent,
        at_version=at_version,
        join_set_id=join_set,
        created_at=at,
        event=e.ChildFinished(
            child_execution_id=child_id(parent, join_set, number),
            finished_version=Version(version),
            retval=retval or make_retval(),
        ),
    )


def make_child_end(
    parent: ExecutionId,
    number: int = 1,
    *,
    join_set: JoinSetId = JOIN_SET,
    expected: int = 1,
    at: datetime = NOW,
    value: int = 55,
    holder: Holder | None = None,
) -> Append:
    """The end of a join set's ``number``-th child, with its parent's response."""
    response = make_child_response(
        parent, number, join_set=join_set, version=expected, at=at, retval=make_retval(value)
    )
    return make_append(
        child_id(parent, join_set, number),
        make_finished(value),
        expected=expected,
        at=at,
        holder=holder,
        responses=[response],
    )


def make_delay_request(
    parent: ExecutionId,
    number: int = 1,
    *,
    join_set: JoinSetId = JOIN_SET,
    expires_at: datetime | None = None,
    paused: bool = False,
) -> e.DelayRequested:
    """The request of a join set's ``number``-th delay; it expires at `NOW` unless told otherwise."""
    return e.DelayRequested(
        join_set_id=join_set,
        delay_id=delay_id(parent, join_set, number),
        expires_at=expires_at or NOW,
        schedule_at=Now(),
        paused=paused,
    )


def make_delay_response(
    parent: ExecutionId, number: int = 1, *, join_set: JoinSetId = JOIN_SET, at: datetime = NOW
) -> e.Response:
    """The response of a join set's ``number``-th delay."""
    return e.Response(
        execution_id=parent,
        join_set_id=join_set,
        created_at=at,
        event=e.DelayFinished(delay_id=delay_id(parent, join_set, number)),
    )


def make_delay_end(delay: DelayId, *, at: datetime = NOW, cancelled: bool = False) -> FinishDelay:
    """A delay fires, or is cancelled."""
    return FinishDelay(delay_id=delay, at=at, cancelled=cancelled)


def make_join_next(
    *, join_set: JoinSetId = JOIN_SET, run_expires_at: datetime | None = None, closing: bool = False
) -> e.JoinNext:
    """An await; the run may stay in memory for ten seconds from `NOW`."""
    return e.JoinNext(join_set_id=join_set, run_expires_at=run_expires_at or after(10), closing=closing)


def make_lockable(
    *,
    component_id: ComponentId | None = None,
    ffqns: tuple[str, ...] = (FFQN,),
    strategy: LockingStrategy = LockingStrategy.BY_FFQNS,
    limit: int = 100,
) -> Lockable:
    """A component that an executor can run."""
    return Lockable(component_id=component_id or make_component_id(), ffqns=ffqns, strategy=strategy, limit=limit)


def make_lock_request(
    *choices: Lockable,
    now: datetime = NOW,
    until: datetime | None = None,
    holder: Holder | None = None,
    limit: int = 100,
) -> LockRequest:
    """An executor's request; ten seconds' locks of whatever `make_lockable` covers unless told otherwise."""
    return LockRequest(
        now=now,
        choices=tuple(
            (
                choice,
                make_locked(holder, until=until or now + timedelta(seconds=10), component_id=choice.component_id),
            )
            for choice in choices or (make_lockable(),)
        ),
        limit=limit,
    )


def make_http_exchange(
    execution_id: ExecutionId | None = None,
    *,
    url: str = "http://a.test/x",
    status: int | None = 200,
    error: str | None = None,
) -> HttpExchange:
    """What is remembered of a request."""
    return HttpExchange(
        execution_id=execution_id or make_execution_id(1),
        run_id=RunId("Run_1"),
        started_at=NOW,
        duration=timedelta(milliseconds=5),
        method="GET",
        url=url,
        status=status,
        error=error,
        request_bytes=0,
        response_bytes=2,
    )


def make_log_line(execution_id: ExecutionId | None = None, *, message: str = "careful") -> LogLine:
    """A line that a guest printed."""
    return LogLine(
        execution_id=execution_id or make_execution_id(1),
        run_id=RunId("Run_1"),
        created_at=NOW,
        level=None,
        message=message,
        stream="stdout",
    )
