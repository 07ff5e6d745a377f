"""Functions of other components as a webhook endpoint imports them: direct calls, and scheduling.

Source:
    Obelisk reference, sections 3 and 8.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import ConstraintViolation, LinkError
from engine.host.moments import read_schedule
from engine.host.responses import write_id
from engine.host.webhook_context import WebhookContext
from engine.log.return_codec import return_codec
from engine.log.return_values import JsonText
from engine.wasm.host_functions import HostFunction
from engine.wit.extensions import primary_of
from engine.wit.json_values import dump_json
from engine.wit.names import FunctionName
from engine.wit.options import JsonValue
from engine.wit.types import FunctionType, ResultType
from engine.workflow.target import Target


def webhook_function(name: FunctionName, imported: FunctionType) -> HostFunction:
    """Return the host's definition of an imported function.

    Args:
        name: Its name, primary or ``-schedule``.
        imported: Its type as the component declares it.

    Raises:
        LinkError: If it is another companion.
    """
    extension = primary_of(name)
    if extension is None:
        return HostFunction(type=imported, call=_direct_call(name, imported))
    kind, target = extension
    if kind != "schedule":
        raise LinkError(f"a webhook endpoint cannot import {name}")
    return HostFunction(type=imported, call=_schedule(target))


def _direct_call(name: FunctionName, imported: FunctionType) -> Callable[..., JsonValue]:
    if not isinstance(imported.result, ResultType):
        raise LinkError(f"{name} is imported without a result")
    ffqn, codec = str(name), return_codec(imported.result)

    def call(context: WebhookContext, *args: JsonValue) -> JsonValue:
        return codec.to_value(context.calls.call(_target(context, ffqn, args)).retval)

    return call


def _schedule(name: FunctionName) -> Callable[..., JsonValue]:
    ffqn = str(name)

    def schedule(context: WebhookContext, at: JsonValue, *args: JsonValue) -> JsonValue:
        execution_id = context.calls.new_id()
        context.calls.schedule(execution_id, read_schedule(at), _target(context, ffqn, args))
        return write_id(execution_id)

    return schedule


def _target(context: WebhookContext, ffqn: str, args: tuple[JsonValue, ...]) -> Target:
    function = context.find_function(ffqn)
    if function is None:
        raise ConstraintViolation(f"function {ffqn} is not deployed")
    return Target(ffqn, JsonText(dump_json(list(args))), function, args)
