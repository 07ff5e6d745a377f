"""What commands print about functions and components: as JSON, and as text for people.

Source:
    The keys of the JSON are those of Obelisk's REST API, reference section 9.2 (``/v1/components``); ``kind`` and
    ``component`` are ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from components.interface_codec import decode_function, encode_params
from components.models import Component, Function, FunctionKind
from engine.deployment.imports import EXPORT_KINDS, format_function
from engine.deployment.spec import ComponentType
from engine.wit.extensions import ExtensionFunction, extension_functions
from engine.wit.grammar import format_type
from engine.wit.names import FunctionName

_LINE_LENGTH = 160


def describe_function(function: Function) -> dict[str, Any]:
    """Return what a list says about a function."""
    return {
        "ffqn": function.ffqn,
        "kind": function.kind,
        "component": function.component.name,
        "parameter_types": function.params,
        "return_type": function.return_type,
        "submittable": function.submittable,
    }


def describe_companions(function: Function) -> Iterator[dict[str, Any]]:
    """Return what a list says about the functions that the engine generates for one."""
    component_type = ComponentType(function.component.component_type)
    exported = decode_function(function.params, function.return_type)
    for companion in extension_functions(FunctionName.parse(function.ffqn), exported, EXPORT_KINDS[component_type]):
        yield _describe_companion(function, companion)


def _describe_companion(function: Function, companion: ExtensionFunction) -> dict[str, Any]:
    result = companion.type.result
    return {
        "ffqn": str(companion.name),
        "kind": function.kind,
        "component": function.component.name,
        "parameter_types": encode_params(companion.type),
        "return_type": None if result is None else format_type(result),
        # People and clients may schedule what they may start, by this name too.
        "submittable": companion.kind == "schedule",
        "extension": companion.kind,
    }


def function_signature(function: Function) -> str:
    """Return the type of a function on one line; of a long one the insides of braces are left out."""
    signature = format_function(decode_function(function.params, function.return_type))
    return signature if len(signature) <= _LINE_LENGTH else _without_insides(signature)


def function_line(described: dict[str, Any]) -> str:
    """Return one line about a described function; of a long signature the insides of braces are left out."""
    signature = format_function(decode_function(described["parameter_types"], described["return_type"]))
    line = f"{described['ffqn']}: {signature}"
    return line if len(line) <= _LINE_LENGTH else f"{described['ffqn']}: {_without_insides(signature)}"


def _without_insides(signature: str) -> str:
    parts, depth = [], 0
    for character in signature:
        if character == "}":
            depth -= 1
        if depth == 0:
            parts.append(character)
        if character == "{":
            depth += 1
            parts += ["..."] if depth == 1 else []
    return "".join(parts)


def describe_component(component: Component, *, functions: int) -> dict[str, Any]:
    """Return what a list says about a component."""
    return {
        "component_id": {
            "component_type": component.component_type,
            "name": component.name,
            "component_digest": component.digest,
        },
        "functions": functions,
        "wasm_digest": component.wasm_id,
    }


KIND_TITLES = {
    FunctionKind.WORKFLOW: "Workflows",
    FunctionKind.ACTIVITY: "Activities",
    FunctionKind.ACTIVITY_EXTERNAL: "External activities",
    FunctionKind.ACTIVITY_STUB: "Stub activities",
}
"""How lists are headed, in their order."""


def counted(number: int, noun: str) -> str:
    """Return ``1 function``, ``2 functions``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
