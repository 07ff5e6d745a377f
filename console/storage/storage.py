"""The page of storage and retention: read only, since settings are files."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django_q.models import Schedule

from console.access import needs_administrator
from console.pages import page
from console.storage.sizes import database_size
from executions.models import RetentionRun
from executions.retention.pruning import prune
from executions.tasks import PRUNE_EVERY_MINUTES, PRUNING

_LOOK: Final = timedelta(seconds=1)
_RUNS: Final = 20


@needs_administrator
def storage(request: HttpRequest) -> HttpResponse:
    """Show how large what is, what is kept how long, and what goes next."""
    now = timezone.now()
    rules = settings.OBELISK_RETENTION
    expired = prune(rules, now, dry_run=True, time_limit=_LOOK)
    return page(
        request,
        "storage/storage.html",
        title="Storage and retention",
        database=database_size(),
        rules=rules,
        every_minutes=PRUNE_EVERY_MINUTES,
        expired=expired,
        trees=expired.trees.most_common(),
        next_run=Schedule.objects.filter(name=PRUNING).values_list("next_run", flat=True).first(),
        runs=RetentionRun.objects.order_by("-pk")[:_RUNS],
        now=now,
    )
