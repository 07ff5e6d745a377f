"""The storage that all processes of a simulation share, under the eyes of an auditor."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from engine.journal.changes import Changes
from engine.journal.memory import MemoryJournal
from engine.journal.protocol import CommitReport
from engine.journal.records import LockRequest, Write
from engine.simulation.seeded.tasks import Group, Scheduler
from engine.simulation.seeded.threads import Lock


class AuditedJournal(MemoryJournal):
    """A journal in memory that shows every change of a row.

    Args:
        on_change: Looks at it.
    """

    def __init__(self, on_change: Callable[[Changes], None]) -> None:
        super().__init__()
        self._on_change = on_change

    def is_anything_due(self, now: datetime) -> bool:
        """Whether a look for work would find any, perhaps."""
        with self._mutex:
            return bool(self._pending(now))

    def _store(self, changes: Changes) -> None:
        super()._store(changes)
        self._on_change(changes)


class Storage:
    """A database: rows, and one writer at a time.

    Args:
        scheduler: Has the tasks that write.
        chance: Decides who is overtaken.
        on_change: Looks at what is written, with who writes and what the writer's clock shows.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        chance: random.Random,
        on_change: Callable[[Changes, str | None, datetime], None],
    ) -> None:
        self.journal = AuditedJournal(lambda changes: on_change(changes, self._author, self._now))
        self.writer: Group | None = None
        self._author: str | None = None
        self._now = datetime.min.replace(tzinfo=UTC)
        self._door = Lock(scheduler, chance)

    def open(self, group: Group | None) -> None:
        """Become the one who writes."""
        self._door.acquire()
        self.writer = group

    def close(self, group: Group | None) -> None:
        """Let others write."""
        if self.writer is group:
            self.writer = None
            self._door.release()

    def commit(
        self, group: Group | None, writes: Sequence[Write], *, now: datetime, lock: LockRequest | None
    ) -> CommitReport:
        """See `Journal`; at this very moment.

        Args:
            group: Who writes; ``None`` for people.
            writes: See `Journal`.
            now: See `Journal`.
            lock: See `Journal`.
        """
        self._author, self._now = None if group is None else group.name, now
        return self.journal.commit(writes, now=now, lock=lock)
