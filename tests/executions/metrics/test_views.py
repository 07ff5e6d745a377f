from __future__ import annotations

from ipaddress import ip_network

import pytest
from django.test import Client
from pytest_django import Settings

from executions.access.scopes import Scope
from executions.access.tokens import issue_token
from tests.executions.metrics.reading import names

pytestmark = pytest.mark.django_db


def bearer(scope: Scope) -> dict[str, str]:
    return {"Authorization": f"Bearer {issue_token('a test', [scope])[1]}"}


def test_a_token_that_may_read_gets_the_metrics(client: Client) -> None:
    response = client.get("/metrics", headers=bearer(Scope.READ))

    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=")
    assert {"obelisk_executors", "process_resident_memory_bytes"} <= names(response.content.decode())


def test_nobody_else_gets_them_by_default(client: Client) -> None:
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers=bearer(Scope.SUBMIT)).status_code == 403


def test_addresses_that_are_named_need_no_token(client: Client, settings: Settings) -> None:
    settings.OBELISK_METRICS_FROM = (ip_network("192.0.2.0/24"),)

    assert client.get("/metrics", REMOTE_ADDR="192.0.2.9").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="198.51.100.1").status_code == 401
    assert client.get("/metrics", REMOTE_ADDR="").status_code == 401


def test_openmetrics_is_spoken_to_whoever_asks_for_it(client: Client) -> None:
    asked = {"Accept": "application/openmetrics-text; version=1.0.0"}

    response = client.get("/metrics", headers=bearer(Scope.READ) | asked)

    assert response["Content-Type"].startswith("application/openmetrics-text")
    assert response.content.endswith(b"# EOF\n")
