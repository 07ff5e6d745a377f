"""Replaying executions: does the code follow the recorded history, and what would it do next?

Source:
    Obelisk reference, section 5.9.
"""

from __future__ import annotations

from engine.deployment.registry import DeployedFunction, Registry
from engine.deployment.spec import ComponentType
from engine.journal.protocol import Journal
from engine.log.ids import ExecutionId
from engine.log.state import ExecutionState
from engine.replay.outcomes import ReplayOutcome
from engine.replay.subject import Subject, load_subject
from executions.component_versions import make_replayer, version_of
from executions.journal.journal import SqlJournal
from executions.operations.refusals import OperationRefused


class NoWorkflow(OperationRefused):
    """The operation is for workflows only."""


def replay(execution_id: ExecutionId, *, journal: Journal | None = None) -> ReplayOutcome:
    """Run a workflow against its history; nothing is written.

    Args:
        execution_id: Which one, finished or not.
        journal: Where it stands; the calling thread's database connection by default.

    Raises:
        NoWorkflow: If it is an activity.
        VersionMissing: If the component version that it was run by is stored nowhere.
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    journal = journal or SqlJournal.for_current_connection()
    return make_replayer(journal).replay(*load_workflow(journal, execution_id), is_traced=True)


def load_workflow(journal: Journal, execution_id: ExecutionId) -> tuple[Subject, DeployedFunction, Registry]:
    """Return a workflow's execution with the version that it was run by, and what that may call; errors as `replay`."""
    subject = load_subject(journal, execution_id)
    check_is_workflow(subject.state)
    return (subject, *version_of(subject.state))


def check_is_workflow(state: ExecutionState) -> None:
    """Check that an execution can be replayed.

    Raises:
        NoWorkflow: If it cannot.
    """
    if state.component_id.component_type is not ComponentType.WORKFLOW:
        raise NoWorkflow(f"{state.execution_id} is a call of {state.ffqn}, which is no workflow")
