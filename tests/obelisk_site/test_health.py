from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from obelisk_site import health


@pytest.mark.django_db
def test_the_site_is_not_well_without_an_executor(client: Client) -> None:
    response = client.get("/healthz")

    assert response.status_code == 503
    assert response.json() == {"status": "no executor is alive"}


def test_the_site_is_well_with_an_executor(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # Who counts as alive is shown by the tests of executions.liveness.
    monkeypatch.setattr(health, "alive_executors", lambda _now: 1)

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
