"""How many workflows this process runs at a time for clients that look into them.

A replay takes a thread, a processor and up to a component's memory, and whoever may read may ask for one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

from django.http import HttpResponse

from executions.api.problems import Problem, ProblemCode

V = TypeVar("V")
P = ParamSpec("P")

MOST: Final = 4
_PATIENCE_S: Final = 5.0
_places: Final = threading.BoundedSemaphore(MOST)


def replaying(method: Callable[Concatenate[V, P], HttpResponse]) -> Callable[Concatenate[V, P], HttpResponse]:
    """Return a view's method that waits for a place to replay in, and is refused if none is free soon."""

    @wraps(method)
    def in_place(view: V, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not _places.acquire(timeout=_PATIENCE_S):
            said = f"{MOST} workflows are being replayed already; try again in a moment"
            raise Problem(ProblemCode.BUSY, said, headers={"Retry-After": "5"})
        try:
            return method(view, *args, **kwargs)
        finally:
            _places.release()

    return in_place
