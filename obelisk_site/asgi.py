"""The ASGI application that daphne serves."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter
from channels.security.websocket import WebsocketDenier
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "obelisk_site.settings")

application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        # Nothing speaks WebSocket yet. Without this entry every attempt would leave a traceback in the log.
        "websocket": WebsocketDenier.as_asgi(),
    }
)
