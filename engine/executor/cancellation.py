"""Cancelling executions and delays.

A cancelled run is stopped first and reported as cancelled afterwards, so that nobody hears of the end of something that
still goes on.

Source:
    Obelisk reference, sections 5.8 and 6.4.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from engine.deployment.spec import ComponentType
from engine.errors import AlreadyFinished, ExecutionNotFound, JournalError, VersionConflict
from engine.executor.ends import end_of
from engine.executor.services import ExecutorServices
from engine.journal.records import Append, FinishDelay
from engine.log.events import (
    CancellationRequested,
    ChildRequested,
    DelayRequested,
    JoinNext,
    JoinNextTry,
    LogEntry,
    TryOutcome,
)
from engine.log.ids import DELAY_PREFIX, DelayId, ExecutionId, JoinSetId, Version
from engine.log.return_values import CANCELLED
from engine.log.state import ExecutionState, Holder, Lifecycle, Status
from engine.wit.names import CANCELLABLE_SUFFIX
from engine.workflow.join_sets import MemberId, member_of


def request_cancellation(services: ExecutorServices, member: MemberId) -> bool:
    """Ask that an execution or delay be cancelled; asking again changes nothing.

    Args:
        services: The executor's parts.
        member: An execution of any kind, or a delay.

    Returns:
        Whether it is cancelled or will be; ``False`` for a workflow that must be awaited and for what ended already.
    """
    if member.startswith(DELAY_PREFIX):
        return _cancel_delay(services, DelayId(member))
    return _cancel_execution(services, ExecutionId(member))


def is_cancellable(state: ExecutionState) -> bool:
    """Whether an execution may be cancelled."""
    return is_cancellable_call(state.component_id.component_type, state.ffqn)


def is_cancellable_call(component_type: ComponentType, ffqn: str) -> bool:
    """Whether calls of a function may be cancelled: activities always, workflows that say so in their name."""
    match component_type:
        case ComponentType.ACTIVITY | ComponentType.ACTIVITY_STUB:
            return True
        case ComponentType.WORKFLOW:
            return ffqn.endswith(CANCELLABLE_SUFFIX)
        case _:
            return False


def drive_cancellation(services: ExecutorServices, state: ExecutionState) -> bool:
    """Bring a cancelling execution that nobody runs closer to its end; tell whether it ended.

    An activity ends at once. A workflow ends when everything that it left open has ended; activities and delays among
    that are cancelled, newest first.
    """
    at_once = end_at_once(state, services.clock.now())
    if at_once is not None:
        return _commit(services, at_once)
    members = _open_members(services, state.execution_id)
    if members:
        for member in reversed(members):
            request_cancellation(services, member)
        members = _open_members(services, state.execution_id)
    if members:
        return False
    return _commit(services, _closing_end(services, state))


def end_at_once(state: ExecutionState, now: datetime) -> Append | None:
    """Return the end of a cancelling execution that nobody runs; ``None`` of a workflow, which may have more to end."""
    return None if state.component_id.component_type is ComponentType.WORKFLOW else end_of(state, CANCELLED, now)


def end_refused_run(services: ExecutorServices, execution_id: ExecutionId, holder: Holder) -> None:
    """Look after an execution whose run was refused to write: if it is being cancelled, its end is that.

    Args:
        services: The executor's parts.
        execution_id: The execution; its run is over.
        holder: Whose run it was.

    Raises:
        JournalUnavailable: If the storage did not answer.
    """
    try:
        state = services.journal.state_of(execution_id)
    except ExecutionNotFound:
        # Its creation was refused too.
        return
    if state.lifecycle is Lifecycle.CANCELLING and state.holder == holder:
        drive_cancellation(services, state)


def _cancel_delay(services: ExecutorServices, delay: DelayId) -> bool:
    try:
        services.commits.commit(FinishDelay(delay_id=delay, at=services.clock.now(), cancelled=True))
    except AlreadyFinished:
        return False
    return True


def _cancel_execution(services: ExecutorServices, execution_id: ExecutionId) -> bool:
    while True:
        try:
            state = services.journal.state_of(execution_id)
        except ExecutionNotFound:
            return False
        if state.is_finished or not is_cancellable(state):
            return False
        if state.lifecycle is Lifecycle.CANCELLING:
            return True
        now = services.clock.now()
        entry = LogEntry(state.next_version, now, CancellationRequested())
        request = Append(execution_id=execution_id, expected=state.next_version, entries=(entry,))
        try:
            services.commits.commit(request)
        except (VersionConflict, AlreadyFinished):
            # It moved on meanwhile: look again.
            continue
        services.running.stop(execution_id)
        if not is_held(state, now):
            state.next_version = Version(state.next_version + 1)
            drive_cancellation(services, state)
        return True


def is_held(state: ExecutionState, now: datetime) -> bool:
    """Whether a run may be under way: an unexpired lock says so."""
    return state.status is Status.LOCKED and state.due_at > now


def _commit(services: ExecutorServices, write: Append) -> bool:
    try:
        services.commits.commit(write)
    except JournalError:
        # Somebody else brought its end, or it moved on; the next tick looks again.
        return False
    return True


def _open_members(services: ExecutorServices, execution_id: ExecutionId) -> list[MemberId]:
    """Return what a workflow submitted and has no response for, oldest first."""
    arrived = {member_of(response) for response in services.journal.load_responses(execution_id)}
    members: list[MemberId] = []
    for entry in services.journal.load_log(execution_id):
        match entry.event:
            case ChildRequested(child_execution_id=child, error=None) if child not in arrived:
                members.append(child)
            case DelayRequested(delay_id=delay) if delay not in arrived:
                members.append(delay)
            case _:
                pass
    return members


def _closing_end(services: ExecutorServices, state: ExecutionState) -> Append:
    """Return the end of a cancelled workflow: a closing await for each response it did not consume, then the end."""
    now = services.clock.now()
    unconsumed: dict[JoinSetId, int] = {}
    for response in services.journal.load_responses(state.execution_id):
        unconsumed[response.join_set_id] = unconsumed.get(response.join_set_id, 0) + 1
    for entry in services.journal.load_log(state.execution_id):
        match entry.event:
            case JoinNext(join_set_id=join_set) | JoinNextTry(join_set_id=join_set, outcome=TryOutcome.FOUND):
                unconsumed[join_set] -= 1
            case _:
                pass
    closing = [
        JoinNext(join_set_id=join_set, run_expires_at=now, closing=True)
        for join_set, count in unconsumed.items()
        for _ in range(count)
    ]
    entries = tuple(LogEntry(Version(state.next_version + index), now, event) for index, event in enumerate(closing))
    ended = end_of(replace(state, next_version=Version(state.next_version + len(entries))), CANCELLED, now)
    return Append(
        execution_id=state.execution_id,
        expected=state.next_version,
        entries=entries + ended.entries,
        responses=ended.responses,
    )
