from __future__ import annotations

import pytest

from engine.executor.services import ExecutorServices
from engine.executor.stubs import complete_stub
from engine.log.events import Finished, Paused, StubConflict, StubNotFound, TypeCheckError, Unpaused
from engine.log.ids import ExecutionId
from engine.log.return_values import CANCELLED, JsonText, Returned, TypedValue
from engine.log.state import ExecutionState
from tests.harness import steps as s
from tests.harness.components import ADD, APPROVE
from tests.harness.simulation import Simulation

YES = Returned(True, TypedValue("bool", JsonText("true")))
NO = Returned(True, TypedValue("bool", JsonText("false")))


@pytest.fixture
def world() -> Simulation:
    world = Simulation()
    world.start_executor()
    return world


@pytest.fixture
def services(world: Simulation) -> ExecutorServices:
    return world.executors[0].executor._services


def test_a_stub_ends_with_the_result_it_is_given(world: Simulation, services: ExecutorServices) -> None:
    target = world.submit(APPROVE, ["q"])

    assert complete_stub(services, target, YES, ffqn=APPROVE) is None

    assert world.retval_of(target) == YES
    assert len(world.log_of(target)) == 2


def test_the_same_result_again_changes_nothing(world: Simulation, services: ExecutorServices) -> None:
    target = world.submit(APPROVE, ["q"])
    complete_stub(services, target, YES, ffqn=APPROVE)

    assert complete_stub(services, target, YES, ffqn=APPROVE) is None
    assert complete_stub(services, target, NO, ffqn=APPROVE) == StubConflict()

    assert world.retval_of(target) == YES
    assert len(world.log_of(target)) == 2


def test_what_was_cancelled_conflicts(world: Simulation, services: ExecutorServices) -> None:
    target = world.submit(APPROVE, ["q"])
    world.append(target, Finished(retval=CANCELLED))

    assert complete_stub(services, target, YES, ffqn=APPROVE) == StubConflict()


def test_only_an_execution_of_the_function_takes_its_result(world: Simulation, services: ExecutorServices) -> None:
    target = world.submit(ADD, [1, 2])

    assert isinstance(complete_stub(services, target, YES, ffqn=APPROVE), TypeCheckError)
    assert complete_stub(services, ExecutionId("E_nobody"), YES, ffqn=APPROVE) == StubNotFound()
    assert not world.is_finished(target)


def test_the_parent_hears_of_the_result_in_the_same_commit(world: Simulation, services: ExecutorServices) -> None:
    parent = world.submit_steps(s.create(), s.submit(0, "approve", "q", interface="test:stubs/human"), s.join_next(0))
    world.run_to_rest()
    (question,) = world.children_of(parent)

    complete_stub(services, question, NO, ffqn=APPROVE)

    (response,) = world.responses_of(parent)
    # It is locked again by the same commit, one event later.
    assert response.at_version == world.state_of(parent).next_version - 1
    world.run(parent)
    assert world.result_of(parent)["ok"][-1] == "ok false"
    world.check(parent)


@pytest.mark.parametrize("rival", [YES, NO])
def test_a_rival_who_writes_first_decides(world: Simulation, services: ExecutorServices, rival: Returned) -> None:
    target = world.submit(APPROVE, ["q"])
    look = services.journal.state_of
    rivals = [rival]

    def state_of(execution_id: ExecutionId) -> ExecutionState:
        state = look(execution_id)
        if rivals:
            # After the look and before the write.
            world.append(target, Finished(retval=rivals.pop()))
        return state

    services.journal.state_of = state_of  # type: ignore[method-assign]  # forces the race

    assert complete_stub(services, target, YES, ffqn=APPROVE) == (None if rival == YES else StubConflict())
    assert world.retval_of(target) == rival


def test_another_write_in_between_is_no_rival(world: Simulation, services: ExecutorServices) -> None:
    target = world.submit(APPROVE, ["q"])
    look = services.journal.state_of
    others = [(Paused(), Unpaused())]

    def state_of(execution_id: ExecutionId) -> ExecutionState:
        state = look(execution_id)
        if others:
            world.append(target, *others.pop())
        return state

    services.journal.state_of = state_of  # type: ignore[method-assign]  # forces the race

    assert complete_stub(services, target, YES, ffqn=APPROVE) is None
    assert world.retval_of(target) == YES
