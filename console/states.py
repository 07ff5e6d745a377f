"""The states of executions as people see them: a word, an icon and a colour; no two states share all three.

Source:
    The states of the API, split where people act differently: what is due from what is scheduled, what is tried again
    from what was never tried, a lock in force from one that has expired.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from engine.log.return_values import FailureKind
from engine.log.state import Lifecycle, Status
from executions.models import Execution


@dataclass(frozen=True, slots=True)
class ShownState:
    """A state as a badge shows it.

    Args:
        key: Names its colours in ``console.css``.
        word: In sentence case.
        icon: Ligature of the icon font.
    """

    key: str
    word: str
    icon: str


SCHEDULED: Final = ShownState("scheduled", "Scheduled", "schedule")
PENDING: Final = ShownState("pending", "Pending", "hourglass_empty")
RUNNING: Final = ShownState("running", "Running", "play_arrow")
LOCK_EXPIRED: Final = ShownState("lock-expired", "Lock expired", "lock_clock")
RETRYING: Final = ShownState("retrying", "Retrying", "autorenew")
BLOCKED: Final = ShownState("blocked", "Blocked", "account_tree")
PAUSED: Final = ShownState("paused", "Paused", "pause")
CANCELLING: Final = ShownState("cancelling", "Cancelling", "stop_circle")
OK: Final = ShownState("ok", "OK", "check_circle")
ERROR: Final = ShownState("error", "Error", "error")
FAILED: Final = ShownState("failed", "Failed", "dangerous")
CANCELLED: Final = ShownState("cancelled", "Cancelled", "block")

ALL: Final = (
    SCHEDULED,
    PENDING,
    RUNNING,
    LOCK_EXPIRED,
    RETRYING,
    BLOCKED,
    PAUSED,
    CANCELLING,
    OK,
    ERROR,
    FAILED,
    CANCELLED,
)


def shown_state(row: Execution, now: datetime) -> ShownState:
    """Return the state of an execution at an instant."""
    if row.status == Status.FINISHED.value:
        return _finished(row.result_kind)
    return unfinished_state(
        Status(row.status),
        Lifecycle(row.lifecycle),
        is_due=row.due_at <= now,
        has_failed=row.temporary_failures > 0,
    )


def unfinished_state(status: Status, lifecycle: Lifecycle, *, is_due: bool, has_failed: bool) -> ShownState:
    """Return the state of what has not ended.

    Args:
        status: What it does.
        lifecycle: What somebody wants it to do.
        is_due: Whether the instant of its row's ``due_at`` has come.
        has_failed: Whether an attempt failed.
    """
    match lifecycle:
        case Lifecycle.PAUSED:
            return PAUSED
        case Lifecycle.CANCELLING:
            return CANCELLING
        case _:
            pass
    match status:
        case Status.BLOCKED_BY_JOIN_SET:
            return BLOCKED
        case Status.LOCKED:
            return LOCK_EXPIRED if is_due else RUNNING
        case _:
            if has_failed:
                return RETRYING
            return PENDING if is_due else SCHEDULED


def _finished(result_kind: str | None) -> ShownState:
    match result_kind:
        case "ok":
            return OK
        case "error":
            return ERROR
        case FailureKind.CANCELLED.value:
            return CANCELLED
        case _:
            return FAILED
