"""What the journal's tests do to a journal."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from engine.errors import JournalError
from engine.journal.protocol import Journal
from engine.journal.records import Committed, LockedExecution, LockRequest, Write
from engine.log.ids import ExecutionId
from engine.log.state import fold_log
from tests.builders import NOW

_E = TypeVar("_E", bound=JournalError)


def commit(journal: Journal, *writes: Write, now: datetime = NOW) -> list[Committed]:
    """Commit writes, none of which may be refused."""
    committed = []
    for outcome in journal.commit(writes, now=now).outcomes:
        assert isinstance(outcome, Committed), outcome
        committed.append(outcome)
    return committed


def lock_pending(journal: Journal, request: LockRequest) -> list[LockedExecution]:
    """Lock what is due."""
    return list(journal.commit((), now=request.now, lock=request).locked)


def refusal(journal: Journal, write: Write, kind: type[_E], *, now: datetime = NOW) -> _E:
    """Commit one write that must be refused in this way, and return the refusal."""
    (outcome,) = journal.commit([write], now=now).outcomes
    assert type(outcome) is kind, outcome
    return outcome


def assert_state_is_folded(journal: Journal, execution_id: ExecutionId) -> None:
    """The state is what the whole log gives."""
    folded = fold_log(execution_id, journal.load_log(execution_id), journal.load_responses(execution_id))
    assert journal.state_of(execution_id) == folded
