"""Rows that belong to nothing: of executions that do not exist, children without parents, files of no deployment."""
# ruff: noqa: S608 - statements are put together from the names of tables and placeholders

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from django.apps import apps
from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils import timezone

from components.reports import counted
from components.unused_files import delete_unused_files
from executions.doctor.findings import MOST_EXAMPLES, Examination, Finding, Repair, Severity
from executions.journal.repairing import delete_rows_without_execution
from executions.models import BatchEntry, CallSites, Execution, HttpExchange, LogLine, OperationRecord

_MOST: Final = 10_000
_MOST_DELETED: Final = 500
_EXECUTION: Final = Execution._meta.db_table
_BEST_EFFORT: Final = (LogLine, CallSites, HttpExchange)
"""They may be stored before their execution, and stay if the commit with it never comes."""


@dataclass(frozen=True, slots=True)
class _Table:
    """A table whose rows belong to executions."""

    name: str
    words: str
    key: str
    is_best_effort: bool


def look_for_orphan_rows(examination: Examination) -> Iterator[Finding]:
    """Find rows, the newest first, of executions that do not exist."""
    for table in _tables():
        examination.tell(table.words)
        found = _orphans(table, examination.most(_MOST))
        if not found:
            continue
        yield Finding(
            severity=Severity.NOTE if table.is_best_effort else Severity.PROBLEM,
            what=f"{table.words[0].upper()}{table.words[1:]} of {counted(len(found), 'execution')} that do not exist.",
            why=(
                "A process died before it had stored what they are about; they take space."
                if table.is_best_effort
                else "Somebody deleted the executions past the program; should their ids come again, logs would mix."
            ),
            remedy="Have them deleted (`--fix`).",
            examples=tuple(found[:MOST_EXAMPLES]),
            repair=Repair(what="delete them", run=partial(_delete, table.name, found)),
        )


def look_for_lost_children(examination: Examination) -> Iterator[Finding]:
    """Find children, the newest first, whose parent does not exist."""
    parents = Execution.objects.filter(execution_id=OuterRef("parent_id"))
    children = Execution.objects.filter(~Exists(parents), parent__isnull=False)
    if (most := examination.most(_MOST)) is not None:
        children = children.filter(execution_id__in=Execution.objects.newest_first().values("execution_id")[:most])
    found = list(children.values_list("execution_id", flat=True)[:_MOST])
    if found:
        yield Finding(
            severity=Severity.PROBLEM,
            what=f"{counted(len(found), 'execution')} whose parent does not exist.",
            why="They run for nobody, and retention, which deletes whole trees from the top, never finds them.",
            remedy="Restore the parents from a backup, or delete these rows when you know what happened.",
            examples=tuple(found[:MOST_EXAMPLES]),
        )


def look_for_unused_files(examination: Examination) -> Iterator[Finding]:
    """Find stored files that no deployment is made of."""
    unused = delete_unused_files(examination.now, dry_run=True)
    if unused.count:
        yield Finding(
            severity=Severity.NOTE,
            what=f"{counted(unused.count, 'stored file')} of no deployment, {unused.size:,} bytes.",
            why="They take space.",
            remedy="Have them deleted (`--fix`, or `manage.py deployment gc`).",
            repair=Repair(what="delete them", run=lambda _actor: delete_unused_files(timezone.now()).count),
        )


def _tables() -> Iterator[_Table]:
    for model in apps.get_app_config("executions").get_models():
        # Reports of batches stay whole when executions go; operations may be on schedules and deliveries.
        if model not in (Execution, BatchEntry, OperationRecord) and any(
            field.column == "execution_id" for field in model._meta.fields
        ):
            yield _Table(
                name=model._meta.db_table,
                words=str(model._meta.verbose_name_plural),
                key=str(model._meta.pk.column),
                is_best_effort=model in _BEST_EFFORT,
            )


def _orphans(table: _Table, most: int | None) -> list[str]:
    limit = "" if most is None else f"ORDER BY {table.key} DESC LIMIT {most}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT t.execution_id FROM (SELECT execution_id FROM {table.name} {limit}) t "
            f"WHERE NOT EXISTS (SELECT 1 FROM {_EXECUTION} x WHERE x.execution_id = t.execution_id) "
            f"ORDER BY t.execution_id LIMIT {_MOST}"
        )
        return [execution_id for (execution_id,) in cursor.fetchall()]


def _delete(table: str, execution_ids: list[str], _actor: str) -> int:
    pages = (execution_ids[start : start + _MOST_DELETED] for start in range(0, len(execution_ids), _MOST_DELETED))
    return sum(delete_rows_without_execution(table, page) for page in pages)
