"""Calls whose parameters are larger than allowed: refused when a workflow makes them, and the refusal is recorded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.deployment.limits import ComponentLimits
from engine.deployment.registry import Registry
from engine.log.events import ChildRequested, Scheduled, Stubbed, TypeCheckError
from engine.log.return_values import Failed, FailureKind
from engine.simulation.recordings import record
from tests.harness import steps as s
from tests.harness.components import ADD, approve, deploy, probe, stepper
from tests.harness.plays import Play, play
from tests.harness.python_components import python_app, source
from tests.harness.replay import replay
from tests.harness.simulation import Simulation
from tests.harness.steps import Step

LONG = "x" * 200
PROBLEM = "the parameters take 204 bytes as JSON, more than limits.params_bytes = 100 of component probe"
BIG_SUM = (4_000_000_000, 4_000_000_000)


def site(*, params: int = 100, result: int = 1000) -> Registry:
    """A deployment whose activities may be given so many bytes."""
    limits = ComponentLimits(params_bytes=params, result_bytes=result)
    return deploy(replace(probe(), limits=limits), replace(approve(), limits=limits), stepper())


def failure_of(played: Play) -> Failed:
    retval = played.world.retval_of(played.target)
    assert isinstance(retval, Failed)
    return retval


@pytest.mark.parametrize(
    "steps",
    [
        [s.create(), s.submit(0, "echo-string", LONG)],
        [s.call("echo-string", LONG)],
    ],
    ids=["submit", "call"],
)
def test_a_child_named_at_run_time_is_refused_with_the_limit_and_not_created(steps: list[Step]) -> None:
    played = play(*steps, s.call("echo-string", "short"), registry=site())

    assert PROBLEM in played.outcomes[-2]
    assert played.outcomes[-1] == 'ok "short"'
    refused = next(event for event in played.history if isinstance(event, ChildRequested))
    assert refused.error == TypeCheckError(PROBLEM)
    assert refused.params == "[]"


def test_what_is_scheduled_by_name_is_refused_with_the_limit() -> None:
    played = play(
        s.generate_id(), s.schedule(s.of_step(0), "now", "echo-string", LONG), s.generate_id(), registry=site()
    )

    assert PROBLEM in played.outcomes[1]
    (event,) = [event for event in played.history if isinstance(event, Scheduled)]
    assert event.error == TypeCheckError(PROBLEM)
    assert not played.world.exists(event.execution_id)


def test_a_stub_takes_no_more_than_it_may_either() -> None:
    long_question = s.submit(0, "approve", LONG, interface="test:stubs/human")

    played = play(s.create(), long_question, registry=site())

    assert PROBLEM.replace("probe", "approve") in played.outcomes[1]


def test_a_stubs_result_that_is_too_large_is_refused_and_may_be_followed_by_another() -> None:
    ask = s.submit(0, "approve", "q", interface="test:stubs/human")

    played = play(
        s.create(),
        ask,
        s.stub(s.of_step(1), {"err": "no" * 100}),
        s.stub(s.of_step(1), {"ok": True}),
        s.join_next(0),
        registry=site(result=100),
    )

    assert "the result takes 202 bytes as JSON, more than limits.result_bytes = 100" in played.outcomes[2]
    assert played.outcomes[4] == "ok true"
    assert [type(event.error) for event in played.history if isinstance(event, Stubbed)] == [
        TypeCheckError,
        type(None),
    ]


@pytest.mark.parametrize(
    "steps",
    [
        [s.typed_call(*BIG_SUM)],
        [s.create(), s.typed_submit(0, *BIG_SUM)],
        [s.typed_schedule("now", *BIG_SUM)],
    ],
    ids=["call", "submit", "schedule"],
)
def test_a_typed_call_has_no_place_for_the_sentence_and_ends_the_workflow_with_it(steps: list[Step]) -> None:
    played = play(*steps, registry=site(params=20))

    failure = failure_of(played)
    assert failure.kind is FailureKind.UNCATEGORIZED
    assert failure.reason == (
        f"ConstraintViolation: {ADD} cannot be called: the parameters take 23 bytes as JSON, more than "
        "limits.params_bytes = 20 of component probe"
    )


@pytest.mark.parametrize(("recorded_under", "replayed_under"), [(100, 10_000), (10_000, 100)])
def test_a_limit_that_changes_between_two_runs_changes_nothing_that_was_recorded(
    recorded_under: int, replayed_under: int
) -> None:
    world = Simulation(registry=site(params=recorded_under))
    world.start_executor()
    target = world.submit_steps(
        s.create(),
        s.submit(0, "echo-string", LONG),
        s.generate_id(),
        s.schedule(s.of_step(2), "now", "echo-string", LONG),
        s.submit(0, "approve", LONG, interface="test:stubs/human"),
        s.join_next_try(0),
    )
    world.run_to_the_end(target)

    again = replay(record(world.journal, target), target, registry=site(params=replayed_under))

    assert again == world.retval_of(target)


WORKFLOW = source(
    """
    from obelisk import ChildError, activity, workflow

    @activity
    def measure(text: str) -> int:
        return len(text)

    @workflow
    def main(text: str) -> str:
        try:
            return str(measure(text))
        except ChildError as error:
            return str(error)
    """
)


def test_a_python_workflow_can_catch_the_refusal() -> None:
    activities, workflows = python_app(WORKFLOW)
    world = Simulation(registry=deploy(replace(activities, limits=ComponentLimits(params_bytes=100)), workflows))
    world.start_executor()
    target = world.submit("acme:app/workflows.main", [LONG])
    world.run_to_the_end(target)

    assert PROBLEM.replace("probe", "app.activities") in world.result_of(target)["ok"]
    assert replay(record(world.journal, target), target, registry=world.registry) == world.retval_of(target)
