"""How an attempt ended, and the event that this leads to.

Source:
    Obelisk reference, section 5.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from msgspec import Struct

from engine.activity.backoff import backoff_delay
from engine.errors import Trap, TrapKind
from engine.log.events import Finished, TemporarilyFailed, TemporarilyTimedOut, Unlocked
from engine.log.return_values import CANCELLED, Failed, FailureKind, Returned


class Completed(Struct, frozen=True, gc=False):
    """The function returned.

    Args:
        retval: What it returned.
        is_permanent: Whether an error value asks not to be retried.
        retry_after: How long a further attempt has to wait at least.
        trace: Where in the guest's source an error came from.
    """

    retval: Returned
    is_permanent: bool = False
    retry_after: timedelta | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """The guest trapped, or the host failed it; another attempt may fare better."""

    kind: FailureKind
    reason: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Impossible:
    """No attempt can ever succeed: the component does not link, or values do not fit."""

    reason: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The attempt outlived its lock."""


@dataclass(frozen=True, slots=True)
class Killed:
    """The attempt was stopped because the execution is being cancelled."""


@dataclass(frozen=True, slots=True)
class HandedBack:
    """The attempt was stopped because its executor stops."""


TOO_LATE = Failed(
    kind=FailureKind.TIMED_OUT,
    reason="the last attempt took longer than it may (exec.lock_expiry, or attempt_timeout of the function)",
)

Outcome = Completed | Broken | Impossible | TimedOut | Killed | HandedBack


def outcome_of_trap(trap: Trap, *, what: str) -> Broken | TimedOut:
    """Return what a guest's death means.

    Args:
        trap: How it died.
        what: ``activity`` or ``workflow``, for the reason.
    """
    if trap.kind is TrapKind.INTERRUPTED:
        return TimedOut()
    if trap.kind is TrapKind.OUT_OF_FUEL:
        return Broken(FailureKind.OUT_OF_FUEL, f"{what} out of fuel: {trap.message}")
    return Broken(FailureKind.UNCATEGORIZED, f"{what} trap: {_first_line(trap.message)}", trap.message)


def event_after(
    outcome: Outcome, *, failures: int, max_retries: int | None, backoff: timedelta, now: datetime
) -> Finished | TemporarilyFailed | TemporarilyTimedOut | Unlocked:
    """Return the event that an attempt's outcome leads to.

    Args:
        outcome: How the attempt ended.
        failures: Failed attempts before this one.
        max_retries: Attempts after the first one; ``None`` is without end.
        backoff: Delay before the first retry.
        now: When the attempt ended.
    """
    if isinstance(outcome, Completed) and outcome.retval.ok:
        return Finished(retval=outcome.retval, detail=outcome.trace)
    may_retry = max_retries is None or failures < max_retries
    again_at = now + backoff_delay(failures + 1, initial=backoff)
    match outcome:
        case Completed(retval=retval, is_permanent=is_permanent, retry_after=retry_after, trace=trace):
            if is_permanent or not may_retry:
                return Finished(retval=retval, detail=trace)
            detail = trace or (retval.payload.value if retval.payload is not None else None)
            if retry_after is not None:
                again_at = max(again_at, now + retry_after)
            return TemporarilyFailed(backoff_expires_at=again_at, reason="activity finished with error", detail=detail)
        case Broken(kind=kind, reason=reason, detail=detail):
            if may_retry:
                return TemporarilyFailed(backoff_expires_at=again_at, reason=reason, detail=detail)
            return Finished(retval=Failed(kind=kind, reason=reason, detail=detail))
        case Impossible(reason=reason, detail=detail):
            return Finished(retval=Failed(kind=FailureKind.UNCATEGORIZED, reason=reason, detail=detail))
        case TimedOut():
            if may_retry:
                return TemporarilyTimedOut(backoff_expires_at=again_at)
            return Finished(retval=TOO_LATE)
        case Killed():
            return Finished(retval=CANCELLED)
        case HandedBack():
            return Unlocked(backoff_expires_at=now, reason="executor closing")
        case _:
            assert_never(outcome)


def _first_line(text: str) -> str:
    # The runtime's words begin with the cause; where it happened comes after.
    return next((line.strip() for line in text.splitlines() if line.strip()), text)
