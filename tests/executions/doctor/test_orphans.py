"""Rows that belong to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from components.models import Blob
from engine.log import events as e
from executions.doctor.findings import Severity
from executions.journal.journal import SqlJournal
from executions.models import CallSites, Event, Execution, JoinSetResponse, LogLine
from tests.builders import (
    JOIN_SET,
    NOW,
    make_append,
    make_child,
    make_child_request,
    make_created,
    make_execution_id,
    make_locked,
    make_log_line,
    make_submit,
)
from tests.engine.journal.commits import commit
from tests.executions.deployments import deploy_runnable
from tests.executions.doctor.examined import look, look_for_one, repair

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("either_database")]

E1, E2 = make_execution_id(1), make_execution_id(2)


@pytest.fixture
def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


@pytest.fixture
def careless() -> Iterator[None]:
    """The database checks no foreign keys, as if somebody had switched that off."""
    with connection.constraint_checks_disabled():
        yield


@pytest.mark.usefixtures("careless")
def test_a_log_without_its_execution_is_found_and_deleted(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), e.Paused()), make_submit(E2))
    assert look("orphans") == []
    Execution.objects.filter(pk=E1)._raw_delete(using="default")
    finding = look_for_one("orphans")
    assert (finding.severity, finding.examples) == (Severity.PROBLEM, (E1,))
    assert finding.what == "Events of 1 execution that do not exist."

    assert repair(finding) == 2

    assert look("orphans") == []
    assert list(Event.objects.values_list("execution_id", flat=True)) == [E2]


@pytest.mark.usefixtures("careless")
def test_every_table_of_an_executions_rows_is_looked_at(journal: SqlJournal) -> None:
    JoinSetResponse.objects.create(
        execution_id=E1,
        cursor=1,
        join_set_id=JOIN_SET,
        created_at=NOW,
        at_version=1,
        delay_id="D",
        delay_cancelled=False,
    )

    finding = look_for_one("orphans")
    assert finding.what == "Join set responses of 1 execution that do not exist."
    assert repair(finding) == 1


def test_log_lines_of_what_was_never_committed_are_noted(journal: SqlJournal) -> None:
    journal.add_log_lines([make_log_line(E1)])
    CallSites.objects.create(execution_id=E1, first_version=1, behind_version=2, component="c", sites="{}")

    findings = look("orphans")

    assert {finding.severity for finding in findings} == {Severity.NOTE}
    assert [repair(finding) for finding in findings] == [1, 1]
    assert (look("orphans"), LogLine.objects.count()) == ([], 0)


def test_a_child_without_a_parent_is_found(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked()))
    created = e.JoinSetCreated(join_set_id=JOIN_SET)
    commit(journal, make_append(E1, created, make_child_request(E1), expected=2, created=[make_child(E1)]))
    assert look("children") == []
    with connection.constraint_checks_disabled():
        Event.objects.filter(execution_id=E1).delete()
        Execution.objects.filter(pk=E1)._raw_delete(using="default")

    finding = look_for_one("children")

    assert finding.examples == (make_child(E1).execution_id,)
    assert finding.repair is None


def test_files_of_no_deployment_are_noted_and_deleted(tmp_path: Path) -> None:
    deploy_runnable(tmp_path)
    used = Blob.objects.count()
    long_ago = timezone.now() - timedelta(days=1)
    Blob.objects.create(digest=f"sha256:{'0' * 64}", content=b"old", size=3, wanted_at=long_ago)
    finding = look_for_one("unused")
    assert finding.severity is Severity.NOTE

    assert repair(finding) == 1

    assert (look("unused"), Blob.objects.count()) == ([], used)
