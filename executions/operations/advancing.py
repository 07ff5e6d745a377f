"""Advancing a paused workflow step by step: applying the beginning of what a replay captured.

Source:
    Obelisk reference, section 5.9. That the workflow must be paused is ours: an executor would be in the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from msgspec.structs import replace

from engine.errors import AlreadyFinished, JournalError, VersionConflict
from engine.executor.ends import end_of
from engine.journal.ledger import fold_new
from engine.journal.protocol import Journal
from engine.journal.records import Append, FinishDelay, NewExecution, Write
from engine.log.events import DelayFinished, DelayRequested, LogEntry, Paused
from engine.log.ids import DELAY_PREFIX, DelayId, ExecutionId, Version
from engine.log.return_values import ReturnValue
from engine.log.state import ExecutionState, Lifecycle
from engine.replay.outcomes import Advanceable, CapturedWrite, ReplayFailed, StubEnd
from engine.replay.subject import load_subject
from engine.workflow.join_sets import MemberId
from executions.component_versions import make_replayer, version_of
from executions.journal.journal import SqlJournal
from executions.operations.cancelling import cancel
from executions.operations.captured_writes import (
    Json,
    encode_captured_write,
    is_same_write,
    paused_members,
    read_captured_writes,
)
from executions.operations.refusals import OperationRefused
from executions.operations.replaying import check_is_workflow
from executions.results import result_of


class VersionMismatch(OperationRefused):
    """The execution's log is not where the captured writes begin; ``expected`` is where it is."""

    def __init__(self, execution_id: ExecutionId, expected: Version) -> None:
        super().__init__(f"{execution_id} has moved on to version {expected}; replay it again")
        self.expected = expected


class ReplayMismatch(OperationRefused):
    """A replay gives other writes than those that were sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """How far an execution is now.

    Args:
        state: Its state.
        retval: Its result, if it has ended.
    """

    state: ExecutionState
    retval: ReturnValue | None


def advance(execution_id: ExecutionId, captured_writes: Json, *, journal: Journal | None = None) -> Advanced:
    """Apply the beginning of what a replay would write to a paused workflow.

    The replay is made again, and must give the same. Children and delays may be created paused.

    Args:
        execution_id: Which one.
        captured_writes: JSON data: what `encode_captured_write` gave for the replay's writes, cut after any of them,
            with ``paused`` set at child and delay requests as wanted.
        journal: Where it stands; the calling thread's database connection by default.

    Raises:
        CapturedWritesInvalid: If the data is no such list, or empty.
        VersionMismatch: If the execution has moved on.
        ReplayMismatch: If a replay does not give these writes.
        OperationRefused: If it is no paused workflow.
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    journal = journal or SqlJournal.for_current_connection()
    theirs = read_captured_writes(captured_writes)
    subject = load_subject(journal, execution_id)
    state = subject.state
    check_is_workflow(state)
    if state.lifecycle is not Lifecycle.PAUSED:
        raise OperationRefused(f"cannot advance {execution_id}: it is not paused")
    if theirs[0]["version"] != state.next_version:
        raise VersionMismatch(execution_id, state.next_version)
    outcome = make_replayer(journal).replay(subject, *version_of(state))
    match outcome:
        case Advanceable(writes=ours) | ReplayFailed(writes=ours):
            pass
        case _:
            ours = ()
    if len(theirs) > len(ours):
        raise ReplayMismatch(f"a replay of {execution_id} gives {len(ours)} writes, not {len(theirs)}")
    for index, (our, their) in enumerate(zip(ours, theirs, strict=False)):
        if not is_same_write(encode_captured_write(our), their):
            raise ReplayMismatch(f"captured_writes[{index}]: a replay of {execution_id} gives another write")
    _apply(journal, state, ours[: len(theirs)], paused_members(theirs))
    return Advanced(state=journal.state_of(execution_id), retval=result_of(journal, execution_id))


def _apply(journal: Journal, state: ExecutionState, captured: Sequence[CapturedWrite], paused: set[str]) -> None:
    now = timezone.now()
    writes: list[Write] = []
    born: dict[ExecutionId, ExecutionState] = {}
    for write in captured:
        # As an executor does it: what is to be cancelled is asked to be before the wait for it is written.
        _cancel_all(journal, write.cancels)
        if write.stub is not None:
            writes.append(_stub_end(journal, born, write.stub, now))
        append = _with_paused(write.append, paused)
        born.update((new.execution_id, fold_new(new)) for new in append.created)
        writes.append(append)
    for outcome in journal.commit(writes, now=now).outcomes:
        if isinstance(outcome, VersionConflict | AlreadyFinished):
            raise VersionMismatch(state.execution_id, journal.state_of(state.execution_id).next_version)
        if isinstance(outcome, JournalError):
            raise outcome


def _stub_end(journal: Journal, born: dict[ExecutionId, ExecutionState], stub: StubEnd, now: datetime) -> Append:
    state = born.get(stub.target) or journal.state_of(stub.target)
    if state.is_finished:
        raise ReplayMismatch(f"{stub.target} has ended meanwhile; replay again")
    return end_of(state, stub.retval, now)


def _with_paused(append: Append, paused: set[str]) -> Append:
    """Return a write with the wanted children and delays paused from their creation on."""
    fired = {response.event.delay_id for response in append.responses if isinstance(response.event, DelayFinished)}
    return replace(
        append,
        entries=tuple(_delay_paused(entry, paused - fired) for entry in append.entries),
        created=tuple(_child_paused(new) if new.execution_id in paused else new for new in append.created),
    )


def _delay_paused(entry: LogEntry, paused: Iterable[str]) -> LogEntry:
    event = entry.event
    if isinstance(event, DelayRequested) and event.delay_id in paused:
        return LogEntry(entry.version, entry.created_at, replace(event, paused=True))
    return entry


def _child_paused(new: NewExecution) -> NewExecution:
    pause = LogEntry(Version(len(new.entries)), new.entries[0].created_at, Paused())
    return NewExecution(new.execution_id, (*new.entries, pause))


def _cancel_all(journal: Journal, members: Iterable[MemberId]) -> None:
    for member in members:
        if member.startswith(DELAY_PREFIX):
            now = timezone.now()
            journal.commit([FinishDelay(delay_id=DelayId(member), at=now, cancelled=True)], now=now)
        else:
            cancel(ExecutionId(member), journal=journal)
