"""What speaks WebSocket where nobody listens."""

from __future__ import annotations

from channels.generic.websocket import AsyncWebsocketConsumer


class Refuse(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """Refuses. Without it, every attempt would leave a traceback in the log."""

    async def connect(self) -> None:
        """Refuse the connection."""
        await self.close()
