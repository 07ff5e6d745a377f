from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from pytest_django import Settings

from engine.clock import SimulatedClock
from executions.metrics.executor_collector import ExecutorCollector
from executions.metrics.serving import MetricsServer
from tests.acceptance.sites import unused_port
from tests.executions.deployments import PING, deploy_runnable
from tests.executions.metrics.reading import samples
from tests.harness import steps as s
from tests.harness.components import ADD, deploy, probe, stepper
from tests.harness.hosts import running_host
from tests.harness.simulation import Simulation


def read(port: int | None) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as response:
        return str(response.read().decode())


@pytest.fixture
def world() -> Simulation:
    world = Simulation(registry=deploy(probe(), stepper()), clock=SimulatedClock())
    world.start_executor()
    return world


@pytest.fixture
def ports() -> range:
    first = unused_port()
    return range(first, first + 20)


@pytest.fixture
def taken(ports: range) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", ports.start)) as server:
        yield int(server.getsockname()[1])


def test_an_executor_tells_what_it_did(world: Simulation) -> None:
    world.run(world.submit_steps(s.typed_call(1, 2), s.sleep(s.after_ms(10_000)), s.typed_call(3, 4)))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ExecutorCollector(world.executors[0].executor))

    text = generate_latest(registry).decode()

    assert samples(text, "obelisk_step_duration_seconds_count") == {(ADD,): 2}
    assert samples(text, "obelisk_replay_duration_seconds_count") == {(): 1}
    assert samples(text, "obelisk_replayed_events_total") == {(): 6}
    assert samples(text, "obelisk_wake_up_duration_seconds_count") == {("in_memory",): 0, ("replayed",): 1}
    assert samples(text, "obelisk_commit_duration_seconds_count")[()] > 0
    assert samples(text, "obelisk_executor_slots_used") == {(): 0}


def test_steps_of_functions_that_are_gone_become_one(world: Simulation) -> None:
    metrics = world.executors[0].executor.metrics
    metrics.step("test:gone/api.one", 0.2)
    metrics.step("test:gone/api.two", 0.3)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ExecutorCollector(world.executors[0].executor))

    text = generate_latest(registry).decode()

    assert samples(text, "obelisk_step_duration_seconds_count") == {("other",): 2}
    assert samples(text, "obelisk_step_duration_seconds_sum") == {("other",): 0.5}


def test_each_executor_of_a_host_takes_the_first_port_that_is_free(world: Simulation, ports: range, taken: int) -> None:
    first = MetricsServer(world.executors[0].executor, address="127.0.0.1", ports=ports)
    second = MetricsServer(world.executors[0].executor, address="127.0.0.1", ports=ports)
    port = first.port
    assert port is not None
    assert taken < port < (second.port or 0)
    assert "obelisk_executor_slots" in read(second.port)

    first.stop()

    with pytest.raises(urllib.error.URLError):
        read(port)
    second.stop()


def test_an_executor_that_finds_no_port_goes_on_without(world: Simulation, taken: int) -> None:
    server = MetricsServer(world.executors[0].executor, address="127.0.0.1", ports=range(taken, taken + 1))

    assert server.port is None
    server.stop()


@pytest.mark.django_db(transaction=True)
def test_a_hosted_executor_shows_its_metrics_where_the_settings_say(
    tmp_path: Path, settings: Settings, ports: range
) -> None:
    deploy_runnable(tmp_path)
    settings.OBELISK_METRICS_PORT = ports.start
    settings.OBELISK_WORKERS = len(ports)
    with running_host() as host:
        assert host._metrics is not None
        text = read(host._metrics.port)

    assert samples(text, "obelisk_executor_slots") == {(): settings.OBELISK_SLOTS}
    assert host.executor.registry.find(PING) is not None
