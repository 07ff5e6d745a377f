"""HTTP of Python activities: real requests to loopback, through the policy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engine.activity.secret_values import OperatorPolicy, SecretValue
from engine.deployment.spec import AllowedHost, SandboxPolicy, SecretLocation
from engine.log.events import TemporarilyFailed
from engine.simulation.stepped import simulated_settings
from tests.harness.components import deploy
from tests.harness.http_servers import Answer, Received, Upstream, serve
from tests.harness.python_components import python_app, source
from tests.harness.simulation import Simulation

APP = source("""
    from __future__ import annotations
    import os
    from obelisk import *

    @activity(max_retries=2)
    def fetch(url: str) -> str:
        response = http.get(url, params={"q": "a b"}, headers={"X-Token": os.environ.get("TOKEN", "")})
        response.raise_for_status()
        return f"{response.status} {response.headers['content-type']} {response.text}"

    @activity
    def send(url: str) -> str:
        response = http.post(url, json={"city": "Zürich"})
        return str(response.json()["ok"])

    @activity(max_retries=1)
    def raw(url: str, method: str) -> str:
        try:
            return str(http.request(method, url, timeout=0.2).status)
        except http.Error as error:
            return type(error).__name__

    @workflow
    def direct(url: str) -> str:
        return http.get(url).text

    @workflow
    def streamed(url: str) -> str:
        return http.stream("GET", url).url

    @activity(max_retries=0)
    def measure(url: str, size: int) -> tuple[int, int]:
        with http.stream("GET", url) as answer:
            pieces = [len(piece) for piece in answer.raise_for_status().iter_bytes(size)]
        return sum(pieces), max(pieces)

    @activity
    def lines(url: str) -> list[str]:
        with http.stream("GET", url) as answer:
            return [f"{answer.status} {answer.url.rpartition('/')[2]}", *answer.iter_lines()]

    @activity
    def first_line(url: str) -> str:
        found = []
        for _ in range(100):
            with http.stream("GET", url) as answer:
                found.append(next(answer.iter_lines()))
        try:
            list(answer.iter_bytes())
        except http.Error as error:
            return f"{len(found)} {error}"

    @activity(max_retries=0)
    def broken(url: str) -> str:
        try:
            with http.stream("GET", url) as answer:
                list(answer.iter_bytes())
        except http.Error as error:
            return type(error).__name__
        return "?"

    @activity(max_retries=0)
    def status(url: str) -> str:
        try:
            with http.stream("GET", url) as answer:
                answer.raise_for_status()
        except http.StatusError as error:
            return f"{error.response.status} {error.response.text}"
        return "?"
""")
ANYWHERE = AllowedHost(
    pattern="http://127.0.0.1:*", methods=None, secrets=("TOKEN",), replace_in=(SecretLocation.HEADERS,)
)


LARGE = 20 << 20


def answer(received: Received) -> Answer:
    path = received.path.partition("?")[0]
    match path:
        case "/echo":
            return Answer(
                body=f"{received.path} {received.header('x-token')}".encode(), headers=(("Content-Type", "text/plain"),)
            )
        case "/json":
            return Answer(body=json.dumps({"ok": json.loads(received.body)["city"]}).encode())
        case "/moved":
            return Answer(status=302, headers=(("Location", "/echo"),))
        case "/loop":
            return Answer(status=302, headers=(("Location", "/loop"),))
        case "/away":
            return Answer(status=302, headers=(("Location", "http://localhost:1/echo"),))
        case "/missing":
            return Answer(status=404, body=b"no such page")
        case "/large":
            return Answer(body=b"x" * LARGE)
        case "/lines":
            return Answer(body="é1\r\n2\n\n3".encode())
        case "/there":
            return Answer(status=302, headers=(("Location", "/lines"),))
        case "/endless":
            return Answer(body=b"y" * (2 << 20))
        case "/busy":
            return Answer(status=503, headers=(("Retry-After", "120"),))
        case _:
            raise AssertionError(path)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with serve(answer) as server:
        yield server


@pytest.fixture
def world() -> Iterator[Simulation]:
    components = [
        replace(component, sandbox=SandboxPolicy(allowed_hosts=(ANYWHERE,)), may_touch_world=True)
        for component in python_app(APP)
    ]
    simulation = Simulation(registry=deploy(*components))
    operator = OperatorPolicy(allowed_hosts=(ANYWHERE,), secrets={"TOKEN": SecretValue("hunter2")})
    executor = simulation.start_executor(settings=replace(simulated_settings(), operator=operator))
    yield simulation
    executor.executor._services.transport.close()


def run(world: Simulation, function: str, *params: Any) -> Any:
    target = world.submit(f"acme:app/{function}", params)
    world.run(target)
    return world.result_of(target)


def test_a_request_goes_out_with_its_parameters_and_the_secret_in_place(world: Simulation, upstream: Upstream) -> None:
    result = run(world, "activities.fetch", f"{upstream.origin}/echo")

    assert result["ok"].startswith("200 text/plain /echo?q=a+b")
    assert [received.header("x-token") for received in upstream.received] == ["hunter2"]


def test_json_goes_both_ways(world: Simulation, upstream: Upstream) -> None:
    assert run(world, "activities.send", f"{upstream.origin}/json") == {"ok": "Zürich"}


def test_redirects_are_followed(world: Simulation, upstream: Upstream) -> None:
    run(world, "activities.fetch", f"{upstream.origin}/moved")

    assert [received.path for received in upstream.received] == ["/moved?q=a+b", "/echo"]


def test_every_hop_passes_the_policy(world: Simulation, upstream: Upstream) -> None:
    assert run(world, "activities.raw", f"{upstream.origin}/away", "GET") == {"ok": "Denied"}


def test_a_redirect_that_leads_nowhere_ends(world: Simulation, upstream: Upstream) -> None:
    assert run(world, "activities.raw", f"{upstream.origin}/loop", "GET") == {"ok": "Error"}


def test_a_client_error_is_permanent(world: Simulation, upstream: Upstream) -> None:
    result = run(world, "activities.fetch", f"{upstream.origin}/missing")

    assert result == {"err": f"StatusError: 404 from {upstream.origin}/missing?q=a+b"}
    assert len(upstream.received) == 1


def test_a_busy_server_is_asked_again_when_it_says(world: Simulation, upstream: Upstream) -> None:
    before = world.clock.now()
    target = world.submit("acme:app/activities.fetch", [f"{upstream.origin}/busy"])
    world.run(target)

    failures = [event for event in world.events_of(target) if isinstance(event, TemporarilyFailed)]
    assert len(upstream.received) == 3
    assert len(failures) == 2
    assert world.clock.now() - before >= timedelta(seconds=240)


def test_a_host_that_no_rule_allows_is_denied_and_not_retried(world: Simulation) -> None:
    target = world.submit("acme:app/activities.fetch", ["http://example.com/"])
    world.run(target)

    assert world.result_of(target)["err"].startswith("Denied: ")
    assert not [event for event in world.events_of(target) if isinstance(event, TemporarilyFailed)]


def test_nobody_at_the_other_end_is_a_connect_error(world: Simulation) -> None:
    assert run(world, "activities.raw", "http://127.0.0.1:9/", "GET") == {"ok": "ConnectError"}


def test_a_workflow_has_no_network(world: Simulation, upstream: Upstream) -> None:
    assert run(world, "workflows.direct", upstream.origin) == {
        "err": "RuntimeError: a workflow has no network; call an activity"
    }


def test_a_body_larger_than_one_answer_may_be_is_read_in_pieces(world: Simulation, upstream: Upstream) -> None:
    assert run(world, "activities.measure", f"{upstream.origin}/large", 5 << 20)["ok"][0] == LARGE
    world.run_to_rest()
    (exchange,) = world.memory.http_exchanges
    assert (exchange.status, exchange.response_bytes, exchange.error) == (200, LARGE, None)


def test_pieces_are_as_small_as_asked_for(world: Simulation, upstream: Upstream) -> None:
    assert run(world, "activities.measure", f"{upstream.origin}/lines", 3) == {"ok": [9, 3]}


def test_a_body_is_read_by_lines_after_redirects(world: Simulation, upstream: Upstream) -> None:
    assert run(world, "activities.lines", f"{upstream.origin}/there") == {"ok": ["200 lines", "é1", "2", "", "3"]}


def test_what_is_not_read_is_given_up_at_the_end_of_the_with(world: Simulation, upstream: Upstream) -> None:
    assert run(world, "activities.first-line", f"{upstream.origin}/lines") == {"ok": "100 the response is closed"}


def test_a_line_without_end_is_refused(world: Simulation, upstream: Upstream) -> None:
    result = run(world, "activities.lines", f"{upstream.origin}/endless")

    assert "longer than 1 MiB; use iter_bytes()" in result["err"]


def test_streams_pass_the_policy_and_tell_errors_alike(world: Simulation, upstream: Upstream) -> None:
    assert run(world, "activities.broken", "http://localhost:1/x") == {"ok": "Denied"}
    assert run(world, "activities.broken", f"{upstream.origin}/away") == {"ok": "Denied"}
    assert run(world, "activities.status", f"{upstream.origin}/missing") == {"ok": "404 no such page"}
    assert "a workflow has no network" in run(world, "workflows.streamed", "http://a.test")["err"]
