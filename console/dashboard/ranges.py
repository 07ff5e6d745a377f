"""The stretches of the past that the dashboard can show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from executions.statistics.tiers import HOURS, MINUTES, TEN_MINUTES, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """How far back one looks, and how finely.

    Args:
        key: As it stands in the address.
        title: For the switch.
        length: How far back.
        tier: How finely.
        per: How long one stretch of it is, in words.
        clock: How the beginning of a stretch is written.
    """

    key: str
    title: str
    length: timedelta
    tier: Tier
    per: str
    clock: str

    def starts(self, now: datetime) -> list[datetime]:
        """Return the beginnings of its stretches, oldest first; the last one is not over."""
        last = self.tier.start_of(now)
        count = self.length // self.tier.length
        return [last - self.tier.length * back for back in reversed(range(count))]


RANGES: Final = (
    Range(key="1h", title="1 h", length=timedelta(hours=1), tier=MINUTES, per="minute", clock="%H:%M"),
    Range(key="24h", title="24 h", length=timedelta(days=1), tier=TEN_MINUTES, per="10 minutes", clock="%H:%M"),
    Range(key="7d", title="7 d", length=timedelta(days=7), tier=HOURS, per="hour", clock="%a %d %b %H:%M"),
)


def range_of(key: str) -> Range:
    """Return the range that an address or a page names, the first one if it names none.

    Raises:
        ValueError: If there is no such range.
    """
    if not key:
        return RANGES[0]
    for each in RANGES:
        if each.key == key:
            return each
    raise ValueError(f"there is no range {key[:20]!r}; choose one of {', '.join(each.key for each in RANGES)}")
