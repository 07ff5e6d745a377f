"""A trip in one file: activities that ask a hotel service, and workflows that book, wait and undo.

In plain Python, such as a unit test, these are functions; deployed, every call is durable.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta

from obelisk import (
    ChildError,
    PermanentError,
    RetryLater,
    activity,
    execution_id,
    gather,
    http,
    join_set,
    saga,
    stub,
    timeout,
    workflow,
)

PACKAGE = "example:trips"


@dataclass
class Trip:
    """A stay in a hotel."""

    city: str
    nights: int = 1


@dataclass
class Offer:
    """What a hotel asks for a trip."""

    city: str
    price: float


@dataclass
class SoldOut(PermanentError):
    """No room is left; trying again would not help."""

    city: str


@activity(max_retries=3, retry_backoff=timedelta(milliseconds=200), attempt_timeout=timedelta(seconds=10))
def quote(service: str, trip: Trip) -> Offer:
    """Ask the hotel service for a price."""
    response = http.get(f"{service}/quote", params=asdict(trip), timeout=5)
    response.raise_for_status()  # 5xx and the like are tried again
    return Offer(trip.city, float(response.json()["price"]))


@activity(max_retries=5, retry_backoff=timedelta(milliseconds=200), errors=[SoldOut])
def book_hotel(service: str, trip: Trip) -> str:
    """Book a room; the execution's id keeps a repeated attempt from booking twice."""
    response = http.post(f"{service}/book", json=asdict(trip), headers={"Idempotency-Key": execution_id()})
    if response.status == 409:
        raise SoldOut(trip.city)
    if response.status == 503:
        raise RetryLater("the hotel system is down", after=timedelta(seconds=1))
    response.raise_for_status()
    return str(response.json()["reference"])


@activity
def cancel_hotel(service: str, reference: str) -> None:
    """Give a room back."""
    http.delete(f"{service}/book/{reference}").raise_for_status()


@stub(title="Approve a trip")
def approve(trip: Trip) -> bool:
    """Say whether the trip may be booked; answered by a person or through the API."""


@workflow
def cheapest(service: str, cities: list[str]) -> Offer:
    """Ask for all prices at once and return the best offer."""
    offers = gather(*[quote.bind(service, Trip(city)) for city in cities], limit=5)
    return min(offers, key=lambda offer: offer.price)


@workflow
def first_offer(service: str, cities: list[str], patience_s: float) -> str:
    """Race the hotels against a timer: take the first offer, or none."""
    with join_set("offers") as offers:
        for city in cities:
            offers.submit(quote, service, Trip(city))
        patience = offers.submit_delay(timedelta(seconds=patience_s))
        for child in offers:
            if child is patience:
                return "nobody answered in time"
            try:
                return f"{child.result().city} was first"
            except ChildError:
                continue  # that hotel failed for good; another one may answer
    return "nobody has an offer"


@workflow
def tour(service: str, cities: list[str]) -> list[str]:
    """Book every city, or none: what was booked is given back when a later one is sold out."""
    references: list[str] = []
    with saga() as steps:
        for city in cities:
            references.append(book_hotel(service, Trip(city)))
            steps.undo(cancel_hotel, service, references[-1])
    return references


@workflow
def approved_trip(service: str, trip: Trip) -> str:
    """Wait up to two days for somebody's word, then book."""
    try:
        with timeout(timedelta(days=2)):
            if not approve(trip):
                return "refused"
    except TimeoutError:
        return "nobody answered"
    return book_hotel(service, trip)
