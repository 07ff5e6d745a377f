"""What came back to an execution's join sets, and who took it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from django.http import QueryDict
from django.template.loader import render_to_string

from console.live.messages import Row
from console.live.topics import Cursor
from console.parts.awaits import awaits_of
from console.parts.fitting import fitting
from console.parts.part import News
from console.parts.windows import MOST, Place, Window, window_of
from executions.models import Execution, JoinSetResponse


class ResponsesPart:
    """The responses of an execution.

    Args:
        query: Which of them: those of one join set, or all.
        keys: The cursors of rows that the page shows already.
    """

    into: Final = "responses"
    first: Final = 1
    outlives: Final = False
    remembers: Final = True

    def __init__(self, query: QueryDict, keys: Iterable[str] = ()) -> None:
        self.join_set = query.get("join_set", "").replace("\0", "")
        self.is_indexed = not self.join_set
        # Whether they were taken may change; the page may show of any of them that it was not.
        self._open = {int(key) for key in keys if key.isascii() and key.isdigit()}

    def window(self, execution: Execution, place: Place) -> Window:
        """See `Part`."""
        every = JoinSetResponse.objects.filter(execution_id=execution.pk, cursor__lte=execution.response_count)
        return window_of(every, every.filter(join_set_id=self.join_set) if self.join_set else None, "cursor", place)

    def rows(self, execution: Execution, numbers: Sequence[int]) -> list[Row]:
        """See `Part`."""
        found = list(
            JoinSetResponse.objects.filter(execution_id=execution.pk, cursor__in=list(numbers)).order_by("cursor")
        )
        taken = awaits_of(execution.pk, found)
        children = Execution.objects.in_bulk([each.child_execution_id for each in found if each.child_execution_id])
        self._open = (self._open | {each.cursor for each in found}) - taken.keys()
        return [
            Row(
                into=self.into,
                key=str(each.cursor),
                html=render_to_string(
                    "console/executions/response_row.html",
                    {
                        "each": each,
                        "child": children.get(each.child_execution_id or ""),
                        "taken_at": taken.get(each.cursor),
                    },
                ),
            )
            for each in found
        ]

    def cursor(self, execution: Execution) -> Cursor:
        """See `Part`. Awaits are events."""
        return {"response": execution.response_count, "version": execution.next_version}

    def news(self, execution: Execution, cursor: Cursor) -> News:
        """See `Part`."""
        behind = cursor.get("response", 0)
        first = max(behind, execution.response_count - MOST) + 1
        new = JoinSetResponse.objects.filter(
            execution_id=execution.pk, cursor__gte=first, cursor__lte=execution.response_count
        )
        if self.join_set:
            new = new.filter(join_set_id=self.join_set)
        taken = self._taken(execution, sorted(self._open)[-MOST:])
        rows = self.rows(execution, [*taken, *new.values_list("cursor", flat=True)])
        fit = fitting(rows)
        left = [int(row.key) for row in rows[fit:]]
        # Those of them that the page shows as not awaited are still to be told.
        self._open |= {number for number in left if number <= behind}
        reached = left[0] - 1 if left else execution.response_count
        return News(
            cursor={**self.cursor(execution), "response": max(behind, reached)},
            rows=rows[:fit],
            skipped=first - 1 - behind if reached >= first - 1 else 0,
            is_behind=bool(left),
        )

    def _taken(self, execution: Execution, cursors: Sequence[int]) -> list[int]:
        rows = JoinSetResponse.objects.filter(execution_id=execution.pk, cursor__in=cursors)
        return sorted(awaits_of(execution.pk, rows))
