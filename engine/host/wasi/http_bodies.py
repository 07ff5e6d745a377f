"""Bodies of ``wasi:http``: as streams that the guest reads and writes, and what becomes of their ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from engine.activity.http.messages import Header
from engine.activity.http.outgoing_body import OutgoingBody
from engine.errors import OutboundError
from engine.host.wasi.io_error import IoError
from engine.host.wasi.streams import StreamClosed, StreamFailed


class IncomingSource(Protocol):
    """Where the body of an incoming message comes from; an `Exchange` is one, a `FedBody` another.

    Args:
        error: Why it broke.
        is_complete: Whether all of it has come.
        trailers: What came behind it.
    """

    error: OutboundError | None
    is_complete: bool
    trailers: tuple[Header, ...]

    @property
    def has_ended(self) -> bool:
        """Whether no more comes."""
        ...

    def available(self) -> int:
        """Return how many bytes are here."""
        ...

    def take(self, most: int) -> bytes:
        """Return bytes that are here."""
        ...

    def release(self) -> None:
        """Hear that nobody wants the rest."""
        ...


class BodyInput:
    """The stream of an incoming body.

    Args:
        source: Where it comes from.
    """

    def __init__(self, source: IncomingSource) -> None:
        self._source = source

    def read(self, most: int) -> bytes:
        """See `InputStream`."""
        source = self._source
        if most and source.available():
            return source.take(most)
        if source.error is not None:
            raise StreamFailed(IoError(source.error.message, source.error))
        if source.has_ended and not source.available():
            raise StreamClosed
        return b""

    def is_ready(self) -> bool:
        """See `InputStream`."""
        return bool(self._source.available()) or self._source.has_ended


class BodyOutput:
    """The stream of an outgoing body.

    Args:
        body: Where it goes.
    """

    def __init__(self, body: OutgoingBody) -> None:
        self._body = body

    def room(self) -> int:
        """See `OutputStream`."""
        body = self._body
        if body.failure is not None:
            raise StreamFailed(IoError(body.failure.message, body.failure))
        if body.is_closed or body.is_finished or body.is_aborted:
            raise StreamClosed
        return body.room()

    def write(self, data: bytes) -> None:
        """See `OutputStream`."""
        self.room()
        try:
            self._body.write(data)
        except OutboundError as error:
            self._body.abort()
            raise StreamFailed(IoError(error.message, error)) from error

    def flush(self) -> None:
        """See `OutputStream`."""
        failure = self._body.failure
        if failure is not None:
            raise StreamFailed(IoError(failure.message, failure))
        # A server may have answered, and closed the body, while what it needed of it was all sent.
        self._body.flush()

    def is_flushed(self) -> bool:
        """See `OutputStream`."""
        return self._body.is_flushed()

    def is_ready(self) -> bool:
        """See `OutputStream`."""
        body = self._body
        return body.is_closed or body.is_finished or body.is_aborted or body.room() > 0


@dataclass(slots=True)
class GuestOutgoingBody:
    """An ``outgoing-body``."""

    body: OutgoingBody
    has_stream: bool = False


@dataclass(slots=True)
class GuestIncomingBody:
    """An ``incoming-body``."""

    source: IncomingSource
    has_stream: bool = False


@dataclass(slots=True)
class FutureTrailers:
    """A ``future-trailers``: what nobody read of the body is thrown away on the way to them."""

    source: IncomingSource
    is_taken: bool = False

    def is_ready(self) -> bool:
        """Tell whether the end of the body has come."""
        source = self.source
        while source.available():
            source.take(source.available())
        return source.has_ended
