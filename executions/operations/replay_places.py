"""How many workflows this process runs at a time for people and clients that look into them.

A replay takes a thread, a processor and up to a component's memory, and whoever may read may ask for one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from engine.errors import EngineError

MOST: Final = 4
_PATIENCE_S: Final = 5.0
_places: Final = threading.BoundedSemaphore(MOST)


class TooManyReplays(EngineError):
    """No place was free soon."""


@contextmanager
def replay_place() -> Iterator[None]:
    """Wait for a place to replay in, and give it back in the end.

    Raises:
        TooManyReplays: If none is free soon.
    """
    if not _places.acquire(timeout=_PATIENCE_S):
        raise TooManyReplays(f"{MOST} workflows are being replayed already; try again in a moment")
    try:
        yield
    finally:
        _places.release()
