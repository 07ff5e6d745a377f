"""``wasi:http/incoming-handler``: a request handed to the component that answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.activity.http_messages import Header
from engine.host.wasi.http_fields import Fields
from engine.host.wasi.http_resources import IncomingRequest, OutgoingResponse, ResponseOutparam
from engine.host.wasi.incoming_body import FedBody
from engine.host.wasi.state import WasiState
from engine.wit.options import JsonValue

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})

Answer = Callable[[OutgoingResponse | None, JsonValue], None]
"""Takes the response, or the canonical ``error-code``; the response's body may still be written then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """A request that came in.

    Args:
        method: Such as ``GET``; case counts.
        authority: Host and port, as the client names them.
        target: Path and query, as the client wrote them.
        headers: In order.
        body: Where its body comes from.
    """

    method: str
    authority: str | None
    target: str
    headers: tuple[Header, ...]
    body: FedBody


def give_request(state: WasiState, request: ReceivedRequest, answer: Answer) -> tuple[int, int]:
    """Return the numbers of an ``incoming-request`` and of the ``response-outparam`` that goes with it.

    The scheme is ``http``, whatever the client spoke to a proxy in front of us.

    Source:
        Obelisk reference, section 8.
    """
    incoming = IncomingRequest(
        method=request.method.lower() if request.method in _METHODS else {"other": request.method},
        scheme="HTTP",
        authority=request.authority,
        path=request.target,
        headers=Fields(request.headers, is_frozen=True),
        source=request.body,
    )
    return state.table.add(incoming), state.table.add(ResponseOutparam(answer))
