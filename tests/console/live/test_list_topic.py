"""What a list hears of: rows that change, rows that match no longer, and new ones that wait."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from console.live import list_topic
from console.live.list_topic import ListTopic
from console.live.messages import Sub
from console.live.topics import Update
from executions.journal.journal import SqlJournal
from executions.liveness import beat
from executions.operations.pausing import pause
from tests.builders import NOW, make_created, make_execution_id, make_finished, make_locked, make_submit
from tests.engine.journal.commits import commit
from tests.executions.deployments import PING, deploy_runnable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("either_database")]

E1, E2, E3 = (make_execution_id(number) for number in (1, 2, 3))


def create(*ids: str) -> None:
    for each in ids:
        at = NOW + timedelta(seconds=int(each[-2:]))
        commit(SqlJournal.for_current_connection(), make_submit(each, make_created(), at=at))  # type: ignore[arg-type]


def topic(*keys: str, query: str = "status=pending", view: str = "match,top") -> ListTopic:
    return ListTopic(Sub(topic="executions", subject=query, view=view, keys=list(keys)))


def read(of: ListTopic, after: Update | None = None) -> Update:
    update = of.read({} if after is None else after.cursor, hidden=False)
    assert update is not None
    return update


def test_what_matches_no_longer_stays_and_says_so() -> None:
    create(E1, E2)
    page = topic(E2, E1)
    first = read(page)

    pause(E1)
    (row,) = read(page, first).rows

    assert (row.key, row.into) == (E1, "executions")
    assert 'class="ob-gone"' in row.html
    assert "no longer matches" in row.html
    assert "Paused" in row.html


def test_new_ones_are_counted_and_do_not_come_by_themselves() -> None:
    create(E1)
    page = topic(E1)
    first = read(page)
    assert "list-new" not in first.regions

    create(E2, E3)
    second = read(page, first)

    assert second.rows == []
    assert "↑ 2 new executions match — show" in second.regions["list-new"]
    assert page.read(second.cursor, hidden=False) is None
    pause(E2)
    assert "↑ 1 new execution matches — show" in read(page, second).regions["list-new"]


def test_an_empty_list_hears_of_the_first_one() -> None:
    page = topic()
    assert page.read({}, hidden=False) is None

    create(E1)

    assert "1 new execution matches" in read(page).regions["list-new"]


def test_no_more_are_counted_than_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_topic, "_MOST_NEW", 2)
    create(E1, E2, E3)

    assert "↑ 1+ new" in read(topic(E1)).regions["list-new"]


def test_older_pages_hear_of_nothing_new() -> None:
    create(E1, E2)

    assert read(topic(E1, view="match")).regions == {}


def test_with_a_filter_that_is_wrong_nothing_is_said_to_match_no_longer() -> None:
    create(E1)
    page = topic(E1, query="", view="labels")
    first = read(page)

    commit(SqlJournal.for_current_connection(), make_submit(E2, make_created(), make_locked(), make_finished()))
    pause(E1)

    assert "ob-gone" not in read(page, first).rows[0].html


def test_rows_have_the_columns_and_boxes_of_their_page() -> None:
    create(E1)

    plain, full = (read(topic(E1, view=view)).rows[0].html for view in ("match", "component,select,match"))

    assert ('name="selected"' in plain, 'name="selected"' in full) == (False, True)
    assert ("sha256:" in plain, "sha256:" in full) == (False, True)


def test_nobody_is_told_what_nobody_looks_at() -> None:
    create(E1)

    assert topic(E1).read({}, hidden=True) is None


def test_why_a_row_waits_changes_when_its_cause_does(tmp_path: Path) -> None:
    deploy_runnable(tmp_path)
    journal = SqlJournal.for_current_connection()
    commit(journal, make_submit(E1, make_created(ffqn=PING)))
    commit(journal, make_submit(E2, make_created(ffqn=PING), make_locked(), make_finished()))
    first = read(topic(E1, E2))
    assert "no executor is alive" in first.rows[0].html
    assert topic(E1, E2).read(first.cursor, hidden=False) is None
    now = timezone.now()

    beat("Exr_1", now=now, started_at=now, deployment_id=None, slots=1, running=0)

    second = read(topic(E1, E2), first)
    assert [row.key for row in second.rows] == [E1]
    assert "will be run in a moment" in second.rows[0].html
    assert topic(E1, E2).read(second.cursor, hidden=False) is None


def test_why_rows_wait_is_not_asked_at_every_commit_of_others(tmp_path: Path) -> None:
    deploy_runnable(tmp_path)
    commit(SqlJournal.for_current_connection(), make_submit(E1, make_created(ffqn=PING)))
    page = topic(E1)
    first = read(page)

    with CaptureQueriesContext(connection) as asked:
        assert page.read(first.cursor, hidden=False) is None

    assert not any("executorheartbeat" in query["sql"] for query in asked)
