from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.log.events import ChildFinished, DelayFinished, Response
from engine.log.ids import DelayId, ExecutionId, JoinSetId, Version
from engine.log.return_values import Failed, FailureKind
from engine.workflow.join_sets import JoinSet, MemberId, member_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PARENT, ID = ExecutionId("E_1"), JoinSetId("n:a")
CHILD, DELAY = ExecutionId("E_1.n:a_1"), DelayId("Delay_1.n:a_1")


def _response(member: MemberId) -> Response:
    event = (
        DelayFinished(delay_id=DelayId(member))
        if member.startswith("Delay_")
        else ChildFinished(
            child_execution_id=ExecutionId(member),
            finished_version=Version(2),
            retval=Failed(kind=FailureKind.CANCELLED),
        )
    )
    return Response(execution_id=PARENT, join_set_id=ID, created_at=NOW, event=event)


@pytest.mark.parametrize("member", [CHILD, DELAY])
def test_a_response_belongs_to_its_child_or_delay(member: MemberId) -> None:
    assert member_of(_response(member)) == member


def test_responses_are_consumed_in_order_of_arrival() -> None:
    join_set = JoinSet(ID, open=dict.fromkeys([CHILD, DELAY]))
    join_set.arrived.extend([_response(DELAY), _response(CHILD)])

    first = join_set.consume()

    assert member_of(first) == DELAY
    assert join_set.last == DELAY
    assert list(join_set.open) == [CHILD]
    join_set.consume()
    assert not join_set.open
    assert join_set.last == CHILD


@pytest.mark.parametrize(
    ("members", "private", "is_private"),
    [([], [], True), ([CHILD], [], False), ([CHILD], [CHILD], True), ([CHILD, DELAY], [CHILD], False)],
)
def test_a_join_set_is_private_while_all_its_open_members_are(
    members: list[MemberId], private: list[MemberId], is_private: bool
) -> None:
    assert JoinSet(ID, open=dict.fromkeys(members), private=set(private)).is_private == is_private


def test_consuming_a_private_members_response_leaves_the_rest_as_it_was() -> None:
    join_set = JoinSet(ID, open=dict.fromkeys([CHILD, DELAY]), private={CHILD})
    join_set.arrived.append(_response(CHILD))

    join_set.consume()

    assert not join_set.private
    assert not join_set.is_private  # the delay is visible
