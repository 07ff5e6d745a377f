"""Replays without effects: of every recorded history, whole and cut after every event, and of what goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from engine.clock import SimulatedClock
from engine.executor.cancellation import request_cancellation
from engine.log.events import HISTORY_EVENTS, ChildRequested, Finished, HistoryEvent, JoinNext, Stubbed
from engine.log.ids import ExecutionId
from engine.log.return_values import CANCELLED, Returned
from engine.replay.outcomes import Advanceable, Blocked, FinishedReplay, Parting, ReplayFailed, ReplayOutcome
from engine.replay.subject import load_subject
from engine.simulation.recordings import Recording, last_instant, parse_recording, record, restore
from engine.simulation.timeless import normalised
from tests.harness import steps as s
from tests.harness.components import ASK, RUN_CANCELLABLE, deploy
from tests.harness.recordings import cut, with_events
from tests.harness.replayers import make_replayer, replay_here
from tests.harness.simulation import Simulation
from tests.histories.record import recorded_deployment

HISTORIES = sorted((Path(__file__).parents[2] / "histories").glob("*.json"))
every_history = pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)


def _recording(file: Path) -> Recording:
    return parse_recording(json.loads(file.read_text())["executions"])


def _workflows(recording: Recording) -> Iterator[ExecutionId]:
    for execution_id, recorded in recording.items():
        if recorded.state(execution_id).component_id.component_type == "workflow":
            yield execution_id


def _replayed(recording: Recording, target: ExecutionId) -> ReplayOutcome:
    clock = SimulatedClock(last_instant(recording) + timedelta(days=1))
    return replay_here(restore(recording), clock, recorded_deployment(), target)


def _captured(outcome: ReplayOutcome) -> list[HistoryEvent]:
    assert isinstance(outcome, Advanceable), outcome
    return [
        entry.event for write in outcome.writes for entry in write.entries if isinstance(entry.event, HISTORY_EVENTS)
    ]


@every_history
def test_every_recorded_execution_is_reproduced_completely(file: Path) -> None:
    recording = _recording(file)

    for target in _workflows(recording):
        last = recording[target].entries[-1].event
        assert isinstance(last, Finished)
        assert _replayed(recording, target) == FinishedReplay(last.retval)


@every_history
def test_a_history_cut_anywhere_is_followed_and_goes_on_as_it_did(file: Path) -> None:
    recording = _recording(file)
    for target in _workflows(recording):
        whole = recording[target]
        last = whole.entries[-1].event
        if not isinstance(last, Finished) or not isinstance(last.retval, Returned):
            continue
        for version in range(1, len(whole.entries)):
            outcome = _replayed(cut(recording, target, version), target)

            if isinstance(outcome, Blocked):
                assert isinstance(_last_history_event(recording, target, version), JoinNext)
                continue
            captured = _captured(outcome)
            recorded = [entry.event for entry in whole.entries[version:] if isinstance(entry.event, HISTORY_EVENTS)]
            # What a stub's result leads to is known only once it was applied.
            until = next((i for i, event in enumerate(captured) if isinstance(event, Stubbed)), len(captured))
            assert normalised(captured[:until]) == normalised(recorded[:until])


def _last_history_event(recording: Recording, target: ExecutionId, version: int) -> HistoryEvent:
    return [entry.event for entry in recording[target].entries[:version] if isinstance(entry.event, HISTORY_EVENTS)][-1]


@every_history
def test_every_recorded_execution_follows_its_history(file: Path) -> None:
    recording = _recording(file)
    journal, clock = restore(recording), SimulatedClock(last_instant(recording) + timedelta(days=1))
    for target in _workflows(recording):
        subject = load_subject(journal, target)
        function = recorded_deployment().find(subject.state.ffqn)
        assert function is not None
        parting = make_replayer(journal, clock).find_parting(subject, function, recorded_deployment())

        has_diverged = subject.state.result_kind == "nondeterminism_detected"
        assert isinstance(parting, Parting) == has_diverged


# --- What goes on -----------------------------------------------------------------------------------------------------


def _replay(world: Simulation, target: ExecutionId, *, most_writes: int = 100) -> ReplayOutcome:
    before = world.log_of(target)
    outcome = replay_here(world.journal, world.clock, world.registry, target, most_writes=most_writes)
    assert world.log_of(target) == before, "a replay writes nothing"
    return outcome


def test_a_fresh_workflow_would_write_one_write_a_host_call() -> None:
    world = Simulation()
    target = world.submit_steps(s.random_u64(0, 10), s.call("add", 1, 2), s.random_u64(0, 10))

    outcome = _replay(world, target)

    assert isinstance(outcome, Advanceable)
    assert [len(write.entries) for write in outcome.writes] == [1, 3]
    assert [write.append.expected for write in outcome.writes] == [1, 2]
    call = outcome.writes[1].append
    assert call.awaits
    assert [new.execution_id for new in call.created] == [f"{target}.o:1-add_1"]


def test_a_workflow_that_waits_has_nothing_to_write() -> None:
    world = Simulation()
    world.start_executor()
    target = world.submit_steps(s.sleep(s.after_ms(60_000)))
    world.run_to_rest()

    assert _replay(world, target) == Blocked()


def test_the_end_is_the_last_write() -> None:
    world = Simulation()
    target = world.submit_steps(s.random_u64(0, 10))

    outcome = _replay(world, target)

    assert isinstance(outcome, Advanceable)
    end = outcome.writes[-1].entries[-1].event
    assert isinstance(end, Finished)
    assert isinstance(end.retval, Returned)


def test_no_more_is_captured_than_wanted() -> None:
    world = Simulation()
    target = world.submit_steps(*[s.random_u64(0, 10)] * 10)

    outcome = _replay(world, target, most_writes=4)

    assert isinstance(outcome, Advanceable)
    assert len(outcome.writes) == 4


def test_nothing_is_known_behind_a_delay_that_is_due_at_once() -> None:
    world = Simulation()
    target = world.submit_steps(s.sleep(s.NOW), s.random_u64(0, 10))

    outcome = _replay(world, target)

    assert isinstance(outcome, Advanceable)
    (write,) = outcome.writes
    assert len(write.append.responses) == 1


def test_nothing_is_known_behind_a_stubs_result() -> None:
    world = Simulation()
    target = world.submit(ASK, ["may I?"])

    outcome = _replay(world, target)

    assert isinstance(outcome, Advanceable)
    stub = outcome.writes[-1].stub
    assert stub is not None
    assert stub.end.responses[0].execution_id == target
    assert isinstance(outcome.writes[-1].entries[-1].event, Stubbed)


def test_what_a_closing_join_set_cancels_is_told() -> None:
    world = Simulation()
    target = world.submit_steps(s.create(), s.submit(0, "add", 1, 2), s.close(0))

    outcome = _replay(world, target)

    assert isinstance(outcome, Advanceable)
    assert outcome.writes[-1].cancels == (f"{target}.g:1_1",)
    assert outcome.writes[-1].append.awaits


# --- What does not follow ---------------------------------------------------------------------------------------------


def _other_event(world: Simulation, target: ExecutionId, version: int) -> Recording:

    recording = record(world.journal, target)
    events = [entry.event for entry in recording[target].entries]
    event = events[version]
    assert isinstance(event, ChildRequested)
    events[version] = ChildRequested(
        join_set_id=event.join_set_id,
        child_execution_id=event.child_execution_id,
        target_ffqn=event.target_ffqn,
        params=type(event.params)("[5,5]"),
    )
    return {**recording, target: with_events(recording[target], *events)}


def test_the_event_at_which_history_and_code_part_is_named() -> None:
    world = Simulation()
    world.start_executor()
    target = world.submit_steps(s.call("add", 1, 2))
    world.run(target)
    version = next(entry.version for entry in world.log_of(target) if isinstance(entry.event, ChildRequested))

    outcome = _replayed(_other_event(world, target, version), target)

    assert isinstance(outcome, ReplayFailed)
    assert outcome.version == version
    assert "key does not match event stored at version" in outcome.error


def test_a_workflow_that_dies_is_told_with_what_it_would_have_written() -> None:
    world = Simulation()
    target = world.submit_steps(s.random_u64(0, 10), s.panic())

    outcome = _replay(world, target)

    assert isinstance(outcome, ReplayFailed)
    assert outcome.version is None
    assert len(outcome.writes) == 1


def test_a_replay_does_not_take_for_ever() -> None:
    world = Simulation()
    target = world.submit_steps(s.spin())
    replayer = make_replayer(world.journal, world.clock, patience=timedelta(milliseconds=300))
    function = world.registry.find(world.state_of(target).ffqn)
    assert function is not None

    outcome = replayer.replay(load_subject(world.journal, target), function, world.registry)

    assert outcome == ReplayFailed(error="the replay took longer than 0.3 s")


def test_a_cancelled_workflow_is_followed_to_where_it_was_cancelled() -> None:

    world = Simulation(registry=deploy())
    executor = world.start_executor()
    target = world.submit_steps(
        s.create(), s.submit_delay(0, s.after_ms(90_000)), s.sleep(s.after_ms(60_000)), ffqn=RUN_CANCELLABLE
    )
    world.run_to_rest()
    request_cancellation(executor.executor._services, target)
    world.run(target)

    assert _replay(world, target) == FinishedReplay(CANCELLED)
