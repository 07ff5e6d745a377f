"""``wasi:http/types`` as WIT has it: its resources and the types of its functions, answered by other modules."""

from __future__ import annotations

from engine.activity.http.outgoing_body import OutgoingBody
from engine.host.wasi.definition import Definition
from engine.host.wasi.http_bodies import (
    FutureTrailers,
    GuestIncomingBody,
    GuestOutgoingBody,
)
from engine.host.wasi.http_errors import ERROR_CODE
from engine.host.wasi.http_resources import (
    FutureIncomingResponse,
    IncomingRequest,
    IncomingResponse,
    OutgoingRequest,
    OutgoingResponse,
)
from engine.host.wasi.io_error import ERROR
from engine.host.wasi.poll import POLLABLE
from engine.host.wasi.state import WasiContext
from engine.host.wasi.streams import INPUT_STREAM, OUTPUT_STREAM
from engine.wasm.host_functions import HostResource


def _drop(context: WasiContext, number: int) -> None:
    context.wasi.table.drop(number)


def _drop_outgoing_body(context: WasiContext, number: int) -> None:
    dropped = context.wasi.table.drop(number)
    if isinstance(dropped, GuestOutgoingBody):
        dropped.body.abort()


def _drop_outgoing(context: WasiContext, number: int) -> None:
    match context.wasi.table.drop(number):
        case OutgoingRequest(body=OutgoingBody() as body) | OutgoingResponse(body=OutgoingBody() as body):
            # It was never sent, and nobody will take what is written to it.
            body.is_closed = True
        case _:
            pass


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
OUTGOING_REQUEST = HostResource(name="outgoing-request", drop=_drop_outgoing)
REQUEST_OPTIONS = HostResource(name="request-options", drop=_drop)
INCOMING_REQUEST = HostResource(name="incoming-request", drop=_drop_incoming)
RESPONSE_OUTPARAM = HostResource(name="response-outparam", drop=_drop)
INCOMING_RESPONSE = HostResource(name="incoming-response", drop=_drop_incoming)
INCOMING_BODY = HostResource(name="incoming-body", drop=_drop_incoming)
FUTURE_TRAILERS = HostResource(name="future-trailers", drop=_drop_incoming)
OUTGOING_RESPONSE = HostResource(name="outgoing-response", drop=_drop_outgoing)
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

HTTP = Definition(
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

Outcome = dict[str, object]
"""A canonical ``result``."""

OK: Outcome = {"ok": None}
ERR: Outcome = {"err": None}
