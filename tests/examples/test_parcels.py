"""The JavaScript example, as its deployment file has it, through the real executor to a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from components.preparation import prepare
from engine.activity.secret_values import OperatorPolicy
from engine.deployment.registry import Registry
from engine.deployment.spec import AllowedHost
from engine.log.events import TemporarilyFailed
from engine.simulation.recordings import record
from engine.simulation.stepped import simulated_settings
from tests.harness.components import add_file, deploy
from tests.harness.http_servers import Answer, Received, Upstream, serve
from tests.harness.javascript_components import compiled_runtime
from tests.harness.recordings import cut
from tests.harness.replay import resume
from tests.harness.simulation import Simulation

pytestmark = pytest.mark.django_db

DEPLOYMENT = Path(__file__).parents[2] / "examples" / "deployment.toml"
CHEAPEST = "example:parcels/flows.cheapest"
PRICES = {"Rome": 700, "Oslo": 500, "Zürich": 900}


class Carrier:
    """A server with prices, which refuses the first request for each city."""

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}

    def answer(self, request: Received) -> Answer:
        (city,) = parse_qs(urlsplit(request.path).query)["city"]
        self.asked[city] = self.asked.get(city, 0) + 1
        if city not in PRICES:
            return Answer(404)
        if self.asked[city] == 1:
            return Answer(503)
        return Answer(200, json.dumps({"cents": PRICES[city]}).encode())


@pytest.fixture
def carrier() -> Carrier:
    return Carrier()


@pytest.fixture
def upstream(carrier: Carrier) -> Iterator[Upstream]:
    with serve(carrier.answer) as server:
        yield server


@pytest.fixture
def registry() -> Registry:
    prepared = prepare(DEPLOYMENT)
    for content in prepared.files.values():
        add_file(content)
    parcels = [each.spec for each in prepared.components if each.spec.wasm_digest == compiled_runtime().digest]
    return deploy(*parcels)


@pytest.fixture
def world(registry: Registry) -> Simulation:
    simulation = Simulation(registry=registry)
    operator = OperatorPolicy(allowed_hosts=(AllowedHost(pattern="http://127.0.0.1:*", methods=None),))
    simulation.start_executor(settings=replace(simulated_settings(), operator=operator))
    return simulation


def run(world: Simulation, *params: Any) -> Any:
    target = world.submit(CHEAPEST, params)
    world.run(target)
    world.executors[0].executor._services.transport.close()
    return world.result_of(target)


def test_the_best_price_is_found_although_every_first_request_fails(world: Simulation, upstream: Upstream) -> None:
    assert run(world, upstream.origin, ["Rome", "Oslo", "Zürich"], 60_000) == {"ok": {"city": "Oslo", "cents": 500}}


def test_an_unavailable_carrier_is_asked_again_and_an_unknown_city_is_not(
    world: Simulation, upstream: Upstream, carrier: Carrier
) -> None:
    target = world.submit(CHEAPEST, [upstream.origin, ["Rome", "Atlantis"], 60_000])
    world.run(target)
    world.executors[0].executor._services.transport.close()

    rome, atlantis = world.children_of(target)
    assert world.result_of(target) == {"ok": {"city": "Rome", "cents": 700}}
    assert carrier.asked == {"Rome": 2, "Atlantis": 1}
    assert [event.detail for event in world.events_of(rome) if isinstance(event, TemporarilyFailed)] == [
        '{"unavailable":"the carrier answered 503"}'
    ]
    assert world.result_of(atlantis) == {"err": {"permanent_no_such_city": "Atlantis"}}


def test_the_workflow_ends_when_its_patience_does(world: Simulation, upstream: Upstream) -> None:
    assert run(world, upstream.origin, ["Rome"], 1) == {"err": "there is no price at all"}


def test_a_restarted_workflow_goes_on_from_its_log(world: Simulation, upstream: Upstream, registry: Registry) -> None:
    target = world.submit(CHEAPEST, [upstream.origin, ["Rome", "Oslo"], 60_000])
    world.run(target)
    world.executors[0].executor._services.transport.close()
    recording = record(world.journal, target)
    tip = len(recording[target].entries) - 1

    resumed = resume(cut(recording, target, tip), registry=registry)
    resumed.run(target)

    assert resumed.result_of(target) == {"ok": {"city": "Oslo", "cents": 500}}
