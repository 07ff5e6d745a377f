"""How often one principal may ask."""

from __future__ import annotations

import time
from typing import Final

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from executions.access.principals import principal_of

WINDOW_S: Final = 60


class PrincipalThrottle(BaseThrottle):
    """At most ``OBELISK_API_RATE`` requests a minute for each token and person; 0 for no limit.

    Counted by the clock's minutes and in the site's cache: with several web processes and a cache for each, each counts
    for itself.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the request and tell whether it is one too many."""
        principal = principal_of(request.user)
        most: int = settings.OBELISK_API_RATE
        if principal is None or most == 0:
            return True
        key = f"obelisk-api-rate:{principal.key}:{int(time.time()) // WINDOW_S}"
        if cache.add(key, 1, timeout=2 * WINDOW_S):
            return True
        return cache.incr(key) <= most

    def wait(self) -> float:
        """Return the seconds until a new minute begins."""
        return WINDOW_S - time.time() % WINDOW_S
