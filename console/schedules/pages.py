"""All schedules with what is due soon, and the page of one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from components.models import Deployment
from console.access import needs
from console.code.unreadable import tells_what_is_unreadable
from console.executions.listing import ListedExecution, listed
from console.pages import page
from console.schedules.acting import offered
from console.schedules.shown import ShownSchedule, shown_schedules
from console.schedules.ticks import coming_ticks
from engine.deployment.spec import ComponentType
from executions.access.scopes import Scope
from executions.cron.operating import CronNotFound, find_cron, list_crons
from executions.models import Execution, OperationRecord

RUNS: Final = 10
TICKS: Final = 10
DUE_SOON: Final = 20
_LOOKED_AT: Final = 500
_OPERATIONS: Final = 20


@needs(Scope.READ)
@tells_what_is_unreadable
def schedules(request: HttpRequest) -> HttpResponse:
    """Show every schedule of the active deployment, and which executions are due soon."""
    now = timezone.now()
    shown = shown_schedules(list_crons(), now)
    return page(
        request,
        "schedules/list.html",
        title="Schedules",
        schedules=shown,
        due_soon=due_soon(now),
        has_deployment=Deployment.objects.active().exists(),
        cursor=json.dumps({each.name: each.fingerprint for each in shown}),
        now=now,
    )


@needs(Scope.READ)
@tells_what_is_unreadable
def schedule(request: HttpRequest, cron: str) -> HttpResponse:
    """Show one schedule: what it starts, its next ticks, its last runs, and what people did to it."""
    now = timezone.now()
    try:
        (shown,) = shown_schedules([find_cron(cron)], now, runs=RUNS)
    except CronNotFound as error:
        raise Http404(f"{str(error)[0].upper()}{str(error)[1:]}.") from error
    return page(
        request,
        "schedules/schedule.html",
        title=f"Schedule {cron}",
        offers=offered(request, shown.cron, now),
        cursor=json.dumps({"state": shown.fingerprint}),
        now=now,
        **facts_of(shown),
    )


def facts_of(shown: ShownSchedule) -> dict[str, Any]:
    """Return what the page of a schedule tells that changes while it is open."""
    cron, tick = shown.cron, shown.tick
    return {
        "schedule": shown,
        "ticks": [] if tick is None else coming_ticks(cron.spec.schedule, tick.at, count=TICKS),
        "operations": OperationRecord.objects.newest_of(cron.seed, limit=_OPERATIONS)[::-1],
    }


def due_soon(now: datetime) -> Sequence[ListedExecution]:
    """Return executions that somebody scheduled for later, those that are due first before others."""
    later = Execution.objects.scheduled(now)[:_LOOKED_AT]
    # Schedules have rows of their own, and what workflows submitted is their own business.
    found = [row for row in later if row.parent_id is None and row.component_type != ComponentType.CRON.value]
    return listed(found[:DUE_SOON], now)
