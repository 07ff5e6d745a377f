"""The ASGI application that daphne serves."""

from __future__ import annotations

import os
from threading import Thread

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "obelisk_site.settings")

_django = get_asgi_application()

# Imported here: their models need Django, which is set up now.
from django.conf import settings  # noqa: E402

from components.runtime_loads import load_ahead  # noqa: E402
from console.routing import sockets  # noqa: E402
from executions.batches.keeping import keep_batches  # noqa: E402
from obelisk_site.client_address import TrustedProxies  # noqa: E402
from obelisk_site.process import Process  # noqa: E402
from webhooks.application import WebhookApplication  # noqa: E402

if settings.PROCESS is Process.WEB:
    Thread(target=load_ahead, name="runtimes", daemon=True).start()
    Thread(target=keep_batches, name="batches", daemon=True).start()

application = TrustedProxies(
    ProtocolTypeRouter(
        {
            "http": WebhookApplication(_django),
            "websocket": sockets(),
        }
    ),
    settings.OBELISK_TRUSTED_PROXIES,
)
