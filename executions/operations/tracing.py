"""Finding out where in its source a workflow made its calls, after the fact.

Runs of interpreted workflows say so as they go; what is missing, because it was lost or the log came from elsewhere, a
replay brings.

Source:
    Obelisk reference, section 5.9 ("Persist backtraces").
"""

from __future__ import annotations

from engine.journal.protocol import Journal
from engine.log.backtraces import CallSites
from engine.log.ids import ExecutionId
from executions.backtraces import known_calls
from executions.component_versions import make_replayer
from executions.journal.journal import SqlJournal
from executions.operations.replaying import load_workflow


def persist_backtraces(execution_id: ExecutionId, *, journal: Journal | None = None) -> int:
    """Store the backtraces of a workflow's recorded calls that are not stored yet.

    Args:
        execution_id: Which one, finished or not.
        journal: Where it stands; the calling thread's database connection by default.

    Returns:
        How many were stored; none for a workflow whose language does not say where its calls are.

    Raises:
        NoWorkflow: If it is an activity.
        VersionMissing: If the component version that it was run by is stored nowhere.
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    journal = journal or SqlJournal.for_current_connection()
    subject, function, registry = load_workflow(journal, execution_id)
    found = make_replayer(journal).call_sites(subject, function, registry)
    known = known_calls(execution_id)
    sites = tuple(site for site in found if site.first not in known)
    if sites:
        journal.add_call_sites([CallSites(execution_id=execution_id, component_id=function.component.id, sites=sites)])
    return len(sites)
