"""What is wrong with a site apart from its executions: schema, executors, what is deployed, settings, files."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from pytest_django import Settings

from components.models import Blob, Deployment
from executions import deployed
from executions.doctor import configuration
from executions.doctor.findings import Severity
from executions.journal.journal import SqlJournal
from executions.liveness import beat
from executions.models import ExecutorHeartbeat, JoinSetResponse
from tests.builders import make_created, make_execution_id, make_submit
from tests.engine.journal.commits import commit
from tests.executions.deployments import deploy_runnable
from tests.executions.doctor.examined import look, look_for_one, repair

pytestmark = pytest.mark.django_db

DEAD_PID = 2**22 + 1  # above what Linux gives out


@pytest.fixture
def seen() -> Callable[..., None]:
    """Has an executor give a sign of life, of this moment unless told otherwise."""

    def give(executor_id: str, *, ago: float = 0, started_ago: float = 600, **fields: Any) -> None:
        at = timezone.now() - timedelta(seconds=ago)
        started_at = timezone.now() - timedelta(seconds=started_ago)
        beat(executor_id, now=at, started_at=started_at, deployment_id=None, slots=1, running=0)
        ExecutorHeartbeat.objects.filter(pk=executor_id).update(**fields)

    return give


# --- Executors --------------------------------------------------------------------------------------------------------


def test_that_nobody_is_alive_is_a_problem_once_something_is_due(seen: Callable[..., None]) -> None:
    assert look_for_one("executors").severity is Severity.WARNING
    now = timezone.now()

    commit(
        SqlJournal.for_current_connection(), make_submit(make_execution_id(), make_created(scheduled_at=now), at=now)
    )
    assert look_for_one("executors").severity is Severity.PROBLEM

    seen("Exr_1")

    assert look("executors") == []


def test_an_executor_that_died_is_noted_and_forgotten(seen: Callable[..., None]) -> None:
    seen("Exr_alive")
    seen("Exr_dead", ago=60, pid=DEAD_PID)
    finding = look_for_one("executors")
    assert (finding.severity, finding.examples) == (Severity.NOTE, ("Exr_dead",))

    assert repair(finding) == 1

    assert look("executors") == []


def test_a_process_that_is_there_and_silent_is_a_problem(seen: Callable[..., None]) -> None:
    seen("Exr_alive")
    seen("Exr_hung", ago=60, pid=os.getpid(), host=socket.gethostname())

    finding = look_for_one("executors")

    assert (finding.severity, finding.examples) == (Severity.PROBLEM, ("Exr_hung",))


def test_executors_that_cannot_work_are_told_with_their_reason(seen: Callable[..., None]) -> None:
    for executor_id in ("Exr_1", "Exr_2"):
        seen(executor_id, note="the database failed: No space left on device")
    seen("Exr_3")

    finding = look_for_one("executors")

    assert finding.severity is Severity.PROBLEM
    assert finding.what == "2 executors alive that cannot work: the database failed: No space left on device."
    assert finding.examples == ("Exr_1", "Exr_2")


def test_an_executor_of_another_version_is_told(seen: Callable[..., None]) -> None:
    seen("Exr_1")
    assert look("versions") == []
    seen("Exr_old", version="0.0.9 abcdef0")

    finding = look_for_one("versions")

    assert finding.examples == ("Exr_old",)
    assert "0.0.9 abcdef0" in finding.what


def test_an_executor_without_the_active_deployment_is_told_after_a_while(
    seen: Callable[..., None], tmp_path: Path
) -> None:
    active = deploy_runnable(tmp_path)
    seen("Exr_behind")
    assert look("versions") == []
    Deployment.objects.update(last_active_at=timezone.now() - timedelta(minutes=5))
    assert look_for_one("versions").examples == ("Exr_behind",)

    seen("Exr_behind", deployment_id=active)

    assert look("versions") == []


def test_a_clock_that_is_ahead_is_told(seen: Callable[..., None]) -> None:
    seen("Exr_1")
    assert look("clocks") == []
    seen("Exr_2", ago=-30, host="fast.example.com")

    assert "fast.example.com is 30." in look_for_one("clocks").what.replace("29.9", "30.0")


# --- The database -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_an_index_that_is_missing_is_made() -> None:
    assert look("indexes") == []
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX execution_pending")
        cursor.execute("DROP INDEX delay_due")
    finding = look_for_one("indexes")
    assert (finding.what, set(finding.examples)) == ("2 indexes are missing.", {"execution_pending", "delay_due"})

    assert repair(finding) == 2

    assert look("indexes") == []


@pytest.mark.django_db(transaction=True)
def test_a_constraint_that_is_missing_is_told() -> None:
    (constraint,) = (each for each in JoinSetResponse._meta.constraints if each.name == "response_child_unique")
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX response_child_unique")
    try:
        assert look_for_one("indexes").examples == ("response_child_unique",)
    finally:
        with connection.schema_editor() as editor:
            editor.add_constraint(JoinSetResponse, constraint)
    assert look("indexes") == []


def test_a_migration_that_is_not_applied_is_told() -> None:
    assert look("migrations") == []
    (last,) = MigrationRecorder.Migration.objects.filter(app="webhooks").order_by("-name")[:1]
    last.delete()

    assert look_for_one("migrations").examples == (f"webhooks.{last.name}",)


def test_a_migration_of_a_newer_version_is_told() -> None:
    MigrationRecorder(connection).record_applied("executions", "0999_from_the_future")

    finding = look_for_one("migrations")

    assert (finding.severity, finding.examples) == (Severity.WARNING, ("executions.0999_from_the_future",))


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite")
def test_a_database_that_may_lose_commits_is_told() -> None:
    # Tests themselves do without the disk.
    assert "synchronous" in look_for_one("database").what
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous = FULL")
    try:
        assert look("database", is_thorough=True) == []
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous = OFF")


def test_what_cannot_be_looked_at_is_a_finding() -> None:
    def refuse(*_args: Any) -> None:
        raise OperationalError("no such table: executions_delay")

    with connection.execute_wrapper(refuse):
        finding = look_for_one("delays")

    assert finding.severity is Severity.PROBLEM
    assert "no such table" in finding.what


# --- What is deployed -------------------------------------------------------------------------------------------------


def test_that_nothing_is_deployed_is_told(tmp_path: Path) -> None:
    assert look_for_one("deployment").severity is Severity.WARNING

    deploy_runnable(tmp_path)

    assert look("deployment") == []


def test_a_deployment_that_lacks_a_variable_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBELISK_TESTS_DOCTOR", "x")
    deploy_runnable(tmp_path, extra='env_vars = ["OBELISK_TESTS_DOCTOR"]')
    monkeypatch.delenv("OBELISK_TESTS_DOCTOR")
    monkeypatch.setattr(deployed, "_latest", None)

    assert "OBELISK_TESTS_DOCTOR" in look_for_one("deployment").what


def test_a_stored_file_that_changed_is_told(tmp_path: Path) -> None:
    deploy_runnable(tmp_path)
    assert look("files", is_thorough=True) == []
    blob = Blob.objects.all()[0]
    content = bytes(blob.content)
    Blob.objects.filter(pk=blob.pk).update(content=content[:-1] + b"?")
    assert look("files") == []
    assert look_for_one("files", is_thorough=True).examples == (blob.digest,)

    Blob.objects.filter(pk=blob.pk).update(content=content[:-1])

    assert look_for_one("files").examples == (blob.digest,)


# --- Settings and files -----------------------------------------------------------------------------------------------


def test_settings_that_do_not_go_together_are_told(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    assert look("settings") == []
    settings.OBELISK_WEBHOOK_PREFIX = "/admin/"

    finding = look_for_one("settings")

    assert (finding.severity, finding.examples) == (Severity.PROBLEM, ("obelisk.E009",))


@pytest.fixture
def data_dir(tmp_path: Path, settings: Settings) -> Path:
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    settings.OBELISK_DATA_DIR = directory
    return directory


def test_secrets_that_others_may_read_are_closed(data_dir: Path) -> None:
    (data_dir / "secret_key").write_text("secret")
    (data_dir / "secret_key").chmod(0o600)
    assert look("directory") == []
    data_dir.chmod(0o755)
    (data_dir / "secret_key").chmod(0o644)
    finding = look_for_one("directory")
    assert finding.examples == (str(data_dir), str(data_dir / "secret_key"))

    assert repair(finding) == 2

    assert look("directory") == []
    assert (data_dir / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_disk_that_is_nearly_full_is_told(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "_LITTLE_BYTES", 1 << 60)
    assert look_for_one("directory").severity is Severity.WARNING

    monkeypatch.setattr(configuration, "_HARDLY_ANY_BYTES", 1 << 60)

    assert look_for_one("directory").severity is Severity.PROBLEM
