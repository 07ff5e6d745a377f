"""From Python's names to WIT's: ``book_hotel`` is ``book-hotel``, ``HTTPError`` is ``http-error``.

JSON keys are the WIT name with ``_`` for ``-``.
"""

from __future__ import annotations

import re

from obelisk.errors import Refused

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WIT_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def wit_name(name: str, *, place: str) -> str:
    """Return a Python name as WIT spells it.

    Args:
        name: Of a function, parameter, class, field, member or case.
        place: Where it stands, for the message.

    Raises:
        Refused: If WIT allows no such name.
    """
    stem = name.removesuffix("_")
    wit = "-".join(_WORD_START.sub("-", word) for word in stem.split("_")).lower()
    if not _WIT_NAME.fullmatch(wit):
        raise Refused(
            f"{place}: {name!r} cannot be a WIT name; use ASCII letters, digits and single underscores, a letter first"
        )
    return wit


def wit_names(names: list[str], *, place: str) -> dict[str, str]:
    """Return the WIT names of names that stand side by side, by Python name.

    Raises:
        Refused: If one is not allowed, or two become the same.
    """
    found: dict[str, str] = {}
    for name in names:
        wit = wit_name(name, place=place)
        if wit in found.values():
            raise Refused(f"{place}: two names become {wit!r} in WIT; rename one of them")
        found[name] = wit
    return found


def json_key(wit: str) -> str:
    """Return a WIT name as JSON spells it."""
    return wit.replace("-", "_")
