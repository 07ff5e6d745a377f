"""Which attempt a run was."""

from __future__ import annotations

from typing import Final

from engine.log.events import Locked
from executions.models import Event

_MOST: Final = 1_000


def attempts_of(execution_id: str) -> dict[str, int]:
    """Return the number of an execution's first runs, from 1, by run id; a lock that is extended is the same run."""
    locks = Event.objects.filter(execution_id=execution_id, variant="locked").order_by("version")[:_MOST]
    runs: dict[str, int] = {}
    for row in locks:
        event = row.entry().event
        assert isinstance(event, Locked)
        runs.setdefault(event.run_id, len(runs) + 1)
    return runs
