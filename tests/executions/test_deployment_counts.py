from __future__ import annotations

from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engine.log import events as e
from engine.log.return_values import CANCELLED, Returned
from executions.deployment_counts import COUNTS, count_executions
from executions.journal.journal import SqlJournal
from tests.builders import (
    DEPLOYMENT,
    JOIN_SET,
    NOW,
    after,
    make_append,
    make_child,
    make_child_end,
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

OTHER = "Dep_01KBNHM5FQW81KP5Y3XMNX31K4"


def counted(*, include_derived: bool = False) -> dict[str, int]:
    counts = count_executions([DEPLOYMENT, OTHER], NOW, include_derived=include_derived)
    assert counts[OTHER] == dict.fromkeys(COUNTS, 0)
    assert list(counts[DEPLOYMENT]) == list(COUNTS)
    return {name: count for name, count in counts[DEPLOYMENT].items() if count}


@pytest.fixture
def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


def test_every_execution_counts_once(journal: SqlJournal) -> None:
    failed = e.Finished(retval=Returned(ok=False, payload=None))
    logs: list[tuple[e.ExecutionEvent, ...]] = [
        (make_created(),),
        (make_created(scheduled_at=after(1)),),
        (make_created(scheduled_at=after(1)), e.Paused()),
        (make_created(), make_locked()),
        (make_created(), make_finished()),
        (make_created(), make_finished()),
        (make_created(), failed),
        (make_created(), e.Finished(retval=CANCELLED)),
    ]
    for number, log in enumerate(logs, start=1):
        commit(journal, make_submit(make_execution_id(number), *log))

    assert counted() == {
        "locked": 1,
        "pending": 1,
        "scheduled": 1,
        "paused": 1,
        "finished_ok": 2,
        "finished_error": 1,
        "finished_execution_failure": 1,
    }
    assert counted(include_derived=True) == counted()


def test_what_workflows_submitted_counts_if_asked_for(journal: SqlJournal) -> None:
    root = make_execution_id(1)
    requests = [make_child_request(root, number) for number in (1, 2)]
    children = [make_child(root, number) for number in (1, 2)]
    commit(journal, make_submit(root, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    commit(journal, make_append(root, *requests, expected=3, created=children))
    commit(journal, make_append(root, make_join_next(), expected=5, awaits=True))
    assert counted() == {"blocked": 1}
    assert counted(include_derived=True) == {"blocked": 1, "pending": 2}

    commit(journal, make_child_end(root, 1))

    assert sum(counted().values()) == 1
    below = Counter(counted(include_derived=True)) - Counter(counted())
    assert below == {"pending": 1, "finished_ok": 1}


def test_of_no_deployment_there_is_no_number() -> None:
    assert count_executions([], NOW, include_derived=True) == {}


def test_what_has_finished_is_counted_in_its_index_and_the_others_are_found_in_theirs() -> None:
    with CaptureQueriesContext(connection) as queries:
        counted(include_derived=True)

    plans = []
    for query in queries.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            plans.append(cursor.fetchall()[0][3])
    assert plans == [
        "SEARCH executions_execution USING INDEX execution_ended (deployment_id=?)",
        "SEARCH executions_execution USING INDEX execution_ended_below (deployment_id=?)",
        "SCAN executions_execution USING INDEX execution_unfinished",
    ]
