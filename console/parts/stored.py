"""Rows that are in the order of their ids: log lines and HTTP requests.

Where several writers commit at once, a row may come into sight behind one with a greater id. So what lies a little
before the cursor is looked at again, and told apart by its id.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.db.models import QuerySet

from console.live.messages import Row
from console.live.topics import Cursor
from console.parts.fitting import fitting
from console.parts.part import News
from console.parts.windows import Place, Window, window_of
from executions.models import Execution

_OVERLAP: Final = 2_000
"""Ids, of all executions; more are not given out while one transaction is under way."""
_MOST_ROWS: Final = 100
"""Of one frame: lines may be long."""


class StoredPart(ABC):
    """Rows in the order of their ids.

    Args:
        keys: The ids of rows that the page shows already.
    """

    into: str
    is_indexed: Final = False
    first: Final = 0
    outlives: Final = True
    remembers: Final = True

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._shown = {int(key) for key in keys if key.isascii() and key.isdigit()}
        self._since = min(self._shown, default=0)

    @abstractmethod
    def every(self, execution: Execution) -> QuerySet[Any]:
        """Return all rows of an execution."""

    @abstractmethod
    def matching(self, execution: Execution) -> QuerySet[Any] | None:
        """Return those that are asked for; ``None`` for all of them."""

    @abstractmethod
    def html(self, row: Any, execution: Execution) -> str:
        """Return a row as HTML."""

    def window(self, execution: Execution, place: Place) -> Window:
        """See `Part`."""
        return window_of(self.every(execution), self.matching(execution), "pk", place)

    def rows(self, execution: Execution, numbers: Sequence[int]) -> list[Row]:
        """See `Part`."""
        found = self.every(execution).filter(pk__in=list(numbers)).order_by("pk")
        return [Row(into=self.into, key=str(row.pk), html=self.html(row, execution)) for row in found]

    def cursor(self, execution: Execution) -> Cursor:
        """See `Part`."""
        newest = self.every(execution).order_by("-pk").values_list("pk", flat=True).first()
        return {self.into: newest or 0}

    def news(self, execution: Execution, cursor: Cursor) -> News:
        """See `Part`."""
        at = cursor.get(self.into, 0)
        every = self.every(execution)
        matching = self.matching(execution)
        rows = every if matching is None else matching
        late_from = max(self._since, at - _OVERLAP)
        late = [pk for pk in _ids(rows.filter(pk__gte=late_from, pk__lte=at).order_by("pk")) if pk not in self._shown]
        new = _ids(rows.filter(pk__gt=at).order_by("pk")[: _MOST_ROWS + 1])
        is_behind = len(new) > _MOST_ROWS
        rendered = self.rows(execution, late + new[:_MOST_ROWS])
        fit = fitting(rendered)
        sent = [int(row.key) for row in rendered[:fit]]
        self._shown = {pk for pk in [*self._shown, *sent] if pk >= at - _OVERLAP}
        return News(
            cursor={self.into: max([at, *sent])},
            rows=rendered[:fit],
            is_behind=is_behind or fit < len(rendered),
        )


def _ids(rows: QuerySet[Any]) -> list[int]:
    return list(rows.values_list("pk", flat=True))
