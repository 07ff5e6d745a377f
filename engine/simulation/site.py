"""One executor on a journal in memory, driven by the calling thread: nothing happens but what it lets happen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from engine.clock import SimulatedClock
from engine.errors import JournalError, JournalUnavailable
from engine.journal.memory import MemoryJournal
from engine.journal.records import Committed, Write
from engine.log.ids import ExecutorId
from engine.simulation.connection import Connection, Cut
from engine.simulation.stepped import PATIENCE_S, SteppedExecutor

MakeExecutor = Callable[[Connection], SteppedExecutor]


def _ignore(executor_id: ExecutorId) -> None:
    """Its locks expire by themselves."""


class SimulatedSite:
    """A journal, a clock, and one executor.

    Args:
        make_executor: Makes an executor on a connection; called again when the one before was killed.
        journal: What is there already.
        clock: The source of time.
        cut: When the first executor is killed: its connection breaks, and nothing of what it still does can be seen.
        on_kill: Hears of each executor that was killed, before another one takes its place.
    """

    def __init__(
        self,
        make_executor: MakeExecutor,
        *,
        journal: MemoryJournal | None = None,
        clock: SimulatedClock | None = None,
        cut: Cut | None = None,
        on_kill: Callable[[ExecutorId], None] = _ignore,
    ) -> None:
        self.journal = journal or MemoryJournal()
        self.clock = clock or SimulatedClock(patience_s=PATIENCE_S)
        self._on_kill = on_kill
        self._make_executor = make_executor
        self.executor = self._start(cut)

    def write(self, write: Write) -> Committed:
        """Commit what somebody outside writes.

        Raises:
            JournalError: If it is refused.
        """
        (outcome,) = self.journal.commit([write], now=self.clock.now()).outcomes
        if isinstance(outcome, JournalError):
            raise outcome
        return outcome

    def step(self) -> bool:
        """Let one run take place, or the executor look for work; tell whether anything happened.

        Where the executor is killed thereby, another one takes its place; it runs what that held once the locks expire.
        """
        has_happened = True
        try:
            if self.executor.tasks.waiting:
                self.executor.tasks.waiting.popleft()()
            else:
                has_happened = self.executor.look(self.clock.now()) or bool(self.executor.tasks.waiting)
        except JournalUnavailable:
            if not self.executor.connection.is_cut:
                raise
        if self.executor.connection.is_cut:
            self.executor.release()
            self._on_kill(self.executor.executor_id)
            self.executor = self._start(None)
            return True
        return has_happened

    def run_to_rest(self) -> None:
        """Let everything happen that can happen at this instant; see `step`."""
        while self.step():
            pass

    def pass_time(self, until: timedelta | None = None) -> bool:
        """Move the clock to the next instant at which something is due.

        Args:
            until: How far at most; without end by default.

        Returns:
            Whether there was such an instant; else the clock stands still.
        """
        now = self.clock.now()
        wake_up = self.journal.outlook(now, leeway=timedelta()).next_at
        if wake_up is None or (until is not None and wake_up > now + until):
            return False
        self.clock.advance(wake_up - now)
        return True

    def close(self) -> None:
        """Free what the executor keeps."""
        self.executor.release()

    def _start(self, cut: Cut | None) -> SteppedExecutor:
        return self._make_executor(Connection(self.journal, cut=cut))
