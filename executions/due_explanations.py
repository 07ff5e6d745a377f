"""Why an execution that is due is not run."""

from __future__ import annotations

from datetime import datetime

from engine.deployment.registry import DeployedFunction, Registry
from engine.deployment.spec import ComponentType, LockingStrategy, Runner
from engine.errors import DeploymentError
from engine.log.state import Status
from executions.deployed import deployed_registry
from executions.liveness import CONSIDERED_DEAD_AFTER
from executions.models import Execution, ExecutorHeartbeat

NOBODY_ALIVE = "no executor is alive; start one with `manage.py run_executor`"


def why_due_is_not_run(row: Execution, now: datetime) -> str:
    """Return why nobody has locked an execution that is due: a sentence without its subject and its full stop.

    Args:
        row: The execution.
        now: The present instant.
    """
    try:
        registry = deployed_registry()
    except DeploymentError as error:
        return f"is due; what is deployed cannot be told here: {str(error).rstrip('.')}"
    if row.component_type == ComponentType.CRON.value:
        return _why_tick_waits(row, registry, now)
    function = registry.find(row.ffqn)
    if function is None:
        return f"is due, but no deployed component exports {row.ffqn}; deploy one that does"
    if function.component.runner is Runner.NONE:
        return "waits for its result to be supplied: nobody here carries it out"
    component = function.component
    if row.incompatible_digest == component.id.digest:
        return "is due, but its history cannot be replayed by the deployed component version"
    strategy = component.exec.locking_strategy
    if strategy is LockingStrategy.BY_COMPONENT_DIGEST and row.component_digest != component.id.digest:
        return f"is due, but only the component version {row.component_digest} may run it, which is not deployed"
    alive = list(ExecutorHeartbeat.objects.seen_since(now - CONSIDERED_DEAD_AFTER))
    if not alive:
        return f"is due, but {NOBODY_ALIVE}"
    # One that has said nothing of a deployment yet has just begun.
    if all(each.deployment_id not in (None, registry.deployment.id) for each in alive):
        return f"is due, but no executor has taken up the deployment {registry.deployment.id} yet"
    if limited := _limited(function, now, executors=len(alive)):
        return limited
    if all(each.running >= each.slots for each in alive):
        return "is due and waits for a free executor slot"
    return "is due and will be run in a moment"


def _why_tick_waits(row: Execution, registry: Registry, now: datetime) -> str:
    if all(cron.id.digest != row.component_digest for cron in registry.deployment.crons):
        return "is due, but its schedule is not deployed any more; an executor will end it"
    if not ExecutorHeartbeat.objects.seen_since(now - CONSIDERED_DEAD_AFTER).exists():
        return f"is due, but {NOBODY_ALIVE}"
    return "is due and will be run in a moment"


def _limited(function: DeployedFunction, now: datetime, *, executors: int) -> str | None:
    component = function.component
    limit = component.exec.instance_limit
    if limit is None:
        return None
    running = Execution.objects.filter(
        component_name=component.id.name, status=Status.LOCKED.value, due_at__gt=now
    ).count()
    if running < limit * executors:
        return None
    return (
        f"is due and waits for one of the {running} runs of {component.id.name} to end: "
        f"at most {limit} go on in an executor (exec.instance_limiter)"
    )
