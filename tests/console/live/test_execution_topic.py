"""What an open page says of an execution stays true although nothing is written to it."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from console.live import execution_topic
from console.live.execution_topic import ExecutionTopic
from console.live.messages import Sub
from console.live.topics import Cursor, Update
from engine.log import events as e
from engine.log.ids import JoinSetId
from executions.journal.journal import SqlJournal
from executions.liveness import beat
from executions.operations.pausing import pause
from tests.builders import make_append, make_created, make_execution_id, make_holder, make_locked, make_submit
from tests.engine.journal.commits import commit
from tests.executions.deployments import PING, deploy_runnable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("either_database")]

E1 = make_execution_id(1)


def topic(view: str) -> ExecutionTopic:
    return ExecutionTopic(Sub(topic="execution", subject=E1, view=view))


@pytest.fixture(params=["console_execution", "console_events", "console_logs", "console_debug"])
def view(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    deploy_runnable(tmp_path)
    commit(SqlJournal.for_current_connection(), make_submit(E1, make_created(ffqn=PING)))
    return str(request.param)


def shown(view: str) -> Cursor:
    """Have a page that shows it as it is; return how far that is."""
    update = topic(view).read({}, hidden=False)
    assert update is not None
    assert "no executor is alive" in update.regions["head"]
    return update.cursor


def test_a_banner_changes_when_its_cause_does(view: str) -> None:
    cursor = shown(view)
    assert topic(view).read(cursor, hidden=False) is None
    now = timezone.now()

    beat(make_holder().executor_id, now=now, started_at=now, deployment_id=None, slots=1, running=0)

    update = topic(view).read(cursor, hidden=False)
    assert update is not None
    assert "will be run in a moment" in update.regions["head"]
    assert topic(view).read(update.cursor, hidden=False) is None


def test_it_is_not_asked_for_at_every_commit_of_others(view: str) -> None:
    cursor = shown(view)
    open_page = topic(view)
    open_page.read(cursor, hidden=False)

    with CaptureQueriesContext(connection) as captured:
        assert open_page.read(cursor, hidden=False) is None

    assert not [query["sql"] for query in captured.captured_queries if "executorheartbeat" in query["sql"]]


def test_operations_follow_what_came_before_the_page_listened(view: str, admin_client: Client) -> None:
    page = admin_client.get(reverse(f"admin:{view}", args=[E1])).text
    found = re.search(r'data-cursor="([^"]*)"', page)
    assert found is not None
    seen = json.loads(html.unescape(found[1]))

    unchanged = topic(view).read(seen, hidden=False)
    pause(E1)
    changed = topic(view).read(seen, hidden=False)

    assert unchanged is not None
    assert unchanged.cursor["standing"] == seen["standing"]
    assert changed is not None
    assert changed.cursor["standing"] != seen["standing"]


class Flood:
    """A workflow that runs, and writes more than a frame holds at a time."""

    def __init__(self) -> None:
        journal = SqlJournal.for_current_connection()
        commit(journal, make_submit(E1, make_created(), make_locked()))
        self._journal = journal
        self.version = 2

    def go_on(self) -> None:
        names = range(self.version, self.version + 100)
        events = [e.JoinSetCreated(join_set_id=JoinSetId(f"n:{name}")) for name in names]
        commit(self._journal, make_append(E1, *events, expected=self.version, holder=make_holder()))
        self.version += len(events)

    def pause(self) -> None:
        pause(E1)
        self.version += 1


def read(cursor: Cursor) -> Update:
    update = topic("console_events").read(cursor, hidden=False)
    assert update is not None
    return update


@pytest.fixture
def flood(monkeypatch: pytest.MonkeyPatch) -> Flood:
    monkeypatch.setattr(execution_topic, "_HEAD_S", 86_400)
    return Flood()


def test_in_a_flood_rows_come_at_once_and_the_head_now_and_then(flood: Flood, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read({})
    flood.go_on()
    second = read(first.cursor)
    flood.go_on()
    monkeypatch.setattr(execution_topic, "_HEAD_S", 1e-6)
    third = read(second.cursor)

    assert [update.skipped > 0 for update in (second, third)] == [True, True]
    assert [bool(update.regions) for update in (first, second, third)] == [True, False, True]
    assert second.cursor["version"] == 102
    assert second.again_s <= 86_400
    assert second.cursor["state"] == first.cursor["state"] != third.cursor["state"]


def test_a_head_that_was_left_out_comes_without_another_event(flood: Flood) -> None:
    first = read({})
    flood.go_on()

    last = read(read(first.cursor).cursor)

    assert last.rows == []
    assert last.regions["count-events"] == "102"


def test_what_may_be_done_is_told_at_once_in_a_flood(flood: Flood) -> None:
    first = read({})
    flood.go_on()
    flood.pause()

    second = read(first.cursor)

    assert second.skipped
    assert "Paused" in second.regions["head"]
    assert second.cursor["standing"] != first.cursor["standing"]
