"""The OpenAPI document, and what the API does with whatever the document allows or forbids."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from executions.access.scopes import Scope
from executions.access.tokens import issue_token
from executions.api.problems import KINDS
from executions.operations.answering import answer
from executions.operations.submitting import submit
from tests.executions.deployments import ADD, deploy_declared

pytestmark = pytest.mark.django_db

schema: Any = schemathesis.openapi.from_wsgi("/v1/schema", get_wsgi_application())
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@pytest.fixture
def document(client: Client) -> Any:
    return client.get("/v1/schema").json()


def test_the_document_is_one_of_openapi(document: Any) -> None:
    validate_schema(document)  # type: ignore[no-untyped-call]

    assert document["openapi"].startswith("3.1")


def test_it_is_found_where_obelisk_has_it(client: Client, document: Any) -> None:
    assert client.get("/openapi.json").json() == document


def test_every_operation_says_what_it_takes_gives_and_refuses(document: Any) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation["operationId"], where
            assert operation["summary"], where
            assert operation["security"], where
            assert {"400", "401", "403", "429", "500", "503"} <= operation["responses"].keys(), where
            assert any(status.startswith("2") for status in operation["responses"]), where


def test_problems_have_examples(document: Any) -> None:
    refused = document["paths"]["/v1/executions/{execution_id}"]["get"]["responses"]["425"]
    (example,) = refused["content"]["application/problem+json"]["examples"].values()

    assert example["value"]["code"] == "not_finished"
    assert {kind.status for kind in KINDS.values()} >= {425, 429}


def test_the_page_needs_nothing_from_elsewhere(client: Client) -> None:
    page = client.get("/v1/docs").content.decode()

    assert "/static/drf_spectacular_sidecar/" in page
    assert "https://" not in page


# --- Whatever the document allows, and what it does not ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Site:
    """What requests can hit."""

    token: str
    executions: tuple[str, ...]

    def aim(self, case: Any) -> None:
        """Have every second request be about something that is there, and no request wait for ever."""
        choice = random.Random(repr((case.path_parameters, case.query, case.body)))
        parameters = case.path_parameters or {}
        if "execution_id" in parameters and choice.random() < 0.5:
            parameters["execution_id"] = choice.choice(self.executions)
        if isinstance(case.body, dict) and isinstance(case.body.get("ffqn"), str) and choice.random() < 0.5:
            case.body.update(ffqn=ADD)
        (case.query or {}).pop("follow", None)
        (case.headers or {}).pop("Prefer", None)


@pytest.fixture
def kept_connection() -> Iterator[None]:
    """Requests end without closing the connection whose transaction the test is in, as in Django's own test client."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def site(tmp_path: Path, kept_connection: None) -> Site:
    deploy_declared(tmp_path)
    ended, failed, waiting = (submit(ADD, [1, []], labels={"a": "b"}).execution_id for _ in range(3))
    answer(ended, {"ok": 7})
    answer(failed, {"err": None})
    return Site(token=issue_token("a test", Scope)[1], executions=(ended, failed, waiting))


# Streams are for `test_following.py`: most end when their execution does, and these never do.
@schema.exclude(path_regex="/stream$").parametrize()  # type: ignore[untyped-decorator]  # as the schema is
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_nothing_that_is_sent_makes_it_fail(case: Any, site: Site) -> None:
    site.aim(case)

    case.call_and_validate(headers={"Authorization": f"Bearer {site.token}"}, checks=CHECKS)
