"""Replaying and going on from a recording, with the components of tests."""

from __future__ import annotations

import random
from datetime import timedelta

from engine.clock import SimulatedClock
from engine.deployment.registry import Registry
from engine.log.ids import ExecutionId
from engine.log.return_values import ReturnValue
from engine.simulation import replaying
from engine.simulation.recordings import Recording, last_instant, restore
from engine.simulation.stepped import PATIENCE_S, SteppedExecutor, simulated_settings
from tests.harness.components import deploy, load, read
from tests.harness.simulation import Simulation


def replay(recording: Recording, target: ExecutionId, *, registry: Registry | None = None) -> ReturnValue:
    """Replay a finished execution from its log, and return how it ends this time.

    Raises:
        ReplayWrote: If the replay led to anything but its lock and its end.
    """
    deployed = registry or deploy()
    return replaying.replay(
        recording,
        target,
        make_executor=lambda clock: (
            lambda connection: SteppedExecutor(
                connection=connection,
                clock=clock,
                registry=deployed,
                load=load,
                read=read,
                settings=simulated_settings(),
                randomness=random.Random(1).randbytes,
            )
        ),
    )


def resume(recording: Recording, *, registry: Registry | None = None, seed: int = 0) -> Simulation:
    """Return a world that goes on from a recording, with one executor, after all that held a lock have died."""
    clock = SimulatedClock(last_instant(recording) + timedelta(days=1), patience_s=PATIENCE_S)
    world = Simulation(registry=registry, journal=restore(recording), clock=clock, seed=seed)
    world.start_executor(settings=simulated_settings())
    return world
