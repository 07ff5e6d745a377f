"""What a run of a workflow begins with: its log and responses, as they were when it was locked."""

from __future__ import annotations

from engine.deployment.registry import DeployedFunction
from engine.executor.services import ExecutorServices
from engine.journal.records import LockedExecution
from engine.log.events import ComponentUpgradeFinished
from engine.log.ids import DeploymentId
from engine.log.state import ExecutionState
from engine.workflow.port import RunPort
from engine.workflow.run import WorkflowRun


def load_run(
    services: ExecutorServices,
    locked: LockedExecution,
    function: DeployedFunction,
    deployment_id: DeploymentId,
    *,
    port: RunPort,
) -> WorkflowRun:
    """Return the run of a workflow that was just locked, at the beginning of its history.

    Args:
        services: The executor's parts.
        locked: The execution.
        function: What is to run.
        deployment_id: The deployment that it is part of.
        port: Drives the run.

    Raises:
        JournalError: If its log cannot be read.
    """
    state = locked.state
    journal = services.journal
    responses = journal.load_responses(state.execution_id) if state.response_count else ()
    if responses and responses[-1].at_version == state.next_version - 1:
        # It came last before the lock: it is what this run was woken by.
        services.metrics.cold_wake_ups.observe_length(services.clock.now() - responses[-1].created_at)
    return WorkflowRun(
        state=state,
        # A fresh execution has nothing but its creation and this lock.
        entries=() if locked.is_first_run else journal.load_log(state.execution_id),
        responses=responses,
        port=port,
        deployment_id=deployment_id,
        at_tip=_upgrade(state, function, deployment_id),
        metadata=locked.created.metadata,
    )


def _upgrade(
    state: ExecutionState, function: DeployedFunction, deployment_id: DeploymentId
) -> ComponentUpgradeFinished | None:
    """Return the event by which the execution goes over to the deployed version, unless it has that already."""
    digest = function.component.id.digest
    if state.component_id.digest == digest:
        return None
    return ComponentUpgradeFinished(component_digest=digest, deployment_id=deployment_id)
