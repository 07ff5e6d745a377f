"""What can go wrong in a simulation, and how often."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from enum import StrEnum


class Fault(StrEnum):
    """Something that goes wrong."""

    REFUSED = "refused"
    """The storage does not answer a commit, and has carried out nothing."""
    UNANSWERED = "unanswered"
    """The storage carries out a commit, and its answer is lost."""
    UNREAD = "unread"
    """The storage does not answer a question."""
    KILLED = "killed"
    """A process dies: around a commit, or at any other moment; another one takes its place."""
    STOPPED = "stopped"
    """A process is asked to end, hands back what it holds, and another one takes its place."""
    FROZEN = "frozen"
    """A process stands still and goes on later, perhaps long after its locks expired."""
    SLOW = "slow"
    """A commit, or a guest, takes its time."""
    LOST = "lost"
    """A wake-up from another process does not come, or comes late."""
    JUMP = "jump"
    """A host's clock is put forward or back."""
    CANCEL = "cancel"
    """Somebody cancels an execution."""
    PAUSE = "pause"
    """Somebody pauses an execution, and lets it go on later."""


_RATES = {Fault.REFUSED: 0.02, Fault.UNANSWERED: 0.02, Fault.UNREAD: 0.004, Fault.KILLED: 0.008, Fault.SLOW: 0.06}
"""How often something strikes where it could; whatever is not named is up to those who bring it about."""
_FACTORS = (0.0, 0.5, 1.0, 3.0)
_MOST_S = 3.0


class Weather:
    """Decides what goes wrong.

    Args:
        stream: Makes the randomness of this name. Every fault has its own, so that leaving one out changes the others
            as little as may be.
        without: What never goes wrong.
    """

    def __init__(self, stream: Callable[[str], random.Random], *, without: Collection[Fault] = ()) -> None:
        self.chance = stream("weather")
        self.is_calm = False
        self.count = 0
        self._streams = {fault: stream(f"weather/{fault}") for fault in Fault}
        # A seed has its own weather: some faults often, others never.
        factors = {fault: self._streams[fault].choice(_FACTORS) for fault in Fault}
        self._rates = {fault: 0.0 if fault in without else _RATES.get(fault, 1.0) * factors[fault] for fault in Fault}

    def strikes(self, fault: Fault) -> bool:
        """Tell whether something goes wrong now."""
        rate = self._rates[fault]
        if rate <= 0 or self.is_calm or self._streams[fault].random() >= rate:
            return False
        self.count += 1
        return True

    def has(self, fault: Fault) -> bool:
        """Tell whether something may go wrong at all."""
        return self.is_possible(fault) and not self.is_calm

    def is_possible(self, fault: Fault) -> bool:
        """Tell whether something could have gone wrong, before it became calm."""
        return self._rates[fault] > 0

    def latency_s(self) -> float:
        """Return how long the storage takes."""
        if self.strikes(Fault.SLOW):
            return self.chance.random() ** 2 * _MOST_S
        return 0.0002 + self.chance.random() * 0.002
