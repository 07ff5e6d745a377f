"""What an operation on many would come to: how many it is possible for, and why not for the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from executions.operations.bulk import COUNTED, BulkOperation
from executions.operations.bulk_rules import candidates, obstacle
from executions.operations.listing import ExecutionFilter, matching

_COLUMNS = ("ffqn", "component_type", "status", "lifecycle", "result_kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """How executions stand towards an operation.

    Args:
        possible: How many it is possible for, as they stand, up to `COUNTED`.
        is_capped: Whether it is possible for more than that.
        obstacles: How many of the others there are, by what is in the way, in a word or three.
        looked_at: Of how many of the newest the obstacles are, if not of all.
    """

    possible: int
    is_capped: bool
    obstacles: Mapping[str, int]
    looked_at: int | None


def prospect_of(operation: BulkOperation, wanted: ExecutionFilter, *, now: datetime) -> Prospect:
    """Count the executions that a filter lets through at an instant by what an operation would do to them."""
    rows = matching(wanted, now=now)
    possible = rows.filter(candidates(operation))[: COUNTED + 1].count()
    newest = list(rows.newest_first().only(*_COLUMNS)[: COUNTED + 1])
    found = Counter(obstacle(operation, row) for row in newest[:COUNTED])
    return Prospect(
        possible=min(possible, COUNTED),
        is_capped=possible > COUNTED,
        obstacles={word: count for word, count in found.most_common() if word is not None},
        looked_at=COUNTED if len(newest) > COUNTED else None,
    )
