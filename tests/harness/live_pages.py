"""A live page of the console as a browser opens it, seen from a test."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

from tests.harness.eventually import PATIENCE_S


class LivePage(WebSocketClientProtocol):
    """One page; takes frames in at once, as a browser in front does."""

    def __init__(self) -> None:
        super().__init__()
        self._messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    @classmethod
    async def open(cls, port: int, cookie: str) -> LivePage:
        """Connect to a web process on loopback and be greeted."""
        page = cls()
        address = f"127.0.0.1:{port}"
        factory: Any = WebSocketClientFactory(  # type: ignore[no-untyped-call]
            f"ws://{address}/admin/live/", origin=f"http://{address}", headers={"Cookie": cookie}
        )
        factory.protocol = lambda: page
        await asyncio.get_running_loop().create_connection(factory, "127.0.0.1", port)
        await page.next("hello")
        return page

    def watch(self, execution_id: str) -> None:
        """Show an execution."""
        self._say({"t": "sub", "topic": "execution", "subject": execution_id, "view": "console_execution"})

    async def next(self, kind: str) -> dict[str, Any]:
        """Return the next message of a kind, dropping others.

        Raises:
            AssertionError: If the server ends the page, or none comes in time.
        """
        try:
            async with asyncio.timeout(2 * PATIENCE_S):
                while (message := await self._messages.get())["t"] != kind:
                    assert message["t"] != "bye", message["why"]
        except TimeoutError:
            raise AssertionError(f"the page got no {kind}") from None
        return message

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803  # autobahn's names
        """Take a message in."""
        message: dict[str, Any] = json.loads(payload)
        if message["t"] == "frame":
            self._say({"t": "ack", "n": message["n"]})
        self._messages.put_nowait(message)

    def leave(self) -> None:
        """Close the page."""
        self.sendClose()

    def vanish(self) -> None:
        """Break the connection off, as a machine does that is switched off."""
        self.transport.abort()

    def _say(self, message: dict[str, Any]) -> None:
        self.sendMessage(json.dumps(message).encode())  # type: ignore[no-untyped-call]
