"""Making once what several readers need at one moment."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar

T = TypeVar("T")

_made: Final[ContextVar[dict[Hashable, Any] | None]] = ContextVar("_made", default=None)


@contextmanager
def made_once() -> Iterator[None]:
    """Have what is made `once` meanwhile made but once: by readers of one thing, as of one instant, of equal rights."""
    token = _made.set({})
    try:
        yield
    finally:
        _made.reset(token)


def once(key: Hashable, make: Callable[[], T]) -> T:
    """Return what somebody made already, or make it; outside `made_once` it is made anew each time.

    Args:
        key: Tells it from all else that is made so.
        make: Makes it, from nothing that is one reader's own.
    """
    made = _made.get()
    if made is None:
        return make()
    if key not in made:
        made[key] = make()
    result: T = made[key]
    return result
