"""``wasi:http/outgoing-handler``: sending a request off."""

from __future__ import annotations

from engine.errors import OutboundError
from engine.host.wasi.definition import Definition, trap
from engine.host.wasi.http_errors import error_code
from engine.host.wasi.http_interface import FUTURE_RESPONSE, OUTGOING_REQUEST, REQUEST_OPTIONS, TYPES
from engine.host.wasi.http_resources import FutureIncomingResponse, OutgoingRequest, RequestOptions
from engine.host.wasi.state import WasiContext
from engine.wit.options import JsonValue

_handler = Definition(
    """
    handle(request: own<outgoing-request>, options: option<own<request-options>>) -> result<own<future-incoming-response>, $error-code>
    """,  # noqa: E501 - a signature is one line
    types=TYPES,
    resources={
        "outgoing-request": OUTGOING_REQUEST,
        "request-options": REQUEST_OPTIONS,
        "future-incoming-response": FUTURE_RESPONSE,
    },
)


@_handler.call("handle")
def _handle(context: WasiContext, number: int, options_number: int | None) -> dict[str, object]:
    state = context.wasi
    request = state.table.take(number, OutgoingRequest)
    options = RequestOptions() if options_number is None else state.table.take(options_number, RequestOptions)
    if state.http is None:
        raise trap("this run has no way out")
    try:
        exchange = state.http.open(
            method=_method(request.method),
            scheme=_scheme(request.scheme),
            authority=request.authority or "",
            path=_path(request.path),
            headers=tuple((name, value) for name, value in request.headers.entries if name.lower() != "content-length"),
            body=request.body,
            timeouts=options.timeouts(),
        )
    except OutboundError as error:
        if request.body is not None:
            request.body.is_closed = True
            request.body.failure = error
        return {"err": error_code(error)}
    return {"ok": state.table.add(FutureIncomingResponse(exchange))}


def _method(method: JsonValue) -> str:
    return str(method["other"]) if isinstance(method, dict) else str(method).upper()


def _scheme(scheme: JsonValue) -> str:
    if isinstance(scheme, dict):
        return str(scheme["other"]).lower()
    return "https" if scheme is None else str(scheme).lower()


def _path(path: str | None) -> str:
    if not path:
        return "/"
    return path if path.startswith(("/", "*")) else f"/{path}"


HANDLER_INTERFACE = _handler.finish()
