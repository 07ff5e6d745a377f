"""The ASGI application that daphne serves."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "obelisk_site.settings")

_django = get_asgi_application()

# Imported here: their models need Django, which is set up now.
from console.routing import sockets  # noqa: E402
from webhooks.application import WebhookApplication  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": WebhookApplication(_django),
        "websocket": sockets(),
    }
)
