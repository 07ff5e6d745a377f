"""The body of a message that a guest writes piece by piece while the host sends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from engine.activity.http.messages import Header
from engine.errors import OutboundError, OutboundInvalid

CAPACITY = 128 << 10
"""Bytes that a guest may write ahead of what the other side takes."""


class OutgoingBody:
    """A body on its way from the guest to a connection, or to whoever answers an incoming request.

    Args:
        declared: The length that the headers promise, if they do.
        kind: Of which kind of message it is, for errors.
    """

    def __init__(self, declared: int | None = None, *, kind: Literal["request", "response"] = "request") -> None:
        self.declared = declared
        self._size_error = f"HTTP-{kind}-body-size"
        self.buffer = bytearray()
        self.written = 0
        self.is_finished = False
        self.is_aborted = False
        self.trailers: tuple[Header, ...] = ()
        self.must_start = False
        """The guest waits for what it wrote to be sent, so its end is not waited for before anything is."""
        self.is_attached = False
        """Somebody takes the bytes out."""
        self.is_in_flight = False
        """Bytes that were taken out are not sent yet."""
        self.is_closed = False
        """The other side takes no more."""
        self.held_bytes: int | None = None
        """Set where the body is sent only when it is whole: how large it may become."""
        self.failure: OutboundError | None = None
        """Why the other side takes no more, if that was not its wish."""
        self.on_change: Callable[[], None] | None = None
        """Called whenever there is more to take out, or it is known that no more comes."""

    def room(self) -> int:
        """Return how many bytes may be written now."""
        return max(0, (CAPACITY if self.held_bytes is None else self.held_bytes) - len(self.buffer))

    def write(self, data: bytes) -> None:
        """Take bytes, not more than there is room for.

        Raises:
            OutboundInvalid: If they are more than the headers promise.
        """
        self.written += len(data)
        if self.declared is not None and self.written > self.declared:
            raise OutboundInvalid(
                self._size_error,
                f"the body is longer than its content-length of {self.declared}",
            )
        self.buffer += data
        self._changed()

    def flush(self) -> None:
        """Ask for what was written to be sent, whatever comes later."""
        self.must_start = True
        self._changed()

    def is_flushed(self) -> bool:
        """Tell whether nothing that was written waits to be sent, as far as that can be waited for."""
        if not self.is_attached or self.held_bytes is not None or self.is_closed:
            # A body that nobody reads yet is flushed when it is buffered: its request can only be sent after this.
            return True
        return not self.buffer and not self.is_in_flight

    def finish(self, trailers: tuple[Header, ...] = ()) -> None:
        """Say that this was all.

        Raises:
            OutboundInvalid: If it is less than the headers promise.
        """
        if self.declared is not None and self.written != self.declared:
            self.abort()
            raise OutboundInvalid(
                self._size_error,
                f"the body has {self.written} bytes, its content-length says {self.declared}",
            )
        self.trailers = trailers
        self.is_finished = True
        self._changed()

    def abort(self) -> None:
        """Say that the rest will never come."""
        if not self.is_finished:
            self.is_aborted = True
            self._changed()

    def _changed(self) -> None:
        if self.on_change is not None:
            self.on_change()
