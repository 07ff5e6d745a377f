"""Children that ended and whose parents were not told."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet

from components.reports import counted
from engine.deployment.spec import ComponentType
from engine.executor.ends import responses_of
from engine.journal.records import Append
from engine.log.ids import ExecutionId
from engine.log.state import Status
from executions.doctor.findings import MOST_EXAMPLES, Examination, Finding, Repair, Severity
from executions.doctor.repairs import repair_by_writes
from executions.journal.journal import SqlJournal
from executions.models import Execution, JoinSetResponse

_MOST: Final = 10_000
_TELL_EVERY: Final = 1_000


def look_for_missing_responses(examination: Examination) -> Iterator[Finding]:
    """Find unfinished workflows with children that ended without a response."""
    workflows = Execution.objects.unfinished().filter(component_type=ComponentType.WORKFLOW.value).newest_first()
    parents: dict[str, int] = {}
    for place, parent in enumerate(workflows.values_list("execution_id", flat=True)[: examination.most(_MOST)], 1):
        if place % _TELL_EVERY == 0:
            examination.tell(f"{place:,} workflows")
        if missing := _untold(parent).count():
            parents[parent] = missing
    if parents:
        yield Finding(
            severity=Severity.PROBLEM,
            what=f"{counted(len(parents), 'workflow')} not told that children ended, {sum(parents.values()):,} in all.",
            why="A child's end and the response to its parent are one write; without it the parent waits for ever.",
            remedy="Write the responses (`--fix`), and find out who changed the database.",
            examples=tuple(islice(parents, MOST_EXAMPLES)),
            repair=Repair(
                what="write the missing responses",
                run=partial(repair_by_writes, tuple(parents), detail="missing response", write_for=_missing),
            ),
        )


def _untold(parent: str) -> QuerySet[Execution]:
    told = JoinSetResponse.objects.filter(child_execution_id=OuterRef("execution_id"))
    children = Execution.objects.children_of(parent).filter(status=Status.FINISHED.value)
    return children.filter(~Exists(told)).order_by("due_at", "execution_id")


def _missing(parent: ExecutionId) -> Iterator[Append]:
    journal = SqlJournal.for_current_connection()
    for child in map(ExecutionId, list(_untold(parent).values_list("execution_id", flat=True))):
        end = journal.load_log(child)[-1]
        expected = journal.state_of(parent).next_version
        responses = responses_of(journal.state_of(child).parent, child, end)
        yield Append(execution_id=parent, expected=expected, responses=responses)
