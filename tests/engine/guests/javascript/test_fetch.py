"""``fetch`` through the real executor to real servers on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from engine.activity.secret_values import OperatorPolicy, SecretValue
from engine.deployment.spec import AllowedHost, SecretLocation
from engine.journal.memory import MemoryJournal
from engine.log.ids import ExecutionId
from engine.simulation.stepped import simulated_settings
from tests.harness.http_servers import Answer, Received, Upstream, serve
from tests.harness.javascript_components import JavaScriptApp
from tests.harness.simulation import Simulation

ANYWHERE = AllowedHost(pattern="http://127.0.0.1:*", methods=None)


def _answer(request: Received) -> Answer:
    match request.path.partition("?")[0]:
        case "/moved":
            return Answer(302, headers=(("location", "/echo?from=moved"),))
        case "/status":
            return Answer(int(request.path.partition("?")[2]), b"as asked")
        case "/binary":
            return Answer(200, bytes(range(256)))
        case _:
            seen = {"method": request.method, "path": request.path, "body": request.body.decode()}
            headers = (("content-type", "application/json"), ("set-cookie", "a=1"), ("set-cookie", "b=2"))
            return Answer(200, json.dumps(seen).encode(), headers)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with serve(_answer) as server:
        yield server


def world_of(source: str, *hosts: AllowedHost) -> Simulation:
    app = JavaScriptApp().activity("web:client/calls.get", source, ("string",), max_retries=0, allowed_hosts=hosts)
    world = Simulation(registry=app.deploy())
    operator = OperatorPolicy(allowed_hosts=(ANYWHERE,), secrets={"TOKEN": SecretValue("hunter2")})
    world.start_executor(settings=replace(simulated_settings(), operator=operator))
    return world


def run(source: str, url: str, *hosts: AllowedHost) -> tuple[Any, list[str]]:
    """Run an activity, and return its result and log lines."""
    world = world_of(source, *hosts)
    target = world.submit("web:client/calls.get", [url])
    world.run(target)
    lines = _lines(world, target)
    world.executors[0].executor._services.transport.close()
    return world.result_of(target), lines


def _lines(world: Simulation, target: ExecutionId) -> list[str]:
    world.executors[0].executor._services.guest_log.flush()
    assert isinstance(world.journal, MemoryJournal)
    return [line.message for line in world.journal._log_lines if line.execution_id == target]


def test_a_request_goes_out_and_its_response_comes_back(upstream: Upstream) -> None:
    source = """
        export default async function get(url) {
            const response = await fetch(`${url}/echo?q=1#f`, {
                method: "POST", headers: { "X-One": "1" }, body: JSON.stringify({ n: 1 }),
            });
            const { method, path, body } = await response.json();
            return [response.status, response.headers.getSetCookie(), method, path, body].join(" ");
        }"""

    result, _ = run(source, upstream.origin, ANYWHERE)

    assert result == {"ok": '200 a=1,b=2 POST /echo?q=1 {"n":1}'}
    assert upstream.received[0].header("x-one") == "1"
    assert upstream.received[0].header("content-type") == "text/plain;charset=UTF-8"


def test_redirects_are_followed_and_told(upstream: Upstream) -> None:
    source = """
        export default async function get(url) {
            const response = await fetch(`${url}/moved`);
            const { path } = await response.json();
            const kept = await fetch(`${url}/moved`, { redirect: "manual" });
            return `${response.redirected} ${new URL(response.url).pathname} ${path} ${kept.status}`;
        }"""

    assert run(source, upstream.origin, ANYWHERE)[0] == {"ok": "true /echo /echo?from=moved 302"}


def test_bytes_come_back_as_they_are(upstream: Upstream) -> None:
    source = """
        export default async function get(url) {
            const bytes = new Uint8Array(await (await fetch(`${url}/binary`)).arrayBuffer());
            return String(bytes.length === 256 && bytes.every((byte, index) => byte === index));
        }"""

    assert run(source, upstream.origin, ANYWHERE)[0] == {"ok": "true"}


@pytest.mark.parametrize("status", [204, 304, 404, 503])
def test_every_status_is_a_response(upstream: Upstream, status: int) -> None:
    source = "export default async (url) => { const r = await fetch(url); return `${r.status} ${r.ok}`; };"

    result, _ = run(source, f"{upstream.origin}/status?{status}", ANYWHERE)

    assert result == {"ok": f"{status} {str(status == 204).lower()}"}


def test_a_request_that_no_rule_allows_is_refused_and_logged(upstream: Upstream) -> None:
    source = "export default async (url) => { await fetch(url); };"

    result, lines = run(source, upstream.origin)

    assert result["err"].startswith("fetch failed: ")
    assert any("HTTP request denied" in line for line in lines)
    assert upstream.received == []


def test_a_server_that_is_not_there_is_an_error_of_the_program() -> None:
    source = "export default async (url) => { try { await fetch(url); } catch (e) { return `${e.name} ${e.code}`; } };"

    assert run(source, "http://127.0.0.1:9", ANYWHERE)[0] == {"ok": "TypeError connect"}


def test_a_secret_goes_out_and_the_program_never_sees_it(upstream: Upstream) -> None:
    source = """
        export default async function get(url) {
            await fetch(url, { headers: { authorization: `Bearer ${process.env.TOKEN}` } });
            return process.env.TOKEN;
        }"""
    rule = replace(ANYWHERE, secrets=("TOKEN",), replace_in=(SecretLocation.HEADERS,))
    world = world_of(source, rule)
    operator = OperatorPolicy(allowed_hosts=(rule,), secrets={"TOKEN": SecretValue("hunter2")})
    world.executors[0].executor._services.settings = replace(simulated_settings(), operator=operator)
    target = world.submit("web:client/calls.get", [upstream.origin])
    world.run(target)
    world.executors[0].executor._services.transport.close()

    assert upstream.received[0].header("authorization") == "Bearer hunter2"
    assert world.result_of(target)["ok"].startswith("OBELISK_SECRET_")


def test_several_requests_are_under_way_at_once() -> None:
    meeting = threading.Barrier(3)

    def answer(request: Received) -> Answer:
        meeting.wait(timeout=20)  # nobody is answered before all have asked
        return Answer(200, request.path.encode())

    source = """
        export default async function get(url) {
            const answers = await Promise.all(["/a", "/b", "/c"].map((path) => fetch(url + path)));
            return (await Promise.all(answers.map((each) => each.text()))).join("");
        }"""
    with serve(answer) as server:
        assert run(source, server.origin, ANYWHERE)[0] == {"ok": "/a/b/c"}


def test_a_slow_request_is_aborted_and_a_quick_one_goes_on() -> None:
    quick_asked, may_end = threading.Event(), threading.Event()

    def answer(request: Received) -> Answer:
        if request.path == "/slow":
            quick_asked.wait(timeout=20)
            may_end.wait(timeout=20)
        else:
            quick_asked.set()
        return Answer(200, b"quick")

    source = """
        export default async function get(url) {
            const controller = new AbortController();
            const slow = fetch(`${url}/slow`, { signal: controller.signal }).catch((error) => error.name);
            const quick = await (await fetch(`${url}/quick`)).text();
            controller.abort();
            return `${await slow} ${quick}`;
        }"""
    with serve(answer) as server:
        assert run(source, server.origin, ANYWHERE)[0] == {"ok": "AbortError quick"}
        may_end.set()


def test_redirects_of_several_requests_are_followed_at_once(upstream: Upstream) -> None:
    source = """
        export default async function get(url) {
            const answers = await Promise.all([1, 2, 3].map(() => fetch(`${url}/moved`)));
            return answers.map((each) => new URL(each.url).pathname).join("");
        }"""

    assert run(source, upstream.origin, ANYWHERE)[0] == {"ok": "/echo/echo/echo"}


def test_headers_go_out_as_latin_1(upstream: Upstream) -> None:
    source = """export default async (url) => { await fetch(url, { headers: { "x-name": "Zoë" } }); return "sent"; };"""

    assert run(source, upstream.origin, ANYWHERE)[0] == {"ok": "sent"}
    assert upstream.received[0].header("x-name") == "Zoë"
