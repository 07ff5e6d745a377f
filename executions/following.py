"""Waiting for an execution in a process that does not run it: commands, requests, benchmarks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType

from engine.journal.protocol import Journal
from engine.log.ids import ExecutionId
from engine.log.return_values import ReturnValue
from engine.log.state import ExecutionState
from executions.journal.connection import DedicatedConnection, own_connection
from executions.journal.wakeups import ChangeFeed, make_change_feed
from executions.results import result_of

_RECHECK_S = 1.0
"""How long to wait at most for a wake-up, which may be lost."""


class Follower:
    """Waits for executions to end, woken when another process commits.

    Args:
        journal: Where to look.
        feed: Tells when to look again; by default it is told of every commit to the database.
    """

    def __init__(self, journal: Journal, feed: ChangeFeed | None = None) -> None:
        self._journal = journal
        self._connection = DedicatedConnection(own_connection)
        self._feed = feed or make_change_feed(self._connection)
        self._changed = threading.Event()

    def __enter__(self) -> Follower:
        self._feed.start(self._changed.set)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._feed.stop()
        self._connection.close()

    def wait(
        self,
        execution_id: ExecutionId,
        *,
        timeout_s: float | None = None,
        on_change: Callable[[ExecutionState], None] = lambda state: None,
    ) -> ReturnValue | None:
        """Wait until an execution ends.

        Args:
            execution_id: Which one.
            timeout_s: Longest time to wait; without it there is no limit.
            on_change: Told its state whenever something was committed.

        Returns:
            How it ended, or ``None`` if the time is over.

        Raises:
            ExecutionNotFound: If there is no such execution.
            JournalUnavailable: If the storage did not answer.
        """
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            # Cleared before looking, so that a change while we look is not lost.
            self._changed.clear()
            state = self._journal.state_of(execution_id)
            on_change(state)
            if state.is_finished:
                return result_of(self._journal, execution_id)
            left = _RECHECK_S if until is None else min(_RECHECK_S, until - time.monotonic())
            if left <= 0:
                return None
            self._changed.wait(left)
