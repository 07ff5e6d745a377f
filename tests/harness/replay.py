"""Replaying a recorded execution on a fresh run."""

from __future__ import annotations

from datetime import timedelta

from engine.clock import SimulatedClock
from engine.deployment.registry import Registry
from engine.journal.memory import MemoryJournal
from engine.log.events import Finished, Locked
from engine.log.ids import ExecutionId
from engine.log.return_values import ReturnValue
from engine.log.state import Lifecycle, Status
from tests.harness.recordings import Recording, last_instant, record, restore, without_end
from tests.harness.simulation import Simulation, simulated_settings


class ReplayWrote(AssertionError):
    """A replay added something to the journal, or left something out."""


def replay(recording: Recording, target: ExecutionId, *, registry: Registry | None = None) -> ReturnValue:
    """Replay a finished execution from its log, and return how it ends this time.

    Raises:
        ReplayWrote: If the replay led to anything but its lock and its end.
    """
    unfinished = {**recording, target: without_end(recording[target])}
    journal = restore(unfinished)
    # Its parent has its response; let it take it again.
    journal._responded.discard(target)
    world = _world(journal, unfinished, registry=registry)
    for other, state in journal._states.items():
        if other == target:
            # Due at once, whatever it waits for.
            state.status, state.due_at, state.lifecycle = Status.PENDING_AT, world.clock.now(), Lifecycle.ACTIVE
        elif not state.is_finished:
            state.lifecycle = Lifecycle.PAUSED
    world.run_to_rest()

    before, after = unfinished[target], record(world, target)[target]
    added = [entry.event for entry in after.entries[len(before.entries) :]]
    match added:
        case [Locked(), Finished(retval=retval)]:
            pass
        case _:
            raise ReplayWrote(f"the replay added {added}")
    if after.entries[: len(before.entries)] != before.entries or after.responses != before.responses:
        raise ReplayWrote("the replay changed what was recorded")
    below = {member: recorded for member, recorded in record(world, target).items() if member != target}
    if below != {member: recording[member] for member in below}:
        raise ReplayWrote("the replay changed other executions")
    return retval


def resume(recording: Recording, *, registry: Registry | None = None, seed: int = 0) -> Simulation:
    """Return a world that goes on from a recording, with one executor, after all that held a lock have died."""
    return _world(restore(recording), recording, registry=registry, seed=seed)


def _world(journal: MemoryJournal, recording: Recording, *, registry: Registry | None, seed: int = 0) -> Simulation:
    clock = SimulatedClock(last_instant(recording) + timedelta(days=1))
    world = Simulation(registry=registry, journal=journal, clock=clock, seed=seed)
    world.start_executor(settings=simulated_settings())
    return world
