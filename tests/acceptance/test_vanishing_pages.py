"""Live pages that go away in the middle of things, on real sockets: nothing that anybody has to be told of."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.log import events as e
from executions.journal.journal import SqlJournal
from tests.builders import make_append, make_created, make_execution_id, make_submit
from tests.engine.journal.commits import commit
from tests.harness.live_pages import LivePage
from tests.harness.topology import Topology

pytestmark = pytest.mark.timeout(600)

PAGES = 50
E1 = make_execution_id(1)
LOGIN = """
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.create_superuser("viewer"))
print(f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}")
"""


@pytest.fixture
def topology(tmp_path: Path) -> Iterator[Topology]:
    with Topology(tmp_path) as topology:
        topology.manage("migrate", "-v0")
        yield topology


class Flood(threading.Thread):
    """Writes events to an execution, one after the other, until it is told to stop."""

    def __init__(self, journal: SqlJournal) -> None:
        super().__init__()
        self._journal = journal
        self._is_enough = threading.Event()

    def run(self) -> None:
        """Write."""
        for version in range(1, 1_000_000):
            commit(self._journal, make_append(E1, (e.Unpaused(), e.Paused())[version % 2], expected=version))
            if self._is_enough.wait(0.002):
                return

    def stop(self) -> None:
        """Write no more."""
        self._is_enough.set()
        self.join()


async def vanish(port: int, cookie: str) -> None:
    """Open pages, and take all away while frames are under way: some close, of others the connection breaks."""
    pages = [await opened(port, cookie) for _ in range(PAGES)]
    for number, page in enumerate(pages):
        if number % 2:
            page.leave()
        else:
            page.vanish()
    # The server has heard of it by then.
    for page in pages:
        await page.is_closed


async def look(port: int, cookie: str) -> None:
    """See that the server lives on."""
    page = await opened(port, cookie)
    page.leave()
    await page.is_closed


async def opened(port: int, cookie: str) -> LivePage:
    page = await LivePage.open(port, cookie)
    page.watch(E1)
    await page.next("frame")
    return page


def test_pages_that_vanish_at_once_are_no_failure(topology: Topology) -> None:
    web = topology.add_web()
    cookie = topology.manage("shell", "-v0", "-c", LOGIN).out.strip()

    with topology.journal() as journal:
        commit(journal, make_submit(E1, make_created()))
        flood = Flood(journal)
        flood.start()
        asyncio.run(vanish(web.port, cookie))
        asyncio.run(look(web.port, cookie))
        flood.stop()

    told = [line["event"] for line in topology.diary_of(web)]
    assert "console.live_failed" not in told
    assert not [event for event in told if "Exception" in event]
