"""What a simulation deploys: two activities, a workflow and a stub, with policies that its seed draws."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from engine.deployment.registry import Registry
from engine.deployment.spec import (
    BlockingStrategy,
    ComponentId,
    ComponentSpec,
    ComponentType,
    DeploymentSpec,
    ExecPolicy,
    FunctionSpec,
    RetryPolicy,
    Runner,
    WorkflowPolicy,
)
from engine.log.ids import make_deployment_id
from engine.simulation.seeded.scripts import GATE, RUN, RUN_CANCELLABLE, TOUCH, WORK
from engine.wit.grammar import parse_type
from engine.wit.names import FunctionName
from engine.wit.types import FunctionType, Param

_TYPE = FunctionType((Param("script", parse_type("string")),), parse_type("result<string, string>"))
_NAMES = {ffqn: FunctionName.parse(ffqn) for ffqn in (WORK, TOUCH, RUN, RUN_CANCELLABLE, GATE)}
_DEPLOYMENT_ID = make_deployment_id(datetime(2026, 1, 1, tzinfo=UTC), bytes(10))


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
        )
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
