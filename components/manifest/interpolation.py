"""References to environment variables inside configuration values.

``${NAME}``, ``${NAME:-default}`` (unset or empty) and ``${NAME-default}`` (unset); defaults may hold references
themselves. ``$NAME`` and an unclosed ``${`` stay as they are.

Source:
    Obelisk reference, section 11.1, last paragraph.
"""

from __future__ import annotations

from collections.abc import Mapping

MAX_NESTING = 50
"""How deep defaults may hold references in their defaults."""


class UnresolvedReference(ValueError):
    """A reference that has no value here; the message says why."""

    @classmethod
    def not_set(cls, name: str) -> UnresolvedReference:
        """Make the error of a variable that is not set and has no default."""
        return cls(f"environment variable {name} is not set")


def interpolate(text: str, environ: Mapping[str, str]) -> str:
    """Return the text with every reference replaced.

    Raises:
        UnresolvedReference: A reference without default to a variable that is not set, or defaults nested too deeply.
    """
    return _interpolate(text, environ, nesting=0)


def references(text: str) -> tuple[str, ...]:
    """Return the names of the variables that a text refers to, those of defaults too, in order."""
    names: dict[str, None] = {}
    position = 0
    while (start := text.find("${", position)) >= 0:
        position = start + 2
        end = _closing_brace(text, position)
        if end is not None:
            names[text[position:end].partition("-")[0].removesuffix(":")] = None
    return tuple(names)


def _interpolate(text: str, environ: Mapping[str, str], *, nesting: int) -> str:
    if nesting > MAX_NESTING:
        raise UnresolvedReference(f"defaults are nested more than {MAX_NESTING} deep")
    parts: list[str] = []
    position = 0
    while (start := text.find("${", position)) >= 0:
        end = _closing_brace(text, start + 2)
        if end is None:
            break
        parts += [text[position:start], _lookup(text[start + 2 : end], environ, nesting=nesting)]
        position = end + 1
    return "".join([*parts, text[position:]])


def _closing_brace(text: str, position: int) -> int | None:
    depth = 1
    while position < len(text):
        if text.startswith("${", position):
            depth, position = depth + 1, position + 2
            continue
        if text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
        position += 1
    return None


def _lookup(reference: str, environ: Mapping[str, str], *, nesting: int) -> str:
    name, dash, default = reference.partition("-")
    default_if_empty = bool(dash) and name.endswith(":")
    name = name.removesuffix(":") if dash else name
    value = environ.get(name)
    if value is not None and not (default_if_empty and value == ""):
        return value
    if not dash:
        raise UnresolvedReference.not_set(name)
    return _interpolate(default, environ, nesting=nesting + 1)
