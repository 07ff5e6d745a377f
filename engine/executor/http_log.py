"""What is remembered of guests' HTTP requests, on its way to the journal: batched, best effort."""

from __future__ import annotations

import threading
from collections import deque

import structlog

from engine.errors import JournalUnavailable
from engine.journal.protocol import Journal
from engine.journal.records import HttpExchange

log = structlog.get_logger(__name__)

_BATCH = 500


class HttpLog:
    """Collects exchanges and stores them in batches.

    Args:
        journal: Where they go.
        capacity: Most exchanges that may wait; further ones are dropped and counted.
    """

    def __init__(self, journal: Journal, *, capacity: int = 20_000) -> None:
        self._journal = journal
        self._capacity = capacity
        self._exchanges: deque[HttpExchange] = deque()
        self._dropped = 0
        self._flushing = threading.Lock()

    def add(self, exchange: HttpExchange) -> None:
        """Take an exchange."""
        if len(self._exchanges) >= self._capacity:
            self._dropped += 1
            return
        self._exchanges.append(exchange)

    def flush(self) -> None:
        """Store what waits."""
        with self._flushing:
            while self._exchanges:
                batch = [self._exchanges.popleft() for _ in range(min(_BATCH, len(self._exchanges)))]
                try:
                    self._journal.add_http_exchanges(batch)
                except JournalUnavailable as error:
                    self._dropped += len(batch)
                    log.warning("http_log.lost", exchanges=len(batch), error=str(error))
            if self._dropped:
                log.warning("http_log.dropped", exchanges=self._dropped)
                self._dropped = 0
