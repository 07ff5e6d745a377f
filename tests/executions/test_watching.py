from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from engine.log.state import Status
from executions import watching
from executions.journal.journal import SqlJournal
from executions.watching import GONE, CommitWatch, Progress, Watch, count_watches, wait_until_over
from tests.builders import make_append, make_created, make_execution_id, make_finished, make_locked, make_submit
from tests.engine.journal.commits import commit
from tests.harness.eventually import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("either_database")]

E1, E2 = make_execution_id(1), make_execution_id(2)
PATIENCE_S = 20.0


@pytest.fixture(autouse=True)
def no_lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_LINGER_S", 0)
    # Of tests before.
    eventually(lambda: not watcher_threads())


@pytest.fixture
def journal() -> Iterator[SqlJournal]:
    journal = SqlJournal.dedicated()
    commit(journal, make_submit(E1, make_created(), make_locked()))
    yield journal
    journal.close()


@pytest.fixture
def no_second_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a wake-up nobody looks again within a test."""
    monkeypatch.setattr(watching, "_RECHECK_S", 10 * PATIENCE_S)


def watcher_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "execution-watcher"]


def finish(journal: SqlJournal) -> None:
    commit(journal, make_append(E1, make_finished(), expected=2))


@pytest.mark.usefixtures("no_second_look")
def test_who_watches_is_told_how_far_it_is_and_when_it_moves_on(journal: SqlJournal) -> None:
    async def follow() -> list[Progress | None]:
        async with Watch(E1) as watch:
            first = await watch.next(timeout_s=PATIENCE_S)
            await sync_to_async(finish)(journal)
            return [first, await watch.next(timeout_s=PATIENCE_S)]

    assert async_to_sync(follow)() == [Progress(2, 0, Status.LOCKED), Progress(3, 0, Status.FINISHED)]


@pytest.mark.usefixtures("journal")
def test_who_watches_in_vain_is_told_nothing() -> None:
    async def follow() -> list[Any]:
        async with Watch(E1) as watch:
            await watch.next(timeout_s=PATIENCE_S)
            return [await watch.next(timeout_s=0.01), await wait_until_over(E1, timeout_s=0.01)]

    assert async_to_sync(follow)() == [None, False]


@pytest.mark.usefixtures("journal", "no_second_look")
def test_what_is_not_there_is_gone() -> None:
    async def follow() -> Progress | None:
        async with Watch(E2) as watch:
            return await watch.next(timeout_s=PATIENCE_S)

    assert async_to_sync(follow)() == GONE
    assert GONE.is_over


@pytest.mark.usefixtures("no_second_look")
def test_many_wait_with_one_thread_which_ends_with_them(journal: SqlJournal) -> None:
    async def follow() -> tuple[list[str], int, list[bool]]:
        waiting = [asyncio.ensure_future(wait_until_over(E1, timeout_s=PATIENCE_S)) for _ in range(50)]
        while count_watches() < len(waiting):
            await asyncio.sleep(0)
        seen = watcher_threads(), count_watches()
        await sync_to_async(finish)(journal)
        return *seen, await asyncio.gather(*waiting)

    threads, watches, ended = async_to_sync(follow)()

    assert (threads, watches) == (["execution-watcher"], 50)
    assert all(ended)
    assert count_watches() == 0
    eventually(lambda: not watcher_threads())


@pytest.mark.usefixtures("no_second_look")
def test_those_of_one_loop_are_woken_together(journal: SqlJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[int] = []

    async def follow() -> None:
        loop = asyncio.get_running_loop()
        wake = loop.call_soon_threadsafe

        def note(callback: Any, *args: Any, **more: Any) -> Any:
            if callback is watching._set_all:
                woken.append(len(args[0]))
            return wake(callback, *args, **more)

        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(CommitWatch()) for _ in range(50)]
            await asyncio.gather(*(client.next(timeout_s=PATIENCE_S) for client in clients))
            monkeypatch.setattr(loop, "call_soon_threadsafe", note)
            waiting = asyncio.gather(*(client.next(timeout_s=PATIENCE_S) for client in clients))
            await sync_to_async(finish)(journal)
            assert all(await waiting)

    async_to_sync(follow)()

    # A look that was under way when the last of them was added tells the others first.
    assert woken[0] > 1
    assert len(woken) < 5


def test_a_wake_up_that_is_lost_only_costs_time(journal: SqlJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        def start(self, callback: object) -> None: ...
        def stop(self) -> None: ...

    monkeypatch.setattr(watching, "make_change_feed", lambda *_connection, **_pace: Silent())
    monkeypatch.setattr(watching, "_RECHECK_S", 0.001)

    async def follow() -> bool:
        async with Watch(E1) as watch:
            await watch.next(timeout_s=PATIENCE_S)
            await sync_to_async(finish)(journal)
            progress = await watch.next(timeout_s=PATIENCE_S)
            return progress is not None and progress.is_over

    assert async_to_sync(follow)()
