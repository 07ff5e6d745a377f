"""``flush`` as tests need it, which run it a thousand times."""

from __future__ import annotations

from typing import Any, Final

from django.core.management.color import no_style
from django.core.management.commands import flush
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

_FILLED_AGAIN: Final = ("auth_group", "auth_group_permissions", "auth_permission", "django_content_type")
"""Tables that have rows in an empty site: handlers of ``post_migrate`` make them."""

Rows = dict[str, list[tuple[Any, ...]]]


class Command(flush.Command):
    """Empties the tables that have rows, and leaves alone what would be filled again with the same.

    Django's own empties all and fills those, which takes longer than most tests.
    """

    _as_made: dict[str, Rows] = {}
    """What a whole flush left, by the name of the database."""

    def handle(self, **options: Any) -> None:
        """Empty the database, as the caller can tell no different from Django's own command."""
        connection = connections[options["database"]]
        name = str(connection.settings_dict["NAME"])
        if name in self._as_made and _read(connection, _FILLED_AGAIN) == self._as_made[name]:
            _empty(connection)
        else:
            super().handle(**options)
            self._as_made[name] = _read(connection, _FILLED_AGAIN)


def _read(connection: BaseDatabaseWrapper, tables: tuple[str, ...]) -> Rows:
    rows: Rows = {}
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}" ORDER BY id')
            rows[table] = cursor.fetchall()
    return rows


def _empty(connection: BaseDatabaseWrapper) -> None:
    known = connection.introspection.django_table_names(only_existing=True, include_views=False)
    questions = [
        f"SELECT '{each}' WHERE EXISTS (SELECT 1 FROM \"{each}\")" for each in known if each not in _FILLED_AGAIN
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(questions))
        filled = [row[0] for row in cursor.fetchall()]
    if filled:
        # PostgreSQL truncates no table that another refers to, even an empty one.
        cascade = connection.vendor == "postgresql"
        statements = connection.ops.sql_flush(no_style(), filled, reset_sequences=False, allow_cascade=cascade)
        connection.ops.execute_sql_flush(statements)
