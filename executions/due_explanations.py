"""Why an execution that is due is not run."""

from __future__ import annotations

from datetime import datetime

from engine.deployment.registry import Registry
from engine.deployment.spec import ComponentSpec, ComponentType, LockingStrategy, Runner
from engine.errors import DeploymentError
from executions.deployed import deployed_registry
from executions.due_details import (
    NOBODY_CARRIES_IT_OUT,
    NOT_RUN_BY_DEPLOYED,
    behind_others,
    cannot_go_on,
    named,
    running_of,
    waits_for_answer,
)
from executions.liveness import CONSIDERED_DEAD_AFTER
from executions.models import Execution, ExecutorHeartbeat

NOBODY_ALIVE = "no executor is alive; start one with `manage.py run_executor`"


def why_due_is_not_run(row: Execution, now: datetime, *, closely: bool = False, with_values: bool = True) -> str:
    """Return why nobody has locked an execution that is due: a sentence without its subject and its full stop.

    Args:
        row: The execution.
        now: The present instant.
        closely: Whether to tell what is true of this execution alone, too: its place in the queue, who holds the places
            that it waits for, who is to answer it, where its history and code part. Without, all calls of a function
            have the same answer.
        with_values: Whether that may quote what its log holds.
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
        return waits_for_answer(row) if closely else NOBODY_CARRIES_IT_OUT
    component = function.component
    if row.incompatible_digest == component.id.digest:
        return cannot_go_on(row, with_values=with_values) if closely else NOT_RUN_BY_DEPLOYED
    strategy = component.exec.locking_strategy
    if strategy is LockingStrategy.BY_COMPONENT_DIGEST and row.component_digest != component.id.digest:
        return f"is due, but only the component version {row.component_digest} may run it, which is not deployed"
    alive = list(ExecutorHeartbeat.objects.seen_since(now - CONSIDERED_DEAD_AFTER))
    if not alive:
        return f"is due, but {NOBODY_ALIVE}"
    # One that has said nothing of a deployment yet has just begun.
    if all(each.deployment_id not in (None, registry.deployment.id) for each in alive):
        return f"is due, but no executor has taken up the deployment {registry.deployment.id} yet"
    if limited := _limited(component, now, executors=len(alive), closely=closely):
        return limited + (behind_others(row, registry, of=component) if closely else "")
    if all(each.running >= each.slots for each in alive):
        return "is due and waits for a free executor slot" + (behind_others(row, registry) if closely else "")
    return "is due and will be run in a moment"


def _why_tick_waits(row: Execution, registry: Registry, now: datetime) -> str:
    if all(cron.id.digest != row.component_digest for cron in registry.deployment.crons):
        return "is due, but its schedule is not deployed any more; an executor will end it"
    if not ExecutorHeartbeat.objects.seen_since(now - CONSIDERED_DEAD_AFTER).exists():
        return f"is due, but {NOBODY_ALIVE}"
    return "is due and will be run in a moment"


def _limited(component: ComponentSpec, now: datetime, *, executors: int, closely: bool) -> str | None:
    limit = component.exec.instance_limit
    if limit is None:
        return None
    running = running_of(component, now)
    if len(running) < limit * executors:
        return None
    which = f" ({named(running)})" if closely else ""
    return (
        f"is due and waits for one of the {len(running)} runs of {component.id.name}{which} to end: "
        f"at most {limit} go on in an executor (exec.instance_limiter)"
    )
