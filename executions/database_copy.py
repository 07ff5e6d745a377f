"""Copying all rows of a stopped site into another database, such as from SQLite to PostgreSQL."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management.color import no_style
from django.db import connections, models, transaction
from django.db.migrations.recorder import MigrationRecorder

from components.models import Blob, Deployment
from engine.errors import EngineError
from executions.models import ApiToken, Execution, ExecutorHeartbeat

_ROWS: Final = 500
"""Held in memory at a time; fewer of those that hold whole files."""
_ROWS_OF_FILES: Final = 4
_SILENT: Final = timedelta(seconds=15)
"""After so long without a sign of life an executor has ended."""

Model = type[models.Model]
Digests = dict[str, tuple[int, int]]
"""Of each table: how many rows it has, and the sum of their digests, in which their order does not count."""


class CopyRefused(EngineError):
    """A database that cannot be copied, or not to there; nothing was changed."""


def copy_database(source: str, target: str, now: datetime, on_table: Callable[[str, int], None]) -> int:
    """Copy all rows, in one transaction, and compare what arrived with what was sent.

    Args:
        source: Alias of the connection to read.
        target: Alias of the connection to write; migrated, and used by nobody.
        now: The present instant.
        on_table: Called with each table and its number of rows.

    Returns:
        The number of rows.

    Raises:
        CopyRefused: If the databases differ in their migrations, an executor runs, the target holds somebody's data,
            or what arrived is something else.
    """
    _check(source, target, now)
    copied = 0
    connection = connections[target]
    with connection.constraint_checks_disabled(), transaction.atomic(using=target), transaction.atomic(using=source):
        # What migrations made is in the source as well, with the numbers that other rows refer to.
        with connection.cursor() as cursor:
            for model in _models():
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608
        for model in _models():
            count = _copy(model, source, target)
            copied += count
            on_table(model._meta.db_table, count)
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), _models()):
                cursor.execute(statement)
        sent, arrived = digests(source), digests(target)
        if different := [table for table in sent if sent[table] != arrived[table]]:
            raise CopyRefused(f"what arrived is not what was sent: {', '.join(different)}; nothing was changed")
        connection.check_constraints()
    return copied


def digests(alias: str) -> Digests:
    """Return what tells whether two databases hold the same."""
    found = {}
    for model in _models():
        total = count = 0
        for row in _rows(model, alias):
            content = "\0".join(_text(getattr(row, field.attname)) for field in _fields(model))
            total += int.from_bytes(hashlib.sha256(content.encode("utf-8", "surrogatepass")).digest())
            count += 1
        found[model._meta.db_table] = (count, total % 2**256)
    return found


def _check(source: str, target: str, now: datetime) -> None:
    applied = [set(MigrationRecorder(connections[alias]).applied_migrations()) for alias in (source, target)]
    if applied[0] != applied[1]:
        names = ", ".join(sorted(".".join(name) for name in applied[0] ^ applied[1])[:5])
        raise CopyRefused(f"the databases are of different versions ({names}); run manage.py migrate on both")
    for alias in (source, target):
        if ExecutorHeartbeat.objects.using(alias).filter(seen_at__gt=now - _SILENT).exists():
            raise CopyRefused("an executor runs on one of the databases, or ended just now; stop the site first")
    for model in (Execution, Deployment, Blob, ApiToken, get_user_model()):
        if model._base_manager.using(target).exists():
            raise CopyRefused(f"the target is in use: {model._meta.db_table} has rows; take an empty database")


def _models() -> list[Model]:
    return [
        model for model in apps.get_models(include_auto_created=True) if model._meta.managed and not model._meta.proxy
    ]


def _fields(model: Model) -> list[models.Field[Any, Any]]:
    return [field for field in model._meta.local_concrete_fields if not getattr(field, "generated", False)]


def _rows(model: Model, alias: str) -> Iterator[models.Model]:
    size = _ROWS_OF_FILES if any(isinstance(field, models.BinaryField) for field in _fields(model)) else _ROWS
    return model._base_manager.using(alias).iterator(chunk_size=size)


def _copy(model: Model, source: str, target: str) -> int:
    rows, fields, count = _rows(model, source), _fields(model), 0
    most = connections[target].ops.bulk_batch_size(fields, [None] * _ROWS)
    while batch := list(islice(rows, min(most, _ROWS))):
        # As it stands there: saving would set what is set at each save, such as a time.
        model._base_manager._insert(batch, fields=fields, using=target, raw=True)  # type: ignore[attr-defined]
        count += len(batch)
    return count


def _text(value: Any) -> str:
    match value:
        case memoryview() | bytes():
            return bytes(value).hex()
        case dict() | list():
            return json.dumps(value, sort_keys=True)
        case _:
            return repr(value)
