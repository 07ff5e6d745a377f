"""Executions that are due and that nobody runs, and those whose cancellation does not end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from components.reports import counted
from engine.deployment.spec import ComponentType
from executions.doctor.findings import MOST_EXAMPLES, Examination, Finding, Severity
from executions.due_explanations import why_due_is_not_run
from executions.models import Execution
from executions.operations.listing import STUCK_AFTER
from executions.operations.outside import known_outside

_MOST: Final = 10_000


def look_for_stranded(examination: Examination) -> Iterator[Finding]:
    """Find what was due a minute ago and longer, one finding for all with the same cause."""
    since = examination.now - STUCK_AFTER
    outside = known_outside()
    alike: dict[tuple[str, str, str | None], list[Execution]] = {}
    for row in Execution.objects.pending(since)[: examination.most(_MOST)].iterator():
        if row.component_type != ComponentType.ACTIVITY_STUB.value and row.ffqn not in outside:
            alike.setdefault((row.ffqn, row.component_digest, row.incompatible_digest), []).append(row)
    for (ffqn, _, _), rows in alike.items():
        yield Finding(
            severity=Severity.PROBLEM,
            what=f"{counted(len(rows), 'execution')} of {ffqn}: it {why_due_is_not_run(rows[0], examination.now)}.",
            why="It was due more than a minute ago; whoever waits for it waits for ever.",
            remedy="Do what the sentence says, or cancel or upgrade them: `manage.py execution` and docs/lifecycle.md.",
            examples=tuple(row.execution_id for row in rows[:MOST_EXAMPLES]),
        )


def look_for_cancellations(examination: Examination) -> Iterator[Finding]:
    """Find what is being cancelled for a minute and longer."""
    cancelling = Execution.objects.cancelling_since(examination.now - STUCK_AFTER).exclude(ffqn__in=known_outside())
    found = list(cancelling.values_list("execution_id", flat=True)[: examination.most(_MOST)])
    if found:
        yield Finding(
            severity=Severity.PROBLEM,
            what=f"{counted(len(found), 'execution')} being cancelled for more than a minute.",
            why="A cancelled workflow ends when everything below it has ended; something there does not.",
            remedy="See with `manage.py execution show` what it waits for; an executor must be alive to end it.",
            examples=tuple(found[:MOST_EXAMPLES]),
        )
