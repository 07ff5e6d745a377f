from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from tests.webhooks.sites import Message
from webhooks.application import WebhookApplication
from webhooks.host import stop_webhook_host


async def elsewhere(
    _scope: object, _receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Stand in for Django."""
    await asyncio.sleep(0)
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"elsewhere", "more_body": False})


@pytest.fixture
def application() -> Iterator[WebhookApplication]:
    """The application with a host of its own."""
    yield WebhookApplication(elsewhere)
    stop_webhook_host()
