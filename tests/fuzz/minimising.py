"""Making a case smaller while it still shows what it shows."""

from __future__ import annotations

import time
from collections.abc import Callable


def minimise(content: bytes, still_shows: Callable[[bytes], bool], *, within_s: float) -> bytes:
    """Return a case with pieces left out, large ones first.

    Args:
        content: The case.
        still_shows: Tells whether another case shows the same.
        within_s: How long this may take, in seconds.
    """
    until = time.monotonic() + within_s
    size = len(content) // 2
    while size:
        at = 0
        while at < len(content):
            if time.monotonic() > until:
                return content
            smaller = content[:at] + content[at + size :]
            if still_shows(smaller):
                content = smaller
            else:
                at += size
        size //= 2
    return content
