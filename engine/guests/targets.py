"""What a runtime's guest wants to call, by name."""

from __future__ import annotations

from engine.errors import NameSyntaxError, ValueMismatch
from engine.guests.bodies import Body
from engine.host.context import Deployed
from engine.log.events import FunctionNotFound, TypeCheckError
from engine.log.return_values import JsonText
from engine.wit.json_values import dump_json
from engine.wit.names import FunctionName
from engine.workflow.target import Target


class MalformedName(Exception):
    """A call whose very name does not parse; it is refused without being recorded."""


def read_target(context: Deployed, body: Body) -> Target:
    """Return what to call.

    A function that is not deployed, and parameters that do not fit, become part of the target: a workflow records them,
    so that a later deployment cannot change what a replay sees.

    Raises:
        MalformedName: If the name does not parse.
    """
    ffqn, params = body.text("ffqn"), body.array("params")
    deployed = context.find_function(ffqn)
    if deployed is None:
        try:
            FunctionName.parse(ffqn)
        except NameSyntaxError as error:
            raise MalformedName(str(error)) from None
        return Target(ffqn, _spell(params), None, error=FunctionNotFound())
    try:
        args = deployed.read_params(params)
    except ValueMismatch as error:
        return Target(ffqn, _spell(params), deployed, error=TypeCheckError(str(error)))
    return Target(ffqn, JsonText(dump_json(args)), deployed, args, given=body.optional_integer("given"))


def _spell(params: list[object]) -> JsonText:
    return JsonText(dump_json(params))  # type: ignore[arg-type]  # what a JSON parser returned
