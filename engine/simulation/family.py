"""Which executions came of one, as the logs tell."""

from __future__ import annotations

from engine.journal.protocol import Journal
from engine.log.events import ChildRequested, Scheduled
from engine.log.ids import ExecutionId


def children_of(journal: Journal, target: ExecutionId) -> list[ExecutionId]:
    """Return the children that were really created, in the order of their submission."""
    return [
        entry.event.child_execution_id
        for entry in journal.load_log(target)
        if isinstance(entry.event, ChildRequested) and entry.event.error is None
    ]


def family_of(journal: Journal, target: ExecutionId) -> list[ExecutionId]:
    """Return an execution and everything below it, each before what is below it."""
    return [target, *(member for child in children_of(journal, target) for member in family_of(journal, child))]


def kin_of(journal: Journal, target: ExecutionId) -> list[ExecutionId]:
    """Return an execution, everything below it, and everything that these scheduled."""
    family = family_of(journal, target)
    scheduled = [
        entry.event.execution_id
        for member in family
        for entry in journal.load_log(member)
        if isinstance(entry.event, Scheduled) and entry.event.error is None
    ]
    return family + [kin for other in scheduled for kin in kin_of(journal, other)]
