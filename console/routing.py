"""The console's sockets."""

from __future__ import annotations

from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import CookieMiddleware
from django.urls import path, re_path

from console.live.consumer import LiveConsumer
from console.live.refusing import Refuse


def sockets() -> object:
    """Return the application that serves them; pages of other sites are refused."""
    router = URLRouter([path("admin/live/", LiveConsumer.as_asgi()), re_path("", Refuse.as_asgi())])
    return AllowedHostsOriginValidator(CookieMiddleware(router))
