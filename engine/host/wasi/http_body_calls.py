"""Functions of ``wasi:http/types`` on bodies and trailers."""

from __future__ import annotations

from engine.activity.http.outgoing_body import OutgoingBody
from engine.errors import OutboundError
from engine.host.wasi.http_bodies import (
    BodyInput,
    BodyOutput,
    FutureTrailers,
    GuestIncomingBody,
    GuestOutgoingBody,
    IncomingSource,
)
from engine.host.wasi.http_errors import error_code
from engine.host.wasi.http_fields import Fields
from engine.host.wasi.http_interface import ERR, HTTP, OK, Outcome
from engine.host.wasi.http_resources import (
    IncomingRequest,
    IncomingResponse,
    OutgoingRequest,
    OutgoingResponse,
)
from engine.host.wasi.io_error import IoError
from engine.host.wasi.poll import Pollable
from engine.host.wasi.state import WasiContext
from engine.host.wasi.streams import give_input, give_output
from engine.wit.options import JsonValue


def consume(context: WasiContext, message: IncomingRequest | IncomingResponse) -> Outcome:
    """Return the body of an incoming message, once."""
    if message.is_consumed:
        return ERR
    message.is_consumed = True
    return {"ok": context.wasi.table.add(GuestIncomingBody(message.source))}


def make_body(context: WasiContext, message: OutgoingRequest | OutgoingResponse) -> Outcome:
    """Return the body of an outgoing message, once, if its length is a number."""
    if message.body is not None:
        return ERR
    lengths = {value.strip() for value in message.headers.get("content-length")}
    if len(lengths) > 1 or not all(length.isdigit() and len(length) < 19 for length in lengths):
        return ERR
    message.body = OutgoingBody(
        int(lengths.pop()) if lengths else None, kind="request" if isinstance(message, OutgoingRequest) else "response"
    )
    return {"ok": context.wasi.table.add(GuestOutgoingBody(message.body))}


def failure_of(source: IncomingSource) -> JsonValue:
    """Return the canonical ``error-code`` of a body that broke."""
    return "connection_terminated" if source.error is None else error_code(source.error)


# --- bodies -----------------------------------------------------------------------------------------------------------


@HTTP.call("incoming-body.stream")
def _incoming_stream(context: WasiContext, this: int) -> Outcome:
    body = context.wasi.table.get(this, GuestIncomingBody)
    if body.has_stream:
        return ERR
    body.has_stream = True
    return {"ok": give_input(context, BodyInput(body.source), parent=this)}


@HTTP.call("incoming-body.finish")
def _finish_incoming(context: WasiContext, this: int) -> int:
    table = context.wasi.table
    return table.add(FutureTrailers(table.take(this, GuestIncomingBody).source))


@HTTP.call("future-trailers.subscribe")
def _subscribe_trailers(context: WasiContext, this: int) -> int:
    table = context.wasi.table
    return table.add(Pollable(table.get(this, FutureTrailers).is_ready), parent=this)


@HTTP.call("future-trailers.get")
def _get_trailers(context: WasiContext, this: int) -> Outcome | None:
    context.wasi.loop.pump()
    future = context.wasi.table.get(this, FutureTrailers)
    if not future.is_ready():
        return None
    if future.is_taken:
        return ERR
    future.is_taken = True
    source = future.source
    if not source.is_complete:
        return {"ok": {"err": failure_of(source)}}
    if not source.trailers:
        return {"ok": {"ok": None}}
    return {"ok": {"ok": context.wasi.table.add(Fields(source.trailers, is_frozen=True))}}


@HTTP.call("outgoing-body.write")
def _outgoing_stream(context: WasiContext, this: int) -> Outcome:
    body = context.wasi.table.get(this, GuestOutgoingBody)
    if body.has_stream:
        return ERR
    body.has_stream = True
    return {"ok": give_output(context, BodyOutput(body.body), parent=this)}


@HTTP.call("outgoing-body.finish")
def _finish_outgoing(context: WasiContext, this: int, trailers: int | None) -> Outcome:
    table = context.wasi.table
    body = table.take(this, GuestOutgoingBody).body
    entries = () if trailers is None else tuple(table.take(trailers, Fields).entries)
    try:
        body.finish(entries)
    except OutboundError as error:
        return {"err": error_code(error)}
    return OK


@HTTP.call("http-error-code")
def _http_error_code(context: WasiContext, error: int) -> JsonValue:
    outbound = context.wasi.table.get(error, IoError).outbound
    return None if outbound is None else error_code(outbound)
