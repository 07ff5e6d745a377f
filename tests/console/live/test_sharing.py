"""Pages that show the same are read for once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import orjson
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group
from django.db import DatabaseError, connections

from console.live.messages import write_frame
from console.live.sharing import SharedReading
from console.live.topics import Cursor, Update
from console.once import once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("either_database")]


def update(version: int) -> Update:
    return Update(cursor={"version": version})


class Counting:
    """Reads how many groups there are; tells which cursors it was asked about."""

    def __init__(self) -> None:
        self.asked: list[Cursor] = []

    def __call__(self, cursor: Cursor) -> Update | None:
        self.asked.append(cursor)
        return update(Group.objects.count())


def commit_elsewhere(name: str) -> None:
    """Add a group on another connection, as another process would."""

    def add() -> None:
        Group.objects.create(name=name)
        connections.close_all()

    thread = threading.Thread(target=add)
    thread.start()
    thread.join()


@pytest.fixture(autouse=True)
def no_groups() -> Iterator[None]:
    Group.objects.all().delete()
    yield
    Group.objects.all().delete()


def test_pages_with_one_cursor_are_read_for_once() -> None:
    read = Counting()

    async def act() -> list[Update | None]:
        shared = SharedReading()
        return await asyncio.gather(*(shared.read("key", "view", {"version": 0}, read) for _ in range(50)))

    found = async_to_sync(act)()

    assert found == [update(0)] * 50
    assert read.asked == [{"version": 0}]


def test_pages_of_other_keys_are_read_for_on_their_own() -> None:
    one, other = Counting(), Counting()

    async def act() -> None:
        shared = SharedReading()
        await asyncio.gather(shared.read("one", "view", {}, one), shared.read("other", "view", {}, other))

    async_to_sync(act)()

    assert (len(one.asked), len(other.asked)) == (1, 1)


def test_what_other_views_of_one_thing_have_in_common_is_made_once() -> None:
    made: list[str] = []

    def reader(view: str) -> Callable[[Cursor], Update | None]:
        def read(_cursor: Cursor) -> Update | None:
            once("common", lambda: made.append(view))
            return Update(cursor={}, regions={"view": view})

        return read

    async def act() -> list[Update | None]:
        shared = SharedReading()
        return await asyncio.gather(*(shared.read("about", view, {}, reader(view)) for view in ("one", "other", "one")))

    found = async_to_sync(act)()

    assert [each and each.regions["view"] for each in found] == ["one", "other", "one"]
    assert made == ["one"]


def test_one_frame_serves_all_pages_of_an_update() -> None:
    frame = update(3).frame

    assert orjson.loads(write_frame(7, frame)) == {"t": "frame", "n": 7, **orjson.loads(frame)}


def test_all_are_read_for_as_of_one_instant_whatever_is_committed_meanwhile() -> None:
    def read(cursor: Cursor) -> Update | None:
        seen = update(Group.objects.count())
        commit_elsewhere(f"after {cursor}")
        return seen

    async def act() -> list[Update | None]:
        shared = SharedReading()
        return await asyncio.gather(*(shared.read("key", "view", {"version": place}, read) for place in range(3)))

    found = async_to_sync(act)()

    assert found == [update(0)] * 3
    assert Group.objects.count() == 3


def test_who_asks_after_a_commit_sees_it() -> None:
    read = Counting()
    is_reading = threading.Event()
    goes_on = threading.Event()

    def slow(cursor: Cursor) -> Update | None:
        seen = read(cursor)
        is_reading.set()
        goes_on.wait(20)
        return seen

    async def act() -> tuple[Update | None, Update | None]:
        shared = SharedReading()
        early = asyncio.create_task(shared.read("key", "view", {}, slow))
        await asyncio.to_thread(is_reading.wait, 20)
        await asyncio.to_thread(commit_elsewhere, "meanwhile")
        late = asyncio.create_task(shared.read("key", "view", {}, read))
        await asyncio.sleep(0)
        goes_on.set()
        return await early, await late

    assert async_to_sync(act)() == (update(0), update(1))


def test_who_leaves_does_not_keep_it_from_the_others() -> None:
    read = Counting()

    async def act() -> Update | None:
        shared = SharedReading()
        leaving = asyncio.create_task(shared.read("key", "view", {}, read))
        staying = asyncio.create_task(shared.read("key", "view", {}, read))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    assert async_to_sync(act)() == update(0)


def test_a_failure_is_everybodys_and_the_next_reading_works() -> None:
    read = Counting()

    def fail(_cursor: Cursor) -> Update | None:
        raise DatabaseError("gone")

    async def act() -> tuple[list[Update | BaseException | None], Update | None]:
        shared = SharedReading()
        failed = await asyncio.gather(*(shared.read("key", "view", {}, fail) for _ in range(2)), return_exceptions=True)
        return failed, await shared.read("key", "view", {}, read)

    failed, after = async_to_sync(act)()

    assert [str(each) for each in failed] == ["gone", "gone"]
    assert after == update(0)
