"""Companions of exported functions: submit, await-next and get, schedule, stub.

Source:
    Obelisk 0.41, reference section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, count
from string import ascii_lowercase
from typing import Literal, TypeAlias

from engine.wit.names import EXT_SUFFIX, SCHEDULE_SUFFIX, STUB_SUFFIX, FunctionName
from engine.wit.obelisk_types import (
    AWAIT_NEXT_EXTENSION_ERROR,
    BORROW_JOIN_SET,
    EXECUTION_ID,
    GET_EXTENSION_ERROR,
    SCHEDULE_AT,
    STUB_ERROR,
)
from engine.wit.types import FunctionType, Param, ResultType, WitType

ExportKind: TypeAlias = Literal["activity", "activity_stub", "workflow"]
"""Component types whose exports others can call."""

ExtensionKind: TypeAlias = Literal["submit", "await_next", "get", "schedule", "stub"]

_PLACES: dict[ExtensionKind, tuple[str, str]] = {
    "submit": (EXT_SUFFIX, "-submit"),
    "await_next": (EXT_SUFFIX, "-await-next"),
    "get": (EXT_SUFFIX, "-get"),
    "schedule": (SCHEDULE_SUFFIX, "-schedule"),
    "stub": (STUB_SUFFIX, "-stub"),
}
"""Which package suffix and which function suffix make the name of a companion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionFunction:
    """A function that the engine offers because a component exports another.

    Args:
        kind: What the function does with its target.
        name: Name under which it is imported.
        type: Its parameters and result.
        target: The exported function.
    """

    kind: ExtensionKind
    name: FunctionName
    type: FunctionType
    target: FunctionName


def extension_functions(
    target: FunctionName, function: FunctionType, component_kind: ExportKind
) -> tuple[ExtensionFunction, ...]:
    """Return the companions of an exported function.

    Every function has submit, await-next and get; a stub's value is supplied by its stub companion, so it is never
    scheduled; everything else can be.

    Args:
        target: The exported function.
        function: Its type, which ``check_extendable`` has accepted.
        component_kind: What kind of component exports it.
    """
    last: ExtensionKind = "stub" if component_kind == "activity_stub" else "schedule"
    kinds: tuple[ExtensionKind, ...] = ("submit", "await_next", "get", last)
    return tuple(
        ExtensionFunction(
            kind=kind, name=extension_name(target, kind), type=_extension_type(function, kind), target=target
        )
        for kind in kinds
    )


def extension_name(target: FunctionName, kind: ExtensionKind) -> FunctionName:
    """Return the name of a function's companion."""
    package_suffix, function_suffix = _PLACES[kind]
    return FunctionName(target.interface.with_package_suffix(package_suffix), target.function + function_suffix)


def primary_of(name: FunctionName) -> tuple[ExtensionKind, FunctionName] | None:
    """Tell which function a name is a companion of, and what kind of companion.

    Returns:
        ``None`` if the package is no extension package, or the function's name does not end as those in it do.
    """
    for kind, (package_suffix, function_suffix) in _PLACES.items():
        if name.interface.extension_suffix == package_suffix and name.function.endswith(function_suffix):
            function = name.function.removesuffix(function_suffix)
            if function:
                return kind, FunctionName(name.interface.without_extension_suffix(), function)
    return None


def _extension_type(function: FunctionType, kind: ExtensionKind) -> FunctionType:
    match kind:
        case "submit":
            return FunctionType(_prepended("join-set", BORROW_JOIN_SET, function.params), EXECUTION_ID)
        case "await_next":
            join_set = Param("join-set", BORROW_JOIN_SET)
            return FunctionType((join_set,), ResultType(function.result, AWAIT_NEXT_EXTENSION_ERROR))
        case "get":
            execution_id = Param("execution-id", EXECUTION_ID)
            return FunctionType((execution_id,), ResultType(function.result, GET_EXTENSION_ERROR))
        case "schedule":
            return FunctionType(_prepended("schedule-at", SCHEDULE_AT, function.params), EXECUTION_ID)
        case "stub":
            execution_id = Param("execution-id", EXECUTION_ID)
            result = () if function.result is None else (Param("execution-result", function.result),)
            return FunctionType((execution_id, *result), ResultType(None, STUB_ERROR))


def _prepended(name: str, wit_type: WitType, params: tuple[Param, ...]) -> tuple[Param, ...]:
    """Put a parameter before others; if one of them has its name, it is called ``name-a``, ``name-b`` and so on."""
    taken = {param.name.lower() for param in params}
    letters = (letter * repeat for repeat in count(1) for letter in ascii_lowercase)
    candidates = chain([name], (f"{name}-{letter}" for letter in letters))
    return (Param(next(candidate for candidate in candidates if candidate not in taken), wit_type), *params)
