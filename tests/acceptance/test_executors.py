"""Executors as processes of their own: what dies, what takes over, and what must not be lost."""

from __future__ import annotations

import json
import os
import signal

import psutil

from engine.log.events import Locked, TemporarilyTimedOut, Unlocked
from engine.log.ids import ExecutionId
from tests.acceptance.sites import Running, Site
from tests.harness.eventually import eventually

# Each step computes for some milliseconds, so that there is a middle to die in.
STEPS = 240
PARAMS = f"[32, {STEPS}]"
RESULT = {"ok": 2178309}
ENOUGH = 10


def submit(site: Site, params: str = PARAMS) -> ExecutionId:
    return ExecutionId(site.check("submit", ".../workflow.fiboa", params).out.strip())


def assert_nothing_was_lost(site: Site, execution_id: ExecutionId) -> None:
    """It has its result, each step was counted once, and every log folds to its row."""
    with site.world() as world:
        assert world.result_of(execution_id) == RESULT
        assert len(world.children_of(execution_id)) == len(world.responses_of(execution_id)) == STEPS
        assert all(world.result_of(child) == RESULT for child in world.children_of(execution_id))
        world.check(execution_id)


def executors_of(site: Site, execution_id: ExecutionId) -> set[str]:
    with site.world() as world:
        return {event.executor_id for event in world.events_of(execution_id) if isinstance(event, Locked)}


def stop(executor: Running) -> None:
    executor.signal(signal.SIGTERM)
    assert executor.wait().status == 0, executor.err


def test_a_killed_worker_is_replaced_and_its_work_is_finished(site: Site) -> None:
    executor = site.start_executor()
    execution_id = submit(site)
    site.wait_for_children(execution_id, ENOUGH)
    ((killed, worker),) = site.heartbeats().items()

    os.kill(worker, signal.SIGKILL)
    site.wait_until_finished(execution_id)

    assert_nothing_was_lost(site, execution_id)
    assert len(executors_of(site, execution_id) - {killed}) == 1
    assert worker not in [process.pid for process in site.processes()]
    # The queue that it waited at is not blocked by its death, or the next one would never hear that it shall stop.
    stop(executor)
    assert site.processes() == []


def test_what_a_killed_host_held_is_finished_by_the_next(site: Site) -> None:
    executor = site.start_executor()
    execution_id = submit(site)
    site.wait_for_children(execution_id, ENOUGH)

    os.killpg(executor.pid, signal.SIGKILL)
    eventually(lambda: site.processes() == [])
    stopped_at = finished_children(site, execution_id)
    other = site.start_executor()
    site.wait_until_finished(execution_id)

    assert ENOUGH <= stopped_at < STEPS
    assert_nothing_was_lost(site, execution_id)
    assert len(executors_of(site, execution_id)) == 2
    stop(other)


def finished_children(site: Site, execution_id: ExecutionId) -> int:
    with site.world() as world:
        return len(world.responses_of(execution_id))


def test_an_executor_that_is_asked_to_stop_hands_back_what_it_holds(site: Site) -> None:
    executor = site.start_executor()
    execution_id = submit(site)
    site.wait_for_children(execution_id, ENOUGH)

    stop(executor)
    assert site.heartbeats() == {}
    with site.world() as world:
        last = world.events_of(execution_id)[-1]
    assert isinstance(last, Unlocked)
    assert last.reason == "executor closing"

    other = site.start_executor()
    site.wait_until_finished(execution_id)

    assert_nothing_was_lost(site, execution_id)
    with site.world() as world:
        # No lock had to expire.
        assert not any(isinstance(event, TemporarilyTimedOut) for event in world.events_of(execution_id))
        assert "made progress" not in {
            event.reason for event in world.events_of(execution_id) if isinstance(event, Unlocked)
        }
    stop(other)


def test_a_worker_whose_guard_was_killed_hands_back_and_ends(site: Site) -> None:
    executor = site.start_executor()
    execution_id = submit(site)
    site.wait_for_children(execution_id, ENOUGH)
    (worker,) = site.heartbeats().values()
    guard = psutil.Process(worker).parent()
    assert guard is not None

    guard.kill()

    finished = executor.wait()
    assert finished.status == 1
    assert "CommandError: the cluster's guard ended by itself with status -9" in finished.err
    eventually(lambda: worker not in [process.pid for process in site.processes()])
    other = site.start_executor()
    site.wait_until_finished(execution_id)
    assert_nothing_was_lost(site, execution_id)
    stop(other)


def test_two_executors_share_the_work(site: Site) -> None:
    site.start_executor()
    site.start_executor()
    program = """
import json
from executions.operations.submitting import Call, submit_all
print(json.dumps([each.execution_id for each in submit_all([Call(".../workflow.fiboa", [24, 3])] * 100)]))
"""

    ids = [ExecutionId(text) for text in site.python(program)]
    for execution_id in ids:
        site.wait_until_finished(execution_id)

    with site.world() as world:
        for execution_id in ids:
            assert world.result_of(execution_id) == {"ok": 46368}
            assert len(world.children_of(execution_id)) == len(world.responses_of(execution_id)) == 3
        world.check(*ids)
    assert set().union(*(executors_of(site, execution_id) for execution_id in ids)) == site.heartbeats().keys()


def test_a_running_executor_takes_up_another_deployment_and_ends_with_ctrl_c(site: Site) -> None:
    executor = site.start_executor()
    site.check("deploy", "tests/components/deployment.toml")

    asked = site.check("submit", "test:stub-flow/workflow.ask", '["may I?"]', "--follow")

    assert json.loads(asked.lines[-1]) == {"ok": True}
    (row,) = json.loads(site.check("execution", "list", "--json").out)
    assert row["ffqn"] == "test:stub-flow/workflow.ask"
    assert row["children"] == 1
    with site.world() as world:
        world.check(ExecutionId(row["execution_id"]))

    # A terminal sends it to all of its processes.
    os.killpg(executor.pid, signal.SIGINT)
    assert executor.wait().status == 0, executor.err
    assert site.processes() == []
    assert site.heartbeats() == {}


def test_a_signal_to_the_whole_group_stops_it_in_order_too(site: Site) -> None:
    executor = site.start_executor()
    execution_id = submit(site)
    site.wait_for_children(execution_id, ENOUGH)

    # As Ctrl-C in a terminal, timeout(1) and service managers do it.
    os.killpg(executor.pid, signal.SIGTERM)

    assert executor.wait().status == 0, executor.err
    assert site.processes() == []
    assert site.heartbeats() == {}
    with site.world() as world:
        last = world.events_of(execution_id)[-1]
    assert isinstance(last, Unlocked)
    assert last.reason == "executor closing"


def test_a_worker_that_is_asked_to_stop_hands_back_and_is_replaced(site: Site) -> None:
    executor = site.start_executor()
    execution_id = submit(site)
    site.wait_for_children(execution_id, ENOUGH)
    ((asked, worker),) = site.heartbeats().items()

    os.kill(worker, signal.SIGTERM)
    site.wait_until_finished(execution_id)

    assert_nothing_was_lost(site, execution_id)
    with site.world() as world:
        reasons = {event.reason for event in world.events_of(execution_id) if isinstance(event, Unlocked)}
    assert "executor closing" in reasons
    assert asked not in site.heartbeats()
    stop(executor)
