"""Instants as whole microseconds since the epoch: how the journal's tables store time.

Why not ``DateTimeField``: docs/decisions/0001-instants-as-microseconds.md.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.dateparse import parse_datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(instant: datetime) -> int:
    """Return an aware instant as whole microseconds since the epoch; earlier ones are negative."""
    since = instant - _EPOCH
    # Dividing by a timedelta takes twice as long, and so does the hash that a cache would ask for.
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_micros(micros: int) -> datetime:
    """Return the instant, aware and in UTC, of a number of microseconds since the epoch."""
    return _EPOCH + timedelta(microseconds=micros)


def is_lately(instant: datetime, now: datetime, within: timedelta) -> bool:
    """Tell whether something was so shortly before that whoever wrote it may be trusted to be there still.

    What lies ahead by as much was written by a clock that was wrong: nothing may wait until it is true.
    """
    return now - within < instant < now + within


def lately(field: str, now: datetime, within: timedelta) -> models.Q:
    """Return the condition that `is_lately` is true of a field."""
    return models.Q(**{f"{field}__gt": now - within, f"{field}__lt": now + within})


class InstantField(models.Field[datetime | str, datetime]):
    """An aware instant in a ``bigint`` column; to the ORM it is a datetime that compares, filters and sorts.

    Parts of it (``created_at__year``) cannot be asked for, and an ``F`` of it cannot be added to.
    """

    description = "Instant (microseconds since the epoch)"

    def get_internal_type(self) -> str:
        """Return the name by which the databases know the column's type."""
        return "BigIntegerField"

    def to_python(self, value: Any) -> datetime | None:
        """Return the instant that a form, a URL or a fixture means.

        Raises:
            ValidationError: If it is no instant, or has no time zone.
        """
        if value is None:
            return None
        try:
            instant = parse_datetime(value) if isinstance(value, str) else value
        except ValueError:  # well-formed, but no such day or time
            instant = None
        if not isinstance(instant, datetime) or instant.tzinfo is None:
            raise ValidationError(f"{value!r} is not an instant with a time zone, such as 2026-01-31T12:00:00Z")
        return instant.astimezone(UTC)

    def get_prep_value(self, value: Any) -> Any:
        """Return the microseconds of an instant; expressions pass through."""
        prepared: Any = super().get_prep_value(value)
        if hasattr(prepared, "resolve_expression"):
            return prepared
        instant = self.to_python(prepared)
        return None if instant is None else to_micros(instant)

    def from_db_value(self, value: int | None, _expression: Any, _connection: BaseDatabaseWrapper) -> datetime | None:
        """Return the instant of a stored number."""
        return None if value is None else from_micros(value)

    def value_to_string(self, obj: models.Model) -> str:
        """Return the instant as text, for fixtures."""
        instant: datetime | None = self.value_from_object(obj)
        return "" if instant is None else instant.isoformat()
