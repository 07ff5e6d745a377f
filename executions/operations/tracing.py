"""Finding out where in its source a workflow made its calls, after the fact.

Runs of workflows written in Python say so as they go; what is missing, because it was lost, the log came from elsewhere
or it is costly to say, a replay brings. Compiled workflows need a replay for each call.

Source:
    Obelisk reference, section 5.9 ("Persist backtraces").
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.deployment.registry import DeployedFunction, Registry
from engine.deployment.spec import ComponentType, Runner
from engine.journal.protocol import Journal
from engine.log.backtraces import CallSite, CallSites
from engine.log.events import HISTORY_EVENTS
from engine.log.ids import ExecutionId, Version
from engine.replay.call_tracing import MOST_CALLS, trace_calls
from engine.replay.subject import Subject, load_subject
from executions.backtraces import Backtrace, Place, backtrace_ids, find_backtrace, known_calls
from executions.component_versions import make_replayer, make_tracer, version_of
from executions.journal.journal import SqlJournal
from executions.operations.replaying import load_workflow


def persist_backtraces(execution_id: ExecutionId, *, since: int = 0, journal: Journal | None = None) -> int:
    """Store the backtraces of a workflow's recorded calls that are not stored yet.

    Args:
        execution_id: Which one, finished or not.
        since: Leave out the calls that wrote their first event before this version.
        journal: Where it stands; the calling thread's database connection by default.

    Returns:
        How many were stored; of a compiled workflow at most `engine.replay.call_tracing.MOST_CALLS`, the last ones.

    Raises:
        NoWorkflow: If it is an activity.
        VersionMissing: If the component version that it was run by is stored nowhere.
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    journal = journal or SqlJournal.for_current_connection()
    subject, function, registry = load_workflow(journal, execution_id)
    known = backtrace_ids(execution_id, since, subject.state.next_version)
    missing = [version for version in _history(subject) if version >= since and version not in known]
    found = _find(journal, subject, function, registry, missing, most=MOST_CALLS)
    sites = [site for site in found if site.first >= since]
    _store(journal, subject, function, sites)
    return len(sites)


def find_or_trace(
    execution_id: ExecutionId, place: Place = "last", *, journal: Journal | None = None
) -> Backtrace | None:
    """Return the backtrace of a call as `find_backtrace`; if none is known, a replay finds it, and it is stored.

    Args:
        execution_id: Whose.
        place: Which call.
        journal: As for `persist_backtraces`.

    Returns:
        ``None`` if it is no workflow, or no call of one.

    Raises:
        VersionMissing: As `persist_backtraces`.
        ExecutionNotFound: As `persist_backtraces`.
        JournalUnavailable: As `persist_backtraces`.
    """
    journal = journal or SqlJournal.for_current_connection()
    if (known := find_backtrace(execution_id, place)) is not None:
        return known
    subject = load_subject(journal, execution_id)
    history = _history(subject)
    match place:
        case "first":
            wanted = history[:1]
        case "last":
            wanted = history
        case version:
            wanted = [each for each in history if each == version]
    if not wanted or subject.state.component_id.component_type is not ComponentType.WORKFLOW:
        return None
    function, registry = version_of(subject.state)
    _store(journal, subject, function, _find(journal, subject, function, registry, wanted, most=1))
    return find_backtrace(execution_id, place)


def _find(
    journal: Journal,
    subject: Subject,
    function: DeployedFunction,
    registry: Registry,
    wanted: Sequence[Version],
    *,
    most: int,
) -> Sequence[CallSite]:
    """Return unknown calls: all of them if the guest says where they are, else the last ones of the wanted events."""
    found = make_replayer(journal).call_sites(subject, function, registry)
    if found is not None:
        known = known_calls(subject.state.execution_id)
        return [site for site in found.sites if site.first not in known]
    if function.component.runner is not Runner.WASM:
        return ()
    return trace_calls(make_tracer(journal), subject, function, registry, wanted, most=most)


def _store(journal: Journal, subject: Subject, function: DeployedFunction, sites: Sequence[CallSite]) -> None:
    if sites:
        execution_id, component_id = subject.state.execution_id, function.component.id
        journal.add_call_sites([CallSites(execution_id=execution_id, component_id=component_id, sites=tuple(sites))])


def _history(subject: Subject) -> list[Version]:
    return [entry.version for entry in subject.entries if isinstance(entry.event, HISTORY_EVENTS)]
