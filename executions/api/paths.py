"""Ids in paths."""

from __future__ import annotations

from typing import Final

DERIVED: Final = r"\.[ong]:[A-Za-z0-9/-]*_[0-9]+"
EXECUTION_ID: Final = rf"E_[0-9A-Z]{{26}}(?:{DERIVED})*"
DELAY_ID: Final = rf"Delay_[0-9A-Z]{{26}}(?:{DERIVED})+"


class NameConverter:
    """A name, a digest, or an id that is looked for as it stands there; databases refuse NUL characters."""

    regex = r"[^/\0]+"

    def to_python(self, value: str) -> str:
        """Return the name."""
        return value

    def to_url(self, value: str) -> str:
        """Return the name for a path."""
        return value


class ExecutionIdConverter:
    """An execution id. The name of a join set may contain a slash, which has become one again when paths are matched.

    Whatever else stands in its place is matched as well, so that the answer says what is wrong with it.
    """

    regex = rf"{EXECUTION_ID}|[^/]+"

    def to_python(self, value: str) -> str:
        """Return the id as it stands there."""
        return value

    def to_url(self, value: str) -> str:
        """Return the id for a path."""
        return value


class DelayIdConverter(ExecutionIdConverter):
    """A delay id; as for executions."""

    regex = rf"{DELAY_ID}|[^/]+"
