"""Deleting records that are not deleted with an execution: reports of batches and rehearsals, and other apps' own."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db.models import QuerySet

from executions.models import Batch, BatchEntry, BatchStatus, RehearsalReport, RehearsalStatus
from executions.retention.rules import RetentionRule, longest

log = structlog.get_logger(__name__)

PORTION: Final = 200
"""Rows that one transaction deletes at most."""

Expired = Callable[[Sequence[RetentionRule], datetime], QuerySet[Any]]
"""Returns the rows of one table that some rules keep no longer, in an order that an index has."""


def prune_records(
    rules: Sequence[RetentionRule],
    now: datetime,
    *,
    dry_run: bool = False,
    time_limit: timedelta | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Counter[str]:
    """Delete the records that no rule keeps any longer, and return how many there were of each kind.

    Args:
        rules: Those of executions; each kind of record says which of them it goes by.
        now: The present instant.
        dry_run: Only count.
        time_limit: How long to go on; without end by default. What is left over is left for the next time.
        pause: As for `executions.retention.pruning.prune`.
    """
    until = None if time_limit is None else time.monotonic() + time_limit.total_seconds()
    counts: Counter[str] = Counter()
    for name, expired in _KINDS.items():
        rows = expired(rules, now)
        counts[name] = rows.count() if dry_run else _delete(rows, pause, until)
    if not dry_run:
        log.info("retention.records_pruned", **{name.replace(" ", "_"): count for name, count in counts.items()})
    return +counts


def also_expires(name: str, expired: Expired) -> None:
    """Have another kind of record deleted by `prune_records`: of an app that this one knows nothing of.

    Args:
        name: What the rows are, in words.
        expired: Returns those that go.
    """
    _KINDS[name] = expired


def _delete(rows: QuerySet[Any], pause: Callable[[float], None], until: float | None) -> int:
    count = 0
    while until is None or time.monotonic() < until:
        ids = list(rows.values_list("pk", flat=True)[:PORTION])
        if not ids:
            break
        started = time.monotonic()
        rows.model._default_manager.filter(pk__in=ids).delete()
        count += len(ids)
        pause(time.monotonic() - started)
    return count


def _batches(rules: Sequence[RetentionRule], now: datetime) -> QuerySet[Batch]:
    """Batches that are over: they are about many functions, so they stay for as long as any of those does."""
    age = longest(rules)
    over = Batch.objects.exclude(status=BatchStatus.RUNNING).order_by("pk")
    return over.none() if age is None else over.filter(seen_at__lt=now - age)


def _entries(rules: Sequence[RetentionRule], now: datetime) -> QuerySet[BatchEntry]:
    """Entries of those batches, deleted before them: one may have a million."""
    return BatchEntry.objects.filter(batch__in=_batches(rules, now).values("pk")).order_by("batch", "execution_id")


def _rehearsals(rules: Sequence[RetentionRule], now: datetime) -> QuerySet[RehearsalReport]:
    """Reports of rehearsals that are over."""
    age = longest(rules)
    over = RehearsalReport.objects.exclude(status=RehearsalStatus.RUNNING).order_by("pk")
    return over.none() if age is None else over.filter(seen_at__lt=now - age)


_KINDS: Final[dict[str, Expired]] = {
    "entries of batches": _entries,
    "batches": _batches,
    "rehearsals": _rehearsals,
}
