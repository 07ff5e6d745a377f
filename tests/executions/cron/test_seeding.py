from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from components.models import Component, Deployment
from components.submission import submit_deployment
from components.switching import switch_now
from engine.executor.cron_seeds import current_seed, make_seed, next_seed, retire_seed
from engine.journal.records import LockRequest
from engine.log.events import Created, ExecutionEvent, Locked, Paused, Unlocked, Unpaused
from engine.log.ids import DeploymentId, ExecutionId
from engine.log.state import Status
from executions.cron import seeding
from executions.cron.operating import list_crons, pause_cron, unpause_cron
from executions.cron.seeding import keep_seeds
from executions.deployed import NOTHING, deployed_registry
from executions.journal.journal import SqlJournal
from executions.models import Execution
from tests.builders import NOW, make_append, make_finished, make_holder, make_lockable, make_locked
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
