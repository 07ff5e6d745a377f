"""How a workflow's run ends: with the execution's result, or so that another run goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from engine.activity.outcome import Broken, TimedOut, event_after
from engine.deployment.registry import DeployedFunction
from engine.errors import NondeterminismDetected
from engine.executor.ends import responses_of
from engine.executor.guest_call import nondeterminism
from engine.executor.services import ExecutorServices
from engine.executor.write_path import WritePath
from engine.host.context import GuestNote
from engine.log.events import ComponentUpgradeFinished, ExecutionEvent, Finished, Unlocked
from engine.log.ids import DeploymentId
from engine.log.return_values import Failed, FailureKind, Returned, ReturnValue
from engine.log.state import ExecutionState
from engine.workflow.join_sets import MemberId
from engine.workflow.run import WorkflowRun

log = structlog.get_logger(__name__)


class RunEnd:
    """Writes what follows from the guest's end. All methods are called with the run's mutex held.

    Args:
        run: What the guest did.
        writes: The run's way to the journal.
        services: The executor's parts.
        state: The execution as it was locked for this run.
        function: What ran.
        deployment_id: The deployment that it is part of.
        cancel: Asks that members of the run's join sets be cancelled.
    """

    def __init__(
        self,
        run: WorkflowRun,
        writes: WritePath,
        services: ExecutorServices,
        state: ExecutionState,
        function: DeployedFunction,
        deployment_id: DeploymentId,
        *,
        cancel: Callable[[Sequence[MemberId]], None],
    ) -> None:
        self._run = run
        self._writes = writes
        self._services = services
        self._parent = state.parent
        self._failures = state.temporary_failures
        self._component = function.component
        self._deployment_id = deployment_id
        self._cancel = cancel

    def settle(self, outcome: ReturnValue | Broken | TimedOut, note: GuestNote | None) -> None:
        """Close what the guest left open, and write how the execution ends or goes on.

        Args:
            outcome: How the guest's function ended.
            note: What an interpreted guest said beside its result.

        Raises:
            RunInterrupted: If the run loses its lock meanwhile, or has to wait for what it closes.
        """
        if isinstance(outcome, TimedOut):
            self._writes.end_with(self._event_after_timeout(outcome))
            return
        if isinstance(outcome, Broken):
            outcome = Failed(kind=outcome.kind, reason=outcome.reason, detail=outcome.detail)
        retval = self._checked(outcome)
        if self._run.is_upgrading and isinstance(retval, Failed):
            self._refuse_upgrade(retval)
        else:
            self._finish(retval, note)

    def _event_after_timeout(self, outcome: TimedOut) -> ExecutionEvent:
        now = self._services.clock.now()
        if self._writes.has_progressed:
            # It may merely be long; only one that gets nowhere is made to wait.
            return Unlocked(backoff_expires_at=now, reason="made progress")
        backoff = self._component.retry.backoff
        return event_after(outcome, failures=self._failures, max_retries=None, backoff=backoff, now=now)

    def _checked(self, outcome: ReturnValue) -> ReturnValue:
        """Return the outcome, unless the run turns out not to have followed its history."""
        run = self._run
        if not isinstance(outcome, Failed) or not (
            run.is_upgrading or outcome.kind is FailureKind.NONDETERMINISM_DETECTED
        ):
            try:
                run.close_all()
                run.check_history_is_used_up()
                return outcome
            except NondeterminismDetected as error:
                outcome = nondeterminism(error)
        if not run.is_upgrading:
            # It cannot close its join sets; what it leaves behind is nobody's.
            self._cancel(run.abandoned_members())
        return outcome

    def _refuse_upgrade(self, failure: Failed) -> None:
        """Leave the execution for a version of the component that can follow its history."""
        now = self._services.clock.now()
        digest = self._component.id.digest
        log.warning(
            "workflow.upgrade_refused", execution_id=self._run.execution_id, digest=digest, detail=failure.detail
        )
        reason = failure.detail or failure.reason or failure.kind.value
        buffer = self._run.buffer
        buffer.append(
            ComponentUpgradeFinished(component_digest=digest, deployment_id=self._deployment_id, failure=reason), now
        )
        buffer.append(Unlocked(backoff_expires_at=now, reason="auto-upgrade failed"), now)
        self._writes.flush()

    def _finish(self, retval: ReturnValue, note: GuestNote | None) -> None:
        now = self._services.clock.now()
        run = self._run
        run.reach_tip(now)
        # A run that failed after its guest returned has its reason elsewhere.
        detail = note.trace if note is not None and isinstance(retval, Returned) else None
        run.buffer.append(Finished(retval=retval, detail=detail), now)
        self._writes.post_end(responses_of(self._parent, run.execution_id, run.buffer.entries[-1]))
