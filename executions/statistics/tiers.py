"""How finely the past is kept: by the minute at first, by the day in the end (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Tier:
    """One fineness. What happens is counted in every tier at once, so that nothing has to be made coarser later.

    Args:
        length: Of a stretch; stretches begin at whole multiples of it, in UTC.
        kept_for: How long after its end a stretch is kept.
    """

    length: timedelta
    kept_for: timedelta

    def start_of(self, instant: datetime) -> datetime:
        """Return when the stretch began that an instant is in."""
        return instant - (instant - _EPOCH) % self.length

    def is_kept(self, start: datetime, now: datetime) -> bool:
        """Tell whether the stretch that began then is kept."""
        return start + self.length + self.kept_for > now


MINUTES: Final = Tier(timedelta(minutes=1), timedelta(hours=3))
TEN_MINUTES: Final = Tier(timedelta(minutes=10), timedelta(days=2))
HOURS: Final = Tier(timedelta(hours=1), timedelta(days=15))
DAYS: Final = Tier(timedelta(days=1), timedelta(days=400))

TIERS: Final = (MINUTES, TEN_MINUTES, HOURS, DAYS)
