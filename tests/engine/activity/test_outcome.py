"""The table of what follows from how an attempt ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.activity.outcome import (
    TOO_LATE,
    Broken,
    Completed,
    HandedBack,
    Impossible,
    Killed,
    Outcome,
    TimedOut,
    event_after,
    outcome_of_trap,
)
from engine.errors import Trap, TrapKind
from engine.log.events import Finished, TemporarilyFailed, TemporarilyTimedOut, Unlocked
from engine.log.return_values import CANCELLED, Failed, FailureKind, JsonText, Returned, TypedValue

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BACKOFF = timedelta(milliseconds=100)
OK = Returned(True, TypedValue("u8", JsonText("1")))
ERR = Returned(False, TypedValue("string", JsonText('"no"')))
EMPTY_ERR = Returned(False, None)
TRAPPED = Broken(FailureKind.UNCATEGORIZED, "activity trap: unreachable", "where")
FUEL = Broken(FailureKind.OUT_OF_FUEL, "activity out of fuel: all consumed")

Event = Finished | TemporarilyFailed | TemporarilyTimedOut | Unlocked


def _after(outcome: Outcome, *, failures: int = 0, max_retries: int | None = 5) -> Event:
    return event_after(outcome, failures=failures, max_retries=max_retries, backoff=BACKOFF, now=NOW)


@pytest.mark.parametrize(
    ("outcome", "retval"),
    [
        (Completed(OK), OK),
        (Completed(ERR, is_permanent=True), ERR),
        (Impossible("no binary", "why"), Failed(kind=FailureKind.UNCATEGORIZED, reason="no binary", detail="why")),
        (Killed(), CANCELLED),
    ],
)
def test_some_outcomes_end_the_execution_whatever_retries_are_left(outcome: Outcome, retval: Returned | Failed) -> None:
    assert _after(outcome) == Finished(retval=retval)
    assert _after(outcome, max_retries=None) == Finished(retval=retval)
    assert _after(outcome, max_retries=0) == Finished(retval=retval)


@pytest.mark.parametrize(
    ("outcome", "event"),
    [
        (
            Completed(ERR),
            TemporarilyFailed(backoff_expires_at=NOW + BACKOFF, reason="activity finished with error", detail='"no"'),
        ),
        (
            Completed(EMPTY_ERR),
            TemporarilyFailed(backoff_expires_at=NOW + BACKOFF, reason="activity finished with error"),
        ),
        (
            TRAPPED,
            TemporarilyFailed(backoff_expires_at=NOW + BACKOFF, reason="activity trap: unreachable", detail="where"),
        ),
        (FUEL, TemporarilyFailed(backoff_expires_at=NOW + BACKOFF, reason=FUEL.reason)),
        (TimedOut(), TemporarilyTimedOut(backoff_expires_at=NOW + BACKOFF)),
    ],
)
def test_others_are_retried_while_retries_are_left(outcome: Outcome, event: Event) -> None:
    assert _after(outcome) == event
    assert _after(outcome, max_retries=None) == event


@pytest.mark.parametrize(
    ("outcome", "retval"),
    [
        (Completed(ERR), ERR),
        (Completed(EMPTY_ERR), EMPTY_ERR),
        (TRAPPED, Failed(kind=FailureKind.UNCATEGORIZED, reason=TRAPPED.reason, detail="where")),
        (FUEL, Failed(kind=FailureKind.OUT_OF_FUEL, reason=FUEL.reason)),
        (TimedOut(), TOO_LATE),
    ],
)
def test_when_retries_are_used_up_the_last_outcome_is_the_end(outcome: Outcome, retval: Returned | Failed) -> None:
    assert _after(outcome, failures=5) == Finished(retval=retval)
    assert _after(outcome, failures=0, max_retries=0) == Finished(retval=retval)


@pytest.mark.parametrize("max_retries", [0, 5, None])
def test_an_attempt_that_was_handed_back_costs_nothing(max_retries: int | None) -> None:
    event = _after(HandedBack(), max_retries=max_retries)

    assert event == Unlocked(backoff_expires_at=NOW, reason="executor closing")


@pytest.mark.parametrize("failures", range(5))
def test_the_delay_grows_with_the_failures_before(failures: int) -> None:
    event = _after(TimedOut(), failures=failures)

    assert event == TemporarilyTimedOut(backoff_expires_at=NOW + BACKOFF * 2**failures)


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (TrapKind.INTERRUPTED, TimedOut()),
        (TrapKind.OUT_OF_FUEL, Broken(FailureKind.OUT_OF_FUEL, "activity out of fuel: cause\nwhere")),
        *(
            (kind, Broken(FailureKind.UNCATEGORIZED, "activity trap: cause", "cause\nwhere"))
            for kind in (TrapKind.UNREACHABLE, TrapKind.STACK_OVERFLOW, TrapKind.OUT_OF_MEMORY, TrapKind.OTHER)
        ),
    ],
)
def test_a_trap_is_told_by_its_cause(kind: TrapKind, outcome: Outcome) -> None:
    assert outcome_of_trap(Trap(kind, "cause\nwhere"), what="activity") == outcome
