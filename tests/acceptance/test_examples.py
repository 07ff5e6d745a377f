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
EXPENSE = {"who": "Ada", "what": "a train ticket", "euros": 120}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with all examples and an executor."""
    python_runtime(RUNTIMES)  # building it would take longer than a command may
    site = Site(tmp_path_factory.mktemp("examples"), {"OBELISK_OUTBOUND_HOSTS": "http://127.0.0.1:*"})
    try:
        site.check("migrate", "-v0")
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


def ask(site: Site, patience_s: float) -> tuple[ExecutionId, ExecutionId]:
    """Start a reimbursement; return its id and that of the open request."""
    submitted = site.check("submit", f"{APPROVAL}/workflows.reimburse", json.dumps([EXPENSE, patience_s])).out.strip()

    def look() -> str | None:
        listed = site.check("execution", "list", "--children", "--json", "--function", f"{APPROVAL}/stubs.approve")
        requests = [each["execution_id"] for each in json.loads(listed.out)]
        return next((request for request in requests if request.startswith(submitted)), None)

    return ExecutionId(submitted), ExecutionId(eventually(look))


def result_of(site: Site, execution_id: ExecutionId) -> Any:
    site.wait_until_finished(execution_id)
    return json.loads(site.run("execution", "result", execution_id).out)


def test_an_expense_is_paid_when_somebody_approved_it(site: Site) -> None:
    submitted, request = ask(site, 3600.0)

    assert run(site, f"{APPROVAL}/workflows.decide", request, {"approved": True, "by": "Grace"}) == {"ok": None}

    result = result_of(site, submitted)
    assert result["ok"].startswith("120 euros for a train ticket to Ada, approved by Grace (")


def test_an_expense_is_not_paid_when_somebody_refused_it(site: Site) -> None:
    submitted, request = ask(site, 3600.0)

    run(site, f"{APPROVAL}/workflows.decide", request, {"approved": False, "by": "Grace"})

    assert result_of(site, submitted) == {"ok": "refused by Grace"}


def test_an_expense_waits_as_long_as_it_is_told_to(site: Site) -> None:
    submitted, _ = ask(site, 0.2)

    assert result_of(site, submitted) == {"ok": "nobody answered in time"}


def test_petty_cash_asks_nobody(site: Site) -> None:
    result = run(site, f"{APPROVAL}/workflows.reimburse", {**EXPENSE, "euros": 5}, 0.0)

    assert result["ok"].startswith("5 euros for a train ticket to Ada, approved by the petty cash (")
