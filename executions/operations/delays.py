"""Cancelling and pausing delays.

Source:
    Obelisk reference, sections 5.7 and 5.8.
"""

from __future__ import annotations

from enum import StrEnum

from django.utils import timezone

from engine.errors import AlreadyFinished, ExecutionNotFound, JournalError
from engine.journal.protocol import Journal
from engine.journal.records import FinishDelay, PauseDelay
from engine.log.events import DelayFinished
from engine.log.ids import DelayId, delay_position
from executions.journal.journal import SqlJournal


class DelayNotFound(ExecutionNotFound):
    """No delay of this id waits: none was ever requested, or it has fired or was cancelled."""

    def __init__(self, delay: DelayId) -> None:
        super().__init__(delay)
        self.args = (f"delay {delay} not found; it is unknown, or has fired or was cancelled",)


class DelayCancelling(StrEnum):
    """What became of the wish to cancel a delay."""

    CANCELLED = "cancelled"
    ALREADY_CANCELLED = "already cancelled"
    ALREADY_FINISHED = "already finished"


def cancel_delay(delay: DelayId, *, journal: Journal | None = None) -> DelayCancelling:
    """End a delay before its time; the workflow that waits for it sees that it was cancelled.

    Args:
        delay: Which one.
        journal: Where to write; the calling thread's database connection by default.

    Raises:
        DelayNotFound: If there never was such a delay.
        IdSyntaxError: If the id is none of a delay.
        JournalUnavailable: If the storage did not answer.
    """
    journal = journal or SqlJournal.for_current_connection()
    parent = delay_position(delay).parent
    now = timezone.now()
    (outcome,) = journal.commit([FinishDelay(delay_id=delay, at=now, cancelled=True)], now=now).outcomes
    if isinstance(outcome, AlreadyFinished):
        for response in journal.load_responses(parent):
            match response.event:
                case DelayFinished(delay_id=ended, cancelled=cancelled) if ended == delay:
                    return DelayCancelling.ALREADY_CANCELLED if cancelled else DelayCancelling.ALREADY_FINISHED
                case _:
                    pass
        raise DelayNotFound(delay)
    if isinstance(outcome, JournalError):
        raise outcome
    return DelayCancelling.CANCELLED


def pause_delay(delay: DelayId, *, journal: Journal | None = None) -> None:
    """Keep a delay from firing until `unpause_delay`; pausing a paused one changes nothing.

    Args:
        delay: Which one.
        journal: Where to write; the calling thread's database connection by default.

    Raises:
        DelayNotFound: If no such delay waits.
        IdSyntaxError: If the id is none of a delay.
        JournalUnavailable: If the storage did not answer.
    """
    _set_paused(delay, journal, paused=True)


def unpause_delay(delay: DelayId, *, journal: Journal | None = None) -> None:
    """Let a paused delay fire; one whose time is over fires at once. See `pause_delay`."""
    _set_paused(delay, journal, paused=False)


def _set_paused(delay: DelayId, journal: Journal | None, *, paused: bool) -> None:
    delay_position(delay)
    journal = journal or SqlJournal.for_current_connection()
    (outcome,) = journal.commit([PauseDelay(delay_id=delay, paused=paused)], now=timezone.now()).outcomes
    if isinstance(outcome, ExecutionNotFound):
        raise DelayNotFound(delay) from outcome
    if isinstance(outcome, JournalError):
        raise outcome
