"""``obelisk:workflow/workflow-support``: what a workflow asks of the engine by name.

Source:
    Obelisk reference, section 6.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Concatenate, ParamSpec

from engine.deployment.registry import DeployedFunction
from engine.deployment.spec import Runner
from engine.errors import ConstraintViolation, IdSyntaxError, ValueMismatch
from engine.host.context import WorkflowContext
from engine.host.join_set_resource import JOIN_SET_HANDLE, close_handle
from engine.host.moments import read_schedule, write_datetime
from engine.host.responses import read_id, write_id, write_json_result, write_member
from engine.host.targets import MalformedCallError, read_target, write_submit_error
from engine.log.events import (
    ChildFinished,
    FunctionNotFound,
    Response,
    StubConflict,
    StubError,
    StubNotFound,
    TryOutcome,
    TypeCheckError,
)
from engine.log.ids import ExecutionId, is_top_level, parse_execution_id, parse_top_level_id
from engine.log.return_codec import return_codec
from engine.log.return_values import Failed, JsonText, Returned
from engine.wasm.host_functions import HostFunction, HostInterface
from engine.wit.json_values import dump_json, load_json, read_value
from engine.wit.obelisk_types import JOIN_SET_RESOURCE, WORKFLOW_SUPPORT, WORKFLOW_SUPPORT_BACKTRACE
from engine.wit.options import JsonValue
from engine.wit.types import ResultType
from engine.workflow.run import NameInvalid, NameTaken

_NO_RETVAL = Returned(ok=False, payload=None)
"""Stands in for a stub's result that cannot be read."""

P = ParamSpec("P")
Operation = Callable[Concatenate[WorkflowContext, P], JsonValue]


def _operation(function: Operation[P]) -> Operation[P]:
    def call(context: WorkflowContext, /, *args: P.args, **kwargs: P.kwargs) -> JsonValue:
        with context.mutex:
            value = function(context, *args, **kwargs)
            context.after_call()
            return value

    return call


@_operation
def execution_id_current(context: WorkflowContext) -> JsonValue:
    """Return this execution's id."""
    return write_id(context.run.execution_id)


@_operation
def random_u64(context: WorkflowContext, low: int, high_exclusive: int) -> JsonValue:
    """Return a recorded random integer; the upper bound is exclusive."""
    return context.run.random_u64(low, high_exclusive - 1)


@_operation
def random_u64_inclusive(context: WorkflowContext, low: int, high_inclusive: int) -> JsonValue:
    """Return a recorded random integer; the upper bound is inclusive."""
    return context.run.random_u64(low, high_inclusive)


@_operation
def random_string(context: WorkflowContext, min_length: int, max_length_exclusive: int) -> JsonValue:
    """Return recorded random letters and digits."""
    return context.run.random_string(min_length, max_length_exclusive)


@_operation
def sleep(context: WorkflowContext, schedule: JsonValue, name: str | None) -> JsonValue:
    """Wait; ok with the instant as first computed, err if the delay was cancelled."""
    expires_at, ran_out = context.run.sleep(read_schedule(schedule), name)
    return {"ok": write_datetime(expires_at)} if ran_out else {"err": None}


@_operation
def join_set_create(context: WorkflowContext) -> JsonValue:
    """Create a join set with a generated name."""
    return context.join_sets.give(context.run.create_join_set())


@_operation
def join_set_create_named(context: WorkflowContext, name: str) -> JsonValue:
    """Create a named join set."""
    created = context.run.create_named_join_set(name)
    if isinstance(created, NameTaken):
        return {"err": "conflict"}
    if isinstance(created, NameInvalid):
        return {"err": {"invalid_name": created.problem}}
    return {"ok": context.join_sets.give(created)}


def join_set_close(context: WorkflowContext, handle: int) -> JsonValue:
    """Close a join set, waiting for its members."""
    close_handle(context, handle)
    return None


@_operation
def submit_json(context: WorkflowContext, handle: int, function: JsonValue, params: str) -> JsonValue:
    """Submit a child, named at run time."""
    try:
        target = read_target(context, function, params)
    except MalformedCallError as error:
        return error.value
    outcome = context.run.submit(context.join_sets.look_up(handle), target)
    if isinstance(outcome, FunctionNotFound | TypeCheckError):
        return write_submit_error(outcome)
    return {"ok": write_id(outcome)}


@_operation
def submit_delay(context: WorkflowContext, handle: int, schedule: JsonValue) -> JsonValue:
    """Submit a durable timer."""
    return write_id(context.run.submit_delay(context.join_sets.look_up(handle), read_schedule(schedule)))


@_operation
def join_next(context: WorkflowContext, handle: int) -> JsonValue:
    """Wait for the next response."""
    response = context.run.join_next(context.join_sets.look_up(handle))
    if response is None:
        return {"err": "all_processed"}
    return {"ok": _json_result(context, response)}


@_operation
def join_next_try(context: WorkflowContext, handle: int) -> JsonValue:
    """Look for the next response without waiting."""
    outcome, response = context.run.join_next_try(context.join_sets.look_up(handle))
    if response is not None:
        return {"ok": _json_result(context, response)}
    return {"err": "pending" if outcome is TryOutcome.PENDING else "all_processed"}


@_operation
def execution_id_generate(context: WorkflowContext) -> JsonValue:
    """Return a fresh, recorded top-level id."""
    return write_id(context.run.generate_execution_id())


@_operation
def schedule_json(
    context: WorkflowContext, execution_id: JsonValue, schedule: JsonValue, function: JsonValue, params: str
) -> JsonValue:
    """Start a top-level execution, named at run time, without waiting for it."""
    try:
        target = read_target(context, function, params)
        target_id = parse_top_level_id(read_id(execution_id))
    except MalformedCallError as error:
        return error.value
    except IdSyntaxError as error:
        return {"err": {"ffqn_parsing_error": str(error)}}
    outcome = context.run.schedule(target_id, read_schedule(schedule), target)
    return {"ok": None} if outcome is None else write_submit_error(outcome)


@_operation
def call_json(context: WorkflowContext, function: JsonValue, params: str) -> JsonValue:
    """Call a function, named at run time, and wait for its result."""
    try:
        target = read_target(context, function, params)
    except MalformedCallError as error:
        return error.value
    outcome = context.run.call(target, target.ffqn.rsplit(".", 1)[-1])
    if isinstance(outcome, Response):
        return {"ok": _json_result(context, outcome)}
    return write_submit_error(outcome)


@_operation
def get_result_json(context: WorkflowContext, execution_id: JsonValue) -> JsonValue:
    """Return a processed response again."""
    try:
        response = context.run.processed(_derived_id(execution_id))
    except IdSyntaxError as error:
        return {"err": {"execution_id_parsing_error": str(error)}}
    if response is None:
        return {"err": "not_found_in_processed_responses"}
    return {"ok": _json_result(context, response)}


@_operation
def get_execution_failure_kind(context: WorkflowContext, execution_id: JsonValue) -> JsonValue:
    """Return why the platform ended a processed child; none if the function returned."""
    try:
        response = context.run.processed(_derived_id(execution_id))
    except IdSyntaxError as error:
        return {"err": {"execution_id_parsing_error": str(error)}}
    if response is None or not isinstance(response.event, ChildFinished):
        return {"err": "not_found_in_processed_responses"}
    retval = response.event.retval
    return {"ok": retval.kind.value if isinstance(retval, Failed) else None}


@_operation
def last_direct_call_id(context: WorkflowContext) -> JsonValue:
    """Return the child of the last direct call."""
    child = context.run.last_direct_call
    return None if child is None else write_id(child)


@_operation
def last_oneoff_id(context: WorkflowContext) -> JsonValue:
    """Return the child or delay of the last one-off join set."""
    return write_member(context.run.last_one_off)


@_operation
def stub_json(context: WorkflowContext, execution_id: JsonValue, result_json: str) -> JsonValue:
    """Supply a stub execution's result as JSON of the whole return value."""
    try:
        target = _derived_id(execution_id)
    except IdSyntaxError as error:
        return {"err": {"execution_id_parsing_error": str(error)}}
    ffqn = context.run.target_of(target) or context.function_of(target)
    if ffqn is None:
        return write_stub_error(context.run.stub(target, "", _NO_RETVAL, StubNotFound()))
    try:
        retval = _read_stub_result(context.find_function(ffqn), ffqn, result_json)
    except ValueMismatch as error:
        return write_stub_error(context.run.stub(target, ffqn, _NO_RETVAL, TypeCheckError(str(error))))
    return write_stub_error(context.run.stub(target, ffqn, retval, None))


def _read_stub_result(function: DeployedFunction | None, ffqn: str, result_json: str) -> Returned:
    if function is None or not isinstance(function.type.result, ResultType):
        raise ValueMismatch("", f"function {ffqn} is not deployed")
    if function.component.runner is not Runner.NONE:
        raise ValueMismatch("", f"{ffqn} is not a stub: it brings its results itself")
    value = read_value(function.type.result, load_json(result_json), path="result")
    return return_codec(function.type.result).to_retval(value)


def write_stub_error(error: StubError | None) -> JsonValue:
    """Return the canonical outcome of supplying a stub's result."""
    match error:
        case None:
            return {"ok": None}
        case StubNotFound():
            return {"err": "execution_not_found"}
        case StubConflict():
            return {"err": "conflict"}
        case TypeCheckError(message=message):
            return {"err": {"type_check_error": message}}


def _json_result(context: WorkflowContext, response: Response) -> JsonValue:
    event = response.event
    ffqn = context.run.target_of(event.child_execution_id) if isinstance(event, ChildFinished) else None
    return write_json_result(response, context.find_function(ffqn) if ffqn is not None else None)


def _derived_id(value: JsonValue) -> ExecutionId:
    execution_id = parse_execution_id(read_id(value))
    if is_top_level(execution_id):
        raise IdSyntaxError(f"{execution_id!r} is a top-level id; a child's id is expected")
    return execution_id


def derived_id(value: JsonValue) -> ExecutionId:
    """Return the child's id in an ``execution-id`` record, where anything else is the guest's fault.

    Raises:
        ConstraintViolation: If it does not parse or is a top-level id.
    """
    try:
        return _derived_id(value)
    except IdSyntaxError as error:
        raise ConstraintViolation(str(error)) from None


_OPERATIONS: Mapping[str, Callable[..., JsonValue]] = {
    "execution-id-current": execution_id_current,
    "random-u64": random_u64,
    "random-u64-inclusive": random_u64_inclusive,
    "random-string": random_string,
    "sleep": sleep,
    "join-set-create": join_set_create,
    "join-set-create-named": join_set_create_named,
    "join-set-close": join_set_close,
    "submit-json": submit_json,
    "get-result-json": get_result_json,
    "get-execution-failure-kind": get_execution_failure_kind,
    "last-direct-call-id": last_direct_call_id,
    "last-oneoff-id": last_oneoff_id,
    "submit-delay": submit_delay,
    "join-next": join_next,
    "join-next-try": join_next_try,
    "execution-id-generate": execution_id_generate,
    "schedule-json": schedule_json,
    "call-json": call_json,
    "stub-json": stub_json,
}


def _with_backtrace(function: Callable[..., JsonValue]) -> Callable[..., JsonValue]:
    def call(context: WorkflowContext, *args: JsonValue) -> JsonValue:
        *own, backtrace = args
        buffer = context.run.buffer
        if backtrace is not None:
            context.call_sites.begin(JsonText(dump_json(backtrace)), buffer.next_version)
        result = function(context, *own)
        context.call_sites.end(buffer.next_version)
        return result

    return call


WORKFLOW_SUPPORT_HOST = HostInterface(
    functions={
        name: HostFunction(type=WORKFLOW_SUPPORT[name], call=function) for name, function in _OPERATIONS.items()
    },
    resources={JOIN_SET_RESOURCE: JOIN_SET_HANDLE},
)
"""The interface, for workflows."""

WORKFLOW_SUPPORT_BACKTRACE_HOST = HostInterface(
    functions={
        name: HostFunction(type=function_type, call=_with_backtrace(_OPERATIONS[name]))
        for name, function_type in WORKFLOW_SUPPORT_BACKTRACE.items()
    },
    resources={JOIN_SET_RESOURCE: JOIN_SET_HANDLE},
)
"""The same for interpreted guests, which pass their call stack along."""
