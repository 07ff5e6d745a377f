"""Whether the state of executions is what their logs say."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from components.reports import counted
from engine.errors import LogError
from engine.log.ids import ExecutionId
from engine.log.state import ExecutionState
from executions.doctor.findings import MOST_EXAMPLES, Examination, Finding, Repair, Severity
from executions.doctor.repairs import repair_states
from executions.journal.journal import SqlJournal
from executions.journal.repairing import folded_state
from executions.models import Execution

_MOST: Final = 1_000
_PAGE: Final = 500


def look_for_wrong_states(examination: Examination) -> Iterator[Finding]:
    """Find executions, the newest first, whose row is not the fold of their log, or whose log gives no state."""
    wrong: list[str] = []
    unreadable: dict[str, list[str]] = {}
    journal = SqlJournal.for_current_connection()
    for place, execution_id in enumerate(_newest(examination.most(_MOST)), 1):
        if place % _PAGE == 0:
            examination.tell(f"{place:,} logs")
        try:
            if not _is_right(journal, execution_id):
                wrong.append(execution_id)
        except LogError as error:
            unreadable.setdefault(str(error), []).append(execution_id)
    if wrong:
        yield Finding(
            severity=Severity.PROBLEM,
            what=f"{counted(len(wrong), 'execution')} in another state than the log says.",
            why="The log is the truth, but executors act on the state: they may never wake what it tells wrongly.",
            remedy="Have the states made anew from the logs (`--fix`), and find out who changed the database.",
            examples=tuple(wrong[:MOST_EXAMPLES]),
            repair=Repair(what="make the states anew from the logs", run=partial(repair_states, tuple(wrong))),
        )
    for problem, ids in unreadable.items():
        yield Finding(
            severity=Severity.PROBLEM,
            what=f"{counted(len(ids), 'execution')} whose log cannot be read: {problem}.",
            why="It can neither be replayed nor explained.",
            remedy="Restore its rows from a backup, or run the version of the program that wrote them.",
            examples=tuple(ids[:MOST_EXAMPLES]),
        )


def _newest(most: int | None) -> Iterator[ExecutionId]:
    """Return ids, the newest first, a page at a time: this may take long, and others write meanwhile."""
    rows = Execution.objects.order_by("-created_at", "-execution_id").values_list("created_at", "execution_id")
    seen, page = 0, rows
    while found := list(page[:_PAGE]):
        for _, execution_id in found:
            if seen == most:
                return
            seen += 1
            yield ExecutionId(execution_id)
        created_at, last = found[-1]
        page = rows.filter(created_at__lte=created_at).exclude(created_at=created_at, execution_id__gte=last)


def _is_right(journal: SqlJournal, execution_id: ExecutionId) -> bool:
    while True:
        before = journal.state_of(execution_id)
        try:
            folded = folded_state(journal, execution_id)
        except LogError:
            if _is_same(before, journal.state_of(execution_id)):
                raise
            continue
        if folded == before:
            return True
        if _is_same(before, journal.state_of(execution_id)):
            return False


def _is_same(before: ExecutionState, after: ExecutionState) -> bool:
    """Tell whether nobody wrote between two looks."""
    return (before.next_version, before.response_count) == (after.next_version, after.response_count)
