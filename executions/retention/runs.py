"""Keeping what retention did, for people to look at."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from executions.models import RetentionRun
from executions.retention.pruning import Pruned, prune
from executions.retention.records import prune_records

MOST_KEPT: Final = 100
_LEAST: Final = timedelta(seconds=20)
"""For other records, when executions took all the time."""


def prune_and_note(now: datetime, *, time_limit: timedelta | None = None) -> Pruned:
    """Delete what ``OBELISK_RETENTION`` keeps no longer, and note what came of it.

    Args:
        now: The present instant.
        time_limit: How long to go on; without end by default.
    """
    begun = time.monotonic()
    pruned = prune(settings.OBELISK_RETENTION, now, time_limit=time_limit)
    spent = timedelta(seconds=time.monotonic() - begun)
    prune_records(
        settings.OBELISK_RETENTION, now, time_limit=None if time_limit is None else max(time_limit - spent, _LEAST)
    )
    RetentionRun.objects.create(
        started_at=now,
        took_ms=round((time.monotonic() - begun) * 1000),
        deleted=pruned.executions,
        is_complete=pruned.is_complete,
    )
    kept = RetentionRun.objects.order_by("-pk").values_list("pk", flat=True)[:MOST_KEPT]
    RetentionRun.objects.exclude(pk__in=list(kept)).delete()
    return pruned
