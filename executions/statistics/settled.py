"""Up to which row the event log is settled: where no lower row can come to light any more."""

from __future__ import annotations

from typing import Final

from django.db import connection

from executions.models import Event

#: The highest row, and between which transactions some are under way: all before ``xmin`` are over, none from ``xmax``
#: on had begun. Primary key.
_SNAPSHOT: Final = (
    "SELECT COALESCE((SELECT MAX(id) FROM {event}), 0), "
    "pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint FROM pg_current_snapshot() AS s"
)


class SettledLog:
    """Tells how far one may count and never have to come back.

    SQLite has one writer, so its rows appear in their order. PostgreSQL gives a row its number before the commit that
    shows it: the highest number seen is settled once every transaction is over that was under way then. The journal
    writes other rows before it adds to a log, so its transactions count as under way before they take a number.
    """

    def __init__(self) -> None:
        self._settled = 0
        self._seen = 0
        self._seen_before = 0
        """The transaction before which all have to be over for ``_seen`` to be settled."""

    def until(self) -> int:
        """Return the number of the last settled row."""
        if connection.vendor == "sqlite":
            newest: int | None = Event.objects.order_by("-pk").values_list("pk", flat=True).first()
            return newest or 0
        with connection.cursor() as cursor:
            cursor.execute(_SNAPSHOT.format(event=Event._meta.db_table))
            return self.settle(*cursor.fetchone())

    def settle(self, highest: int, oldest_under_way: int, next_transaction: int) -> int:
        """Return the number of the last settled row on PostgreSQL.

        Args:
            highest: The highest number that is in sight.
            oldest_under_way: The first transaction that is not over.
            next_transaction: The first that had not begun.
        """
        if oldest_under_way >= self._seen_before:
            self._settled = self._seen
            self._seen, self._seen_before = highest, next_transaction
        if oldest_under_way >= next_transaction:
            self._settled = highest  # nobody was writing
        return self._settled
