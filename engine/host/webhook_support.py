"""``obelisk:webhook/webhook-support``: what a webhook endpoint asks of the engine by name.

Source:
    Obelisk reference, section 6.8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.deployment.spec import LogLevel
from engine.errors import IdSyntaxError
from engine.host.moments import read_schedule, write_datetime
from engine.host.responses import read_id, write_id, write_json_retval
from engine.host.targets import MalformedCallError, read_target, write_submit_error
from engine.host.webhook_context import WebhookContext
from engine.log.events import FunctionNotFound, SubmitError
from engine.log.ids import parse_execution_id, parse_top_level_id
from engine.log.return_values import Failed, FailureKind, JsonText
from engine.log.state import ExecutionState, Lifecycle, Status
from engine.wasm.host_functions import HostFunction, HostInterface
from engine.wit.json_values import dump_json
from engine.wit.obelisk_types import WEBHOOK_SUPPORT, WEBHOOK_SUPPORT_BACKTRACE
from engine.wit.options import JsonValue
from engine.workflow.target import Target


def execution_id_generate(context: WebhookContext) -> JsonValue:
    """Return a fresh top-level id."""
    return write_id(context.calls.new_id())


def execution_id_current(context: WebhookContext) -> JsonValue:
    """Return the id of this request's execution."""
    return write_id(context.calls.execution_id)


def call_json(context: WebhookContext, function: JsonValue, params: str, backtrace: JsonValue = None) -> JsonValue:
    """Call a function, named at run time, and wait for its result."""
    try:
        target = read_target(context, function, params)
    except MalformedCallError as error:
        context.log(LogLevel.ERROR, f"call-json: {error.message}")
        return error.value
    if target.error is not None:
        return _refused(context, "call-json", target, target.error)
    retval = context.calls.call(target, stack=_stack(backtrace)).retval
    return {"ok": write_json_retval(retval, target.function)}


def schedule_json(
    context: WebhookContext,
    execution_id: JsonValue,
    schedule: JsonValue,
    function: JsonValue,
    params: str,
    backtrace: JsonValue = None,
) -> JsonValue:
    """Start a top-level execution, named at run time, without waiting for it."""
    try:
        target = read_target(context, function, params)
        target_id = parse_top_level_id(read_id(execution_id))
    except MalformedCallError as error:
        context.log(LogLevel.ERROR, f"schedule-json: {error.message}")
        return error.value
    except IdSyntaxError as error:
        return {"err": {"ffqn_parsing_error": str(error)}}
    if target.error is not None:
        return _refused(context, "schedule-json", target, target.error)
    context.calls.schedule(target_id, read_schedule(schedule), target, stack=_stack(backtrace))
    return {"ok": None}


def get_status(context: WebhookContext, execution_id: JsonValue) -> JsonValue:
    """Return what an execution is doing."""
    try:
        state = context.calls.state_of(parse_execution_id(read_id(execution_id)))
    except IdSyntaxError as error:
        return {"err": {"execution_id_parsing_error": str(error)}}
    return {"err": "not_found"} if state is None else {"ok": write_status(state)}


def get(context: WebhookContext, execution_id: JsonValue) -> JsonValue:
    """Wait for an execution's result."""
    return _when_finished(context, execution_id, lambda state: _json_result(context, state))


def get_execution_failure_kind(context: WebhookContext, execution_id: JsonValue) -> JsonValue:
    """Wait for an execution's end; return why the platform ended it, or none if the function returned."""
    return _when_finished(context, execution_id, lambda state: _failure_kind(context, state))


def try_get(context: WebhookContext, execution_id: JsonValue) -> JsonValue:
    """Return an execution's result if it is there."""
    try:
        state = context.calls.state_of(parse_execution_id(read_id(execution_id)))
    except IdSyntaxError as error:
        return {"err": {"execution_id_parsing_error": str(error)}}
    if state is None:
        return {"err": "not_found"}
    return {"ok": _json_result(context, state)} if state.is_finished else {"err": "not_finished_yet"}


def last_direct_call_id(context: WebhookContext) -> JsonValue:
    """Return the child of the last call."""
    child = context.calls.last_call
    return None if child is None else write_id(child)


def write_status(state: ExecutionState) -> JsonValue:
    """Return the canonical ``execution-status``."""
    if state.lifecycle is not Lifecycle.ACTIVE:
        return state.lifecycle.value
    match state.status:
        case Status.PENDING_AT:
            return {"pending_at": write_datetime(state.due_at)}
        case Status.FINISHED:
            return {"finished": _finished_case(state.result_kind)}
        case status:
            return status.value


def _finished_case(result_kind: str | None) -> JsonValue:
    if result_kind in {kind.value for kind in FailureKind}:
        return {"execution_failure": result_kind}
    return "ok" if result_kind == "ok" else "err"


def _when_finished(
    context: WebhookContext, execution_id: JsonValue, read: Callable[[ExecutionState], JsonValue]
) -> JsonValue:
    try:
        state = context.calls.wait_for(parse_execution_id(read_id(execution_id)))
    except IdSyntaxError as error:
        return {"err": {"execution_id_parsing_error": str(error)}}
    return {"err": "not_found"} if state is None else {"ok": read(state)}


def _json_result(context: WebhookContext, state: ExecutionState) -> JsonValue:
    return write_json_retval(context.calls.result_of(state), context.find_function(state.ffqn))


def _failure_kind(context: WebhookContext, state: ExecutionState) -> JsonValue:
    retval = context.calls.result_of(state)
    return retval.kind.value if isinstance(retval, Failed) else None


def _refused(context: WebhookContext, what: str, target: Target, error: SubmitError) -> JsonValue:
    message = f"no component exports {target.ffqn}" if isinstance(error, FunctionNotFound) else error.message
    context.log(LogLevel.ERROR, f"{what}: {message}")
    return write_submit_error(error)


def _stack(backtrace: JsonValue) -> JsonText | None:
    """Return the call stack that an interpreted guest passes along."""
    return None if backtrace is None else JsonText(dump_json(backtrace))


_OPERATIONS: Mapping[str, Callable[..., JsonValue]] = {
    "execution-id-generate": execution_id_generate,
    "execution-id-current": execution_id_current,
    "call-json": call_json,
    "schedule-json": schedule_json,
    "get-status": get_status,
    "get": get,
    "try-get": try_get,
    "get-execution-failure-kind": get_execution_failure_kind,
    "last-direct-call-id": last_direct_call_id,
}


WEBHOOK_SUPPORT_HOST = HostInterface(
    functions={name: HostFunction(type=WEBHOOK_SUPPORT[name], call=function) for name, function in _OPERATIONS.items()}
)
"""The interface, for webhook endpoints."""

WEBHOOK_SUPPORT_BACKTRACE_HOST = HostInterface(
    functions={
        name: HostFunction(type=function_type, call=_OPERATIONS[name])
        for name, function_type in WEBHOOK_SUPPORT_BACKTRACE.items()
    }
)
"""The same for interpreted guests, which pass their call stack along."""
