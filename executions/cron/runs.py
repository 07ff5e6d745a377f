"""What a schedule has started, read from its seed's log."""

from __future__ import annotations

from typing import Final

from engine.executor.cron_seeds import started_before
from engine.log.events import Created, Scheduled
from engine.log.ids import ExecutionId
from engine.log.state import ExecutionState
from executions.models import Event

_LOOKED_AT: Final = 512
"""How many of the newest events are looked at: some 170 ticks, or as many at which nothing was started."""


def last_started(seed: ExecutionState, *, limit: int) -> list[ExecutionId]:
    """Return what a seed started at its ticks lately, newest first; they may have been deleted since.

    Args:
        seed: Its state.
        limit: Most executions. Of what the seed before it had started, only the last one is known.
    """
    log = Event.objects.filter(execution_id=seed.execution_id)
    recent = log.filter(version__gte=seed.next_version - _LOOKED_AT, history_event_type="schedule")
    events = [each.entry().event for each in recent.order_by("-version")[:limit]]
    started = [event.execution_id for event in events if isinstance(event, Scheduled) and event.error is None]
    if not started and (before := _started_before(seed.execution_id)) is not None:
        return [before]
    return started


def _started_before(seed: ExecutionId) -> ExecutionId | None:
    first = Event.objects.get(execution_id=seed, version=0).entry().event
    assert isinstance(first, Created)
    return started_before(first)
