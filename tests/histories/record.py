"""Records histories that must replay for ever: run by hand as ``python -m tests.histories.record`` from the checkout.

Each story below is played in a simulation, so the same ids and instants come out every time, and what the journal holds
in the end is written beside this file as ``<story>.json``::

    {"about": "...", "target": "E_...", "executions": {"E_...": {"events": [...], "responses": [...]}}}

A file that exists is left alone: executions that were recorded by an older version must go on replaying. When events
gain a field or a new kind, add a story, and leave the old ones and their files as they are.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from engine.cron.schedule import CronSchedule
from engine.cron.seeds import cron_digest
from engine.deployment.registry import Registry
from engine.deployment.spec import ComponentId, ComponentType, CronSpec
from engine.executor.cancellation import request_cancellation
from engine.executor.cron_seeds import TICK, first_seed, make_seeds
from engine.journal.records import Append
from engine.log.events import ComponentUpgradeFinished, Finished, LogEntry, Paused, Persist, Unlocked, Unpaused
from engine.log.ids import DelayId, DeploymentId, ExecutionId
from engine.log.return_values import Failed, FailureKind
from engine.simulation.connection import Cut, Moment, ProcessKilled
from engine.simulation.recordings import Recording, dump_recording, record
from engine.wit.names import FunctionName
from tests.harness import steps as s
from tests.harness.components import ADD, PROBE, RUN_CANCELLABLE, STEPPER, approve, deploy, probe, stepper, stub_flow
from tests.harness.recordings import with_events
from tests.harness.replay import resume
from tests.harness.simulation import Simulation

FOLDER = Path(__file__).parent
HUMAN = "test:stubs/human"
LONG = {"in": {"days": 30}}
UNKNOWN = "E_01J00000000000000000009999.n:x_1"

_SCHEDULE = CronSchedule.parse("*/10 * * * * *")
EVERY_TEN_SECONDS = CronSpec(
    id=ComponentId(
        component_type=ComponentType.CRON, name="tick", digest=cron_digest("tick", ADD, "[1, 2]", _SCHEDULE)
    ),
    target=FunctionName.parse(ADD),
    params="[1, 2]",
    schedule=_SCHEDULE,
)

Story = Callable[[], tuple[Simulation, ExecutionId]]


def recorded_deployment() -> Registry:
    """Return the deployment that histories are recorded and replayed with."""
    return deploy(probe(max_retries=2), stepper(), stub_flow(), approve())


def registry_with_schedule() -> Registry:
    """Return the same deployment with a schedule."""
    return Registry(replace(recorded_deployment().deployment, crons=(EVERY_TEN_SECONDS,)))


def _world() -> Simulation:
    world = Simulation(registry=recorded_deployment())
    world.start_executor()
    return world


def every_call() -> tuple[Simulation, ExecutionId]:
    """Every host function of a workflow, with every outcome that leaves an event."""
    world = _world()
    target = world.submit_steps(
        s.create(),
        s.create("named"),
        s.random_u64(3, 1000),
        s.random_u64_inclusive(7, 7),
        s.random_string(4, 9),
        s.generate_id(),
        s.submit(0, "add", 1, 2),
        s.submit(0, "fail-string", "no"),
        s.submit(0, "panic"),
        s.submit(0, "no-such-function"),
        s.submit(0, "add", "one"),
        s.join_next_try(1),
        *[s.join_next(0)] * 4,
        s.submit_delay(1, s.NOW),
        s.join_next_try(1),
        s.submit_delay(1, s.after_ms(25)),
        s.submit_delay(1, s.at_s(2_000_000_000)),
        s.join_next_try(1),
        s.typed_await_next(1),
        s.sleep(s.after_ms(10), "nap"),
        s.typed_call(3, 4),
        s.call("add", 5, 6),
        s.call("no-such-function"),
        s.schedule(s.of_step(5), s.NOW, "add", 7, 8),
        s.typed_schedule(s.after_ms(40), 9, 10),
        s.typed_schedule(s.at_s(1_800_000_000), 11, 12),
        s.generate_id(),
        s.schedule(s.of_step(29), s.NOW, "no-such-function"),
        s.schedule(s.of_step(29), s.NOW, "add", 1),
        s.create("questions"),
        s.submit(2, "approve", "1", interface=HUMAN),
        s.stub(s.of_step(33), {"ok": True}),
        s.stub(s.of_step(33), {"ok": False}),
        s.stub(s.of_step(33), {"ok": 3}),
        s.stub(s.of_text(UNKNOWN), {"ok": True}),
        s.submit(2, "approve", "2", interface=HUMAN),
        s.submit(2, "run-cancellable", [s.sleep(LONG)], interface=STEPPER),
        s.sleep(s.after_ms(10)),
        s.close(2),
    )
    world.run_to_the_end(target)
    return world, target


def children_retry() -> tuple[Simulation, ExecutionId]:
    """A workflow whose children fail, trap, and are tried again until they may not be."""
    world = _world()
    target = world.submit_steps(
        s.call("fail-unit"), s.call("fail-variant", False), s.call("fail-variant", True), s.call("panic")
    )
    world.run_to_the_end(target)
    return world, target


def taken_over() -> tuple[Simulation, ExecutionId]:
    """A workflow and an activity whose executor was killed before they got anywhere."""
    world = Simulation(registry=recorded_deployment())
    world.start_executor(cut=Cut(1, Moment.AFTER))
    target = world.submit_steps(s.typed_call(1, 2), s.sleep(s.after_ms(5)))
    _survive(world, target)
    return world, target


def timed_out() -> tuple[Simulation, ExecutionId]:
    """An activity whose executors are killed as often as it may be tried."""
    world = Simulation(registry=recorded_deployment())
    target = world.submit(ADD, [1, 2])
    for _ in range(5):  # a lock, a timeout, a lock, a timeout, a lock
        world.start_executor(cut=Cut(1, Moment.AFTER))
        _survive_once(world, target)
        world.advance(timedelta(seconds=2))
    world.start_executor()
    world.run(target)
    return world, target


def cancelled() -> tuple[Simulation, ExecutionId]:
    """A workflow that is cancelled while it waits, with a delay and a question open."""
    world = _world()
    target = world.submit_steps(
        s.create(),
        s.submit_delay(0, LONG),
        s.submit(0, "approve", "q", interface=HUMAN),
        s.join_next(0),
        ffqn=RUN_CANCELLABLE,
    )
    world.run_to_rest()
    request_cancellation(world.executors[0].executor._services, target)
    world.run(target)
    return world, target


def cancelled_sleep() -> tuple[Simulation, ExecutionId]:
    """A workflow that goes on after its sleep was cancelled."""
    world = _world()
    target = world.submit_steps(s.sleep(LONG), s.last_oneoff_id(), s.typed_call(1, 2))
    world.run_to_rest()
    request_cancellation(world.executors[0].executor._services, DelayId(f"Delay_{target[2:]}.o:1-sleep_1"))
    world.run(target)
    return world, target


def paused_and_upgraded() -> tuple[Simulation, ExecutionId]:
    """A workflow that was paused and resumed, and switched to other versions of its component."""
    world = _world()
    target = world.submit_steps(s.generate_id(), s.sleep(s.after_ms(50)), s.typed_call(1, 2))
    world.run_to_rest()
    deployment = DeploymentId(world.registry.deployment.id)
    digest = world.state_of(target).component_id.digest
    other = f"sha256:{'0' * 64}"
    world.append(
        target,
        Paused(),
        Unpaused(),
        ComponentUpgradeFinished(component_digest=other, deployment_id=deployment, failure="it would go astray"),
        ComponentUpgradeFinished(component_digest=other, deployment_id=deployment),
        ComponentUpgradeFinished(component_digest=digest, deployment_id=deployment, automatic=False, forced=True),
    )
    world.run(target)
    return world, target


def ended_with_an_error() -> tuple[Simulation, ExecutionId]:
    """A workflow that returned an error while a child and a delay were open."""
    world = _world()
    target = world.submit_steps(
        s.create(), s.submit_delay(0, LONG), s.submit(0, "approve", "q", interface=HUMAN), s.fail("gave up")
    )
    world.run_to_the_end(target)
    return world, target


def ended_with_a_trap() -> tuple[Simulation, ExecutionId]:
    """A workflow that died while a delay was open."""
    world = _world()
    target = world.submit_steps(s.create("a"), s.submit_delay(0, LONG), s.generate_id(), s.panic())
    world.run_to_the_end(target)
    return world, target


def lost_its_way() -> tuple[Simulation, ExecutionId]:
    """A workflow whose history holds another random value than its code asks for."""
    world = _world()
    target = world.submit_steps(s.random_u64(0, 1000), s.sleep(s.after_ms(50)))
    world.run_to_rest()
    recording = record(world.journal, target)
    events = [
        Persist(value=bytes(8), kind=event.kind) if isinstance(event, Persist) else event
        for event in world.events_of(target)
    ]
    resumed = resume({target: with_events(recording[target], *events)}, registry=recorded_deployment())
    resumed.run(target)
    return resumed, target


def out_of_fuel() -> tuple[Simulation, ExecutionId]:
    """An activity that used up its fuel, as told by an executor that counts it."""
    world = Simulation(registry=recorded_deployment())
    target = world.submit(f"{PROBE}.spin")
    state = world.state_of(target)
    end = Finished(retval=Failed(kind=FailureKind.OUT_OF_FUEL, reason="activity out of fuel: all fuel consumed"))
    entry = LogEntry(state.next_version, world.clock.now(), end)
    world.write(Append(execution_id=target, expected=state.next_version, entries=(entry,)))
    return world, target


def left_out_ticks() -> tuple[Simulation, ExecutionId]:
    """A schedule of which ticks were left out: one behind the first tick, and one that is still to come."""
    world = Simulation(registry=registry_with_schedule())
    world.start_executor()
    make_seeds(world.journal, world.registry, world.clock.now())
    target = first_seed(EVERY_TEN_SECONDS.id.digest)
    for _ in range(2):
        world.run_to_rest()
        left_out = world.state_of(target).due_at
        following = EVERY_TEN_SECONDS.schedule.next_after(left_out)
        assert following is not None
        reason = f"{TICK}: the tick at {left_out:%Y-%m-%d %H:%M:%S} UTC is left out"
        world.append(target, Unlocked(backoff_expires_at=following, reason=reason))
        world.advance(timedelta(seconds=20))
    return world, target


STORIES: tuple[Story, ...] = (
    every_call,
    children_retry,
    taken_over,
    timed_out,
    cancelled,
    cancelled_sleep,
    paused_and_upgraded,
    ended_with_an_error,
    ended_with_a_trap,
    lost_its_way,
    out_of_fuel,
    left_out_ticks,
)


def _survive(world: Simulation, target: ExecutionId) -> None:
    _survive_once(world, target)
    world.start_executor()
    world.run_to_the_end(target)


def _survive_once(world: Simulation, target: ExecutionId) -> None:
    try:
        world.run(target)
    except ProcessKilled:
        return
    raise AssertionError("the executor outlived the story")


def _write(story: Story, path: Path) -> None:
    world, target = story()
    recording: Recording = record(world.journal, target)
    document: dict[str, Any] = {
        "about": story.__doc__,
        "target": target,
        "executions": dump_recording(recording),
    }
    path.write_text(json.dumps(document, indent=1) + "\n")


def main() -> None:
    """Record the stories that have no file yet."""
    for story in STORIES:
        path = FOLDER / f"{story.__name__}.json"
        if not path.exists():
            _write(story, path)
            sys.stdout.write(f"recorded {path.name}\n")


if __name__ == "__main__":
    main()
