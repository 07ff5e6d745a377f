"""Schedules as pages show them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from console.executions.listing import length_of
from console.schedules.ticks import ShownTick, shown_tick
from console.states import PAUSED, ShownState
from executions.cron.operating import Cron
from executions.cron.runs import last_started
from executions.models import Execution

WAITING: Final = ShownState("pending", "No executor", "hourglass_empty")
ACTIVE: Final = ShownState("scheduled", "Active", "schedule")
LATE: Final = ShownState("retrying", "Late", "schedule")
OVER: Final = ShownState("cancelled", "Over", "done_all")

_LATE_AFTER: Final = timedelta(seconds=5)
"""Executors do a tick within a second or so."""


@dataclass(frozen=True, slots=True)
class Run:
    """Something that was started at a tick.

    Args:
        execution_id: Its id.
        row: Its state; ``None`` if it was deleted since.
        length: How long it took, or takes so far.
    """

    execution_id: str
    row: Execution | None
    length: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSchedule:
    """A schedule.

    Args:
        cron: What it is, and where it stands.
        state: As its badge shows it.
        tick: When it is due next; ``None`` if that is not known now, while it is paused, or if it never is.
        runs: What it started last, newest first.
        fingerprint: Differs when what is shown of it does.
    """

    cron: Cron
    state: ShownState
    tick: ShownTick | None
    runs: tuple[Run, ...]
    fingerprint: int

    @property
    def name(self) -> str:
        """Its name."""
        return self.cron.spec.id.name

    @property
    def last(self) -> Run | None:
        """What it started last."""
        return self.runs[0] if self.runs else None


def shown_schedules(crons: Sequence[Cron], now: datetime, *, runs: int = 1) -> list[ShownSchedule]:
    """Return schedules as pages show them, in the same order.

    Args:
        crons: Which.
        now: The present instant.
        runs: How many of their last runs to tell of.
    """
    ids = [() if cron.state is None else last_started(cron.state, limit=runs) for cron in crons]
    rows = Execution.objects.in_bulk({each for some in ids for each in some})
    return [_shown(cron, [_run(each, rows, now) for each in some], now) for cron, some in zip(crons, ids, strict=True)]


def _run(execution_id: str, rows: dict[str, Execution], now: datetime) -> Run:
    row = rows.get(execution_id)
    return Run(execution_id, row, None if row is None else length_of(row, now))


def _shown(cron: Cron, runs: list[Run], now: datetime) -> ShownSchedule:
    state = state_of(cron, now)
    seen = [(run.execution_id, run.row and (run.row.next_version, run.row.status, run.row.lifecycle)) for run in runs]
    standing = cron.state and (cron.state.next_version, cron.state.lifecycle, cron.state.status)
    fingerprint = zlib.crc32(repr((cron.spec.id.digest, cron.seed, standing, state.key, seen)).encode())
    tick = None if cron.next_at is None or cron.is_paused else shown_tick(cron.spec.schedule, cron.next_at)
    return ShownSchedule(cron=cron, state=state, tick=tick, runs=tuple(runs), fingerprint=fingerprint)


def state_of(cron: Cron, now: datetime) -> ShownState:
    """Return how a schedule stands at an instant."""
    if cron.state is None:
        return WAITING
    if cron.state.is_finished:
        return OVER
    if cron.is_paused:
        return PAUSED
    return LATE if cron.next_at is not None and cron.next_at < now - _LATE_AFTER else ACTIVE
