"""Whether a deployment waits for the next start, beside the menu's entry."""

from __future__ import annotations

from typing import Final

from django.core.cache import cache
from django.http import HttpRequest

from components.models import Deployment

_KEY: Final = "console-enqueued"
_KEPT_S: Final = 1


def badge(_request: HttpRequest) -> str:
    """Return how many deployments become active when the server starts next; empty if none does."""
    kept: str | None = cache.get(_KEY)
    if kept is None:
        kept = str(Deployment.objects.enqueued().count() or "")
        cache.set(_KEY, kept, _KEPT_S)
    return kept
