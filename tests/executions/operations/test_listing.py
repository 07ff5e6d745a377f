from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engine.log import events as e
from engine.log.ids import ExecutionId, child_id
from engine.log.labels import label_metadata
from engine.log.return_values import CANCELLED, Failed, FailureKind, Returned
from executions.journal.journal import SqlJournal
from executions.models import Execution, Label, OperationRecord
from executions.operations import listing
from executions.operations.listing import (
    STUCK_AFTER,
    CursorRefused,
    Direction,
    ExecutionFilter,
    ListedStatus,
    Place,
    page_of,
    page_query,
    place_at,
)
from tests.builders import (
    FFQN,
    JOIN_SET,
    NOW,
    after,
    make_append,
    make_child,
    make_child_request,
    make_created,
    make_execution_id,
    make_finished,
    make_join_next,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit

pytestmark = pytest.mark.django_db

E1, E2, E3, E4, E5, E6 = (make_execution_id(number) for number in range(1, 7))
OTHER = "test:pkg/api.other"
ANN = "user:ann"


@pytest.fixture
def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


@pytest.fixture
def five(journal: SqlJournal) -> list[ExecutionId]:
    """Five executions, the oldest first; the second to fourth were created at the same instant."""
    for execution_id, seconds in ((E1, 0), (E2, 1), (E3, 1), (E4, 1), (E5, 2)):
        commit(journal, make_submit(execution_id, make_created(), at=after(seconds)))
    return [E1, E2, E3, E4, E5]


def listed(**conditions: Any) -> list[str]:
    return [row.execution_id for row in page_of(ExecutionFilter(**conditions), length=100, now=NOW)]


# --- Pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 2, 3, 10])
@pytest.mark.parametrize("direction", Direction)
def test_pages_neither_repeat_nor_skip(five: list[ExecutionId], direction: Direction, length: int) -> None:
    seen: list[str] = []
    place: Place | None = None
    while page := page_of(ExecutionFilter(), place=place, direction=direction, length=length):
        ids = [row.execution_id for row in page]
        assert ids == sorted(ids, reverse=True)
        seen = [*seen, *ids] if direction is Direction.OLDER else [*ids, *seen]
        place = place_at(ids[-1] if direction is Direction.OLDER else ids[0])

    assert seen == five[::-1]


@pytest.mark.parametrize("direction", Direction)
def test_what_is_at_the_place_belongs_to_the_page_if_asked_for(five: list[ExecutionId], direction: Direction) -> None:
    def ids(*, including: bool) -> set[str]:
        rows = page_of(ExecutionFilter(), place=place_at(E3), direction=direction, including=including, length=9)
        return {row.execution_id for row in rows}

    assert ids(including=True) - ids(including=False) == {E3}


@pytest.mark.parametrize(
    ("direction", "including", "expected"),
    [
        (Direction.OLDER, False, [E1]),
        (Direction.OLDER, True, [E4, E3, E2, E1]),
        (Direction.NEWER, False, [E5]),
        (Direction.NEWER, True, [E5, E4, E3, E2]),
    ],
)
def test_an_instant_is_a_place_too(
    five: list[ExecutionId], direction: Direction, *, including: bool, expected: list[str]
) -> None:
    place = place_at(after(1).isoformat())
    rows = page_of(ExecutionFilter(), place=place, direction=direction, including=including, length=9)

    assert [row.execution_id for row in rows] == expected


@pytest.mark.parametrize("cursor", ["", "nonsense", "E_1", make_execution_id(77), "2026-01-31", "2026-01-31T00:00:00"])
def test_a_cursor_that_leads_nowhere_is_refused(cursor: str) -> None:
    with pytest.raises(CursorRefused, match=r"^cursor: "):
        place_at(cursor)


# --- Filters ----------------------------------------------------------------------------------------------------------


def test_children_are_listed_when_asked_for(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    commit(journal, make_append(E1, make_child_request(E1, 1), expected=3, created=[make_child(E1, 1)]))
    child = child_id(E1, JOIN_SET, 1)

    assert listed() == [E1]
    assert set(listed(show_derived=True)) == {E1, child}
    assert listed(parent=E1) == [child]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"function": OTHER}, [E2]),
        ({"function": "test:pkg/api"}, []),
        ({"ffqn_prefix": "test:pkg/api.o"}, [E2]),
        ({"ffqn_prefix": "test:"}, [E2, E1]),
        ({"ffqn_prefix": "TEST:"}, []),
        ({"ffqn_prefix": "%"}, []),
        ({"execution_id_prefix": E1}, [E1]),
        ({"execution_id_prefix": "e_"}, []),
        ({"created_after": after(1)}, [E2]),
        ({"created_before": after(1)}, [E1]),
        ({"labels": (("city", "Rome"),)}, [E2, E1]),
        ({"labels": (("city", "Rome"), ("team", "a"))}, [E1]),
        ({"labels": (("city", "rome"),)}, []),
        ({"component": "nobody"}, []),
        ({"component_digest": "sha256:0"}, []),
        ({"deployment_id": "Dep_0"}, []),
    ],
)
def test_filters_narrow_the_list(journal: SqlJournal, conditions: dict[str, Any], expected: list[str]) -> None:
    first = make_created(metadata=label_metadata({"city": "Rome", "team": "a"}))
    second = make_created(ffqn=OTHER, metadata=label_metadata({"city": "Rome"}))
    commit(journal, make_submit(E1, first), make_submit(E2, second, at=after(1)))

    assert listed(**conditions) == expected


def test_what_they_ran_on_can_be_asked_for(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created()))
    row = Execution.objects.get()

    assert listed(component=row.component_name, component_digest=row.component_digest) == [E1]
    assert listed(deployment_id=row.deployment_id) == [E1]


@pytest.fixture
def every_state(journal: SqlJournal) -> dict[str, ExecutionId]:
    """One execution for each state, by its name."""
    ids: dict[str, ExecutionId] = {
        name: make_execution_id(number) for number, name in enumerate(sorted(ListedStatus), 1)
    }
    failed = e.TemporarilyFailed(backoff_expires_at=after(60), reason="502")
    error, cancelled = e.Finished(retval=Returned(ok=False, payload=None)), e.Finished(retval=CANCELLED)
    failure = e.Finished(retval=Failed(kind=FailureKind.TIMED_OUT))
    join_set = e.JoinSetCreated(join_set_id=JOIN_SET)
    commit(
        journal,
        make_submit(ids["pending"], make_created()),
        make_submit(ids["scheduled"], make_created(scheduled_at=after(60))),
        make_submit(ids["retrying"], make_created(), make_locked(), failed),
        make_submit(ids["locked"], make_created(), make_locked()),
        make_submit(ids["blocked"], make_created(), make_locked(), join_set),
        make_submit(ids["paused"], make_created(), e.Paused()),
        make_submit(ids["cancelling"], make_created(), e.CancellationRequested()),
        make_submit(ids["finished_ok"], make_created(), make_locked(), make_finished()),
        make_submit(ids["finished_error"], make_created(), make_locked(), error),
        make_submit(ids["finished_failed"], make_created(), make_locked(), failure),
        make_submit(ids["finished_cancelled"], make_created(), make_locked(), cancelled),
    )
    commit(journal, make_append(ids["blocked"], make_join_next(), expected=3, awaits=True))
    return ids


@pytest.mark.parametrize(
    "status",
    sorted(
        set(ListedStatus)
        - {
            ListedStatus.FINISHED,
            ListedStatus.FINISHED_EXECUTION_FAILURE,
            ListedStatus.UNFINISHED,
            ListedStatus.SCHEDULED,
        }
    ),
)
def test_each_state_can_be_asked_for(every_state: dict[str, ExecutionId], status: ListedStatus) -> None:
    assert listed(statuses=(status,)) == [every_state[status]]


def test_what_is_retried_is_also_pending_or_scheduled(every_state: dict[str, ExecutionId]) -> None:
    assert set(listed(statuses=(ListedStatus.PENDING, ListedStatus.SCHEDULED))) == {
        every_state["pending"],
        every_state["scheduled"],
        every_state["retrying"],
    }


def test_what_somebody_submitted_can_be_asked_for(five: list[ExecutionId]) -> None:
    for execution_id, operation, actor in ((E1, "submit", ANN), (E2, "submit", "user:bob"), (E3, "cancel", ANN)):
        OperationRecord.objects.create(execution_id=execution_id, operation=operation, actor=actor, at=NOW)

    assert listed(submitted_by=ANN) == [E1]


def test_some_can_be_asked_for_by_their_ids(five: list[ExecutionId]) -> None:
    assert listed(ids=(E2, E4)) == [E4, E2]


def test_states_can_be_asked_for_together(every_state: dict[str, ExecutionId]) -> None:
    ends = ("finished_ok", "finished_error", "finished_failed", "finished_cancelled")
    finished = {every_state[name] for name in ends}

    assert set(listed(statuses=(ListedStatus.FINISHED,))) == finished
    assert set(listed(statuses=(ListedStatus.FINISHED_EXECUTION_FAILURE,))) == {
        every_state["finished_failed"],
        every_state["finished_cancelled"],
    }
    unfinished = listed(statuses=(ListedStatus.UNFINISHED,))
    assert set(unfinished) == set(listed(hide_finished=True))
    assert not finished.intersection(unfinished)
    assert len(listed(statuses=(ListedStatus.PAUSED, ListedStatus.FINISHED_OK))) == 2


def test_stuck_is_what_is_due_for_long_and_nobody_runs(journal: SqlJournal) -> None:
    long_ago = NOW - STUCK_AFTER
    commit(
        journal,
        make_submit(E1, make_created(scheduled_at=long_ago)),
        make_submit(E2, make_created(scheduled_at=long_ago + timedelta(seconds=1))),
        make_submit(E3, make_created(scheduled_at=long_ago), e.Paused()),
        make_submit(E4, make_created(scheduled_at=long_ago), make_locked(until=after(1))),
        make_submit(
            E5,
            make_created(scheduled_at=long_ago - timedelta(seconds=9)),
            make_locked(until=long_ago),
            at=long_ago - timedelta(seconds=9),
        ),
    )

    assert set(listed(stuck=True)) == {E1, E5}


def test_what_ended_between_two_instants_can_be_asked_for(journal: SqlJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    for execution_id, created, ended in ((E1, 0, 30), (E2, 1, 10), (E3, 20, 25), (E4, 40, 45)):
        commit(journal, make_submit(execution_id, make_created(), make_locked(until=after(60)), at=after(created)))
        commit(journal, make_append(execution_id, make_finished(), expected=2, at=after(ended)))
    commit(journal, make_submit(E5, make_created(), at=after(21)))

    assert listed(finished_after=after(20), finished_before=after(40)) == [E3, E1]
    assert listed(finished_after=after(30)) == [E4, E1]
    assert listed(finished_before=after(30)) == [E3, E2]
    assert listed(finished_after=after(20), statuses=(ListedStatus.FINISHED_OK,)) == [E4, E3, E1]
    assert listed(finished_after=after(20), statuses=(ListedStatus.FINISHED_ERROR,)) == []
    assert listed(finished_after=after(20), statuses=(ListedStatus.PENDING, ListedStatus.FINISHED_OK)) == [E4, E3, E1]
    monkeypatch.setattr(listing, "_FEW", 1)
    assert listed(finished_after=after(20), finished_before=after(40)) == [E3, E1]
    assert listed(finished_before=after(30)) == [E3, E2]
    assert listed(show_derived=True, finished_after=after(30)) == [E4, E1]


def test_what_ended_lately_is_found_by_when_it_ended(journal: SqlJournal) -> None:
    with CaptureQueriesContext(connection) as asked:
        listed(finished_after=after(20), statuses=(ListedStatus.FINISHED_ERROR,))

    first = asked[0]["sql"]
    plan = str(connection.cursor().execute(f"EXPLAIN QUERY PLAN {first}").fetchall())
    assert "USING INDEX execution_ended_at (due_at>?)" in plan
    assert "TEMP B-TREE" not in plan


# --- Indexes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "index"),
    [
        ({}, "execution_top_level"),
        ({"show_derived": True}, "execution_created"),
        ({"show_derived": True, "finished_after": NOW, "finished_before": NOW}, "execution_created"),
        ({"show_derived": True, "hide_finished": True}, "execution_unfinished"),
        ({"show_derived": True, "statuses": (ListedStatus.PAUSED, ListedStatus.LOCKED)}, "execution_unfinished"),
        ({"show_derived": True, "function": FFQN}, "execution_function"),
        ({"labels": (("city", "Rome"),)}, "label_value"),
        ({"submitted_by": ANN}, "operation_submitted_by"),
        ({"parent": E1}, "sqlite_autoindex_executions_execution_1"),
    ],
)
@pytest.mark.parametrize("direction", Direction)
def test_pages_are_found_by_an_index(conditions: dict[str, Any], index: str, direction: Direction) -> None:
    plan = page_query(ExecutionFilter(**conditions), place=Place(NOW, E3), direction=direction, length=20).explain()

    assert f"INDEX {index}" in plan
    assert "SCAN executions_execution\n" not in f"{plan}\n"


@pytest.mark.parametrize("direction", Direction)
def test_a_page_begins_at_its_place_without_passing_over_what_lies_before(direction: Direction) -> None:
    plan = page_query(ExecutionFilter(), place=Place(NOW, E3), direction=direction, length=20).explain()

    operator = "<" if direction is Direction.OLDER else ">"
    assert f"SEARCH executions_execution USING INDEX execution_top_level (created_at{operator}?)" in plan
    assert "TEMP B-TREE" not in plan


# --- Labels -----------------------------------------------------------------------------------------------------------


def test_labels_are_stored_with_their_execution_and_nothing_else_is(journal: SqlJournal) -> None:
    metadata = (("obelisk-seed", "00"), *label_metadata({"city": "Rome"}))
    commit(journal, make_submit(E1, make_created(metadata=metadata)), make_submit(E2, make_created()))

    assert list(Label.objects.values_list("execution_id", "name", "value")) == [(E1, "city", "Rome")]
