"""Every recorded history replays, and together they hold every kind of event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from engine.clock import SimulatedClock
from engine.executor.cron_seeds import make_seeds
from engine.log.event_encoding import variant_of
from engine.log.events import (
    ChildFinished,
    ChildRequested,
    ComponentUpgradeFinished,
    DelayFinished,
    DelayRequested,
    ExecutionEvent,
    Finished,
    FunctionNotFound,
    GeneratedExecutionId,
    HistoryEvent,
    JoinNext,
    JoinNextTry,
    Locked,
    Persist,
    RandomString,
    RandomU64,
    Response,
    Scheduled,
    Stubbed,
    StubConflict,
    StubNotFound,
    TryOutcome,
    TypeCheckError,
    Unlocked,
)
from engine.log.ids import ExecutionId
from engine.log.return_values import Failed, FailureKind, Returned
from engine.log.schedules import At, In, Now
from engine.log.state import result_kind_of
from engine.simulation.recordings import Recording, dump_recording, parse_recording, restore
from engine.simulation.stepped import PATIENCE_S
from tests.harness.replay import replay
from tests.harness.simulation import Simulation
from tests.histories.record import STORIES, recorded_deployment, registry_with_schedule

FILES = sorted(Path(__file__).parent.glob("*.json"))
every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@lru_cache
def _document(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_text())
    return document


def _recording(file: Path) -> Recording:
    return parse_recording(_document(file)["executions"])


def _workflows(recording: Recording) -> Iterator[tuple[ExecutionId, Returned | Failed]]:
    """The workflows that came to an end by themselves."""
    for execution_id, recorded in recording.items():
        end = recorded.entries[-1].event
        is_workflow = recorded.state(execution_id).component_id.component_type == "workflow"
        if is_workflow and isinstance(end, Finished) and end.retval != Failed(kind=FailureKind.CANCELLED):
            yield execution_id, end.retval


@every_file
def test_every_recorded_workflow_replays(file: Path) -> None:
    recording = _recording(file)

    for execution_id, recorded in _workflows(recording):
        retval = replay(recording, execution_id, registry=recorded_deployment())
        if isinstance(recorded, Failed):
            # Its wording is not part of what must stay the same.
            assert result_kind_of(retval) == result_kind_of(recorded)
        else:
            assert retval == recorded


@every_file
def test_a_recorded_history_is_read_and_written_back_as_it_is(file: Path) -> None:
    assert dump_recording(_recording(file)) == _document(file)["executions"]


@every_file
def test_a_recorded_log_folds_to_a_state(file: Path) -> None:
    for execution_id, recorded in _recording(file).items():
        state = recorded.state(execution_id)
        assert state.next_version == len(recorded.entries)
        assert state.response_count == len(recorded.responses)


def test_every_story_is_recorded() -> None:
    assert {file.stem for file in FILES} >= {story.__name__ for story in STORIES}


def _events() -> list[ExecutionEvent]:
    return [entry.event for file in FILES for recorded in _recording(file).values() for entry in recorded.entries]


def _responses() -> list[Response]:
    return [response for file in FILES for recorded in _recording(file).values() for response in recorded.responses]


def test_every_kind_of_event_is_recorded() -> None:
    kinds = {type(event) for event in _events()}

    assert kinds == set(ExecutionEvent.__args__)
    assert set(HistoryEvent.__args__) < kinds
    assert {variant_of(event) for event in _events()} == {
        "created",
        "locked",
        "unlocked",
        "temporarily_failed",
        "temporarily_timed_out",
        "finished",
        "history_event",
        "component_upgrade_finished",
        "paused",
        "unpaused",
        "cancellation_requested",
    }


def test_every_end_is_recorded() -> None:
    retvals = [event.retval for event in _events() if isinstance(event, Finished)]

    assert {result_kind_of(retval) for retval in retvals} == {"ok", "error", *FailureKind}
    assert {retval.payload is None for retval in retvals if isinstance(retval, Returned)} == {True, False}


def test_every_kind_of_response_is_recorded() -> None:
    events = [response.event for response in _responses()]

    assert {event.cancelled for event in events if isinstance(event, DelayFinished)} == {True, False}
    assert {result_kind_of(event.retval) for event in events if isinstance(event, ChildFinished)} >= {
        "ok",
        "error",
        "uncategorized",
        "cancelled",
    }


def test_every_variety_of_history_event_is_recorded() -> None:
    events = _events()

    assert {type(event.kind) for event in events if isinstance(event, Persist)} == {
        RandomU64,
        RandomString,
        GeneratedExecutionId,
    }
    assert {type(event.error) for event in events if isinstance(event, ChildRequested)} == {
        type(None),
        FunctionNotFound,
        TypeCheckError,
    }
    assert {type(event.schedule_at) for event in events if isinstance(event, DelayRequested)} == {Now, At, In}
    assert {event.outcome for event in events if isinstance(event, JoinNextTry)} == set(TryOutcome)
    awaits = {(event.closing, event.requested_ffqn is None) for event in events if isinstance(event, JoinNext)}
    assert awaits == {(False, False), (False, True), (True, True)}
    assert {type(event.schedule_at) for event in events if isinstance(event, Scheduled)} == {Now, At, In}
    assert {type(event.error) for event in events if isinstance(event, Scheduled)} == {
        type(None),
        FunctionNotFound,
        TypeCheckError,
    }
    assert {type(event.error) for event in events if isinstance(event, Stubbed)} == {
        type(None),
        StubNotFound,
        StubConflict,
        TypeCheckError,
    }


def test_every_outcome_of_an_upgrade_is_recorded() -> None:
    upgrades = [event for event in _events() if isinstance(event, ComponentUpgradeFinished)]

    assert {(event.failure is None, event.automatic) for event in upgrades} == {
        (True, True),
        (True, False),
        (False, False),
    }


def test_a_recorded_schedule_makes_up_for_no_tick_that_was_left_out() -> None:
    (file,) = (each for each in FILES if each.stem == "left_out_ticks")
    seed = ExecutionId(_document(file)["target"])
    clock = SimulatedClock(datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC), patience_s=PATIENCE_S)
    registry = registry_with_schedule()
    world = Simulation(registry=registry, journal=restore(_recording(file)), clock=clock)
    world.start_executor()

    make_seeds(world.journal, registry, clock.now())
    world.run_to_rest()
    before = len(world.events_of(seed))
    world.advance(timedelta(seconds=10))
    world.run_to_rest()

    *_, locked, scheduled, unlocked = world.events_of(seed)
    assert before == len(_document(file)["executions"][seed]["events"])
    assert isinstance(locked, Locked)
    assert isinstance(scheduled, Scheduled)
    assert isinstance(unlocked, Unlocked)
    assert unlocked.backoff_expires_at == clock.now() + timedelta(seconds=10)
