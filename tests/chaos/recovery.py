"""How long it took until somebody went on with what a dead process held."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.log.events import (
    ExecutionEvent,
    Finished,
    Locked,
    LogEntry,
    TemporarilyFailed,
    TemporarilyTimedOut,
    Unlocked,
)
from engine.log.ids import ExecutionId
from tests.chaos.work import LOCK_EXPIRY
from tests.harness.world import World

TICK = timedelta(seconds=5)
"""How often an executor looks that nothing wakes (`executions.hosting`); most wake when a lock expires."""
WITHIN = LOCK_EXPIRY + TICK
"""How soon what a dead process held goes on, where another executor is up."""


@dataclass(frozen=True, slots=True)
class Death:
    """A process that was killed, or an outage of all.

    Args:
        executor_id: The executor that it hosted; ``None`` for all executors.
        at: When; of an outage, its end.
    """

    executor_id: str | None
    at: datetime


def recoveries(world: World, death: Death, roots: Iterable[ExecutionId]) -> list[timedelta]:
    """Return, for each execution that who died had locked, how long it took until its next event.

    Args:
        world: The site's logs.
        death: Who died, and when.
        roots: Top-level executions; those below them count as well.
    """
    members = (member for root in roots for member in world.family_of(root))
    found = (_recovery(world.log_of(member), death) for member in members)
    return [each for each in found if each is not None]


def _recovery(entries: list[LogEntry], death: Death) -> timedelta | None:
    before = [entry for entry in entries if entry.created_at <= death.at]
    after = entries[len(before) :]
    holder = _holder(entry.event for entry in before)
    is_meant = holder is not None if death.executor_id is None else holder == death.executor_id
    return after[0].created_at - death.at if is_meant and after else None


def _holder(events: Iterable[ExecutionEvent]) -> str | None:
    holder: str | None = None
    for event in events:
        match event:
            case Locked():
                holder = event.executor_id
            case Unlocked() | TemporarilyFailed() | TemporarilyTimedOut() | Finished():
                holder = None
            case _:
                pass
    return holder
