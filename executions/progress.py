"""How far something is, as a line in the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

from django.db.models import Count, Q

from components.reports import counted
from engine.log.state import ExecutionState, Status
from executions.models import Execution

_EVERY_S = 0.1
_EVERY_WITHOUT_TERMINAL_S = 2.0


class StatusLine:
    """A line that says how far something is: in place on a terminal, now and then a line elsewhere.

    Args:
        stream: Where to write; standard error, so that results alone are on standard output.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._in_place = self._stream.isatty()
        self._shown_at = time.monotonic()
        self._width = 0

    def update(self, describe: Callable[[], str]) -> None:
        """Show a text, unless one was shown a moment ago."""
        now = time.monotonic()
        every = _EVERY_S if self._in_place else _EVERY_WITHOUT_TERMINAL_S
        if now - self._shown_at < every:
            return
        self._shown_at = now
        self._write(describe())

    def done(self) -> None:
        """Take the line away."""
        if self._in_place and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
            self._width = 0

    def _write(self, text: str) -> None:
        if not self._in_place:
            self._stream.write(text + "\n")
        else:
            self._stream.write("\r" + text + " " * max(0, self._width - len(text)))
            self._width = len(text)
        self._stream.flush()


class ProgressLine:
    """Shows an execution's state and the number of its children.

    Args:
        stream: Where to write; see `StatusLine`.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._line = StatusLine(stream)
        self._started = time.monotonic()

    def update(self, state: ExecutionState) -> None:
        """Show a state, unless one was shown a moment ago."""
        self._line.update(lambda: self._describe(state))

    def done(self) -> None:
        """Take the line away."""
        self._line.done()

    def _describe(self, state: ExecutionState) -> str:
        counts = Execution.objects.children_of(state.execution_id).aggregate(
            all=Count("pk"), finished=Count("pk", filter=Q(status=Status.FINISHED.value))
        )
        steps = f"{counts['finished']}/{counts['all']} children finished, " if counts["all"] else ""
        elapsed = time.monotonic() - self._started
        return f"{state.status.value}: {steps}{counted(state.next_version, 'event')}, {elapsed:.1f} s"
