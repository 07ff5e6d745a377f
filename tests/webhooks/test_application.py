"""Requests to compiled webhook endpoints, through the ASGI application."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from engine.executor import webhook_execution
from executions.hosting import ExecutorHost
from executions.models import Execution
from tests.harness.asgi_client import exchange, request
from tests.harness.eventually import PATIENCE_S, eventually
from tests.harness.http_servers import Answer, serve
from tests.webhooks.sites import ROUTES, deploy_doorman, events_of, lines_of, requests_recorded
from webhooks.application import WebhookApplication

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def executor() -> Iterator[None]:
    """Somebody who runs what endpoints call."""
    host = ExecutorHost()
    host.start()
    yield
    host.stop()


def test_a_request_is_answered_and_leaves_no_trace(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path)

    reply = request(application, "GET", "/hooks/do/hello")

    assert (reply.status, reply.text, reply.has_ended) == (200, "hello", True)
    assert reply.header("content-type") == "text/plain"
    assert not Execution.objects.exists()


def test_a_component_sees_its_own_path_and_the_parameters_of_its_route(
    application: WebhookApplication, tmp_path: Path
) -> None:
    deploy_doorman(tmp_path, ROUTES + 'env_vars = [{ key = "GREETING", value = "hi" }]\n')

    reply = request(application, "POST", "/hooks/do/describe/a%20b?x=1", headers=[("X-Shown", "yes")])

    assert reply.text.splitlines() == [
        "POST http obelisk.test /do/describe/a%20b?x=1",
        "GREETING=hi",
        "id=a%20b",
        "op=describe",
        "x-shown=yes",
    ]


def test_other_requests_go_elsewhere(application: WebhookApplication) -> None:
    assert request(application, "GET", "/admin/").text == "elsewhere"
    assert request(application, "GET", "/hooks").text == "elsewhere"


def test_an_unknown_path_is_not_found(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path)

    plain = request(application, "GET", "/hooks/nothing")
    problem = request(application, "GET", "/hooks/nothing", headers=[("accept", "application/json")])

    assert (plain.status, plain.text) == (404, "Route not found")
    assert problem.header("content-type") == "application/problem+json"
    assert json.loads(problem.text) == {
        "type": "about:blank",
        "title": "Route not found",
        "status": 404,
        "code": "route_not_found",
        "err": "Route not found",
    }


def test_a_method_that_is_not_there_is_refused_with_those_that_are(
    application: WebhookApplication, tmp_path: Path
) -> None:
    deploy_doorman(tmp_path, 'routes = [{ methods = ["POST", "PUT"], route = "/do/:op" }]\n')

    reply = request(application, "GET", "/hooks/do/hello")

    assert (reply.status, reply.header("allow")) == (405, "POST, PUT")


def test_a_body_streams_in_and_out(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path)
    pieces = [bytes([number]) * 100_000 for number in range(40)]

    reply = request(application, "POST", "/hooks/do/echo", body=pieces)

    assert reply.body == b"".join(pieces)
    assert len(reply.chunks) > 10


def test_a_body_waits_with_the_server_until_it_is_read(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path)

    server = exchange(application, "POST", "/hooks/do/hello", body=(b"." * 65_536 for _ in range(100)))

    assert server.reply.text == "hello"
    assert server.received < 20 * 65_536


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(
    application: WebhookApplication, tmp_path: Path, settings: Settings
) -> None:
    settings.OBELISK_WEBHOOK_BODY_BYTES = 1000
    deploy_doorman(tmp_path)

    server = exchange(application, "POST", "/hooks/do/length", headers=[("content-length", "1001")], body=b"." * 1001)

    assert (server.reply.status, server.received) == (413, 0)


def test_a_body_that_turns_out_too_large_is_refused(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path, ROUTES + "request = { body_bytes = 1000 }\n")

    exact = request(application, "POST", "/hooks/do/length", body=[b"." * 600, b"." * 400])
    larger = request(application, "POST", "/hooks/do/length", body=[b"." * 600, b"." * 401, b"."])

    assert (exact.status, exact.text) == (200, "1000")
    assert (larger.status, larger.text) == (413, "The body is larger than 1000 bytes")


def test_a_response_without_a_body(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path)

    reply = request(application, "GET", "/hooks/do/empty")

    assert (reply.status, reply.body, reply.has_ended) == (204, b"", True)


@pytest.mark.parametrize(
    ("op", "said"),
    [("panic", "Component Error"), ("silent", "Component Error"), ("error-code", 'Error code: "loop_detected"')],
)
def test_a_component_that_gives_no_response_is_an_error_of_the_server(
    application: WebhookApplication, tmp_path: Path, op: str, said: str
) -> None:
    deploy_doorman(tmp_path)

    reply = request(application, "GET", f"/hooks/do/{op}")

    assert (reply.status, reply.text) == (500, said)


def test_a_component_that_loops_is_stopped(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path, ROUTES + "request = { timeout = { milliseconds = 200 } }\n")

    reply = request(application, "GET", "/hooks/do/spin")

    assert (reply.status, reply.text) == (504, "the request took longer than 0.2 s")


def test_a_response_that_breaks_off_ends(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path)

    reply = request(application, "GET", "/hooks/do/cut-off")

    assert (reply.status, reply.text, reply.header("content-length")) == (200, "not all of it", "100")
    assert reply.has_ended


def test_a_client_that_goes_away_ends_the_run(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path)
    began = time.monotonic()

    exchange(application, "GET", "/hooks/do/flood", on_chunk=lambda _, count: count < 5)
    exchange(application, "GET", "/hooks/do/spin", gone_after_s=0.1)

    assert time.monotonic() - began < PATIENCE_S


def test_a_client_that_takes_nothing_holds_the_response_back(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path)
    seen: list[int] = []

    def look(data: bytes, count: int) -> bool:
        seen.append(len(data))
        return count < 50

    exchange(application, "GET", "/hooks/do/flood", on_chunk=look)

    assert sum(seen) < 100 * 65_536


def test_too_many_requests_are_refused(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path, ROUTES + "request = { concurrency = 1 }\n")
    refused: list[int] = []

    def ask_meanwhile(_data: bytes, count: int) -> bool:
        if count == 1:
            from threading import Thread

            other = Thread(target=lambda: refused.append(request(application, "GET", "/hooks/do/hello").status))
            other.start()
            other.join()
        return False

    exchange(application, "GET", "/hooks/do/flood", on_chunk=ask_meanwhile)

    assert refused == [503]
    assert eventually(lambda: request(application, "GET", "/hooks/do/hello").status == 200)


def test_a_line_in_the_log_makes_an_execution(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path, ROUTES + 'logs_store_min_level = "info"\n')

    request(application, "GET", "/hooks/do/log")

    (execution,) = requests_recorded()
    assert (execution.status, execution.result_kind, execution.component_type) == (
        "finished",
        "ok",
        "webhook_endpoint",
    )
    assert events_of(execution.execution_id) == ["Created", "Locked", "Finished"]
    assert eventually(lambda: lines_of(execution.execution_id)) == ["somebody is at the door"]


def test_what_is_printed_is_kept(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path)

    request(application, "GET", "/hooks/do/print")

    (execution,) = requests_recorded()
    assert eventually(lambda: lines_of(execution.execution_id)) == ["printed"]


@pytest.mark.usefixtures("executor")
def test_a_call_is_a_child(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path)

    reply = request(application, "GET", "/hooks/do/call")

    (execution,) = requests_recorded()
    child = f"{execution.execution_id}.o:1_1"
    assert reply.text == f"Ok(42) {child}"
    assert events_of(execution.execution_id) == [
        "Created",
        "Locked",
        "JoinSetCreated",
        "ChildRequested",
        "JoinNext",
        "Finished",
    ]
    assert Execution.objects.get(pk=child).parent_id == execution.execution_id


@pytest.mark.usefixtures("executor")
def test_a_call_by_name_is_checked_and_returned(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path)
    add = [("x-interface", "test:probe/activity"), ("x-function", "add")]

    called = request(application, "POST", "/hooks/do/call-json", headers=add, body=b"[1, 2]")
    mistyped = request(application, "POST", "/hooks/do/call-json", headers=add, body=b'[1, "2"]')
    unknown = request(
        application,
        "POST",
        "/hooks/do/call-json",
        headers=[("x-interface", "test:probe/activity"), ("x-function", "subtract")],
        body=b"[]",
    )

    assert called.text == 'Ok(Ok(Some("3")))'
    assert mistyped.text.startswith("Err(ScheduleJsonError::TypeCheckError")
    assert unknown.text == "Err(ScheduleJsonError::FunctionNotFound)"
    assert [execution.result_kind for execution in requests_recorded()] == ["ok"] * 3


@pytest.mark.usefixtures("executor")
def test_what_is_scheduled_can_be_asked_for(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path)

    scheduled = request(application, "GET", "/hooks/do/schedule").text
    got = request(application, "GET", f"/hooks/do/get/{scheduled}").text
    status = request(application, "GET", f"/hooks/do/status/{scheduled}").text
    tried = request(application, "GET", f"/hooks/do/try-get/{scheduled}").text
    failure = request(application, "GET", f"/hooks/do/failure-kind/{scheduled}").text

    execution = Execution.objects.get(pk=scheduled)
    assert (execution.parent_id, execution.scheduled_by) == (None, requests_recorded()[0].execution_id)
    assert got == tried == 'Ok(Ok(Some("3")))'
    assert status == "Ok(ExecutionStatus::Finished(ExecutionStatusFinished::Ok))"
    assert failure == "Ok(None)"


def test_an_execution_that_is_not_there_is_not_found(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path)
    absent = "E_01KBNHM5FQW81KP5Y3XMNX31K4"

    assert request(application, "GET", f"/hooks/do/get/{absent}").text == "Err(GetError::NotFound)"
    assert request(application, "GET", f"/hooks/do/try-get/{absent}").text == "Err(TryGetError::NotFound)"
    assert "ExecutionIdParsingError" in request(application, "GET", "/hooks/do/status/nonsense").text


def test_an_id_that_is_taken_ends_the_request(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path)
    headers = [("x-interface", "test:probe/activity"), ("x-function", "add")]

    first = request(application, "POST", "/hooks/do/schedule-json", headers=headers, body=b"[1, 2]")
    again = request(
        application, "POST", "/hooks/do/schedule-json", headers=[*headers, ("x-id", first.text)], body=b"[1, 2]"
    )

    assert first.status == 200
    assert (again.status, again.text) == (500, "Component Error")
    assert [execution.result_kind for execution in requests_recorded()] == ["ok", "uncategorized"]


def test_a_call_that_nobody_runs_ends_with_the_request(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path, ROUTES + "request = { timeout = { milliseconds = 300 } }\n")

    reply = request(application, "GET", "/hooks/do/call")

    (execution,) = requests_recorded()
    assert reply.status == 504
    assert (execution.status, execution.result_kind) == ("finished", "timed_out")
    assert Execution.objects.get(parent_id=execution.execution_id).status == "pending_at"


def test_a_request_that_lasts_keeps_its_lock(
    application: WebhookApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_execution, "LEASE", webhook_execution.LEASE / 8)
    deploy_doorman(tmp_path, ROUTES + "request = { timeout = { seconds = 5 } }\n")

    request(application, "GET", "/hooks/do/call")

    (execution,) = requests_recorded()
    events = events_of(execution.execution_id)
    assert execution.result_kind == "timed_out"
    assert events.count("Locked") >= 3


def test_a_request_goes_out_where_both_sides_allow_it(
    application: WebhookApplication, tmp_path: Path, settings: Settings
) -> None:
    with serve(lambda received: Answer(body=b"from afar")) as upstream:
        settings.OBELISK_OUTBOUND_HOSTS = [upstream.origin]
        rule = f'[[webhook_endpoint_wasm.allowed_host]]\npattern = "{upstream.origin}"\nmethods = "*"\n'
        deploy_doorman(tmp_path, ROUTES + rule)

        reply = request(application, "GET", "/hooks/do/fetch", headers=[("x-authority", upstream.authority)])

    assert reply.text == "200 from afar"
    assert [received.path for received in upstream.received] == ["/fetched"]
    # It alone is no reason for an execution.
    assert not Execution.objects.exists()
