"""Python source that several tests run."""

from __future__ import annotations

from tests.harness.python_components import source

EVERY_VERB = source("""
    from __future__ import annotations
    import os, random, secrets, time, uuid
    from dataclasses import dataclass
    from datetime import datetime, timedelta, timezone
    from obelisk import *

    @dataclass
    class Trip:
        city: str
        nights: int = 1

    @dataclass
    class SoldOut(PermanentError):
        city: str

    @activity(errors=(SoldOut,), max_retries=3, retry_backoff=timedelta(milliseconds=10))
    def book_hotel(trip: Trip) -> str:
        if trip.city == "Oslo":
            raise SoldOut(trip.city)
        return f"ref-{trip.city}-{trip.nights}"

    @activity
    def cancel_hotel(reference: str) -> None:
        if reference == "ref-Bonn-1":
            raise PermanentError("no way back")

    @activity
    def quote(city: str) -> int:
        return len(city) * 10

    @stub
    def approve(trip: Trip) -> bool: ...

    @workflow
    def calls(cities: list[str]) -> list[str]:
        found = []
        for city in cities:
            try:
                found.append(book_hotel(Trip(city)))
            except SoldOut as error:
                found.append(f"sold out in {error.city}")
        return found

    @workflow
    def parents(cities: list[str]) -> list[str]:
        with join_set() as members:
            children = [members.submit(calls, [city]) for city in cities]
            return [reference for child in children for reference in child.result()]

    @workflow
    def gathered(cities: list[str]) -> list[int]:
        return list(gather(*[quote.bind(city) for city in cities], limit=2))

    @workflow
    def joined(cities: list[str]) -> list[int]:
        got = []
        with join_set("quotes") as members:
            for city in cities:
                members.submit(quote, city)
            patience = members.submit_delay(timedelta(days=30))
            for child in members:
                if child is patience:
                    break
                got.append(child.result())
                if len(got) == len(cities):
                    break
        return sorted(got)

    @workflow
    def polled() -> list[str]:
        seen = []
        with join_set() as members:
            child = members.submit(approve, Trip("Rome"))
            seen.append("open" if members.try_next() is None else "done")
            answer(approve, child.id, False)
            seen.append(str(members.next()))
            try:
                members.next()
            except JoinSetExhausted:
                seen.append("exhausted")
        return seen

    @workflow
    def limited() -> list[str]:
        seen = []
        try:
            with timeout(timedelta(minutes=5)):
                approve(Trip("Rome"))
        except TimeoutError as error:
            seen.append(str(error))
        try:
            with timeout(timedelta(minutes=5)), join_set() as members:
                members.submit(approve, Trip("Rome"))
                members.next()
        except TimeoutError:
            seen.append("join set")
        try:
            with timeout(timedelta(minutes=5)):
                sleep(timedelta(minutes=10))
        except TimeoutError:
            seen.append("sleep")
        with timeout(timedelta(days=1)):
            seen.append(str(quote("Rome")))
        return seen

    @workflow
    def undone(cities: list[str]) -> list[str]:
        with saga() as steps:
            for city in cities:
                steps.undo(cancel_hotel, book_hotel(Trip(city)))
        return []

    @workflow
    def worldly() -> list[str]:
        found = [str(uuid.uuid4()), str(random.random()), secrets.token_hex(8), datetime.now(timezone.utc).isoformat()]
        found.append(",".join({"b", "a", "c", "xyz"}))
        sleep(timedelta(seconds=10))
        found.append(str(time.time()))
        found.append(str(random.randrange(1000)))
        return found

    @workflow
    def scheduling() -> str:
        if patched("schedule"):
            schedule(quote.using(after=timedelta(seconds=5)), "Rome")
        return schedule(quote, "Oslo")[:2]

    @workflow
    def stubborn() -> str:
        for _ in range(3):
            try:
                with timeout(timedelta(seconds=1)):
                    approve(Trip("Rome"))
            except:
                continue
            finally:
                quote("x")
        return "gave up"
""")

VERBS: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("calls", (["Rome", "Oslo"],)),
    ("parents", (["Rome", "Oslo"],)),
    ("gathered", (["a", "bb", "ccc"],)),
    ("joined", (["a", "bb"],)),
    ("polled", ()),
    ("limited", ()),
    ("undone", (["Bonn", "Oslo"],)),
    ("worldly", ()),
    ("scheduling", ()),
    ("stubborn", ()),
)
"""Workflows of that file with parameters, which end by themselves."""
