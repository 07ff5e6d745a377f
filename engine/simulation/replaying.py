"""Replaying a recorded execution on a fresh run of what is deployed now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from engine.clock import SimulatedClock
from engine.journal.memory import MemoryJournal
from engine.log.events import Finished, Locked
from engine.log.ids import ExecutionId
from engine.log.return_values import ReturnValue
from engine.log.state import Lifecycle, Status
from engine.simulation.connection import Connection
from engine.simulation.recordings import Recording, last_instant, record, without_end
from engine.simulation.site import SimulatedSite
from engine.simulation.stepped import PATIENCE_S, SteppedExecutor


class ReplayWrote(AssertionError):
    """A replay added something to the journal, or left something out."""


MakeExecutorAt = Callable[[SimulatedClock], Callable[[Connection], SteppedExecutor]]
"""Given a clock, tells how executors are made."""


def replay(recording: Recording, target: ExecutionId, *, make_executor: MakeExecutorAt) -> ReturnValue:
    """Replay a finished execution from its log, and return how it ends this time.

    Args:
        recording: The logs of the execution and its kin.
        target: Which one is replayed; nothing else runs.
        make_executor: What to run it with.

    Raises:
        ReplayWrote: If the replay led to anything but its lock and its end.
    """
    unfinished = {**recording, target: without_end(recording[target])}
    site = _rerun(unfinished, target, make_executor=make_executor)
    before, after = unfinished[target], record(site.journal, target)[target]
    added = [entry.event for entry in after.entries[len(before.entries) :]]
    match added:
        case [Locked(), Finished(retval=retval)]:
            pass
        case _:
            raise ReplayWrote(f"the replay added {added}")
    if after.entries[: len(before.entries)] != before.entries or after.responses != before.responses:
        raise ReplayWrote("the replay changed what was recorded")
    below = {member: recorded for member, recorded in record(site.journal, target).items() if member != target}
    if below != {member: recording[member] for member in below}:
        raise ReplayWrote("the replay changed other executions")
    return retval


def resume(recording: Recording, target: ExecutionId, *, make_executor: MakeExecutorAt) -> ReturnValue | None:
    """Replay an unfinished execution from its log, and let it go on as far as it gets without anybody else.

    Returns:
        How it ends; ``None`` if it goes on waiting.
    """
    last = record(_rerun(recording, target, make_executor=make_executor).journal, target)[target].entries[-1].event
    return last.retval if isinstance(last, Finished) else None


def _rerun(recording: Recording, target: ExecutionId, *, make_executor: MakeExecutorAt) -> SimulatedSite:
    clock = SimulatedClock(last_instant(recording) + timedelta(days=1), patience_s=PATIENCE_S)
    site = SimulatedSite(make_executor(clock), journal=_waiting(recording, target, now=clock.now()), clock=clock)
    try:
        site.run_to_rest()
    finally:
        site.close()
    return site


def _waiting(recording: Recording, target: ExecutionId, *, now: datetime) -> MemoryJournal:
    """Return a journal in which one execution is due, whatever it waits for, and nothing else will run."""
    journal = MemoryJournal()
    for execution_id, recorded in recording.items():
        state = recorded.state(execution_id)
        if execution_id == target:
            state.status, state.due_at, state.lifecycle = Status.PENDING_AT, now, Lifecycle.ACTIVE
        elif not state.is_finished:
            state.lifecycle = Lifecycle.PAUSED
        # Its parent has its response; let it take it again.
        journal.restore(state, recorded.entries, recorded.responses, recorded.open_delays(execution_id), unheard=target)
    return journal
