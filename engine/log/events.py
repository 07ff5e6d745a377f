"""Everything that can happen to an execution, as data.

Values travel as JSON text (`JsonText`): compact, canonical, equal exactly when the values are equal. So an event can be
stored, compared and passed on without being parsed again.

Source:
    Obelisk reference, sections 5.1 to 5.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from engine.deployment.spec import ComponentId
from engine.log.ids import DelayId, DeploymentId, ExecutionId, ExecutorId, JoinSetId, RunId, Version

JsonText = NewType("JsonText", str)
"""Compact JSON text of a canonical value."""


class FailureKind(StrEnum):
    """Why the platform, not the function, ended an execution."""

    TIMED_OUT = "timed_out"
    NONDETERMINISM_DETECTED = "nondeterminism_detected"
    OUT_OF_FUEL = "out_of_fuel"
    CANCELLED = "cancelled"
    UNCATEGORIZED = "uncategorized"


@dataclass(frozen=True, slots=True)
class TypedValue:
    """A value with the text of its WIT type."""

    type: str
    value: JsonText


@dataclass(frozen=True, slots=True)
class Returned:
    """The function returned its ``result``.

    Args:
        ok: Whether it is the ok case.
        payload: What the case carries; ``None`` for a case without payload.
    """

    ok: bool
    payload: TypedValue | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The platform ended the execution.

    Args:
        kind: Why.
        reason: One sentence for people.
        detail: More, such as a trace.
    """

    kind: FailureKind
    reason: str | None = None
    detail: str | None = None


ReturnValue = Returned | Failed
CANCELLED = Failed(kind=FailureKind.CANCELLED)


@dataclass(frozen=True, slots=True)
class Now:
    """Start or fire at once."""


@dataclass(frozen=True, slots=True)
class At:
    """Start or fire at an instant."""

    instant: datetime


@dataclass(frozen=True, slots=True)
class In:
    """Start or fire after a while."""

    duration: timedelta


ScheduleAt = Now | At | In
"""An intention; replay compares intentions, not the instants they led to."""


def scheduled_instant(schedule: ScheduleAt, now: datetime) -> datetime:
    """Return when a schedule falls due.

    Raises:
        OverflowError: If the instant is out of range.
    """
    match schedule:
        case Now():
            return now
        case At(instant=instant):
            return instant
        case In(duration=duration):
            return now + duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """The execution exists. Always version 0.

    Args:
        ffqn: Function to run.
        params: JSON array of its parameters.
        parent: The execution and join set that wait for it, or ``None`` at top level.
        scheduled_at: When it may first run.
        component_id: The component that will run it.
        deployment_id: The deployment that created it.
        metadata: Trace context, as header name to value.
        scheduled_by: The execution that scheduled it without waiting for it.
    """

    ffqn: str
    params: JsonText
    parent: tuple[ExecutionId, JoinSetId] | None = None
    scheduled_at: datetime
    component_id: ComponentId
    deployment_id: DeploymentId
    metadata: tuple[tuple[str, str], ...] = ()
    scheduled_by: ExecutionId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """One executor may run it until ``lock_expires_at``; by the same run it extends the lock."""

    component_id: ComponentId
    executor_id: ExecutorId
    deployment_id: DeploymentId
    run_id: RunId
    lock_expires_at: datetime
    max_retries: int | None
    retry_backoff: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocked:
    """The lock is given back; the execution may be locked again at ``backoff_expires_at``."""

    backoff_expires_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporarilyFailed:
    """A run failed and will be retried at ``backoff_expires_at``."""

    backoff_expires_at: datetime
    reason: str
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporarilyTimedOut:
    """A run outlived its lock and will be retried at ``backoff_expires_at``."""

    backoff_expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The end. Nothing can follow."""

    retval: ReturnValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """No executor may lock it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaused:
    """Executors may lock it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationRequested:
    """It is being cancelled; executors leave it alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentUpgradeFinished:
    """A switch to another version of the component succeeded, or was found impossible.

    Args:
        component_digest: The other version.
        deployment_id: The deployment it comes from.
        failure: Why it is impossible; ``None`` on success.
        automatic: Whether an executor did it by itself.
        forced: Whether the replay check was skipped.
    """

    component_digest: str
    deployment_id: DeploymentId
    failure: str | None = None
    automatic: bool = True
    forced: bool = False


# History events: the part of the log that replay reads.


@dataclass(frozen=True, slots=True)
class RandomU64:
    """A random integer in ``[min, max_inclusive]``."""

    min: int
    max_inclusive: int


@dataclass(frozen=True, slots=True)
class RandomString:
    """Random letters and digits, of a length in ``[min_length, max_length_exclusive)``."""

    min_length: int
    max_length_exclusive: int


@dataclass(frozen=True, slots=True)
class GeneratedExecutionId:
    """A fresh top-level execution id."""


PersistKind = RandomU64 | RandomString | GeneratedExecutionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Persist:
    """A value that the host made up.

    Args:
        value: u64 as 8 big-endian bytes, a string as UTF-8, an id's ULID as 16 big-endian bytes.
        kind: What was asked for.
    """

    value: bytes
    kind: PersistKind


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinSetCreated:
    """A join set exists."""

    join_set_id: JoinSetId


@dataclass(frozen=True, slots=True)
class FunctionNotFound:
    """The requested function is not deployed."""


@dataclass(frozen=True, slots=True)
class TypeCheckError:
    """The parameters or the result do not fit the function."""

    message: str


SubmitError = FunctionNotFound | TypeCheckError


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildRequested:
    """A child was submitted to a join set.

    Args:
        join_set_id: Where its response will arrive.
        child_execution_id: Its id, taken even when the request failed.
        target_ffqn: Function to run.
        params: JSON array.
        error: Why no child was created, or ``None``.
    """

    join_set_id: JoinSetId
    child_execution_id: ExecutionId
    target_ffqn: str
    params: JsonText
    error: SubmitError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayRequested:
    """A durable timer was submitted to a join set."""

    join_set_id: JoinSetId
    delay_id: DelayId
    expires_at: datetime
    schedule_at: ScheduleAt
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinNext:
    """The workflow waits for the next response of a join set. The only event that can block.

    Args:
        join_set_id: Where it waits.
        run_expires_at: Until when the run that wrote it may stay in memory.
        requested_ffqn: The function that a typed await expects.
        closing: Whether the join set is being closed.
    """

    join_set_id: JoinSetId
    run_expires_at: datetime
    requested_ffqn: str | None = None
    closing: bool = False


class TryOutcome(StrEnum):
    """What a look without waiting found."""

    FOUND = "found"
    PENDING = "pending"
    ALL_PROCESSED = "all_processed"


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinNextTry:
    """The workflow looked for a response without waiting."""

    join_set_id: JoinSetId
    outcome: TryOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinNextTooMany:
    """The workflow awaited more than it submitted."""

    join_set_id: JoinSetId
    requested_ffqn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A top-level execution was started without waiting for it.

    Args:
        target_ffqn: Function to run; empty in logs that did not record it.
        params_hash: SHA-256 of the parameters as hex; with ``target_ffqn`` it lets replay notice a changed target.
    """

    execution_id: ExecutionId
    schedule_at: ScheduleAt
    target_ffqn: str = ""
    params_hash: str = ""
    error: SubmitError | None = None


@dataclass(frozen=True, slots=True)
class StubNotFound:
    """There is no such stub execution."""


@dataclass(frozen=True, slots=True)
class StubConflict:
    """The stub execution already finished with another value."""


StubError = StubNotFound | StubConflict | TypeCheckError


@dataclass(frozen=True, slots=True, kw_only=True)
class Stubbed:
    """The workflow supplied a stub execution's result.

    Args:
        target_execution_id: The stub execution.
        retval_hash: ``01`` and the SHA-256 of the return value, as hex.
        error: Why it did not count, or ``None``.
    """

    target_execution_id: ExecutionId
    retval_hash: str
    error: StubError | None = None


HistoryEvent = (
    Persist
    | JoinSetCreated
    | ChildRequested
    | DelayRequested
    | JoinNext
    | JoinNextTry
    | JoinNextTooMany
    | Scheduled
    | Stubbed
)
HISTORY_EVENTS = (
    Persist,
    JoinSetCreated,
    ChildRequested,
    DelayRequested,
    JoinNext,
    JoinNextTry,
    JoinNextTooMany,
    Scheduled,
    Stubbed,
)

ExecutionEvent = (
    Created
    | Locked
    | Unlocked
    | TemporarilyFailed
    | TemporarilyTimedOut
    | Finished
    | Paused
    | Unpaused
    | CancellationRequested
    | ComponentUpgradeFinished
    | HistoryEvent
)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An event at its place in the log."""

    version: Version
    created_at: datetime
    event: ExecutionEvent


# Responses: what came back to an execution's join sets.


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildFinished:
    """A child ended; its return value stands in its own log at ``finished_version``."""

    child_execution_id: ExecutionId
    finished_version: Version
    retval: ReturnValue


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayFinished:
    """A delay expired, or was cancelled."""

    delay_id: DelayId
    cancelled: bool = False


ResponseEvent = ChildFinished | DelayFinished


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One response, at its place in the order of arrival.

    Args:
        execution_id: The execution that it is for.
        cursor: Its place among that execution's responses, from 1 without gaps; 0 while not stored yet.
        join_set_id: The join set that it belongs to.
        created_at: When it arrived.
        event: What came back.
        at_version: How many events the receiving log held when it arrived; orders responses among events.
    """

    execution_id: ExecutionId
    cursor: int = 0
    at_version: int = 0
    join_set_id: JoinSetId
    created_at: datetime
    event: ResponseEvent
