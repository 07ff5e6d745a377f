"""Activities that use WASI, run by executors: what they see, what is stored of them, and how they are stopped."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from engine.activity.secret_values import OperatorPolicy, SecretValue
from engine.deployment.registry import Registry
from engine.deployment.spec import AllowedHost, ComponentSpec, LogLevel, SecretLocation, StreamTarget
from engine.executor.cancellation import request_cancellation
from engine.executor.settings import ExecutorSettings
from engine.log.events import Finished, TemporarilyTimedOut
from engine.log.return_values import Failed, FailureKind, Returned, ReturnValue
from tests.harness.components import courier, deploy, stubbed
from tests.harness.eventually import PATIENCE_S
from tests.harness.http_servers import Answer, Received, converse, read_head, serve
from tests.harness.live import LiveWorld
from tests.harness.wasi_guest import COURIER, LOOPBACK, make_message
from tests.harness.world import execution_id

SECRET = "hunter2&co"
OPERATOR = OperatorPolicy(allowed_hosts=(LOOPBACK,))


def settings(operator: OperatorPolicy = OPERATOR) -> ExecutorSettings:
    return ExecutorSettings(slots=4, operator=operator, stop_grace=timedelta(milliseconds=50))


class Site:
    """One executor of a deployment."""

    def __init__(self, component: ComponentSpec, operator: OperatorPolicy = OPERATOR) -> None:
        self.registry: Registry = deploy(component)
        self.world = LiveWorld(registry=self.registry)
        self.executor = self.world.start_executor(settings=settings(operator))

    def run(self, function: str, *params: object) -> ReturnValue:
        """Run a function of the courier to its end, and stop, so that all that is remembered is stored."""
        with self.world:
            target = self.world.submit(f"{COURIER}.{function}", params)
            return self.world.run(target)

    @property
    def lines(self) -> list[tuple[str | None, LogLevel | None, str]]:
        return [(line.stream, line.level, line.message) for line in self.world.memory.log_lines]


def value_of(retval: ReturnValue) -> Any:
    assert isinstance(retval, Returned)
    assert retval.payload is not None
    return json.loads(retval.payload.value)


def ok(_received: Received) -> Answer:
    return Answer(body=b"ok")


@pytest.fixture
def silent_server() -> Iterator[tuple[str, threading.Event]]:
    """A server that never answers; the event is set when it is asked."""
    asked, done = threading.Event(), threading.Event()

    def script(peer: socket.socket) -> None:
        read_head(peer)
        asked.set()
        done.wait(20)

    with converse(script, connections=2) as authority:
        yield authority, asked
        done.set()


def test_the_guest_sees_the_environment_of_its_entry() -> None:
    retval = Site(courier(env_vars={"A": "1"})).run("environment")

    assert value_of(retval) == [["A", "1"]]


def test_what_is_printed_is_stored_with_the_execution() -> None:
    site = Site(courier())

    site.run("print", "one\ntwo\n", "three")

    assert site.lines == [("stdout", None, "one"), ("stdout", None, "two"), ("stderr", None, "three")]


def test_what_is_printed_goes_where_the_entry_says(capsys: pytest.CaptureFixture[str]) -> None:
    site = Site(courier(stdout=StreamTarget.STDERR))

    site.run("print", "one\n", "two\n")

    assert site.lines == [("stderr", None, "two")]
    assert "one\n" in capsys.readouterr().err


def test_what_nobody_wants_is_not_kept() -> None:
    site = Site(courier(stdout=StreamTarget.NONE))

    site.run("print", "one\n", "two\n")

    assert site.lines == [("stderr", None, "two")]


def test_a_request_is_sent_and_remembered() -> None:
    with serve(ok) as upstream:
        site = Site(courier(allowed_hosts=(LOOPBACK,)))
        retval = site.run("fetch", make_message(upstream.authority, "/x?y=1"))

    assert value_of(retval)["body"] == "ok"
    (exchange,) = site.world.memory.http_exchanges
    assert exchange.execution_id.startswith("E_")
    assert exchange.run_id.startswith("Run_")
    assert (exchange.method, exchange.url) == ("GET", f"{upstream.origin}/x?y=1")
    assert (exchange.status, exchange.error, exchange.response_bytes) == (200, None, 2)


def test_a_denial_is_a_warning_in_the_log_and_an_error_in_the_guest() -> None:
    site = Site(courier(allowed_hosts=(LOOPBACK,)), OperatorPolicy())

    retval = site.run("fetch", make_message("127.0.0.1:9"))

    assert value_of(retval) == "ErrorCode::HttpRequestDenied"
    ((stream, level, message),) = site.lines
    assert (stream, level) == (None, LogLevel.WARN)
    assert "OBELISK_OUTBOUND_HOSTS=http://127.0.0.1:9" in message
    assert site.world.memory.http_exchanges[0].status is None


def test_a_request_under_way_when_the_run_ends_is_remembered(silent_server: tuple[str, threading.Event]) -> None:
    authority, _ = silent_server
    site = Site(courier(allowed_hosts=(LOOPBACK,), lock_expiry=timedelta(seconds=0.3)))

    retval = site.run("fetch", make_message(authority))

    assert isinstance(retval, Failed)
    assert retval.kind is FailureKind.TIMED_OUT
    assert len(site.world.memory.http_exchanges) == 1


def test_a_guest_that_waits_ends_with_its_lock_and_is_tried_again() -> None:
    site = Site(courier(lock_expiry=timedelta(seconds=0.2), max_retries=1))
    began = time.monotonic()

    retval = site.run("sleep", 60_000)

    assert isinstance(retval, Failed)
    assert retval.kind is FailureKind.TIMED_OUT
    assert time.monotonic() - began < PATIENCE_S
    events = [type(event) for event in site.world.events_of(execution_id(1))]
    assert events.count(TemporarilyTimedOut) == 1


def test_a_guest_that_waits_for_a_server_is_cancelled(silent_server: tuple[str, threading.Event]) -> None:
    authority, asked = silent_server
    site = Site(courier(allowed_hosts=(LOOPBACK,)))
    with site.world as world:
        target = world.submit(f"{COURIER}.fetch", [make_message(authority)])
        assert asked.wait(PATIENCE_S)
        began = time.monotonic()

        request_cancellation(site.executor.executor._services, target)
        world.on_write()
        retval = world.run(target)

    assert isinstance(retval, Failed)
    assert retval.kind is FailureKind.CANCELLED
    assert time.monotonic() - began < PATIENCE_S


def test_a_guest_that_waits_does_not_keep_an_executor_from_stopping() -> None:
    site = Site(courier(lock_expiry=timedelta(seconds=60)))
    world = site.world
    target = world.submit(f"{COURIER}.sleep", [60_000])
    world.wait_until(lambda: world.state_of(target).next_version > 1)
    began = time.monotonic()

    world.stop(site.executor)

    assert time.monotonic() - began < PATIENCE_S
    assert not world.is_finished(target)


def secret_rule(origin: str) -> AllowedHost:
    return AllowedHost(pattern=origin, methods=None, secrets=("TOKEN",), replace_in=tuple(SecretLocation))


def test_a_secret_reaches_the_server_and_nothing_that_is_stored() -> None:
    def echo(received: Received) -> Answer:
        return Answer(body=received.body)

    with serve(echo) as upstream:
        rule = secret_rule(upstream.origin)
        operator = OperatorPolicy(allowed_hosts=(rule, LOOPBACK), secrets={"TOKEN": SecretValue(SECRET)})
        site = Site(courier(allowed_hosts=(rule, LOOPBACK)), operator)
        with site.world as world:
            seen = value_of(world.run(world.submit(f"{COURIER}.environment")))
            placeholder = dict(seen)["TOKEN"]
            # A placeholder means something in its own run only.
            world.run(
                world.submit(
                    f"{COURIER}.fetch",
                    [make_message(upstream.authority, f"/?k={placeholder}", headers=[["x", placeholder]])],
                )
            )
            world.run(world.submit(f"{COURIER}.post-secret", [upstream.authority, "TOKEN"]))

    assert SECRET not in repr(upstream.received[0])
    assert upstream.received[1].header("authorization") == SECRET
    assert upstream.received[1].path == "/?key=hunter2%26co"
    assert upstream.received[1].body.decode() == SECRET
    memory = site.world.memory
    stored = [
        *map(repr, memory.log_lines),
        *map(repr, memory.http_exchanges),
        *(repr(site.world.log_of(execution_id(number))) for number in (1, 2, 3)),
        repr(site.executor.executor._services),
    ]
    assert len(memory.log_lines) > 0
    assert not [text for text in stored if SECRET in text or "hunter2" in text]


def test_a_secret_that_the_operator_does_not_have_is_said_so() -> None:
    site = Site(courier(allowed_hosts=(secret_rule("http://127.0.0.1"),)))

    retval = site.run("environment")

    assert isinstance(retval, Failed)
    assert "[secrets] TOKEN" in str(retval.detail)


def test_an_activity_that_imports_http_and_reaches_nothing_is_pure() -> None:
    assert not courier().may_touch_world
    assert courier(allowed_hosts=(LOOPBACK,)).may_touch_world


def test_a_workflow_with_stubbed_wasi_runs_and_one_without_says_what_is_wrong() -> None:
    results = {}
    for stub_wasi in (True, False):
        world = LiveWorld(registry=deploy(stubbed(stub_wasi=stub_wasi)))
        with world:
            world.start_executor(settings=settings())
            target = world.submit("test:stubbed/workflow.look-around")
            world.wait_until(lambda world=world, target=target: world.is_finished(target))  # type: ignore[misc]  # mypy gives a lambda's default no type
            results[stub_wasi] = world.retval_of(target)
            assert isinstance(world.events_of(target)[-1], Finished)
            assert world.history_of(target) == []

    assert "wall 0" in value_of(results[True])
    failed = results[False]
    assert isinstance(failed, Failed)
    assert "cannot import wasi:" in str(failed.reason)
