"""``wasi:http/types``: requests, responses and their parts, both ways."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.activity.http_exchange import Exchange, Timeouts
from engine.activity.outgoing_body import OutgoingBody
from engine.errors import OutboundError
from engine.host.wasi.definition import Definition
from engine.host.wasi.http_bodies import (
    BodyInput,
    BodyOutput,
    FutureTrailers,
    GuestIncomingBody,
    GuestOutgoingBody,
    IncomingSource,
)
from engine.host.wasi.http_errors import ERROR_CODE, error_code
from engine.host.wasi.http_fields import Fields, HeaderError, fields_from
from engine.host.wasi.io_error import ERROR, IoError
from engine.host.wasi.poll import POLLABLE, Pollable
from engine.host.wasi.state import WasiContext
from engine.host.wasi.streams import INPUT_STREAM, OUTPUT_STREAM, give_input, give_output
from engine.wasm.host_functions import HostResource
from engine.wit.options import JsonValue

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_PATH = re.compile(r"[\x21-\x22\x24-\x7e]*")
_AUTHORITY = re.compile(r"[A-Za-z0-9._:\[\]%-]+")
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
    """

    answer: Callable[[OutgoingResponse | None, JsonValue], None] = field(repr=False)


def _drop(context: WasiContext, number: int) -> None:
    context.wasi.table.drop(number)


def _drop_outgoing_body(context: WasiContext, number: int) -> None:
    dropped = context.wasi.table.drop(number)
    if isinstance(dropped, GuestOutgoingBody):
        dropped.body.abort()


def _drop_incoming(context: WasiContext, number: int) -> None:
    match context.wasi.table.drop(number):
        case GuestIncomingBody(source=source) | FutureTrailers(source=source):
            source.release()
        case IncomingResponse(source=source, is_consumed=False) | IncomingRequest(source=source, is_consumed=False):
            source.release()
        case FutureIncomingResponse(exchange=exchange, is_taken=False):
            exchange.release()
        case _:
            pass


FIELDS = HostResource(name="fields", drop=_drop)
OUTGOING_REQUEST = HostResource(name="outgoing-request", drop=_drop)
REQUEST_OPTIONS = HostResource(name="request-options", drop=_drop)
INCOMING_REQUEST = HostResource(name="incoming-request", drop=_drop_incoming)
RESPONSE_OUTPARAM = HostResource(name="response-outparam", drop=_drop)
INCOMING_RESPONSE = HostResource(name="incoming-response", drop=_drop_incoming)
INCOMING_BODY = HostResource(name="incoming-body", drop=_drop_incoming)
FUTURE_TRAILERS = HostResource(name="future-trailers", drop=_drop_incoming)
OUTGOING_RESPONSE = HostResource(name="outgoing-response", drop=_drop)
OUTGOING_BODY = HostResource(name="outgoing-body", drop=_drop_outgoing_body)
FUTURE_RESPONSE = HostResource(name="future-incoming-response", drop=_drop_incoming)

TYPES = {
    "method": "variant { get, head, post, put, delete, connect, options, trace, patch, other(string) }",
    "scheme": "variant { HTTP, HTTPS, other(string) }",
    "error-code": ERROR_CODE,
    "header-error": "variant { invalid-syntax, forbidden, immutable }",
    "response": "result<own<incoming-response>, $error-code>",
    "ended": "result<option<own<fields>>, $error-code>",
}

_http = Definition(
    """
    constructor fields() -> own<fields>
    static fields.from-list(entries: list<tuple<string, list<u8>>>) -> result<own<fields>, $header-error>
    fields.get(name: string) -> list<list<u8>>
    fields.has(name: string) -> bool
    fields.set(name: string, value: list<list<u8>>) -> result<_, $header-error>
    fields.delete(name: string) -> result<_, $header-error>
    fields.append(name: string, value: list<u8>) -> result<_, $header-error>
    fields.entries() -> list<tuple<string, list<u8>>>
    fields.clone() -> own<fields>
    incoming-request.method() -> $method
    incoming-request.path-with-query() -> option<string>
    incoming-request.scheme() -> option<$scheme>
    incoming-request.authority() -> option<string>
    incoming-request.headers() -> own<fields>
    incoming-request.consume() -> result<own<incoming-body>>
    constructor outgoing-request(headers: own<fields>) -> own<outgoing-request>
    outgoing-request.body() -> result<own<outgoing-body>>
    outgoing-request.method() -> $method
    outgoing-request.set-method(method: $method) -> result
    outgoing-request.path-with-query() -> option<string>
    outgoing-request.set-path-with-query(path-with-query: option<string>) -> result
    outgoing-request.scheme() -> option<$scheme>
    outgoing-request.set-scheme(scheme: option<$scheme>) -> result
    outgoing-request.authority() -> option<string>
    outgoing-request.set-authority(authority: option<string>) -> result
    outgoing-request.headers() -> own<fields>
    constructor request-options() -> own<request-options>
    request-options.connect-timeout() -> option<u64>
    request-options.set-connect-timeout(duration: option<u64>) -> result
    request-options.first-byte-timeout() -> option<u64>
    request-options.set-first-byte-timeout(duration: option<u64>) -> result
    request-options.between-bytes-timeout() -> option<u64>
    request-options.set-between-bytes-timeout(duration: option<u64>) -> result
    response-outparam.send-informational(status: u16, headers: own<fields>) -> result<_, $error-code>
    static response-outparam.set(param: own<response-outparam>, response: result<own<outgoing-response>, $error-code>)
    incoming-response.status() -> u16
    incoming-response.headers() -> own<fields>
    incoming-response.consume() -> result<own<incoming-body>>
    incoming-body.stream() -> result<own<input-stream>>
    static incoming-body.finish(this: own<incoming-body>) -> own<future-trailers>
    future-trailers.subscribe() -> own<pollable>
    future-trailers.get() -> option<result<$ended>>
    constructor outgoing-response(headers: own<fields>) -> own<outgoing-response>
    outgoing-response.status-code() -> u16
    outgoing-response.set-status-code(status-code: u16) -> result
    outgoing-response.headers() -> own<fields>
    outgoing-response.body() -> result<own<outgoing-body>>
    outgoing-body.write() -> result<own<output-stream>>
    static outgoing-body.finish(this: own<outgoing-body>, trailers: option<own<fields>>) -> result<_, $error-code>
    future-incoming-response.subscribe() -> own<pollable>
    future-incoming-response.get() -> option<result<$response>>
    http-error-code(err: borrow<io-error>) -> option<$error-code>
    """,
    types=TYPES,
    resources={
        "fields": FIELDS,
        "outgoing-request": OUTGOING_REQUEST,
        "request-options": REQUEST_OPTIONS,
        "incoming-request": INCOMING_REQUEST,
        "response-outparam": RESPONSE_OUTPARAM,
        "incoming-response": INCOMING_RESPONSE,
        "incoming-body": INCOMING_BODY,
        "future-trailers": FUTURE_TRAILERS,
        "outgoing-response": OUTGOING_RESPONSE,
        "outgoing-body": OUTGOING_BODY,
        "future-incoming-response": FUTURE_RESPONSE,
        "error": ERROR,
        "io-error": ERROR,
        "pollable": POLLABLE,
        "input-stream": INPUT_STREAM,
        "output-stream": OUTPUT_STREAM,
    },
)

_OK: dict[str, object] = {"ok": None}
_ERR: dict[str, object] = {"err": None}
_Outcome = dict[str, object]


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / _SECOND_NS


# --- fields -----------------------------------------------------------------------------------------------------------


def _changing(change: Callable[[], object]) -> _Outcome:
    try:
        change()
    except HeaderError as error:
        return {"err": error.case}
    return _OK


def _fields(context: WasiContext, number: int) -> Fields:
    return context.wasi.table.get(number, Fields)


@_http.call("fields.new")
def _new_fields(context: WasiContext) -> int:
    return context.wasi.table.add(Fields())


@_http.call("fields.from-list")
def _from_list(context: WasiContext, entries: list[tuple[str, bytes]]) -> _Outcome:
    try:
        return {"ok": context.wasi.table.add(fields_from(entries))}
    except HeaderError as error:
        return {"err": error.case}


@_http.call("fields.get")
def _get(context: WasiContext, this: int, name: str) -> list[bytes]:
    return _fields(context, this).get(name)


@_http.call("fields.has")
def _has(context: WasiContext, this: int, name: str) -> bool:
    return bool(_fields(context, this).get(name))


@_http.call("fields.set")
def _set(context: WasiContext, this: int, name: str, values: list[bytes]) -> _Outcome:
    return _changing(lambda: _fields(context, this).set(name, values))


@_http.call("fields.delete")
def _delete(context: WasiContext, this: int, name: str) -> _Outcome:
    return _changing(lambda: _fields(context, this).delete(name))


@_http.call("fields.append")
def _append(context: WasiContext, this: int, name: str, value: bytes) -> _Outcome:
    return _changing(lambda: _fields(context, this).append(name, value))


@_http.call("fields.entries")
def _entries(context: WasiContext, this: int) -> list[list[object]]:
    return [[name, value] for name, value in _fields(context, this).entries]


@_http.call("fields.clone")
def _clone(context: WasiContext, this: int) -> int:
    return context.wasi.table.add(Fields(_fields(context, this).entries))


# --- requests to answer -----------------------------------------------------------------------------------------------


def _incoming_request(context: WasiContext, number: int) -> IncomingRequest:
    return context.wasi.table.get(number, IncomingRequest)


@_http.call("incoming-request.method")
def _incoming_method(context: WasiContext, this: int) -> JsonValue:
    return _incoming_request(context, this).method


@_http.call("incoming-request.path-with-query")
def _incoming_path(context: WasiContext, this: int) -> str | None:
    return _incoming_request(context, this).path


@_http.call("incoming-request.scheme")
def _incoming_scheme(context: WasiContext, this: int) -> JsonValue:
    return _incoming_request(context, this).scheme


@_http.call("incoming-request.authority")
def _incoming_authority(context: WasiContext, this: int) -> str | None:
    return _incoming_request(context, this).authority


@_http.call("incoming-request.headers")
def _incoming_request_headers(context: WasiContext, this: int) -> int:
    return context.wasi.table.add(_incoming_request(context, this).headers)


@_http.call("incoming-request.consume")
def _consume_request(context: WasiContext, this: int) -> _Outcome:
    return _consume(context, _incoming_request(context, this))


def _consume(context: WasiContext, message: IncomingRequest | IncomingResponse) -> _Outcome:
    if message.is_consumed:
        return _ERR
    message.is_consumed = True
    return {"ok": context.wasi.table.add(GuestIncomingBody(message.source))}


# --- requests to send -------------------------------------------------------------------------------------------------


def _request(context: WasiContext, number: int) -> OutgoingRequest:
    return context.wasi.table.get(number, OutgoingRequest)


@_http.call("outgoing-request.new")
def _new_request(context: WasiContext, headers: int) -> int:
    table = context.wasi.table
    return table.add(OutgoingRequest(table.take(headers, Fields).freeze()))


@_http.call("outgoing-request.body")
def _request_body(context: WasiContext, this: int) -> _Outcome:
    return _make_body(context, _request(context, this))


def _make_body(context: WasiContext, message: OutgoingRequest | OutgoingResponse) -> _Outcome:
    if message.body is not None:
        return _ERR
    lengths = {value.strip() for value in message.headers.get("content-length")}
    if len(lengths) > 1 or not all(length.isdigit() and len(length) < 19 for length in lengths):
        return _ERR
    message.body = OutgoingBody(int(lengths.pop()) if lengths else None)
    return {"ok": context.wasi.table.add(GuestOutgoingBody(message.body))}


@_http.call("outgoing-request.method")
def _method(context: WasiContext, this: int) -> JsonValue:
    return _request(context, this).method


@_http.call("outgoing-request.set-method")
def _set_method(context: WasiContext, this: int, method: JsonValue) -> _Outcome:
    if isinstance(method, dict) and not _TOKEN.fullmatch(str(method["other"])):
        return _ERR
    _request(context, this).method = method
    return _OK


@_http.call("outgoing-request.path-with-query")
def _path_with_query(context: WasiContext, this: int) -> str | None:
    return _request(context, this).path


@_http.call("outgoing-request.set-path-with-query")
def _set_path_with_query(context: WasiContext, this: int, path: str | None) -> _Outcome:
    if path is not None and not _PATH.fullmatch(path):
        return _ERR
    _request(context, this).path = path
    return _OK


@_http.call("outgoing-request.scheme")
def _scheme(context: WasiContext, this: int) -> JsonValue:
    return _request(context, this).scheme


@_http.call("outgoing-request.set-scheme")
def _set_scheme(context: WasiContext, this: int, scheme: JsonValue) -> _Outcome:
    if isinstance(scheme, dict) and not _TOKEN.fullmatch(str(scheme["other"])):
        return _ERR
    _request(context, this).scheme = scheme
    return _OK


@_http.call("outgoing-request.authority")
def _authority(context: WasiContext, this: int) -> str | None:
    return _request(context, this).authority


@_http.call("outgoing-request.set-authority")
def _set_authority(context: WasiContext, this: int, authority: str | None) -> _Outcome:
    if authority is not None and not _AUTHORITY.fullmatch(authority):
        return _ERR
    _request(context, this).authority = authority
    return _OK


@_http.call("outgoing-request.headers")
def _request_headers(context: WasiContext, this: int) -> int:
    return context.wasi.table.add(_request(context, this).headers)


# --- request-options --------------------------------------------------------------------------------------------------


def _options(context: WasiContext, number: int) -> RequestOptions:
    return context.wasi.table.get(number, RequestOptions)


@_http.call("request-options.new")
def _new_options(context: WasiContext) -> int:
    return context.wasi.table.add(RequestOptions())


@_http.call("request-options.connect-timeout")
def _connect_timeout(context: WasiContext, this: int) -> int | None:
    return _options(context, this).connect


@_http.call("request-options.set-connect-timeout")
def _set_connect_timeout(context: WasiContext, this: int, duration: int | None) -> _Outcome:
    _options(context, this).connect = duration
    return _OK


@_http.call("request-options.first-byte-timeout")
def _first_byte_timeout(context: WasiContext, this: int) -> int | None:
    return _options(context, this).first_byte


@_http.call("request-options.set-first-byte-timeout")
def _set_first_byte_timeout(context: WasiContext, this: int, duration: int | None) -> _Outcome:
    _options(context, this).first_byte = duration
    return _OK


@_http.call("request-options.between-bytes-timeout")
def _between_bytes_timeout(context: WasiContext, this: int) -> int | None:
    return _options(context, this).between_bytes


@_http.call("request-options.set-between-bytes-timeout")
def _set_between_bytes_timeout(context: WasiContext, this: int, duration: int | None) -> _Outcome:
    _options(context, this).between_bytes = duration
    return _OK


# --- responses to give ------------------------------------------------------------------------------------------------


def _outgoing_response(context: WasiContext, number: int) -> OutgoingResponse:
    return context.wasi.table.get(number, OutgoingResponse)


@_http.call("response-outparam.send-informational")
def _send_informational(_context: WasiContext, _this: int, _status: int, _headers: int) -> _Outcome:
    return {"err": {"internal_error": "informational responses are not supported"}}


@_http.call("response-outparam.set")
def _set_response(context: WasiContext, param: int, outcome: dict[str, JsonValue]) -> None:
    table = context.wasi.table
    answer = table.take(param, ResponseOutparam).answer
    response = outcome.get("ok")
    if isinstance(response, int):
        answer(table.take(response, OutgoingResponse), None)
    else:
        answer(None, outcome.get("err"))


@_http.call("outgoing-response.new")
def _new_response(context: WasiContext, headers: int) -> int:
    table = context.wasi.table
    return table.add(OutgoingResponse(table.take(headers, Fields).freeze()))


@_http.call("outgoing-response.status-code")
def _status_code(context: WasiContext, this: int) -> int:
    return _outgoing_response(context, this).status


@_http.call("outgoing-response.set-status-code")
def _set_status_code(context: WasiContext, this: int, status: int) -> _Outcome:
    if not 100 <= status <= 999:
        return _ERR
    _outgoing_response(context, this).status = status
    return _OK


@_http.call("outgoing-response.headers")
def _outgoing_response_headers(context: WasiContext, this: int) -> int:
    return context.wasi.table.add(_outgoing_response(context, this).headers)


@_http.call("outgoing-response.body")
def _response_body(context: WasiContext, this: int) -> _Outcome:
    return _make_body(context, _outgoing_response(context, this))


# --- responses received -----------------------------------------------------------------------------------------------


@_http.call("future-incoming-response.subscribe")
def _subscribe_response(context: WasiContext, this: int) -> int:
    table = context.wasi.table
    return table.add(Pollable(table.get(this, FutureIncomingResponse).is_ready), parent=this)


@_http.call("future-incoming-response.get")
def _get_response(context: WasiContext, this: int) -> _Outcome | None:
    context.wasi.loop.pump()
    future = context.wasi.table.get(this, FutureIncomingResponse)
    if not future.is_ready():
        return None
    if future.is_taken:
        return _ERR
    future.is_taken = True
    exchange = future.exchange
    if exchange.response is None:
        return {"ok": {"err": _failure_of(exchange)}}
    response = IncomingResponse(exchange.response.status, Fields(exchange.response.headers, is_frozen=True), exchange)
    return {"ok": {"ok": context.wasi.table.add(response)}}


def _failure_of(source: IncomingSource) -> JsonValue:
    return "connection_terminated" if source.error is None else error_code(source.error)


def _response(context: WasiContext, number: int) -> IncomingResponse:
    return context.wasi.table.get(number, IncomingResponse)


@_http.call("incoming-response.status")
def _status(context: WasiContext, this: int) -> int:
    return _response(context, this).status


@_http.call("incoming-response.headers")
def _response_headers(context: WasiContext, this: int) -> int:
    return context.wasi.table.add(_response(context, this).headers)


@_http.call("incoming-response.consume")
def _consume_response(context: WasiContext, this: int) -> _Outcome:
    return _consume(context, _response(context, this))


# --- bodies -----------------------------------------------------------------------------------------------------------


@_http.call("incoming-body.stream")
def _incoming_stream(context: WasiContext, this: int) -> _Outcome:
    body = context.wasi.table.get(this, GuestIncomingBody)
    if body.has_stream:
        return _ERR
    body.has_stream = True
    return {"ok": give_input(context, BodyInput(body.source), parent=this)}


@_http.call("incoming-body.finish")
def _finish_incoming(context: WasiContext, this: int) -> int:
    table = context.wasi.table
    return table.add(FutureTrailers(table.take(this, GuestIncomingBody).source))


@_http.call("future-trailers.subscribe")
def _subscribe_trailers(context: WasiContext, this: int) -> int:
    table = context.wasi.table
    return table.add(Pollable(table.get(this, FutureTrailers).is_ready), parent=this)


@_http.call("future-trailers.get")
def _get_trailers(context: WasiContext, this: int) -> _Outcome | None:
    context.wasi.loop.pump()
    future = context.wasi.table.get(this, FutureTrailers)
    if not future.is_ready():
        return None
    if future.is_taken:
        return _ERR
    future.is_taken = True
    source = future.source
    if not source.is_complete:
        return {"ok": {"err": _failure_of(source)}}
    if not source.trailers:
        return {"ok": {"ok": None}}
    return {"ok": {"ok": context.wasi.table.add(Fields(source.trailers, is_frozen=True))}}


@_http.call("outgoing-body.write")
def _outgoing_stream(context: WasiContext, this: int) -> _Outcome:
    body = context.wasi.table.get(this, GuestOutgoingBody)
    if body.has_stream:
        return _ERR
    body.has_stream = True
    return {"ok": give_output(context, BodyOutput(body.body), parent=this)}


@_http.call("outgoing-body.finish")
def _finish_outgoing(context: WasiContext, this: int, trailers: int | None) -> _Outcome:
    table = context.wasi.table
    body = table.take(this, GuestOutgoingBody).body
    entries = () if trailers is None else tuple(table.take(trailers, Fields).entries)
    try:
        body.finish(entries)
    except OutboundError as error:
        return {"err": error_code(error)}
    return _OK


@_http.call("http-error-code")
def _http_error_code(context: WasiContext, error: int) -> JsonValue:
    outbound = context.wasi.table.get(error, IoError).outbound
    return None if outbound is None else error_code(outbound)


TYPES_INTERFACE = _http.finish()
