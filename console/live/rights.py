"""Who sits behind a socket: asked when it opens and again and again, since people log out, and lose rights."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from console.access import insights_of, may
from executions.access.scopes import Insight, Scope


def rights_of(session_key: str | None) -> frozenset[Insight] | None:
    """Return what whoever a cookie's session belongs to may see of values and source now; ``None``: not even pages."""
    if not session_key:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)
    return insights_of(user) if may(user, Scope.READ) else None
