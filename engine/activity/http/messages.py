"""HTTP requests and responses as the host's callers give and get them whole.

A guest runtime that offers HTTP to source code calls `HttpClient.send`; ``wasi:http`` streams through the same client,
policy and connections.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

Header = tuple[str, bytes]
"""Name, in any case, and value; a name may stand there more than once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request whose body is at hand.

    Args:
        method: Such as ``GET``; case counts, as in HTTP.
        url: Absolute, ``http`` or ``https``, with path and query; a fragment is not sent.
        headers: In order. ``Host``, ``Content-Length`` and what concerns the connection are the client's own business.
        body: What is sent.
        timeout: How long the whole exchange may take; ``None`` leaves it to the run's own deadline.
    """

    method: str
    url: str
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    timeout: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A response that has arrived whole.

    Args:
        status: 200 to 599; redirects come back as they are, nobody follows them here.
        headers: In order, names in lower case.
        body: Decoded from its transfer coding, not from its content coding.
        trailers: Headers that came behind a chunked body.
    """

    status: int
    headers: tuple[Header, ...] = ()
    body: bytes = field(default=b"", repr=False)
    trailers: tuple[Header, ...] = ()


class HttpClient(Protocol):
    """The way out of one run of a guest: policy, secrets and records included."""

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send a request and wait for the whole response, on this thread.

        Raises:
            OutboundDenied: The policy does not let it out; the execution's log tells what would.
            OutboundInvalid: It is no HTTP request, or larger than the limits.
            OutboundTimeout: ``timeout`` is over.
            OutboundConnectError: The host cannot be reached, or hung up.
            OutboundProtocolError: What came back is no HTTP, or larger than the limits.
            Trap: Of kind ``interrupted``: the run is out of time or is being stopped. Let it pass through.
        """
        ...
