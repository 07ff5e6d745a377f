"""The values that a form asks for."""

from __future__ import annotations

from dataclasses import dataclass

from console.forms.names import item_name
from engine.wit.types import FunctionType, ResultType, WitType


@dataclass(frozen=True, slots=True)
class Slot:
    """A value that a form asks for.

    Args:
        label: What people call it.
        name: Of its inputs.
        type: Its type.
        may_be_left_out: Whether it has a default.
    """

    label: str
    name: str
    type: WitType
    may_be_left_out: bool = False


def param_slots(function: FunctionType, *, optional: int = 0) -> list[Slot]:
    """Return the parameters of a call.

    Args:
        function: What is called.
        optional: How many of the last ones may be left out.
    """
    first_optional = len(function.params) - optional
    return [
        Slot(param.name, item_name("params", index), param.type, index >= first_optional)
        for index, param in enumerate(function.params)
    ]


def result_slot(result: ResultType) -> Slot:
    """Return what a function returns."""
    return Slot("result", "result", result)
