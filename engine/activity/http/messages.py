"""HTTP requests and responses as the host's callers give and get them whole.

Guest runtimes that offer HTTP to source code work with these; ``wasi:http`` streams through the same client, policy and
connections.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

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
