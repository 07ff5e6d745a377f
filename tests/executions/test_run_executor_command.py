from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from components.models import Component, Deployment, DeploymentStatus
from engine.deployment.spec import ComponentType, Runner
from executions.management.commands import run_executor
from executions.management.commands.run_executor import Command

pytestmark = pytest.mark.django_db(transaction=True)


def make_deployment(status: DeploymentStatus) -> Deployment:
    return Deployment.objects.create(deployment_id="Dep_1", status=status, toml="", digest="sha256:1")


class Cluster:
    """Stands in for django-q2's, which the acceptance tests start."""

    def __init__(self, *, exitcode: int = 0, problem: str = "") -> None:
        self.sentinel = SimpleNamespace(join=lambda: None, exitcode=exitcode)
        self.had_connection: bool | None = None
        self._problem = problem

    def start(self) -> None:
        self.had_connection = connection.connection is not None
        if self._problem:
            raise RuntimeError(self._problem)


def run(monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    monkeypatch.setattr(run_executor, "Cluster", lambda: cluster)
    call_command(Command(), skip_checks=True)


def test_the_cluster_is_run_until_it_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster()

    run(monkeypatch, cluster)

    assert cluster.had_connection is not None


def test_no_connection_is_carried_into_the_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.ensure_connection()
    cluster = Cluster()

    run(monkeypatch, cluster)

    assert cluster.had_connection is False


def test_a_cluster_that_does_not_start_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match=r"^the cluster did not start, its log says why: no broker$"):
        run(monkeypatch, Cluster(problem="no broker"))


def test_a_guard_that_ends_by_itself_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match=r"^the cluster's guard ended by itself with status -9$"):
        run(monkeypatch, Cluster(exitcode=-9))


def test_a_database_that_is_not_set_up_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'executions'")
    try:
        with pytest.raises(CommandError, match=r"^the database lacks [0-9]+ migrations; run `manage.py migrate`"):
            run(monkeypatch, cluster)
    finally:
        call_command("migrate", "executions", fake=True, verbosity=0)

    assert cluster.had_connection is None


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        call_command("run_executor", "--help")

    assert caught.value.code == 0
    assert "any number of hosts may share the database" in " ".join(capsys.readouterr().out.split())


def test_the_enqueued_deployment_is_activated_first(monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = make_deployment(DeploymentStatus.ENQUEUED)

    run(monkeypatch, Cluster())

    assert Deployment.objects.active().get() == deployment


def test_an_enqueued_deployment_that_cannot_be_run_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = make_deployment(DeploymentStatus.ENQUEUED)
    Component.objects.create(
        deployment=deployment,
        position=0,
        name="old",
        component_type=ComponentType.ACTIVITY,
        digest="sha256:1",
        runner=Runner.NONE,
        config={},
        imports={},
        exports={},
    )

    with pytest.raises(CommandError, match=r"^the enqueued deployment cannot be activated: a stored configuration"):
        run(monkeypatch, Cluster())

    assert not Deployment.objects.active().exists()
