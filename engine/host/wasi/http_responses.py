"""Functions of ``wasi:http/types`` on responses, to give and received, and on their errors."""

from __future__ import annotations

from engine.host.wasi.http_body_calls import consume, failure_of, make_body
from engine.host.wasi.http_fields import Fields
from engine.host.wasi.http_interface import ERR, HTTP, OK, Outcome
from engine.host.wasi.http_resources import (
    FutureIncomingResponse,
    IncomingResponse,
    OutgoingResponse,
    ResponseOutparam,
)
from engine.host.wasi.poll import Pollable
from engine.host.wasi.state import WasiContext
from engine.wit.options import JsonValue

# --- responses to give ------------------------------------------------------------------------------------------------


def _outgoing_response(context: WasiContext, number: int) -> OutgoingResponse:
    return context.wasi.table.get(number, OutgoingResponse)


@HTTP.call("response-outparam.send-informational")
def _send_informational(context: WasiContext, this: int, status: int, headers: int) -> Outcome:
    table = context.wasi.table
    fields = table.take(headers, Fields)
    if not 100 <= status <= 199:
        return {"err": "HTTP_protocol_error"}
    table.get(this, ResponseOutparam).inform(status, fields)
    return OK


@HTTP.call("response-outparam.set")
def _set_response(context: WasiContext, param: int, outcome: dict[str, JsonValue]) -> None:
    table = context.wasi.table
    answer = table.take(param, ResponseOutparam).answer
    response = outcome.get("ok")
    if isinstance(response, int):
        answer(table.take(response, OutgoingResponse), None)
    else:
        answer(None, outcome.get("err"))


@HTTP.call("outgoing-response.new")
def _new_response(context: WasiContext, headers: int) -> int:
    table = context.wasi.table
    return table.add(OutgoingResponse(table.take(headers, Fields).freeze()))


@HTTP.call("outgoing-response.status-code")
def _status_code(context: WasiContext, this: int) -> int:
    return _outgoing_response(context, this).status


@HTTP.call("outgoing-response.set-status-code")
def _set_status_code(context: WasiContext, this: int, status: int) -> Outcome:
    if not 100 <= status <= 999:
        return ERR
    _outgoing_response(context, this).status = status
    return OK


@HTTP.call("outgoing-response.headers")
def _outgoing_response_headers(context: WasiContext, this: int) -> int:
    return context.wasi.table.add(_outgoing_response(context, this).headers)


@HTTP.call("outgoing-response.body")
def _response_body(context: WasiContext, this: int) -> Outcome:
    return make_body(context, _outgoing_response(context, this))


# --- responses received -----------------------------------------------------------------------------------------------


@HTTP.call("future-incoming-response.subscribe")
def _subscribe_response(context: WasiContext, this: int) -> int:
    table = context.wasi.table
    return table.add(Pollable(table.get(this, FutureIncomingResponse).is_ready), parent=this)


@HTTP.call("future-incoming-response.get")
def _get_response(context: WasiContext, this: int) -> Outcome | None:
    context.wasi.loop.pump()
    future = context.wasi.table.get(this, FutureIncomingResponse)
    if not future.is_ready():
        return None
    if future.is_taken:
        return ERR
    future.is_taken = True
    exchange = future.exchange
    if exchange.response is None:
        return {"ok": {"err": failure_of(exchange)}}
    response = IncomingResponse(exchange.response.status, Fields(exchange.response.headers, is_frozen=True), exchange)
    return {"ok": {"ok": context.wasi.table.add(response)}}


def _response(context: WasiContext, number: int) -> IncomingResponse:
    return context.wasi.table.get(number, IncomingResponse)


@HTTP.call("incoming-response.status")
def _status(context: WasiContext, this: int) -> int:
    return _response(context, this).status


@HTTP.call("incoming-response.headers")
def _response_headers(context: WasiContext, this: int) -> int:
    return context.wasi.table.add(_response(context, this).headers)


@HTTP.call("incoming-response.consume")
def _consume_response(context: WasiContext, this: int) -> Outcome:
    return consume(context, _response(context, this))
