"""Tasks of housekeeping in a table of the database."""

from __future__ import annotations

import time
from typing import Any, Final

from django_q.brokers import orm

LOOK_EVERY_S: Final = 60.0
"""How soon a task is found. Nobody waits for housekeeping, and an idle site should ask little of the database."""
_PAUSE_S: Final = 0.5
"""How soon the process that waits for tasks ends when it is asked to: it is asked in between."""


class DatabaseBroker(orm.ORM):  # type: ignore[misc]  # django-q2 ships no types
    """django-q2's broker, which looks less often and is stopped sooner."""

    _looked_at: float | None = None

    def dequeue(self) -> list[tuple[Any, Any]] | None:
        """Return tasks that wait; ``None`` after a pause if there are none, or it is not time to look."""
        now = time.monotonic()
        if self._looked_at is not None and now - self._looked_at < LOOK_EVERY_S:
            time.sleep(_PAUSE_S)
            return None
        tasks: list[tuple[Any, Any]] | None = super().dequeue()
        if not tasks:
            self._looked_at = now
        return tasks
