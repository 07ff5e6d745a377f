"""Whether a deployment waits for the next start, beside the menu's entry."""

from __future__ import annotations

from django.http import HttpRequest

from components.models import Deployment
from console.menu_badges import for_a_moment


def badge(_request: HttpRequest) -> str:
    """Return how many deployments become active when the server starts next; empty if none does."""
    return for_a_moment("console-enqueued", lambda: str(Deployment.objects.enqueued().count() or ""))
