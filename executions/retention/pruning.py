"""Deleting what is kept no longer: whole trees of executions, in small batches.

An execution is deleted with everything below it, and only when its top-level execution, which decides, and everything
below that have ended. So no parent loses a child that it may still ask for.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db.models import Q

from engine.deployment.spec import ComponentType
from engine.executor.cron_seeds import next_seed
from engine.log.ids import ExecutionId
from engine.log.state import Status
from executions.journal.deleting import delete_executions
from executions.models import Execution
from executions.retention.rules import RetentionRule, keep_for, shortest

log = structlog.get_logger(__name__)

BATCH = 200
"""Executions that one transaction deletes at most."""
_PAGE = 500
_COLUMNS = ("execution_id", "created_at", "ffqn", "component_type", "component_digest", "result_kind", "due_at")


@dataclass(slots=True)
class Pruned:
    """What was, or would be, deleted.

    Args:
        executions: How many.
        trees: How many top-level ones, by function.
        is_complete: False if the time was over before all was looked at.
    """

    executions: int = 0
    trees: Counter[str] = field(default_factory=Counter)
    is_complete: bool = True


def prune(
    rules: Sequence[RetentionRule],
    now: datetime,
    *,
    dry_run: bool = False,
    time_limit: timedelta | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Pruned:
    """Delete what no rule keeps any longer.

    Args:
        rules: The first that fits an execution counts; what none fits is kept.
        now: The present instant.
        dry_run: Only tell what would be deleted.
        time_limit: How long to go on; without end by default. What is left over is left for the next time.
        pause: Waits so many seconds between batches: as long as the last one took, for others to write meanwhile.
    """
    pruned = Pruned()
    until = None if time_limit is None else time.monotonic() + time_limit.total_seconds()
    batch: list[str] = []
    for root in _expired(rules, now):
        if until is not None and time.monotonic() > until:
            pruned.is_complete = False
            break
        if root is None or _is_unfinished_below(root.execution_id):
            continue
        pruned.trees[root.ffqn] += 1
        for execution_id in (*_descendants(root.execution_id), root.execution_id):
            pruned.executions += 1
            batch.append(execution_id)
            if len(batch) == BATCH and not dry_run:
                _delete(batch, pause)
                batch = []
    if not dry_run:
        _delete(batch, pause)
        log.info("retention.pruned", executions=pruned.executions, is_complete=pruned.is_complete)
    return pruned


@dataclass(frozen=True, slots=True)
class _Root:
    execution_id: str
    ffqn: str


def _expired(rules: Sequence[RetentionRule], now: datetime) -> Iterator[_Root | None]:
    """Return top-level executions that no rule keeps any longer, those created first before others.

    And ``None`` now and then, where rules keep many, for whoever has an eye on the time.
    """
    least = shortest(rules)
    if least is None:
        return
    # One that was created later cannot have ended earlier; with that, the index of the list of executions serves.
    old = Execution.objects.top_level().filter(created_at__lt=now - least, status=Status.FINISHED.value)
    old = old.order_by("created_at", "execution_id")
    page = old
    while rows := list(page.only(*_COLUMNS)[:_PAGE]):
        for row in rows:
            age = keep_for(rules, ffqn=row.ffqn, result_kind=row.result_kind or "")
            if age is not None and row.due_at < now - age and not _is_needed_seed(row):
                yield _Root(row.execution_id, row.ffqn)
        yield None
        created_at, execution_id = rows[-1].created_at, rows[-1].execution_id
        page = old.filter(Q(created_at__gt=created_at) | Q(created_at=created_at, execution_id__gt=execution_id))


def _is_needed_seed(execution: Execution) -> bool:
    """Tell whether the present seed of a schedule may be looked for by way of this execution.

    That begins with the seed that was created last and goes on to its successors. When a clock was put back the last
    one has some, and then there must be no gap among them.
    """
    if execution.component_type != ComponentType.CRON.value:
        return False
    seeds = Execution.objects.of_function(execution.ffqn).filter(component_digest=execution.component_digest)
    newest = ExecutionId(seeds.newest_first().values_list("execution_id", flat=True)[0])
    return newest == execution.execution_id or Execution.objects.filter(execution_id=next_seed(newest)).exists()


def _below(execution_id: str) -> Q:
    # A child's id extends its parent's, so the primary key serves; "/" is the character behind ".".
    return Q(execution_id__gt=f"{execution_id}.", execution_id__lt=f"{execution_id}/")


def _is_unfinished_below(execution_id: str) -> bool:
    return Execution.objects.unfinished().filter(_below(execution_id)).exists()


def _descendants(execution_id: str) -> Iterator[str]:
    """Return the ids of all below an execution, a page at a time: they are deleted meanwhile."""
    last = ""
    below = Execution.objects.filter(_below(execution_id)).order_by("execution_id")
    while ids := list(below.filter(execution_id__gt=last).values_list("execution_id", flat=True)[:_PAGE]):
        yield from ids
        last = ids[-1]


def _delete(batch: Sequence[str], pause: Callable[[float], None]) -> None:
    if not batch:
        return
    started = time.monotonic()
    delete_executions(batch)
    pause(time.monotonic() - started)
