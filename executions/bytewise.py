"""Text that PostgreSQL compares as SQLite and Python do: byte by byte, whatever language a database is for.

Ids are ranked, ranges of them are asked for, and both sides of a comparison are sometimes made in Python. Two
databases of one PostgreSQL server may order the same ids differently: a dot or an underscore counts for little in most
languages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.apps.registry import Apps
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import RunPython

#: Text columns of a table that are ordered another way, with their types.
_COLUMNS: Final = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND c.collname <> %s ORDER BY a.attnum
"""

#: Indexes of a table that serve searches for a prefix alone, which bytewise ones do as well.
_PREFIX_INDEXES: Final = """
SELECT DISTINCT i.indexrelid::regclass::text FROM pg_index i JOIN pg_opclass o ON o.oid = ANY(i.indclass)
WHERE i.indrelid = %s::regclass AND o.opcname IN ('text_pattern_ops', 'varchar_pattern_ops')
"""


def bytewise_text(*apps: str) -> RunPython:
    """Return the operation that makes all text columns of some apps bytewise, and drops what is of no use then.

    A migration that adds text columns ends with it; on SQLite it does nothing.

    Args:
        apps: Their labels; the migration depends on what made their tables.
    """

    def forwards(state: Apps, editor: BaseDatabaseSchemaEditor) -> None:
        for model in _models(state, editor, apps):
            table = model._meta.db_table
            _collate(editor, table, "C")
            for (index,) in _fetch(editor, _PREFIX_INDEXES, [table]):
                editor.execute(f"DROP INDEX {index}")

    def backwards(state: Apps, editor: BaseDatabaseSchemaEditor) -> None:
        for model in _models(state, editor, apps):
            _collate(editor, model._meta.db_table, "default")
            for field in model._meta.local_fields:
                statement = editor._create_like_index_sql(model, field)  # type: ignore[attr-defined]  # PostgreSQL's
                if statement is not None:
                    editor.execute(statement)

    return RunPython(forwards, backwards)


def _models(state: Apps, editor: BaseDatabaseSchemaEditor, apps: tuple[str, ...]) -> Iterator[Any]:
    if editor.connection.vendor == "postgresql":
        for app in apps:
            yield from state.get_app_config(app).get_models()


def _collate(editor: BaseDatabaseSchemaEditor, table: str, collation: str) -> None:
    changes = [
        f'ALTER COLUMN "{column}" TYPE {kind} COLLATE "{collation}"'
        for column, kind in _fetch(editor, _COLUMNS, [table, collation])
    ]
    if changes:
        editor.execute(f'ALTER TABLE "{table}" {", ".join(changes)}')


def _fetch(editor: BaseDatabaseSchemaEditor, statement: str, params: list[str]) -> list[Any]:
    with editor.connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())
