"""One request and its response over one connection, streaming both ways, moved on by the run's loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import h11

from engine.activity.http.connection import Connection, Origin
from engine.activity.http.dialling import Dialled, Dialling
from engine.activity.http.exchange_parts import RequestHead, ResponseHead, Timeouts
from engine.activity.http.messages import Header
from engine.activity.http.outgoing_body import OutgoingBody
from engine.activity.http.request_sending import RequestSending
from engine.activity.run_loop import READ, WRITE, RunLoop
from engine.errors import (
    OutboundConnectError,
    OutboundError,
    OutboundInvalid,
    OutboundProtocolError,
    OutboundTimeout,
)

READ_AHEAD = 128 << 10
"""Bytes of a response's body that are taken from the connection before the guest asks for them."""

_TOO_LATE = {
    "connect": ("connection-timeout", "the connection"),
    "first": ("HTTP-response-timeout", "the response"),
    "between": ("connection-read-timeout", "the rest of the response"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What an exchange needs of its surroundings.

    Args:
        loop: The run's.
        take_idle: Returns a connection that is there already, if there is one.
        give_idle: Takes one back that is ready for the next request.
        dial: Begins to make one.
        on_end: Called once, when the exchange has ended in whatever way.
    """

    loop: RunLoop
    take_idle: Callable[[Origin], Connection | None]
    give_idle: Callable[[Connection], None]
    dial: Callable[[Origin, Callable[[Dialled], None]], Dialling]
    on_end: Callable[[Exchange], None]


class Exchange:
    """One request and its response.

    Args:
        head: The request.
        body: Its body; ``None`` for none.
        timeouts: How long things may take.
        wiring: Its surroundings.
        rewrite: Applied to the whole body before it is sent, where secrets go into it; the body is held until then.
    """

    def __init__(
        self,
        head: RequestHead,
        body: OutgoingBody | None,
        *,
        timeouts: Timeouts,
        wiring: Wiring,
        rewrite: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self.request = head
        self.response: ResponseHead | None = None
        self.trailers: tuple[Header, ...] = ()
        self.error: OutboundError | None = None
        self.is_complete = False
        self.is_released = False
        """The guest is not interested any more."""
        self.received_bytes = 0
        self.due_at: float | None = None
        self._body = body
        self._timeouts = timeouts
        self._wiring = wiring
        self._sending = RequestSending(head, body, rewrite)
        self._inbox = bytearray()
        self._phase = "connect"
        self._connection: Connection | None = None
        self._dialling: Dialling | None = None
        self._is_at_end = False
        if body is not None:
            body.is_attached = True
            body.on_change = self.advance

    # What the guest does.

    def start(self) -> None:
        """Begin; what comes of it shows in the attributes."""
        self._set_timer(self._timeouts.connect)
        self._wiring.loop.add(self)
        connection = self._wiring.take_idle(self.request.origin)
        if connection is not None:
            self._begin(connection)
        else:
            self._dial()

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes from the connection: the response is whole, or failed, or was given up."""
        return self.is_complete or self.error is not None or self.is_released

    @property
    def sent_bytes(self) -> int:
        """How many bytes of the request's body went to the connection."""
        return self._sending.sent_bytes

    def must_start(self) -> None:
        """Hear that the guest waits for something: send what there is of the request."""
        if self._body is not None and not self._sending.is_head_sent:
            self._body.must_start = True
            self.advance()

    def available(self) -> int:
        """Return how many bytes of the response's body are here."""
        return len(self._inbox)

    def take(self, most: int) -> bytes:
        """Return bytes of the response's body that are here."""
        data = bytes(self._inbox[:most])
        del self._inbox[:most]
        if data and not self.has_ended:
            self.advance()
        return data

    def release(self) -> None:
        """Give it up, if it is still going on."""
        if not self.has_ended:
            self.is_released = True
            self._end()
        self._inbox.clear()

    def fail(self, error: OutboundError) -> None:
        """End it with an error, unless it has ended."""
        if not self.has_ended:
            self.error = error
            self._end()

    def on_due(self) -> None:
        """Hear that time is up."""
        code, what = _TOO_LATE[self._phase]
        doing = f", while {self._dialling.phase}" if self._dialling is not None else ""
        self.fail(OutboundTimeout(code, f"{what} from {self.request.authority} took longer than allowed{doing}"))

    # Getting a connection.

    def _dial(self) -> None:
        self._dialling = dialling = self._wiring.dial(self.request.origin, self._dialled)
        if self.has_ended or self._connection is not None:
            self._dialling = None
            dialling.cancel()

    def _dialled(self, dialled: Dialled) -> None:
        self._dialling = None
        if self.has_ended:
            if isinstance(dialled, Connection):
                dialled.close()
        elif isinstance(dialled, Connection):
            self._begin(dialled)
        else:
            self.fail(dialled)

    def _begin(self, connection: Connection) -> None:
        self._connection = connection
        self._phase = "first"
        self._set_timer(self._timeouts.first_byte)
        self.advance()

    # Moving on.

    def advance(self) -> None:
        """Send and receive what can be without waiting, then watch for more."""
        connection = self._connection
        if connection is None or self.has_ended:
            return
        try:
            self._sending.advance(connection)
            self._receive(connection)
        except h11.LocalProtocolError as error:
            # Its text may show a header's value, which may be a secret's.
            self.fail(OutboundInvalid("HTTP-protocol-error", f"the request is not valid HTTP ({_local_place(error)})"))
        except h11.RemoteProtocolError as error:
            self.fail(_remote_error(error, self.request.authority, had_head=self.response is not None))
        except OutboundError as error:
            self.fail(error)
        except OSError as error:
            self._broken(connection, error)
        if self._connection is connection and not self.has_ended:
            self._watch(connection)

    def _watch(self, connection: Connection) -> None:
        wants_read = len(self._inbox) < READ_AHEAD
        events = (READ if wants_read else 0) | (WRITE if connection.outbox else 0)
        self._wiring.loop.watch(connection.endpoint, events, lambda _events: self.advance())
        if self._phase == "between":
            if not wants_read:
                self.due_at = None
            elif self.due_at is None:
                self._set_timer(self._timeouts.between_bytes)

    def _receive(self, connection: Connection) -> None:
        while len(self._inbox) < READ_AHEAD and not self.has_ended:
            event = connection.protocol.next_event()
            match event:
                case h11.NEED_DATA:
                    data = connection.receive()
                    if data is None:
                        return
                    if data:
                        self._sending.forget()
                    elif self.response is None:
                        self._hung_up()
                    self._is_at_end = not data
                    connection.protocol.receive_data(data)
                case h11.InformationalResponse():
                    self._set_timer(self._timeouts.first_byte)
                case h11.Response():
                    self.response = ResponseHead(
                        status=event.status_code,
                        headers=tuple((name.decode("latin-1"), bytes(value)) for name, value in event.headers),
                    )
                    self._phase = "between"
                    self._set_timer(self._timeouts.between_bytes)
                case h11.Data():
                    self._inbox += event.data
                    self.received_bytes += len(event.data)
                    self._set_timer(self._timeouts.between_bytes)
                case h11.EndOfMessage():
                    self.trailers = tuple((name.decode("latin-1"), bytes(value)) for name, value in event.headers)
                    self.is_complete = True
                    self._end()
                case _:
                    # Paused, or closed: what follows the response is nobody's business.
                    self._hung_up()

    # Endings.

    def _hung_up(self) -> NoReturn:
        raise ConnectionResetError("closed by the other side")

    def _broken(self, connection: Connection, error: OSError) -> None:
        if connection.is_reused and self.response is None and self._sending.can_repeat():
            # An idle connection may be closed in the very moment in which it is used again.
            self._drop(connection)
            self._sending.repeat()
            self._phase = "connect"
            self._set_timer(self._timeouts.connect)
            self._dial()
            return
        if self.response is not None:
            failure: OutboundError = OutboundProtocolError(
                "HTTP-response-incomplete", f"{self.request.authority} hung up in the middle of its response"
            )
        else:
            failure = OutboundConnectError(
                "connection-terminated",
                f"{self.request.authority} hung up before it answered ({type(error).__name__})",
            )
        self.fail(failure)

    def _drop(self, connection: Connection) -> None:
        self._wiring.loop.watch(connection.endpoint, 0, _ignore)
        connection.close()
        self._connection = None

    def _end(self) -> None:
        self.due_at = None
        self._wiring.loop.discard(self)
        if self._body is not None:
            self._body.is_closed = True
            self._body.failure = self.error
            self._body.on_change = None
            self._body.buffer.clear()
        dialling, self._dialling = self._dialling, None
        if dialling is not None:
            dialling.cancel()
        connection = self._connection
        if connection is not None:
            protocol = connection.protocol
            if (
                self.is_complete
                and not self._is_at_end
                and not connection.outbox
                and protocol.our_state is h11.DONE
                and protocol.their_state is h11.DONE
                and not protocol.trailing_data[0]
            ):
                self._wiring.loop.watch(connection.endpoint, 0, _ignore)
                protocol.start_next_cycle()
                self._connection = None
                self._wiring.give_idle(connection)
            else:
                self._drop(connection)
        self._wiring.on_end(self)

    def _set_timer(self, seconds: float | None) -> None:
        self.due_at = None if seconds is None else time.monotonic() + seconds


def _remote_error(error: h11.RemoteProtocolError, authority: str, *, had_head: bool) -> OutboundError:
    text = str(error)
    if "too long" in text:
        return OutboundProtocolError(
            "HTTP-response-header-section-size", f"the response of {authority} has too large a head"
        )
    if had_head and "closed" in text:
        return OutboundProtocolError("HTTP-response-incomplete", f"{authority} hung up in the middle of its response")
    return OutboundProtocolError("HTTP-protocol-error", f"{authority} does not answer in HTTP/1.1")


def _local_place(error: h11.LocalProtocolError) -> str:
    return "a header" if "header" in str(error) else "its framing"


def _ignore(_events: int) -> None:
    return None
