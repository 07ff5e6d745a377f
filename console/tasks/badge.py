"""How many tasks wait for somebody, beside the menu's entry."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone

from console.menu_badges import for_a_moment
from console.tasks.inbox import COUNTED
from engine.errors import DeploymentError
from executions.operations.inbox import Whose, tasks_of


def badge(request: HttpRequest) -> str:
    """Return how many tasks are the person's or their groups'; empty if none is. Asked for with every page."""
    return for_a_moment(f"console-tasks-{request.user.pk}", lambda: _count(request))


def _count(request: HttpRequest) -> str:
    now = timezone.now()
    try:
        count = sum(tasks_of(whose, request.user, now)[: COUNTED + 1].count() for whose in (Whose.MINE, Whose.GROUPS))
    except DeploymentError:
        # The pages of deployments say what is wrong; the menu must be there to get to them.
        return ""
    return "" if count == 0 else f"{COUNTED}+" if count > COUNTED else str(count)
