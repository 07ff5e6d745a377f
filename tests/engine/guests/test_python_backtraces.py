"""Every call that a Python workflow makes is stored with the lines it was made at."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from engine.log.backtraces import CallSite
from engine.log.events import JoinNext, JoinSetCreated
from engine.log.ids import ExecutionId, JoinSetId
from engine.simulation.connection import Cut, Moment, ProcessKilled
from engine.simulation.stepped import simulated_settings
from tests.harness.python_components import deploy_python, source
from tests.harness.simulation import Simulation

APP = source("""\
    from datetime import timedelta
    from obelisk import *

    @activity
    def add(a: int, b: int) -> int:
        return a + b

    class Till:
        def total(self, items: list[int]) -> int:
            found = 0
            for item in items:
                found = add(found, item)
            return found

    @workflow
    def order(items: list[int]) -> int:
        total = Till().total(items)
        sleep(timedelta(hours=1))
        with join_set() as members:
            members.submit(
                add, 1, 2,
            )
            return total + members.next()

    @workflow
    def long(n: int) -> int:
        for _ in range(n):
            add(1, 2)
        return n
    """)
REGISTRY = deploy_python(APP)
EACH_CALL = simulated_settings(commit_window=timedelta())


def _run(world: Simulation, name: str, *params: Any) -> ExecutionId:
    target = world.submit(f"acme:app/workflows.{name}", params)
    world.run_to_the_end(target)
    world.run_to_rest()
    return target


def _sites(world: Simulation, target: ExecutionId) -> list[CallSite]:
    return [site for calls in world.memory.call_sites if calls.execution_id == target for site in calls.sites]


def _lines(site: CallSite) -> list[tuple[str, int]]:
    frames = json.loads(site.stack)["frames"]
    assert all(frame["symbols"][0]["file"] == "app.py" and frame["module"] == "app" for frame in frames)
    return [(frame["func_name"], frame["symbols"][0]["line"]) for frame in frames]


def test_a_call_is_stored_with_the_lines_that_wait_for_it() -> None:
    world = Simulation(registry=REGISTRY)
    world.start_executor()
    target = _run(world, "order", [1, 2])

    assert [_lines(site) for site in _sites(world, target)] == [
        [("Till.total", 12), ("order", 17)],
        [("Till.total", 12), ("order", 17)],
        [("order", 18)],
        [("order", 19)],
        [("order", 20)],
        [("order", 23)],
    ]


def test_its_versions_are_those_of_the_events_that_it_wrote() -> None:
    world = Simulation(registry=REGISTRY)
    world.start_executor()
    target = _run(world, "order", [1, 2])

    log = world.log_of(target)
    first, _, nap, *_ = _sites(world, target)
    assert isinstance(log[first.first].event, JoinSetCreated)
    assert isinstance(log[first.behind - 1].event, JoinNext)
    assert log[nap.first].event == JoinSetCreated(join_set_id=JoinSetId("o:3-sleep"))
    (calls,) = {calls.component_id for calls in world.memory.call_sites}
    assert calls.name == "app.workflows"


def test_a_run_that_goes_on_after_a_crash_stores_what_it_writes_only() -> None:
    whole = Simulation(registry=REGISTRY)
    whole.start_executor(settings=EACH_CALL)
    expected = [_lines(site) for site in _sites(whole, _run(whole, "order", [1]))]
    world = Simulation(registry=REGISTRY)
    world.start_executor(settings=EACH_CALL, cut=Cut(4, Moment.AFTER))
    target = world.submit("acme:app/workflows.order", [[1]])
    try:
        world.run_to_the_end(target)
    except ProcessKilled:
        world.start_executor(settings=EACH_CALL)
    world.run_to_the_end(target)
    world.run_to_rest()

    sites = _sites(world, target)
    assert [_lines(site) for site in sites] == expected[-len(sites) :]
    assert all(site.first < site.behind for site in sites)


def test_a_run_of_many_calls_is_stored_in_parts() -> None:
    world = Simulation(registry=REGISTRY)
    world.start_executor()
    target = _run(world, "long", 300)

    assert [len(calls.sites) for calls in world.memory.call_sites if calls.execution_id == target] == [200, 100]
