"""``python -m bench.viewers PORT COOKIE``: as many live pages as a busy office has open, in one process.

Reads commands from its standard input, a line each, and answers each with one line of JSON:

* ``watch ID``: all pages show this execution, each in its own way; answered once each has had its first frame.
* ``report N``: answered once each page knows of N events: how many frames came since, when pages
  first knew of which versions (from, up to, when), and how much processor time that took here.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request
from typing import Any

import orjson
from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

PAGES = 50
"""A fifth of them show a list, the others one execution."""
_VIEWS = ("console_execution", "console_events", "console_timeline", "console_execution", "")
_WITH_TIMELINE = ("console_execution", "console_timeline")
_WIDTHS = (820, 1130, 1560)
"""Of timelines, in pixels: windows differ."""
_KNOWING = ("console_execution", "console_events")
"""Those that are told how many events there are."""
_WITHIN_S = 60


class Office:
    """All pages, and what they have seen.

    Args:
        port: The web server's.
        cookie: Who looks at them.
    """

    def __init__(self, port: int, cookie: str) -> None:
        self._port = port
        self._address = f"127.0.0.1:{port}"
        self._cookie = cookie
        self.frames = 0
        self.timelines = 0
        self.seen_at: list[tuple[int, int, float]] = []
        self.cpu_s = 0.0
        self.pages: list[Page] = []

    async def open(self) -> None:
        """Connect all pages."""
        loop = asyncio.get_running_loop()
        for number in range(PAGES):
            view = _VIEWS[number % len(_VIEWS)]
            width = _WIDTHS[number % len(_WIDTHS)] if view in _WITH_TIMELINE else None
            page = Page(self, view, width)
            factory: Any = WebSocketClientFactory(  # type: ignore[no-untyped-call]
                f"ws://{self._address}/admin/live/",
                origin=f"http://{self._address}",
                headers={"Cookie": self._cookie},
            )
            factory.protocol = lambda page=page: page
            await loop.create_connection(factory, "127.0.0.1", self._port)
            self.pages.append(page)
        async with asyncio.timeout(_WITHIN_S):
            await asyncio.gather(*(page.greeted.wait() for page in self.pages))

    async def watch(self, execution_id: str) -> None:
        """Let all pages show an execution."""
        self.seen_at.clear()
        self.frames = self.timelines = 0
        async with asyncio.timeout(_WITHIN_S):
            await asyncio.gather(*(page.watch(execution_id) for page in self.pages))
            await asyncio.gather(*(page.shown.wait() for page in self.pages))
        self.cpu_s = time.process_time()

    async def size_drawn(self, execution_id: str, window: str) -> int:
        """Ask for a window of the timeline, as its script does at first; return how much had happened by then."""
        url = f"http://{self._address}/admin/executions/{execution_id}/timeline/window/?{window}"
        request = urllib.request.Request(url, headers={"Cookie": self._cookie})

        def ask() -> int:
            with urllib.request.urlopen(request, timeout=_WITHIN_S) as answer:  # noqa: S310
                size: int = orjson.loads(answer.read())["size"]
            return size

        return await asyncio.to_thread(ask)

    async def report(self, events: int) -> dict[str, Any]:
        """Return what the pages have seen since, once each knows of so many events."""
        async with asyncio.timeout(_WITHIN_S):
            await asyncio.gather(*(page.knows(events) for page in self.pages))
        cpu_s = time.process_time() - self.cpu_s
        return {"frames": self.frames, "timelines": self.timelines, "seen_at": self.seen_at, "cpu_s": cpu_s}


class Page(WebSocketClientProtocol):
    """One page: takes frames in at once, as a browser in front does.

    Args:
        office: Where it stands.
        view: The tab that it shows; none for the list.
        width: That of the timeline on it, in pixels, if there is one.
    """

    def __init__(self, office: Office, view: str, width: int | None) -> None:
        super().__init__()
        self._office = office
        self._view = view
        self._timeline = "" if width is None else f"width={width}&first=0&rows=40&open=&chosen=false"
        self._version = 0
        self._wanted = 0
        self.greeted = asyncio.Event()
        self.shown = asyncio.Event()
        self._is_there = asyncio.Event()

    async def watch(self, execution_id: str) -> None:
        """Show an execution."""
        self.shown.clear()
        self._version = 0
        if self._view:
            # A timeline is asked for when the page opens; what follows comes with frames.
            drawn = {"drawn": await self._office.size_drawn(execution_id, self._timeline)} if self._timeline else {}
            about = {"subject": execution_id, "view": self._view, "timeline": self._timeline, "cursor": drawn}
            self._say({"t": "sub", "topic": "execution", **about})
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
        if self._version > known:
            self._office.seen_at.append((known, self._version, now))
        self._office.timelines += frame["timeline"] is not None
        self._say({"t": "ack", "n": frame["n"]})
        self.shown.set()
        if self._version >= self._wanted > 0:
            self._is_there.set()

    def _say(self, message: dict[str, Any]) -> None:
        self.sendMessage(json.dumps(message).encode())  # type: ignore[no-untyped-call]


async def main(port: int, cookie: str) -> None:
    """Do as told."""
    office = Office(port, cookie)
    await office.open()
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
