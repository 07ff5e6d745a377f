"""The request's half of an exchange: head, body and trailers, put on a connection as far as that takes them."""

from __future__ import annotations

from collections.abc import Callable

import h11

from engine.activity.http.connection import Connection
from engine.activity.http.exchange_parts import RequestHead
from engine.activity.http.messages import Header
from engine.activity.http.outgoing_body import OutgoingBody
from engine.errors import OutboundInvalid

SEND_AHEAD = 128 << 10
"""Bytes that may wait for the connection; also, how long a body is kept for another try."""

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "DELETE", "TRACE"})
"""Methods whose requests carry no ``content-length: 0`` when they have no body."""


class RequestSending:
    """A request on its way.

    Args:
        head: What comes before the body.
        body: The body; ``None`` for none.
        rewrite: Applied to the whole body before it is sent; the body is held until then.
    """

    def __init__(self, head: RequestHead, body: OutgoingBody | None, rewrite: Callable[[bytes], bytes] | None) -> None:
        self.sent_bytes = 0
        """Of the body."""
        self.is_head_sent = False
        self._head = head
        self._body = body
        self._rewrite = rewrite
        self._is_rewritten = False
        self._is_body_sent = False
        self._cannot_send = False
        self._kept: bytes | None = b""
        """The body as sent so far, for another try over a new connection; ``None`` when there will be none."""

    def advance(self, connection: Connection) -> None:
        """Send what can be sent without waiting.

        Raises:
            OutboundInvalid: If the guest gave the body up.
            h11.LocalProtocolError: If it is no valid request.
        """
        body = self._body
        if body is not None and body.is_aborted:
            raise OutboundInvalid("HTTP-protocol-error", "the guest gave up the request's body before its end")
        if not self.is_head_sent and not self._send_head(connection):
            return
        while not self._cannot_send:
            if body is not None and body.buffer and len(connection.outbox) < SEND_AHEAD:
                piece = bytes(body.buffer)
                body.buffer.clear()
                _put(connection, h11.Data(data=piece))
                self.sent_bytes += len(piece)
                self._keep(piece)
            if not self._is_body_sent and (body is None or (body.is_finished and not body.buffer)):
                _put(connection, h11.EndOfMessage(headers=[] if body is None else list(_octets(body.trailers))))
                self._is_body_sent = True
            before = len(connection.outbox)
            try:
                connection.flush()
            except OSError:
                # It hung up on us, perhaps after it answered.
                self._cannot_send = True
                connection.outbox.clear()
            if body is not None:
                body.is_in_flight = bool(connection.outbox)
            if len(connection.outbox) == before or body is None or not body.buffer:
                return

    def can_repeat(self) -> bool:
        """Tell whether the same can be sent once more, and may be."""
        return self._kept is not None and self._head.method in _IDEMPOTENT

    def repeat(self) -> None:
        """Begin again, on another connection."""
        self.is_head_sent = self._is_body_sent = self._cannot_send = False
        if self._body is not None and self._kept:
            self._body.buffer[:0] = self._kept
            self._kept = b""
            self.sent_bytes = 0

    def forget(self) -> None:
        """Hear that the other side has begun to answer: it is not sent once more."""
        self._kept = None

    def _send_head(self, connection: Connection) -> bool:
        body = self._body
        framing: list[tuple[bytes, bytes]] = []
        if body is None:
            if self._head.method not in _WITHOUT_BODY:
                framing = [(b"content-length", b"0")]
        elif self._rewrite is not None:
            if not body.is_finished:
                return False
            if not self._is_rewritten:
                body.buffer[:] = self._rewrite(bytes(body.buffer))
                self._is_rewritten = True
            framing = [(b"content-length", str(len(body.buffer)).encode())]
        elif body.declared is not None:
            framing = [(b"content-length", str(body.declared).encode())]
        elif body.is_finished and not body.trailers:
            if body.buffer or self._head.method not in _WITHOUT_BODY:
                framing = [(b"content-length", str(len(body.buffer)).encode())]
        elif body.is_finished or body.must_start or not body.room():
            framing = [(b"transfer-encoding", b"chunked")]
        else:
            return False
        request = h11.Request(
            method=self._head.method,
            target=self._head.target,
            headers=[(b"host", self._head.authority.encode()), *_octets(self._head.headers), *framing],
        )
        _put(connection, request)
        self.is_head_sent = True
        return True

    def _keep(self, piece: bytes) -> None:
        if self._kept is not None:
            self._kept = self._kept + piece if len(self._kept) + len(piece) <= SEND_AHEAD else None


def _put(connection: Connection, event: h11.Request | h11.Data | h11.EndOfMessage) -> None:
    connection.outbox += connection.protocol.send(event) or b""


def _octets(headers: tuple[Header, ...]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value) for name, value in headers]
