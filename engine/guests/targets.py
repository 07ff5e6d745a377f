"""What a runtime's guest wants to call, by name."""

from __future__ import annotations

from engine.errors import NameSyntaxError, ValueMismatch
from engine.guests.answers import refused
from engine.guests.bodies import Body
from engine.host.context import Deployed
from engine.log.call_options import option_metadata
from engine.log.events import FunctionNotFound, Metadata, TypeCheckError
from engine.log.labels import label_metadata
from engine.log.return_values import JsonText
from engine.wit.json_values import dump_json
from engine.wit.names import FunctionName
from engine.workflow.target import Target


class MalformedCall(Exception):
    """A call that makes no sense at all; it is refused without being recorded.

    Args:
        code: The code of the refusal.
        error: What is wrong.
    """

    def __init__(self, code: str, error: Exception) -> None:
        super().__init__(str(error))
        self.answer = refused(code, str(error))


def read_target(context: Deployed, body: Body) -> Target:
    """Return what to call.

    A function that is not deployed, and parameters that do not fit, become part of the target: a workflow records them,
    so that a later deployment cannot change what a replay sees.

    Raises:
        MalformedCall: If the name does not parse, or the call's options are none.
    """
    ffqn, params = body.text("ffqn"), body.array("params")
    metadata = _metadata(body)
    deployed = context.find_function(ffqn)
    if deployed is None:
        try:
            FunctionName.parse(ffqn)
        except NameSyntaxError as error:
            raise MalformedCall("ffqn_parsing_error", error) from None
        return Target(ffqn, _spell(params), None, error=FunctionNotFound())
    try:
        args = deployed.read_params(params)
    except ValueMismatch as error:
        return Target(ffqn, _spell(params), deployed, error=TypeCheckError(str(error)))
    given = body.optional_integer("given")
    return Target(ffqn, JsonText(dump_json(args)), deployed, args, given=given, metadata=metadata)


def _metadata(body: Body) -> Metadata:
    """Return what the call itself says about how it is run."""
    retries, timeout = body.optional_integer("max_retries"), body.optional_duration("attempt_timeout_us")
    labels = body.optional_mapping("labels")
    try:
        options = option_metadata(max_retries=retries, attempt_timeout=timeout)
        return options if labels is None else (*options, *label_metadata(labels))
    except ValueMismatch as error:
        raise MalformedCall("invalid_options", error) from None


def _spell(params: list[object]) -> JsonText:
    return JsonText(dump_json(params))  # type: ignore[arg-type]  # what a JSON parser returned
