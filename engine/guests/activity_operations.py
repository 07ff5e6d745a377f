"""What an activity's runtime may ask beyond what every runtime may."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from engine.activity.http.messages import Header, HttpRequest, HttpResponse, HttpStream
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
from engine.wit.options import JsonValue

_LONGEST_PAUSE_S = 1.0
_MOST_RANDOM_BYTES = 65536
_MOST_READ_BYTES = 1 << 20
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
_Response = TypeVar("_Response", HttpResponse, HttpStream)


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
    try:
        url, response = _send(guest.context.http.send, _request(body), may_follow=_may_follow(body))
    except OutboundError as error:
        return _failed(error)
    return write({**_head(url, response), "body": base64.b64encode(response.body).decode()})


def _open(guest: ActivityGuest, body: Body) -> str:
    try:
        url, stream = _send(guest.context.http.stream, _request(body), may_follow=_may_follow(body))
    except OutboundError as error:
        return _failed(error)
    number = max(guest.streams, default=0) + 1
    guest.streams[number] = stream
    return write({**_head(url, stream), "stream": number})


def _read(guest: ActivityGuest, body: Body) -> str:
    most = body.integer("bytes")
    if not 0 < most <= _MOST_READ_BYTES:
        raise ConstraintViolation(f"http_read: from 1 to {_MOST_READ_BYTES} bytes at once, got {most}")
    stream = guest.streams.get(body.integer("stream"))
    if stream is None:
        return refused("closed", "the response is closed")
    try:
        return write({"body": base64.b64encode(stream.read(most)).decode()})
    except OutboundError as error:
        return _failed(error)


def _close(guest: ActivityGuest, body: Body) -> str:
    stream = guest.streams.pop(body.integer("stream"), None)
    if stream is not None:
        stream.close()
    return DONE


def _request(body: Body) -> HttpRequest:
    return HttpRequest(
        method=body.text("method"),
        url=body.text("url"),
        headers=tuple(_header(item) for item in body.array("headers")),
        body=_decode(body.optional_text("body")),
        timeout=timedelta(microseconds=body.integer("timeout_us")),
    )


def _may_follow(body: Body) -> bool:
    return body.text("redirect") == "follow"


def _head(url: str, response: HttpResponse | HttpStream) -> dict[str, JsonValue]:
    headers: list[JsonValue] = [[name, value.decode("latin-1")] for name, value in response.headers]
    return {"status": response.status, "headers": headers, "url": url}


def _failed(error: OutboundError) -> str:
    return refused(next((code for kind, code in _CODES if isinstance(error, kind)), "protocol"), error.message)


def _send(send: Callable[[HttpRequest], _Response], request: HttpRequest, *, may_follow: bool) -> tuple[str, _Response]:
    """Send a request and follow redirects; every hop passes the policy by itself."""
    for _ in range(_MAX_REDIRECTS):
        response = send(request)
        location = next((value for name, value in response.headers if name == "location"), None)
        if not may_follow or response.status not in _REDIRECTS or location is None:
            return request.url, response
        if not isinstance(response, HttpResponse):
            response.close()
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
    "http_open": _open,
    "http_read": _read,
    "http_close": _close,
}
"""By name."""
