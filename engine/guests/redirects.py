"""Where a redirect leads, and with what of the request."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urljoin, urlsplit

from engine.activity.http.messages import Header, HttpRequest
from engine.errors import OutboundInvalid

MAX_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BECOMES_GET = frozenset({301, 302, 303})
_ABOUT_THE_BODY = frozenset({"content-encoding", "content-language", "content-location", "content-type"})
_FOR_ONE_ORIGIN = frozenset({"authorization", "cookie", "proxy-authorization"})


def redirected_request(request: HttpRequest, status: int, response_headers: Sequence[Header]) -> HttpRequest | None:
    """Return the request that a response asks for, if it does.

    Source:
        RFC 9110, section 15.4.
    """
    location = next((value for name, value in response_headers if name == "location"), None)
    if status not in _REDIRECTS or location is None:
        return None
    url = urljoin(request.url, location.decode("latin-1"))
    is_get = status in _BECOMES_GET and request.method not in ("GET", "HEAD")
    before, after = urlsplit(request.url), urlsplit(url)
    dropped = _ABOUT_THE_BODY if is_get else frozenset()
    if (before.scheme, before.netloc) != (after.scheme, after.netloc):
        # What was meant for one server is not another one's business.
        dropped |= _FOR_ONE_ORIGIN
    return HttpRequest(
        method="GET" if is_get else request.method,
        url=url,
        headers=tuple((name, value) for name, value in request.headers if name.lower() not in dropped),
        body=b"" if is_get else request.body,
        timeout=request.timeout,
    )


def too_many_redirects() -> OutboundInvalid:
    """Return why a request goes no further."""
    return OutboundInvalid("HTTP-request-URI-invalid", f"more than {MAX_REDIRECTS} redirects")
