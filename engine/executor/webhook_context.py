"""One request to a webhook endpoint as its host functions see it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from engine.deployment.limits import RunLimits
from engine.deployment.registry import DeployedFunction
from engine.deployment.spec import ComponentSpec
from engine.executor.activity_context import ActivityContext
from engine.executor.log_quota import LogQuota
from engine.executor.services import ExecutorServices
from engine.executor.webhook_execution import WebhookExecution


class WebhookContext(ActivityContext):
    """One request to a webhook endpoint; `engine.host.webhook_context.WebhookContext`.

    Args:
        services: The parts of the process that serves it.
        component: The endpoint.
        execution: What is recorded of it.
        params: What its route captured: environment variables besides those of the deployment.
        time_left: How long it may take.
        limits: What it may use up.
    """

    __slots__ = ("calls", "params")

    def __init__(
        self,
        services: ExecutorServices,
        component: ComponentSpec,
        execution: WebhookExecution,
        *,
        params: Mapping[str, str],
        time_left: timedelta,
        limits: RunLimits,
    ) -> None:
        super().__init__(
            services,
            component,
            execution.facts,
            execution.holder.run_id,
            time_left=time_left,
            limits=limits,
            is_first_run=True,
        )
        self._lines = LogQuota(limits.log_lines, execution.add_line)
        self._add_exchange = execution.add_exchange
        self.calls = execution
        self.params = params
        execution.expires_at(self._expires_at)

    @property
    def environment(self) -> Mapping[str, str]:
        """See `ActivityContext`."""
        return {**super().environment, **self.params}

    def find_function(self, ffqn: str) -> DeployedFunction | None:
        """Return a function of the deployment that the request came in under, or ``None``."""
        return self.calls.registry.find(ffqn)

    def interrupt(self) -> None:
        """See `ActivityContext`."""
        super().interrupt()
        self.calls.interrupt()
