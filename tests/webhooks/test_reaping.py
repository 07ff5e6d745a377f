"""Executions of requests whose web process died."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from engine.executor.webhook_execution import LEASE, WebhookExecution
from engine.log.return_values import JsonText, Returned
from engine.log.schedules import Now
from engine.log.state import fold_log
from engine.workflow.target import Target
from executions.explanations import why_not_moving
from executions.hosting import ExecutorHost
from executions.journal.journal import SqlJournal
from executions.models import Execution
from tests.harness.eventually import eventually
from tests.webhooks.sites import deploy_doorman, events_of
from webhooks.host import WebhookHost
from webhooks.reaping import reap

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "test:probe/activity.add"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[WebhookHost]:
    deploy_doorman(tmp_path)
    host = WebhookHost()
    host.start()
    yield host
    host.stop()


@pytest.fixture
def begun(host: WebhookHost) -> WebhookExecution:
    """A request that has recorded something, and that nobody serves."""
    endpoint = host.endpoint("doorman")
    assert endpoint is not None
    execution = WebhookExecution(host.services, endpoint.component, os.urandom)
    execution.create()
    return execution


def target(host: WebhookHost) -> Target:
    return Target(ADD, JsonText("[1,2]"), host.services.registry.find(ADD))


def test_one_that_is_served_is_left_alone(begun: WebhookExecution) -> None:
    assert reap(SqlJournal.for_current_connection(), timezone.now()) == []
    assert reap(SqlJournal.for_current_connection(), timezone.now() + LEASE) == []


def test_one_that_nobody_serves_is_ended(begun: WebhookExecution) -> None:
    later = timezone.now() + LEASE + timedelta(seconds=2)
    explanation = why_not_moving(Execution.objects.get(pk=begun.execution_id), now=later)
    assert explanation is not None
    assert explanation.startswith("It is left of a web process that died")

    assert reap(SqlJournal.for_current_connection(), later) == [begun.execution_id]

    execution = Execution.objects.get(pk=begun.execution_id)
    assert (execution.status, execution.result_kind) == ("finished", "uncategorized")
    assert reap(SqlJournal.for_current_connection(), later) == []


def test_one_that_waited_is_ended_too_and_its_child_goes_on(host: WebhookHost, begun: WebhookExecution) -> None:
    begun.interrupt()
    with pytest.raises(Exception, match="connection closed"):
        begun.call(target(host))
    assert Execution.objects.get(pk=begun.execution_id).status == "blocked_by_join_set"

    assert reap(SqlJournal.for_current_connection(), timezone.now() + 2 * LEASE) == [begun.execution_id]

    assert Execution.objects.get(parent_id=begun.execution_id).status == "pending_at"


def test_an_executor_ends_one_that_did_not_wait(begun: WebhookExecution, monkeypatch: pytest.MonkeyPatch) -> None:
    Execution.objects.filter(pk=begun.execution_id).update(due_at=timezone.now() - timedelta(seconds=5))
    executor = ExecutorHost()
    executor.start()
    try:
        eventually(lambda: Execution.objects.get(pk=begun.execution_id).status == "finished")
    finally:
        executor.stop()

    assert events_of(begun.execution_id) == ["Created", "Locked", "Finished"]
    assert Execution.objects.get(pk=begun.execution_id).result_kind == "uncategorized"


def test_the_row_is_the_fold_of_the_log(host: WebhookHost, begun: WebhookExecution) -> None:
    begun.schedule(begun.new_id(), Now(), target(host))
    begun.renew(timezone.now() + LEASE / 2 + timedelta(seconds=1))
    begun.finish(Returned(ok=True, payload=None))

    journal = SqlJournal.for_current_connection()
    entries = journal.load_log(begun.execution_id)
    assert [type(entry.event).__name__ for entry in entries] == ["Created", "Locked", "Scheduled", "Locked", "Finished"]
    assert fold_log(begun.execution_id, entries) == journal.state_of(begun.execution_id)
