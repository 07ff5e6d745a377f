"""What an execution was doing from when to when, read off its log.

Instants are microseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, assert_never

from msgspec import Struct

from console.seeing import payload
from engine.log import events as e
from executions.instants import to_micros


class Phase(StrEnum):
    """What an execution was doing; also names how a bar of it looks."""

    SCHEDULED = "scheduled"
    """Not due yet."""
    QUEUED = "queued"
    """Due, and not run."""
    RUNNING = "running"
    BLOCKED = "blocked"
    """Waiting for a response."""
    BACKOFF = "backoff"
    """Waiting for the next attempt."""
    PAUSED = "paused"
    CANCELLING = "cancelling"
    REQUEST = "request"
    """An HTTP request under way."""
    DELAY = "delay"
    """A timer running."""


class Cap(StrEnum):
    """How a bar ended."""

    OK = "ok"
    ERROR = "error"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"


class Sign(StrEnum):
    """A moment worth a mark of its own."""

    EXTENDED = "extended"
    UPGRADED = "upgraded"
    OPERATED = "operated"
    FORKED = "forked"


class Span(Struct, frozen=True, kw_only=True, gc=False):
    """A stretch of time.

    Args:
        phase: What was done.
        begin: When it began.
        end: When it ended, or now if it goes on.
        text: More on it, for people.
        cap: How it ended, if that is worth a mark.
        goes_on: Whether it has not ended.
    """

    phase: Phase
    begin: int
    end: int
    text: str = ""
    cap: Cap | None = None
    goes_on: bool = False

    @property
    def is_bad(self) -> bool:
        """Whether it did not end well."""
        return self.cap in (Cap.ERROR, Cap.FAILED, Cap.TIMEOUT)


class Mark(Struct, frozen=True, gc=False):
    """A moment."""

    at: int
    sign: Sign
    text: str


class Moment(Struct, frozen=True, gc=False):
    """What phases need to know of an event.

    Args:
        version: Its place in the log.
        at: When it was written.
        kind: Its variant, or for history events their type.
        join_set_id: The join set that it concerns, if any.
        event: The event itself, for the few kinds whose contents matter.
    """

    version: int
    at: int
    kind: str
    join_set_id: str | None = None
    event: e.ExecutionEvent | None = None


DECODED_KINDS: Final = (
    "locked",
    "unlocked",
    "temporarily_failed",
    "temporarily_timed_out",
    "component_upgrade_finished",
)
"""Variants whose contents matter; others may be large, and are left where they are."""

_MOST_REASON: Final = 160
_NEVER: Final = 2**62


def phases_of(
    moments: Sequence[Moment],
    *,
    due_at: int,
    arrivals: Mapping[tuple[int, str], int],
    now: int,
    cap: Cap | None,
) -> tuple[list[Span], list[Mark]]:
    """Return what an execution did.

    Args:
        moments: A part of its log without gaps, in order.
        due_at: When it was due first.
        arrivals: When a join set's first response arrived while the log held a number of events.
        now: Until when it goes on, if the part does not hold its end.
        cap: How it ended; ``None`` if it has not, or the part does not hold its end.
    """
    fold = _Fold(due_at, arrivals, cap)
    for moment in moments:
        fold.take(moment)
    fold.stop(now)
    return fold.spans, fold.marks


class _Fold:
    def __init__(self, due_at: int, arrivals: Mapping[tuple[int, str], int], cap: Cap | None) -> None:
        self.spans: list[Span] = []
        self.marks: list[Mark] = []
        self._arrivals = arrivals
        self._cap = cap
        self._phase: Phase | None = None
        self._since = 0
        self._due = due_at
        self._run_id = ""
        self._text = ""
        self._runs: int | None = None
        """How many there were; ``None`` if the part does not hold the beginning."""
        self._join_set_id = ""
        self._blocked_at_version = 0
        self._paused_while_blocked = ""

    def take(self, moment: Moment) -> None:
        self._take(moment, moment.at)
        if self._phase in (Phase.BLOCKED, Phase.PAUSED) and self._arrived() == _NEVER:
            self._blocked_at_version = moment.version + 1

    def _take(self, moment: Moment, at: int) -> None:
        match moment.event:
            case e.Locked(run_id=run_id):
                if run_id == self._run_id:
                    self.marks.append(Mark(at, Sign.EXTENDED, "lock extended"))
                    return
                self._run_id = run_id
                self._runs = None if self._runs is None else self._runs + 1
                self._begin(Phase.RUNNING, at, text=self._run())
            case e.Unlocked(backoff_expires_at=until, reason=reason):
                # A run that waits leaves the memory; what it waits for stays the same.
                if self._phase is not Phase.BLOCKED or self._arrived() < at:
                    self._begin(Phase.BACKOFF, at, text=_short(reason), due=to_micros(until))
            case e.TemporarilyFailed(backoff_expires_at=until, reason=reason):
                self._text = f"{self._text}: {_short(reason)}"
                self._begin(Phase.BACKOFF, at, cap=Cap.ERROR, due=to_micros(until))
            case e.TemporarilyTimedOut(backoff_expires_at=until):
                self._text = f"{self._text}: timed out"
                self._begin(Phase.BACKOFF, at, cap=Cap.TIMEOUT, due=to_micros(until))
            case e.ComponentUpgradeFinished(component_digest=digest, failure=failure):
                word = "upgraded to" if failure is None else "cannot be upgraded to"
                self.marks.append(Mark(at, Sign.UPGRADED, f"{word} {digest}"))
            case _:
                self._take_kind(moment, at)

    def _take_kind(self, moment: Moment, at: int) -> None:
        match moment.kind:
            case "created":
                self._runs = 0
                self._begin(Phase.SCHEDULED, at, due=self._due)
            case "finished":
                self._begin(None, at, cap=self._cap)
            case "paused":
                self._paused_while_blocked = self._text if self._phase is Phase.BLOCKED else ""
                self._begin(Phase.PAUSED, at)
            case "unpaused" if self._paused_while_blocked:
                self._begin(Phase.BLOCKED, at, text=self._paused_while_blocked)
            case "unpaused":
                self._begin(Phase.QUEUED, at)
            case "cancellation_requested":
                self._begin(Phase.CANCELLING, at)
            case "join_next":
                self._begin(Phase.BLOCKED, at, text=f"waits at {moment.join_set_id}")
                self._join_set_id = moment.join_set_id or ""
                self._blocked_at_version = moment.version + 1
            case _ if self._phase is Phase.BLOCKED:
                # The run went on in memory, as soon as the response was there.
                self._begin(Phase.RUNNING, max(self._since, min(at, self._arrived())), text=self._run())
            case _ if self._phase is None:
                self._begin(Phase.RUNNING, at)
            case _:
                pass

    def stop(self, now: int) -> None:
        """End what goes on."""
        self._close(max(now, self._since), cap=None, goes_on=True)

    def _begin(
        self, phase: Phase | None, at: int, *, cap: Cap | None = None, text: str = "", due: int | None = None
    ) -> None:
        self._close(at, cap=cap, goes_on=False)
        self._phase, self._since, self._text = phase, at, text
        if due is not None:
            self._due = due

    def _run(self) -> str:
        return "run" if self._runs is None else f"run {self._runs}"

    def _arrived(self) -> int:
        """Tell when the response came that the run waits for; later than anything if it has not."""
        return self._arrivals.get((self._blocked_at_version, self._join_set_id), _NEVER)

    def _close(self, at: int, *, cap: Cap | None, goes_on: bool) -> None:
        match self._phase:
            case None:
                pass
            case Phase.SCHEDULED | Phase.BACKOFF:
                # What is due is not waiting for its time any more, but for an executor.
                self._close_in_two(self._phase, at, self._due, cap=cap, goes_on=goes_on)
            case Phase.BLOCKED:
                self._close_in_two(Phase.BLOCKED, at, self._arrived(), cap=cap, goes_on=goes_on)
            case (
                Phase.QUEUED | Phase.RUNNING | Phase.PAUSED | Phase.CANCELLING | Phase.REQUEST | Phase.DELAY
            ) as phase:
                self._add(phase, self._since, at, cap=cap, goes_on=goes_on)
            case other:
                assert_never(other)

    def _close_in_two(self, first: Phase, at: int, turn: int, *, cap: Cap | None, goes_on: bool) -> None:
        turn = min(max(turn, self._since), at)
        is_two = turn < at
        self._add(first, self._since, turn, cap=None if is_two else cap, goes_on=goes_on and not is_two)
        if is_two:
            self._add(Phase.QUEUED, turn, at, cap=cap, goes_on=goes_on)

    def _add(self, phase: Phase, begin: int, end: int, *, cap: Cap | None, goes_on: bool) -> None:
        if end > begin or cap is not None or goes_on:
            self.spans.append(Span(phase=phase, begin=begin, end=end, text=self._text, cap=cap, goes_on=goes_on))


def _short(text: str) -> str:
    shown = payload(text)
    return shown if len(shown) <= _MOST_REASON else f"{shown[: _MOST_REASON - 1]}…"
