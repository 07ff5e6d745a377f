"""The body of a request that a component answers, handed in piece by piece from another thread."""

from __future__ import annotations

import threading
from collections import deque

from engine.activity.http.messages import Header
from engine.activity.run_loop import RunLoop
from engine.errors import OutboundConnectError, OutboundError

CAPACITY = 128 << 10
"""Bytes that may wait for the guest; whoever brings more waits."""


class RequestBody:
    """An `engine.host.wasi.http_bodies.IncomingSource`, for one thread that reads and one that brings.

    Args:
        loop: The run's, which is woken when something comes.
    """

    def __init__(self, loop: RunLoop) -> None:
        self.error: OutboundError | None = None
        self.is_complete = False
        self.trailers: tuple[Header, ...] = ()
        self._loop = loop
        self._changed = threading.Condition()
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._is_released = False

    # Whoever brings it.

    def feed(self, data: bytes, *, timeout_s: float | None = None) -> bool:
        """Bring bytes; waits while the guest has too many of them already.

        Args:
            data: What came.
            timeout_s: How long to wait at most; ``None`` as long as the run lasts.

        Returns:
            Whether more is wanted: not when the guest gave the rest up, or its run has ended, or the time is over.
        """
        with self._changed:
            has_room = self._changed.wait_for(lambda: self._size < CAPACITY or self._is_released, timeout_s)
            if self._is_released or not has_room:
                return False
            if data:
                self._pieces.append(data)
                self._size += len(data)
        self._wake()
        return True

    def finish(self, trailers: tuple[Header, ...] = ()) -> None:
        """Say that this was all."""
        self.trailers = trailers
        self.is_complete = True
        self._wake()

    def fail(self, message: str) -> None:
        """Say that the rest will never come: the client went away."""
        self.error = OutboundConnectError("connection-terminated", message)
        self._wake()

    def _wake(self) -> None:
        self._loop.call_soon(_nothing)

    # The guest, by its streams.

    @property
    def has_ended(self) -> bool:
        """See `IncomingSource`."""
        return self.is_complete or self.error is not None

    def available(self) -> int:
        """See `IncomingSource`."""
        return self._size

    def take(self, most: int) -> bytes:
        """See `IncomingSource`."""
        with self._changed:
            if not self._pieces:
                return b""
            piece = self._pieces.popleft()
            if len(piece) > most:
                self._pieces.appendleft(piece[most:])
                piece = piece[:most]
            self._size -= len(piece)
            self._changed.notify_all()
            return piece

    def release(self) -> None:
        """See `IncomingSource`; also called when the run has ended."""
        with self._changed:
            self._pieces.clear()
            self._size = 0
            self._is_released = True
            self._changed.notify_all()


def _nothing() -> None:
    return None
