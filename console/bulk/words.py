"""What people read about operations on many executions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from executions.operations.bulk import BulkOperation


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkWords:
    """How an operation is called.

    Args:
        title: On its button.
        icon: Ligature of the icon font.
        can_be: As in "5 can be cancelled", and "5 cancelled".
        says: What will happen.
        is_grave: Whether it cannot be taken back.
    """

    title: str
    icon: str
    can_be: str
    says: str
    is_grave: bool = False


WORDS: Final[Mapping[BulkOperation, BulkWords]] = {
    BulkOperation.CANCEL: BulkWords(
        title="Cancel",
        icon="stop_circle",
        can_be="cancelled",
        says="They will end as cancelled, workflows after everything that they left open. This cannot be taken back.",
        is_grave=True,
    ),
    BulkOperation.PAUSE: BulkWords(
        title="Pause",
        icon="pause",
        can_be="paused",
        says="They will not be run until somebody unpauses them. Responses still arrive.",
    ),
    BulkOperation.UNPAUSE: BulkWords(title="Unpause", icon="resume", can_be="unpaused", says="They will be run again."),
    BulkOperation.RETRY: BulkWords(
        title="Retry",
        icon="replay",
        can_be="retried",
        says="Each call will be submitted again, as an execution of its own; what was retried before is left alone.",
    ),
    BulkOperation.FORK: BulkWords(
        title="Fork",
        icon="fork_right",
        can_be="forked",
        says="For each, a new execution begins with its history up to the last event and goes on by itself.",
    ),
}
