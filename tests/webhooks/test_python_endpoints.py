"""Webhook endpoints that are Python files."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.problems import DeploymentRefused
from components.services import deploy
from engine.log.ids import ExecutionId, Version
from executions.backtraces import find_backtrace
from executions.hosting import ExecutorHost
from executions.models import Execution
from tests.components_app.builders import write_deployment
from tests.harness.asgi_client import exchange, request
from tests.harness.eventually import eventually
from tests.webhooks.sites import events_of, keeps_backtraces, lines_of, requests_recorded
from webhooks.application import WebhookApplication

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = """
[[python]]
location = "greetings.py"

[[webhook_endpoint_py]]
name = "front-desk"
location = "desk.py"
files = ["greetings.py"]
routes = ["/desk/:op", "/desk/:op/:id"]
env_vars = [{ key = "GREETING", value = "hi" }]
"""
GREETINGS = """
from obelisk import activity, workflow

PACKAGE = "acme:greetings"

class Rude(Exception): pass

@activity(max_retries=0)
def greet(name: str) -> str:
    if not name:
        raise Rude("nobody")
    return f"Hello, {name}"

@workflow
def greet_all(names: list[str]) -> list[str]:
    return [greet(name) for name in names]
"""
DESK = """
import os
from obelisk import ChildError, Request, Response, execution_id, get, schedule, sleep, try_get, webhook
from greetings import greet, greet_all

@webhook
def handle(request: Request) -> Response:
    match request.params["op"]:
        case "describe":
            return Response.json({
                "method": request.method, "path": request.path, "query": request.query,
                "shown": request.headers.get("X-Shown"), "env": os.environ["GREETING"], "id": os.environ["id"],
            }, status=201, headers={"x-many": ["1", "2"]})
        case "echo":
            return Response(request.chunks())
        case "length":
            return Response(str(len(request.body)))
        case "count":
            return Response((f"{number}," for number in range(int(request.params["id"]))))
        case "call":
            return Response.json([greet("Ann"), greet_all(["Bob", "Cy"]), execution_id()])
        case "rude":
            try:
                greet("")
            except ChildError as error:
                return Response(str(error.value), status=422)
        case "schedule":
            return Response(schedule(greet_all, ["Dora"]), status=202)
        case "get":
            return Response.json(get(greet_all, request.params["id"]))
        case "try-get":
            try:
                ended = try_get(greet_all, request.params["id"])
            except LookupError as error:
                return Response(str(error), status=404)
            return Response("not yet" if ended is None else str(ended.result()))
        case "print":
            print("somebody rang")
        case "sleep":
            sleep(1)
        case "raise":
            raise ValueError("what is this?")
    return Response()
"""


def write(folder: Path, *, desk: str = DESK) -> Path:
    (folder / "greetings.py").write_text(textwrap.dedent(GREETINGS))
    (folder / "desk.py").write_text(textwrap.dedent(desk))
    return write_deployment(folder, TABLES)


@pytest.fixture
def deployed(tmp_path: Path) -> None:
    deploy(write(tmp_path))


@pytest.fixture
def executor(deployed: None) -> Iterator[None]:
    host = ExecutorHost()
    host.start()
    yield
    host.stop()


@pytest.mark.usefixtures("deployed")
def test_a_function_takes_a_request_and_returns_a_response(application: WebhookApplication) -> None:
    reply = request(application, "POST", "/hooks/desk/describe/7?a=1&a=2", headers=[("x-shown", "yes")])

    assert reply.status == 201
    assert [value for name, value in reply.headers if name == "x-many"] == ["1", "2"]
    assert json.loads(reply.text) == {
        "method": "POST",
        "path": "/desk/describe/7",
        "query": {"a": ["1", "2"]},
        "shown": "yes",
        "env": "hi",
        "id": "7",
    }
    assert not Execution.objects.exists()


@pytest.mark.usefixtures("deployed")
def test_bodies_stream_both_ways(application: WebhookApplication) -> None:
    pieces = [bytes([number]) * 70_000 for number in range(10)]

    echoed = request(application, "POST", "/hooks/desk/echo", body=pieces)
    length = request(application, "POST", "/hooks/desk/length", body=pieces)
    counted = request(application, "GET", "/hooks/desk/count/3")

    assert echoed.body == b"".join(pieces)
    assert length.text == "700000"
    assert (counted.text, counted.has_ended) == ("0,1,2,", True)


@pytest.mark.usefixtures("deployed")
def test_a_client_that_goes_away_ends_the_response(application: WebhookApplication) -> None:
    server = exchange(application, "GET", "/hooks/desk/count/1000000", on_chunk=lambda _, count: count < 3)

    assert len(server.reply.chunks) < 1000


@pytest.mark.usefixtures("executor")
def test_calls_are_children_and_values_have_types(application: WebhookApplication) -> None:
    reply = request(application, "GET", "/hooks/desk/call")
    rude = request(application, "GET", "/hooks/desk/rude")

    first, second = requests_recorded()
    assert json.loads(reply.text) == ["Hello, Ann", ["Hello, Bob", "Hello, Cy"], first.execution_id]
    assert (rude.status, rude.text) == (422, "Rude: nobody")
    children = Execution.objects.filter(parent_id=first.execution_id).order_by("execution_id")
    assert [child.execution_id.rpartition(".")[2] for child in children] == ["o:1_1", "o:2_1"]
    assert events_of(second.execution_id)[-1] == "Finished"


@pytest.mark.usefixtures("executor")
def test_where_calls_are_made_is_kept_if_the_endpoint_wants_it(application: WebhookApplication, tmp_path: Path) -> None:
    request(application, "GET", "/hooks/desk/call")
    deploy(write_deployment(tmp_path, TABLES + "backtrace_persist = true\n"))
    eventually(lambda: keeps_backtraces("front-desk"))
    request(application, "GET", "/hooks/desk/call")

    first, second = requests_recorded()
    found = eventually(lambda: find_backtrace(ExecutionId(second.execution_id), Version(2)))
    assert "desk.py" in str(found.stack)
    assert find_backtrace(ExecutionId(first.execution_id)) is None


@pytest.mark.usefixtures("executor")
def test_what_is_scheduled_can_be_asked_for(application: WebhookApplication) -> None:
    scheduled = request(application, "GET", "/hooks/desk/schedule")

    got = request(application, "GET", f"/hooks/desk/get/{scheduled.text}")
    tried = request(application, "GET", f"/hooks/desk/try-get/{scheduled.text}")
    unknown = request(application, "GET", "/hooks/desk/try-get/E_01KBNHM5FQW81KP5Y3XMNX31K4")

    assert scheduled.status == 202
    assert json.loads(got.text) == ["Hello, Dora"]
    assert tried.text == "['Hello, Dora']"
    assert (unknown.status, unknown.text) == (404, "there is no such execution")


@pytest.mark.usefixtures("deployed")
def test_what_has_not_ended_is_not_waited_for(application: WebhookApplication) -> None:
    scheduled = request(application, "GET", "/hooks/desk/schedule").text

    assert request(application, "GET", f"/hooks/desk/try-get/{scheduled}").text == "not yet"


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(("op", "said"), [("raise", "ValueError: what is this?"), ("sleep", "sleep() works in workf")])
def test_an_exception_is_an_error_of_the_server_and_stands_in_the_log(
    application: WebhookApplication, op: str, said: str
) -> None:
    reply = request(application, "GET", f"/hooks/desk/{op}")

    (execution,) = requests_recorded()
    assert (reply.status, reply.text) == (500, "Component Error")
    assert execution.result_kind == "uncategorized"
    (line,) = eventually(lambda: lines_of(execution.execution_id))
    assert said in line
    assert 'File "desk.py"' in line


@pytest.mark.usefixtures("deployed")
def test_what_is_printed_is_kept(application: WebhookApplication) -> None:
    assert request(application, "GET", "/hooks/desk/print").status == 200

    (execution,) = requests_recorded()
    assert eventually(lambda: lines_of(execution.execution_id)) == ["somebody rang"]


@pytest.mark.parametrize(
    ("desk", "problem"),
    [
        ("x = 1", "desk.py:1: the file has no function handle and none that is decorated as webhook"),
        ("def handle(): ...", "desk.py:1: handle: it must take one parameter, the request"),
        ("async def handle(request): ...", "desk.py:1: handle: async def is not supported"),
        (
            "from obelisk import webhook\n@webhook\ndef a(r): ...\n@webhook\ndef b(r): ...",
            "desk.py:1: a and b are both decorated as webhook",
        ),
        (
            'from obelisk import imported\n@imported("acme:greetings/activities.wave")\n'
            "def wave() -> str: ...\ndef handle(request): ...",
            "desk.py:2: wave: no component exports acme:greetings/activities.wave",
        ),
    ],
)
def test_a_file_that_answers_nothing_is_refused(tmp_path: Path, desk: str, problem: str) -> None:
    with pytest.raises(DeploymentRefused) as caught:
        deploy(write(tmp_path, desk=desk))

    (found,) = caught.value.problems
    assert found.startswith(problem)
