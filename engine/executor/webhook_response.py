"""A guest's response on its way to whoever sends it to the client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from engine.activity.http.messages import Header
from engine.activity.http.outgoing_body import OutgoingBody
from engine.activity.run_loop import RunLoop

CHUNK = 64 << 10
"""Most bytes handed over at a time."""


class ResponseSink(Protocol):
    """Sends one response; called on the guest's thread, and returns at once.

    ``begin`` comes once and first, ``end`` or ``abort`` last.
    """

    def begin(self, status: int, headers: tuple[Header, ...]) -> None:
        """Take the head."""
        ...

    def chunk(self, data: bytes, sent: Callable[[], None]) -> None:
        """Take a piece of the body; ``sent``, from any thread, asks for the next one."""
        ...

    def end(self) -> None:
        """Hear that this was all."""
        ...

    def abort(self) -> None:
        """Hear that the rest will never come."""
        ...


class ResponseStream:
    """Takes bytes out of a body as fast as the client takes them; of the guest's thread.

    Args:
        loop: How that thread waits.
        sink: Where the response goes.
    """

    def __init__(self, loop: RunLoop, sink: ResponseSink) -> None:
        self._loop = loop
        self._sink = sink
        self._body: OutgoingBody | None = None
        self.has_begun = False
        self.has_ended = False

    def begin(self, status: int, headers: tuple[Header, ...], body: OutgoingBody | None) -> None:
        """Send the head, and the body from now on; ``None`` is an empty one."""
        self.has_begun = True
        self._sink.begin(status, headers)
        if body is None:
            self._end()
            return
        self._body = body
        body.is_attached = True
        body.on_change = self._move
        self._move()

    def drain(self) -> None:
        """Wait until all is sent. A body that the guest left unfinished is cut off.

        Raises:
            Trap: Of kind ``interrupted``: the run is out of time or is being stopped.
        """
        if self._body is not None:
            self._body.abort()
            self._loop.wait_until(lambda: self.has_ended)

    def abort(self) -> None:
        """Cut the response off, unless it has ended."""
        if self.has_begun and not self.has_ended:
            self.has_ended = True
            self._sink.abort()

    def _move(self) -> None:
        body = self._body
        if body is None or body.is_in_flight or self.has_ended:
            return
        if body.buffer:
            data = bytes(body.buffer[:CHUNK])
            del body.buffer[:CHUNK]
            body.is_in_flight = True
            self._sink.chunk(data, lambda: self._loop.call_soon(self._sent))
        elif body.is_finished:
            self._end()
        elif body.is_aborted:
            self.abort()

    def _sent(self) -> None:
        assert self._body is not None
        self._body.is_in_flight = False
        self._move()

    def _end(self) -> None:
        self.has_ended = True
        self._sink.end()
