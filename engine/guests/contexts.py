"""What the host functions of a guest runtime know of the run that calls them."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from engine.activity.http.response_stream import ResponseStream
from engine.deployment.spec import LogLevel
from engine.guests.fetches import Fetches
from engine.host.context import ActivityContext, RunFacts, WorkflowContext
from engine.log.events import Response
from engine.workflow.inheritance import SEED_KEY

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(instant: datetime) -> int:
    """Return an instant as microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(since_1970_us: int) -> datetime:
    """Return an instant from microseconds since 1970.

    Raises:
        OverflowError: If it is out of range.
    """
    return _EPOCH + timedelta(microseconds=since_1970_us)


class ActivityGuest:
    """A run of an activity: its clock and its random bytes are real.

    Args:
        context: The attempt.
    """

    def __init__(self, context: ActivityContext) -> None:
        self._waits = threading.Event()
        self.streams: dict[int, ResponseStream] = {}
        self.serve(context)

    def serve(self, context: ActivityContext) -> None:
        """Go over to another attempt: its instance is used again."""
        self.context = context
        self.facts = context.facts
        self.seed = os.urandom(16)
        # They ended with the attempt that opened them.
        self.streams.clear()
        self.fetches = Fetches()

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables of the deployment, with placeholders where secrets are."""
        return self.context.environment

    def now_us(self) -> int:
        """Return the executor's time."""
        return microseconds(self.context.now())

    def monotonic_ns(self) -> int:
        """Return the machine's monotonic time."""
        return time.monotonic_ns()

    def random_bytes(self, length: int) -> bytes:
        """Return random bytes of the operating system."""
        return os.urandom(length)

    def log(self, level: LogLevel, message: str) -> None:
        """Store a log line."""
        self.context.log(level, message)

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self._waits.wait(seconds)


class WorkflowGuest:
    """A run of a workflow: time is that of the newest response it consumed, random bytes come from its seed.

    Args:
        context: The run.
    """

    def __init__(self, context: WorkflowContext) -> None:
        self.context = context
        self.facts = facts = context.facts
        self.seed = _seed_of(facts)
        self._now_us = self._created_us = microseconds(facts.created_at)
        self._blocks = 0
        self._random = b""

    @property
    def environment(self) -> Mapping[str, str]:
        """Nothing: what differs between machines could not be replayed."""
        return {}

    def now_us(self) -> int:
        """Return the time of the newest response that was consumed; at first that of the creation."""
        return self._now_us

    def monotonic_ns(self) -> int:
        """Return the same, counted from the creation."""
        return (self._now_us - self._created_us) * 1000

    def consumed(self, response: Response) -> None:
        """Let the clock go on to a response."""
        self.reached(response.created_at)

    def reached(self, at: datetime) -> None:
        """Let the clock go on to an instant; it never goes back."""
        self._now_us = max(self._now_us, microseconds(at))

    def random_bytes(self, length: int) -> bytes:
        """Return the next bytes of the execution's own stream."""
        while len(self._random) < length:
            self._blocks += 1
            self._random += hashlib.sha256(b"stream" + self.seed + self._blocks.to_bytes(8, "big")).digest()
        taken, self._random = self._random[:length], self._random[length:]
        return taken

    def log(self, level: LogLevel, message: str) -> None:
        """Store a log line."""
        self.context.log(level, message)


class Reading:
    """A look at a component's files at deploy: nobody's run, so nothing of it can be seen and all of it is the same."""

    def now_us(self) -> int:
        """Return the beginning of 2026."""
        return 1_767_225_600_000_000

    def monotonic_ns(self) -> int:
        """Return zero."""
        return 0

    def random_bytes(self, length: int) -> bytes:
        """Return zeros."""
        return bytes(length)

    def log(self, level: LogLevel, message: str) -> None:
        """Forget a log line."""


def _seed_of(facts: RunFacts) -> bytes:
    """Return the seed in the creation's metadata; executions from before there was one derive it from their id."""
    seed = dict(facts.metadata).get(SEED_KEY)
    if seed is not None:
        return bytes.fromhex(seed)
    return hashlib.sha256(b"seed" + facts.execution_id.encode()).digest()[:16]
