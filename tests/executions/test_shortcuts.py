from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection, connections, transaction

from engine.errors import ExecutionNotFound, IdSyntaxError
from engine.log.ids import ExecutionId
from engine.log.state import Lifecycle, Status
from executions.hosting import ExecutorHost
from executions.journal.journal import SqlJournal
from executions.models import Execution
from executions.operations.submitting import CallRefused
from executions.shortcuts import NotFinished, cancel, result, submit
from obelisk import ChildError, activity, stub
from tests.apps.lab import activities as lab
from tests.apps.lab.models import Sample
from tests.executions.deployments import ADD, deploy_declared
from tests.harness.eventually import PATIENCE_S, eventually
from tests.harness.hosts import running_host

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = timedelta(seconds=PATIENCE_S)
MINE = "E_01J0000000000000000000000A"


@activity
def outsider() -> None: ...


@stub
def question() -> bool:
    raise NotImplementedError


@pytest.fixture(autouse=True)
def deployment(tmp_path: Path) -> str:
    return deploy_declared(tmp_path)


@pytest.fixture
def host() -> Iterator[ExecutorHost]:
    with running_host() as host:
        yield host
        for gate in lab.gates.values():
            gate.set()


# --- submit -----------------------------------------------------------------------------------------------------------


def test_a_decorated_function_is_started_with_its_arguments(host: ExecutorHost) -> None:
    run = submit(lab.double, 4, by=3)

    assert run.ffqn == "django:test-lab/activities.double"
    assert result(run.id, timeout=PATIENCE) == 12


def test_a_name_does_as_well(host: ExecutorHost) -> None:
    assert result(submit(".../activities.double", 4, 2).id, timeout=PATIENCE) == 8


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        (lambda: submit(lab.double, 400), r"double\(n\): expected u8 \(0 to 255\), got 400"),
        (lambda: submit(lab.double), r"double\(\) misses the argument 'n'"),
        (lambda: submit(ADD, 1), "parameter cardinality mismatch"),
        (lambda: submit(ADD, a=1), "takes its arguments in order"),
        (lambda: submit(outsider), 'outsider: the file has no PACKAGE = "namespace:name"'),
        (lambda: submit(question), r"submit\(question\): a stub cannot be started"),
        (lambda: submit(lab.double.using(at=datetime(2030, 1, 1)), 1), "a datetime needs a time zone"),  # noqa: DTZ001
    ],
)
def test_what_cannot_be_started_is_said(start: object, sentence: str) -> None:
    assert callable(start)
    with pytest.raises(CallRefused, match=sentence):
        start()

    assert not Execution.objects.exists()


def test_a_start_may_be_put_off() -> None:
    moment = datetime(2100, 1, 1, tzinfo=UTC)

    at, after = submit(lab.double.using(at=moment), 1), submit(lab.double.using(after=timedelta(days=1)), 1)

    assert (at.ffqn, after.ffqn) == ("django:test-lab/activities.double",) * 2
    assert Execution.objects.get(pk=at.id).due_at == moment
    row = Execution.objects.get(pk=after.id)
    assert row.due_at - row.created_at == timedelta(days=1)


def test_the_same_id_starts_the_same_call_once() -> None:
    assert submit(lab.double, 1, execution_id=MINE) == submit(lab.double, 1, execution_id=MINE)
    assert Execution.objects.count() == 1


# --- Transactions -----------------------------------------------------------------------------------------------------


@contextmanager
def rolled_back() -> Iterator[None]:
    """A transaction, or a savepoint in one, that comes to nothing."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_what_is_submitted_commits_with_the_business_rows(host: ExecutorHost) -> None:
    with transaction.atomic():
        sample = Sample.objects.create(text="row")
        run = submit(lab.double, 5)
        journal = SqlJournal.dedicated()
        with pytest.raises(ExecutionNotFound):
            journal.state_of(run.id)
        journal.close()

    assert result(run.id, timeout=PATIENCE) == 10
    assert Sample.objects.get() == sample


def test_what_is_submitted_rolls_back_with_the_business_rows() -> None:
    with rolled_back():
        Sample.objects.create(text="row")
        submit(lab.double, 5)

    assert not Sample.objects.exists()
    assert not Execution.objects.exists()


def test_a_savepoint_takes_back_only_what_was_submitted_in_it() -> None:
    with transaction.atomic():
        kept = submit(lab.double, 1)
        with rolled_back():
            submit(lab.double, 2)

    assert [row.pk for row in Execution.objects.all()] == [kept.id]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[str]:
    """Another database of the site."""
    databases = connections.settings
    databases["shop"] = {**databases["default"], "NAME": tmp_path / "shop.sqlite3"}
    wrapper = connections.create_connection("shop")
    # Django's tests open only databases that the settings know.
    wrapper.alias = "default"
    wrapper.ensure_connection()
    wrapper.alias = "shop"
    connections["shop"] = wrapper
    yield "shop"
    connections["shop"].close()
    del connections["shop"]
    del databases["shop"]


def test_a_transaction_of_another_database_is_no_protection(shop: str) -> None:
    with transaction.atomic(using=shop), pytest.raises(CallRefused) as caught:
        submit(lab.double, 1)

    assert str(caught.value) == (
        "submit() is inside a transaction on 'shop', but executions live in 'default'; nothing was submitted"
    )
    assert not Execution.objects.exists()


# --- result -----------------------------------------------------------------------------------------------------------


def test_an_error_value_is_raised(host: ExecutorHost) -> None:
    run = submit(lab.fail, "shortcuts", "permanent")

    with pytest.raises(ChildError) as caught:
        result(run.id, timeout=PATIENCE)

    assert (caught.value.child_id, caught.value.value, caught.value.failure_kind) == (
        run.id,
        {"permanent_gone": "for good"},
        None,
    )


def test_what_takes_too_long_is_said_not_to_be_finished() -> None:
    run = submit(lab.double, 1)

    with pytest.raises(NotFinished, match="has not finished within 0:00:00"):
        result(run.id, timeout=timedelta(0))


def test_a_result_is_not_awaited_inside_a_transaction() -> None:
    with transaction.atomic(), pytest.raises(CallRefused, match="after the atomic"):
        result(submit(lab.double, 1).id)


def test_an_id_that_is_none_is_refused() -> None:
    with pytest.raises(IdSyntaxError):
        result("E_1")


# --- cancel -----------------------------------------------------------------------------------------------------------


def status_of(execution_id: ExecutionId) -> tuple[str, str]:
    row = Execution.objects.get(pk=execution_id)
    return row.status, row.lifecycle


def test_what_nobody_runs_is_cancelled_when_an_executor_looks(host: ExecutorHost) -> None:
    run = submit(ADD, 1, [])

    assert cancel(run.id)

    with pytest.raises(ChildError) as caught:
        result(run.id, timeout=PATIENCE)
    assert caught.value.cancelled
    assert cancel(run.id)


def test_a_running_activity_is_left_and_cancelled(host: ExecutorHost) -> None:
    run = submit(lab.wait, "cancelled")
    assert lab.reached["cancelled"].wait(PATIENCE_S)

    assert cancel(run.id)

    eventually(lambda: status_of(run.id)[0] == Status.FINISHED.value)
    with pytest.raises(ChildError) as caught:
        result(run.id)
    assert caught.value.cancelled


def test_cancelling_belongs_to_the_transaction() -> None:
    run = submit(ADD, 1, [])

    with rolled_back():
        assert cancel(run.id)
        assert cancel(run.id)

    assert status_of(run.id)[1] == Lifecycle.ACTIVE.value
    assert not connection.in_atomic_block


def test_nobody_is_not_cancelled() -> None:
    with pytest.raises(ExecutionNotFound):
        cancel(MINE)
