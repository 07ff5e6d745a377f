"""Requests to an ASGI application without a server between, message by message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Message = MutableMapping[str, Any]

_PATIENCE_S = 60.0


@dataclass
class Reply:
    """What an application sent.

    Args:
        status: 0 if it sent no head.
        headers: In order.
        chunks: Pieces of the body.
        has_ended: Whether the last piece was said to be the last.
    """

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)
    has_ended: bool = False

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def header(self, name: str) -> str | None:
        """Return the first value of a header."""
        return next((value for key, value in self.headers if key == name), None)


class Server:
    """Plays the server of one request.

    Args:
        body: The pieces of the request's body.
        on_chunk: Called with each piece of the response, and how many there were; says whether the client stays.
    """

    def __init__(self, body: Iterable[bytes], on_chunk: Callable[[bytes, int], bool]) -> None:
        self.reply = Reply()
        self.received = 0
        self._body = iter(body)
        self._next: bytes | None = next(self._body, b"")
        self._on_chunk = on_chunk
        self._is_gone = asyncio.Event()

    def go_away(self) -> None:
        """Let the client hang up."""
        self._is_gone.set()

    async def receive(self) -> Message:
        if self._next is None:
            await self._is_gone.wait()
            return {"type": "http.disconnect"}
        data, self._next = self._next, next(self._body, None)
        self.received += len(data)
        return {"type": "http.request", "body": data, "more_body": self._next is not None}

    async def send(self, message: Message) -> None:
        reply = self.reply
        if message["type"] == "http.response.start":
            reply.status = message["status"]
            reply.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
            return
        reply.chunks.append(message["body"])
        reply.has_ended = not message["more_body"]
        if not self._on_chunk(message["body"], len(reply.chunks)):
            self.go_away()
        await asyncio.sleep(0)


def scope_of(method: str, path: str, headers: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """Return what a server says of a request."""
    raw, _, query = path.partition("?")
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": raw,
        "raw_path": raw.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "scheme": "http",
        "headers": [(b"host", b"obelisk.test"), *((key.lower().encode(), text.encode()) for key, text in headers)],
    }


def exchange(
    application: Callable[..., Any],
    method: str,
    path: str,
    *,
    headers: Sequence[tuple[str, str]] = (),
    body: bytes | Iterable[bytes] = b"",
    on_chunk: Callable[[bytes, int], bool] = lambda data, count: True,
    gone_after_s: float | None = None,
) -> Server:
    """Make a request and return the server's view of it.

    Args:
        application: What is asked.
        method: Of the request.
        path: Path and query.
        headers: Besides ``host``.
        body: The request's, in one piece or several.
        on_chunk: See `Server`.
        gone_after_s: When the client hangs up.
    """

    pieces = [body] if isinstance(body, bytes) else body
    return exchange_of(application, scope_of(method, path, headers), pieces, on_chunk, gone_after_s=gone_after_s)


def exchange_of(
    application: Callable[..., Any],
    scope: dict[str, Any],
    body: Iterable[bytes],
    on_chunk: Callable[[bytes, int], bool] = lambda data, count: True,
    *,
    gone_after_s: float | None = None,
) -> Server:
    """Make the request that a scope describes; the other arguments are those of `exchange`."""

    async def run() -> Server:
        server = Server(body, on_chunk)
        if gone_after_s is not None:
            asyncio.get_running_loop().call_later(gone_after_s, server.go_away)
        await asyncio.wait_for(application(scope, server.receive, server.send), _PATIENCE_S)
        return server

    return asyncio.run(run())


def request(application: Callable[..., Any], method: str, path: str, **details: Any) -> Reply:
    """Make a request and return the reply; arguments are those of `exchange`."""
    return exchange(application, method, path, **details).reply
