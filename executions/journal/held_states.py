"""States of executions that this process has locked, on a database that cannot say whether anybody else has committed.

Whoever holds an execution's lock is almost the only one who writes to it: no more than a response, a cancellation or a
pause may come in between. So what this process wrote last is taken for the present state, and the UPDATE, which is
guarded by version and response count, fails where it is not. That saves a commit the round trip that reads states.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from engine.journal.records import Append, Write
from engine.journal.requirements import required_executions
from engine.log.ids import ExecutionId
from engine.log.state import ExecutionState, Status

_DISTRUST: Final = 32
"""Commits that read the states after one for which they were outdated: others write to the same executions now."""
_CAPACITY: Final = 20_000


class HeldStates:
    """States as this process committed them last; used by one thread at a time."""

    def __init__(self) -> None:
        self._states: dict[ExecutionId, ExecutionState] = {}
        self._distrust = 0
        self.generation = 0
        """Changes whenever anything that was known may be wrong."""

    def look_up(self, writes: Sequence[Write]) -> dict[ExecutionId, ExecutionState] | None:
        """Return the states that these writes need, if all are known and all will be changed; else ``None``."""
        if self._distrust:
            self._distrust -= 1
            return None
        # Other writes may look at a state and leave it as it is, so that nothing would tell whether it was outdated.
        if not writes or not all(isinstance(write, Append) and write.entries for write in writes):
            return None
        states = self._states
        found = {}
        for execution_id in required_executions(writes):
            state = states.get(execution_id)
            if state is None:
                return None
            found[execution_id] = state
        return found

    def keep(self, committed: Iterable[ExecutionState]) -> None:
        """Keep states that this process has just committed; nobody may change the objects any more."""
        states = self._states
        for state in committed:
            if state.status is Status.LOCKED:
                states[state.execution_id] = state
            else:
                states.pop(state.execution_id, None)
        while len(states) > _CAPACITY:
            del states[next(iter(states))]

    def distrust(self) -> None:
        """Forget everything: some of it was outdated, or nobody knows whether the last commit counted."""
        self.generation += 1
        self._states.clear()
        self._distrust = _DISTRUST
