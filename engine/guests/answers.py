"""Writing what a runtime is told: JSON objects, recorded values passed on as the text that they are."""

from __future__ import annotations

from engine.deployment.registry import DeployedFunction
from engine.log.events import (
    ChildFinished,
    DelayFinished,
    FunctionNotFound,
    Response,
    StubConflict,
    StubError,
    StubNotFound,
    SubmitError,
    TypeCheckError,
)
from engine.log.ids import ExecutionId
from engine.log.return_values import Failed, Returned, ReturnValue
from engine.wit.json_values import JsonValue, dump_json
from engine.wit.return_values import failure_projection
from engine.wit.types import ResultType

DONE = "{}"


def refused(code: str, message: str) -> str:
    """Return the answer that something cannot be done."""
    return dump_json({"refused": code, "message": message})


def write(answer: dict[str, JsonValue]) -> str:
    """Return an answer as text."""
    return dump_json(answer)


def write_response(response: Response, function: DeployedFunction | None) -> str:
    """Return what came back to a join set.

    Args:
        response: A child's or a delay's.
        function: The child's function, which tells how its error type shows a platform failure.
    """
    event = response.event
    match event:
        case DelayFinished(delay_id=delay, cancelled=cancelled):
            return f'{{"id":"{delay}","{"err" if cancelled else "ok"}":null}}'
        case ChildFinished(child_execution_id=child, retval=retval):
            return write_end(child, retval, function)


def write_end(execution_id: ExecutionId, retval: ReturnValue, function: DeployedFunction | None) -> str:
    """Return how an execution ended, in the form of a child's response; ``function`` is its own."""
    return f'{{"id":"{execution_id}",{_retval(retval, function)}}}'


def _retval(retval: ReturnValue, function: DeployedFunction | None) -> str:
    match retval:
        case Returned(ok=ok, payload=payload):
            return f'"{"ok" if ok else "err"}":{"null" if payload is None else payload.value}'
        case Failed(kind=kind, reason=reason, detail=detail):
            failure: JsonValue = {"kind": kind.value, "reason": reason, "detail": detail}
            return f'"err":{dump_json(_projected(function))},"failure":{dump_json(failure)}'


def _projected(function: DeployedFunction | None) -> JsonValue:
    result = function.type.result if function is not None else None
    if not isinstance(result, ResultType):
        return "execution_failed"
    projected = failure_projection(result)
    assert isinstance(projected, dict)
    return projected["err"]


def write_submit_error(error: SubmitError, ffqn: str) -> str:
    """Return the answer to a call that was recorded as refused."""
    match error:
        case FunctionNotFound():
            return refused("function_not_found", f"no component exports {ffqn}")
        case TypeCheckError(message=message):
            return refused("type_check_error", message)


def write_stub_outcome(error: StubError | None) -> str:
    """Return the outcome of supplying a stub's result."""
    match error:
        case None:
            return DONE
        case StubNotFound():
            return refused("execution_not_found", "there is no such stub execution")
        case StubConflict():
            return refused("conflict", "the stub has another result already")
        case TypeCheckError(message=message):
            return refused("type_check_error", message)
