"""Who sits behind a socket: asked when it opens and again and again, since people log out, and lose rights."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from console.access import may
from executions.access.scopes import Scope


def may_watch(session_key: str | None) -> bool:
    """Tell whether the session of a cookie belongs to somebody who may see the console's pages now."""
    if not session_key:
        return False
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return may(get_user(request), Scope.READ)
