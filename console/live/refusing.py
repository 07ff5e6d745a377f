"""What speaks WebSocket where nobody listens."""

from __future__ import annotations

from channels.generic.websocket import AsyncWebsocketConsumer

from console.live.consumer import NO_LAYER


class Refuse(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """Refuses. Without it, every attempt would leave a traceback in the log."""

    channel_layer_alias = NO_LAYER

    async def connect(self) -> None:
        """Refuse the connection."""
        await self.close()
