"""What a process that is an executor's own does about its memory."""

from __future__ import annotations

import ctypes
import gc
import os
from typing import Final

_ARENA_MAX: Final = -8
"""``M_ARENA_MAX`` of glibc's ``malloc.h``."""
_ARENAS: Final = 2
_YOUNG_OBJECTS: Final = 10_000
"""After how many new objects the garbage collector looks at them."""


def limit_arenas() -> None:
    """Have glibc share few heaps among all threads; before any of them starts.

    It makes up to eight for each processor, and each keeps what it once had at the most: after some minutes of short
    workflows 100 MB of 230 were free and could be had by nobody else. The interpreter lock lets few threads ask at a
    time anyway. Other C libraries have nothing of the kind, and what ``MALLOC_ARENA_MAX`` says goes.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return
    mallopt(_ARENA_MAX, _ARENAS)


def spare_collector() -> None:
    """Have the garbage collector leave alone what is there and look at the rest less often; before an executor starts.

    Modules and settings stay for good. To walk through them takes 70 ms, with the interpreter lock held, each time a
    replay or many short workflows have made enough new objects; in a process that takes over work, at once.

    What a run records lives until its commit, and makes no cycles: looking at it every 700 objects, which is Python's
    default, took 4 % of the time of a workflow's steps.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
