"""What came back to a join set, as the values that guests see."""

from __future__ import annotations

from engine.deployment.registry import DeployedFunction
from engine.log.events import ChildFinished, DelayFinished, Response
from engine.log.ids import DELAY_PREFIX, DelayId, ExecutionId
from engine.log.return_values import Failed, Returned, ReturnValue
from engine.wit.json_values import dump_value
from engine.wit.names import FunctionName
from engine.wit.options import JsonValue
from engine.wit.return_values import failure_projection
from engine.wit.types import ResultType


def write_id(identifier: ExecutionId | DelayId) -> JsonValue:
    """Return the canonical value of an execution or delay id."""
    return {"id": identifier}


def read_id(value: JsonValue) -> str:
    """Return the text of a canonical execution or delay id, which need not be one."""
    assert isinstance(value, dict)
    text = value["id"]
    assert isinstance(text, str)
    return text


def write_member(member: ExecutionId | DelayId | None) -> JsonValue:
    """Return the canonical ``option<response-id>`` of a join set's member."""
    if member is None:
        return None
    case = "delay_id" if member.startswith(DELAY_PREFIX) else "execution_id"
    return {case: {"id": member}}


def write_function(ffqn: str) -> JsonValue:
    """Return the canonical ``function`` record of a function name."""
    name = FunctionName.parse(ffqn)
    return {"interface_name": str(name.interface), "function_name": name.function}


def write_json_result(response: Response, function: DeployedFunction | None) -> JsonValue:
    """Return a response as ``result<option<string>, option<string>>`` of JSON text.

    Args:
        response: A child's or a delay's response; an expired delay is ok, a cancelled one err.
        function: The child's function, which tells how its error type shows a platform failure.
    """
    event = response.event
    match event:
        case DelayFinished(cancelled=cancelled):
            return {"err" if cancelled else "ok": None}
        case ChildFinished(retval=retval):
            return write_json_retval(retval, function)


def write_json_retval(retval: ReturnValue, function: DeployedFunction | None) -> JsonValue:
    """Return a return value as ``result<option<string>, option<string>>`` of JSON text."""
    match retval:
        case Returned(ok=ok, payload=payload):
            return {"ok" if ok else "err": None if payload is None else payload.value}
        case Failed():
            return {"err": _failure_text(function)}


def _failure_text(function: DeployedFunction | None) -> JsonValue:
    result = function.type.result if function is not None else None
    if not isinstance(result, ResultType):
        return '"execution_failed"'
    projected = failure_projection(result)
    assert isinstance(projected, dict)
    return None if result.err is None else dump_value(result.err, projected["err"])


def write_mismatch(specified: str, actual: str | None, response: Response) -> JsonValue:
    """Return the ``function-mismatch`` record: another function's response, or a delay's, was there."""
    event = response.event
    member = event.child_execution_id if isinstance(event, ChildFinished) else event.delay_id
    return {
        "specified_function": write_function(specified),
        "actual_function": None if actual is None else write_function(actual),
        "actual_id": write_member(member),
    }
