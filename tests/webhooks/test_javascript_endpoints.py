"""Webhook endpoints that are JavaScript files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.services import deploy
from engine.log.ids import ExecutionId, Version
from executions.backtraces import find_backtrace
from executions.hosting import ExecutorHost
from executions.models import Execution
from tests.components_app.builders import REPOSITORY, write_deployment
from tests.harness.asgi_client import exchange, request
from tests.harness.eventually import eventually
from tests.harness.http_servers import Answer, serve
from tests.webhooks.sites import PROBE, keeps_backtraces, lines_of, requests_recorded
from webhooks.application import WebhookApplication

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = """
[[webhook_endpoint_js]]
name = "desk"
location = "desk.js"
routes = ["/desk/:op", "/desk/:op/:id"]
env_vars = [{ key = "GREETING", value = "hi" }]
"""
DESK = """
import { add } from "test:probe/activity";
import { addSchedule } from "test:probe-obelisk-schedule/activity";

async function* counted(count) {
  for (let number = 0; number < count; number += 1) {
    yield `${number},`;
  }
}

export default async function handle(request) {
  const op = process.env.op;
  const id = process.env.id;
  switch (op) {
    case "describe":
      return Response.json({
        method: request.method, url: request.url, shown: request.headers.get("X-Shown"), env: process.env.GREETING, id,
      }, { status: 201 });
    case "length":
      return new Response(String((await request.bytes()).length));
    case "json":
      return Response.json({ got: await request.json(), used: request.bodyUsed });
    case "echo":
      return new Response(request.body, { headers: { "content-type": "application/x-echo" } });
    case "count":
      return new Response(counted(Number(id)));
    case "call":
      return Response.json([
        add(20, 22), obelisk.call("test:probe/activity.add", [1, 2]), obelisk.executionIdCurrent(),
      ]);
    case "schedule":
      return new Response(addSchedule({ milliseconds: 0 }, 1, 2), { status: 202 });
    case "get":
      return Response.json([obelisk.get(id), obelisk.tryGet(id), obelisk.getStatus(id)]);
    case "try-get":
      return Response.json({ result: obelisk.tryGet(id) ?? null });
    case "log":
      console.info("somebody rang");
      return new Response(null, { status: 204 });
    case "forward": {
      const response = await fetch(request.headers.get("x-url"), { method: "POST", body: request.body });
      return new Response(response.body, { status: response.status });
    }
    case "throw":
      throw new Error("what is this?");
    case "nothing":
      return "text";
  }
}
"""


@pytest.fixture(autouse=True)
def deployed(tmp_path: Path) -> None:
    (tmp_path / "desk.js").write_text(DESK)
    probe = (REPOSITORY / "tests" / "components" / "probe" / "probe.wasm").read_bytes()
    deploy(write_deployment(tmp_path, TABLE + PROBE, probe=probe))


@pytest.fixture
def executor(deployed: None) -> Iterator[None]:
    host = ExecutorHost()
    host.start()
    yield
    host.stop()


def test_a_function_takes_a_request_and_returns_a_response(application: WebhookApplication) -> None:
    reply = request(application, "PUT", "/hooks/desk/describe/7?a=1", headers=[("x-shown", "yes")])

    assert (reply.status, reply.header("content-type")) == (201, "application/json")
    assert json.loads(reply.text) == {
        "method": "PUT",
        "url": "http://obelisk.test/desk/describe/7?a=1",
        "shown": "yes",
        "env": "hi",
        "id": "7",
    }
    assert not Execution.objects.exists()


def test_bodies_stream_both_ways(application: WebhookApplication) -> None:
    pieces = [bytes([number]) * 70_000 for number in range(10)]

    echoed = request(application, "POST", "/hooks/desk/echo", body=pieces)
    length = request(application, "POST", "/hooks/desk/length", body=pieces)
    counted = request(application, "GET", "/hooks/desk/count/3")
    document = request(application, "POST", "/hooks/desk/json", body=b'{"a": [1]}')

    assert echoed.body == b"".join(pieces)
    assert echoed.header("content-type") == "application/x-echo"
    assert length.text == "700000"
    assert counted.text == "0,1,2,"
    assert json.loads(document.text) == {"got": {"a": [1]}, "used": True}


def test_a_client_that_goes_away_ends_the_response(application: WebhookApplication) -> None:
    server = exchange(application, "GET", "/hooks/desk/count/1000000", on_chunk=lambda _, count: count < 3)

    assert len(server.reply.chunks) < 1000


@pytest.mark.usefixtures("executor")
def test_calls_are_children(application: WebhookApplication) -> None:
    reply = request(application, "GET", "/hooks/desk/call")

    (execution,) = requests_recorded()
    assert json.loads(reply.text) == [42, 3, execution.execution_id]
    assert Execution.objects.filter(parent_id=execution.execution_id).count() == 2


@pytest.mark.usefixtures("executor")
def test_where_calls_are_made_is_kept_if_the_endpoint_wants_it(application: WebhookApplication, tmp_path: Path) -> None:
    request(application, "GET", "/hooks/desk/call")
    deploy(write_deployment(tmp_path, TABLE + "backtrace_persist = true\n" + PROBE))
    eventually(lambda: keeps_backtraces("desk"))
    request(application, "GET", "/hooks/desk/call")

    first, second = requests_recorded()
    found = eventually(lambda: find_backtrace(ExecutionId(second.execution_id), Version(2)))
    (frame,) = found.stack["frames"]
    (symbol,) = frame["symbols"]
    assert (frame["func_name"], symbol["file"]) == ("handle", "desk.js")
    assert "add(20, 22)" in DESK.splitlines()[symbol["line"] - 1]
    assert find_backtrace(ExecutionId(first.execution_id)) is None


@pytest.mark.usefixtures("executor")
def test_what_is_scheduled_can_be_asked_for(application: WebhookApplication) -> None:
    scheduled = request(application, "GET", "/hooks/desk/schedule")

    got = request(application, "GET", f"/hooks/desk/get/{scheduled.text}")

    assert scheduled.status == 202
    assert json.loads(got.text) == [3, 3, {"status": "finished", "finishedStatus": "ok"}]


def test_what_has_not_ended_is_not_waited_for(application: WebhookApplication) -> None:
    scheduled = request(application, "GET", "/hooks/desk/schedule").text

    assert json.loads(request(application, "GET", f"/hooks/desk/try-get/{scheduled}").text) == {"result": None}


def test_what_it_logs_is_kept(application: WebhookApplication) -> None:
    assert request(application, "GET", "/hooks/desk/log").status == 204

    (execution,) = requests_recorded()
    assert eventually(lambda: lines_of(execution.execution_id)) == ["somebody rang"]


def test_a_request_is_passed_on(application: WebhookApplication, tmp_path: Path, settings: object) -> None:
    with serve(lambda received: Answer(body=b"got " + received.body)) as upstream:
        settings.OBELISK_OUTBOUND_HOSTS = [upstream.origin]  # type: ignore[attr-defined]  # pytest-django's
        rule = f'[[webhook_endpoint_js.allowed_host]]\npattern = "{upstream.origin}"\nmethods = "*"\n'
        probe = (tmp_path / "probe.wasm").read_bytes()
        deploy(write_deployment(tmp_path, TABLE + rule + PROBE, probe=probe))

        reply = request(
            application, "POST", "/hooks/desk/forward", headers=[("x-url", f"{upstream.origin}/x")], body=[b"a", b"b"]
        )

    assert (reply.status, reply.text) == (200, "got ab")


@pytest.mark.parametrize("op", ["throw", "nothing"])
def test_a_handler_that_fails_is_an_error_of_the_server(application: WebhookApplication, op: str) -> None:
    reply = request(application, "GET", f"/hooks/desk/{op}")

    assert reply.status == 500 if op == "throw" else 503
