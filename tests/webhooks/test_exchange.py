"""What a guest's thread and the server's event loop do to one another."""

from __future__ import annotations

import asyncio

from tests.harness.asgi_client import Server, scope_of
from webhooks.exchange import Exchange


def test_bytes_on_their_way_when_the_client_goes_are_let_go() -> None:
    taken: list[bool] = []

    async def run() -> None:
        exchange = Exchange(scope_of("GET", "/"), Server([], lambda _data, _count: True).send)
        exchange.chunk(b"late", lambda: taken.append(True))
        exchange.detach()
        await asyncio.sleep(0)

    asyncio.run(run())

    assert taken == [True]
