"""A workflow with children and a delay, of which some came back and were awaited."""

from __future__ import annotations

from typing import Final

from engine.log import events as e
from engine.log.ids import ExecutionId, JoinSetId, child_id, delay_id
from executions.journal.journal import SqlJournal
from tests.builders import (
    JOIN_SET,
    make_append,
    make_child,
    make_child_end,
    make_child_request,
    make_created,
    make_delay_end,
    make_delay_request,
    make_execution_id,
    make_holder,
    make_join_next,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit

E1: Final = make_execution_id(1)
OTHER: Final = JoinSetId("g:1")
DELAY: Final = delay_id(E1, OTHER, 1)
LATER: Final = 11
"""Version of an await that waits."""


def child(number: int) -> ExecutionId:
    """Return the id of a child."""
    return child_id(E1, JOIN_SET, number)


def store_family(journal: SqlJournal) -> None:
    """Store it: requests from version 3 on, awaits from 7 on."""
    commit(journal, make_submit(E1, make_created(), make_locked()))
    requests: list[e.ExecutionEvent] = [
        e.JoinSetCreated(join_set_id=JOIN_SET),
        *(make_child_request(E1, number) for number in (1, 2, 3)),
        make_delay_request(E1, join_set=OTHER),
    ]
    children = tuple(make_child(E1, number) for number in (1, 2, 3))
    commit(journal, make_append(E1, *requests, expected=2, holder=make_holder(), created=children))
    commit(journal, make_child_end(E1, 2))
    commit(journal, make_delay_end(DELAY))
    commit(journal, make_child_end(E1, 1))
    commit(journal, make_child_end(E1, 3))
    awaits: list[e.ExecutionEvent] = [
        make_join_next(),
        e.JoinNextTry(join_set_id=JOIN_SET, outcome=e.TryOutcome.FOUND),
        make_join_next(join_set=OTHER),
        e.JoinNextTry(join_set_id=OTHER, outcome=e.TryOutcome.ALL_PROCESSED),
        make_join_next(join_set=OTHER),
    ]
    commit(journal, make_append(E1, *awaits, expected=7, holder=make_holder(), seen=4))
