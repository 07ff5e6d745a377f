"""What an operation on many would come to: how many it is possible for, and why not for the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from engine.deployment.spec import ComponentType
from engine.executor.cancellation import is_cancellable_call
from engine.log.state import Lifecycle, Status
from executions.models import Execution
from executions.operations.bulk import COUNTED, BulkOperation
from executions.operations.listing import ExecutionFilter, matching

_COLUMNS = ("ffqn", "component_type", "status", "lifecycle", "result_kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """How executions stand towards an operation.

    Args:
        possible: How many it is possible for, as they stand.
        obstacles: How many of the others there are, by what is in the way, in a word or three.
        is_capped: Whether there are more than were counted; the newest were.
    """

    possible: int
    obstacles: Mapping[str, int]
    is_capped: bool

    @property
    def total(self) -> int:
        """How many were counted."""
        return self.possible + sum(self.obstacles.values())


def prospect_of(operation: BulkOperation, wanted: ExecutionFilter, *, now: datetime) -> Prospect:
    """Count the executions that a filter lets through, up to `COUNTED`, by what an operation would do to them."""
    rows = list(matching(wanted, now=now).newest_first().only(*_COLUMNS)[: COUNTED + 1])
    found = Counter(obstacle(operation, row) for row in rows[:COUNTED])
    possible = found.pop(None, 0)
    obstacles = {word: count for word, count in found.most_common() if word is not None}
    return Prospect(possible=possible, obstacles=obstacles, is_capped=len(rows) > COUNTED)


def obstacle(operation: BulkOperation, row: Execution) -> str | None:
    """Return what is in the way of an operation as an execution stands, in a word or three; ``None`` if nothing is."""
    is_over = row.status == Status.FINISHED.value
    match operation:
        case BulkOperation.CANCEL:
            if is_over:
                return "finished"
            if row.lifecycle == Lifecycle.CANCELLING.value:
                return "being cancelled already"
            return None if is_cancellable_call(ComponentType(row.component_type), row.ffqn) else "not cancellable"
        case BulkOperation.PAUSE:
            if is_over:
                return "finished"
            if row.lifecycle != Lifecycle.ACTIVE.value:
                return "paused already" if row.lifecycle == Lifecycle.PAUSED.value else "being cancelled"
            return "running activities" if _runs_an_activity(row) else None
        case BulkOperation.UNPAUSE:
            return None if row.lifecycle == Lifecycle.PAUSED.value else "not paused"
        case BulkOperation.RETRY:
            if not is_over:
                return "not finished"
            return "ended well" if row.result_kind == "ok" else None
        case BulkOperation.FORK:
            return None if row.component_type == ComponentType.WORKFLOW.value else "no workflows"
    assert_never(operation)


def _runs_an_activity(row: Execution) -> bool:
    is_fenced = row.component_type in (ComponentType.WORKFLOW.value, ComponentType.CRON.value)
    return row.status == Status.LOCKED.value and not is_fenced
