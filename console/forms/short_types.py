"""Types in a few characters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from engine.wit.grammar import format_type
from engine.wit.types import ListType, OptionType, ResultType, WitType, without_defaults

Names = Mapping[WitType, str]
"""Names of records, variants, enums and flags, as far as they have any."""
NO_NAMES: Final[Names] = {}

_LONGEST: Final = 48
_KIND: Final = re.compile("[a-z0-9]+")


def short_type(wit_type: WitType, names: Names = NO_NAMES) -> str:
    """Return a type in few characters: its name, else the whole of it if it is short, else its kind.

    Args:
        wit_type: The type.
        names: Those that it and its parts have.
    """
    text = format_type(wit_type)
    if len(text) <= _LONGEST and "{" not in text:
        return text
    match wit_type:
        case ListType(element=element):
            return f"list<{short_type(element, names)}>"
        case OptionType(some=some):
            return f"option<{short_type(some, names)}>"
        case ResultType(ok=ok, err=err):
            sides = ["_" if ok is None else short_type(ok, names)]
            sides += [] if err is None else [short_type(err, names)]
            return f"result<{', '.join(sides)}>"
        case _:
            kind = _KIND.match(text)
            assert kind is not None  # every type begins with a word
            return names.get(without_defaults(wit_type), kind[0])
