"""How large the database is, how fast it grows, and how large it will be if that goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from executions.instants import lately
from executions.models import DatabaseSize

SAMPLE_EVERY: Final = timedelta(minutes=10)
KEPT_FOR: Final = timedelta(days=35)
LOOKED_BACK: Final = timedelta(days=7)
"""How far back growth is looked at."""
LEAST_SPAN: Final = timedelta(hours=1)
"""A forecast from less would be a guess."""
AHEAD: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How the database grows.

    Args:
        per_day: Bytes a day; negative if it becomes smaller.
        ahead: Bytes that it will have `AHEAD` of now, if that goes on.
    """

    per_day: int
    ahead: int


def database_size() -> int:
    """Return the size of the database in bytes, with what is free within it."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        else:
            cursor.execute("SELECT pg_database_size(current_database())")
        (size,) = cursor.fetchone()
    return int(size)


def keep_sample(now: datetime) -> None:
    """Remember the present size, unless that was done a moment ago; forget what is kept no longer."""
    if DatabaseSize.objects.filter(lately("at", now, SAMPLE_EVERY)).exists():
        return
    DatabaseSize.objects.get_or_create(at=now, defaults={"size": database_size()})
    DatabaseSize.objects.filter(at__lt=now - KEPT_FOR).delete()


def growth(size: int, now: datetime) -> Growth | None:
    """Return how the database grows, or ``None`` if it was not looked at for long enough.

    Args:
        size: Its present size.
        now: The present instant.
    """
    first = DatabaseSize.objects.filter(at__gte=now - LOOKED_BACK).order_by("at").first()
    if first is None or now - first.at < LEAST_SPAN:
        return None
    per_second = (size - first.size) / (now - first.at).total_seconds()
    return Growth(
        per_day=round(per_second * timedelta(days=1).total_seconds()),
        ahead=max(0, round(size + per_second * AHEAD.total_seconds())),
    )
