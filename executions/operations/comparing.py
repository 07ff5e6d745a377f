"""Where a workflow and its history part: what was recorded, and what the code asks for instead."""

from __future__ import annotations

from dataclasses import dataclass

from components.assumed_environ import AssumedEnviron
from components.models import Deployment
from components.operator import visible_environ
from components.services import load_deployment
from engine.deployment.registry import DeployedFunction, Registry
from engine.journal.protocol import Journal
from engine.log.ids import DeploymentId, ExecutionId
from engine.log.state import ExecutionState
from engine.replay.outcomes import Parting, ReplayFailed
from engine.replay.subject import load_subject
from executions.component_versions import VersionMissing, make_replayer, version_of
from executions.journal.journal import SqlJournal
from executions.operations.replaying import check_is_workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What became of a replay on some version of a workflow's component.

    Args:
        component: That version, as ``type:name:digest``.
        deployment_id: The deployment that it was taken from.
        outcome: Where they part, or why that cannot be told; ``None`` if the workflow follows its history.
    """

    component: str
    deployment_id: DeploymentId
    outcome: Parting | ReplayFailed | None


def compare(
    execution_id: ExecutionId, deployment_id: DeploymentId | None = None, *, journal: Journal | None = None
) -> Comparison:
    """Replay a workflow against its history, and tell where they part; nothing is written.

    Args:
        execution_id: Which one, finished or not.
        deployment_id: Whose version of its component to run; by default the version that it was run by last.
        journal: Where it stands; the calling thread's database connection by default.

    Raises:
        NoWorkflow: If it is an activity.
        VersionMissing: If the version, or the deployment, is stored nowhere.
        DeploymentError: If the deployment was stored by a version that this one cannot read.
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    journal = journal or SqlJournal.for_current_connection()
    subject = load_subject(journal, execution_id)
    check_is_workflow(subject.state)
    function, registry = (
        version_of(subject.state) if deployment_id is None else _version_in(deployment_id, subject.state)
    )
    return Comparison(
        component=str(function.component.id),
        deployment_id=DeploymentId(registry.deployment.id),
        outcome=make_replayer(journal).find_parting(subject, function, registry),
    )


def _version_in(deployment_id: DeploymentId, state: ExecutionState) -> tuple[DeployedFunction, Registry]:
    row = Deployment.objects.filter(deployment_id=deployment_id).first()
    if row is None:
        raise VersionMissing(f"there is no deployment {deployment_id}")
    # Variables that are not set here do not matter: nothing leaves a replay.
    registry = Registry(load_deployment(row, environ=AssumedEnviron(visible_environ())))
    function = registry.find(state.ffqn)
    if function is None:
        raise VersionMissing(f"no component of {deployment_id} exports {state.ffqn}")
    return function, registry
