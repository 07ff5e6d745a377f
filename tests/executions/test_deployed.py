from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import DjangoAssertNumQueries

from components.models import Deployment, DeploymentStatus
from engine.errors import DeploymentError
from executions.deployed import NOTHING, deployed_registry
from tests.executions.deployments import ADD, PING, declared, deploy_declared, deploy_runnable

pytestmark = pytest.mark.django_db

_ENV_VARS = 'env_vars = ["OBELISK_TESTS_VARIABLE"]'


def test_before_the_first_deployment_there_are_no_functions() -> None:
    assert deployed_registry() is NOTHING
    assert NOTHING.all_functions() == ()


def test_the_functions_are_those_of_the_active_deployment(tmp_path: Path) -> None:
    deployment_id = deploy_declared(tmp_path)

    registry = deployed_registry()

    assert registry.deployment.id == deployment_id
    assert registry.find(ADD) is not None


def test_what_did_not_change_is_not_read_again(
    tmp_path: Path, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    deploy_declared(tmp_path)
    first = deployed_registry()

    with django_assert_num_queries(1):
        second = deployed_registry()

    assert second is first


def test_another_deployment_takes_over_at_once(tmp_path: Path) -> None:
    first_id = deploy_declared(tmp_path)
    first = deployed_registry()
    second_id = deploy_declared(tmp_path, declared("test:other/api.remove"))

    second = deployed_registry()

    assert [first.deployment.id, second.deployment.id] == [first_id, second_id]
    assert first.find("test:other/api.remove") is None
    assert second.find("test:other/api.remove") is not None


def test_when_nothing_is_active_any_more_nothing_can_be_called(tmp_path: Path) -> None:
    deploy_declared(tmp_path)
    deployed_registry()

    Deployment.objects.update(status=DeploymentStatus.INACTIVE)

    assert deployed_registry() is NOTHING


def test_a_deployment_whose_variable_is_not_set_here_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBELISK_TESTS_VARIABLE", "set")
    deploy_runnable(tmp_path, _ENV_VARS)
    monkeypatch.delenv("OBELISK_TESTS_VARIABLE")

    with pytest.raises(DeploymentError, match="OBELISK_TESTS_VARIABLE"):
        deployed_registry()

    monkeypatch.setenv("OBELISK_TESTS_VARIABLE", "set")
    assert deployed_registry().find(PING) is not None
