"""How one version of this program stands to another, as far as their numbers tell."""

from __future__ import annotations


def version_mark(version: str, here: str) -> str:
    """Return ``older`` or ``newer`` where the numbers tell, other words where they do not; empty for the same version.

    Args:
        version: As `executions.program_version` tells it; empty if it is not known.
        here: That of this process.
    """
    if version == here:
        return ""
    one, other = _number(version), _number(here)
    if one is None or other is None or one == other:
        return "not this console's"
    return "older" if one < other else "newer"


def _number(version: str) -> tuple[int, ...] | None:
    number, _, _ = version.partition(" ")
    parts = number.split(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        return None
    return tuple(int(part) for part in parts)
