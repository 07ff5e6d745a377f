"""What the page of storage and retention says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_q.models import Schedule
from pytest_django import Settings

from console.storage import sizes
from console.storage.sizes import database_size
from executions.journal.journal import SqlJournal
from executions.models import Execution, RetentionRun
from executions.retention.rules import parse_rules
from executions.retention.runs import MOST_KEPT, prune_and_note
from executions.tasks import PRUNING, keep_schedules
from tests.builders import make_created, make_execution_id, make_finished, make_submit
from tests.engine.journal.commits import commit

pytestmark = pytest.mark.django_db
PATH = "/admin/storage/"


def store_finished(count: int) -> None:
    journal = SqlJournal.for_current_connection()
    for number in range(1, count + 1):
        commit(journal, make_submit(make_execution_id(number), make_created(), make_finished()))


def test_without_rules_everything_is_kept(admin_client: Client) -> None:
    assert "Everything is kept" in admin_client.get(PATH).text


def test_it_tells_the_rules_what_goes_next_and_deletes_nothing(admin_client: Client, settings: Settings) -> None:
    settings.OBELISK_RETENTION = parse_rules("shop:* any keep, * ok 30d")
    keep_schedules()
    store_finished(3)

    page = admin_client.get(PATH).text

    assert "<code>shop:*</code>" in page
    assert "for ever" in page
    assert "<strong>3 executions</strong> would be deleted now" in page
    assert "There was none yet." in page
    assert Schedule.objects.filter(name=PRUNING).count() == 1
    assert Execution.objects.count() == 3


def test_runs_are_kept_and_shown(admin_client: Client, settings: Settings) -> None:
    settings.OBELISK_RETENTION = parse_rules("* any 30d")
    store_finished(2)

    prune_and_note(timezone.now(), time_limit=timedelta(minutes=1))

    run = RetentionRun.objects.get()
    assert (run.deleted, run.is_complete) == (2, True)
    assert '<td class="ob-num" data-label="Deleted">2</td>' in admin_client.get(PATH).text


def test_only_the_last_runs_are_kept() -> None:
    RetentionRun.objects.bulk_create(
        RetentionRun(started_at=timezone.now(), took_ms=1, deleted=0, is_complete=True) for _ in range(MOST_KEPT)
    )
    first = RetentionRun.objects.order_by("pk")[0].pk

    prune_and_note(timezone.now())

    assert RetentionRun.objects.count() == MOST_KEPT
    assert not RetentionRun.objects.filter(pk=first).exists()


def test_tables_are_counted_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "COUNTED", 2)
    store_finished(3)

    found = database_size()

    rows = {table.name: table.rows for table in found.tables}
    assert (found.engine, rows["executions"]) == ("SQLite" if connection.vendor == "sqlite" else "PostgreSQL", "2+")
    assert found.size > 0
    assert rows["labels"] == "0"
    assert {"batches", "batch entries", "API tokens", "list columns"} <= set(rows)
