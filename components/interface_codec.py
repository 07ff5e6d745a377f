"""The stored form of what a component imports or exports: interfaces, and functions with their types as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import DeploymentError, NameSyntaxError, TypeSyntaxError
from engine.wit.grammar import format_type, parse_type
from engine.wit.names import InterfaceName
from engine.wit.types import FunctionType, Param

INTERFACES_VERSION = 1

Interfaces = Mapping[InterfaceName, Mapping[str, FunctionType]]
"""Functions by name, by interface; an interface without functions only shares types."""


def encode_interfaces(interfaces: Interfaces) -> dict[str, Any]:
    """Return the JSON form, in the order of declaration."""
    return {
        "version": INTERFACES_VERSION,
        "interfaces": [
            {
                "name": str(interface),
                "functions": [
                    {"name": name, "params": encode_params(function), "return_type": _encode_result(function)}
                    for name, function in functions.items()
                ],
            }
            for interface, functions in interfaces.items()
        ],
    }


def decode_interfaces(stored: Any) -> dict[InterfaceName, dict[str, FunctionType]]:
    """Read the JSON form back.

    Raises:
        DeploymentError: If it is of a version that this one cannot read, or incomplete.
    """
    if not isinstance(stored, dict) or stored.get("version") != INTERFACES_VERSION:
        raise DeploymentError(f"stored interfaces are not of version {INTERFACES_VERSION}, the one this program reads")
    try:
        return {
            InterfaceName.parse(interface["name"]): {
                function["name"]: decode_function(function["params"], function["return_type"])
                for function in interface["functions"]
            }
            for interface in stored["interfaces"]
        }
    except (KeyError, TypeError, NameSyntaxError, TypeSyntaxError) as exc:
        raise DeploymentError(f"stored interfaces cannot be read: {exc!r}") from exc


def encode_params(function: FunctionType) -> list[dict[str, str]]:
    """Return the parameters as a list of ``{"name", "wit_type"}``."""
    return [{"name": param.name, "wit_type": format_type(param.type)} for param in function.params]


def decode_function(params: list[dict[str, str]], return_type: str | None) -> FunctionType:
    """Return the type that stored parameters and a stored return type describe.

    Raises:
        TypeSyntaxError: If a type expression does not parse.
    """
    return FunctionType(
        tuple(Param(param["name"], parse_type(param["wit_type"])) for param in params),
        None if return_type is None else parse_type(return_type),
    )


def _encode_result(function: FunctionType) -> str | None:
    return None if function.result is None else format_type(function.result)
