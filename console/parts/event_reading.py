"""Reading events for rows. What people stored in them may be large; then only its beginning is read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db.models import Case, F, TextField, When
from django.db.models.functions import Length, Substr

from console.executions.event_words import EventLine, event_line, large_event_line
from executions.models import Event, Execution

_LARGE: Final = 64_000
"""Characters; what is longer is told by its first ones."""
_HEAD: Final = 2_000


def lines_of(execution: Execution, versions: Sequence[int]) -> list[EventLine]:
    """Return some events of an execution as rows of the log, oldest first."""
    if not versions:
        return []
    wanted = set(versions)
    first, last = min(wanted), max(wanted)
    events = execution.events.filter(version__gte=first - 1, version__lte=last)
    if len(wanted) <= last - first:
        events = events.filter(version__in=wanted | {version - 1 for version in wanted})
    size = Length("payload")
    text = Case(
        When(size__lte=_LARGE, then=F("payload")), default=Substr("payload", 1, _HEAD), output_field=TextField()
    )
    rows = (
        events.order_by("version")
        .annotate(size=size)
        .values_list("version", "created_at", "variant", "history_event_type", "join_set_id", "size", text)
    )
    lines = []
    instants: dict[int, datetime] = {}
    for version, at, variant, history_type, join_set_id, length, payload in rows:
        instants[version] = at
        if version not in wanted:
            # It only tells how long the next one took.
            continue
        row = Event(
            execution_id=execution.pk,
            version=version,
            created_at=at,
            variant=variant,
            history_event_type=history_type,
            join_set_id=join_set_id,
            payload=payload,
        )
        line = event_line if length <= _LARGE else large_event_line
        lines.append(line(row, execution.created_at, previous_at=instants.get(version - 1), size=length))
    return lines
