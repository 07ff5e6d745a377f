"""Guests' log lines on their way to the journal: batched, best effort, never in the way of events."""

from __future__ import annotations

import threading
from collections import deque

import structlog

from engine.errors import JournalUnavailable
from engine.journal.protocol import Journal
from engine.journal.records import LogLine

log = structlog.get_logger(__name__)

_BATCH = 500


class GuestLog:
    """Collects log lines and stores them in batches.

    Args:
        journal: Where they go.
        capacity: Most lines that may wait; further ones are dropped and counted.
    """

    def __init__(self, journal: Journal, *, capacity: int = 20_000) -> None:
        self._journal = journal
        self._capacity = capacity
        self._lines: deque[LogLine] = deque()
        self._dropped = 0
        self._flushing = threading.Lock()

    def add(self, line: LogLine) -> None:
        """Take a line."""
        if len(self._lines) >= self._capacity:
            self._dropped += 1
            return
        self._lines.append(line)

    def flush(self) -> None:
        """Store what waits."""
        with self._flushing:
            while self._lines:
                batch = [self._lines.popleft() for _ in range(min(_BATCH, len(self._lines)))]
                try:
                    self._journal.add_log_lines(batch)
                except JournalUnavailable as error:
                    self._dropped += len(batch)
                    log.warning("guest_log.lost", lines=len(batch), error=str(error))
            if self._dropped:
                log.warning("guest_log.dropped", lines=self._dropped)
                self._dropped = 0
