"""Lines of guests in the log of the program that runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import structlog

from engine.deployment.spec import LogLevel
from engine.journal.protocol import Journal
from engine.journal.records import LogLine

log = structlog.get_logger(__name__)

_METHODS: Final = {
    None: "info",
    LogLevel.TRACE: "debug",
    LogLevel.DEBUG: "debug",
    LogLevel.INFO: "info",
    LogLevel.WARN: "warning",
    LogLevel.ERROR: "error",
}


def logged_too(journal: Journal) -> Callable[[Sequence[LogLine]], None]:
    """Return what stores lines of guests in a journal and logs them; output of programs counts as INFO."""

    def add(lines: Sequence[LogLine]) -> None:
        journal.add_log_lines(lines)
        for line in lines:
            getattr(log, _METHODS[line.level])(
                "guest.line",
                message=line.message,
                stream=line.stream,
                execution_id=line.execution_id,
                run_id=line.run_id,
                at=line.created_at.isoformat(),
            )

    return add
