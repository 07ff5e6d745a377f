"""Keeping what retention did, for people to look at."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from executions.models import RetentionRun
from executions.retention.pruning import Pruned, prune

MOST_KEPT: Final = 100


def prune_and_note(now: datetime, *, time_limit: timedelta | None = None) -> Pruned:
    """Delete what ``OBELISK_RETENTION`` keeps no longer, and note what came of it.

    Args:
        now: The present instant.
        time_limit: How long to go on; without end by default.
    """
    begun = time.monotonic()
    pruned = prune(settings.OBELISK_RETENTION, now, time_limit=time_limit)
    RetentionRun.objects.create(
        started_at=now,
        took_ms=round((time.monotonic() - begun) * 1000),
        deleted=pruned.executions,
        is_complete=pruned.is_complete,
    )
    kept = RetentionRun.objects.order_by("-pk").values_list("pk", flat=True)[:MOST_KEPT]
    RetentionRun.objects.exclude(pk__in=list(kept)).delete()
    return pruned
