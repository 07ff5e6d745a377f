"""The one-file Python example, through the executor, against a hotel service on loopback."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from components.guest_runtimes import load_python_runtime
from components.preparation import prepare
from engine.activity.secret_values import OperatorPolicy
from engine.deployment.spec import AllowedHost
from engine.log.events import TemporarilyFailed
from engine.log.ids import ExecutionId
from engine.simulation.stepped import simulated_settings
from tests.harness.components import add_file, deploy
from tests.harness.http_servers import Answer, Received, Upstream, serve
from tests.harness.live import LiveWorld
from tests.harness.python_components import compiled_runtime
from tests.harness.simulation import Simulation

pytestmark = pytest.mark.django_db

TRIPS = Path(__file__).parents[2] / "examples" / "trips" / "deployment.toml"
PRICES = {"Rome": 120.0, "Bonn": 80.5, "Oslo": 200.0}
OPERATOR = OperatorPolicy(allowed_hosts=(AllowedHost(pattern="http://127.0.0.1:*", methods=None),))


@dataclass
class Hotels:
    """A hotel service: sold out in Oslo, and down at the first booking of Bonn."""

    asked: Counter[str] = field(default_factory=Counter)
    cancelled: list[str] = field(default_factory=list)

    def __call__(self, received: Received) -> Answer:
        path, _, query = received.path.partition("?")
        if path == "/quote":
            city = query.removeprefix("city=").partition("&")[0]
            return Answer(body=json.dumps({"price": PRICES[city]}).encode())
        if received.method == "DELETE":
            self.cancelled.append(path.removeprefix("/book/"))
            return Answer(status=204)
        city = json.loads(received.body)["city"]
        self.asked[city] += 1
        if city == "Oslo":
            return Answer(status=409)
        if city == "Bonn" and self.asked[city] == 1:
            return Answer(status=503)
        return Answer(body=json.dumps({"reference": f"ref-{city}"}).encode())


@pytest.fixture
def hotels() -> Hotels:
    return Hotels()


@pytest.fixture
def service(hotels: Hotels) -> Iterator[Upstream]:
    with serve(hotels) as upstream:
        yield upstream


@pytest.fixture
def world() -> Iterator[Simulation]:
    prepared = prepare(TRIPS)
    compiled_runtime()
    assert load_python_runtime(print).digest == compiled_runtime().digest
    for content in prepared.files.values():
        add_file(content)
    simulation = Simulation(registry=deploy(*(component.spec for component in prepared.components)))
    executor = simulation.start_executor(settings=replace(simulated_settings(), operator=OPERATOR))
    yield simulation
    executor.executor._services.transport.close()


def start(world: Simulation | LiveWorld, workflow: str, *params: Any) -> ExecutionId:
    return world.submit(f"example:trips/workflows.{workflow}", params)


def run(world: Simulation, workflow: str, *params: Any) -> Any:
    target = start(world, workflow, *params)
    world.run(target)
    return world.result_of(target)


def test_all_prices_are_asked_for_and_the_best_one_wins(world: Simulation, service: Upstream) -> None:
    assert run(world, "cheapest", service.origin, list(PRICES)) == {"ok": {"city": "Bonn", "price": 80.5}}
    assert len(service.received) == 3


def test_a_service_that_is_down_is_asked_again(world: Simulation, service: Upstream, hotels: Hotels) -> None:
    target = start(world, "tour", service.origin, ["Bonn"])
    world.run(target)

    (activity,) = [member for member in world.family_of(target) if member != target]
    failures = [event for event in world.events_of(activity) if isinstance(event, TemporarilyFailed)]
    keys = {received.header("idempotency-key") for received in service.received}
    assert world.result_of(target) == {"ok": ["ref-Bonn"]}
    assert hotels.asked["Bonn"] == 2
    assert len(failures) == 1
    assert keys == {activity}


def test_what_was_booked_is_given_back_when_a_later_city_is_sold_out(
    world: Simulation, service: Upstream, hotels: Hotels
) -> None:
    result = run(world, "tour", service.origin, ["Rome", "Bonn", "Oslo"])

    assert result == {"err": "SoldOut: Oslo"}
    assert hotels.cancelled == ["ref-Bonn", "ref-Rome"]


def test_the_timer_wins_where_nobody_answers(world: Simulation) -> None:
    nobody = "http://127.0.0.1:9"

    assert run(world, "first-offer", nobody, ["Rome"], 0.05) == {"ok": "nobody answered in time"}


def test_the_first_offer_wins_where_somebody_answers(world: Simulation, service: Upstream) -> None:
    assert run(world, "first-offer", service.origin, ["Rome"], 3600.0) == {"ok": "Rome was first"}


def test_nobody_answers_for_two_days(world: Simulation) -> None:
    before = world.clock.now()

    assert run(world, "approved-trip", "http://127.0.0.1:9", {"city": "Rome", "nights": 1}) == {"ok": "nobody answered"}
    assert (world.clock.now() - before).days == 2


def test_workflows_are_plain_functions_in_a_unit_test(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    spec = importlib.util.spec_from_file_location("trips", TRIPS.with_name("trips.py"))
    assert spec is not None
    assert spec.loader is not None
    trips = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, "trips", trips)
    spec.loader.exec_module(trips)
    monkeypatch.setattr(trips, "book_hotel", lambda service, trip: f"ref-{trip.city}")

    assert trips.tour("http://hotels", ["Rome", "Bonn"]) == ["ref-Rome", "ref-Bonn"]
