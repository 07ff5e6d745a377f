"""What a webhook endpoint's runtime may ask beyond what an activity's may."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from engine.errors import ConstraintViolation, IdSyntaxError
from engine.guests import activity_operations
from engine.guests.answers import DONE, refused, write, write_end, write_submit_error
from engine.guests.bodies import Body
from engine.guests.call_stacks import read_stack
from engine.guests.contexts import microseconds
from engine.guests.targets import MalformedCall, read_target
from engine.guests.webhook_guest import ResponseRefused, WebhookGuest
from engine.host.signals import NotSent, send_signal
from engine.host.wasi.streams import StreamClosed, StreamFailed
from engine.log.ids import parse_execution_id, parse_top_level_id
from engine.log.return_values import FailureKind, JsonText
from engine.log.state import ExecutionState, Lifecycle, Status


def _call(guest: WebhookGuest, body: Body) -> str:
    context = guest.context
    try:
        target = read_target(context, body)
    except MalformedCall as error:
        return error.answer
    if target.error is not None:
        return write_submit_error(target.error, target.ffqn)
    end = context.calls.call(target, stack=_stack(body))
    return write_end(end.child_execution_id, end.retval, target.function)


def _schedule(guest: WebhookGuest, body: Body) -> str:
    calls, given = guest.context.calls, body.optional_text("id")
    try:
        target = read_target(guest.context, body)
        execution_id = calls.new_id() if given is None else parse_top_level_id(given)
    except MalformedCall as error:
        return error.answer
    except IdSyntaxError as error:
        return refused("execution_id_parsing_error", str(error))
    if target.error is not None:
        return write_submit_error(target.error, target.ffqn)
    calls.schedule(execution_id, body.schedule(), target, stack=_stack(body))
    return write({"id": execution_id})


def _signal(guest: WebhookGuest, body: Body) -> str:
    sent = send_signal(
        guest.context,
        body.text("id"),
        body.text("name"),
        body.value("payload"),
        signal_id=body.optional_text("signal_id"),
    )
    return refused(sent.code, sent.message) if isinstance(sent, NotSent) else write({"is_new": sent})


def _new_id(guest: WebhookGuest, _body: Body) -> str:
    return write({"id": guest.context.calls.new_id()})


def _status(guest: WebhookGuest, body: Body) -> str:
    try:
        state = guest.context.calls.state_of(parse_execution_id(body.text("id")))
    except IdSyntaxError as error:
        return refused("execution_id_parsing_error", str(error))
    return _NOT_FOUND if state is None else _write_status(state)


def _get(guest: WebhookGuest, body: Body) -> str:
    try:
        state = guest.context.calls.wait_for(parse_execution_id(body.text("id")))
    except IdSyntaxError as error:
        return refused("execution_id_parsing_error", str(error))
    return _NOT_FOUND if state is None else _end(guest, state)


def _try_get(guest: WebhookGuest, body: Body) -> str:
    try:
        state = guest.context.calls.state_of(parse_execution_id(body.text("id")))
    except IdSyntaxError as error:
        return refused("execution_id_parsing_error", str(error))
    if state is None:
        return _NOT_FOUND
    return _end(guest, state) if state.is_finished else refused("not_finished", "the execution has not finished yet")


def _end(guest: WebhookGuest, state: ExecutionState) -> str:
    retval = guest.context.calls.result_of(state)
    return write_end(state.execution_id, retval, guest.context.find_function(state.ffqn))


def _write_status(state: ExecutionState) -> str:
    if state.lifecycle is not Lifecycle.ACTIVE:
        return write({"status": state.lifecycle.value})
    if state.status is Status.PENDING_AT:
        return write({"status": state.status.value, "pending_at_us": microseconds(state.due_at)})
    if state.status is not Status.FINISHED:
        return write({"status": state.status.value})
    kinds = {kind.value for kind in FailureKind}
    ended = "execution_failure" if state.result_kind in kinds else "ok" if state.result_kind == "ok" else "err"
    return write({"status": state.status.value, "finished": ended})


def _read_body(guest: WebhookGuest, body: Body) -> str:
    try:
        data = guest.read(body.integer("most"))
    except StreamFailed as failed:
        return refused("broken", str(failed))
    return write({"data": base64.b64encode(data).decode() if data else None})


def _respond(guest: WebhookGuest, body: Body) -> str:
    try:
        guest.respond(body.integer("status"), [_header(item) for item in body.array("headers")])
    except ResponseRefused as error:
        return refused("invalid", str(error))
    return DONE


def _write(guest: WebhookGuest, body: Body) -> str:
    try:
        guest.write(body.octets("data"))
    except ResponseRefused as error:
        return refused("invalid", str(error))
    except StreamClosed:
        return refused("closed", "the client takes no more of the response")
    return DONE


def _header(item: object) -> tuple[str, bytes]:
    match item:
        case [str(name), str(value)]:
            try:
                return name, value.encode("latin-1")
            except UnicodeEncodeError:
                raise ResponseRefused(f"the header {name} has characters that are not Latin-1") from None
        case _:
            raise ConstraintViolation("respond: a header must be a name and a value")


def _stack(body: Body) -> JsonText | None:
    """Return where in the source a call is made, if the runtime says so."""
    at = body.optional_text("at")
    return read_stack(at) if at else None


_NOT_FOUND = refused("not_found", "there is no such execution")

OPERATIONS: Mapping[str, Callable[[WebhookGuest, Body], str]] = {
    **activity_operations.OPERATIONS,
    "call": _call,
    "schedule": _schedule,
    "signal": _signal,
    "new_id": _new_id,
    "status": _status,
    "get": _get,
    "try_get": _try_get,
    "body": _read_body,
    "respond": _respond,
    "write": _write,
}
"""By name."""
