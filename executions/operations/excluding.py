"""Leaving an execution on the code that it began with, when another deployment becomes active.

The version of its component that the other deployment has never runs it then, as if it had tried and could not follow
the history: with `locking_strategy = "by_ffqns"`, too, where that would end the execution. It goes on when its own
version is deployed again, or another one that it was not excluded from.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from components.models import Component, Deployment
from engine.deployment.registry import Registry
from engine.deployment.spec import ComponentType
from engine.journal.protocol import Journal
from engine.log.events import ComponentUpgradeFinished, ExecutionEvent, Unlocked
from engine.log.ids import DeploymentId, ExecutionId
from engine.log.state import ExecutionState, Lifecycle
from executions.journal.journal import SqlJournal
from executions.models import Execution
from executions.operations.appending import append_decided
from executions.operations.pausing import may_be_in_memory
from executions.operations.refusals import OperationRefused

COUNTED: Final = 10_000
_BY_HAND: Final = "left on the present code by hand"


def version_for(ffqn: str, registry: Registry) -> str:
    """Return the component version that a deployment has for a function.

    Raises:
        OperationRefused: If nothing in it exports the function.
    """
    function = registry.find(ffqn)
    if function is None:
        raise OperationRefused(f"no component of {registry.deployment.id} exports {ffqn}: nothing there would run it")
    return function.component.id.digest


def kept_from(deployment: Deployment) -> int:
    """Return how many unfinished executions a deployment does not run: left by people, or tried before and refused.

    Counted up to one more than `COUNTED`; what is looked at is all that has not finished.
    """
    versions = Component.objects.filter(deployment=deployment).values("digest")
    return Execution.objects.unfinished().filter(incompatible_digest__in=versions)[: COUNTED + 1].count()


def exclude(execution_id: ExecutionId, registry: Registry, *, journal: Journal | None = None) -> None:
    """Keep a workflow from being run by the version of its component that a deployment has, active or not.

    Args:
        execution_id: Which one.
        registry: Functions of that deployment.
        journal: Where to write; the calling thread's database connection by default.

    Raises:
        OperationRefused: If it is no workflow, has finished, is being cancelled, belongs to that version already, or
            was excluded from it before.
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """

    def decide(state: ExecutionState, now: datetime) -> tuple[ExecutionEvent, ...]:
        _check(state, "exclude")
        digest = version_for(state.ffqn, registry)
        if state.component_id.digest == digest:
            raise OperationRefused(f"cannot exclude {state.execution_id}: it belongs to that very version")
        if state.incompatible_digest == digest:
            raise OperationRefused(f"cannot exclude {state.execution_id}: that version does not run it anyway")
        left = ComponentUpgradeFinished(
            component_digest=digest, deployment_id=DeploymentId(registry.deployment.id), failure=_BY_HAND
        )
        return *_fence(state, now, _BY_HAND), left

    append_decided(journal or SqlJournal.for_current_connection(), execution_id, decide)


def include(execution_id: ExecutionId, *, journal: Journal | None = None) -> None:
    """Let a workflow be run by whatever version of its component is deployed, as if none had been kept from it.

    Args:
        execution_id: Which one.
        journal: Where to write; the calling thread's database connection by default.

    Raises:
        OperationRefused: If no version is kept from it, or it is no workflow, has finished or is being cancelled.
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    append_decided(journal or SqlJournal.for_current_connection(), execution_id, _including)


def _including(state: ExecutionState, now: datetime) -> tuple[ExecutionEvent, ...]:
    _check(state, "include")
    if state.incompatible_digest is None:
        raise OperationRefused(f"cannot include {state.execution_id}: no version is kept from running it")
    own = ComponentUpgradeFinished(
        component_digest=state.component_id.digest, deployment_id=state.deployment_id, automatic=False
    )
    return *_fence(state, now, "included again"), own


def _check(state: ExecutionState, what: str) -> None:
    if state.component_id.component_type is not ComponentType.WORKFLOW:
        raise OperationRefused(f"cannot {what} {state.execution_id}: it is no workflow, so it has no history to follow")
    if state.is_finished:
        raise OperationRefused(f"cannot {what} {state.execution_id}: it has finished")
    if state.lifecycle is Lifecycle.CANCELLING:
        raise OperationRefused(f"cannot {what} {state.execution_id}: it is being cancelled")


def _fence(state: ExecutionState, now: datetime, reason: str) -> tuple[ExecutionEvent, ...]:
    """Return what ends a run that is in memory: another one begins at once, and knows what is decided here."""
    if state.lifecycle is Lifecycle.ACTIVE and may_be_in_memory(state, now):
        return (Unlocked(backoff_expires_at=now, reason=reason),)
    return ()
