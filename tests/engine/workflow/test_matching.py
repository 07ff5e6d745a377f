"""Which recorded event answers which request: field by field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from engine.log.events import (
    ChildRequested,
    DelayRequested,
    FunctionNotFound,
    GeneratedExecutionId,
    HistoryEvent,
    JoinNext,
    JoinNextTooMany,
    JoinNextTry,
    JoinSetCreated,
    Persist,
    RandomU64,
    Scheduled,
    Stubbed,
    StubConflict,
    StubNotFound,
    TryOutcome,
    TypeCheckError,
)
from engine.log.ids import DelayId, ExecutionId, JoinSetId
from engine.log.return_values import JsonText
from engine.log.schedules import At, In, Now
from engine.workflow.matching import answers

T0 = datetime(2026, 1, 1, tzinfo=UTC)
T1 = T0 + timedelta(hours=1)
JOIN_SET, OTHER_SET = JoinSetId("n:a"), JoinSetId("n:b")
CHILD, OTHER_CHILD = ExecutionId("E_1.n:a_1"), ExecutionId("E_1.n:a_2")

EVENTS: dict[str, HistoryEvent] = {
    "join set": JoinSetCreated(join_set_id=JOIN_SET),
    "persist": Persist(value=b"\x01", kind=RandomU64(0, 9)),
    "child": ChildRequested(
        join_set_id=JOIN_SET, child_execution_id=CHILD, target_ffqn="a:b/c.d", params=JsonText("[1]")
    ),
    "delay": DelayRequested(join_set_id=JOIN_SET, delay_id=DelayId("Delay_1.n:a_1"), expires_at=T0, schedule_at=Now()),
    "next": JoinNext(join_set_id=JOIN_SET, run_expires_at=T0, requested_ffqn="a:b/c.d"),
    "closing next": JoinNext(join_set_id=JOIN_SET, run_expires_at=T0, closing=True),
    "try": JoinNextTry(join_set_id=JOIN_SET, outcome=TryOutcome.PENDING),
    "too many": JoinNextTooMany(join_set_id=JOIN_SET, requested_ffqn="a:b/c.d"),
    "schedule": Scheduled(execution_id=CHILD, schedule_at=Now(), target_ffqn="a:b/c.d", params_hash="12"),
    "stub": Stubbed(target_execution_id=CHILD, retval_hash="0123"),
}

COMPARED: list[tuple[str, dict[str, Any]]] = [
    ("join set", {"join_set_id": OTHER_SET}),
    ("persist", {"value": b"\x02"}),
    ("persist", {"kind": RandomU64(0, 8)}),
    ("persist", {"kind": GeneratedExecutionId()}),
    ("child", {"join_set_id": OTHER_SET}),
    ("child", {"child_execution_id": OTHER_CHILD}),
    ("child", {"target_ffqn": "a:b/c.e"}),
    ("child", {"params": JsonText("[2]")}),
    ("delay", {"join_set_id": OTHER_SET}),
    ("delay", {"delay_id": DelayId("Delay_1.n:a_2")}),
    ("delay", {"schedule_at": At(T0)}),
    ("delay", {"schedule_at": In(timedelta())}),
    ("next", {"join_set_id": OTHER_SET}),
    ("next", {"requested_ffqn": None}),
    ("next", {"requested_ffqn": "a:b/c.e"}),
    ("next", {"closing": True}),
    ("closing next", {"closing": False}),
    ("try", {"join_set_id": OTHER_SET}),
    ("too many", {"join_set_id": OTHER_SET}),
    ("too many", {"requested_ffqn": None}),
    ("schedule", {"execution_id": OTHER_CHILD}),
    ("schedule", {"schedule_at": At(T0)}),
    ("schedule", {"target_ffqn": "a:b/c.e"}),
    ("schedule", {"params_hash": "13"}),
    ("stub", {"target_execution_id": OTHER_CHILD}),
    ("stub", {"retval_hash": "0124"}),
]

DECIDED_BY_THE_HOST: list[tuple[str, dict[str, Any]]] = [
    ("child", {"error": FunctionNotFound(), "params": JsonText("[]")}),
    ("child", {"error": TypeCheckError("no"), "params": JsonText("[]")}),
    ("delay", {"expires_at": T1}),
    ("delay", {"paused": True}),
    ("next", {"run_expires_at": T1}),
    ("try", {"outcome": TryOutcome.FOUND}),
    ("try", {"outcome": TryOutcome.ALL_PROCESSED}),
    ("schedule", {"error": FunctionNotFound(), "params_hash": "99"}),
    ("schedule", {"target_ffqn": "", "params_hash": ""}),  # a log that did not record them
    ("stub", {"error": StubConflict()}),
    ("stub", {"error": StubNotFound(), "retval_hash": "99"}),
    ("stub", {"error": TypeCheckError("no"), "retval_hash": "99"}),
]


@pytest.mark.parametrize("requested", EVENTS)
@pytest.mark.parametrize("recorded", EVENTS)
def test_only_its_own_record_answers_a_request(recorded: str, requested: str) -> None:
    assert answers(EVENTS[recorded], EVENTS[requested]) == (recorded == requested)


@pytest.mark.parametrize(("name", "change"), COMPARED)
def test_a_record_that_differs_in_what_the_code_decides_does_not_answer(name: str, change: dict[str, Any]) -> None:
    assert not answers(replace(EVENTS[name], **change), EVENTS[name])


@pytest.mark.parametrize(("name", "change"), DECIDED_BY_THE_HOST)
def test_a_record_may_differ_in_what_the_host_decides(name: str, change: dict[str, Any]) -> None:
    assert answers(replace(EVENTS[name], **change), EVENTS[name])


def test_a_conflict_was_about_the_value_which_is_compared() -> None:
    conflict = Stubbed(target_execution_id=CHILD, retval_hash="0124", error=StubConflict())

    assert not answers(conflict, EVENTS["stub"])


@pytest.mark.parametrize("name", EVENTS)
def test_every_field_is_either_compared_or_decided_by_the_host(name: str) -> None:
    covered = {field for case, change in COMPARED + DECIDED_BY_THE_HOST if case == name for field in change}
    if name == "closing next":
        covered |= {"join_set_id", "requested_ffqn", "run_expires_at"}  # as for the other
    assert covered == set(type(EVENTS[name]).__struct_fields__)
