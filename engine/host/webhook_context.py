"""What a webhook endpoint's host functions need from the request that calls them; the executor implements it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from engine.host.context import ActivityContext, Deployed
from engine.host.wasi.state import WasiContext
from engine.log.events import ChildFinished
from engine.log.ids import ExecutionId
from engine.log.return_values import JsonText, ReturnValue
from engine.log.schedules import ScheduleAt
from engine.log.state import ExecutionState
from engine.workflow.target import Target


class WebhookCalls(Protocol):
    """A request's dealings with executions. Whatever waits raises a ``Trap`` when the request is given up.

    Args:
        execution_id: The request's own execution, whether it exists yet or not.
        last_call: The child of the last call.
    """

    last_call: ExecutionId | None

    @property
    def execution_id(self) -> ExecutionId:
        """The request's own execution, whether it exists yet or not."""
        ...

    @property
    def keeps_call_sites(self) -> bool:
        """Whether it is remembered where in the source calls are made."""
        ...

    def call(self, target: Target, *, stack: JsonText | None = None) -> ChildFinished:
        """Run a function as a child and wait for its end; ``stack`` is where in the source it is called."""
        ...

    def schedule(
        self, execution_id: ExecutionId, schedule: ScheduleAt, target: Target, *, stack: JsonText | None = None
    ) -> None:
        """Start a top-level execution without waiting for it; ``stack`` is where in the source that is done.

        Raises:
            ConstraintViolation: If an execution of this id exists.
        """
        ...

    def signal(self, execution_id: ExecutionId, name: str, payload: object, *, signal_id: str | None) -> bool:
        """Send a signal to a workflow; the request's execution is made before.

        Args:
            execution_id: The workflow.
            name: Full name of the stub function, or only what comes behind the last dot.
            payload: JSON data: what the call returns; ``None`` where it returns nothing.
            signal_id: The sender's name for it; one counts once.

        Returns:
            Whether it counts; ``False`` if this ``signal_id`` had come before.

        Raises:
            SignalRefused: If it cannot be sent.
            ExecutionNotFound: If there is no such execution.
        """
        ...

    def new_id(self) -> ExecutionId:
        """Return a fresh top-level id."""
        ...

    def state_of(self, execution_id: ExecutionId) -> ExecutionState | None:
        """Return the state of any execution; ``None`` if there is none."""
        ...

    def result_of(self, state: ExecutionState) -> ReturnValue:
        """Return how a finished execution ended."""
        ...

    def wait_for(self, execution_id: ExecutionId) -> ExecutionState | None:
        """Wait until any execution has finished; ``None`` if there is none."""
        ...


class WebhookContext(ActivityContext, WasiContext, Deployed, Protocol):
    """A request to a webhook endpoint.

    Args:
        calls: Its dealings with executions.
    """

    @property
    def calls(self) -> WebhookCalls:
        """Its dealings with executions."""
        ...

    @property
    def params(self) -> Mapping[str, str]:
        """What its route captured."""
        ...
