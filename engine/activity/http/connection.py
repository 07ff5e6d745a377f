"""One HTTP/1.1 connection, with TLS or without, that never blocks; and the idle ones that are kept for reuse."""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import h11

from engine.activity.http.addresses import Address

MAX_HEAD_BYTES = 64 << 10
"""Most bytes of a response's status line and headers, and of its trailers."""

_CHUNK = 64 << 10
_WOULD_BLOCK = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


@dataclass(frozen=True, slots=True)
class Origin:
    """Whom a connection leads to: scheme, host, port."""

    scheme: str
    host: str
    port: int


class Connection:
    """A connection that is established.

    Args:
        endpoint: Connected, through with its handshake, and not blocking.
        origin: Whom it leads to.
        address: The address it goes to.
    """

    def __init__(self, endpoint: socket.socket, origin: Origin, address: Address) -> None:
        self.endpoint = endpoint
        self.origin = origin
        self.address = address
        self.protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self.outbox = bytearray()
        self.is_reused = False
        self.idle_since = 0.0

    def flush(self) -> None:
        """Send as much of the outbox as goes now.

        Raises:
            OSError: If the other side hung up.
        """
        while self.outbox:
            try:
                # Its length never shrinks between two tries, as TLS asks.
                sent = self.endpoint.send(bytes(self.outbox[:_CHUNK]))
            except _WOULD_BLOCK:
                return
            del self.outbox[:sent]

    def receive(self) -> bytes | None:
        """Return what has arrived, empty at the end; ``None`` if nothing has.

        Raises:
            OSError: If the connection broke.
        """
        try:
            return self.endpoint.recv(_CHUNK)
        except _WOULD_BLOCK:
            return None

    def is_quiet(self) -> bool:
        """Tell whether nothing came in while it was idle; a server that hung up is not quiet."""
        try:
            poll = select.poll()
            poll.register(self.endpoint, select.POLLIN | select.POLLHUP | select.POLLERR)
            return not poll.poll(0)
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        """Hang up."""
        self.endpoint.close()


class IdleConnections:
    """Connections between two exchanges, for any thread.

    Args:
        per_origin: Most that are kept for one origin.
        total: Most that are kept at all.
        keep_s: How long, in seconds; servers close idle connections too, many after 5 to 75 s.
    """

    def __init__(self, *, per_origin: int = 16, total: int = 256, keep_s: float = 15.0) -> None:
        self._per_origin, self._total, self._keep_s = per_origin, total, keep_s
        self._mutex = threading.Lock()
        self._idle: dict[Origin, deque[Connection]] = {}
        self._count = 0

    def take(self, origin: Origin, is_allowed: Callable[[Address], bool]) -> Connection | None:
        """Return a connection to an origin that still stands, the one used last, or ``None``.

        Args:
            origin: Whom it leads to.
            is_allowed: Whether the caller may talk to an address: another may have been allowed more.
        """
        oldest = time.monotonic() - self._keep_s
        refused: list[Connection] = []
        try:
            while (connection := self._pop(origin)) is not None:
                if connection.idle_since < oldest or not connection.is_quiet():
                    connection.close()
                elif not is_allowed(connection.address):
                    refused.append(connection)
                else:
                    connection.is_reused = True
                    return connection
            return None
        finally:
            for connection in refused:
                self._push(connection)

    def give(self, connection: Connection) -> None:
        """Keep a connection that is ready for the next request, or close it."""
        connection.idle_since = time.monotonic()
        self._push(connection)

    def close(self) -> None:
        """Close them all."""
        with self._mutex:
            connections = [connection for queue in self._idle.values() for connection in queue]
            self._idle.clear()
            self._count = 0
        for connection in connections:
            connection.close()

    def _pop(self, origin: Origin) -> Connection | None:
        with self._mutex:
            queue = self._idle.get(origin)
            if not queue:
                return None
            connection = queue.pop()
            self._count -= 1
            if not queue:
                del self._idle[origin]
            return connection

    def _push(self, connection: Connection) -> None:
        closing: list[Connection] = []
        with self._mutex:
            queue = self._idle.setdefault(connection.origin, deque())
            queue.append(connection)
            self._count += 1
            if len(queue) > self._per_origin or self._count > self._total:
                closing.append(queue.popleft())
                self._count -= 1
                if not queue:
                    del self._idle[connection.origin]
        for old in closing:
            old.close()
