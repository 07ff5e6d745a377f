"""What a simulation deploys: two activities, a workflow, a stub and perhaps a schedule; a seed draws their policies."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from engine.cron.schedule import CronSchedule
from engine.cron.ticks import MissedTicks, Overlap
from engine.deployment.registry import Registry
from engine.deployment.spec import (
    BlockingStrategy,
    ComponentId,
    ComponentSpec,
    ComponentType,
    CronSpec,
    DeploymentSpec,
    ExecPolicy,
    FunctionSpec,
    RetryPolicy,
    Runner,
    WorkflowPolicy,
)
from engine.log.ids import make_deployment_id
from engine.simulation.seeded.guests import params_of
from engine.simulation.seeded.scripts import GATE, RUN, RUN_CANCELLABLE, TOUCH, WORK
from engine.wit.grammar import parse_type
from engine.wit.names import FunctionName
from engine.wit.types import FunctionType, Param

_TYPE = FunctionType((Param("script", parse_type("string")),), parse_type("result<string, string>"))
_NAMES = {ffqn: FunctionName.parse(ffqn) for ffqn in (WORK, TOUCH, RUN, RUN_CANCELLABLE, GATE)}
_DEPLOYMENT_ID, _LATER_ID = (make_deployment_id(datetime(2026, 1, day, tzinfo=UTC), bytes(10)) for day in (1, 2))
_SCHEDULE = CronSchedule.parse("* * * * * *")
PERIOD = timedelta(seconds=1)
"""How often the schedule is due."""
_SCHEDULED = 0.3
"""How many seeds have one."""


def make_deployment(chance: random.Random) -> Registry:
    """Return the functions of a deployment.

    Args:
        chance: Decides how they are run and retried.
    """
    milliseconds = [timedelta(milliseconds=number) for number in (0, 10, 100, 1000)]
    workflow = WorkflowPolicy(
        blocking_strategy=chance.choice(tuple(BlockingStrategy)),
        lock_extension=chance.random() < 0.9,
        commit_window=chance.choice((None, None, timedelta())),
    )
    return Registry(
        DeploymentSpec(
            id=_DEPLOYMENT_ID,
            components=(
                _component(
                    "pure",
                    ComponentType.ACTIVITY,
                    [WORK],
                    retry=RetryPolicy(max_retries=chance.choice((0, 1, 3)), backoff=chance.choice(milliseconds)),
                    policy=_policy(chance),
                    may_touch_world=False,
                ),
                _component(
                    "world",
                    ComponentType.ACTIVITY,
                    [TOUCH],
                    retry=RetryPolicy(max_retries=chance.choice((0, 1, 3)), backoff=chance.choice(milliseconds)),
                    policy=_policy(chance),
                ),
                _component(
                    "flow",
                    ComponentType.WORKFLOW,
                    [RUN, RUN_CANCELLABLE],
                    retry=RetryPolicy(max_retries=None, backoff=chance.choice(milliseconds)),
                    policy=_policy(chance),
                    workflow=workflow,
                ),
                _component(
                    "gate",
                    ComponentType.ACTIVITY_STUB,
                    [GATE],
                    retry=RetryPolicy(max_retries=0, backoff=timedelta()),
                    policy=ExecPolicy(),
                    runner=Runner.NONE,
                ),
            ),
            crons=(_schedule(chance),) if chance.random() < _SCHEDULED else (),
        )
    )


def without_schedules(registry: Registry) -> Registry:
    """Return the deployment that follows this one: the same components, and nothing that starts by itself."""
    return Registry(DeploymentSpec(id=_LATER_ID, components=registry.deployment.components))


def _schedule(chance: random.Random) -> CronSpec:
    return CronSpec(
        id=ComponentId(component_type=ComponentType.CRON, name="every-second", digest=f"sha256:{'c' * 64}"),
        target=_NAMES[chance.choice((WORK, TOUCH))],
        params=params_of({"tag": "tick", "fail": 0, "trap": 0}),
        schedule=_SCHEDULE,
        missed=chance.choice(tuple(MissedTicks)),
        overlap=chance.choice(tuple(Overlap)),
    )


def _policy(chance: random.Random) -> ExecPolicy:
    return ExecPolicy(
        lock_expiry=timedelta(milliseconds=chance.choice((300, 1000, 1000))),
        instance_limit=chance.choice((None, None, 1, 2)),
    )


def _component(
    name: str,
    component_type: ComponentType,
    functions: list[str],
    *,
    retry: RetryPolicy,
    policy: ExecPolicy,
    workflow: WorkflowPolicy | None = None,
    may_touch_world: bool = True,
    runner: Runner = Runner.WASM,
) -> ComponentSpec:
    return ComponentSpec(
        id=ComponentId(component_type=component_type, name=name, digest=f"sha256:{name.encode().hex():0>64}"),
        runner=runner,
        functions=tuple(FunctionSpec(name=_NAMES[ffqn], type=_TYPE) for ffqn in functions),
        retry=retry,
        exec=policy,
        workflow=workflow,
        may_touch_world=may_touch_world,
    )
