"""Executions whose component was deployed anew meanwhile, under each locking strategy."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from engine.deployment.registry import Registry
from engine.deployment.spec import ComponentSpec, LockingStrategy
from engine.log.events import ComponentUpgradeFinished, JoinSetCreated, Locked, Unlocked
from engine.log.ids import DeploymentId, ExecutionId, ExecutorId, JoinSetId, RunId
from engine.log.return_values import FailureKind
from engine.log.state import Status
from tests.harness import steps as s
from tests.harness.components import deploy, probe, stepper
from tests.harness.simulation import Simulation

OTHER_VERSION = f"sha256:{'b' * 64}"


def _locked(component: ComponentSpec, strategy: LockingStrategy) -> ComponentSpec:
    return replace(component, exec=replace(component.exec, locking_strategy=strategy))


def _registry(*, digest: str | None = None, strategy: LockingStrategy = LockingStrategy.AUTO) -> Registry:
    return deploy(probe(), _locked(stepper(digest=digest), strategy))


def _redeploy(world: Simulation, *, digest: str, strategy: LockingStrategy = LockingStrategy.AUTO) -> None:
    world.executors.clear()
    world.registry = _registry(digest=digest, strategy=strategy)
    world.start_executor()


def _upgrades(world: Simulation, target: ExecutionId) -> list[ComponentUpgradeFinished]:
    return [event for event in world.events_of(target) if isinstance(event, ComponentUpgradeFinished)]


def test_a_version_that_can_replay_the_history_takes_the_execution_over() -> None:
    world = Simulation(registry=_registry())
    world.start_executor()
    target = world.submit_steps(s.random_u64(0, 10), s.sleep(s.after_ms(60_000)), s.random_u64(0, 10))
    world.run_to_rest()

    _redeploy(world, digest=OTHER_VERSION)
    world.run(target)

    (upgrade,) = _upgrades(world, target)
    assert upgrade.failure is None
    assert world.state_of(target).component_id.digest == OTHER_VERSION
    assert world.state_of(target).result_kind == "ok"


def test_an_execution_that_has_not_begun_is_run_by_the_new_version() -> None:
    world = Simulation(registry=_registry())
    target = world.submit_steps(s.random_u64(0, 10))

    _redeploy(world, digest=OTHER_VERSION)
    world.run(target)

    assert world.state_of(target).component_id.digest == OTHER_VERSION


def test_a_version_that_cannot_replay_the_history_leaves_the_execution_alone() -> None:
    world = Simulation(registry=_registry())
    target = world.submit_steps(s.random_u64(0, 10))
    component = world.state_of(target).component_id
    now = world.clock.now()
    world.append(
        target,
        Locked(
            component_id=component,
            executor_id=ExecutorId("Exr_1"),
            deployment_id=DeploymentId("Dep_1"),
            run_id=RunId("Run_1"),
            lock_expires_at=now + timedelta(seconds=1),
            max_retries=None,
            retry_backoff=timedelta(milliseconds=100),
        ),
        JoinSetCreated(join_set_id=JoinSetId("n:of-the-old-version")),
        Unlocked(backoff_expires_at=now, reason="test"),
    )

    _redeploy(world, digest=OTHER_VERSION)
    world.run_to_rest()

    (upgrade,) = _upgrades(world, target)
    assert upgrade.failure is not None
    assert "of-the-old-version" in upgrade.failure
    state = world.state_of(target)
    assert (state.status, state.incompatible_digest) == (Status.PENDING_AT, OTHER_VERSION)
    assert state.component_id == component


def test_the_version_that_wrote_the_history_goes_on_when_it_comes_back() -> None:
    world = Simulation(registry=_registry())
    world.start_executor()
    target = world.submit_steps(s.sleep(s.after_ms(60_000)), s.random_u64(0, 10))
    world.run_to_rest()
    version = world.state_of(target).component_id.digest

    _redeploy(world, digest=OTHER_VERSION)
    world.run_to_rest()
    _redeploy(world, digest=version)
    world.run(target)

    assert world.state_of(target).result_kind == "ok"
    assert world.state_of(target).component_id.digest == version


# --- The other strategies ---------------------------------------------------------------------------------------------


def test_by_component_digest_only_the_very_version_goes_on() -> None:
    strategy = LockingStrategy.BY_COMPONENT_DIGEST
    world = Simulation(registry=_registry(strategy=strategy))
    world.start_executor()
    target = world.submit_steps(s.sleep(s.after_ms(60_000)), s.random_u64(0, 10))
    world.run_to_rest()
    version = world.state_of(target).component_id.digest

    _redeploy(world, digest=OTHER_VERSION, strategy=strategy)
    world.advance(timedelta(minutes=2))
    world.run_to_rest()
    assert world.state_of(target).status is Status.PENDING_AT

    _redeploy(world, digest=version, strategy=strategy)
    world.run(target)
    assert world.state_of(target).component_id.digest == version
    assert not _upgrades(world, target)


def test_by_ffqns_any_version_goes_on_without_a_check() -> None:
    strategy = LockingStrategy.BY_FFQNS
    world = Simulation(registry=_registry(strategy=strategy))
    world.start_executor()
    target = world.submit_steps(s.sleep(s.after_ms(60_000)), s.random_u64(0, 10))
    world.run_to_rest()

    _redeploy(world, digest=OTHER_VERSION, strategy=strategy)
    world.run(target)

    assert world.state_of(target).component_id.digest == OTHER_VERSION
    assert world.state_of(target).result_kind == "ok"
    assert not _upgrades(world, target)


def test_by_ffqns_a_version_that_does_not_follow_the_history_fails_the_execution() -> None:
    strategy = LockingStrategy.BY_FFQNS
    world = Simulation(registry=_registry(strategy=strategy))
    target = world.submit_steps(s.random_u64(0, 10))
    world.append(target, JoinSetCreated(join_set_id=JoinSetId("n:of-the-old-version")))

    _redeploy(world, digest=OTHER_VERSION, strategy=strategy)
    world.run(target)

    assert world.state_of(target).result_kind == FailureKind.NONDETERMINISM_DETECTED
