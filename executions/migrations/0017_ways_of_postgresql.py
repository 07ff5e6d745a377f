"""What PostgreSQL needs besides the tables; SQLite stays as it is (docs/decisions/0017-postgresql.md)."""

from __future__ import annotations

from typing import Any, Final

from django.apps.registry import Apps
from django.db import migrations

from executions.bytewise import bytewise_text

#: Written with every step, by the journal alone, which writes nothing of an execution that it has not locked or made.
_CHECKED_BY_THE_JOURNAL: Final = ("event", "joinsetresponse")

#: A step changes no indexed column of its execution: with room on the page the new version of the row stays there, and
#: no index is written.
_ROOM: Final = 'ALTER TABLE "executions_execution" SET (fillfactor = 80)'
_NO_ROOM: Final = 'ALTER TABLE "executions_execution" RESET (fillfactor)'


def _drop_checks(apps: Apps, editor: Any) -> None:
    if editor.connection.vendor != "postgresql":
        return
    for name in _CHECKED_BY_THE_JOURNAL:
        model = apps.get_model("executions", name)
        for constraint in editor._constraint_names(model, ["execution_id"], foreign_key=True):
            editor.execute(editor._delete_fk_sql(model, constraint))
    editor.execute(_ROOM)


def _add_checks(apps: Apps, editor: Any) -> None:
    if editor.connection.vendor != "postgresql":
        return
    for name in _CHECKED_BY_THE_JOURNAL:
        model = apps.get_model("executions", name)
        field = model._meta.get_field("execution")
        editor.execute(editor._create_fk_sql(model, field, "_fk_%(to_table)s_%(to_column)s"))
    editor.execute(_NO_ROOM)


class Migration(migrations.Migration):
    dependencies = [
        ("components", "0007_record_who_switched"),
        ("executions", "0016_count_what_ends"),
        ("webhooks", "0003_keep_refused_requests"),
    ]

    operations = [
        migrations.RunPython(_drop_checks, _add_checks),
        bytewise_text("components", "executions", "webhooks"),
    ]
