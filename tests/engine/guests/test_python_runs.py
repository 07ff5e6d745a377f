"""Python source through the real executor and the real interpreter."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engine.deployment.spec import ComponentType
from engine.journal.memory import MemoryJournal
from engine.log.events import ChildRequested, Finished, JoinNext, JoinSetCreated, TemporarilyFailed
from engine.log.ids import ExecutionId
from engine.log.return_values import CANCELLED
from tests.harness.components import deploy
from tests.harness.python_components import deploy_python, python_app, source
from tests.harness.simulation import Simulation

APP = source("""
    from __future__ import annotations
    import os, random, time, uuid
    from dataclasses import dataclass
    from datetime import datetime, timedelta, timezone
    from obelisk import *

    @dataclass
    class Trip:
        city: str
        nights: int = 1

    @dataclass
    class SoldOut(Exception):
        city: str

    class NoSuchCity(PermanentError):
        pass

    @activity(errors=(SoldOut, NoSuchCity), max_retries=1)
    def book_hotel(trip: Trip) -> str:
        if trip.city == "Oslo":
            raise SoldOut(trip.city)
        if trip.city == "Atlantis":
            raise NoSuchCity("under water")
        if trip.city == "Bug":
            return 3
        return f"ref-{trip.city}-{trip.nights}"

    @activity
    def quote(city: str) -> int:
        print("quoting", city)
        return len(city) * 10

    @activity(max_retries=3)
    def flaky() -> int:
        if info().attempt < 3:
            raise RetryLater("not yet", after=timedelta(minutes=5))
        return info().attempt

    @activity
    def secret() -> str:
        return os.environ["TOKEN"]

    @activity
    def sleepy() -> None:
        sleep(timedelta(seconds=1))

    @stub
    def approve(trip: Trip) -> bool: ...

    @workflow
    def book(trip: Trip) -> str:
        try:
            return book_hotel(trip)
        except SoldOut as error:
            return f"sold out in {error.city}"
        except NoSuchCity as error:
            return f"no such city: {error}"
        except ChildError as error:
            return f"other: {error.value}"

    @workflow
    def quotes(cities: list[str]) -> list[int]:
        first, second = gather(quote.bind("Rome"), quote.bind("Berlin"))
        every = gather(*[quote.bind(city) for city in cities], limit=2)
        got = []
        with join_set("quotes") as members:
            for city in cities:
                members.submit(quote, city)
            for child in members:
                got.append(child.result())
        return [first, second, *every, *sorted(got)]

    @workflow
    def patient(limit: float) -> str:
        try:
            with timeout(timedelta(seconds=limit)):
                return f"approved: {approve(Trip('Rome'))}"
        except TimeoutError:
            before = time.time()
            time.sleep(3600)
            return f"waited {time.time() - before:.0f}"

    @workflow
    def values() -> list[str]:
        found = [str(uuid.uuid4()), str(random.random()), os.urandom(4).hex(), datetime.now(timezone.utc).isoformat()]
        sleep(timedelta(seconds=10))
        return [*found, datetime.now(timezone.utc).isoformat()]

    @workflow
    def answered() -> bool:
        with join_set() as members:
            child = members.submit(approve, Trip("Rome"))
            answer(approve, child.id, True)
            return child.result()

    @workflow
    def undone(cities: list[str]) -> list[int]:
        with saga() as steps:
            for city in cities:
                steps.undo(quote, city)
            raise ValueError("no luck")

    @workflow
    def patched_twice() -> list[bool]:
        return [patched("a"), patched("a"), patched("b")]
""")


@pytest.fixture
def world() -> Simulation:
    simulation = Simulation(registry=deploy_python(APP, env_vars={"TOKEN": "s3cret"}))
    simulation.start_executor()
    return simulation


def run(world: Simulation, function: str, *params: Any) -> Any:
    target = start(world, function, *params)
    world.run(target)
    return world.result_of(target)


def start(world: Simulation, function: str, *params: Any) -> ExecutionId:
    return world.submit(f"acme:app/{function}", params)


def lines_of(world: Simulation, target: ExecutionId) -> list[str]:
    for executor in world.executors:
        executor.executor._services.guest_log.flush()
    assert isinstance(world.journal, MemoryJournal)
    return [line.message for line in world.journal._log_lines if line.execution_id == target]


def test_an_activity_returns_its_result(world: Simulation) -> None:
    assert run(world, "activities.quote", "Rome") == {"ok": 40}


def test_what_an_activity_prints_is_in_its_log(world: Simulation) -> None:
    target = start(world, "activities.quote", "Rome")
    world.run(target)

    assert lines_of(world, target) == ["quoting Rome"]


def test_a_declared_error_is_retried_as_often_as_the_decorator_says(world: Simulation) -> None:
    target = start(world, "activities.book-hotel", {"city": "Oslo", "nights": 2})
    world.run(target)

    failures = [event for event in world.events_of(target) if isinstance(event, TemporarilyFailed)]
    assert world.result_of(target) == {"err": {"sold_out": {"city": "Oslo"}}}
    assert len(failures) == 1
    assert failures[0].detail is not None
    assert failures[0].detail.startswith('  File "app.py", line 23, in book_hotel\n')
    assert failures[0].detail.endswith("SoldOut: Oslo")


def test_a_permanent_error_is_not_retried(world: Simulation) -> None:
    target = start(world, "activities.book-hotel", {"city": "Atlantis", "nights": 1})
    world.run(target)

    assert world.result_of(target) == {"err": {"permanent_no_such_city": "under water"}}
    assert not [event for event in world.events_of(target) if isinstance(event, TemporarilyFailed)]


def test_a_result_of_the_wrong_type_is_a_permanent_error_that_names_the_part(world: Simulation) -> None:
    target = start(world, "activities.book-hotel", {"city": "Bug", "nights": 1})
    world.run(target)

    assert world.result_of(target) == {"err": {"other": "TypeError: book_hotel -> return: expected str, got 3"}}
    assert not [event for event in world.events_of(target) if isinstance(event, TemporarilyFailed)]


def test_retry_later_puts_the_next_attempt_off(world: Simulation) -> None:
    target = start(world, "activities.flaky")
    before = world.clock.now()
    world.run(target)

    assert world.result_of(target) == {"ok": 3}
    assert world.clock.now() - before >= timedelta(minutes=10)


def test_an_activity_sees_the_environment_of_its_entry(world: Simulation) -> None:
    assert run(world, "activities.secret") == {"ok": "s3cret"}


def test_a_verb_of_workflows_is_refused_in_an_activity_and_not_retried(world: Simulation) -> None:
    target = start(world, "activities.sleepy")
    world.run(target)

    assert world.result_of(target) == {"err": "RuntimeError: sleep() works in workflows; an activity is one step"}
    assert not [event for event in world.events_of(target) if isinstance(event, TemporarilyFailed)]


@pytest.mark.parametrize(
    ("city", "result"),
    [("Rome", "ref-Rome-2"), ("Oslo", "sold out in Oslo"), ("Atlantis", "no such city: under water")],
)
def test_a_workflow_gets_results_and_declared_errors_as_themselves(world: Simulation, city: str, result: str) -> None:
    assert run(world, "workflows.book", {"city": city, "nights": 2}) == {"ok": result}


def test_calling_a_function_writes_one_join_set_one_request_and_one_wait(world: Simulation) -> None:
    target = start(world, "workflows.book", {"city": "Rome", "nights": 2})
    world.run(target)

    created, requested, awaited = (
        event for event in world.events_of(target) if isinstance(event, JoinSetCreated | ChildRequested | JoinNext)
    )
    assert isinstance(created, JoinSetCreated)
    assert created.join_set_id == "o:1-book-hotel"
    assert isinstance(requested, ChildRequested)
    assert requested.params == '[{"city":"Rome","nights":2}]'
    assert isinstance(awaited, JoinNext)
    assert awaited.requested_ffqn == "acme:app/activities.book-hotel"


def test_gather_keeps_the_order_given_and_join_sets_bring_all(world: Simulation) -> None:
    assert run(world, "workflows.quotes", ["a", "bb", "ccc"]) == {"ok": [40, 60, 10, 20, 30, 10, 20, 30]}


def test_a_timeout_ends_the_wait_and_cancels_the_child(world: Simulation) -> None:
    target = start(world, "workflows.patient", 5.0)
    world.run(target)

    (child,) = [member for member in world.family_of(target) if member != target]
    assert world.result_of(target) == {"ok": "waited 3600"}
    assert world.retval_of(child) == CANCELLED


def test_random_values_differ_between_executions_and_the_clock_follows_the_log(world: Simulation) -> None:
    first = run(world, "workflows.values")["ok"]
    second = run(world, "workflows.values")["ok"]

    assert not set(first[:3]) & set(second[:3])
    assert first[3] == "2026-01-01T00:00:00+00:00"
    assert first[4] == "2026-01-01T00:00:10+00:00"


def test_a_workflow_can_answer_its_own_stub(world: Simulation) -> None:
    assert run(world, "workflows.answered") == {"ok": True}


def test_undo_steps_run_newest_first_and_the_error_stays(world: Simulation) -> None:
    target = start(world, "workflows.undone", ["a", "bb"])
    world.run(target)

    undone = [event.params for event in world.events_of(target) if isinstance(event, ChildRequested)]
    assert world.result_of(target) == {"err": "ValueError: no luck"}
    assert undone == ['["bb"]', '["a"]']


def test_the_end_of_a_failed_workflow_tells_where_in_its_source_the_error_was_raised(world: Simulation) -> None:
    target = start(world, "workflows.undone", ["a"])
    world.run(target)

    end = world.events_of(target)[-1]
    assert isinstance(end, Finished)
    line = APP.text.splitlines().index('        raise ValueError("no luck")') + 1
    assert end.detail == (
        f'  File "app.py", line {line}, in undone\n    raise ValueError("no luck")\nValueError: no luck'
    )


def test_the_end_of_an_activity_whose_retries_are_used_up_has_its_trace_too(world: Simulation) -> None:
    target = start(world, "activities.book-hotel", {"city": "Oslo", "nights": 1})
    world.run(target)

    end = world.events_of(target)[-1]
    assert isinstance(end, Finished)
    assert end.detail is not None
    assert end.detail.endswith("SoldOut: Oslo")


def test_the_end_of_what_succeeds_has_no_detail(world: Simulation) -> None:
    target = start(world, "workflows.book", {"city": "Oslo", "nights": 1})
    world.run(target)

    end = world.events_of(target)[-1]
    assert isinstance(end, Finished)
    assert end.detail is None


def test_patched_is_true_for_new_executions_and_recorded_once_a_name(world: Simulation) -> None:
    target = start(world, "workflows.patched-twice")
    world.run(target)

    created = [event.join_set_id for event in world.events_of(target) if isinstance(event, JoinSetCreated)]
    assert world.result_of(target) == {"ok": [True, True, True]}
    assert created == ["n:patched/a", "n:patched/b"]


def test_functions_of_different_policies_share_their_components_limit() -> None:
    components = [
        replace(component, exec=replace(component.exec, instance_limit=1))
        for component in python_app(APP)
        if component.id.component_type is ComponentType.ACTIVITY
    ]
    world = Simulation(registry=deploy(*components))
    executor = world.start_executor()
    started = [start(world, "activities.quote", "Rome"), start(world, "activities.flaky")]

    locked = 0
    while not all(world.is_finished(target) for target in started):
        executor.tick(world.clock.now())
        locked = max(locked, len(executor.tasks.waiting))
        world.run_to_rest()
        world.advance(timedelta(minutes=5))

    assert locked == 1


def test_a_finished_workflow_has_its_result_in_the_last_event(world: Simulation) -> None:
    target = start(world, "workflows.book", {"city": "Rome", "nights": 2})
    world.run(target)

    assert isinstance(world.events_of(target)[-1], Finished)
    world.check(target)
