"""What goes on in this process right now, by execution."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Protocol

from engine.log.ids import ExecutionId


class Stoppable(Protocol):
    """An attempt at an activity, in the sandbox."""

    def interrupt(self) -> None:
        """Make the guest trap soon."""
        ...


class Renewable(Protocol):
    """A run of something that an executor locked."""

    def stop(self) -> None:
        """Hand back what is locked at the next opportunity."""
        ...

    def renew(self, now: datetime) -> None:
        """Extend the lock, or give it back, if that is due."""
        ...


class Running:
    """The runs and attempts of this process, for those who stop or renew them from another thread."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._attempts: dict[ExecutionId, Stoppable] = {}
        self._runs: dict[ExecutionId, Renewable] = {}
        self._is_closing = False

    @property
    def is_closing(self) -> bool:
        """Whether attempts are stopped because the executor stops."""
        return self._is_closing

    def close(self) -> None:
        """Stop all attempts, also those that are yet to begin."""
        with self._mutex:
            self._is_closing = True
            for attempt in self._attempts.values():
                attempt.interrupt()

    def attempt_begins(self, execution_id: ExecutionId, attempt: Stoppable) -> None:
        """Note an attempt."""
        with self._mutex:
            self._attempts[execution_id] = attempt
            if self._is_closing:
                attempt.interrupt()

    def attempt_ends(self, execution_id: ExecutionId, attempt: Stoppable) -> None:
        """Forget an attempt, which may be closed after this."""
        with self._mutex:
            if self._attempts.get(execution_id) is attempt:
                del self._attempts[execution_id]

    def begins(self, execution_id: ExecutionId, run: Renewable) -> None:
        """Note a run."""
        with self._mutex:
            self._runs[execution_id] = run

    def ends(self, execution_id: ExecutionId, run: Renewable) -> None:
        """Forget a run; another one of the same execution may have begun already."""
        with self._mutex:
            if self._runs.get(execution_id) is run:
                del self._runs[execution_id]

    def stop(self, execution_id: ExecutionId) -> None:
        """Stop what goes on for an execution, if it goes on here."""
        with self._mutex:
            attempt = self._attempts.get(execution_id)
            if attempt is not None:
                # Under the mutex, so that the attempt is not closed meanwhile.
                attempt.interrupt()
            run = self._runs.get(execution_id)
        if run is not None:
            run.stop()

    def runs(self) -> list[Renewable]:
        """Return the runs of this moment."""
        with self._mutex:
            return list(self._runs.values())
