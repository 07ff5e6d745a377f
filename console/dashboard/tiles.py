"""How many executions are in each state, and how many are stuck."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from console import states
from console.dashboard.links import list_url
from console.states import ShownState, unfinished_state
from executions.operations.inbox import Whose
from executions.statistics.standing import COUNTED, Standing, Standings

TASK: Final = ShownState("human-task", "Human task", "inbox")
"""What is due, but for somebody outside: no executor can take it."""
STUCK: Final = ShownState("stuck", "Stuck", "warning")

_STATUSES: Final = {
    states.SCHEDULED: "scheduled",
    states.PENDING: "pending",
    states.RUNNING: "locked",
    states.LOCK_EXPIRED: "locked",
    states.BLOCKED: "blocked",
    states.RETRYING: "retrying",
    states.PAUSED: "paused",
    states.CANCELLING: "cancelling",
}
_ONLY_IF_ANY: Final = (states.LOCK_EXPIRED, states.CANCELLING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """How many are in one state.

    Args:
        state: Which state.
        count: How many, as people read it.
        is_none: Whether there are none.
        url: Where they are listed.
    """

    state: ShownState
    count: str
    is_none: bool
    url: str


def tiles(standing: Standings, stuck: int) -> list[Tile]:
    """Return a tile for each state; those that are seldom met are left out while nothing is in them."""
    counts = by_state(standing.rows)
    more = "+" if standing.is_capped else ""
    shown = [
        Tile(
            state=state,
            count=f"{counts[state]:,}{more}",
            is_none=not counts[state],
            url=list_url(status=status),
        )
        for state, status in _STATUSES.items()
        if counts[state] or state not in _ONLY_IF_ANY
    ]
    tasks = Tile(
        state=TASK,
        count=f"{counts[TASK]:,}{more}",
        is_none=not counts[TASK],
        url=f"{reverse('admin:console_tasks')}?whose={Whose.ALL.value}",
    )
    return [*shown, tasks, Tile(state=STUCK, count=counted(stuck), is_none=not stuck, url=list_url(stuck="on"))]


def counted(count: int) -> str:
    """Return a number that was counted up to `COUNTED`."""
    return f"{COUNTED:,}+" if count > COUNTED else f"{count:,}"


def by_state(rows: Iterable[Standing]) -> Counter[ShownState]:
    """Return how many are in each state."""
    counts: Counter[ShownState] = Counter()
    for row in rows:
        state = unfinished_state(row.status, row.lifecycle, is_due=row.is_due, has_failed=row.has_failed)
        counts[TASK if state is states.PENDING and row.is_task else state] += row.count
    return counts
