"""A component in the manner of ``examples/trips``, with whatever tests of tests need."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from obelisk import (
    ChildError,
    PermanentError,
    activity,
    gather,
    http,
    imported,
    join_set,
    query,
    saga,
    schedule,
    signal,
    sleep,
    stub,
    timeout,
    u8,
    u64,
    workflow,
)

PACKAGE = "acme:trips"


@dataclass
class Trip:
    city: str
    nights: int = 1


@dataclass
class SoldOut(Exception):
    city: str


class NoSuchCity(PermanentError):
    pass


@activity(
    max_retries=3,
    retry_backoff=timedelta(milliseconds=200),
    attempt_timeout=timedelta(seconds=10),
    errors=(SoldOut, NoSuchCity),
)
def book_hotel(trip: Trip) -> str:
    return str(http.post("https://hotels.example/book", json=asdict(trip)).json()["reference"])


@activity
def cancel_hotel(reference: str) -> None:
    raise ValueError("nothing is cancelled here")


@activity
def quote(city: str) -> int:
    return len(city) * 10


@stub(title="Approve a trip", group="managers")
def approve(trip: Trip) -> bool: ...


@signal
def paid() -> int: ...


@imported("testing:fibo/fibo.fibo")
def fibo(n: u8) -> u64: ...


@query
def booked() -> int:
    return 1


@workflow
def book(trip: Trip) -> str:
    try:
        return book_hotel(trip)
    except SoldOut as error:
        return f"sold out in {error.city}"
    except ChildError as error:
        return "took too long" if error.failure_kind == "timed_out" else str(error.value)


@workflow(errors=(SoldOut, NoSuchCity))
def insist(trip: Trip) -> str:
    return book_hotel(trip)


@workflow
def approved(trip: Trip) -> str:
    with timeout(timedelta(days=2)):
        if not approve(trip):
            raise PermanentError("refused")
    sleep(timedelta(hours=1))
    return book_hotel(trip)


@workflow
def order(trip: Trip) -> int:
    return paid() if approve(trip) else 0


@workflow
def either(trip: Trip) -> None:
    with join_set() as both:
        both.submit(approve, trip)
        both.submit(order, trip)
        both.next()


@workflow
def tour(cities: list[str]) -> list[str]:
    references: list[str] = []
    with saga() as steps:
        for city in cities:
            references.append(book_hotel(Trip(city)))
            steps.undo(cancel_hotel, references[-1])
    return references


@workflow
def quotes(cities: list[str]) -> list[int]:
    sleep(timedelta(hours=1))
    return list(gather(*[quote.bind(city) for city in cities]))


@workflow
def invent(city: str) -> list[str]:
    first = [f"{random.random()}", datetime.now(UTC).isoformat()]
    quote(city)
    sleep(timedelta(minutes=1))
    return [*first, f"{random.random()}", datetime.now(UTC).isoformat()]


@workflow
def count_rabbits(n: u8) -> u64:
    return fibo(n)


@workflow
def later(city: str) -> str:
    return schedule(quote.using(after=timedelta(days=1)), city)


@workflow
def tick_for_ever() -> None:
    while True:
        sleep(timedelta(hours=1))
