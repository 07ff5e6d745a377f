"""How much one frame brings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from console.live.messages import Row

MOST_BYTES: Final = 256 << 10
"""Of the rows of one frame, as UTF-8. A page that is behind gets the others with the next one, once it has drawn these:
what it has to take in at a time stays small, and so does what the server holds for it."""


def fitting(rows: Sequence[Row]) -> int:
    """Return how many of these, from the first on, go into one frame: at least one, if there is any."""
    sizes = accumulate(len(row.html.encode()) for row in rows)
    return max(min(1, len(rows)), sum(size <= MOST_BYTES for size in sizes))
