"""Parameters with defaults: they may be left out, and may be added under histories that do not have them."""

from __future__ import annotations

from dataclasses import replace

from engine.deployment.registry import Registry
from engine.log.events import Created
from engine.log.return_values import Failed, FailureKind
from engine.simulation.recordings import record
from tests.harness.components import deploy
from tests.harness.python_components import deploy_python, python_app, source
from tests.harness.replay import replay
from tests.harness.simulation import Simulation

BEFORE = """
    from obelisk import *

    @activity
    def book(city: str) -> str:
        return city

    @workflow
    def tour(cities: list[str]) -> list[str]:
        found = [book(city) for city in cities]
        with join_set() as members:
            members.submit(book, "Bonn")
            schedule(book, "Ulm")
            found.append(members.next())
        return found

    @workflow
    def named(names: dict[str, int], loud: bool = False) -> list[str]:
        return [name.upper() if loud else name for name in names]
"""
AFTER = BEFORE.replace("(city: str)", "(city: str, nights: int = 1)").replace(
    "return city", 'return f"{city} {nights}"'
)
GIVEN = AFTER.replace("book(city) for", "book(city, 1) for")


def _world(text: str) -> Simulation:
    world = Simulation(registry=deploy_python(source(text)))
    world.start_executor()
    return world


def _changed(text: str) -> Registry:
    """Deploy another text as if it was the same version, so that the log of a replay can be compared whole."""
    before, after = python_app(source(BEFORE)), python_app(source(text))
    return deploy(*(replace(new, id=old.id) for new, old in zip(after, before, strict=True)))


def test_a_parameter_with_a_default_may_be_left_out_of_the_input() -> None:
    world = _world(BEFORE)
    for params, result in (([[["a", 1]]], ["a"]), ([[["a", 1]], True], ["A"])):
        target = world.submit("acme:app/workflows.named", params)
        world.run(target)

        assert world.result_of(target) == {"ok": result}


def test_a_dict_may_be_given_as_an_object() -> None:
    world = _world(BEFORE)
    target = world.submit("acme:app/workflows.named", [{"b": 1, "a": 2}])
    world.run(target)

    assert world.result_of(target) == {"ok": ["b", "a"]}


def test_a_history_from_before_a_parameter_with_a_default_replays() -> None:
    world = _world(BEFORE)
    target = world.submit("acme:app/workflows.tour", [["Rome", "Oslo"]])
    world.run(target)

    retval = replay(record(world.journal, target), target, registry=_changed(AFTER))
    assert retval == world.retval_of(target)


def test_new_executions_record_the_default() -> None:
    world = _world(AFTER)
    target = world.submit("acme:app/workflows.tour", [["Rome"]])
    world.run_to_rest()

    child = world.children_of(target)[0]
    created = world.events_of(child)[0]
    assert isinstance(created, Created)
    assert created.params == '["Rome",1]'
    assert world.result_of(child) == {"ok": "Rome 1"}


def test_a_parameter_that_the_code_gives_is_not_one_that_it_leaves_out() -> None:
    world = _world(BEFORE)
    target = world.submit("acme:app/workflows.tour", [["Rome"]])
    world.run(target)

    retval = replay(record(world.journal, target), target, registry=_changed(GIVEN))
    assert isinstance(retval, Failed)
    assert retval.kind is FailureKind.NONDETERMINISM_DETECTED


def test_what_was_recorded_without_a_new_parameter_still_runs() -> None:
    world = _world(AFTER)
    target = world.submit("acme:app/activities.book", ["Rome"])
    world.run(target)

    assert world.result_of(target) == {"ok": "Rome 1"}
