"""What the resources of ``wasi:http/types`` stand for, but for fields and bodies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from engine.activity.http.exchange import Exchange
from engine.activity.http.exchange_parts import Timeouts
from engine.activity.http.outgoing_body import OutgoingBody
from engine.host.wasi.http_bodies import IncomingSource
from engine.host.wasi.http_fields import Fields
from engine.wit.options import JsonValue

_SECOND_NS = 1_000_000_000


@dataclass(slots=True)
class OutgoingRequest:
    """An ``outgoing-request``."""

    headers: Fields
    method: JsonValue = "get"
    scheme: JsonValue = None
    authority: str | None = None
    path: str | None = None
    body: OutgoingBody | None = None


@dataclass(slots=True)
class RequestOptions:
    """A ``request-options``: nanoseconds."""

    connect: int | None = None
    first_byte: int | None = None
    between_bytes: int | None = None

    def timeouts(self) -> Timeouts:
        """Return them as the client takes them."""
        return Timeouts(
            connect=_seconds(self.connect),
            first_byte=_seconds(self.first_byte),
            between_bytes=_seconds(self.between_bytes),
        )


@dataclass(slots=True)
class IncomingResponse:
    """An ``incoming-response``."""

    status: int
    headers: Fields
    source: IncomingSource
    is_consumed: bool = False


@dataclass(slots=True)
class FutureIncomingResponse:
    """A ``future-incoming-response``."""

    exchange: Exchange
    is_taken: bool = False

    def is_ready(self) -> bool:
        """Tell whether the response's head is here, or never comes; the guest waits, so the request must go out."""
        self.exchange.must_start()
        return self.exchange.response is not None or self.exchange.has_ended


@dataclass(slots=True)
class IncomingRequest:
    """An ``incoming-request``, which the host makes for a component that answers requests.

    Args:
        method: Canonical ``method``.
        scheme: Canonical ``scheme``, or ``None``.
        authority: Host and port.
        path: Path and query.
        headers: Frozen.
        source: The body.
    """

    method: JsonValue
    scheme: JsonValue
    authority: str | None
    path: str | None
    headers: Fields
    source: IncomingSource
    is_consumed: bool = False


@dataclass(slots=True)
class OutgoingResponse:
    """An ``outgoing-response``."""

    headers: Fields
    status: int = 200
    body: OutgoingBody | None = None


@dataclass(slots=True)
class ResponseOutparam:
    """A ``response-outparam``.

    Args:
        answer: Takes the response, or the canonical ``error-code``; the body may still be written then.
        inform: Takes the status and the headers of an informational response.
    """

    answer: Callable[[OutgoingResponse | None, JsonValue], None] = field(repr=False)
    inform: Callable[[int, Fields], None] = field(repr=False)


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / _SECOND_NS
