"""Programs at a terminal: what they show there, and keys that somebody presses."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tests.harness.eventually import PATIENCE_S

CTRL_C = b"\x03"
CTRL_U = b"\x15"

_LOOK_S = 0.1
_ROWS = 30
# The first terminal that the leader of a session opens becomes the one whose Ctrl-C it hears.
_AT = 'exec "$@" <>"$0" >&0 2>&0'


class Terminal:
    """A program and the terminal that it runs at.

    Args:
        process: The program.
        other_side: File descriptor of the terminal's other side.
    """

    def __init__(self, process: subprocess.Popen[bytes], other_side: int) -> None:
        self._process, self._other_side = process, other_side
        self._shown = ""

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._other_side, keys)

    def wait_for(self, text: str) -> str:
        """Wait until a text is shown, and return what was shown up to its end; the next call goes on behind it."""
        until = time.monotonic() + PATIENCE_S
        while text not in self._shown:
            assert time.monotonic() < until, f"no {text!r}; shown: {self._shown!r}"
            assert self._read(), f"it ended without {text!r}; shown: {self._shown!r}"
        shown, _, self._shown = self._shown.partition(text)
        return shown + text

    def wait(self) -> tuple[int, str]:
        """Wait until the program ends, and return its exit status and the rest of what it showed."""
        until = time.monotonic() + PATIENCE_S
        while self._read():
            assert time.monotonic() < until, f"it goes on; shown: {self._shown!r}"
        return self._process.wait(), self._shown

    def _read(self) -> bool:
        """Take what is shown now; tell whether more may come."""
        has_ended = self._process.poll() is not None
        if not select.select([self._other_side], [], [], 0 if has_ended else _LOOK_S)[0]:
            return not has_ended
        self._shown += os.read(self._other_side, 1 << 16).decode(errors="replace")
        return True


@contextmanager
def at_terminal(command: Sequence[str], *, environment: Mapping[str, str], columns: int = 100) -> Iterator[Terminal]:
    """Run a program at a terminal; whatever runs there at the end is killed.

    Args:
        command: The program and its arguments.
        environment: Its environment variables.
        columns: How wide the terminal is.
    """
    other_side, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
    process = subprocess.Popen(
        ["sh", "-c", _AT, os.ttyname(side), *command], env=dict(environment), start_new_session=True
    )
    try:
        yield Terminal(process, other_side)
    finally:
        process.kill()
        process.wait()
        os.close(side)
        os.close(other_side)
