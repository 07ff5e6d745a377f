"""Activities from their lock to their end: outcomes, retries and backoff, on a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from engine.clock import SimulatedClock
from engine.deployment.registry import Registry
from engine.log.events import ExecutionEvent, Finished, TemporarilyFailed
from engine.log.ids import ExecutionId
from engine.log.return_values import Failed, FailureKind
from engine.simulation.stepped import simulated_settings
from tests.harness import steps as s
from tests.harness.components import ADD, PROBE, deploy, probe, stepper
from tests.harness.simulation import Simulation

BACKOFF = timedelta(milliseconds=100)


def _run(
    function: str,
    params: Sequence[Any] = (),
    *,
    registry: Registry | None = None,
) -> tuple[Simulation, ExecutionId]:
    world = Simulation(registry=registry)
    world.start_executor()
    target = world.submit(f"{PROBE}.{function}", params)
    world.run(target)
    world.check(target)
    return world, target


def _kinds(events: list[ExecutionEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def _retries(world: Simulation, target: ExecutionId) -> list[TemporarilyFailed]:
    return [event for event in world.events_of(target) if isinstance(event, TemporarilyFailed)]


@pytest.mark.parametrize(
    ("function", "params", "result"),
    [
        ("add", [1, 2], {"ok": 3}),
        ("nothing", [], {"ok": None}),
        ("echo-f64", ["NaN"], {"ok": "NaN"}),
        ("echo-bytes", [[0, 255]], {"ok": [0, 255]}),
        ("echo-variant", [{"circle": 1.5}], {"ok": {"circle": 1.5}}),
        ("count-calls", [], {"ok": 1}),
    ],
)
def test_a_value_that_is_ok_ends_the_execution(function: str, params: list[Any], result: Any) -> None:
    world, target = _run(function, params)

    assert world.result_of(target) == result
    assert _kinds(world.events_of(target)) == ["Created", "Locked", "Finished"]


def test_an_error_is_retried_with_a_delay_that_doubles() -> None:
    world, target = _run("fail-string", ["not today"], registry=deploy(probe(max_retries=5)))

    assert world.result_of(target) == {"err": "not today"}
    retries = _retries(world, target)
    assert [(retry.reason, retry.detail) for retry in retries] == [("activity finished with error", '"not today"')] * 5
    instants = [entry.created_at for entry in world.log_of(target) if isinstance(entry.event, TemporarilyFailed)]
    waits = [retry.backoff_expires_at - instant for retry, instant in zip(retries, instants, strict=True)]
    assert waits == [BACKOFF * 2**number for number in range(5)]
    assert world.log_of(target)[-1].created_at == SimulatedClock().now() + BACKOFF * (1 + 2 + 4 + 8 + 16)


@pytest.mark.parametrize("max_retries", [0, 1, 3])
def test_there_are_as_many_retries_as_the_component_allows(max_retries: int) -> None:
    world, target = _run("fail-unit", registry=deploy(probe(max_retries=max_retries)))

    assert _kinds(world.events_of(target))[1:] == ["Locked", "TemporarilyFailed"] * max_retries + ["Locked", "Finished"]
    assert world.result_of(target) == {"err": None}


def test_a_permanent_error_is_not_retried_and_another_case_is() -> None:
    permanent, first = _run("fail-variant", [True])
    temporary, second = _run("fail-variant", [False], registry=deploy(probe(max_retries=2)))

    assert len(_retries(permanent, first)) == 0
    assert permanent.result_of(first) == {"err": {"permanent_refusal": "never"}}
    assert len(_retries(temporary, second)) == 2
    assert temporary.result_of(second) == {"err": {"temporary": "not yet"}}


@pytest.mark.parametrize(("function", "hint"), [("panic", "unreachable"), ("recurse", "call stack exhausted")])
def test_a_trap_is_retried_and_then_a_failure_of_the_platform(function: str, hint: str) -> None:
    world, target = _run(function, registry=deploy(probe(max_retries=2)))

    retries = _retries(world, target)
    assert len(retries) == 2
    assert all(retry.reason.startswith("activity trap: ") and retry.detail for retry in retries)
    retval = world.retval_of(target)
    assert isinstance(retval, Failed)
    assert retval.kind is FailureKind.UNCATEGORIZED
    assert retval.reason is not None
    assert retval.reason.startswith("activity trap: ")
    assert hint in retval.reason


def test_memory_that_is_refused_is_the_guests_to_handle() -> None:
    world, target = _run("eat-memory", [4000], registry=deploy(probe(max_retries=0)))

    assert world.result_of(target) == {"err": None}


def test_a_component_without_its_binary_fails_at_once() -> None:
    world, target = _run("add", [1, 2], registry=deploy(probe(wasm_digest=f"sha256:{'0' * 64}")))

    retval = world.retval_of(target)
    assert isinstance(retval, Failed)
    assert (retval.kind, retval.reason) == (FailureKind.UNCATEGORIZED, f"cannot run {ADD}")


def test_stored_parameters_that_no_longer_fit_are_a_failure() -> None:
    world = Simulation(registry=deploy(probe()))
    target = world.submit(ADD, ["one", 2])  # as an older version of the component may have taken it
    world.start_executor()

    world.run(target)

    retval = world.retval_of(target)
    assert isinstance(retval, Failed)
    assert retval.reason == f"the stored parameters do not fit {ADD}"


def test_an_execution_scheduled_for_later_waits_until_then() -> None:
    world = Simulation()
    world.start_executor()
    due = world.clock.now() + timedelta(hours=3)
    target = world.submit(ADD, [1, 2], at=due)

    world.run_to_rest()
    assert not world.is_finished(target)
    world.run(target)

    assert world.log_of(target)[1].created_at == due


def test_log_lines_of_an_activity_are_stored_from_the_components_level_on() -> None:
    world, target = _run("log-lines", ["hello"])
    world.run_to_rest()

    levels = [line.level for line in world.memory.log_lines if line.execution_id == target]
    assert levels == ["debug", "info", "warn", "error"]


def test_a_parent_sees_the_last_attempts_error() -> None:
    world = Simulation(registry=deploy(probe(max_retries=2), stepper()))
    world.start_executor()
    target = world.submit_steps(
        s.call("fail-string", "no"), s.call("panic"), s.last_direct_call_id(), s.failure_kind(s.of_step(2))
    )

    world.run(target)

    outcomes = world.result_of(target)["ok"]
    assert [outcomes[0], outcomes[1], outcomes[3]] == ['err "no"', "err", "uncategorized"]
    first = world.children_of(target)[0]
    assert _kinds(world.events_of(first))[1:] == ["Locked", "TemporarilyFailed"] * 2 + ["Locked", "Finished"]
    world.check(target)


def test_many_short_activities_share_commits() -> None:
    world = Simulation()
    executor = world.start_executor(settings=simulated_settings(slots=50))
    executor.executor._services.durations.note(ADD, 0.0)  # on a busy machine the first ones may take long
    before = executor.connection.transactions
    targets = [world.submit(ADD, [number, 1]) for number in range(40)]

    for target in targets:
        world.run(target)

    assert [world.result_of(target)["ok"] for target in targets] == [number + 1 for number in range(40)]
    assert executor.connection.transactions - before < 20


def test_each_end_of_an_activity_that_can_touch_the_world_is_committed_at_once() -> None:
    registry = deploy(probe(may_touch_world=True))
    world = Simulation(registry=registry)
    ends: list[int] = []
    targets: list[ExecutionId] = []
    world.start_executor(
        settings=simulated_settings(slots=50),
        on_attempt=lambda _: ends.append(sum(world.is_finished(target) for target in targets)),
    )
    targets.extend(world.submit(ADD, [number, 1]) for number in range(5))

    for target in targets:
        world.run(target)

    # When the next one began, all before it had ended for everybody to see.
    assert ends == [0, 1, 2, 3, 4]


def test_nothing_follows_the_end() -> None:
    world, target = _run("add", [1, 2])

    world.advance(timedelta(days=1))
    world.run_to_rest()

    assert isinstance(world.events_of(target)[-1], Finished)
    assert len(world.log_of(target)) == 3
