"""The body of a request that comes in piece by piece, from another thread than that of the guest who reads it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from engine.activity.http.messages import Header
from engine.activity.run_loop import RunLoop
from engine.errors import OutboundError


class FedBody:
    """An `IncomingSource` that a server feeds.

    Args:
        on_take: Told, on the guest's thread, how many bytes the guest took, so that the server may send more.
    """

    def __init__(self, on_take: Callable[[int], None] = lambda count: None) -> None:
        self.error: OutboundError | None = None
        self.is_complete = False
        self.trailers: tuple[Header, ...] = ()
        self._on_take = on_take
        self._mutex = threading.Lock()
        self._data = bytearray()
        self._loop: RunLoop | None = None

    @classmethod
    def whole(cls, data: bytes) -> FedBody:
        """Return a body that is at hand."""
        body = cls()
        body.feed(data)
        body.end()
        return body

    # For the server's thread.

    def feed(self, data: bytes) -> None:
        """Add bytes."""
        with self._mutex:
            self._data += data
        self._wake()

    def end(self) -> None:
        """Say that this was all."""
        self.is_complete = True
        self._wake()

    def fail(self, error: OutboundError) -> None:
        """Say that the rest will never come."""
        self.error = error
        self._wake()

    # For the guest's thread.

    def attach(self, loop: RunLoop) -> None:
        """Have a run woken by what comes from now on."""
        self._loop = loop

    @property
    def has_ended(self) -> bool:
        """See `IncomingSource`."""
        return self.is_complete or self.error is not None

    def available(self) -> int:
        """See `IncomingSource`."""
        return len(self._data)

    def take(self, most: int) -> bytes:
        """See `IncomingSource`."""
        with self._mutex:
            taken = bytes(self._data[:most])
            del self._data[:most]
        self._on_take(len(taken))
        return taken

    def release(self) -> None:
        """See `IncomingSource`."""
        self.take(self.available())

    def _wake(self) -> None:
        loop = self._loop
        if loop is not None:
            loop.call_soon(_nothing)


def _nothing() -> None:
    """It is enough that the run looks again."""
