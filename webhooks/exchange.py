"""One request between the server's event loop and the thread of the component that answers it.

Bytes are taken from either side only as fast as the other one takes them: a body waits in the server until the guest
reads it, a response waits in the guest until the client has taken what came before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar, assert_never

import structlog

from engine.activity.http.messages import Header
from engine.errors import OutboundInvalid
from engine.host.wasi.incoming_body import FedBody
from webhooks.problems import Problem
from webhooks.scopes import Scope, headers_of, raw_path

log = structlog.get_logger(__name__)

T = TypeVar("T")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_READ_AHEAD = 256 << 10
"""Bytes of a request's body that may wait for the guest."""
_MOST_PATH_CHARACTERS = 500
"""Of a path in a line of the log."""


class ClientGone(Exception):
    """The client went away before its request was there."""


class BodyTooLarge(Exception):
    """A request's body is larger than it may be."""


@dataclass(frozen=True, slots=True)
class _Begin:
    status: int
    headers: tuple[Header, ...]


@dataclass(frozen=True, slots=True)
class _Chunk:
    data: bytes
    sent: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _End:
    pass


@dataclass(frozen=True, slots=True)
class _Done:
    pass


_Event = _Begin | _Chunk | _End | _Done


class Exchange:
    """Hands a response from a guest's thread to the server; `engine.executor.webhook_response.ResponseSink`.

    Made and awaited on the event loop; the sink's methods are called on the guest's thread.

    Args:
        scope: What the server says of the request.
        send: The server's.
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[_Event] = asyncio.Queue()
        self.has_begun = False
        self._has_ended = False
        self._is_detached = False
        self._is_refused = False
        self._running: Future[Any] | None = None

    # The sink.

    def begin(self, status: int, headers: tuple[Header, ...]) -> None:
        """See `ResponseSink`."""
        self._put(_Begin(status, headers))

    def chunk(self, data: bytes, sent: Callable[[], None]) -> None:
        """See `ResponseSink`."""
        self._put(_Chunk(data, sent))

    def end(self) -> None:
        """See `ResponseSink`."""
        self._put(_End())

    def abort(self) -> None:
        """See `ResponseSink`. ASGI has no word for it: a promised length that is not kept tells the client."""
        self._put(_End())

    def _put(self, event: _Event) -> None:
        if self._is_detached:
            _drop(event)
        else:
            self._loop.call_soon_threadsafe(self._arrived, event)

    # The event loop.

    def _arrived(self, event: _Event) -> None:
        # The client may have gone away since the guest's thread asked.
        if self._is_detached:
            _drop(event)
        else:
            self._events.put_nowait(event)

    async def send_all(self, running: Future[T]) -> T:
        """Send what the guest answers, until its run is over; return what that came to.

        Args:
            running: The run, on its thread.
        """
        self._running = running
        running.add_done_callback(lambda _: self._put(_Done()))
        while True:
            event = await self._events.get()
            if self.is_refused and not isinstance(event, _Done):
                _drop(event)
                continue
            match event:
                case _Begin(status=status, headers=headers):
                    self.has_begun = True
                    await self._send_head(status, headers)
                case _Chunk(data=data, sent=sent):
                    await self._send({"type": "http.response.body", "body": data, "more_body": True})
                    sent()
                case _End():
                    await self._end()
                case _Done():
                    return running.result()
                case _:
                    assert_never(event)

    @property
    def is_refused(self) -> bool:
        """Whether nothing was sent, and nothing of the guest's answer will be."""
        return self._is_refused and not self.has_begun

    def refuse(self) -> None:
        """Send nothing of the guest's answer, unless it has begun: the guest may answer before its run is stopped."""
        self._is_refused = True

    def detach(self) -> None:
        """Let the run go on without a client: nothing is sent from now on."""
        self._is_detached = True
        while not self._events.empty():
            _drop(self._events.get_nowait())

    def when_over(self, call: Callable[[], None]) -> None:
        """Call something once the run is over, which may be long after its client went away; at once without a run."""
        if self._running is None:
            call()
        else:
            self._running.add_done_callback(lambda _: call())

    async def send_whole(self, status: int, headers: tuple[Header, ...], body: bytes) -> None:
        """Send a response that is at hand."""
        self.has_begun = True
        await self._send_head(status, headers)
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
        await self._end()

    async def send_problem(self, problem: Problem) -> None:
        """Send why there is no response; the log has a line of it."""
        path = raw_path(self._scope)[:_MOST_PATH_CHARACTERS]
        log.info("webhook.refused", method=self._scope["method"], path=path, status=problem.status, code=problem.code)
        headers, body = problem.render(headers_of(self._scope))
        await self.send_whole(problem.status, headers, b"" if self._scope["method"] == "HEAD" else body)

    async def _send_head(self, status: int, headers: tuple[Header, ...]) -> None:
        encoded = [(name.lower().encode("latin-1"), value) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def _end(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _drop(event: _Event) -> None:
    """Let the guest go on, which waits until its bytes are taken."""
    if isinstance(event, _Chunk):
        event.sent()


class BodyFeed:
    """Feeds a request's body to a guest as fast as that reads it, and then waits for the client to go away.

    Args:
        receive: The server's.
        most: Most bytes of the body.
    """

    def __init__(self, receive: Receive, *, most: int) -> None:
        self._receive = receive
        self._most = most
        self._loop = asyncio.get_running_loop()
        self._waiting = 0
        self._has_room = asyncio.Event()
        self.body = FedBody(self._on_take)

    def _on_take(self, count: int) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._taken, count)

    def _taken(self, count: int) -> None:
        self._waiting -= count
        self._has_room.set()

    async def run(self, *, on_gone: Callable[[], None], on_too_large: Callable[[], None]) -> None:
        """Feed until the client goes away or sends more than it may."""
        received = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.body.fail(OutboundInvalid("connection-terminated", "the client went away"))
                on_gone()
                return
            data: bytes = message.get("body", b"")
            received += len(data)
            if received > self._most:
                on_too_large()
                self.body.fail(OutboundInvalid("HTTP-request-body-size", f"the body is larger than {self._most} bytes"))
                return
            if data:
                self._waiting += len(data)
                self.body.feed(data)
            if not message.get("more_body", False):
                self.body.end()
            while self._waiting > _READ_AHEAD:
                self._has_room.clear()
                await self._has_room.wait()


async def read_whole(receive: Receive, *, most: int) -> bytes:
    """Return a request's body.

    Raises:
        BodyTooLarge: If it has more than ``most`` bytes.
        ClientGone: If it never comes.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > most:
            raise BodyTooLarge
        if not message.get("more_body", False):
            return bytes(body)
