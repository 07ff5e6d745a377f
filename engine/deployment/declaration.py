"""What is told apart of a function that was declared, by the digest of the component that it is all of.

Source:
    Obelisk reference, section 1.3. Of WIT that its author wrote the names of types count here, not the text: a comment
    makes no other component.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.wit.grammar import format_type
from engine.wit.names import FunctionName
from engine.wit.types import FunctionType, WitType


def declaration_parts(
    name: FunctionName, function_type: FunctionType, type_names: Mapping[str, WitType]
) -> tuple[str, ...]:
    """Return texts that differ where two declarations do.

    Args:
        name: The function.
        function_type: Its type.
        type_names: Names that its author gave to types.
    """
    return (
        str(name),
        *(format_type(param.type) for param in function_type.params),
        "" if function_type.result is None else format_type(function_type.result),
        *(f"{type_name} = {format_type(type_names[type_name])}" for type_name in sorted(type_names)),
    )
