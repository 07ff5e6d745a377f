"""The ASGI application that daphne serves."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter
from channels.security.websocket import WebsocketDenier
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "obelisk_site.settings")

_django = get_asgi_application()

# Imported here: its models need Django, which is set up now.
from webhooks.application import WebhookApplication  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": WebhookApplication(_django),
        # Nothing speaks WebSocket yet. Without this entry every attempt would leave a traceback in the log.
        "websocket": WebsocketDenier.as_asgi(),
    }
)
