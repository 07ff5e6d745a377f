"""What holds of every workflow, however it is run."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.deployment.registry import Registry
from engine.deployment.spec import BlockingStrategy, WorkflowPolicy
from engine.executor.settings import ExecutorSettings
from engine.log.events import HistoryEvent
from engine.log.ids import ExecutionId
from engine.log.return_values import Failed, FailureKind, ReturnValue
from engine.simulation.connection import Cut, Moment, ProcessKilled
from engine.simulation.recordings import record
from engine.simulation.stepped import simulated_settings
from engine.simulation.timeless import normalised
from tests.harness import steps as s
from tests.harness.components import approve, deploy, probe, stepper, stub_flow
from tests.harness.live import LiveWorld
from tests.harness.programs import ordered_programs, unordered_programs
from tests.harness.recordings import cut
from tests.harness.replay import replay, resume
from tests.harness.simulation import Simulation
from tests.harness.steps import Step

_MANY_WAYS = (
    simulated_settings(commit_window=timedelta()),
    simulated_settings(buffer_events=2),
    simulated_settings(slots=1),
    simulated_settings(slots=2, buffer_events=5),
)
_simulated_settings = st.builds(
    simulated_settings, slots=st.integers(1, 3), buffer_events=st.sampled_from([1, 2, 3, 5, 1000])
)
_EXAMPLES = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])


def _registry(*, may_touch_world: bool = False, strategy: BlockingStrategy = BlockingStrategy.AWAIT) -> Registry:
    activity = probe(max_retries=1, backoff=timedelta(milliseconds=2), may_touch_world=may_touch_world)
    return deploy(activity, stepper(policy=WorkflowPolicy(blocking_strategy=strategy)), stub_flow(), approve())


def _run(
    program: list[Step],
    how: ExecutorSettings,
    *,
    seed: int = 0,
    may_touch_world: bool = False,
    executors: int = 1,
) -> tuple[Simulation, ExecutionId]:
    world = Simulation(registry=_registry(may_touch_world=may_touch_world), seed=seed, interleaving=0.7)
    for _ in range(executors):
        world.start_executor(settings=how)
    target = world.submit_steps(*program)
    world.run_to_the_end(target)
    world.check(target)
    return world, target


def _outcome(world: Simulation, target: ExecutionId) -> tuple[ReturnValue, list[HistoryEvent]]:
    return world.retval_of(target), normalised(world.history_of(target))


@_EXAMPLES
@given(program=ordered_programs(), seed=st.integers(0, 1000))
def test_every_way_to_run_a_workflow_gives_the_same_result_and_history(program: list[Step], seed: int) -> None:
    expected = _outcome(*_run(program, simulated_settings()))

    for how in _MANY_WAYS:
        assert _outcome(*_run(program, how, seed=seed)) == expected
        assert _outcome(*_run(program, how, seed=seed, executors=2)) == expected
    assert _outcome(*_run(program, simulated_settings(), seed=seed, may_touch_world=True)) == expected


@settings(_EXAMPLES, max_examples=15)
@given(
    program=ordered_programs(),
    strategy=st.sampled_from(BlockingStrategy),
    window_ms=st.sampled_from([0, 10]),
    hot_wait_ms=st.sampled_from([0, 60_000]),
    slots=st.sampled_from([1, 16]),
    executors=st.integers(1, 2),
)
def test_real_threads_and_time_make_no_difference(
    program: list[Step],
    strategy: BlockingStrategy,
    window_ms: int,
    hot_wait_ms: int,
    slots: int,
    executors: int,
) -> None:
    expected = _outcome(*_run(program, simulated_settings()))
    how = ExecutorSettings(
        slots=slots,
        commit_window=timedelta(milliseconds=window_ms),
        hot_wait=timedelta(milliseconds=hot_wait_ms),
    )

    with LiveWorld(registry=_registry(strategy=strategy)) as world:
        for _ in range(executors):
            world.start_executor(settings=how)
        target = world.submit_steps(*program)
        world.run(target)
        world.check(target)
        recording, retval = record(world.journal, target), world.retval_of(target)

    assert (retval, normalised(world.history_of(target))) == expected
    assert replay(recording, target, registry=world.registry) == retval


@_EXAMPLES
@given(program=ordered_programs(), seed=st.integers(0, 1000))
def test_going_on_from_any_prefix_of_its_history_gives_the_same_result_and_history(
    program: list[Step], seed: int
) -> None:
    world, target = _run(program, simulated_settings(buffer_events=4), seed=seed)
    recording, expected = record(world.journal, target), _outcome(world, target)

    for version in range(1, len(recording[target].entries)):
        resumed = resume(cut(recording, target, version), registry=world.registry, seed=seed)
        resumed.run_to_the_end(target)
        assert _outcome(resumed, target) == expected, version
        resumed.check(target)


@_EXAMPLES
@given(program=unordered_programs(), seed=st.integers(0, 1000), how=_simulated_settings)
def test_a_replay_gives_the_recorded_result_and_writes_nothing(
    program: list[Step], seed: int, how: ExecutorSettings
) -> None:
    world, target = _run(program, how, seed=seed, executors=3)
    recording = record(world.journal, target)

    for member in world.family_of(target):
        if world.state_of(member).component_id.name == "stepper":
            assert replay(recording, member, registry=world.registry) == world.retval_of(member)


@_EXAMPLES
@given(
    program=unordered_programs(),
    seed=st.integers(0, 1000),
    cuts=st.lists(st.builds(Cut, st.integers(1, 12), st.sampled_from(Moment)), max_size=4),
    how=_simulated_settings,
    may_touch_world=st.booleans(),
)
def test_any_number_of_kills_leaves_a_log_that_replays(
    program: list[Step], seed: int, cuts: list[Cut], how: ExecutorSettings, may_touch_world: bool
) -> None:
    world = Simulation(registry=_registry(may_touch_world=may_touch_world), seed=seed, interleaving=0.7)
    world.start_executor(settings=how)
    for each in cuts:
        world.start_executor(settings=how, cut=each)
    target = world.submit_steps(*program)

    while True:
        try:
            world.run_to_the_end(target)
            break
        except ProcessKilled:
            continue

    world.check(target)
    retval = world.retval_of(target)
    assert not isinstance(retval, Failed) or retval.kind is FailureKind.UNCATEGORIZED, retval
    assert replay(record(world.journal, target), target, registry=world.registry) == retval


@pytest.mark.parametrize("late", [s.submit_delay(0, s.NOW), s.submit(0, "add", 5, 5)], ids=["delay", "child"])
@pytest.mark.parametrize("seed", range(25))
def test_what_comes_late_to_a_join_set_does_not_overtake_what_others_answered(late: Step, seed: int) -> None:
    # By the time of the late member the first one was committed, and perhaps answered by another executor.
    world = Simulation(registry=_registry(), seed=seed, interleaving=1.0)
    for _ in range(3):
        world.start_executor(settings=simulated_settings(buffer_events=4))
    target = world.submit_steps(
        s.create(), s.submit(0, "add", 1, 1), *[s.random_u64(0, 9)] * 2, late, s.join_next(0), s.join_next(0)
    )

    world.run_to_the_end(target)

    assert replay(record(world.journal, target), target, registry=world.registry) == world.retval_of(target)
