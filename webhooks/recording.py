"""What is kept of a response on its way to the client."""

from __future__ import annotations

from collections.abc import Callable

from engine.activity.http.messages import Header
from engine.executor.webhook_response import ResponseSink


class RecordingSink:
    """A `ResponseSink` that keeps what it passes on.

    Args:
        sink: Where the response goes; ``None`` if nobody waits for it.
        most: Most bytes of the body that are kept.
    """

    def __init__(self, sink: ResponseSink | None, *, most: int) -> None:
        self._sink = sink
        self._most = most
        self.status: int | None = None
        self.headers: tuple[Header, ...] = ()
        self.body = bytearray()
        self.size = 0

    def begin(self, status: int, headers: tuple[Header, ...]) -> None:
        """See `ResponseSink`."""
        self.status, self.headers = status, headers
        if self._sink is not None:
            self._sink.begin(status, headers)

    def chunk(self, data: bytes, sent: Callable[[], None]) -> None:
        """See `ResponseSink`."""
        self.size += len(data)
        self.body += data[: self._most - len(self.body)]
        if self._sink is not None:
            self._sink.chunk(data, sent)
        else:
            sent()

    def end(self) -> None:
        """See `ResponseSink`."""
        if self._sink is not None:
            self._sink.end()

    def abort(self) -> None:
        """See `ResponseSink`."""
        if self._sink is not None:
            self._sink.abort()
