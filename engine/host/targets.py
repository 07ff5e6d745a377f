"""Calls named at run time: function records and JSON parameters."""

from __future__ import annotations

from engine.errors import NameSyntaxError, ValueMismatch
from engine.host.context import Deployed
from engine.log.events import FunctionNotFound, TypeCheckError
from engine.log.return_values import JsonText
from engine.wit.json_values import dump_json, load_json
from engine.wit.names import FunctionName, InterfaceName
from engine.wit.options import JsonValue
from engine.workflow.target import Target


class MalformedCallError(Exception):
    """A call that is refused without being recorded: its name or parameters are not even well-formed.

    Args:
        case: The error case of the WIT variant.
        message: What is wrong.
    """

    def __init__(self, case: str, message: str) -> None:
        super().__init__(message)
        self.case, self.message = case, message

    @property
    def value(self) -> JsonValue:
        """The canonical error."""
        return {"err": {self.case: self.message}}


def read_target(context: Deployed, function: JsonValue, params: str) -> Target:
    """Return the target of a call by name.

    A function that is not deployed, and parameters that do not fit, become part of the target: they are recorded, so
    that a later deployment cannot change what a replay sees.

    Args:
        context: The run.
        function: Canonical ``function`` record.
        params: JSON text of an array.

    Raises:
        MalformedCallError: If the name or the JSON does not parse; nothing is recorded then.
    """
    ffqn = read_function_name(function)
    try:
        data = load_json(params)
    except ValueMismatch as error:
        raise MalformedCallError("type_check_error", str(error)) from None
    if not isinstance(data, list):
        raise MalformedCallError("type_check_error", "the parameters must be a JSON array")
    deployed = context.find_function(ffqn)
    if deployed is None:
        return Target(ffqn, _spell(data), None, error=FunctionNotFound())
    try:
        args = deployed.read_params(data)
    except ValueMismatch as error:
        return Target(ffqn, _spell(data), deployed, error=TypeCheckError(str(error)))
    return Target(ffqn, JsonText(dump_json(args)), deployed, args)


def read_function_name(function: JsonValue) -> str:
    """Return the name in a ``function`` record.

    Raises:
        MalformedCallError: If it does not parse.
    """
    assert isinstance(function, dict)
    interface, name = function["interface_name"], function["function_name"]
    assert isinstance(interface, str)
    assert isinstance(name, str)
    try:
        if "." in name:
            raise NameSyntaxError(f"function name {name!r} must not contain a dot")
        return str(FunctionName(InterfaceName.parse(interface), name))
    except NameSyntaxError as error:
        raise MalformedCallError("ffqn_parsing_error", str(error)) from None


def write_submit_error(error: FunctionNotFound | TypeCheckError) -> JsonValue:
    """Return the canonical error of a call that was recorded as refused."""
    if isinstance(error, FunctionNotFound):
        return {"err": "function_not_found"}
    return {"err": {"type_check_error": error.message}}


def _spell(data: list[object]) -> JsonText:
    return JsonText(dump_json(data))  # type: ignore[arg-type]  # what a JSON parser returned
