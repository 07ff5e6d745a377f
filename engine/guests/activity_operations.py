"""What an activity's runtime may ask beyond what every runtime may."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from engine.activity.http.messages import Header, HttpRequest, HttpResponse
from engine.activity.http.response_stream import ResponseStream
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
from engine.guests.redirects import MAX_REDIRECTS, redirected_request, too_many_redirects
from engine.wit.json_values import JsonValue

_LONGEST_PAUSE_S = 1.0
_MOST_RANDOM_BYTES = 65536
_MOST_READ_BYTES = 1 << 20
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
    begun = _begin(guest, body)
    if isinstance(begun, OutboundError):
        return _failed(begun)
    fetched = guest.fetches.wait(guest.context.http)
    assert fetched is not None
    assert fetched.number == begun
    if isinstance(fetched.outcome, OutboundError):
        return _failed(fetched.outcome)
    return write(_response(fetched.url, fetched.outcome))


def _http_begin(guest: ActivityGuest, body: Body) -> str:
    begun = _begin(guest, body)
    return _failed(begun) if isinstance(begun, OutboundError) else write({"request": begun})


def _http_wait(guest: ActivityGuest, body: Body) -> str:
    us = body.optional_integer("us")
    started = time.monotonic()
    fetched = guest.fetches.wait(guest.context.http, until=None if us is None else started + us / 1_000_000)
    waited: dict[str, JsonValue] = {"waited_us": int((time.monotonic() - started) * 1_000_000)}
    if fetched is None:
        return write(waited)
    outcome = fetched.outcome
    if isinstance(outcome, OutboundError):
        told: dict[str, JsonValue] = {"failed": _code_of(outcome), "message": outcome.message}
    else:
        told = _response(fetched.url, outcome)
    return write({**waited, "request": fetched.number, **told})


def _http_open(guest: ActivityGuest, body: Body) -> str:
    request = _request(body)
    redirects = MAX_REDIRECTS if _follows(body) else 0
    try:
        stream = guest.context.http.stream(request)
        while _follows(body) and (redirected := redirected_request(request, stream.status, stream.headers)) is not None:
            stream.close()
            if not redirects:
                raise too_many_redirects()
            redirects -= 1
            request = redirected
            stream = guest.context.http.stream(request)
    except OutboundError as error:
        return _failed(error)
    number = max(guest.streams, default=0) + 1
    guest.streams[number] = stream
    return write({**_head(request.url, stream), "stream": number})


def _http_read(guest: ActivityGuest, body: Body) -> str:
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


def _http_close(guest: ActivityGuest, body: Body) -> str:
    stream = guest.streams.pop(body.integer("stream"), None)
    if stream is not None:
        stream.close()
    return DONE


def _http_cancel(guest: ActivityGuest, body: Body) -> str:
    guest.fetches.cancel(body.integer("request"))
    return DONE


def _begin(guest: ActivityGuest, body: Body) -> int | OutboundError:
    try:
        return guest.fetches.begin(guest.context.http, _request(body), follows=_follows(body))
    except OutboundError as error:
        return error


def _request(body: Body) -> HttpRequest:
    timeout_us = body.optional_integer("timeout_us")
    return HttpRequest(
        method=body.text("method"),
        url=body.text("url"),
        headers=tuple(_header(item) for item in body.array("headers")),
        body=_decode(body.optional_text("body")),
        timeout=None if timeout_us is None else timedelta(microseconds=timeout_us),
    )


def _follows(body: Body) -> bool:
    return body.text("redirect") == "follow"


def _failed(error: OutboundError) -> str:
    return refused(_code_of(error), error.message)


def _code_of(error: OutboundError) -> str:
    return next((code for kind, code in _CODES if isinstance(error, kind)), "protocol")


def _response(url: str, response: HttpResponse) -> dict[str, JsonValue]:
    return {**_head(url, response), "body": base64.b64encode(response.body).decode()}


def _head(url: str, response: HttpResponse | ResponseStream) -> dict[str, JsonValue]:
    headers: list[JsonValue] = [[name, value.decode("latin-1")] for name, value in response.headers]
    return {"status": response.status, "headers": headers, "url": url}


def _header(item: Any) -> Header:
    match item:
        case [str(name), str(value)]:
            return name, _octets(value)
        case _:
            raise ConstraintViolation("http: a header must be a name and a value")


def _octets(value: str) -> bytes:
    # Headers are Latin-1, in JavaScript by its standard; what does not fit is sent as most servers would read it.
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8")


def _decode(text: str | None) -> bytes:
    try:
        return b"" if text is None else base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ConstraintViolation("http: the body must be base64") from None


OPERATIONS: Mapping[str, Callable[[ActivityGuest, Body], str]] = {
    "entropy": _entropy,
    "pause": _pause,
    "http": _http,
    "http_open": _http_open,
    "http_read": _http_read,
    "http_close": _http_close,
    "http_begin": _http_begin,
    "http_wait": _http_wait,
    "http_cancel": _http_cancel,
}
"""By name."""
