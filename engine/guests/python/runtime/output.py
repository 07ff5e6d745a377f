"""What user code prints and logs, as log lines of the execution."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable

HostCall = Callable[[str, str], str]

_MAX_CHARACTERS = 100_000
_LEVELS = ((logging.ERROR, "error"), (logging.WARNING, "warn"), (logging.INFO, "info"), (logging.DEBUG, "debug"))


def send_line(host: HostCall, level: str, message: str) -> None:
    """Store one log line."""
    text = message[:_MAX_CHARACTERS].encode(errors="replace").decode()
    host("log", json.dumps({"level": level, "message": text}))


def _nowhere(op: str, body: str) -> str:
    """Drop what is logged before there is a host."""
    return "{}"


class LineWriter(io.TextIOBase):
    """Stands in for ``sys.stdout``: every finished line becomes a log line."""

    def __init__(self, host: HostCall, level: str) -> None:
        self._host = host
        self._level = level
        self._rest = ""

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, text: str) -> int:
        """Take text; what follows the last line break waits for the rest of its line."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            send_line(self._host, self._level, line)
        if len(self._rest) > _MAX_CHARACTERS:
            self.finish()
        return len(text)

    def finish(self) -> None:
        """Store an unfinished line."""
        rest, self._rest = self._rest, ""
        if rest:
            send_line(self._host, self._level, rest)


class LogHandler(logging.Handler):
    """Sends what goes through `logging` to the execution's log, with the source line."""

    def __init__(self) -> None:
        super().__init__()
        self.host: HostCall = _nowhere

    def emit(self, record: logging.LogRecord) -> None:
        """Store one record."""
        level = next((name for least, name in _LEVELS if record.levelno >= least), "trace")
        message = self.format(record)
        send_line(self.host, level, f"{message}  ({record.pathname}:{record.lineno})")


_handler = LogHandler()
"""The one of this instance; made when the runtime is built, since that takes longer than a small function."""


def install(host: HostCall) -> None:
    """Put the execution's log where output goes."""
    sys.stdout = LineWriter(host, "info")
    sys.stderr = LineWriter(host, "warn")
    root = logging.getLogger()
    _handler.host = host
    root.handlers[:] = [_handler]
    # What is stored is the deployment's decision (logs_store_min_level).
    root.setLevel(logging.DEBUG)


def finish() -> None:
    """Store what was printed without a line break at the end."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, LineWriter):
            stream.finish()
