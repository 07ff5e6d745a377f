"""Rows that may be lost, on their way to the journal: batched, and never in the way of events."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import structlog

from engine.errors import JournalUnavailable

log = structlog.get_logger(__name__)

_BATCH = 500
_Row = TypeVar("_Row")


class BestEffort(Generic[_Row]):
    """Collects rows, such as guests' log lines, and stores them in batches.

    Args:
        store: The journal's method that takes a batch.
        what: What the rows are, for this process's own log.
        capacity: Most rows that may wait; further ones are dropped and counted.
    """

    def __init__(self, store: Callable[[Sequence[_Row]], None], *, what: str, capacity: int = 20_000) -> None:
        self._store = store
        self._what = what
        self._capacity = capacity
        self._rows: deque[_Row] = deque()
        self._dropped = 0
        self._flushing = threading.Lock()

    def add(self, row: _Row) -> None:
        """Take a row."""
        if len(self._rows) >= self._capacity:
            self._dropped += 1
            return
        self._rows.append(row)

    def flush(self) -> None:
        """Store what waits now; what comes meanwhile is for the next time, or a flood would keep the caller."""
        with self._flushing:
            left = len(self._rows)
            while left:
                batch = [self._rows.popleft() for _ in range(min(_BATCH, left))]
                left -= len(batch)
                try:
                    self._store(batch)
                except JournalUnavailable as error:
                    self._dropped += len(batch)
                    log.warning("best_effort.lost", what=self._what, rows=len(batch), error=str(error))
            if self._dropped:
                log.warning("best_effort.dropped", what=self._what, rows=self._dropped)
                self._dropped = 0
