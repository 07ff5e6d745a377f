"""Moving an execution to another version of its component, by hand.

Source:
    Obelisk reference, section 5.10.
"""

from __future__ import annotations

from django.utils import timezone

from engine.deployment.spec import ComponentType
from engine.errors import AlreadyFinished, JournalError, VersionConflict
from engine.journal.protocol import Journal
from engine.journal.records import Append
from engine.log.events import ComponentUpgradeFinished, LogEntry
from engine.log.ids import DeploymentId, ExecutionId, Version
from engine.replay.outcomes import ReplayFailed
from engine.replay.subject import load_subject
from executions.component_versions import VersionMissing, deployed_version, make_replayer
from executions.journal.journal import SqlJournal
from executions.operations.refusals import OperationRefused

_MOST_TRIES = 5


class UpgradeFails(OperationRefused):
    """The other version cannot follow the recorded history; ``version`` is the event at which they part, if known."""

    def __init__(self, failure: ReplayFailed) -> None:
        super().__init__(f"Replay failed: {failure.error}")
        self.version = failure.version


def upgrade(
    execution_id: ExecutionId,
    old: str,
    new: str,
    *,
    skip_determinism_check: bool = False,
    journal: Journal | None = None,
) -> None:
    """Have an execution be run by another version of its component from now on.

    A workflow is first replayed on the other version, without effects. A run under way is fenced; the next one goes on
    with the other version.

    Args:
        execution_id: Which one.
        old: Digest of the version that it belongs to now.
        new: Digest of the deployed version.
        skip_determinism_check: Whether to do without the replay; a version that cannot follow the history then fails
            the execution when it is run.
        journal: Where it stands; the calling thread's database connection by default.

    Raises:
        VersionMissing: If the execution does not belong to ``old``, or ``new`` is not deployed.
        UpgradeFails: If the other version cannot follow the history; nothing was changed.
        OperationRefused: If it has finished, or does not stand still long enough to be checked.
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    journal = journal or SqlJournal.for_current_connection()
    for _ in range(_MOST_TRIES):
        subject = load_subject(journal, execution_id)
        state = subject.state
        if state.is_finished:
            raise OperationRefused(f"cannot upgrade {execution_id}: it has finished")
        if state.component_id.digest != old:
            raise VersionMissing(f"{execution_id} belongs to the version {state.component_id.digest}, not {old}")
        function, registry = deployed_version(state.ffqn, new)
        if state.component_id.component_type is ComponentType.WORKFLOW and not skip_determinism_check:
            outcome = make_replayer(journal).replay(subject, function, registry)
            if isinstance(outcome, ReplayFailed):
                raise UpgradeFails(outcome)
        now = timezone.now()
        event = ComponentUpgradeFinished(
            component_digest=new,
            deployment_id=DeploymentId(registry.deployment.id),
            automatic=False,
            forced=skip_determinism_check,
        )
        entries = (LogEntry(Version(state.next_version), now, event),)
        write = Append(execution_id=execution_id, expected=state.next_version, entries=entries)
        (committed,) = journal.commit([write], now=now).outcomes
        if isinstance(committed, VersionConflict | AlreadyFinished):
            # What was checked is not what is there any more: look again.
            continue
        if isinstance(committed, JournalError):
            raise committed
        return
    raise OperationRefused(f"cannot upgrade {execution_id}: it goes on all the time; pause it first")
