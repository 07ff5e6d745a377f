"""Everything that can happen to an execution, as data.

Values travel as JSON text (`JsonText`): compact, canonical, equal exactly when the values are equal. So an event can be
stored, compared and passed on without being parsed again.

Source:
    Obelisk reference, sections 5.1 to 5.3.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from engine.deployment.spec import ComponentId
from engine.log.ids import DelayId, DeploymentId, ExecutionId, ExecutorId, JoinSetId, RunId, Version
from engine.log.return_values import JsonText, ReturnValue
from engine.log.schedules import ScheduleAt

Metadata = tuple[tuple[str, str], ...]
"""What a creation carries along: names and values."""


class Created(Struct, frozen=True, kw_only=True, gc=False):
    """The execution exists. Always version 0.

    Args:
        ffqn: Function to run.
        params: JSON array of its parameters.
        parent: The execution and join set that wait for it, or ``None`` at top level.
        scheduled_at: When it may first run.
        component_id: The component that will run it.
        deployment_id: The deployment that created it.
        metadata: What it carries along: a secret seed, labels, options of the call, trace context.
        scheduled_by: The execution that scheduled it without waiting for it.
    """

    ffqn: str
    params: JsonText
    parent: tuple[ExecutionId, JoinSetId] | None = None
    scheduled_at: datetime
    component_id: ComponentId
    deployment_id: DeploymentId
    metadata: Metadata = ()
    scheduled_by: ExecutionId | None = None


class Locked(Struct, frozen=True, kw_only=True, gc=False):
    """One executor may run it until ``lock_expires_at``; by the same run it extends the lock."""

    component_id: ComponentId
    executor_id: ExecutorId
    deployment_id: DeploymentId
    run_id: RunId
    lock_expires_at: datetime
    max_retries: int | None
    retry_backoff: timedelta


class Unlocked(Struct, frozen=True, kw_only=True, gc=False):
    """The lock is given back; the execution may be locked again at ``backoff_expires_at``."""

    backoff_expires_at: datetime
    reason: str


class TemporarilyFailed(Struct, frozen=True, kw_only=True, gc=False):
    """A run failed and will be retried at ``backoff_expires_at``."""

    backoff_expires_at: datetime
    reason: str
    detail: str | None = None


class TemporarilyTimedOut(Struct, frozen=True, kw_only=True, gc=False):
    """A run outlived its lock and will be retried at ``backoff_expires_at``."""

    backoff_expires_at: datetime


class Finished(Struct, frozen=True, kw_only=True, gc=False):
    """The end. Nothing can follow.

    Args:
        retval: What waiting executions and people get.
        detail: Where in the guest's source an error came from; for people only, no execution sees it.
    """

    retval: ReturnValue
    detail: str | None = None


class Paused(Struct, frozen=True, kw_only=True, gc=False):
    """No executor may lock it."""


class Unpaused(Struct, frozen=True, kw_only=True, gc=False):
    """Executors may lock it again."""


class CancellationRequested(Struct, frozen=True, kw_only=True, gc=False):
    """It is being cancelled; executors leave it alone."""


class ComponentUpgradeFinished(Struct, frozen=True, kw_only=True, gc=False):
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


class RandomU64(Struct, frozen=True, gc=False):
    """A random integer in ``[min, max_inclusive]``."""

    min: int
    max_inclusive: int


class RandomString(Struct, frozen=True, gc=False):
    """Random letters and digits, of a length in ``[min_length, max_length_exclusive)``."""

    min_length: int
    max_length_exclusive: int


class GeneratedExecutionId(Struct, frozen=True, gc=False):
    """A fresh top-level execution id."""


PersistKind = RandomU64 | RandomString | GeneratedExecutionId


class Persist(Struct, frozen=True, kw_only=True, gc=False):
    """A value that the host made up.

    Args:
        value: u64 as 8 big-endian bytes, a string as UTF-8, an id's ULID as 16 big-endian bytes.
        kind: What was asked for.
    """

    value: bytes
    kind: PersistKind


class JoinSetCreated(Struct, frozen=True, kw_only=True, gc=False):
    """A join set exists."""

    join_set_id: JoinSetId


class FunctionNotFound(Struct, frozen=True, gc=False):
    """The requested function is not deployed."""


class TypeCheckError(Struct, frozen=True, gc=False):
    """The parameters or the result do not fit the function."""

    message: str


SubmitError = FunctionNotFound | TypeCheckError


class ChildRequested(Struct, frozen=True, kw_only=True, gc=False):
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


class DelayRequested(Struct, frozen=True, kw_only=True, gc=False):
    """A durable timer was submitted to a join set."""

    join_set_id: JoinSetId
    delay_id: DelayId
    expires_at: datetime
    schedule_at: ScheduleAt
    paused: bool = False


class JoinNext(Struct, frozen=True, kw_only=True, gc=False):
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


class JoinNextTry(Struct, frozen=True, kw_only=True, gc=False):
    """The workflow looked for a response without waiting."""

    join_set_id: JoinSetId
    outcome: TryOutcome


class JoinNextTooMany(Struct, frozen=True, kw_only=True, gc=False):
    """The workflow awaited more than it submitted."""

    join_set_id: JoinSetId
    requested_ffqn: str | None = None


class Scheduled(Struct, frozen=True, kw_only=True, gc=False):
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


class StubNotFound(Struct, frozen=True, gc=False):
    """There is no such stub execution."""


class StubConflict(Struct, frozen=True, gc=False):
    """The stub execution already finished with another value."""


StubError = StubNotFound | StubConflict | TypeCheckError


class Stubbed(Struct, frozen=True, kw_only=True, gc=False):
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


class LogEntry(Struct, frozen=True, gc=False):
    """An event at its place in the log."""

    version: Version
    created_at: datetime
    event: ExecutionEvent


# Responses: what came back to an execution's join sets.


class ChildFinished(Struct, frozen=True, kw_only=True, gc=False):
    """A child ended; its return value stands in its own log at ``finished_version``."""

    child_execution_id: ExecutionId
    finished_version: Version
    retval: ReturnValue


class DelayFinished(Struct, frozen=True, kw_only=True, gc=False):
    """A delay expired, or was cancelled."""

    delay_id: DelayId
    cancelled: bool = False


ResponseEvent = ChildFinished | DelayFinished


class Response(Struct, frozen=True, kw_only=True, gc=False):
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
