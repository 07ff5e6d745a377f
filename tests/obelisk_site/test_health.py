from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from engine.errors import DeploymentError
from executions.liveness import beat
from obelisk_site import health


@pytest.mark.django_db
def test_the_site_is_not_well_without_an_executor(client: Client) -> None:
    response = client.get("/healthz")

    assert response.status_code == 503
    assert response.json() == {"status": "no executor is alive"}


@pytest.mark.django_db
def test_the_site_is_well_with_an_executor_that_can_work(client: Client) -> None:
    now = timezone.now()
    beat("Exr_1", now=now, started_at=now, deployment_id=None, slots=1, running=0, note="the database failed: full")
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (503, {"status": "no executor can work"})

    beat("Exr_2", now=now, started_at=now, deployment_id=None, slots=1, running=0)
    response = client.get("/healthz")

    assert response.status_code == 200
    assert response.json() == {"status": "ok"}
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_a_database_that_does_not_answer_is_told_without_details(client: Client) -> None:
    def fail(*_args: Any) -> None:
        raise OperationalError("unable to open /srv/secret/db.sqlite3")

    with connection.execute_wrapper(fail):
        response = client.get("/healthz")

    assert response.status_code == 503
    assert response.json() == {"status": "database does not answer"}


@pytest.mark.django_db
def test_a_probe_that_fails_leaves_no_error_in_the_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert client.get("/healthz").status_code == 503

    assert caplog.records == []


def test_only_reading_is_allowed(client: Client) -> None:
    assert client.post("/healthz").status_code == 405


# --- Liveness and readiness -------------------------------------------------------------------------------------------


def test_a_process_that_answers_is_alive_whatever_the_database_does(client: Client) -> None:
    # This test may not use the database.
    response = client.get("/livez")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_is_migrated", False)


@pytest.mark.django_db
@pytest.mark.usefixtures("fresh")
def test_a_process_is_ready_without_executor_and_deployment(client: Client) -> None:
    response = client.get("/readyz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
@pytest.mark.usefixtures("fresh")
def test_a_process_is_not_ready_before_all_migrations_are_applied(client: Client) -> None:
    (last,) = MigrationRecorder.Migration.objects.filter(app="webhooks").order_by("-name")[:1]
    last.delete()
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"status": "the database is not as this version needs it"})

    MigrationRecorder(connection).record_applied("webhooks", last.name)

    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_a_process_is_not_ready_while_the_database_does_not_answer(client: Client) -> None:
    def fail(*_args: Any) -> None:
        raise OperationalError("unable to open /srv/secret/db.sqlite3")

    with connection.execute_wrapper(fail):
        response = client.get("/readyz")

    assert (response.status_code, response.json()) == (503, {"status": "database does not answer"})


@pytest.mark.django_db
def test_a_process_is_not_ready_for_what_it_cannot_use(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise DeploymentError("component a: the variable SECRET_NAME is not set")

    monkeypatch.setattr(health, "deployed_registry", fail)

    response = client.get("/readyz")

    assert (response.status_code, response.json()) == (503, {"status": "what is deployed cannot be used"})
