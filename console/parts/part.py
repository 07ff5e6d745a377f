"""What the parts of an execution have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from console.live.messages import Row
from console.live.topics import Cursor
from console.parts.windows import Place, Window
from engine.log.state import Status
from executions.models import Execution

_TRAILING: Final = timedelta(seconds=5)
"""How long after an execution's end what its runs wrote beside their events may come: executors store that later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What came behind a cursor.

    Args:
        cursor: How far a page is with it.
        rows: New ones, in order, and such as have changed.
        skipped: How many rows before these were left out.
        is_behind: Whether there is more, for the next time.
    """

    cursor: Cursor
    rows: list[Row] = field(default_factory=list)
    skipped: int = 0
    is_behind: bool = False


class Part(Protocol):
    """One part of an execution, as an address asks for it.

    Attributes:
        into: Id of the element that holds the rows.
        is_indexed: Whether every number from `first` on is there, so that a row's place is known from its number.
        first: The least number.
        outlives: Whether rows may still come when the execution has ended.
        remembers: Whether it remembers which rows its page shows.
    """

    @property
    def into(self) -> str:
        """See above."""
        ...

    @property
    def is_indexed(self) -> bool:
        """See above."""
        ...

    @property
    def first(self) -> int:
        """See above."""
        ...

    @property
    def outlives(self) -> bool:
        """See above."""
        ...

    @property
    def remembers(self) -> bool:
        """See above."""
        ...

    def window(self, execution: Execution, place: Place) -> Window:
        """Return which rows to show."""
        ...

    def rows(self, execution: Execution, numbers: Sequence[int]) -> list[Row]:
        """Return rows as HTML."""
        ...

    def cursor(self, execution: Execution) -> Cursor:
        """Return how far a page is that was rendered now."""
        ...

    def news(self, execution: Execution, cursor: Cursor) -> News:
        """Return what came behind a cursor: a bounded part of it."""
        ...


def is_complete(execution: Execution, part: Part | None, now: datetime) -> bool:
    """Tell whether nothing will come any more to a page of an execution that shows a part of it, or none."""
    if execution.status != Status.FINISHED.value:
        return False
    return part is None or not part.outlives or now - execution.due_at > _TRAILING
