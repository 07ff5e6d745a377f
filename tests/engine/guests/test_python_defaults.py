"""Parameters with defaults: they may be left out, and may be added under histories that do not have them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from components.python_preparation import import_problems
from engine.deployment.registry import Registry
from engine.deployment.verify import exports_of
from engine.errors import ValueMismatch
from engine.log.events import Created
from engine.log.return_values import Failed, FailureKind, Returned
from engine.simulation.recordings import record
from tests.harness.components import deploy
from tests.harness.python_components import deploy_python, describe, python_app, source
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


def _changed(text: str, *, before: str = BEFORE) -> Registry:
    """Deploy another text as if it was the same version, so that the log of a replay can be compared whole."""
    olds, news = python_app(source(before)), python_app(source(text))
    return deploy(*(replace(new, id=old.id) for new, old in zip(news, olds, strict=True)))


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


RECORD_BEFORE = """
    from dataclasses import dataclass, field
    from obelisk import *

    @dataclass
    class Guest:
        name: str

    @dataclass
    class Trip:
        city: str
        guests: list[Guest]

    @activity
    def book(trip: Trip) -> Trip:
        return trip

    @workflow
    def tour(cities: list[str]) -> list[str]:
        trips = [book(Trip(city, [Guest("Ada")])) for city in cities]
        with join_set() as members:
            members.submit(book, trips[0])
            trips.append(members.next())
        schedule(book, trips[0])
        return [repr(trip) for trip in trips]
"""
RECORD_AFTER = RECORD_BEFORE.replace("name: str\n", "name: str\n        age: int = 7\n").replace(
    "guests: list[Guest]\n",
    """guests: list[Guest]
        nights: int | None = 3
        tags: list[str] = field(default_factory=list)
""",
)


def test_a_field_with_a_default_may_be_missing_in_input() -> None:
    world = _world(RECORD_AFTER)
    target = world.submit("acme:app/activities.book", [{"city": "Rome", "guests": [{"name": "Ada"}]}])
    world.run(target)

    assert world.result_of(target) == {
        "ok": {"city": "Rome", "guests": [{"name": "Ada", "age": 7}], "nights": 3, "tags": []}
    }


def test_a_field_without_a_default_must_be_there() -> None:
    function = deploy_python(source(RECORD_AFTER)).find("acme:app/activities.book")
    assert function is not None

    with pytest.raises(ValueMismatch, match=r'params\[0\].guests\[0\]: missing field "name"'):
        function.read_params([{"city": "Rome", "guests": [{}]}])


def test_a_history_from_before_fields_with_defaults_replays_and_gives_them() -> None:
    world = _world(RECORD_BEFORE)
    target = world.submit("acme:app/workflows.tour", [["Rome", "Oslo"]])
    world.run(target)

    changed = _changed(RECORD_AFTER, before=RECORD_BEFORE)
    retval = replay(record(world.journal, target), target, registry=changed)

    assert isinstance(retval, Returned)
    assert retval.payload is not None
    trip = "Trip(city='Rome', guests=[Guest(name='Ada', age=7)], nights=3, tags=[])"
    assert json.loads(retval.payload.value)[0] == trip


def test_a_history_with_another_value_in_an_old_field_does_not_replay() -> None:
    world = _world(RECORD_BEFORE)
    target = world.submit("acme:app/workflows.tour", [["Rome"]])
    world.run(target)

    changed = _changed(RECORD_AFTER.replace('Guest("Ada")', 'Guest("Bob")'), before=RECORD_BEFORE)
    retval = replay(record(world.journal, target), target, registry=changed)

    assert isinstance(retval, Failed)
    assert retval.kind is FailureKind.NONDETERMINISM_DETECTED


IMPORTER = """
    from obelisk import *

    @imported("acme:app/activities.book")
    def book(city: str) -> str: ...

    @workflow
    def plan() -> str:
        return book("Rome")
"""


IMPORTER_PART = """    @imported("acme:app/activities.book")
    def shorter(city: str) -> str: ...

    @workflow
    def plan() -> str:
        return shorter("Rome")
"""


def test_an_imported_function_may_be_declared_without_its_last_parameters() -> None:
    provider = python_app(source(AFTER))
    importer = describe(source(IMPORTER, path="plan.py"), package="acme:plan")
    assert list(import_problems(importer.imports, exports_of(provider))) == []

    longer = IMPORTER.replace("city: str", "city: str, nights: int, pets: int")
    (problem,) = import_problems(
        describe(source(longer, path="plan.py"), package="acme:plan").imports, exports_of(provider)
    )
    assert problem == "plan.py:4: book: acme:app/activities.book takes 1 to 2 parameters, got 3"
    other = IMPORTER.replace("city: str) -> str", "city: int) -> None")
    assert list(
        import_problems(describe(source(other, path="plan.py"), package="acme:plan").imports, exports_of(provider))
    ) == [
        "plan.py:4: book(city): acme:app/activities.book takes string, got s64",
        "plan.py:4: book -> return: acme:app/activities.book returns string, got nothing",
    ]


def test_a_call_of_an_imported_function_leaves_out_what_its_declaration_does() -> None:
    caller = AFTER.replace("    @workflow\n    def tour", IMPORTER_PART + "\n    @workflow\n    def tour", 1)
    world = _world(caller)
    target = world.submit("acme:app/workflows.plan", [])
    world.run(target)

    assert world.result_of(target) == {"ok": "Rome 1"}
    created = world.events_of(world.children_of(target)[0])[0]
    assert isinstance(created, Created)
    assert created.params == '["Rome"]'
    # A declaration that has grown since follows the same history.
    grown = caller.replace("def shorter(city: str)", "def shorter(city: str, nights: int = 1)")
    changed = _changed(grown, before=caller)
    assert replay(record(world.journal, target), target, registry=changed) == world.retval_of(target)
