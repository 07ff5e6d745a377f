"""What pages that show rows have in common: the rows in sight change in place; none moves, comes or goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from console.live.messages import Sub
from console.live.topics import Cursor, Waker
from executions.watching import CommitWatch

_MOST_ROWS: Final = 200


class RowsTopic:
    """The rows that a page shows; a `console.live.topics.Topic` once it can be read.

    The cursor holds a number for each row that differs when what is shown of it does.

    Args:
        sub: The subscription; its keys are those of the rows.
    """

    interval_s = 0.25
    remembers = False

    def __init__(self, sub: Sub) -> None:
        self.keys = sub.keys[:_MOST_ROWS]

    def waker(self) -> Waker:
        """See `Topic`."""
        return CommitWatch()

    def changed(self, cursor: Cursor, numbers: Mapping[str, int]) -> list[str]:
        """Return which of the rows in sight are there and not as the page shows them, in its order."""
        return [key for key in self.keys if key in numbers and cursor.get(key) != numbers[key]]
