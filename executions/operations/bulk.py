"""One operation on many executions: counted first, then carried out in portions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from engine.errors import EngineError, JournalUnavailable
from engine.journal.protocol import Journal
from engine.log.events import CancellationRequested, ExecutionEvent
from engine.log.ids import ExecutionId
from engine.log.state import ExecutionState
from executions.operations.appending import Decision
from executions.operations.cancelling import Cancelling, cancel, cancelling
from executions.operations.forking import fork
from executions.operations.listing import ExecutionFilter, Place, matching, page_of
from executions.operations.pausing import pause, pausing, unpause, unpausing
from executions.operations.refusals import OperationRefused
from executions.operations.replay_places import replay_place
from executions.operations.retrying import retry
from executions.operations.unquoted import without_values

COUNTED: Final = 10_000
"""Up to where matches are counted."""


class BulkOperation(StrEnum):
    """What can be done to many."""

    CANCEL = "cancel"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    RETRY = "retry"
    FORK = "fork"
    """Behind the last event."""

    @property
    def starts(self) -> bool:
        """Whether it starts executions, for which somebody needs the right to do so, too."""
        return self in (BulkOperation.RETRY, BulkOperation.FORK)


@dataclass(frozen=True, slots=True)
class Refused:
    """An execution that was left as it is, and why."""

    execution_id: ExecutionId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkReport:
    """What one portion came to.

    Args:
        done: Executions that the operation was carried out on, newest first.
        refused: Those whose state did not allow it.
        next: Where the next portion begins; ``None`` behind the last one.
    """

    done: tuple[ExecutionId, ...]
    refused: tuple[Refused, ...]
    next: ExecutionId | None


def count_matching(wanted: ExecutionFilter) -> int:
    """Return how many executions a filter lets through; anything beyond `COUNTED` is told as one more than that."""
    return matching(wanted)[: COUNTED + 1].count()


def carry_out(
    operation: BulkOperation,
    wanted: ExecutionFilter,
    *,
    limit: int,
    place: Place | None = None,
    journal_for: Callable[[ExecutionId], Journal],
    with_values: bool = True,
) -> BulkReport:
    """Do something to the newest executions that a filter lets through, each in a transaction of its own.

    Args:
        operation: What to do.
        wanted: To which; look at the number first.
        limit: Most executions to look at.
        place: Behind which the portion begins.
        journal_for: Returns where to write what is done to one.
        with_values: Whether reasons may quote parameters and results.

    Raises:
        JournalUnavailable: If the storage did not answer; what was done until then stays done.
    """
    rows = page_of(wanted, place=place, length=limit)
    done: list[ExecutionId] = []
    refused: list[Refused] = []
    for row in rows:
        execution_id = ExecutionId(row.execution_id)
        try:
            operate(operation, execution_id, journal=journal_for(execution_id))
        except JournalUnavailable:
            raise
        except EngineError as error:
            refused.append(Refused(execution_id, str(error) if with_values else without_values(error)))
        else:
            done.append(execution_id)
    end = ExecutionId(rows[-1].execution_id) if len(rows) == limit else None
    return BulkReport(done=tuple(done), refused=tuple(refused), next=end)


def operate(operation: BulkOperation, execution_id: ExecutionId, *, journal: Journal) -> None:
    """Do to one execution what is done to many.

    Args:
        operation: What to do.
        execution_id: Which one.
        journal: Where to write.

    Raises:
        EngineError: As the operation on a single execution does.
    """
    _OPERATIONS[operation](execution_id, journal=journal)


def decision_of(operation: BulkOperation) -> Decision | None:
    """Return what appends to the log of each what the operation comes to; ``None`` if it does something else, too.

    The decision raises `OperationRefused` for an execution whose state does not allow it.
    """
    return _DECISIONS.get(operation)


def _fork(execution_id: ExecutionId, *, journal: Journal) -> None:
    last = journal.state_of(execution_id).next_version - 1
    with replay_place():
        fork(execution_id, last, journal=journal)


def _cancel(execution_id: ExecutionId, *, journal: Journal) -> None:
    outcome = cancel(execution_id, journal=journal)
    if not outcome.will_be_cancelled:
        raise OperationRefused(outcome.value)


def _cancelling(state: ExecutionState, _now: datetime) -> tuple[ExecutionEvent, ...]:
    outcome = cancelling(state)
    if not outcome.will_be_cancelled:
        raise OperationRefused(outcome.value)
    return (CancellationRequested(),) if outcome is Cancelling.REQUESTED else ()


class _Operate(Protocol):
    def __call__(self, execution_id: ExecutionId, *, journal: Journal) -> object: ...


_OPERATIONS: Final[Mapping[BulkOperation, _Operate]] = {
    BulkOperation.CANCEL: _cancel,
    BulkOperation.PAUSE: pause,
    BulkOperation.UNPAUSE: unpause,
    BulkOperation.RETRY: retry,
    BulkOperation.FORK: _fork,
}
_DECISIONS: Final[Mapping[BulkOperation, Decision]] = {
    BulkOperation.CANCEL: _cancelling,
    BulkOperation.PAUSE: pausing,
    BulkOperation.UNPAUSE: unpausing,
}
