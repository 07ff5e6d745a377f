from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import DjangoAssertNumQueries, Settings

from components.models import Blob
from components.services import wasm_bytes
from engine.deployment.spec import Runner
from engine.errors import DeploymentError
from engine.log.state import Status
from engine.wasm.component import digest_of
from executions import hosting
from executions.hosting import ExecutorHost, executor_settings, load_component
from executions.liveness import beat
from executions.models import Execution, ExecutorHeartbeat
from executions.operations.submitting import submit
from tests.executions.deployments import PING, deploy_runnable
from tests.harness.eventually import eventually
from tests.harness.hosts import follow, kept_switch_interval

pytestmark = pytest.mark.django_db(transaction=True)

VARIABLE = "OBELISK_TESTS_VARIABLE"


@pytest.fixture(autouse=True)
def quick_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "HEARTBEAT_EVERY", timedelta(milliseconds=20))


@pytest.fixture
def host_of() -> Iterator[Callable[[], ExecutorHost]]:
    """Makes a host, which is stopped at the end."""
    hosts: list[ExecutorHost] = []

    def make() -> ExecutorHost:
        hosts.append(ExecutorHost())
        return hosts[-1]

    yield make
    for host in hosts:
        host.stop()


@pytest.fixture
def host(host_of: Callable[[], ExecutorHost]) -> ExecutorHost:
    return host_of()


@pytest.fixture(autouse=True)
def unchanged_switch_interval() -> Iterator[None]:
    """A host changes it for its process, which here is not its own."""
    with kept_switch_interval():
        yield


# --- An executor's life -----------------------------------------------------------------------------------------------


def test_what_is_submitted_elsewhere_is_run(tmp_path: Path, host: ExecutorHost) -> None:
    deploy_runnable(tmp_path)
    host.start()

    assert follow(submit(PING, []).execution_id) == {"ok": None}


def test_what_waited_for_an_executor_is_run(tmp_path: Path, host_of: Callable[[], ExecutorHost]) -> None:
    deploy_runnable(tmp_path)
    submitted = submit(PING, [])
    host_of().start()

    assert follow(submitted.execution_id) == {"ok": None}


def test_an_executor_gives_signs_of_life(tmp_path: Path, host: ExecutorHost) -> None:
    deployment_id = deploy_runnable(tmp_path)
    host.start()

    row = eventually(ExecutorHeartbeat.objects.first)

    assert row.executor_id == host.executor.executor_id
    assert row.deployment_id == deployment_id
    assert row.slots == executor_settings().slots
    eventually(lambda: ExecutorHeartbeat.objects.filter(seen_at__gt=row.seen_at).exists())


def test_an_executor_that_stops_says_goodbye_and_runs_nothing_more(tmp_path: Path, host: ExecutorHost) -> None:
    deploy_runnable(tmp_path)
    host.start()
    follow(submit(PING, []).execution_id)

    host.stop()

    assert not ExecutorHeartbeat.objects.exists()
    submitted = submit(PING, [])
    assert Execution.objects.get(pk=submitted.execution_id).status == Status.PENDING_AT.value


def test_an_executor_may_be_stopped_twice(host: ExecutorHost) -> None:
    host.start()

    host.stop()
    host.stop()


# --- Deployments ------------------------------------------------------------------------------------------------------


def test_an_executor_takes_up_the_first_deployment(tmp_path: Path, host: ExecutorHost) -> None:
    host.start()
    eventually(ExecutorHeartbeat.objects.filter(deployment_id=None).exists)

    deployment_id = deploy_runnable(tmp_path)

    assert follow(submit(PING, []).execution_id) == {"ok": None}
    eventually(ExecutorHeartbeat.objects.filter(deployment_id=deployment_id).exists)


def test_a_deployment_is_taken_up_before_the_next_heartbeat(
    tmp_path: Path, host_of: Callable[[], ExecutorHost], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosting, "HEARTBEAT_EVERY", timedelta(days=1))
    host = host_of()
    host.start()
    eventually(ExecutorHeartbeat.objects.filter(deployment_id=None).exists)

    deployment_id = deploy_runnable(tmp_path)

    eventually(lambda: host.executor.registry.deployment.id == deployment_id)
    eventually(ExecutorHeartbeat.objects.filter(deployment_id=deployment_id).exists)


def test_an_executor_takes_up_the_next_deployment(tmp_path: Path, host: ExecutorHost) -> None:
    deploy_runnable(tmp_path)
    host.start()
    second_id = deploy_runnable(tmp_path, "max_retries = 1")

    eventually(lambda: host.executor.registry.deployment.id == second_id)

    submitted = submit(PING, [])
    assert follow(submitted.execution_id) == {"ok": None}
    assert Execution.objects.get(pk=submitted.execution_id).deployment_id == second_id


@pytest.fixture
def unusable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Deploys what needs a variable that is not set for executors; it comes out as the deployment's id."""

    def deploy() -> str:
        monkeypatch.setenv(VARIABLE, "set")
        deployment_id = deploy_runnable(tmp_path, f'env_vars = ["{VARIABLE}"]')
        monkeypatch.delenv(VARIABLE)
        return deployment_id

    return deploy


def test_a_deployment_that_cannot_be_used_here_leaves_the_present_one_running(
    tmp_path: Path, host_of: Callable[[], ExecutorHost], unusable: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    first_id = deploy_runnable(tmp_path)
    submitted = submit(PING, [])
    host = host_of()
    unusable()
    host.start()
    eventually(ExecutorHeartbeat.objects.exists)

    assert follow(submitted.execution_id) == {"ok": None}
    assert host.executor.registry.deployment.id == first_id
    assert any("executor.deployment_unusable" in record.getMessage() for record in caplog.records)


def test_a_deployment_is_taken_up_as_soon_as_it_can_be_used_here(
    host_of: Callable[[], ExecutorHost], unusable: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment_id = unusable()
    host = host_of()
    host.start()
    eventually(ExecutorHeartbeat.objects.filter(deployment_id=None).exists)

    monkeypatch.setenv(VARIABLE, "set")

    eventually(lambda: host.executor.registry.deployment.id == deployment_id)
    assert follow(submit(PING, []).execution_id) == {"ok": None}


# --- Trouble ----------------------------------------------------------------------------------------------------------


def test_a_sign_of_life_that_fails_is_not_the_last(
    tmp_path: Path, host: ExecutorHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [OperationalError("database is locked")] * 2

    def fail_at_first(*args: Any, **options: Any) -> None:
        if failures:
            raise failures.pop()
        beat(*args, **options)

    monkeypatch.setattr(hosting, "beat", fail_at_first)
    host.start()

    eventually(ExecutorHeartbeat.objects.exists)
    assert not failures


# --- Components -------------------------------------------------------------------------------------------------------


def test_a_component_is_compiled_from_the_database_and_then_taken_from_the_cache(
    tmp_path: Path, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    deploy_runnable(tmp_path)
    settings.OBELISK_DATA_DIR = tmp_path / "another machine"
    digest = Blob.objects.get().digest
    assert digest_of(wasm_bytes(digest)) == digest

    compiled = load_component(digest, Runner.WASM)
    exports = list(compiled.shape.exports)
    is_shared = load_component(digest, Runner.WASM) is compiled
    del compiled
    with django_assert_num_queries(0):
        cached = load_component(digest, Runner.WASM)

    assert is_shared
    assert cached.digest == digest
    assert list(cached.shape.exports) == exports


def test_a_component_that_nobody_stored_is_not_found() -> None:
    with pytest.raises(DeploymentError, match="no file with the digest sha256:0"):
        load_component("sha256:" + "0" * 64, Runner.WASM)


def test_the_executor_behaves_as_the_site_is_configured(settings: Settings) -> None:
    settings.OBELISK_SLOTS = 3
    settings.OBELISK_COMMIT_WINDOW = timedelta(0)
    settings.OBELISK_HOT_WAIT = timedelta(seconds=7)

    configured = executor_settings()

    assert (configured.slots, configured.commit_window, configured.hot_wait) == (3, timedelta(0), timedelta(seconds=7))
