"""``python -m bench.viewers PORT COOKIE``: as many live pages as a busy office has open, in one process.

Reads commands from its standard input, a line each, and answers each with one line of JSON:

* ``watch ID``: all pages show this execution, each in its own way; answered once each has had its first frame. Those
  with a timeline ask for it as its script does, at first and again when something has happened.
* ``report N``: answered once each page knows of N events: how many frames came since, when each page first knew of each
  version, and how much processor time that took here.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import Any

import orjson
from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

PAGES = 50
"""A fifth of them show a list, the others one execution."""
_VIEWS = ("console_execution", "console_events", "console_timeline", "console_execution", "")
_WITH_TIMELINE = ("console_execution", "console_timeline")
_WIDTHS = (820, 1130, 1560)
"""Of timelines, in pixels: windows differ."""
_REFRESH_S = 0.25
"""Least time between a timeline and the question for the next, as in its script."""
_LENGTH = re.compile(rb"(?i)content-length: ([0-9]+)")
_KNOWING = ("console_execution", "console_events")
"""Those that are told how many events there are."""
_WITHIN_S = 60


class Office:
    """All pages, and what they have seen."""

    def __init__(self) -> None:
        self.frames = 0
        self.timelines = 0
        self.seen_at: list[tuple[int, float]] = []
        self.cpu_s = 0.0
        self.failed: BaseException | None = None
        self.pages: list[Page] = []

    async def open(self, port: int, cookie: str) -> None:
        """Connect all pages."""
        loop = asyncio.get_running_loop()
        for number in range(PAGES):
            view = _VIEWS[number % len(_VIEWS)]
            timeline = None
            if view in _WITH_TIMELINE:
                timeline = TimelinePanel(self, port, cookie, _WIDTHS[number % len(_WIDTHS)])
            page = Page(self, view, timeline)
            address = f"127.0.0.1:{port}"
            factory: Any = WebSocketClientFactory(  # type: ignore[no-untyped-call]
                f"ws://{address}/admin/live/", origin=f"http://{address}", headers={"Cookie": cookie}
            )
            factory.protocol = lambda page=page: page
            await loop.create_connection(factory, "127.0.0.1", port)
            self.pages.append(page)
        async with asyncio.timeout(_WITHIN_S):
            await asyncio.gather(*(page.greeted.wait() for page in self.pages))

    async def watch(self, execution_id: str) -> None:
        """Let all pages show an execution."""
        self.seen_at.clear()
        self.frames = self.timelines = 0
        for page in self.pages:
            page.watch(execution_id)
        async with asyncio.timeout(_WITHIN_S):
            await asyncio.gather(*(page.shown.wait() for page in self.pages))
        self.cpu_s = time.process_time()

    async def report(self, events: int) -> dict[str, Any]:
        """Return what the pages have seen since, once each knows of so many events."""
        async with asyncio.timeout(_WITHIN_S):
            await asyncio.gather(*(page.knows(events) for page in self.pages))
        if self.failed is not None:
            raise self.failed
        cpu_s = time.process_time() - self.cpu_s
        return {"frames": self.frames, "timelines": self.timelines, "seen_at": self.seen_at, "cpu_s": cpu_s}


class TimelinePanel:
    """A timeline on a page; asks over a connection that it keeps.

    Args:
        office: Where its page stands.
        port: The server's.
        cookie: Who asks.
        width: How wide it is.
    """

    def __init__(self, office: Office, port: int, cookie: str, width: int) -> None:
        self._office = office
        self._port = port
        self._cookie = cookie
        self._width = width
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def show(self, execution_id: str) -> None:
        """Show an execution's, until told otherwise."""
        if self._task is not None:
            self._task.cancel()
        self._news.set()
        self._task = asyncio.create_task(self._follow(execution_id))
        self._task.add_done_callback(self._ended)

    def refresh(self) -> None:
        """Ask again, since something happened."""
        self._news.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._office.failed = task.exception()

    async def _follow(self, execution_id: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        path = (
            f"/admin/executions/{execution_id}/timeline/window/?width={self._width}&first=0&rows=40&open=&chosen=false"
        )
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nCookie: {self._cookie}\r\n\r\n".encode()
        try:
            while await self._news.wait():
                self._news.clear()
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                if not head.startswith(b"HTTP/1.1 200"):
                    raise RuntimeError(f"no timeline: {head!r}")
                (length,) = _LENGTH.findall(head)
                await reader.readexactly(int(length))
                self._office.timelines += 1
                await asyncio.sleep(_REFRESH_S)
        finally:
            writer.close()


class Page(WebSocketClientProtocol):
    """One page: takes frames in at once, as a browser in front does.

    Args:
        office: Where it stands.
        view: The tab that it shows; none for the list.
        timeline: The timeline on it, if there is one.
    """

    def __init__(self, office: Office, view: str, timeline: TimelinePanel | None) -> None:
        super().__init__()
        self._office = office
        self._view = view
        self._timeline = timeline
        self._version = 0
        self._wanted = 0
        self.greeted = asyncio.Event()
        self.shown = asyncio.Event()
        self._is_there = asyncio.Event()

    def watch(self, execution_id: str) -> None:
        """Show an execution."""
        self.shown.clear()
        self._version = 0
        if self._timeline is not None:
            self._timeline.show(execution_id)
        if self._view:
            self._say({"t": "sub", "topic": "execution", "subject": execution_id, "view": self._view})
        else:
            self._say({"t": "sub", "topic": "executions", "keys": [execution_id]})

    async def knows(self, events: int) -> None:
        """Wait until it knows of so many events, if it is told."""
        self._wanted = events
        if self._view in _KNOWING and self._version < events:
            await self._is_there.wait()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803, FBT001  # autobahn's names
        """Take a message in."""
        message: dict[str, Any] = orjson.loads(payload)
        match message["t"]:
            case "hello":
                self.greeted.set()
            case "frame":
                self._take(message)
            case "bye" if message["why"] != "final":
                raise RuntimeError(f"a page was closed: {message['why']}")
            case _:
                pass

    def _take(self, frame: dict[str, Any]) -> None:
        self._office.frames += 1
        known, self._version = self._version, frame["cursor"].get("version", self._version)
        now = time.time()
        self._office.seen_at.extend((version, now) for version in range(known, self._version))
        if self._timeline is not None:
            self._timeline.refresh()
        self._say({"t": "ack", "n": frame["n"]})
        self.shown.set()
        if self._version >= self._wanted > 0:
            self._is_there.set()

    def _say(self, message: dict[str, Any]) -> None:
        self.sendMessage(json.dumps(message).encode())  # type: ignore[no-untyped-call]


async def main(port: int, cookie: str) -> None:
    """Do as told."""
    office = Office()
    await office.open(port, cookie)
    loop = asyncio.get_running_loop()
    while command := await loop.run_in_executor(None, sys.stdin.readline):
        match command.split():
            case ["watch", execution_id]:
                await office.watch(execution_id)
                print("{}", flush=True)
            case ["report", events]:
                print(json.dumps(await office.report(int(events))), flush=True)
            case _:
                raise ValueError(f"no command: {command!r}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
