"""Cron expressions in a time zone, and when they are due next.

A schedule that names its hours follows the clock on the wall: a time that the clock leaves out when it is put forward
is due as soon as the clock is past it, and one that comes twice when it is put back is due the first time. A schedule
of every hour follows elapsed time, so that "every 5 minutes" is neither silent nor doubled for an hour.

Source:
    Obelisk reference, section 5.12, and Debian's cron for days on which the clock is changed; time zones are ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from engine.errors import CronSyntaxError

ONCE = "@once"
_ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIELDS_WITHOUT_SECONDS = 5
_SECOND = timedelta(seconds=1)
_EVERY_HOUR = frozenset(range(24))
_SOME_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """When something is due, again and again; `parse` makes one.

    Args:
        text: The expression, as it was written.
        timezone: Name of the time zone whose clock counts.
    """

    text: str
    timezone: str = "UTC"

    @classmethod
    def parse(cls, text: str, timezone: str = "UTC") -> CronSchedule:
        """Read a schedule.

        Args:
            text: Five fields, six with seconds first, or a word such as ``@daily`` and ``@once``.
            timezone: Name in the IANA database, such as ``Europe/Berlin``.

        Raises:
            CronSyntaxError: If it is none, or never comes.
        """
        schedule = cls(text.strip(), timezone)
        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise CronSyntaxError(f"{timezone!r} is no time zone; write a name such as Europe/Berlin") from error
        if schedule.is_once:
            return schedule
        try:
            first = schedule.next_after(_SOME_INSTANT)
        except CronSimError as error:
            known = f"five fields, six with seconds first, or one of {', '.join([*_ALIASES, ONCE])}"
            raise CronSyntaxError(f"{text!r} is no cron expression ({error}); write {known}") from error
        if first is None:
            raise CronSyntaxError(f"{text!r} never comes")
        return schedule

    @property
    def is_once(self) -> bool:
        """Whether it is due once, when it comes into being, and never again."""
        return self.text.lower() == ONCE

    def next_after(self, instant: datetime) -> datetime | None:
        """Return when it is due next, later than an instant; ``None`` if never.

        Args:
            instant: Aware.

        Returns:
            An instant in UTC.
        """
        if self.is_once:
            return None
        fields = _ALIASES.get(self.text.lower(), self.text)
        if len(fields.split()) == _FIELDS_WITHOUT_SECONDS:
            # Spelled out, so that time zones are left to this module; a five-field expression brings rules of its own.
            fields = f"0 {fields}"
        zone = ZoneInfo(self.timezone)
        local = instant.astimezone(zone)
        every_hour = CronSim(fields, local)
        if every_hour.hours >= _EVERY_HOUR:
            return next((due.astimezone(UTC) for due in every_hour), None)
        due = (_instant_of(wall, zone) for wall in _wall_times(fields, local))
        return next((each for each in due if each > instant), None)


def _wall_times(fields: str, local: datetime) -> Iterator[datetime]:
    """Return what the clock on the wall shows when the schedule is due, behind what it shows now."""
    yield from CronSim(fields, local.replace(tzinfo=None))


def _instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return when the clock first shows this or, if it leaves it out, the instant at which it is put forward."""
    earlier = wall.replace(tzinfo=zone).astimezone(UTC)
    if earlier.astimezone(zone).replace(tzinfo=None) == wall:
        return earlier
    before, after = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), earlier
    offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
