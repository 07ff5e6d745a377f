"""``wasi:http/incoming-handler``: a request handed to the component that answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.activity.http.messages import Header
from engine.activity.http.outbound import CONNECTION_HEADERS
from engine.errors import LinkError
from engine.host.wasi.http_fields import Fields
from engine.host.wasi.http_resources import IncomingRequest, OutgoingResponse, ResponseOutparam
from engine.host.wasi.incoming_body import FedBody
from engine.host.wasi.state import WasiState
from engine.wit.names import InterfaceName
from engine.wit.options import JsonValue

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})

_HANDLER = "wasi:http/incoming-handler@"

Answer = Callable[[OutgoingResponse | None, JsonValue], None]
"""Takes the response, or the canonical ``error-code``; the response's body may still be written then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """A request that came in.

    Args:
        method: Such as ``GET``; case counts.
        authority: Host and port, as the client names them.
        target: Path and query, as the client wrote them.
        headers: In order; those that concern the connection are kept from the guest.
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
    headers = [(name, value) for name, value in request.headers if name.lower() not in CONNECTION_HEADERS]
    incoming = IncomingRequest(
        method=request.method.lower() if request.method in _METHODS else {"other": request.method},
        scheme="HTTP",
        authority=request.authority,
        path=request.target,
        headers=Fields(headers, is_frozen=True),
        source=request.body,
    )
    return state.table.add(incoming), state.table.add(ResponseOutparam(answer, inform=_drop))


def handler_export(exports: Iterable[str]) -> str:
    """Return the name under which a component exports its handler, of whatever 0.2 version.

    Raises:
        LinkError: If it exports none.
    """
    for export in exports:
        if export.startswith(_HANDLER) and (InterfaceName.parse(export).version or "").startswith("0.2."):
            return export
    raise LinkError("the component exports no wasi:http/incoming-handler of version 0.2, so it answers no requests")


def _drop(_status: int, _headers: Fields) -> None:
    """Informational responses go nowhere: ASGI has no word for them."""
