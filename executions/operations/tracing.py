"""Finding out where in its source a workflow made its calls, after the fact.

Runs of workflows written in Python say so as they go; what is missing, because it was lost, the log came from elsewhere
or the language makes it costly, a replay brings.

Source:
    Obelisk reference, section 5.9 ("Persist backtraces").
"""

from __future__ import annotations

from msgspec.structs import replace

from engine.journal.protocol import Journal
from engine.log.ids import ExecutionId
from executions.backtraces import known_calls
from executions.component_versions import make_replayer
from executions.journal.journal import SqlJournal
from executions.operations.replaying import load_workflow


def persist_backtraces(execution_id: ExecutionId, *, since: int = 0, journal: Journal | None = None) -> int:
    """Store the backtraces of a workflow's recorded calls that are not stored yet.

    Args:
        execution_id: Which one, finished or not.
        since: Leave out the calls that wrote their first event before this version.
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
    if found is None:
        return 0
    known = known_calls(execution_id)
    sites = tuple(site for site in found.sites if site.first >= since and site.first not in known)
    if sites:
        journal.add_call_sites([replace(found, sites=sites)])
    return len(sites)
