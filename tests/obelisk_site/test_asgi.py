from __future__ import annotations

from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator

from obelisk_site.asgi import application


def test_a_websocket_is_refused_politely() -> None:
    async def connect() -> bool:
        connected, _code = await WebsocketCommunicator(application, "/anything").connect()
        return bool(connected)

    assert async_to_sync(connect)() is False
