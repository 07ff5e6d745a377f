from __future__ import annotations

import pytest

from console.parts.awaits import awaits_of, request_of, response_of, response_taken_by
from engine.log import events as e
from executions.journal.journal import SqlJournal
from executions.models import Event, JoinSetResponse
from tests.builders import make_execution_id
from tests.console.parts.families import DELAY, E1, LATER, child, store_family

pytestmark = pytest.mark.django_db


def event(version: int) -> Event:
    return Event.objects.get(execution_id=E1, version=version)


def test_each_await_takes_the_next_response_of_its_join_set() -> None:
    store_family(SqlJournal.for_current_connection())
    responses = {each.cursor: each for each in JoinSetResponse.objects.filter(execution_id=E1)}

    taken = awaits_of(E1, responses.values())

    # Child 2 came first, the delay of the other join set second, child 1 third; nobody awaits the fourth.
    assert taken == {1: 7, 2: 9, 3: 8}
    assert {cursor: each.child_execution_id for cursor, each in responses.items()} == {
        1: child(2),
        2: None,
        3: child(1),
        4: child(3),
    }


@pytest.mark.parametrize(("version", "cursor"), [(7, 1), (9, 2), (8, 3), (10, None), (LATER, None), (3, None)])
def test_the_way_back_leads_to_the_same_response(version: int, cursor: int | None) -> None:
    store_family(SqlJournal.for_current_connection())

    response = response_taken_by(event(version))

    assert (None if response is None else response.cursor) == cursor


def test_members_lead_to_their_submission_and_response() -> None:
    store_family(SqlJournal.for_current_connection())

    submitted = [request_of(member) for member in (child(1), child(2), child(3), DELAY, E1, make_execution_id(7))]
    came_back = [response_of(member) for member in (child(1), child(2), DELAY, E1)]

    assert [None if each is None else each.version for each in submitted] == [3, 4, 5, 6, None, None]
    assert [None if each is None else each.cursor for each in came_back] == [3, 1, 2, None]
    assert isinstance(submitted[0].entry().event if submitted[0] else None, e.ChildRequested)
