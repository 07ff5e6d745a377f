"""How an option within an option is written in JSON.

An option prints its payload, or null. That alone would lose ``some(none)``, so a payload that itself prints as null,
or as an object whose only key is ``some``, is wrapped as ``{"some": payload}``. All other options look as they do in
Obelisk, where ``some(none)`` turns into ``none``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

from engine.wit.types import OptionType, RecordType, VariantType, WitType

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
"""A canonical value: what the codecs produce, in the shapes of JSON."""


@lru_cache(maxsize=4096)
def may_need_wrapping(payload: WitType) -> bool:
    """Tell whether some value of an option's payload type has to be wrapped."""
    match payload:
        case OptionType():
            return True
        case RecordType(fields=fields):
            return len(fields) == 1 and fields[0].name == "some"
        case VariantType(cases=cases):
            return any(case.name == "some" and case.type is not None for case in cases)
        case _:
            return False


def wrap_some(payload: JsonValue) -> JsonValue:
    """Return the canonical value of ``some(payload)`` for a payload that may need wrapping."""
    return {"some": payload} if payload is None or is_wrapped(payload) else payload


def unwrap_some(value: JsonValue) -> JsonValue:
    """Return the payload of a canonical ``some``, made by ``wrap_some``."""
    return value["some"] if type(value) is dict and is_wrapped(value) else value


def is_wrapped(value: object) -> bool:
    """Tell whether a value is an object whose only key is ``some``."""
    return type(value) is dict and len(value) == 1 and "some" in value
