"""What an activity's runtime may ask beyond what every runtime may."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

from engine.activity.http.messages import Header, HttpRequest, HttpResponse
from engine.errors import (
    ConstraintViolation,
    OutboundConnectError,
    OutboundDenied,
    OutboundError,
    OutboundInvalid,
    OutboundTimeout,
)
from engine.guests.answers import DONE, refused, write
from engine.guests.bodies import Body
from engine.guests.contexts import ActivityGuest

_LONGEST_PAUSE_S = 1.0
_MOST_RANDOM_BYTES = 65536
_MAX_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BECOMES_GET = frozenset({301, 302, 303})
_ABOUT_THE_BODY = frozenset({"content-encoding", "content-language", "content-location", "content-type"})
_FOR_ONE_ORIGIN = frozenset({"authorization", "cookie", "proxy-authorization"})
_CODES: tuple[tuple[type[OutboundError], str], ...] = (
    (OutboundDenied, "denied"),
    (OutboundInvalid, "invalid"),
    (OutboundTimeout, "timeout"),
    (OutboundConnectError, "connect"),
)


def _pause(guest: ActivityGuest, body: Body) -> str:
    # In pieces, as a run cannot be interrupted while the host has it; the runtime asks again.
    guest.pause(min(body.integer("us") / 1_000_000, _LONGEST_PAUSE_S))
    return DONE


def _entropy(guest: ActivityGuest, body: Body) -> str:
    count = body.integer("bytes")
    if not 0 <= count <= _MOST_RANDOM_BYTES:
        raise ConstraintViolation(f"entropy: from 0 to {_MOST_RANDOM_BYTES} bytes at once, got {count}")
    return write({"value": base64.b64encode(guest.random_bytes(count)).decode()})


def _http(guest: ActivityGuest, body: Body) -> str:
    request = HttpRequest(
        method=body.text("method"),
        url=body.text("url"),
        headers=tuple(_header(item) for item in body.array("headers")),
        body=_decode(body.optional_text("body")),
        timeout=timedelta(microseconds=body.integer("timeout_us")),
    )
    may_follow = body.text("redirect") == "follow"
    try:
        url, response = _send(guest, request, may_follow=may_follow)
    except OutboundError as error:
        code = next((code for kind, code in _CODES if isinstance(error, kind)), "protocol")
        return refused(code, error.message)
    return write(
        {
            "status": response.status,
            "headers": [[name, value.decode("latin-1")] for name, value in response.headers],
            "body": base64.b64encode(response.body).decode(),
            "url": url,
        }
    )


def _send(guest: ActivityGuest, request: HttpRequest, *, may_follow: bool) -> tuple[str, HttpResponse]:
    """Send a request and follow redirects; every hop passes the policy by itself."""
    client = guest.context.http
    for _ in range(_MAX_REDIRECTS):
        response = client.send(request)
        location = next((value for name, value in response.headers if name == "location"), None)
        if not may_follow or response.status not in _REDIRECTS or location is None:
            return request.url, response
        request = _redirected(request, response.status, urljoin(request.url, location.decode("latin-1")))
    raise OutboundInvalid("HTTP-request-URI-invalid", f"more than {_MAX_REDIRECTS} redirects")


def _redirected(request: HttpRequest, status: int, url: str) -> HttpRequest:
    """Return the request that a redirect asks for.

    Source:
        RFC 9110, section 15.4.
    """
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


def _header(item: Any) -> Header:
    match item:
        case [str(name), str(value)]:
            return name, value.encode("utf-8")
        case _:
            raise ConstraintViolation("http: a header must be a name and a value")


def _decode(text: str | None) -> bytes:
    try:
        return b"" if text is None else base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ConstraintViolation("http: the body must be base64") from None


OPERATIONS: Mapping[str, Callable[[ActivityGuest, Body], str]] = {
    "entropy": _entropy,
    "pause": _pause,
    "http": _http,
}
"""By name."""
