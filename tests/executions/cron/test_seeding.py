from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from components.models import Component, Deployment
from components.submission import submit_deployment
from components.switching import switch_now
from engine.deployment.spec import CronSpec
from engine.executor.cron_seeds import current_seed, first_seed, make_seed, next_seed, retire_seed
from engine.journal.records import LockRequest, Submit
from engine.log.events import Created, ExecutionEvent, Locked, Paused, Unlocked, Unpaused
from engine.log.ids import DeploymentId, ExecutionId
from engine.log.state import Status
from executions.cron import seeding
from executions.cron.operating import find_cron, list_crons, pause_cron, skip_tick, trigger, unpause_cron
from executions.cron.seeding import keep_seeds
from executions.deployed import NOTHING, deployed_registry
from executions.journal.journal import SqlJournal
from executions.models import Execution, OperationRecord
from executions.operations.recording import Operation, RecordingJournal
from executions.operations.refusals import OperationRefused
from tests.builders import NOW, make_append, make_execution_id, make_finished, make_holder, make_lockable, make_locked
from tests.engine.journal.commits import commit
from tests.executions.deployments import ADD, deploy_declared

pytestmark = pytest.mark.django_db

CRON = f'[[cron]]\nname = "hourly"\nffqn = "{ADD}"\nparams = "[1, []]"\nschedule = "@hourly"\n'


@pytest.fixture
def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


def seeds() -> dict[str, str]:
    """The state of every seed by its id."""
    return {row.execution_id: row.result_kind or row.status for row in Execution.objects.filter(component_type="cron")}


def test_seeds_are_made_once_and_end_with_their_entries(journal: SqlJournal, tmp_path: Path) -> None:
    deploy_declared(tmp_path, CRON)
    for _ in range(2):
        keep_seeds(journal, deployed_registry(), NOW)
    assert list(seeds().values()) == ["pending_at"]

    deploy_declared(tmp_path)
    keep_seeds(journal, deployed_registry(), NOW)

    assert list(seeds().values()) == ["cancelled"]


def test_a_seed_that_hands_over_while_it_is_ended_leaves_none_behind(
    journal: SqlJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy_declared(tmp_path, CRON)
    registry = deployed_registry()
    keep_seeds(journal, registry, NOW)
    [first] = seeds()
    [cron] = registry.deployment.crons

    def retire_late(journal: SqlJournal, execution_id: ExecutionId, now: datetime) -> None:
        if execution_id == first:
            deployment_id = DeploymentId(registry.deployment.id)
            successor = make_seed(cron, next_seed(execution_id), deployment_id, now=now, first_tick=now)
            commit(journal, make_append(execution_id, make_finished(), expected=1, created=[successor]))
        retire_seed(journal, execution_id, now)

    monkeypatch.setattr(seeding, "retire_seed", retire_late)
    deploy_declared(tmp_path)
    keep_seeds(journal, deployed_registry(), NOW)

    assert seeds() == {first: "ok", next_seed(ExecutionId(first)): "cancelled"}


def test_an_executor_that_runs_something_else_leaves_the_seeds_to_others(journal: SqlJournal, tmp_path: Path) -> None:
    deploy_declared(tmp_path)
    before = deployed_registry()
    deploy_declared(tmp_path, CRON)
    keep_seeds(journal, deployed_registry(), NOW)

    keep_seeds(journal, before, NOW)
    keep_seeds(journal, NOTHING, NOW)

    assert list(seeds().values()) == ["pending_at"]


def test_an_executor_that_cannot_read_the_deployment_changes_nothing(journal: SqlJournal, tmp_path: Path) -> None:
    deploy_declared(tmp_path, CRON)
    keep_seeds(journal, deployed_registry(), NOW)
    other = submit_deployment(Deployment.objects.get().toml + "# other\n", {}).deployment.deployment_id
    switch_now(other)
    Component.objects.filter(deployment=other).update(config={})

    keep_seeds(journal, NOTHING, NOW)

    assert list(seeds().values()) == ["pending_at"]


def test_a_schedule_is_paused_in_the_middle_of_a_tick(journal: SqlJournal, tmp_path: Path) -> None:
    deploy_declared(tmp_path, CRON)
    keep_seeds(journal, deployed_registry(), NOW)
    [cron] = list_crons()
    [spec] = deployed_registry().deployment.crons
    seed, _ = current_seed(journal, spec)
    lock = (make_lockable(component_id=spec.id, ffqns=(spec.ffqn,)), make_locked(make_holder(), component_id=spec.id))
    journal.commit([], now=NOW, lock=LockRequest(now=NOW, choices=(lock,), limit=1))
    assert journal.state_of(seed).status is Status.LOCKED

    pause_cron("hourly")
    unpause_cron("hourly")

    events: list[type[ExecutionEvent]] = [type(entry.event) for entry in journal.load_log(seed)]
    assert events == [Created, Locked, Unlocked, Paused, Unpaused]
    assert journal.state_of(seed).status is Status.PENDING_AT
    assert cron.seed == seed


@pytest.fixture
def hourly(journal: SqlJournal, tmp_path: Path) -> CronSpec:
    """A schedule whose first tick is an hour from now."""
    deploy_declared(tmp_path, CRON)
    [spec] = deployed_registry().deployment.crons
    now = timezone.now()
    seed = make_seed(
        spec,
        first_seed(spec.id.digest),
        DeploymentId(deployed_registry().deployment.id),
        now=now,
        first_tick=now + timedelta(hours=1),
    )
    commit(journal, Submit(seed))
    return spec


def test_the_next_tick_is_left_out_and_that_is_recorded(journal: SqlJournal, hourly: CronSpec) -> None:
    seed = first_seed(hourly.id.digest)
    tick = journal.state_of(seed).due_at

    skip_tick("hourly", tick=tick, journal=RecordingJournal(seed, Operation.SKIP_TICK, actor="user:ann", reason="idle"))

    following = hourly.schedule.next_after(tick)
    assert following is not None
    assert find_cron("hourly").next_at == following
    event = journal.load_log(seed)[-1].event
    assert event == Unlocked(
        backoff_expires_at=following, reason=f"cron: the tick at {tick:%Y-%m-%d %H:%M:%S} UTC is left out"
    )
    record = OperationRecord.objects.get()
    assert (record.execution_id, record.operation, record.reason) == (seed, "skip_tick", "idle")


def test_who_asks_twice_leaves_one_tick_out(journal: SqlJournal, hourly: CronSpec) -> None:
    tick = find_cron("hourly").next_at
    skip_tick("hourly", tick=tick)

    with pytest.raises(OperationRefused, match="the next one is at"):
        skip_tick("hourly", tick=tick)

    assert len(journal.load_log(first_seed(hourly.id.digest))) == 2


def test_a_tick_of_a_paused_schedule_is_not_left_out(hourly: CronSpec) -> None:
    pause_cron("hourly")

    with pytest.raises(OperationRefused, match="it is paused"):
        skip_tick("hourly")


def test_a_tick_that_is_due_is_not_left_out(journal: SqlJournal, tmp_path: Path) -> None:
    deploy_declared(tmp_path, CRON)
    keep_seeds(journal, deployed_registry(), NOW)

    with pytest.raises(OperationRefused, match="it is due by now"):
        skip_tick("hourly")


def test_starting_out_of_turn_is_recorded_and_safe_to_repeat(hourly: CronSpec) -> None:
    seed, wanted = first_seed(hourly.id.digest), make_execution_id(7)
    for expected in (True, False):
        journal = RecordingJournal(seed, Operation.TRIGGER, actor="user:ann")
        assert trigger("hourly", execution_id=wanted, journal=journal).is_new is expected

    record = OperationRecord.objects.get()
    assert (record.execution_id, record.operation, record.detail) == (seed, "trigger", wanted)
