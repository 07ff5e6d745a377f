"""Who locks what is due, seen from whoever commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from engine.journal.records import LockedExecution, LockRequest


class LockSource(Protocol):
    """Who locks what is due. Its methods are called by one thread at a time."""

    @property
    def has_room(self) -> bool:
        """Whether it would take more."""
        ...

    def request(self, now: datetime) -> LockRequest | None:
        """Return what to lock with the next commit; ``None`` for nothing."""
        ...

    def take(self, locked: Sequence[LockedExecution]) -> None:
        """Take what the last request locked, now that the locks are durable."""
        ...
