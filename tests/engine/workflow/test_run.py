"""The run by itself: what it asks of its port, and how it orders what arrives. Guests test its operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from engine.deployment.registry import DeployedFunction
from engine.errors import ConstraintViolation, NondeterminismDetected, RunSuspended
from engine.log.events import (
    ChildFinished,
    ChildRequested,
    Created,
    DelayFinished,
    DelayRequested,
    ExecutionEvent,
    JoinNext,
    JoinSetCreated,
    LogEntry,
    Response,
    StubConflict,
    StubError,
    TryOutcome,
    TypeCheckError,
)
from engine.log.ids import DelayId, DeploymentId, ExecutionId, JoinSetId, Version
from engine.log.return_values import JsonText, Returned, ReturnValue
from engine.log.schedules import At, In, Now
from engine.log.state import initial_state
from engine.workflow.join_sets import MemberId
from engine.workflow.run import WorkflowRun
from engine.workflow.target import Target
from tests.harness.components import ADD, RUN, deploy
from tests.harness.world import execution_id

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ID = execution_id(1)
SET = JoinSetId("n:a")
DEPLOYMENT = DeploymentId("Dep_1")


@dataclass
class Port:
    """Notes what the run asks for, and answers as a test says."""

    instant: datetime = NOW
    arrivals: list[Response] = field(default_factory=list)
    taken: set[ExecutionId] = field(default_factory=set)
    stub_error: StubError | None = None
    cancelled: list[MemberId] = field(default_factory=list)
    stubbed: list[ExecutionId] = field(default_factory=list)
    yields: int = 0
    params_limit: int = 1000
    run: WorkflowRun | None = None

    def now(self) -> datetime:
        return self.instant

    def run_expires_at(self) -> datetime:
        return self.instant + timedelta(seconds=1)

    def is_taken(self, execution_id: ExecutionId) -> bool:
        return execution_id in self.taken

    def size_error(self, target: Target) -> TypeCheckError | None:
        return None if len(target.params) <= self.params_limit else TypeCheckError("too large")

    def wait(self, join_set: JoinSetId) -> None:
        assert self.run is not None
        self._arrive(self.run)
        if not self.run.join_sets.is_answered(join_set):
            raise RunSuspended

    def refresh(self) -> None:
        assert self.run is not None
        self._arrive(self.run)

    def yield_run(self) -> None:
        self.yields += 1
        raise RunSuspended

    def cancel(self, members: Sequence[MemberId]) -> None:
        self.cancelled.extend(members)

    def random_bytes(self, length: int) -> bytes:
        return bytes(length)

    def complete_stub(self, target: ExecutionId, retval: ReturnValue, ffqn: str) -> StubError | None:
        self.stubbed.append(target)
        return self.stub_error

    def _arrive(self, run: WorkflowRun) -> None:
        run.join_sets.deliver(self.arrivals)


def _run(port: Port, *events: ExecutionEvent, responses: Sequence[Response] = ()) -> WorkflowRun:
    component = _function().component.id
    created = Created(
        ffqn=RUN, params=JsonText("[[]]"), scheduled_at=NOW, component_id=component, deployment_id=DEPLOYMENT
    )
    entries = [LogEntry(Version(version), NOW, event) for version, event in enumerate([created, *events])]
    state = initial_state(ID, entries[0])
    state.next_version = Version(len(entries))
    port.run = WorkflowRun(state=state, entries=entries, responses=responses, port=port, deployment_id=DEPLOYMENT)
    return port.run


def _function() -> DeployedFunction:
    function = deploy().find(ADD)
    assert function is not None
    return function


def _target(params: str = "[1,2]") -> Target:
    return Target(ADD, JsonText(params), _function())


def _child(index: int = 1, join_set: JoinSetId = SET) -> ExecutionId:
    return ExecutionId(f"{ID}.{join_set}_{index}")


def _delay(index: int = 1, join_set: JoinSetId = SET) -> DelayId:
    return DelayId(f"Delay_{ID[2:]}.{join_set}_{index}")


def _of_child(index: int = 1, *, cursor: int = 1, join_set: JoinSetId = SET) -> Response:
    event = ChildFinished(
        child_execution_id=_child(index, join_set), finished_version=Version(2), retval=Returned(True, None)
    )
    return Response(execution_id=ID, cursor=cursor, join_set_id=join_set, created_at=NOW, event=event)


def _of_delay(index: int = 1, *, cursor: int = 1) -> Response:
    return Response(
        execution_id=ID, cursor=cursor, join_set_id=SET, created_at=NOW, event=DelayFinished(delay_id=_delay(index))
    )


def _taken(run: WorkflowRun) -> list[ExecutionEvent]:
    return [entry.event for entry in run.buffer.entries]


# Delays that are due when they are requested.


def test_a_due_delay_of_a_private_join_set_is_answered_at_once() -> None:
    port = Port()
    run = _run(port)
    run.create_named_join_set("a")

    run.submit_delay(SET, Now())

    assert run.join_sets.is_answered(SET)
    (response,) = run.buffer.responses
    # It comes behind its request and before whatever awaits it.
    assert response.at_version == run.buffer.next_version
    run.join_next(SET)
    assert isinstance(_taken(run)[-1], JoinNext)


@pytest.mark.parametrize("due", [Now(), At(NOW), In(timedelta())])
def test_a_due_delay_beside_what_others_answer_waits_for_its_place_in_the_journal(due: Now | At | In) -> None:
    port = Port()
    run = _run(port)
    run.create_named_join_set("a")
    run.submit(SET, _target())
    run.join_sets.publish()  # from now on the child's response may be in the journal, unknown to this run

    run.submit_delay(SET, due)

    assert not run.join_sets.is_answered(SET)
    assert run.buffer.responses == []
    port.arrivals = [_of_child(cursor=1), _of_delay(cursor=2)]
    first = run.join_next(SET)
    assert first is not None
    assert isinstance(first.event, ChildFinished)


# What is private.


def test_members_are_private_until_they_are_published() -> None:
    run = _run(Port())
    run.create_named_join_set("a")
    run.submit(SET, _target())
    assert run.join_sets.is_private(SET)

    run.join_sets.publish()

    assert run.join_sets.is_private(SET) is False
    run.submit(SET, _target())
    assert run.join_sets.is_private(SET) is False


def test_replayed_members_are_not_private() -> None:
    request = ChildRequested(join_set_id=SET, child_execution_id=_child(), target_ffqn=ADD, params=JsonText("[1,2]"))
    run = _run(Port(), JoinSetCreated(join_set_id=SET), request)

    run.create_named_join_set("a")
    run.submit(SET, _target())

    assert not run.join_sets.is_private(SET)
    assert run.buffer.is_empty


# Arrival.


def test_responses_arrive_before_replay_comes_to_their_join_set() -> None:
    request = ChildRequested(join_set_id=SET, child_execution_id=_child(), target_ffqn=ADD, params=JsonText("[1,2]"))
    await_next = JoinNext(join_set_id=SET, run_expires_at=NOW)
    run = _run(Port(), JoinSetCreated(join_set_id=SET), request, await_next, responses=[_of_child()])

    run.create_named_join_set("a")
    run.submit(SET, _target())

    assert run.join_next(SET) == _of_child()
    assert not run.is_replaying


def test_a_response_that_is_delivered_twice_counts_once() -> None:
    port = Port(arrivals=[_of_child(), _of_child()])
    run = _run(port)
    run.create_named_join_set("a")
    run.submit(SET, _target())
    run.join_sets.publish()

    assert run.join_next(SET) is not None
    assert run.join_next(SET) is None


def test_the_cursor_moves_on_over_own_responses_only() -> None:
    run = _run(Port())

    assert run.join_sets.committed(responses_before=0, response_count=2) is False
    assert run.join_sets.loaded_cursor == 2
    assert run.join_sets.committed(responses_before=3, response_count=4) is True  # somebody else's came between
    assert run.join_sets.loaded_cursor == 2


# Polling.


def _polling(port: Port, *events: ExecutionEvent) -> WorkflowRun:
    run = _run(port, *events)
    run.create_named_join_set("a")
    run.submit(SET, _target())
    run.join_sets.publish()
    return run


def test_a_run_that_polls_in_vain_gives_way_after_a_hundred_tries() -> None:
    port = Port()
    run = _polling(port)
    for _ in range(99):
        assert run.join_next_try(SET)[0] is TryOutcome.PENDING

    with pytest.raises(RunSuspended):
        run.join_next_try(SET)

    assert port.yields == 1


def test_tries_of_earlier_runs_do_not_count() -> None:
    first = Port()
    run = _polling(first)
    for _ in range(99):
        run.join_next_try(SET)
    with pytest.raises(RunSuspended):
        run.join_next_try(SET)
    recorded = [entry.event for entry in run.buffer.entries]

    second = Port()
    run = _polling(second, *recorded)
    for _ in range(100 + 99):
        run.join_next_try(SET)

    assert second.yields == 0
    with pytest.raises(RunSuspended):
        run.join_next_try(SET)


def test_a_try_that_finds_something_starts_the_count_again() -> None:
    port = Port()
    run = _polling(port)
    run.submit(SET, _target())
    for _ in range(60):
        run.join_next_try(SET)
    port.arrivals = [_of_child(1)]
    assert run.join_next_try(SET)[0] is TryOutcome.FOUND

    for _ in range(99):
        run.join_next_try(SET)

    assert port.yields == 0


# Closing.


def test_closing_asks_to_cancel_the_open_members_newest_first_and_once() -> None:
    port = Port()
    run = _run(port)
    run.create_named_join_set("a")
    for _ in range(2):
        run.submit(SET, _target())
    run.submit_delay(SET, In(timedelta(days=1)))
    run.join_sets.publish()
    port.arrivals = [_of_child(1, cursor=1), _of_delay(1, cursor=2), _of_child(2, cursor=3)]

    run.close(SET)

    assert port.cancelled == [_delay(1), _child(2), _child(1)]
    closing = [event for event in _taken(run) if isinstance(event, JoinNext)]
    assert [event.closing for event in closing] == [True] * 3


def test_members_whose_response_is_there_are_not_asked_to_be_cancelled() -> None:
    port = Port()
    run = _run(port)
    run.create_named_join_set("a")
    run.submit(SET, _target())
    run.join_sets.publish()
    run.join_sets.deliver([_of_child()])

    run.close(SET)

    assert port.cancelled == []


def test_a_closed_join_set_takes_nothing_more() -> None:
    run = _run(Port())
    run.create_named_join_set("a")
    run.close(SET)

    for use in (lambda: run.submit(SET, _target()), lambda: run.join_next(SET), lambda: run.close(SET)):
        with pytest.raises(ConstraintViolation, match="is closed"):
            use()


def test_a_run_that_cannot_follow_its_history_names_all_that_is_open_newest_first() -> None:
    requests = [
        ChildRequested(join_set_id=SET, child_execution_id=_child(index), target_ffqn=ADD, params=JsonText("[1,2]"))
        for index in (1, 2)
    ]
    delay = DelayRequested(join_set_id=SET, delay_id=_delay(), expires_at=NOW, schedule_at=Now())
    run = _run(Port(), JoinSetCreated(join_set_id=SET), *requests, delay, responses=[_of_child(1)])
    run.create_named_join_set("a")
    run.submit(SET, _target())

    with pytest.raises(NondeterminismDetected):
        run.submit(SET, _target("[9,9]"))

    # The second child and the delay were never come to; the first child has ended.
    assert run.abandoned_members() == [_delay(), _child(2)]


# Stubs.


def test_a_stub_is_recorded_with_what_the_port_says() -> None:
    port = Port(stub_error=StubConflict())
    run = _run(port)

    outcome = run.stub(_child(), ADD, Returned(True, None), None)

    assert outcome == StubConflict()
    assert port.stubbed == [_child()]


def test_a_replayed_stub_has_no_effect() -> None:
    first = Port()
    run = _run(first)
    run.stub(_child(), ADD, Returned(True, None), None)
    recorded = [entry.event for entry in run.buffer.entries]

    second = Port(stub_error=StubConflict())
    run = _run(second, *recorded)

    assert run.stub(_child(), ADD, Returned(True, None), None) is None
    assert second.stubbed == []


# Scheduling.


def test_an_id_that_the_run_made_up_needs_no_look_at_the_journal() -> None:
    port = Port()
    run = _run(port)
    fresh = run.generate_execution_id()
    port.taken = {fresh}  # asked, it would say so

    assert run.schedule(fresh, Now(), _target()) is None


def test_an_id_that_is_taken_is_a_violation() -> None:
    other = execution_id(7)
    run = _run(Port(taken={other}))

    with pytest.raises(ConstraintViolation, match="exists"):
        run.schedule(other, Now(), _target())

    assert run.buffer.is_empty


def test_a_schedule_out_of_range_is_a_violation() -> None:
    run = _run(Port())

    with pytest.raises(ConstraintViolation, match="out of range"):
        run.schedule(execution_id(7), In(timedelta.max), _target())
