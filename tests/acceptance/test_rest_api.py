"""A session with the REST API as clients have it: a real server, a real executor, and HTTP between them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.api_client import PATIENCE_S, Client, serve
from tests.acceptance.sites import Site
from tests.harness.eventually import eventually

FIBOA = "testing:fibo-workflow/workflow.fiboa"
FIBO = "testing:fibo/fibo.fibo"


@pytest.fixture(scope="module")
def client(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    site = Site(tmp_path_factory.mktemp("rest"), {"OBELISK_API_RATE": "0"})
    shutil.copytree(template, site.data_dir)
    try:
        yield serve(site)
    finally:
        site.kill()


def started(client: Client, *params: int, **more: Any) -> str:
    status, document = client.send("POST", "executions", {"ffqn": FIBOA, "params": params, **more})
    assert status == 201, document
    return str(document["ok"])


def test_a_session_as_obelisks_documentation_has_it(client: Client) -> None:
    with client.open("GET", "execution-id", headers={"Accept": "*/*"}) as response:
        execution_id = response.read().decode()
    call = {"ffqn": FIBOA, "params": [10, 3]}

    assert client.send("PUT", f"executions/{execution_id}", call) == (201, {"ok": execution_id})
    assert client.send("PUT", f"executions/{execution_id}", call) == (200, {"ok": execution_id})
    assert client.send("GET", f"executions/{execution_id}?follow=true") == (200, {"ok": 55})
    _, status = client.send("GET", f"executions/{execution_id}/status")
    assert status["pending_state"]["result_kind"] == "ok"
    _, events = client.send("GET", f"executions/{execution_id}/events?length=1000")
    assert events["max_version"] == len(events["events"]) - 1
    _, responses = client.send("GET", f"executions/{execution_id}/responses")
    assert [each["event"]["event"]["event"]["result"]["ok"]["value"] for each in responses["responses"]] == [55] * 3
    _, listed = client.send("GET", f"executions?show_derived=true&execution_id_prefix={execution_id}.")
    assert len(listed) == 3
    assert {each["ffqn"] for each in listed} == {FIBO}


def test_a_result_is_waited_for_in_one_request(client: Client) -> None:
    assert client.send("POST", "executions?follow=true", {"ffqn": FIBO, "params": [10]}) == (201, {"ok": 55})
    assert client.send("POST", "executions", {"ffqn": FIBO, "params": [10]}, Prefer="wait=50") == (201, {"ok": 55})


def test_a_stream_brings_every_event_once_and_the_result_at_the_end(client: Client) -> None:
    execution_id = started(client, 10, 50)

    with client.open("GET", f"executions/{execution_id}/stream") as response:
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        stream = response.read().decode()

    _, events = client.send("GET", f"executions/{execution_id}/events?length=1000")
    assert re.findall(r"^id: (\d+)$", stream, re.MULTILINE) == [str(n) for n in range(events["max_version"] + 1)]
    assert stream.endswith('event: result\ndata: {"ok":55}\n\n')


def test_a_paused_execution_waits_is_unpaused_and_found_by_its_label(client: Client) -> None:
    execution_id = started(client, 10, 2, paused=True, labels={"team": "a"})
    path = f"executions/{execution_id}"

    assert client.send("GET", path)[0] == 425
    _, (found,) = client.send("GET", "executions?label=team:a&status=paused")
    assert found["execution_id"] == execution_id
    assert found["pending_state"]["status"] == "paused"
    assert client.send("PUT", f"{path}/unpause") == (200, {"ok": "unpaused"})
    assert client.send("GET", f"{path}?follow=true") == (200, {"ok": 55})


def test_many_are_paused_and_cancelled_at_once(client: Client) -> None:
    for _ in range(3):
        client.send("POST", "executions", {"ffqn": FIBO, "params": [10], "paused": True, "labels": {"batch": "1"}})
    batch = {"label": ["batch:1"], "status": ["unfinished"]}

    _, counted = client.send("POST", "executions/bulk", {"operation": "cancel", "filter": batch})
    _, cancelled = client.send("POST", "executions/bulk", {"operation": "cancel", "filter": batch, "dry_run": False})

    assert (counted["matching"], len(cancelled["done"]), cancelled["refused"]) == (3, 3, [])
    ended = "executions?label=batch:1&status=finished_execution_failure"
    eventually(lambda: len(client.send("GET", ended)[1]) == 3, within_s=PATIENCE_S)


def test_whoever_waits_keeps_nobody_else_waiting(client: Client) -> None:
    execution_id = started(client, 10, 1, paused=True)

    with ExitStack() as stack:
        followers = [
            stack.enter_context(client.open("GET", f"executions/{execution_id}?follow=true")) for _ in range(40)
        ]
        assert {follower.status for follower in followers} == {200}
        assert client.send("GET", f"executions/{execution_id}/status")[0] == 200
        client.send("PUT", f"executions/{execution_id}/unpause")
        assert {follower.read() for follower in followers} == {b'{\n  "ok": 55\n}'}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "executions", {"ffqn": FIBO, "params": [300]}, 400, "invalid_call"),
        ("POST", "executions", {"ffqn": "a:b/c.d", "params": []}, 404, "function_not_found"),
        ("PUT", "executions/E_01KBNHM5FQW81KP5Y3XMNX31K4/cancel", None, 404, "execution_not_found"),
        ("GET", "executions?nonsense=1", None, 400, "unknown_parameter"),
        ("GET", "nowhere", None, 404, "no_such_endpoint"),
        ("TRACE", "executions", None, 405, "method_not_allowed"),
    ],
)
def test_a_wrong_request_gets_its_problem(
    client: Client, method: str, path: str, body: object, status: int, code: str
) -> None:
    found, document = client.send(method, path, body)

    assert (found, document["code"]) == (status, code)


def test_an_id_with_a_slash_in_it_is_one_id(client: Client) -> None:
    status, document = client.send("GET", "executions/E_01KBNHM5FQW81KP5Y3XMNX31K4.n:a%2Fb_1/status")

    assert (status, document["code"]) == (404, "execution_not_found")
    assert "n:a/b_1" in document["detail"]
