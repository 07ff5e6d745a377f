"""Counting changes of the database, whoever makes them: triggers that count within the transaction that changes."""

from __future__ import annotations

import re
import threading
from typing import Any, Final

from tests.harness.eventually import eventually

_RESTLESS: Final = re.compile(
    r"django_|sqlite_|auth_user$|fuzz_"
    r"|executions_(executorheartbeat|apitoken|rollup|rollupcursor|databasesize|batch.*)$"
    r"|webhooks_refusedrequest$"
)
"""Tables whose rows come and go by themselves, or that tell of refusals."""
_REST_S: Final = 0.3
_REST_WITHIN_S: Final = 60.0


class ChangeCounter:
    """Counts how often rows were inserted, updated or deleted, by table; what is rolled back does not count.

    Args:
        connection: Django's connection to an SQLite database.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._triggers: list[str] = []

    def start(self) -> None:
        """Begin to count."""
        with self._connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS fuzz_changes (name TEXT PRIMARY KEY, number INTEGER NOT NULL)")
            for table in self._connection.introspection.table_names(cursor):
                if _RESTLESS.match(table):
                    continue
                cursor.execute("INSERT OR IGNORE INTO fuzz_changes VALUES (%s, 0)", [table])
                for action in ("INSERT", "UPDATE", "DELETE"):
                    name = f"fuzz_{table}_{action.lower()}"
                    cursor.execute(
                        f'CREATE TRIGGER IF NOT EXISTS "{name}" AFTER {action} ON "{table}" BEGIN '
                        f"UPDATE fuzz_changes SET number = number + 1 WHERE name = '{table}'; END"
                    )
                    self._triggers.append(name)

    def stop(self) -> None:
        """Stop counting."""
        with self._connection.cursor() as cursor:
            for name in self._triggers:
                cursor.execute(f'DROP TRIGGER IF EXISTS "{name}"')
            cursor.execute("DROP TABLE IF EXISTS fuzz_changes")

    def counts(self) -> dict[str, int]:
        """Return the number of changes by table."""
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT name, number FROM fuzz_changes")
            return dict(cursor.fetchall())

    def settle(self) -> None:
        """Wait until nothing changes for a moment: what earlier requests started has come to rest."""
        eventually(self._is_still, within_s=_REST_WITHIN_S)

    def _is_still(self) -> bool:
        before = self.counts()
        threading.Event().wait(_REST_S)
        return self.counts() == before
