"""How many executions are stuck, beside the menu's entry."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone

from console.dashboard.kept import Kept
from console.dashboard.tiles import counted
from executions.operations.listing import STUCK_AFTER
from executions.statistics.standing import count_stuck


def _count(_key: None) -> int:
    now = timezone.now()
    return count_stuck(now - STUCK_AFTER, now=now)


STUCK_COUNT: Kept[None, int] = Kept(_count, seconds=1)


def stuck(_request: HttpRequest) -> str:
    """Return how many are stuck; empty if none is. Asked for with every page."""
    count = STUCK_COUNT.get(None)
    return counted(count) if count else ""
