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

    def __init__(self, level: str) -> None:
        self.host: HostCall = _nowhere
        self._level = level
        self._rest = ""

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, text: str) -> int:
        """Take text; what follows the last line break waits for the rest of its line."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            send_line(self.host, self._level, line)
        if len(self._rest) > _MAX_CHARACTERS:
            self.finish()
        return len(text)

    def close(self) -> None:
        """Stay open: the next call of this instance prints here too."""
        self.finish()

    def finish(self) -> None:
        """Store an unfinished line."""
        rest, self._rest = self._rest, ""
        if rest:
            send_line(self.host, self._level, rest)


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


# Those of this instance; made when the runtime is built, since that takes longer than a small function.
_stdout, _stderr = LineWriter("info"), LineWriter("warn")
_handler = LogHandler()


def install(host: HostCall) -> None:
    """Put the execution's log where output goes."""
    _stdout.host = _stderr.host = _handler.host = host
    sys.stdout, sys.stderr = _stdout, _stderr
    root = logging.getLogger()
    root.handlers[:] = [_handler]
    # What is stored is the deployment's decision (logs_store_min_level).
    if root.level != logging.DEBUG:
        # It goes through all loggers.
        root.setLevel(logging.DEBUG)


def finish() -> None:
    """Store what was printed without a line break at the end."""
    _stdout.finish()
    _stderr.finish()
