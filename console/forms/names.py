"""How inputs are named: as the codec's errors name the part of the value, so that an error finds its input.

An option's payload has its option's name, as in the codec's paths. What is not a part of the value but says which parts
there are, such as the number of a list's items, has the name with a mark that no path holds behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from engine.wit.names import snake_name

Fields = Mapping[str, list[str]]
"""What the inputs of a form hold, by their names; those that are not there are empty."""

_SOME: Final = "?"
_GIVEN: Final = "!"
_CASE: Final = "@"
_COUNT: Final = "#"
_MODE: Final = "~"
_BEGINS_PART: Final = (".", "[", _SOME, _GIVEN, _CASE, _COUNT, _MODE)


def member_name(name: str, member: str) -> str:
    """Return the name of a record's field, or of a case's payload; ``member`` is in kebab-case."""
    return f"{name}.{snake_name(member)}"


def item_name(name: str, index: int) -> str:
    """Return the name of a list's or tuple's item."""
    return f"{name}[{index}]"


def some_name(name: str, depth: int) -> str:
    """Return the name of what says whether an option has a payload; ``depth`` counts the options around it."""
    return name + _SOME * (depth + 1)


def given_name(name: str) -> str:
    """Return the name of what says whether something with a default is given."""
    return name + _GIVEN


def case_name(name: str) -> str:
    """Return the name of what says which case of a variant or result it is."""
    return name + _CASE


def count_name(name: str) -> str:
    """Return the name of what says how many items a list has, or that it stands there as JSON."""
    return name + _COUNT


def mode_name(name: str) -> str:
    """Return the name of what says how a text is to be read."""
    return name + _MODE


def first(fields: Fields, name: str) -> str:
    """Return what an input holds; empty if it is not there."""
    values = fields.get(name)
    return values[0] if values else ""


def part_name(name: str) -> str:
    """Return the name of the part of the value that an input belongs to."""
    return name.rstrip(_SOME + _GIVEN + _CASE + _COUNT + _MODE)


def is_part(name: str, of: str) -> bool:
    """Tell whether an input belongs to the part of the value that ``of`` names."""
    return name == of or name.startswith(tuple(of + mark for mark in _BEGINS_PART))


def parts_of(fields: Fields, name: str, *, depth: int = 0) -> Iterator[tuple[str, list[str]]]:
    """Return the inputs of a part of the value.

    Args:
        fields: All inputs.
        name: The part.
        depth: How many of the options around it, which have the same name, do not belong to it.
    """
    outer = {some_name(name, level) for level in range(depth)}
    for each, values in fields.items():
        if is_part(each, name) and each != given_name(name) and each not in outer:
            yield each, values
