"""The page of executors."""

from __future__ import annotations

import json
from collections.abc import Sequence

from django.contrib import messages
from django.contrib.admin.models import DELETION, LogEntry
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from console.access import may_administer, needs, needs_administrator, person_id
from console.executors.shown import ShownExecutor, count_silent, shown_executors
from console.menu_badges import for_a_moment
from console.pages import page
from console.visible import visible
from executions.access.scopes import Scope
from executions.liveness import FORGOTTEN_AFTER, forget
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
        forgettable=[each for each in shown if each.may_be_forgotten] if may_administer(request.user) else [],
        version=program_version(),
        cursor=json.dumps({each.executor_id: each.fingerprint for each in shown}),
        now=now,
    )


@needs_administrator
@require_POST
def forget_one(request: HttpRequest) -> HttpResponse:
    """Take an executor off the list that is silent and holds nothing, and keep who did."""
    executor_id = request.POST.get("executor", "").replace("\0", "")
    with transaction.atomic():
        gone = forget(executor_id, timezone.now())
        if gone is not None:
            LogEntry.objects.log_actions(person_id(request), [gone], DELETION, "forgotten", single_object=True)
    if gone is None:
        messages.error(request, "It was left on the list: it is not known, not silent any more, or it holds something.")
    else:
        messages.success(request, f"{visible(executor_id)} is forgotten; should it live, it is back in a moment.")
    return redirect("admin:console_executors")


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
