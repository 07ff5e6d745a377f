"""The examples as docs/examples.md tells to run them: real processes, and the hotel service beside them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from engine.guests.python.build import python_runtime
from engine.log.ids import ExecutionId
from examples.hotel_service import HotelService
from tests.acceptance.sites import Site
from tests.harness.eventually import eventually
from tests.harness.python_components import RUNTIMES

# Python counts patience in seconds, JavaScript in milliseconds; otherwise they are one app.
TRIPS = "example:trips"
TRIPS_JS = "example:trips-js"
APPROVAL = "example:approval"
APPROVAL_JS = "example:approval-js"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with all examples and an executor."""
    python_runtime(RUNTIMES)  # building it would take longer than a command may
    site = Site(tmp_path_factory.mktemp("examples"), {"OBELISK_OUTBOUND_HOSTS": "http://127.0.0.1:*"})
    try:
        site.migrate()
        site.check("deploy", "examples/deployment.toml")
        site.start_executor()
        yield site
    finally:
        site.kill()


@pytest.fixture
def service() -> Iterator[HotelService]:
    with HotelService(0, shows_requests=False) as service:
        thread = threading.Thread(target=service.serve_forever, args=[0.01])
        thread.start()
        yield service
        service.shutdown()
        thread.join()


def run(site: Site, function: str, *params: Any) -> Any:
    finished = site.run("submit", function, json.dumps(params), "--follow")
    return json.loads(finished.lines[-1])


# --- The trips, in both languages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", [TRIPS, TRIPS_JS])
def test_the_best_price_is_found_although_a_hotel_is_down_at_first(
    site: Site, service: HotelService, package: str
) -> None:
    result = run(site, f"{package}/workflows.cheapest", service.origin, ["Rome", "Bonn", "Oslo"])

    assert result == {"ok": {"city": "Bonn", "price": 80.5}}


@pytest.mark.parametrize(("package", "second"), [(TRIPS, 1.0), (TRIPS_JS, 1000)])
def test_hotels_race_against_a_timer(site: Site, service: HotelService, package: str, second: float) -> None:
    function = f"{package}/workflows.first-offer"

    assert run(site, function, service.origin, ["Narvik"], second) == {"ok": "nobody answered in time"}
    assert run(site, function, service.origin, ["Narvik", "Rome"], second * 60) == {"ok": "Rome was first"}


@pytest.mark.parametrize("package", [TRIPS, TRIPS_JS])
def test_a_tour_is_booked_once_although_the_service_fails(site: Site, service: HotelService, package: str) -> None:
    result = run(site, f"{package}/workflows.tour", service.origin, ["Rome", "Bonn"])

    assert result == {"ok": ["Rome-1", "Bonn-2"]}
    assert service.bookings == {"Rome-1": "Rome", "Bonn-2": "Bonn"}


@pytest.mark.parametrize(("package", "error"), [(TRIPS, "SoldOut: Oslo"), (TRIPS_JS, "sold out: Oslo")])
def test_what_was_booked_is_given_back_when_a_later_city_is_sold_out(
    site: Site, service: HotelService, package: str, error: str
) -> None:
    assert run(site, f"{package}/workflows.tour", service.origin, ["Rome", "Bonn", "Oslo"]) == {"err": error}
    assert service.bookings == {}


# --- The approval -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", [APPROVAL, APPROVAL_JS])
@pytest.mark.parametrize(("word", "outcome"), [("true", "paid 1200.00 to Ada"), ("false", "declined")])
def test_a_payment_waits_for_a_persons_word(site: Site, package: str, word: str, outcome: str) -> None:
    submitted = site.check("submit", f"{package}/workflows.pay", '[{"to": "Ada", "cents": 120000}]').out.strip()

    def look() -> str | None:
        listed = site.check("execution", "list", "--children", "--json", "--function", f"{package}/stubs.approve")
        requests = [each["execution_id"] for each in json.loads(listed.out)]
        return next((request for request in requests if request.startswith(submitted)), None)

    site.check("execution", "stub", eventually(look), f'{{"ok": {word}}}')

    site.wait_until_finished(ExecutionId(submitted))
    assert json.loads(site.check("execution", "result", submitted).out) == {"ok": outcome}
