"""The trace of a request to an endpoint, and of what that starts and asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from engine.log.ids import ExecutionId
from engine.log.tracing import trace_id_of
from executions.tracing.stored import trace_id
from tests.harness.asgi_client import request
from tests.harness.hosts import running_host
from tests.harness.http_servers import Answer, serve
from tests.webhooks.sites import ROUTES, deploy_doorman, requests_recorded
from webhooks.application import WebhookApplication

pytestmark = pytest.mark.django_db(transaction=True)

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADER = ("traceparent", f"00-{TRACE_ID}-00f067aa0ba902b7-01")


@pytest.fixture
def executor() -> Iterator[None]:
    """Somebody who runs what endpoints call."""
    with running_host():
        yield


@pytest.mark.usefixtures("executor")
def test_a_request_and_what_it_starts_belong_to_the_trace_that_it_names(
    application: WebhookApplication, tmp_path: Path
) -> None:
    deploy_doorman(tmp_path)

    request(application, "GET", "/hooks/do/call", headers=[HEADER])

    (execution,) = requests_recorded()
    assert trace_id(execution.execution_id) == trace_id(f"{execution.execution_id}.o:1_1") == TRACE_ID


@pytest.mark.usefixtures("executor")
def test_a_request_that_names_two_begins_one_of_its_own(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path)

    request(application, "GET", "/hooks/do/call", headers=[HEADER, HEADER])

    (execution,) = requests_recorded()
    assert trace_id(execution.execution_id) == trace_id_of(ExecutionId(execution.execution_id), ())


@pytest.mark.parametrize(("headers", "is_told"), [([HEADER], True), ([], False)])
def test_whom_an_endpoint_asks_is_told_the_trace_that_came_in(
    application: WebhookApplication,
    tmp_path: Path,
    settings: Settings,
    headers: list[tuple[str, str]],
    *,
    is_told: bool,
) -> None:
    with serve(lambda received: Answer()) as upstream:
        settings.OBELISK_OUTBOUND_HOSTS = [upstream.origin]
        rule = f'[[webhook_endpoint_wasm.allowed_host]]\npattern = "{upstream.origin}"\nmethods = "*"\n'
        deploy_doorman(tmp_path, ROUTES + rule)

        request(application, "GET", "/hooks/do/fetch", headers=[("x-authority", upstream.authority), *headers])

    told = upstream.received[0].header("traceparent")
    assert (told is not None) is is_told
    assert told is None or told.startswith(f"00-{TRACE_ID}-")
