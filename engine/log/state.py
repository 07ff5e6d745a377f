"""The state of an execution: a fold of its events and responses.

=====================  ==========================================  =========================================
event                  accepted in                                 becomes
=====================  ==========================================  =========================================
created                nothing (always version 0)                  pending_at its schedule
locked                 active and due pending_at                   locked
locked, same run       locked; blocked; pending_at later           the same with a later expiry, never pending
unlocked               locked; pending_at later than the instant   pending_at the instant
unlocked               pending_at, of a schedule's seed            pending_at the instant
unlocked               blocked_by_join_set                         blocked, lock expiry := the instant
temporarily_*          any but finished                            pending_at the backoff, one failure more
join_next, unanswered  locked; not yet due or paused pending_at    blocked_by_join_set
other history events   any but finished                            locked again if the run was still hot
response, awaited      blocked_by_join_set                         pending_at max(lock expiry, now)
response, other        any                                         unchanged
paused                 active pending_at or blocked                lifecycle paused
unpaused               paused                                      lifecycle active
cancellation_requested active or paused                            lifecycle cancelling
finished               any but finished                            finished
=====================  ==========================================  =========================================

`fold_event` changes its state in place: a step's few events are folded in a row on the write path, where a copy per
event costs more than the rest of the fold.

Source:
    Obelisk reference, section 5.4. Where it keeps a hot run ``pending_at``, ours shows it as locked.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NoReturn, assert_never

from msgspec import Struct

from engine.deployment.spec import ComponentId, ComponentType
from engine.errors import IllegalTransition
from engine.log import events as e
from engine.log.event_encoding import variant_of
from engine.log.ids import DeploymentId, ExecutionId, ExecutorId, JoinSetId, RunId, Version
from engine.log.return_values import Failed, Returned, ReturnValue


class Status(StrEnum):
    """What an execution is doing."""

    PENDING_AT = "pending_at"
    LOCKED = "locked"
    BLOCKED_BY_JOIN_SET = "blocked_by_join_set"
    FINISHED = "finished"


class Lifecycle(StrEnum):
    """What people want of an execution."""

    ACTIVE = "active"
    PAUSED = "paused"
    CANCELLING = "cancelling"


class Holder(Struct, frozen=True, gc=False):
    """Who holds, or last held, the lock."""

    executor_id: ExecutorId
    run_id: RunId


class ExecutionState(Struct, kw_only=True, gc=False):
    """One execution's state; equal to the row that the journal keeps.

    Args:
        due_at: When pending: the instant it may be locked. When locked or blocked: the instant the lock expires. When
            finished: the instant it ended.
        holder: Who holds the lock, or held it last.
        join_set_id: Where it is blocked.
        closing: Whether it is blocked by the closing of that join set.
        temporary_failures: Failed and timed-out runs so far.
        last_lock_version: Position of the last lock event.
        result_kind: ``ok``, ``error`` or a `FailureKind`, once finished.
        incompatible_digest: A component version that cannot replay this log.
        response_count: Responses that arrived.
    """

    execution_id: ExecutionId
    ffqn: str
    component_id: ComponentId
    deployment_id: DeploymentId
    created_at: datetime
    first_scheduled_at: datetime
    parent: tuple[ExecutionId, JoinSetId] | None
    scheduled_by: ExecutionId | None
    next_version: Version
    status: Status
    due_at: datetime
    holder: Holder | None = None
    join_set_id: JoinSetId | None = None
    closing: bool = False
    lifecycle: Lifecycle = Lifecycle.ACTIVE
    temporary_failures: int = 0
    max_retries: int | None = None
    retry_backoff: timedelta = timedelta()
    last_lock_version: Version | None = None
    result_kind: str | None = None
    incompatible_digest: str | None = None
    response_count: int = 0

    @property
    def is_finished(self) -> bool:
        """Whether nothing can be appended any more."""
        return self.status is Status.FINISHED

    def is_held_by(self, holder: Holder, now: datetime) -> bool:
        """Tell whether this run's lock is unexpired and nobody ended its run."""
        return self.holder == holder and self.due_at > now and self.status is not Status.FINISHED


def result_kind_of(retval: ReturnValue) -> str:
    """Return the short name of how an execution ended."""
    match retval:
        case Returned(ok=True):
            return "ok"
        case Returned():
            return "error"
        case Failed(kind=kind):
            return kind.value
        case _:
            assert_never(retval)


def initial_state(execution_id: ExecutionId, entry: e.LogEntry) -> ExecutionState:
    """Return the state after the ``created`` event.

    Raises:
        IllegalTransition: If the entry is not version 0 or not ``created``.
    """
    event = entry.event
    if not isinstance(event, e.Created) or entry.version != 0:
        raise IllegalTransition(f"{execution_id}: a log starts with created at version 0, got {variant_of(event)}")
    return ExecutionState(
        execution_id=execution_id,
        ffqn=event.ffqn,
        component_id=event.component_id,
        deployment_id=event.deployment_id,
        created_at=entry.created_at,
        first_scheduled_at=event.scheduled_at,
        parent=event.parent,
        scheduled_by=event.scheduled_by,
        next_version=Version(1),
        status=Status.PENDING_AT,
        due_at=event.scheduled_at,
    )


_OF_HISTORY = frozenset(e.HISTORY_EVENTS)


def fold_event(state: ExecutionState, entry: e.LogEntry, *, awaits: bool = False) -> None:
    """Apply one event, in place.

    Args:
        state: State before; after the call, state behind the event.
        entry: Its version must be ``state.next_version``.
        awaits: For a ``join_next``: whether its response has yet to arrive.

    Raises:
        IllegalTransition: If the state does not accept the event; the state is unchanged then.
    """
    event = entry.event
    if state.status is Status.FINISHED:
        _refuse(state, event, "it is finished")
    if entry.version != state.next_version:
        _refuse(state, event, f"version {entry.version} given, {state.next_version} is next")
    if type(event) in _OF_HISTORY and not awaits:
        # Most events, by far: what a run at work records.
        if state.status is not Status.LOCKED:
            _note_run(state, entry.created_at)
        state.next_version = Version(entry.version + 1)
        return
    match event:
        case e.Locked():
            _lock(state, event, entry)
        case e.Finished(retval=retval):
            state.status = Status.FINISHED
            state.lifecycle = Lifecycle.ACTIVE
            state.due_at = entry.created_at
            state.result_kind = result_kind_of(retval)
            _clear_block(state)
        case e.Unlocked(backoff_expires_at=instant):
            _unlock(state, event, instant)
        case e.TemporarilyFailed(backoff_expires_at=instant) | e.TemporarilyTimedOut(backoff_expires_at=instant):
            state.status = Status.PENDING_AT
            state.due_at = instant
            state.temporary_failures += 1
            _clear_block(state)
        case e.Paused():
            if state.lifecycle is not Lifecycle.ACTIVE or state.status is Status.LOCKED:
                _refuse(state, event, f"it is {state.lifecycle} and {state.status}")
            state.lifecycle = Lifecycle.PAUSED
        case e.Unpaused():
            if state.lifecycle is not Lifecycle.PAUSED:
                _refuse(state, event, "it is not paused")
            state.lifecycle = Lifecycle.ACTIVE
        case e.CancellationRequested():
            if state.lifecycle is Lifecycle.CANCELLING:
                _refuse(state, event, "it is already being cancelled")
            state.lifecycle = Lifecycle.CANCELLING
        case e.ComponentUpgradeFinished():
            _upgrade(state, event)
        case e.Created():
            _refuse(state, event, "it exists")
        case e.JoinNext() if awaits:
            if not _may_block(state, entry.created_at):
                _refuse(state, event, f"it is {state.status}")
            state.status = Status.BLOCKED_BY_JOIN_SET
            state.join_set_id = event.join_set_id
            state.closing = event.closing
            state.due_at = event.run_expires_at
        case _:
            _note_run(state, entry.created_at)
    state.next_version = Version(entry.version + 1)


def fold_response(state: ExecutionState, response: e.Response) -> None:
    """Apply one response, in place; it may wake the execution.

    Args:
        state: State of the execution that the response is for.
        response: Its cursor must be the next one.

    Raises:
        IllegalTransition: If the cursor leaves a gap.
    """
    if response.cursor != state.response_count + 1:
        raise IllegalTransition(
            f"{state.execution_id}: response cursor {response.cursor} given, {state.response_count + 1} is next"
        )
    state.response_count = response.cursor
    if (
        state.status is Status.BLOCKED_BY_JOIN_SET
        and state.join_set_id == response.join_set_id
        and state.lifecycle is not Lifecycle.CANCELLING
    ):
        state.status = Status.PENDING_AT
        state.due_at = max(state.due_at, response.created_at)
        _clear_block(state)


def fold_log(
    execution_id: ExecutionId, entries: Iterable[e.LogEntry], responses: Iterable[e.Response] = ()
) -> ExecutionState:
    """Return the state that a whole log gives; the slow, independent way that tests and repairs compare with.

    Args:
        execution_id: Whose log it is.
        entries: All events, oldest first.
        responses: All responses, in order of arrival.
    """
    remaining = sorted(responses, key=lambda response: response.cursor)
    consumed: dict[JoinSetId, int] = {}
    state: ExecutionState | None = None
    for entry in entries:
        if state is None:
            state = initial_state(execution_id, entry)
            continue
        match entry.event:
            case e.JoinNext(join_set_id=join_set):
                consumed[join_set] = consumed.get(join_set, 0) + 1
            case e.JoinNextTry(join_set_id=join_set, outcome=e.TryOutcome.FOUND):
                consumed[join_set] = consumed.get(join_set, 0) + 1
            case _:
                pass
        while state.response_count < len(remaining) and remaining[state.response_count].at_version <= entry.version:
            fold_response(state, remaining[state.response_count])
        fold_event(state, entry, awaits=_awaits(entry.event, remaining[: state.response_count], consumed))
    if state is None:
        raise IllegalTransition(f"{execution_id}: an empty log has no state")
    while state.response_count < len(remaining):
        fold_response(state, remaining[state.response_count])
    return state


def _awaits(event: e.ExecutionEvent, arrived: list[e.Response], consumed: dict[JoinSetId, int]) -> bool:
    if not isinstance(event, e.JoinNext):
        return False
    there = sum(1 for response in arrived if response.join_set_id == event.join_set_id)
    return there < consumed[event.join_set_id]


def _may_block(state: ExecutionState, now: datetime) -> bool:
    """Whether a run is at work that may begin to wait, or a person advances a paused execution step by step."""
    is_advanced = state.lifecycle is Lifecycle.PAUSED and state.status is Status.PENDING_AT
    return state.status is Status.LOCKED or is_advanced or _is_hot(state, now)


def _is_hot(state: ExecutionState, now: datetime) -> bool:
    """Whether the run that holds the lock is still in memory although a response made the row pending."""
    return (
        state.status in (Status.PENDING_AT, Status.BLOCKED_BY_JOIN_SET)
        and state.lifecycle is Lifecycle.ACTIVE  # a paused or cancelled run has lost its right to go on
        and state.holder is not None
        and state.due_at > now
    )


def _note_run(state: ExecutionState, now: datetime) -> None:
    """Hear that the run that holds the lock got on."""
    if _is_hot(state, now):
        state.status = Status.LOCKED
        _clear_block(state)


def _lock(state: ExecutionState, event: e.Locked, entry: e.LogEntry) -> None:
    now = entry.created_at
    holder = Holder(event.executor_id, event.run_id)
    if event.lock_expires_at <= now:
        _refuse(state, event, "the lock would be expired")
    if state.lifecycle is not Lifecycle.ACTIVE:
        _refuse(state, event, f"it is {state.lifecycle}")
    extends = state.holder == holder and (state.status is Status.LOCKED or _is_hot(state, now))
    is_due = state.status is Status.PENDING_AT and state.due_at <= now
    if not extends and not is_due:
        _refuse(state, event, f"it is {state.status} until {state.due_at.isoformat()}")
    if state.status is not Status.BLOCKED_BY_JOIN_SET:
        # A run that waits in memory extends its lock and goes on waiting.
        state.status = Status.LOCKED
    state.due_at = event.lock_expires_at
    state.holder = holder
    state.max_retries = event.max_retries
    state.retry_backoff = event.retry_backoff
    if not extends:
        state.last_lock_version = entry.version
        # The version in whose name it is locked: the one that will run it.
        state.component_id = event.component_id
        state.deployment_id = event.deployment_id


def _unlock(state: ExecutionState, event: e.Unlocked, instant: datetime) -> None:
    if state.lifecycle is not Lifecycle.ACTIVE:
        _refuse(state, event, f"it is {state.lifecycle}")
    is_seed = state.component_id.component_type is ComponentType.CRON
    if state.status is Status.PENDING_AT and state.due_at <= instant and not is_seed:
        # Only a tick may be left out; whatever else is put off has failed or was locked before.
        _refuse(state, event, "it is pending already")
    if state.status is not Status.BLOCKED_BY_JOIN_SET:
        state.status = Status.PENDING_AT
    state.due_at = instant


def _upgrade(state: ExecutionState, event: e.ComponentUpgradeFinished) -> None:
    if event.failure is not None:
        state.incompatible_digest = event.component_digest
        return
    old = state.component_id
    state.component_id = ComponentId(component_type=old.component_type, name=old.name, digest=event.component_digest)
    state.deployment_id = event.deployment_id
    state.incompatible_digest = None


def _clear_block(state: ExecutionState) -> None:
    state.join_set_id = None
    state.closing = False


def _refuse(state: ExecutionState, event: e.ExecutionEvent, why: str) -> NoReturn:
    raise IllegalTransition(f"{state.execution_id}: {variant_of(event)} is not accepted: {why}")
