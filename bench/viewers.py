"""``python -m bench.viewers PORT COOKIE``: as many live pages as a busy office has open, in one process.

Reads commands from its standard input, a line each, and answers each with one line of JSON:

* ``watch ID``: all pages show this execution, each in its own way; answered once each has had its first frame.
* ``report``: how many frames came since, and when each page first knew of each version.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import orjson
from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

PAGES = 50
"""A fifth of them show a list, the others one execution."""
_VIEWS = ("console_execution", "console_events", "console_timeline", "console_execution", "")
_WITHIN_S = 60


class Office:
    """All pages, and what they have seen."""

    def __init__(self) -> None:
        self.frames = 0
        self.seen_at: list[tuple[int, float]] = []
        self.pages: list[Page] = []

    async def open(self, port: int, cookie: str) -> None:
        """Connect all pages."""
        loop = asyncio.get_running_loop()
        for number in range(PAGES):
            page = Page(self, _VIEWS[number % len(_VIEWS)])
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
        self.frames = 0
        for page in self.pages:
            page.watch(execution_id)
        async with asyncio.timeout(_WITHIN_S):
            await asyncio.gather(*(page.shown.wait() for page in self.pages))


class Page(WebSocketClientProtocol):
    """One page: takes frames in at once, as a browser in front does.

    Args:
        office: Where it stands.
        view: The tab that it shows; none for the list.
    """

    def __init__(self, office: Office, view: str) -> None:
        super().__init__()
        self._office = office
        self._view = view
        self._version = 0
        self.greeted = asyncio.Event()
        self.shown = asyncio.Event()

    def watch(self, execution_id: str) -> None:
        """Show an execution."""
        self.shown.clear()
        self._version = 0
        if self._view:
            self._say({"t": "sub", "topic": "execution", "subject": execution_id, "view": self._view})
        else:
            self._say({"t": "sub", "topic": "executions", "keys": [execution_id]})

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
        self._say({"t": "ack", "n": frame["n"]})
        self.shown.set()

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
            case ["report"]:
                print(json.dumps({"frames": office.frames, "seen_at": office.seen_at}), flush=True)
            case _:
                raise ValueError(f"no command: {command!r}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
