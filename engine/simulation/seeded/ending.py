"""What must hold when everything has come to its end: results, effects, and replays."""

from __future__ import annotations

from collections.abc import Callable

from engine.deployment.registry import Registry
from engine.simulation.seeded.auditor import Auditor
from engine.simulation.seeded.host import Effects
from engine.simulation.seeded.storage import AuditedJournal


def check_ending(
    auditor: Auditor, journal: AuditedJournal, registry: Registry, effects: Effects, report: Callable[[str], None]
) -> None:
    """Judge the logs of all executions, which have finished."""
    for execution_id in auditor.states:
        auditor.check_fold(execution_id)
        if journal.load_log(execution_id) != auditor.logs[execution_id]:
            report(f"the journal's log of {execution_id} is not what was written")
