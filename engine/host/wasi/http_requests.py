"""Functions of ``wasi:http/types`` on requests, to send and to answer, and on what goes with them."""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.host.wasi.http_body_calls import consume, make_body
from engine.host.wasi.http_fields import Fields, HeaderError, fields_from
from engine.host.wasi.http_interface import ERR, HTTP, OK, Outcome
from engine.host.wasi.http_resources import (
    IncomingRequest,
    OutgoingRequest,
    RequestOptions,
)
from engine.host.wasi.state import WasiContext
from engine.wit.options import JsonValue

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_PATH = re.compile(r"[\x21-\x22\x24-\x7e]*")
_AUTHORITY = re.compile(r"[A-Za-z0-9._:\[\]%-]+")


# --- fields -----------------------------------------------------------------------------------------------------------


def _changing(change: Callable[[], object]) -> Outcome:
    try:
        change()
    except HeaderError as error:
        return {"err": error.case}
    return OK


def _fields(context: WasiContext, number: int) -> Fields:
    return context.wasi.table.get(number, Fields)


@HTTP.call("fields.new")
def _new_fields(context: WasiContext) -> int:
    return context.wasi.table.add(Fields())


@HTTP.call("fields.from-list")
def _from_list(context: WasiContext, entries: list[tuple[str, bytes]]) -> Outcome:
    try:
        return {"ok": context.wasi.table.add(fields_from(entries))}
    except HeaderError as error:
        return {"err": error.case}


@HTTP.call("fields.get")
def _get(context: WasiContext, this: int, name: str) -> list[bytes]:
    return _fields(context, this).get(name)


@HTTP.call("fields.has")
def _has(context: WasiContext, this: int, name: str) -> bool:
    return bool(_fields(context, this).get(name))


@HTTP.call("fields.set")
def _set(context: WasiContext, this: int, name: str, values: list[bytes]) -> Outcome:
    return _changing(lambda: _fields(context, this).set(name, values))


@HTTP.call("fields.delete")
def _delete(context: WasiContext, this: int, name: str) -> Outcome:
    return _changing(lambda: _fields(context, this).delete(name))


@HTTP.call("fields.append")
def _append(context: WasiContext, this: int, name: str, value: bytes) -> Outcome:
    return _changing(lambda: _fields(context, this).append(name, value))


@HTTP.call("fields.entries")
def _entries(context: WasiContext, this: int) -> list[list[object]]:
    return [[name, value] for name, value in _fields(context, this).entries]


@HTTP.call("fields.clone")
def _clone(context: WasiContext, this: int) -> int:
    return context.wasi.table.add(Fields(_fields(context, this).entries))


# --- requests to answer -----------------------------------------------------------------------------------------------


def _incoming_request(context: WasiContext, number: int) -> IncomingRequest:
    return context.wasi.table.get(number, IncomingRequest)


@HTTP.call("incoming-request.method")
def _incoming_method(context: WasiContext, this: int) -> JsonValue:
    return _incoming_request(context, this).method


@HTTP.call("incoming-request.path-with-query")
def _incoming_path(context: WasiContext, this: int) -> str | None:
    return _incoming_request(context, this).path


@HTTP.call("incoming-request.scheme")
def _incoming_scheme(context: WasiContext, this: int) -> JsonValue:
    return _incoming_request(context, this).scheme


@HTTP.call("incoming-request.authority")
def _incoming_authority(context: WasiContext, this: int) -> str | None:
    return _incoming_request(context, this).authority


@HTTP.call("incoming-request.headers")
def _incoming_request_headers(context: WasiContext, this: int) -> int:
    return context.wasi.table.add(_incoming_request(context, this).headers)


@HTTP.call("incoming-request.consume")
def _consume_request(context: WasiContext, this: int) -> Outcome:
    return consume(context, _incoming_request(context, this))


# --- requests to send -------------------------------------------------------------------------------------------------


def _request(context: WasiContext, number: int) -> OutgoingRequest:
    return context.wasi.table.get(number, OutgoingRequest)


@HTTP.call("outgoing-request.new")
def _new_request(context: WasiContext, headers: int) -> int:
    table = context.wasi.table
    return table.add(OutgoingRequest(table.take(headers, Fields).freeze()))


@HTTP.call("outgoing-request.body")
def _request_body(context: WasiContext, this: int) -> Outcome:
    return make_body(context, _request(context, this))


@HTTP.call("outgoing-request.method")
def _method(context: WasiContext, this: int) -> JsonValue:
    return _request(context, this).method


@HTTP.call("outgoing-request.set-method")
def _set_method(context: WasiContext, this: int, method: JsonValue) -> Outcome:
    if isinstance(method, dict) and not _TOKEN.fullmatch(str(method["other"])):
        return ERR
    _request(context, this).method = method
    return OK


@HTTP.call("outgoing-request.path-with-query")
def _path_with_query(context: WasiContext, this: int) -> str | None:
    return _request(context, this).path


@HTTP.call("outgoing-request.set-path-with-query")
def _set_path_with_query(context: WasiContext, this: int, path: str | None) -> Outcome:
    if path is not None and not _PATH.fullmatch(path):
        return ERR
    _request(context, this).path = path
    return OK


@HTTP.call("outgoing-request.scheme")
def _scheme(context: WasiContext, this: int) -> JsonValue:
    return _request(context, this).scheme


@HTTP.call("outgoing-request.set-scheme")
def _set_scheme(context: WasiContext, this: int, scheme: JsonValue) -> Outcome:
    if isinstance(scheme, dict) and not _TOKEN.fullmatch(str(scheme["other"])):
        return ERR
    _request(context, this).scheme = scheme
    return OK


@HTTP.call("outgoing-request.authority")
def _authority(context: WasiContext, this: int) -> str | None:
    return _request(context, this).authority


@HTTP.call("outgoing-request.set-authority")
def _set_authority(context: WasiContext, this: int, authority: str | None) -> Outcome:
    if authority is not None and not _AUTHORITY.fullmatch(authority):
        return ERR
    _request(context, this).authority = authority
    return OK


@HTTP.call("outgoing-request.headers")
def _request_headers(context: WasiContext, this: int) -> int:
    return context.wasi.table.add(_request(context, this).headers)


# --- request-options --------------------------------------------------------------------------------------------------


def _options(context: WasiContext, number: int) -> RequestOptions:
    return context.wasi.table.get(number, RequestOptions)


@HTTP.call("request-options.new")
def _new_options(context: WasiContext) -> int:
    return context.wasi.table.add(RequestOptions())


@HTTP.call("request-options.connect-timeout")
def _connect_timeout(context: WasiContext, this: int) -> int | None:
    return _options(context, this).connect


@HTTP.call("request-options.set-connect-timeout")
def _set_connect_timeout(context: WasiContext, this: int, duration: int | None) -> Outcome:
    _options(context, this).connect = duration
    return OK


@HTTP.call("request-options.first-byte-timeout")
def _first_byte_timeout(context: WasiContext, this: int) -> int | None:
    return _options(context, this).first_byte


@HTTP.call("request-options.set-first-byte-timeout")
def _set_first_byte_timeout(context: WasiContext, this: int, duration: int | None) -> Outcome:
    _options(context, this).first_byte = duration
    return OK


@HTTP.call("request-options.between-bytes-timeout")
def _between_bytes_timeout(context: WasiContext, this: int) -> int | None:
    return _options(context, this).between_bytes


@HTTP.call("request-options.set-between-bytes-timeout")
def _set_between_bytes_timeout(context: WasiContext, this: int, duration: int | None) -> Outcome:
    _options(context, this).between_bytes = duration
    return OK
