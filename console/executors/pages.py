"""The page of executors."""

from __future__ import annotations

import json
from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from console.access import needs
from console.executors.shown import ShownExecutor, count_silent, shown_executors
from console.menu_badges import for_a_moment
from console.pages import page
from executions.access.scopes import Scope
from executions.liveness import FORGOTTEN_AFTER
from executions.program_version import program_version


@needs(Scope.READ)
def executors(request: HttpRequest) -> HttpResponse:
    """Show who executes, and what they hold."""
    now = timezone.now()
    shown = shown_executors(now)
    return page(
        request,
        "executors/list.html",
        title="Executors",
        executors=shown,
        totals=totals(shown),
        forgotten_after=FORGOTTEN_AFTER,
        version=program_version(),
        cursor=json.dumps({each.executor_id: each.fingerprint for each in shown}),
        now=now,
    )


def totals(shown: Sequence[ShownExecutor]) -> dict[str, int]:
    """Return the numbers above the list."""
    alive = [each.beat for each in shown if each.beat is not None and not each.is_silent]
    return {
        "alive": len(alive),
        "silent": sum(each.is_silent for each in shown),
        "running": sum(beat.running for beat in alive),
        "slots": sum(beat.slots for beat in alive),
    }


def silent_badge(_request: HttpRequest) -> str:
    """Return how many executors are silent, for the menu; empty if none is. Asked for with every page."""
    return for_a_moment("console-silent-executors", lambda: str(count_silent(timezone.now()) or ""))
