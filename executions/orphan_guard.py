"""Stops the site's processes if the command that started them dies without doing so.

Run as a program of its own, it reads the ids of process groups from its standard input, one a line. At the end of the
input, which comes however the command ends, it asks those that are left to stop, and kills what does not. It imports
nothing of the site, so that it is there at once and small.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

_STOP_S = 30.0
_POLL_S = 0.1


def guard() -> None:
    """Wait for the end of the input, then stop every group that was named."""
    # Ctrl-C is for the command.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    groups = [int(line) for line in sys.stdin]
    until = time.monotonic() + _STOP_S
    for group in groups:
        _signal(group, signal.SIGTERM)
    while time.monotonic() < until and any(_is_there(group) for group in groups):
        time.sleep(_POLL_S)
    for group in groups:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def _is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    guard()
