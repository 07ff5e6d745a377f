"""What this process takes of its machine."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_STATM: Final = Path("/proc/self/statm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a process took lately.

    Args:
        cpu_percent: Of one processor, since it was asked last; more than 100 if several worked for it.
        rss_bytes: Memory that is resident now; ``None`` where the system does not tell.
        threads: Python's threads now.
    """

    cpu_percent: int
    rss_bytes: int | None
    threads: int


class LoadMeter:
    """Measures this process, from one question to the next."""

    def __init__(self) -> None:
        self._asked_at, self._used = time.monotonic(), time.process_time()

    def read(self) -> Load:
        """Return what the process took since the last question, or since the meter was made."""
        now, used = time.monotonic(), time.process_time()
        share = (used - self._used) / max(now - self._asked_at, 1e-3)
        self._asked_at, self._used = now, used
        return Load(cpu_percent=round(100 * share), rss_bytes=_resident_bytes(), threads=threading.active_count())


def _resident_bytes() -> int | None:
    try:
        pages = int(_STATM.read_text().split()[1])
    except OSError:
        # Only Linux has it.
        return None
    return pages * os.sysconf("SC_PAGESIZE")
