"""How many workflows this process runs at a time for clients that look into them.

A replay takes a thread, a processor and up to a component's memory, and whoever may read may ask for one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from executions.api.problems import Problem, ProblemCode

P = ParamSpec("P")
R = TypeVar("R")

MOST: Final = 4
_PATIENCE_S: Final = 5.0
_places: Final = threading.BoundedSemaphore(MOST)


def replaying(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function of a view that waits for a place to replay in, and is refused if none is free soon."""

    @wraps(function)
    def in_place(*args: P.args, **kwargs: P.kwargs) -> R:
        if not _places.acquire(timeout=_PATIENCE_S):
            said = f"{MOST} workflows are being replayed already; try again in a moment"
            raise Problem(ProblemCode.BUSY, said, headers={"Retry-After": "5"})
        try:
            return function(*args, **kwargs)
        finally:
            _places.release()

    return in_place
