"""Live timelines: told of whatever moves in the tree, at a pace that looking can keep up with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import orjson
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import Client

from console.live import consumer, execution_topic
from console.timeline import watching
from console.timeline.snapshots import Snapshots
from console.timeline.tree_reading import size_of
from console.timeline.watching import TreeWatch
from engine.log import events as e
from engine.log.ids import child_id
from executions.journal.journal import SqlJournal
from executions.operations.pausing import pause, unpause
from tests.builders import (
    JOIN_SET,
    after,
    make_append,
    make_child,
    make_child_request,
    make_created,
    make_execution_id,
    make_finished,
    make_holder,
    make_locked,
    make_submit,
)
from tests.console.live.test_consumer import Page, in_thread, play
from tests.engine.journal.commits import commit

pytestmark = pytest.mark.django_db(transaction=True)

E1 = make_execution_id(1)
CHILD = child_id(E1, JOIN_SET, 1)


@pytest.fixture(autouse=True)
def no_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    # Every test has an execution of the same name.
    monkeypatch.setattr(execution_topic, "SNAPSHOTS", Snapshots())


@pytest.fixture
def tree() -> None:
    journal = SqlJournal.for_current_connection()
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    commit(journal, make_append(E1, make_child_request(E1), expected=3, created=[make_child(E1)]))


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize("view", ["console_timeline", "console_execution"])
def test_a_page_hears_of_what_happens_to_a_child(client_of: Callable[[str], Client], view: str) -> None:
    viewer = client_of("viewer")

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({"version": 0}, view=view)
            first = await page.frame()
            await in_thread(pause, CHILD)
            second = await page.frame()

            assert second["cursor"]["tree"] == first["cursor"]["tree"] + 1
            assert second["cursor"]["version"] == first["cursor"]["version"]

    play(act)


WINDOW = "width=800&first=0&rows=40"


async def drawn(page: Page) -> dict[str, Any]:
    """Return the next frame that brings a timeline."""
    while True:
        frame = await page.frame()
        if frame["timeline"] is not None:
            return frame


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize("view", ["console_timeline", "console_execution"])
def test_the_window_that_a_page_shows_comes_with_its_frames(client_of: Callable[[str], Client], view: str) -> None:
    viewer = client_of("viewer")

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({}, view=view, timeline=WINDOW)
            first = await drawn(page)
            # The tree has just been read, and is not good any more: it is read again without anybody saying so.
            await in_thread(pause, CHILD)
            second = await drawn(page)

            assert first["window"] == second["window"] == WINDOW
            assert [row["state"]["key"] for row in first["timeline"]["rows"]] == ["lock-expired", "pending"]
            assert [row["state"]["key"] for row in second["timeline"]["rows"]] == ["lock-expired", "paused"]
            assert second["timeline"]["size"] == second["cursor"]["drawn"] == second["cursor"]["tree"]

    play(act)


@pytest.mark.usefixtures("tree")
def test_a_window_that_is_on_the_page_already_is_not_sent_again(client_of: Callable[[str], Client]) -> None:
    viewer = client_of("viewer")

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({"drawn": await in_thread(size_of, E1)}, view="console_timeline", timeline=WINDOW)
            assert (await page.frame())["timeline"] is None

    play(act)


@pytest.mark.usefixtures("tree")
def test_a_page_that_nobody_looks_at_gets_its_window_later(
    client_of: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "_HIDDEN_S", 0.2)
    viewer = client_of("viewer")

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({}, view="console_timeline", timeline=WINDOW)
            first = await drawn(page)
            await page.say(t="hidden")
            await in_thread(pause, CHILD)
            hidden = await page.frame()
            await page.subscribe(hidden["cursor"], view="console_timeline", timeline=WINDOW)
            shown = await drawn(page)

            assert hidden["timeline"] is None
            assert hidden["cursor"]["drawn"] == first["cursor"]["drawn"]
            assert shown["cursor"]["drawn"] == hidden["cursor"]["tree"]

    play(act)


def test_the_end_is_drawn_before_the_connection_ends(client_of: Callable[[str], Client]) -> None:
    commit(SqlJournal.for_current_connection(), make_submit(E1, make_created(), make_locked(), make_finished()))
    viewer = client_of("viewer")

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({}, view="console_timeline", timeline=WINDOW)
            frame = await drawn(page)
            assert frame["timeline"]["goes_on"] is False
            while not frame["final"]:
                frame = await page.frame()

    play(act)


@pytest.mark.usefixtures("tree")
def test_windows_are_made_apart_for_those_who_may_not_see_the_same(client_of: Callable[[str], Client]) -> None:
    failed = e.TemporarilyFailed(backoff_expires_at=after(900), reason="a secret reason")
    journal = SqlJournal.for_current_connection()
    commit(journal, make_append(CHILD, make_locked(), expected=1))
    commit(journal, make_append(CHILD, failed, expected=2, at=after(3), holder=make_holder()), now=after(3))
    roles = ["viewer", "blind viewer", "viewer", "blind viewer"]
    views = ["console_timeline", "console_execution", "console_execution", "console_timeline"]
    clients = {role: client_of(role) for role in sorted(set(roles))}

    async def act() -> None:
        async with AsyncExitStack() as stack:
            pages = [await stack.enter_async_context(Page(clients[role])) for role in roles]
            # All at once, so that they could be gathered.
            await asyncio.gather(
                *(
                    page.watch({}, view=view, timeline=f"{WINDOW}&begin=0&end=60000000")
                    for page, view in zip(pages, views, strict=True)
                )
            )
            frames = await asyncio.gather(*(drawn(page) for page in pages))

            told = ["a secret reason" in orjson.dumps(frame["timeline"]).decode() for frame in frames]
            assert told == [not role.startswith("blind") for role in roles]
            assert not any("a secret" in orjson.dumps(frame).decode() for frame in (frames[1], frames[3]))

    play(act)


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize("window", ["width=7", "width=800&height=2", "first=x"])
def test_no_window_of_a_timeline_is_no_message(client_of: Callable[[str], Client], window: str) -> None:
    viewer = client_of("viewer")

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({}, view="console_timeline", timeline=window)
            assert "That is no message" in (await page.hear())["why"]

    play(act)


@pytest.mark.usefixtures("tree")
def test_looks_lie_apart_as_long_as_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(root_id: str) -> int:
        begun = time.monotonic()
        while time.monotonic() - begun < 0.05:
            size_of(root_id)
        return 1

    monkeypatch.setattr(watching, "size_of", slow)

    async def act() -> float:
        async with TreeWatch(E1) as watch:
            await sync_to_async(watch.look, thread_sensitive=True)()
            looked_at = time.monotonic()
            await in_thread(pause, CHILD)
            assert await watch.next(timeout_s=20)
            await in_thread(unpause, CHILD)
            return time.monotonic() - looked_at

    assert async_to_sync(act)() >= 0.4
