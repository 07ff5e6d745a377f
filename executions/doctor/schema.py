"""Whether the database is as this version of the program needs it: migrations, indexes, constraints."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Model

from components.reports import counted
from executions.doctor.findings import MOST_EXAMPLES, Examination, Finding, Repair, Severity

_APPS: Final = ("components", "executions", "webhooks")


def look_for_migrations(_examination: Examination) -> Iterator[Finding]:
    """Find migrations that are not applied, and applied ones that this version does not have."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    missing = [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
    if missing:
        yield Finding(
            severity=Severity.PROBLEM,
            what=f"{counted(len(missing), 'migration')} not applied.",
            why="This version of the program needs them; executors refuse to start.",
            remedy="Run `manage.py migrate`.",
            examples=tuple(missing[:MOST_EXAMPLES]),
        )
    known = set(executor.loader.disk_migrations)
    later = sorted(
        f"{app}.{name}" for app, name in executor.loader.applied_migrations if app in _APPS and (app, name) not in known
    )
    if later:
        yield Finding(
            severity=Severity.WARNING,
            what=f"The database has {counted(len(later), 'migration')} that this version of the program does not know.",
            why="A newer version runs on it, or ran; during an upgrade this is as it should be.",
            remedy="Finish the upgrade, or go back to the newer version.",
            examples=tuple(later[:MOST_EXAMPLES]),
        )


def look_for_indexes(_examination: Examination) -> Iterator[Finding]:
    """Find indexes and constraints that the tables lack."""
    indexes: list[tuple[type[Model], str]] = []
    constraints: list[str] = []
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        for model in _models():
            if model._meta.db_table not in tables:
                # A migration that is not applied; that is told elsewhere.
                continue
            there = connection.introspection.get_constraints(cursor, model._meta.db_table)
            indexes += [(model, index.name) for index in model._meta.indexes if index.name not in there]
            constraints += [each.name for each in model._meta.constraints if each.name not in there]
    if indexes:
        names = tuple(name for _, name in indexes)
        yield Finding(
            severity=Severity.PROBLEM,
            what=f"{len(names)} {'index is' if len(names) == 1 else 'indexes are'} missing.",
            why="Queries that they serve read whole tables; executors ask some of them at every tick.",
            remedy="Have them made (`--fix`); in a large PostgreSQL database rather CREATE INDEX CONCURRENTLY.",
            examples=names[:MOST_EXAMPLES],
            repair=Repair(what="make them, while writers wait", run=partial(_make_indexes, tuple(indexes))),
        )
    if constraints:
        yield Finding(
            severity=Severity.PROBLEM,
            what=f"{counted(len(constraints), 'constraint')} missing.",
            why="The database would take what must never be stored, such as two events of one version.",
            remedy="Compare with a new database (`manage.py migrate` on an empty one), and add them by hand.",
            examples=tuple(sorted(constraints)[:MOST_EXAMPLES]),
        )


def _models() -> Iterator[type[Model]]:
    for app in _APPS:
        yield from apps.get_app_config(app).get_models()


def _make_indexes(indexes: tuple[tuple[type[Model], str], ...], _actor: str) -> int:
    with connection.schema_editor() as editor:
        for model, name in indexes:
            editor.add_index(model, next(index for index in model._meta.indexes if index.name == name))
    return len(indexes)
