"""Between what the journal holds of an end and what Python code gets of it."""

from __future__ import annotations

from typing import Any

from engine.deployment.registry import DeployedFunction
from engine.log.ids import ExecutionId
from engine.log.return_codec import return_codec
from engine.log.return_values import Failed, Returned, ReturnValue
from engine.wit.json_values import read_value
from engine.wit.types import ResultType
from obelisk.errors import ChildError
from obelisk.functions import Function
from obelisk.json_text import load


def result_of(function: Function[..., Any], execution_id: ExecutionId, retval: ReturnValue, *, name: str) -> Any:
    """Return what a caller gets, as in a workflow.

    Args:
        function: What ended.
        execution_id: Which execution.
        retval: How.
        name: The function's full name.

    Raises:
        Exception: If it failed: of a class that the function declares, else a `ChildError`.
    """
    signature = function.signature
    if isinstance(retval, Failed):
        raise ChildError(name, execution_id, retval.detail or retval.reason or retval.kind.value, retval.kind.value)
    value = None if retval.payload is None else load(retval.payload.value)
    if retval.ok:
        return signature.decode_result(value)
    raise signature.decode_error(value) or ChildError(name, execution_id, signature.error_text(value))


def answer_of(function: Function[..., Any], deployed: DeployedFunction, value: Any) -> Returned:
    """Return a result that is brought from outside.

    Args:
        function: What is answered.
        deployed: The same, as the engine knows it.
        value: Its result, or an exception.

    Raises:
        TypeError: If it is not of the function's type; names the part.
    """
    signature, result = function.signature, deployed.type.result
    if isinstance(value, Exception):
        data = {"err": signature.encode_error(value)}
    else:
        data = {"ok": signature.encode_result(value)}
    assert isinstance(result, ResultType)
    return return_codec(result).to_retval(read_value(result, data, path="result"))
