"""A history that is not what the code asks for: found, told in full, and the end of the execution."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import pytest
from msgspec.structs import replace

from engine.deployment.registry import Registry
from engine.errors import NondeterminismDetected, parting_version
from engine.log.event_encoding import encode_event
from engine.log.events import (
    CancellationRequested,
    ChildRequested,
    DelayRequested,
    ExecutionEvent,
    Finished,
    HistoryEvent,
    JoinNext,
    JoinNextTooMany,
    JoinNextTry,
    JoinSetCreated,
    Persist,
    RandomU64,
    Scheduled,
    Stubbed,
    TryOutcome,
    TypeCheckError,
)
from engine.log.ids import DelayId, ExecutionId, JoinSetId
from engine.log.return_values import Failed, FailureKind, JsonText
from engine.log.schedules import In
from engine.simulation.recordings import Recording, record
from tests.harness import steps as s
from tests.harness.components import ADD, STEPPER, approve, deploy, probe, stepper
from tests.harness.recordings import cut, with_events
from tests.harness.replay import resume
from tests.harness.simulation import Simulation

HUMAN = "test:stubs/human"

STEPS = (
    s.create("a"),
    s.random_u64(0, 100),
    s.submit(0, "add", 1, 2),
    s.submit(0, "add", "refused"),
    s.join_next(0),
    s.join_next(0),
    s.join_next_try(0),
    s.submit_delay(0, s.after_ms(5)),
    s.join_next(0),
    s.typed_schedule(s.NOW, 3, 4),
    s.create(),
    s.submit(1, "approve", "q", interface=HUMAN),
    s.stub(s.of_step(11), {"ok": True}),
    s.typed_call(5, 6),
    s.generate_id(),
    s.submit(1, "approve", "q2", interface=HUMAN),
)


@lru_cache
def _registry() -> Registry:
    return deploy(probe(), stepper(), approve())


@lru_cache
def _recorded() -> tuple[Recording, ExecutionId]:
    world = Simulation(registry=_registry())
    world.start_executor()
    target = world.submit_steps(*STEPS)
    world.run_to_the_end(target)
    return record(world.journal, target), target


def _events() -> list[ExecutionEvent]:
    """The recorded events up to the end, without locks, so that their positions are those of the history."""
    recording, target = _recorded()
    return [
        entry.event for entry in recording[target].entries if isinstance(entry.event, HistoryEvent) or entry.version < 2
    ]


def _position(kind: type[HistoryEvent], number: int = 0) -> int:
    return [index for index, event in enumerate(_events()) if isinstance(event, kind)][number]


def _recorded_at() -> datetime:
    recording, target = _recorded()
    return recording[target].entries[0].created_at


def _rerun(events: list[ExecutionEvent]) -> tuple[Simulation, ExecutionId]:
    """Go on from a history of these events, with all responses there."""
    recording, target = _recorded()
    world = resume({**recording, target: with_events(recording[target], *events)}, registry=_registry())
    world.run(target)
    return world, target


def _failure(events: list[ExecutionEvent]) -> Failed:
    world, target = _rerun(events)
    retval = world.retval_of(target)
    assert isinstance(retval, Failed), retval
    assert retval.kind is FailureKind.NONDETERMINISM_DETECTED
    return retval


def _changed(
    kind: type[HistoryEvent], change: Callable[[Any], HistoryEvent], number: int = 0
) -> tuple[int, list[ExecutionEvent]]:
    events, position = _events(), _position(kind, number)
    event = events[position]
    assert isinstance(event, kind)
    events[position] = change(event)
    assert events[position] != event
    return position, events


def _replacing(**fields: Any) -> Callable[[Any], Any]:
    return lambda event: replace(event, **fields)


OTHER_ID = ExecutionId("E_01J00000000000000000000009")


def _all_changes() -> dict[str, tuple[type[HistoryEvent], Callable[[Any], HistoryEvent]]]:
    child = ExecutionId(f"{_recorded()[1]}.n:a_7")
    return {
        "join set's name": (JoinSetCreated, _replacing(join_set_id=JoinSetId("n:b"))),
        "random value": (Persist, _replacing(value=bytes(7) + b"\x63")),
        "random range": (Persist, _replacing(kind=RandomU64(0, 7))),
        "child's parameters": (ChildRequested, _replacing(params=JsonText("[1,3]"))),
        "child's function": (ChildRequested, _replacing(target_ffqn=f"{STEPPER}.run")),
        "child's id": (ChildRequested, _replacing(child_execution_id=child)),
        "child's join set": (ChildRequested, _replacing(join_set_id=JoinSetId("n:b"))),
        "awaited join set": (JoinNext, _replacing(join_set_id=JoinSetId("g:1"))),
        "awaited function": (JoinNext, _replacing(requested_ffqn=ADD)),
        "reason to await": (JoinNext, _replacing(closing=True)),
        "await that was one too many": (
            JoinNext,
            lambda event: JoinNextTooMany(join_set_id=event.join_set_id, requested_ffqn=event.requested_ffqn),
        ),
        "one too many of another join set": (JoinNextTooMany, _replacing(join_set_id=JoinSetId("g:1"))),
        "tried join set": (JoinNextTry, _replacing(join_set_id=JoinSetId("g:1"))),
        "delay's schedule": (DelayRequested, _replacing(schedule_at=In(timedelta(milliseconds=6)))),
        "delay's id": (DelayRequested, _replacing(delay_id=DelayId("Delay_01J00000000000000000000001.n:a_2"))),
        "delay's join set": (DelayRequested, _replacing(join_set_id=JoinSetId("n:b"))),
        "scheduled id": (Scheduled, _replacing(execution_id=OTHER_ID)),
        "scheduled instant": (Scheduled, _replacing(schedule_at=In(timedelta(1)))),
        "scheduled function": (Scheduled, _replacing(target_ffqn=f"{STEPPER}.run")),
        "scheduled parameters": (Scheduled, _replacing(params_hash="0" * 64)),
        "stubbed execution": (Stubbed, _replacing(target_execution_id=child)),
        "stubbed value": (Stubbed, _replacing(retval_hash="01" + "0" * 64)),
    }


@pytest.mark.parametrize("name", _all_changes())
def test_a_changed_event_is_found_with_its_position_and_both_sides(name: str) -> None:
    kind, change = _all_changes()[name]
    position, events = _changed(kind, change)

    detail = str(_failure(events).detail)

    assert f"at version {position}: " in detail
    assert f"event: {encode_event(events[position])}" in detail
    assert "key: " in detail


def test_the_error_quotes_what_the_code_asked_for() -> None:
    original = _events()[_position(JoinSetCreated)]
    _, events = _changed(JoinSetCreated, _replacing(join_set_id=JoinSetId("n:b")))

    assert f"key: {encode_event(original)}, event: " in str(_failure(events).detail)


def test_what_the_host_decided_is_taken_from_the_record() -> None:
    unchanged, _ = _rerun(_events())
    events = _events()
    for kind, change in (
        (JoinNext, _replacing(run_expires_at=_recorded_at() + timedelta(9))),
        (DelayRequested, _replacing(expires_at=_recorded_at() + timedelta(9))),
    ):
        position = _position(kind)
        events[position] = change(events[position])

    world, target = _rerun(events)

    assert world.retval_of(target) == unchanged.retval_of(target)


def test_the_recorded_outcome_of_a_try_wins() -> None:
    _, events = _changed(JoinNextTry, _replacing(outcome=TryOutcome.PENDING))

    world, target = _rerun(events)

    assert world.result_of(target)["ok"][6] == "error pending"


def test_the_recorded_outcome_of_a_request_wins() -> None:
    _, events = _changed(ChildRequested, _replacing(error=TypeCheckError("as it was then")), number=1)

    world, target = _rerun(events)

    assert world.result_of(target)["ok"][3] == "error type-check-error: as it was then"


@pytest.mark.parametrize("position", range(2, 16))
def test_a_missing_event_is_found(position: int) -> None:
    events = _events()
    del events[position]

    assert f"at version {position}: " in str(_failure(events).detail)


@pytest.mark.parametrize("position", range(2, 16))
def test_swapped_events_are_found(position: int) -> None:
    events = _events()
    events[position], events[position + 1] = events[position + 1], events[position]

    assert f"at version {position}: " in str(_failure(events).detail)


@pytest.mark.parametrize("position", range(2, 16))
def test_an_event_too_many_is_found(position: int) -> None:
    events = _events()
    events.insert(position, JoinSetCreated(join_set_id=JoinSetId("n:intruder")))

    assert f"at version {position}: " in str(_failure(events).detail)


def test_events_that_the_code_never_asks_for_are_found_at_its_end() -> None:
    extra = JoinSetCreated(join_set_id=JoinSetId("n:extra"))
    events = [*_events(), extra]

    detail = str(_failure(events).detail)

    assert detail == (f"found unprocessed request stored at version {len(events) - 1}: event: {encode_event(extra)}")


def test_a_workflow_that_lost_its_way_cancels_what_it_leaves_behind() -> None:
    recording, target = _recorded()
    question = ExecutionId(f"{target}.g:1_2")
    position = next(
        entry.version
        for entry in recording[target].entries
        if isinstance(entry.event, ChildRequested) and entry.event.child_execution_id == question
    )
    # Up to the open question; it has no answer yet.
    prefix = dict(cut(recording, target, position + 1))
    history = [entry.event for entry in prefix[target].entries]
    random_at = _position(Persist)
    number = history[random_at]
    assert isinstance(number, Persist)
    history[random_at] = replace(number, value=bytes(7) + b"c")
    prefix[target] = with_events(prefix[target], *history)
    world = resume(prefix, registry=_registry())

    world.run(target)
    world.run(question)

    retval = world.retval_of(target)
    assert isinstance(retval, Failed)
    assert retval.kind is FailureKind.NONDETERMINISM_DETECTED
    assert world.retval_of(question) == Failed(kind=FailureKind.CANCELLED)
    assert [type(event) for event in world.events_of(question)[1:]] == [CancellationRequested, Finished]


def test_the_parent_hears_of_a_childs_nondeterminism_as_a_failure() -> None:
    world = Simulation(registry=_registry())
    world.start_executor()
    parent = world.submit_steps(
        s.create(),
        s.submit(0, "run", [s.random_u64(0, 10**9), s.sleep(s.after_ms(50))], interface=STEPPER),
        s.join_next(0),
        s.failure_kind(s.of_step(1)),
    )
    child = ExecutionId(f"{parent}.g:1_1")
    world.run_until(lambda: world.exists(child) and len(world.history_of(child)) > 1)
    recording = record(world.journal, parent)
    tampered = with_events(
        recording[child],
        *[replace(event, value=bytes(8)) if isinstance(event, Persist) else event for event in world.events_of(child)],
    )
    resumed = resume({**recording, child: tampered}, registry=_registry())

    resumed.run(parent)

    assert resumed.result_of(parent)["ok"][2:] == ['err "execution_failed"', "nondeterminism-detected"]


@pytest.mark.parametrize("requested", ["{}", None])
def test_the_text_of_the_error_tells_where_they_part(requested: str | None) -> None:
    error = NondeterminismDetected(version=41, recorded='"stored at version 7: "', requested=requested)

    assert parting_version(str(error)) == 41
    assert parting_version("out of fuel") is None
