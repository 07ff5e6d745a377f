"""The world that activities have their effect on: an HTTP server that counts."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.harness.http_servers import Answer, Received, serve


@dataclass
class Effects:
    """What was done, and how often.

    Args:
        takes_s: How long one takes.
    """

    takes_s: float = 0.15
    authority: str = ""
    _counts: Counter[str] = field(default_factory=Counter)
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    @property
    def total(self) -> int:
        """How many there were."""
        with self._mutex:
            return self._counts.total()

    def count(self, key: str) -> int:
        """Return how often this one was had."""
        with self._mutex:
            return self._counts[key]

    def _have(self, received: Received) -> Answer:
        key = received.path.removeprefix("/")
        with self._mutex:
            self._counts[key] += 1
        threading.Event().wait(self.takes_s)
        return Answer(body=key.encode())


@contextmanager
def have_effects() -> Iterator[Effects]:
    """Run the server."""
    effects = Effects()
    with serve(effects._have) as upstream:
        effects.authority = upstream.authority
        yield effects
