from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.deployment.spec import ComponentId, ComponentType
from engine.log.events import ChildRequested, Created, DelayFinished, JoinSetCreated, LogEntry, Response
from engine.log.ids import DelayId, DeploymentId, ExecutionId, JoinSetId, Version
from engine.log.return_values import JsonText
from engine.workflow.target import Target
from engine.workflow.write_buffer import WriteBuffer

T0 = datetime(2026, 1, 1, tzinfo=UTC)
T1 = T0 + timedelta(seconds=1)
PARENT, CHILD, OTHER = ExecutionId("E_1"), ExecutionId("E_1.n:a_1"), ExecutionId("E_2")
JOIN_SET = JoinSetId("n:a")
CREATED = Created(
    ffqn="a:b/c.d",
    params=JsonText("[]"),
    scheduled_at=T0,
    component_id=ComponentId(component_type=ComponentType.ACTIVITY, name="x", digest="sha256:0"),
    deployment_id=DeploymentId("Dep_1"),
)
REQUEST = ChildRequested(join_set_id=JOIN_SET, child_execution_id=CHILD, target_ffqn="a:b/c.d", params=JsonText("[]"))
TARGET = Target("a:b/c.d", JsonText("[]"), None)


def test_events_get_dense_versions_from_where_the_log_ends() -> None:
    buffer = WriteBuffer(Version(7))

    buffer.append(JoinSetCreated(join_set_id=JOIN_SET), T0)
    buffer.append(REQUEST, T1)

    assert [entry.version for entry in buffer.entries] == [7, 8]
    assert buffer.next_version == 9
    assert buffer.oldest_at == T0


def test_taking_empties_the_buffer_and_goes_on_counting() -> None:
    buffer = WriteBuffer(Version(2))
    response = Response(
        execution_id=PARENT, join_set_id=JOIN_SET, created_at=T0, event=DelayFinished(delay_id=DelayId("Delay_1.n:a_1"))
    )
    buffer.append(REQUEST, T0)
    buffer.create(CHILD, CREATED, T0, target=TARGET, child=REQUEST)
    buffer.responses.append(response)

    entries, created, responses = buffer.take()

    assert entries == (LogEntry(Version(2), T0, REQUEST),)
    assert [(new.execution_id, new.entries) for new in created] == [(CHILD, (LogEntry(Version(0), T0, CREATED),))]
    assert responses == (response,)
    assert buffer.is_empty
    assert not buffer.created
    assert not buffer.idle
    assert buffer.oldest_at is None
    assert buffer.next_version == 3


def test_what_a_newborn_did_meanwhile_is_taken_with_it() -> None:
    buffer = WriteBuffer(Version(2))
    buffer.create(CHILD, CREATED, T0, target=TARGET, child=REQUEST)
    buffer.created[CHILD].log.append(LogEntry(Version(1), T1, JoinSetCreated(join_set_id=JOIN_SET)))

    _, (born,), _ = buffer.take()

    assert len(born.entries) == 2


def test_children_wait_to_be_run_and_scheduled_executions_do_not() -> None:
    buffer = WriteBuffer(Version(2))

    buffer.create(OTHER, CREATED, T0, target=TARGET, child=None)
    buffer.create(CHILD, CREATED, T0, target=TARGET, child=REQUEST)

    assert list(buffer.created) == [OTHER, CHILD]
    assert list(buffer.idle) == [CHILD]


def test_a_response_alone_is_worth_a_commit() -> None:
    buffer = WriteBuffer(Version(2))
    assert buffer.is_empty

    buffer.responses.append(
        Response(
            execution_id=PARENT,
            join_set_id=JOIN_SET,
            created_at=T0,
            event=DelayFinished(delay_id=DelayId("Delay_1.n:a_1")),
        )
    )

    assert not buffer.is_empty


def test_a_step_under_way_can_stay_behind() -> None:
    buffer = WriteBuffer(Version(2))
    buffer.append(JoinSetCreated(join_set_id=JOIN_SET), T0)
    buffer.create(OTHER, CREATED, T0, target=TARGET, child=None)
    buffer.create(CHILD, CREATED, T1, target=TARGET, child=REQUEST)
    buffer.append(REQUEST, T1)
    buffer.append(JoinSetCreated(join_set_id=JOIN_SET), T1)
    buffer.under_way = buffer.created[CHILD]
    step = buffer.step_under_way
    assert step == LogEntry(Version(3), T1, REQUEST)

    aside = buffer.set_aside(step)
    entries, created, _ = buffer.take()
    buffer.put_back(aside)

    assert [entry.version for entry in entries] == [2]
    assert [new.execution_id for new in created] == [OTHER]
    assert [entry.version for entry in buffer.entries] == [3, 4]
    assert list(buffer.created) == list(buffer.idle) == [CHILD]
    assert buffer.oldest_at == T1
    assert buffer.next_version == 5


def test_a_step_stays_with_responses_that_came_after_its_request() -> None:
    buffer = WriteBuffer(Version(2))
    buffer.create(CHILD, CREATED, T0, target=TARGET, child=REQUEST)
    buffer.append(REQUEST, T0)
    buffer.under_way = buffer.created[CHILD]
    buffer.responses.append(
        Response(
            execution_id=PARENT,
            join_set_id=JOIN_SET,
            created_at=T0,
            at_version=Version(2),
            event=DelayFinished(delay_id=DelayId("Delay_1.n:a_1")),
        )
    )

    assert buffer.step_under_way is None
