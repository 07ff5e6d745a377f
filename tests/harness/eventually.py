"""Waiting for what another process or thread brings about, where nothing tells of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")

PATIENCE_S = 30.0
"""How long a busy machine may take for what is usually there at once."""
_POLL_S = 0.02


def eventually(look: Callable[[], _T | None], *, within_s: float = PATIENCE_S) -> _T:
    """Look until there is something true to see, and return it.

    Raises:
        AssertionError: If there is nothing within ``within_s`` seconds; shows what was seen last.
    """
    until = time.monotonic() + within_s
    never = threading.Event()
    while not (seen := look()):
        assert time.monotonic() < until, f"not within {within_s:g} s; last seen: {seen!r}"
        never.wait(_POLL_S)
    return seen
