"""A clock of a process that tests put forward and back."""

from __future__ import annotations

import mmap
import os
import struct
from datetime import datetime, timedelta
from pathlib import Path

from django.utils import timezone

from engine.clock import SystemClock

VARIABLE = "CHAOS_CLOCK"
"""Names the environment variable of the file, in the folder, that tells how wrong the clock is."""

_OFFSET = struct.Struct("d")


def set_offset(folder: Path, name: str, offset: timedelta) -> None:
    """Have the clock of the processes that were given this name be wrong by so much."""
    path = folder / name
    if not path.exists():
        path.write_bytes(_OFFSET.pack(0.0))
    with path.open("r+b") as file:
        file.write(_OFFSET.pack(offset.total_seconds()))


def install(folder: Path) -> None:
    """Have this process, and those that it forks, look at their file for the time; nothing if they have none."""
    name = os.environ.get(VARIABLE)
    if name is None:
        return
    with (folder / name).open("rb") as file:
        offset = mmap.mmap(file.fileno(), _OFFSET.size, prot=mmap.PROT_READ)
    right = SystemClock.now

    def wrong(clock: SystemClock) -> datetime:
        return right(clock) + timedelta(seconds=_OFFSET.unpack_from(offset)[0])

    setattr(SystemClock, "now", wrong)  # noqa: B010 - a method is not to be assigned to
    setattr(timezone, "now", lambda: wrong(SystemClock()))  # noqa: B010 - a module's name is not to be assigned to
