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

from console.live.execution_topic import ExecutionTopic
from console.live.messages import Sub
from console.live.topics import Cursor
from executions.journal.journal import SqlJournal
from executions.liveness import beat
from executions.operations.pausing import pause
from tests.builders import make_created, make_execution_id, make_holder, make_submit
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
    assert unchanged.cursor["state"] == seen["state"]
    assert changed is not None
    assert changed.cursor["state"] != seen["state"]
