"""How many lines a run may add to its execution's log."""

from __future__ import annotations

from collections.abc import Callable

from engine.deployment.limits import key_of
from engine.deployment.spec import LogLevel
from engine.journal.records import LogLine


class LogQuota:
    """Lets lines through until there are too many, and says so once; used by one thread at a time.

    Args:
        most: How many lines there may be.
        add: Takes a line.
    """

    __slots__ = ("_add", "_left", "_most")

    def __init__(self, most: int, add: Callable[[LogLine], None]) -> None:
        self._most = most
        self._left = most
        self._add = add

    def add(self, line: LogLine) -> None:
        """Take a line, or drop it."""
        if self._left > 0:
            self._left -= 1
            self._add(line)
        elif self._left == 0:
            self._left = -1
            self._add(
                LogLine(
                    execution_id=line.execution_id,
                    run_id=line.run_id,
                    created_at=line.created_at,
                    level=LogLevel.WARN,
                    message=f"[the limit {key_of('log_lines')} = {self._most} is reached; the rest is dropped]",
                )
            )
