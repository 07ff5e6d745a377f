"""Row numbers that cost nothing."""

from __future__ import annotations

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class RowIdField(models.BigAutoField):  # type: ignore[type-arg]  # generic for type checkers only
    """A primary key that the database counts up.

    On SQLite without ``AUTOINCREMENT``: that never gives a number twice, even after the row was deleted, and keeps its
    count in a table of its own, one more page to write at every commit. Rows that are only ever inserted need neither.
    """

    def db_type_suffix(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return what follows the column's constraints."""
        return None if connection.vendor == "sqlite" else super().db_type_suffix(connection)
