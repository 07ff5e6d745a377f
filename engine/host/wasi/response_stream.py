"""What a component answers to a request, taken from another thread than the one that it runs on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from engine.activity.http.messages import Header
from engine.activity.http.outgoing_body import OutgoingBody
from engine.activity.run_loop import RunLoop
from engine.errors import NoResponse

CAPACITY = 128 << 10
"""Bytes that wait for whoever takes them; then the guest's stream has no room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedHead:
    """What comes before the body.

    Args:
        status: 100 to 999, as the guest says.
        headers: In order, in the guest's spelling, none that concerns the connection.
        informational: The 1xx responses before it.
    """

    status: int
    headers: tuple[Header, ...]
    informational: tuple[ServedHead, ...] = ()


class ResponseStream:
    """A response on its way out: one thread runs the guest, another one takes.

    Args:
        loop: The run's, which is told when there is room again.
    """

    def __init__(self, loop: RunLoop) -> None:
        self.trailers: tuple[Header, ...] = ()
        self._loop = loop
        self._changed = threading.Condition()
        self._head: ServedHead | None = None
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._is_complete = False
        self._failure: NoResponse | None = None
        self._body: OutgoingBody | None = None

    # Whoever takes it.

    def head(self, *, timeout_s: float | None = None) -> ServedHead:
        """Wait for status and headers.

        Args:
            timeout_s: How long; ``None`` as long as the run lasts.

        Raises:
            NoResponse: If none will come.
            TimeoutError: If none came in time; it may yet.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._head is not None or self._failure is not None, timeout_s):
                raise TimeoutError("the component has not answered in time")
            if self._head is None:
                assert self._failure is not None
                raise self._failure
            return self._head

    def chunks(self, *, timeout_s: float | None = None) -> Iterator[bytes]:
        """Return the body as it comes; ``trailers`` are there at its end.

        Args:
            timeout_s: How long to wait for each chunk; ``None`` as long as the run lasts.

        Raises:
            NoResponse: If it breaks off.
            TimeoutError: If nothing came in time; it may yet.
        """
        while (chunk := self._next(timeout_s)) is not None:
            self._loop.call_soon(self._advance)
            yield chunk

    def _next(self, timeout_s: float | None) -> bytes | None:
        with self._changed:
            if not self._changed.wait_for(
                lambda: bool(self._chunks) or self._is_complete or self._failure is not None, timeout_s
            ):
                raise TimeoutError("the component has not gone on with its response in time")
            if self._chunks:
                chunk = self._chunks.popleft()
                self._size -= len(chunk)
                return chunk
            if self._failure is not None:
                raise self._failure
            return None

    # The run's thread.

    def begin(self, head: ServedHead, body: OutgoingBody | None) -> None:
        """Hear of the response; its body may still be written."""
        self._body = body
        with self._changed:
            self._head = head
            self._is_complete = body is None
            self._changed.notify_all()
        if body is not None:
            body.is_attached = True
            body.on_change = self._advance
            self._advance()

    def fail(self, failure: NoResponse) -> None:
        """Hear that no more comes; what came stays."""
        with self._changed:
            if not self._is_complete and self._failure is None:
                self._failure = failure
            self._changed.notify_all()

    def end(self) -> None:
        """Hear that the guest has returned, and take in what it has written."""
        if self._body is not None:
            self._take_in(len(self._body.buffer))
        if self._head is None:
            self.fail(NoResponse("the component returned without an answer"))
        else:
            self.fail(NoResponse("the component returned before its response was finished"))

    def _advance(self) -> None:
        self._take_in(CAPACITY - self._size)

    def _take_in(self, most: int) -> None:
        body = self._body
        assert body is not None
        with self._changed:
            data = bytes(body.buffer[: max(0, most)])
            if data:
                del body.buffer[: len(data)]
                self._chunks.append(data)
                self._size += len(data)
            if body.is_finished and not body.buffer:
                self.trailers = body.trailers
                self._is_complete = True
            self._changed.notify_all()
        if body.is_aborted and not body.buffer:
            self.fail(NoResponse("the component gave its response up before it was finished"))
