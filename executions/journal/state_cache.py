"""The states that this process wrote last, so that the next commit need not read them again."""

from __future__ import annotations

from collections.abc import Iterable

from engine.log.ids import ExecutionId
from engine.log.state import ExecutionState

Snapshot = tuple[int, int]
"""A connection's number and the database's count of others' commits: equal exactly when nobody else wrote meanwhile."""


class StateCache:
    """States of unfinished executions as of one snapshot; used by one thread at a time.

    Args:
        capacity: Most states to keep; beyond it the ones that were kept first go.
    """

    def __init__(self, *, capacity: int = 20_000) -> None:
        self._capacity = capacity
        self._snapshot: Snapshot | None = None
        self._states: dict[ExecutionId, ExecutionState] = {}

    def look_up(self, ids: Iterable[ExecutionId], snapshot: Snapshot | None) -> dict[ExecutionId, ExecutionState]:
        """Return those of some states that are known to be what the database holds.

        Args:
            ids: Whose states.
            snapshot: What the database looks like now; ``None`` if nobody can tell.
        """
        if snapshot is None or snapshot != self._snapshot:
            self._states.clear()
            self._snapshot = snapshot
            return {}
        states = self._states
        return {execution_id: states[execution_id] for execution_id in ids if execution_id in states}

    def keep(self, states: Iterable[ExecutionState]) -> None:
        """Keep states that this process has just committed; nobody may change the objects any more."""
        if self._snapshot is None:
            return
        for state in states:
            if state.is_finished:
                self._states.pop(state.execution_id, None)
            else:
                self._states[state.execution_id] = state
        while len(self._states) > self._capacity:
            del self._states[next(iter(self._states))]

    def clear(self) -> None:
        """Forget everything: nobody knows whether the last commit counted."""
        self._states.clear()
        self._snapshot = None
