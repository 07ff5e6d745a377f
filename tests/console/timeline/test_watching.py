"""Live timelines: told of whatever moves in the tree, at a pace that looking can keep up with."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import Client

from console.timeline import watching
from console.timeline.tree_reading import size_of
from console.timeline.watching import TreeWatch
from engine.log import events as e
from engine.log.ids import child_id
from executions.journal.journal import SqlJournal
from executions.operations.pausing import pause, unpause
from tests.builders import (
    JOIN_SET,
    make_append,
    make_child,
    make_child_request,
    make_created,
    make_execution_id,
    make_locked,
    make_submit,
)
from tests.console.live.test_consumer import Page, in_thread, play
from tests.engine.journal.commits import commit

pytestmark = pytest.mark.django_db(transaction=True)

E1 = make_execution_id(1)
CHILD = child_id(E1, JOIN_SET, 1)


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


@pytest.mark.usefixtures("tree")
def test_looks_lie_apart_as_long_as_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(root_id: str) -> int:
        begun = time.monotonic()
        while time.monotonic() - begun < 0.05:
            size_of(root_id)
        return 1

    monkeypatch.setattr(watching, "size_of", slow)
    monkeypatch.setattr(watching, "_LEAST_PAUSE_S", 0)

    async def act() -> float:
        async with TreeWatch(E1) as watch:
            await sync_to_async(watch.look, thread_sensitive=True)()
            looked_at = time.monotonic()
            await in_thread(pause, CHILD)
            assert await watch.next(timeout_s=20)
            await in_thread(unpause, CHILD)
            return time.monotonic() - looked_at

    assert async_to_sync(act)() >= 0.4
