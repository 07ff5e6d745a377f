"""What is written to and read from the journal, as data."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from engine.deployment.spec import ComponentId, LockingStrategy, LogLevel
from engine.log.events import Created, Locked, LogEntry, Response
from engine.log.ids import DelayId, ExecutionId, JoinSetId, RunId, Version
from engine.log.return_values import ReturnValue
from engine.log.state import ExecutionState, Holder


class NewExecution(Struct, frozen=True, gc=False):
    """An execution that does not exist yet.

    Args:
        execution_id: Its id.
        entries: Its log from version 0 on; the first event is ``created``. More than one when it was already locked,
            run or paused by whoever creates it.
    """

    execution_id: ExecutionId
    entries: tuple[LogEntry, ...]


class Append(Struct, frozen=True, kw_only=True, gc=False):
    """One execution's next step: applied whole or not at all.

    Args:
        execution_id: Whose log grows.
        expected: Version that the log must have reached.
        holder: Set when a run writes: it must hold the unexpired lock. ``None`` for what anybody may write (cancel,
            pause, the end of an expired lock), which is guarded by ``expected`` alone.
        entries: Events from version ``expected`` on, without gap.
        awaits: The last entry is a ``join_next`` whose response the writer has not seen among the first
            ``responses_seen`` ones: the execution blocks unless a later response is already there.
        responses_seen: Cursor up to which the writer knows the responses.
        created: Executions that come into being with this step: children, and scheduled ones.
        responses: Responses that come with this step, to this execution or to its parent; cursors are given by
            the journal.
    """

    execution_id: ExecutionId
    expected: Version
    holder: Holder | None = None
    entries: tuple[LogEntry, ...] = ()
    awaits: bool = False
    responses_seen: int = 0
    created: tuple[NewExecution, ...] = ()
    responses: tuple[Response, ...] = ()


class Submit(Struct, frozen=True, gc=False):
    """A top-level execution brought by a client. Submitting the same call under the same id again changes nothing."""

    execution: NewExecution


class FinishDelay(Struct, frozen=True, kw_only=True, gc=False):
    """A delay fires, or is cancelled."""

    delay_id: DelayId
    at: datetime
    cancelled: bool = False


class PauseDelay(Struct, frozen=True, kw_only=True, gc=False):
    """A delay is paused, or goes on; one that is so already stays so."""

    delay_id: DelayId
    paused: bool


class Mail(Struct, frozen=True, kw_only=True, gc=False):
    """A signal that was sent to an execution.

    Args:
        execution_id: Who it is for.
        ffqn: The function whose call it is the result of.
        signal_id: The sender's name for it; one counts once.
        at: When it came.
        retval: The result.
        is_delivered: Whether a call has it. Such mail is kept to know its ``signal_id`` again.
        row: Its number in the storage; 0 while it is not stored.
    """

    execution_id: ExecutionId
    ffqn: str
    signal_id: str | None
    at: datetime
    retval: ReturnValue
    is_delivered: bool = False
    row: int = 0


class PostSignal(Struct, frozen=True, kw_only=True, gc=False):
    """A signal arrives: it ends the call that waits for it, or is kept until there is one.

    Sending a ``signal_id`` again changes nothing.

    Args:
        mail: The signal.
        expected: Version of the execution's log at which no call of the function waits; guards against one that is
            made at this moment. ``None`` if there is an ``end``.
        end: The end of the call that waits longest; the signal is refused with it.
    """

    mail: Mail
    expected: Version | None = None
    end: Append | None = None


Write = Append | Submit | FinishDelay | PauseDelay | PostSignal


class Committed(Struct, frozen=True, kw_only=True, gc=False):
    """A write that is durable.

    Args:
        next_version: Version of the execution's log behind it.
        responses_before: Responses of the execution that were there before the write.
        response_count: Responses of the execution behind the write.
        blocked: Whether an awaiting ``join_next`` really waits; False when its response was there already.
        is_new: For a submit, whether the execution was created by it.
    """

    next_version: Version
    responses_before: int = 0
    response_count: int = 0
    blocked: bool = False
    is_new: bool = True


class Hints(Struct, frozen=True, kw_only=True, gc=False):
    """Who may want to look again after a commit. Hints may be lost or repeated; the rows are the truth.

    Args:
        is_due: Whether something became lockable at once, and was not locked with the commit.
        pending_from: Earliest later instant at which something becomes lockable, or ``None``.
        delay_from: Earliest expiry of a new delay, or ``None``.
        responses_for: Executions that received a response.
        finished: Executions that ended.
    """

    is_due: bool = False
    pending_from: datetime | None = None
    delay_from: datetime | None = None
    responses_for: frozenset[ExecutionId] = frozenset()
    finished: frozenset[ExecutionId] = frozenset()

    def merge(self, other: Hints) -> Hints:
        """Return the hints of two commits as if they had been one."""
        return Hints(
            is_due=self.is_due or other.is_due,
            pending_from=_earlier(self.pending_from, other.pending_from),
            delay_from=_earlier(self.delay_from, other.delay_from),
            responses_for=self.responses_for | other.responses_for,
            finished=self.finished | other.finished,
        )


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((instant for instant in (one, other) if instant is not None), default=None)


class DelayRow(Struct, frozen=True, gc=False):
    """A delay that has not fired.

    Args:
        paused: A paused delay never fires.
    """

    delay_id: DelayId
    execution_id: ExecutionId
    join_set_id: JoinSetId
    expires_at: datetime
    paused: bool


class Lockable(Struct, frozen=True, kw_only=True, gc=False):
    """Executions of one component that an executor may lock.

    Args:
        component_id: The component as deployed now; the lock is taken in its name.
        ffqns: Functions it exports.
        strategy: Which stored component versions qualify.
        limit: Most executions of this component to lock now.
    """

    component_id: ComponentId
    ffqns: tuple[str, ...]
    strategy: LockingStrategy
    limit: int


class LockRequest(Struct, frozen=True, kw_only=True, gc=False):
    """Which due executions an executor would lock.

    Args:
        now: The present instant.
        choices: The components it can run, with the lock event to append for each.
        limit: Most executions in all.
        is_look: Whether to look for any although the writes that are committed with it make nothing due.
    """

    now: datetime
    choices: tuple[tuple[Lockable, Locked], ...]
    limit: int
    is_look: bool = False


_FRESH = 2
"""The version behind a creation and the first lock."""


class Outlook(Struct, frozen=True, kw_only=True, gc=False):
    """What time has brought about, and when it brings more.

    Args:
        is_pending: Whether executions are due that nobody has locked; not that anybody may run them.
        is_overdue: Whether delays are due, locks have expired for long enough, or executions are being cancelled.
        next_at: When the next pending execution or delay falls due, or a lock has expired for long enough.
    """

    is_pending: bool
    is_overdue: bool
    next_at: datetime | None


class LockedExecution(Struct, frozen=True, gc=False):
    """An execution that was just locked.

    Args:
        state: Its state behind the lock event.
        created: Its first event: function and parameters.
    """

    state: ExecutionState
    created: Created

    @property
    def is_first_run(self) -> bool:
        """Whether nothing but its creation came before this lock."""
        return self.state.next_version == _FRESH


class HttpExchange(Struct, frozen=True, kw_only=True, gc=False):
    """An HTTP request that a guest sent, or was not allowed to send; without headers and bodies.

    Args:
        execution_id: Whose guest it was.
        run_id: In which run.
        started_at: When it was sent off.
        duration: Until its response was read or given up, or it failed.
        method: Its method.
        url: As the guest wrote it: with placeholders where secrets go.
        status: The response's; ``None`` if none came.
        error: Why none came, or it broke off.
        request_bytes: Size of its body, as far as that was sent.
        response_bytes: Size of the response's body, as far as that arrived.
    """

    execution_id: ExecutionId
    run_id: RunId
    started_at: datetime
    duration: timedelta
    method: str
    url: str
    status: int | None
    error: str | None
    request_bytes: int
    response_bytes: int


class LogLine(Struct, frozen=True, kw_only=True, gc=False):
    """A line that a guest wrote.

    Args:
        stream: ``stdout`` or ``stderr`` for raw output; ``None`` for a log message.
    """

    execution_id: ExecutionId
    run_id: RunId
    created_at: datetime
    level: LogLevel | None
    message: str
    stream: str | None = None
