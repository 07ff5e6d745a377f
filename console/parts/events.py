"""The event log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from django.db.models import QuerySet
from django.http import QueryDict

from console.live.messages import Row
from console.live.topics import Cursor
from console.once import once
from console.parts.event_filter import FAILURES, EventFilter
from console.parts.event_reading import lines_of
from console.parts.event_row import event_row
from console.parts.part import News
from console.parts.windows import Place, Window, window_of
from executions.models import Event, Execution

LATEST: Final = 20
"""Events that the overview shows."""
MOST_NEW: Final = 60
"""Twice as many as a window shows at a time: in a flood, all others would be rendered for nobody."""


class EventsPart:
    """The events of an execution.

    Args:
        query: Which of them.
        most: How many one frame brings at most; what is before these a page reads where somebody looks.

    Raises:
        BadRequest: If that makes no sense.
    """

    into: Final = "events"
    first: Final = 0
    outlives: Final = False
    remembers: Final = False

    def __init__(self, query: QueryDict, *, most: int = MOST_NEW) -> None:
        self._most = most
        self.filter = EventFilter.read(query)
        self.is_indexed = not self.filter.is_active

    def window(self, execution: Execution, place: Place) -> Window:
        """See `Part`."""
        every = _known(execution)
        return window_of(every, self.filter.matching(every), "version", place)

    def rows(self, execution: Execution, numbers: Sequence[int]) -> list[Row]:
        """See `Part`."""
        # Pages that show more of them and pages that show fewer have the newest in common.
        made: dict[int, Row] = once("event rows", dict)
        lacking = [number for number in numbers if number not in made]
        for line in lines_of(execution, lacking):
            made[line.row.version] = Row(into=self.into, key=str(line.row.version), html=event_row(line))
        return [made[number] for number in numbers if number in made]

    def cursor(self, execution: Execution) -> Cursor:
        """See `Part`."""
        return {"version": execution.next_version}

    def news(self, execution: Execution, cursor: Cursor) -> News:
        """See `Part`. A page that is far behind gets the newest; what it lacks it reads where somebody looks."""
        behind = cursor.get("version", 0)
        first = max(behind, execution.next_version - self._most)
        matching = self.filter.matching(_known(execution).filter(version__gte=first))
        versions: Iterable[int] = range(first, execution.next_version)
        if matching is not None:
            versions = matching.order_by("version").values_list("version", flat=True)
        return News(
            cursor={"version": execution.next_version},
            rows=self.rows(execution, list(versions)),
            skipped=first - behind,
        )


def last_failure(execution: Execution) -> int | None:
    """Return the version of the newest event of an execution that tells of something that went wrong."""
    return _known(execution).filter(FAILURES).order_by("-version").values_list("version", flat=True).first()


def _known(execution: Execution) -> QuerySet[Event]:
    # What was appended since the row was read is for the next look: cursor and rows belong together.
    return Event.objects.filter(execution_id=execution.pk, version__lt=execution.next_version)
