"""What a journal has to look at before it applies writes: told from the writes alone."""

from __future__ import annotations

from collections.abc import Iterable

from engine.journal.records import Append, FinishDelay, Submit, Write
from engine.log.events import (
    DelayFinished,
    DelayRequested,
    JoinNext,
    Response,
    TemporarilyFailed,
    TemporarilyTimedOut,
    Unlocked,
    Unpaused,
)
from engine.log.ids import DelayId, ExecutionId, JoinSetId, delay_position, is_top_level


def required_executions(writes: Iterable[Write], *, thorough: bool = False) -> set[ExecutionId]:
    """Return the executions whose states a ledger needs for these writes, where they exist.

    Args:
        writes: What is to be applied.
        thorough: Also those that only a faulty write finds in existence. Storage that refuses to hold a row twice can
            do without them until it has refused one.
    """
    required: set[ExecutionId] = set()
    for write in writes:
        match write:
            case Append(execution_id=execution_id, responses=responses, created=created):
                required.add(execution_id)
                required.update(response.execution_id for response in responses)
                # A child's id is its parent's to give; a scheduled execution's could be taken.
                required.update(new.execution_id for new in created if thorough or is_top_level(new.execution_id))
            case Submit(execution=execution):
                required.add(execution.execution_id)
            case FinishDelay(delay_id=delay):
                required.add(delay_position(delay).parent)
    return required


def required_delays(writes: Iterable[Write], *, thorough: bool = False) -> set[DelayId]:
    """Return the delays whose rows a ledger must know for these writes, where they exist.

    Args:
        writes: What is to be applied.
        thorough: As for `required_executions`.
    """
    required: set[DelayId] = set()
    for write in writes:
        match write:
            case FinishDelay(delay_id=delay):
                required.add(delay)
            case Append(entries=entries, responses=responses):
                requested = {entry.event.delay_id for entry in entries if isinstance(entry.event, DelayRequested)}
                fired = {response.event.delay_id for response in responses if isinstance(response.event, DelayFinished)}
                required.update(requested | fired if thorough else fired - requested)
            case Submit():
                pass
    return required


def may_make_due(writes: Iterable[Write]) -> bool:
    """Tell, from the writes alone, whether something might become lockable by them."""
    return any(_may_make_due(write) for write in writes)


def _may_make_due(write: Write) -> bool:
    if not isinstance(write, Append):
        return True
    return (
        any(len(new.entries) == 1 for new in write.created)
        or any(response.execution_id != write.execution_id for response in write.responses)
        or any(isinstance(entry.event, _GIVES_BACK) for entry in write.entries)
    )


_GIVES_BACK = (Unlocked, TemporarilyFailed, TemporarilyTimedOut, Unpaused)


def response_sources(writes: Iterable[Write]) -> set[str]:
    """Return the children and delays that these writes bring responses of."""
    sources: set[str] = set()
    for write in writes:
        match write:
            case Append(responses=responses):
                sources.update(source_of(response) for response in responses)
            case FinishDelay(delay_id=delay):
                sources.add(delay)
            case Submit():
                pass
    return sources


def source_of(response: Response) -> str:
    """Return the id of the child or delay that a response comes from; each gives one response at most."""
    event = response.event
    return event.delay_id if isinstance(event, DelayFinished) else event.child_execution_id


def awaited_join_sets(writes: Iterable[Write]) -> list[tuple[ExecutionId, JoinSetId, int]]:
    """Return (execution, join set, cursor) of each blocking append: is there a response behind the cursor?"""
    return [
        (write.execution_id, write.entries[-1].event.join_set_id, write.responses_seen)
        for write in writes
        if isinstance(write, Append) and write.awaits and isinstance(write.entries[-1].event, JoinNext)
    ]
