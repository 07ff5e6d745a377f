"""``.using(...)``: what one call says about how it is run."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engine.log.events import Created, Locked, TemporarilyFailed
from engine.log.ids import ExecutionId
from engine.log.labels import labels_of
from engine.simulation.recordings import record
from engine.simulation.stepped import simulated_settings
from tests.harness.components import deploy
from tests.harness.python_components import deploy_python, python_app, source
from tests.harness.replay import replay
from tests.harness.simulation import Simulation

APP = """
    from datetime import timedelta
    from obelisk import *

    @activity(max_retries=1)
    def fail() -> str:
        raise ValueError(str(info().attempt))

    @activity
    def tell() -> dict[str, str]:
        return info().labels

    @activity
    def spin() -> None:
        while True:
            pass

    @workflow
    def labels() -> dict[str, str]:
        tell.using(labels={"inner": "x"})()
        return {**info().labels, **tell()}

    @workflow
    def every(how: str) -> list[str]:
        some = fail.using(max_retries=2)
        found = []
        try:
            match how:
                case "call":
                    some()
                case "timeout":
                    with timeout(timedelta(days=1)):
                        some()
                case "submit":
                    with join_set() as members:
                        members.submit(some)
                        members.next()
                case "bind":
                    gather(some.bind())
                case "schedule":
                    found.append(schedule(some.using(labels={"b": "2"})))
        except ChildError as error:
            found.append(error.value)
        return found

    @workflow
    def hang() -> str:
        try:
            spin.using(attempt_timeout=timedelta(seconds=1), max_retries=0)()
        except ChildError as error:
            return str(error.failure_kind)
        return "?"

    @workflow
    def mother() -> list[dict[str, str]]:
        return [labels.using(labels={"child": "1"})(), tell.using(labels={"a": "1", "b.c": "é"})(), tell()]

    @workflow
    def wrong() -> list[str]:
        found = []
        for make in (
            lambda: tell.using(labels={"A": "1"})(),
            lambda: tell.using(max_retries=-1)(),
            lambda: tell.using(attempt_timeout=timedelta())(),
            lambda: tell.using(max_retries="2"),
            lambda: tell.using(labels=["a"]),
            lambda: labels.using(max_retries=1),
            lambda: tell.using(after=timedelta(1))(),
            lambda: gather(tell.using(after=timedelta(1)).bind()),
        ):
            try:
                make()
            except (TypeError, ValueError) as error:
                found.append(f"{type(error).__name__}: {error}")
        return found
"""
REGISTRY = deploy_python(source(APP))


def _run(name: str, *params: Any, window: timedelta | None = None) -> tuple[Simulation, ExecutionId]:
    world = Simulation(registry=REGISTRY)
    world.start_executor(settings=simulated_settings() if window is None else simulated_settings(commit_window=window))
    target = world.submit(f"acme:app/workflows.{name}", params)
    world.run_to_the_end(target)
    world.check(target)
    return world, target


@pytest.mark.parametrize("window", [None, timedelta()])
@pytest.mark.parametrize("how", ["call", "timeout", "submit", "bind", "schedule"])
def test_a_call_says_how_often_it_is_tried_again(how: str, window: timedelta | None) -> None:
    world, target = _run("every", how, window=window)

    _, child = world.kin_of(target)
    failures = [event for event in world.events_of(child) if isinstance(event, TemporarilyFailed)]
    assert len(failures) == 2
    assert {lock.max_retries for lock in world.locks_of(child)} == {2}
    assert world.result_of(child) == {"err": "ValueError: 3"}


def test_a_call_says_how_long_an_attempt_may_take() -> None:
    world, target = _run("hang")

    assert world.result_of(target) == {"ok": "timed_out"}
    (child,) = world.children_of(target)
    (lock,) = [entry for entry in world.log_of(child) if isinstance(entry.event, Locked)]
    assert isinstance(lock.event, Locked)
    assert lock.event.lock_expires_at - lock.created_at == timedelta(seconds=1)


def test_labels_reach_the_execution_and_not_its_children() -> None:
    world, target = _run("mother")

    assert world.result_of(target) == {"ok": [[["child", "1"]], [["a", "1"], ["b.c", "é"]], []]}


def test_a_scheduled_execution_has_its_labels() -> None:
    world, target = _run("every", "schedule")

    _, scheduled = world.kin_of(target)
    created = world.events_of(scheduled)[0]
    assert isinstance(created, Created)
    assert labels_of(created.metadata) == {"b": "2"}


def test_wrong_options_are_refused_where_they_are_given() -> None:
    world, target = _run("wrong")

    found = world.result_of(target)["ok"]
    assert [sentence.partition(";")[0] for sentence in found] == [
        "ValueError: tell.using(): labels: the name 'A' is not allowed",
        "ValueError: tell.using(): max_retries: expected 0 to 4294967295, got -1",
        "ValueError: tell.using(): attempt_timeout: expected more than zero and at most 366 days",
        "TypeError: tell.using(max_retries): expected int, got '2'",
        "TypeError: tell.using(labels): expected Mapping, got ['a']",
        "TypeError: labels.using(max_retries): a workflow has no attempts",
        "TypeError: tell.using(after=..., at=...) works with schedule() only",
        "TypeError: tell.using(after=..., at=...) works with schedule() only",
    ]


def test_options_may_change_under_a_history() -> None:
    world, target = _run("every", "call")
    changed = python_app(source(APP.replace("max_retries=2", 'labels={"new": "1"}')))
    before = REGISTRY.deployment.components
    registry = deploy(*(replace(new, id=old.id) for new, old in zip(changed, before, strict=True)))

    assert replay(record(world.journal, target), target, registry=registry) == world.retval_of(target)


INFO = """
    from datetime import datetime
    from obelisk import *

    @activity(max_retries=2)
    def step() -> tuple[str, str, str | None, datetime, int, datetime | None, dict[str, str]]:
        if info().attempt == 1:
            raise ValueError("again")
        return told()

    @workflow
    def flow() -> tuple[str, str, str | None, datetime, int, datetime | None, dict[str, str]]:
        return told()

    def told():
        i = info()
        return i.execution_id, i.function, i.parent_id, i.created_at, i.attempt, i.deadline, i.labels

    @workflow
    def both() -> list[Json]:
        return [
            [str(part) for part in call.using(labels={"n": "1"})()]
            for call in (step, flow)
        ]
"""


def test_every_execution_knows_itself() -> None:
    world = Simulation(registry=deploy_python(source(INFO)))
    world.start_executor()
    target = world.submit("acme:app/workflows.both", [])
    world.run_to_the_end(target)

    step, flow = map(json.loads, world.result_of(target)["ok"])
    one, two = world.children_of(target)
    (lock,) = world.locks_of(one)[1:]
    labels = "{'n': '1'}"
    created = [str(world.log_of(child)[0].created_at) for child in (one, two)]
    assert step == [
        *(one, "acme:app/activities.step", target, created[0], "2", str(lock.lock_expires_at), labels),
    ]
    assert flow == [two, "acme:app/workflows.flow", target, created[1], "1", "None", labels]
