"""Who may lock what: the pure half of locking what is due."""

from __future__ import annotations

from msgspec.structs import replace

from engine.deployment.spec import LockingStrategy
from engine.journal.records import Lockable, LockRequest
from engine.log.call_options import lock_for_call
from engine.log.events import Created, Locked, LogEntry
from engine.log.state import ExecutionState, fold_event


def qualifies(choice: Lockable, state: ExecutionState) -> bool:
    """Tell whether a component may run this execution, due or not."""
    if state.incompatible_digest == choice.component_id.digest:
        return False
    if choice.strategy is LockingStrategy.BY_COMPONENT_DIGEST:
        return state.component_id.digest == choice.component_id.digest
    return state.ffqn in choice.ffqns


class Allotment:
    """How many executions a lock request may still take, of each component and in all."""

    def __init__(self, request: LockRequest) -> None:
        self._left = request.limit
        self._choices = [(choice, event) for choice, event in request.choices if choice.limit > 0]
        self._left_of = {id(choice): choice.limit for choice, _ in self._choices}

    @property
    def left(self) -> int:
        """How many more may be taken."""
        return max(0, self._left) if self._choices else 0

    @property
    def open_choices(self) -> tuple[Lockable, ...]:
        """The components of which more may be taken."""
        return tuple(choice for choice, _ in self._choices)

    def take(self, state: ExecutionState) -> Locked | None:
        """Take an execution and return the lock event to append, or ``None`` if no component has room for it."""
        if self._left <= 0:
            return None
        for index, (choice, event) in enumerate(self._choices):
            if qualifies(choice, state):
                self._left -= 1
                self._left_of[id(choice)] -= 1
                if self._left_of[id(choice)] == 0:
                    del self._choices[index]
                return _for_version(event, choice, state)
        return None


def take_lock(state: ExecutionState, event: Locked, request: LockRequest, created: Created) -> LogEntry:
    """Apply a lock event to a due execution, in place, and return the entry to append.

    Args:
        state: The execution.
        event: The lock, as its function's policy has it.
        request: What asked for it.
        created: The execution's first event, which may say otherwise.
    """
    entry = LogEntry(state.next_version, request.now, lock_for_call(event, created.metadata, now=request.now))
    fold_event(state, entry)
    return entry


def _for_version(event: Locked, choice: Lockable, state: ExecutionState) -> Locked:
    """Return the lock event for the code that the execution was last run by.

    With the strategy ``auto`` the lock is taken to find out whether another version can go on; until it says so, the
    execution stays the old version's.
    """
    if choice.strategy is LockingStrategy.AUTO and state.component_id.digest != choice.component_id.digest:
        return replace(event, component_id=state.component_id, deployment_id=state.deployment_id)
    return event
