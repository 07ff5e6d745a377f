"""Django activities through the executor that the site runs, on a database whose transactions are real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.log.events import Finished, TemporarilyFailed, TemporarilyTimedOut
from engine.log.ids import ExecutionId
from executions.hosting import ExecutorHost
from executions.journal.journal import SqlJournal
from executions.models import LogLine
from executions.operations.submitting import submit
from tests.apps.lab import activities as lab
from tests.apps.lab.models import Sample
from tests.executions.deployments import deploy_declared
from tests.harness.eventually import PATIENCE_S, eventually
from tests.harness.hosts import follow, running_host

pytestmark = pytest.mark.django_db(transaction=True)

LAB = "django:test-lab/activities"


@pytest.fixture(autouse=True)
def host(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ExecutorHost]:
    deploy_declared(tmp_path)
    with running_host() as host:
        yield host
        for gate in lab.gates.values():
            gate.set()


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    """A name that no other test has."""
    return str(request.node.name)[:80]


def start(function: str, *params: object) -> ExecutionId:
    return submit(f"{LAB}.{function}", list(params)).execution_id


def run(function: str, *params: object) -> Any:
    return follow(start(function, *params))


def events_of(execution_id: ExecutionId) -> list[object]:
    return [entry.event for entry in SqlJournal.for_current_connection().load_log(execution_id)]


def texts() -> list[str]:
    return list(Sample.objects.order_by("pk").values_list("text", flat=True))


# --- Values -----------------------------------------------------------------------------------------------------------


def test_an_activity_of_an_app_is_called_with_its_types() -> None:
    assert run("double", 21, 2) == {"ok": 42}


def test_an_activity_can_know_of_its_execution() -> None:
    execution_id = start("who")

    assert follow(execution_id) == {"ok": f"{LAB}.who 1 {execution_id}"}


def test_a_result_of_another_type_is_a_bug_and_not_tried_again(key: str) -> None:
    result = run("returns-a-wrong-type", key)

    assert result == {"err": "TypeError: returns_a_wrong_type -> return: expected int, got 'three'"}
    assert lab.calls[key] == 1


# --- Errors -----------------------------------------------------------------------------------------------------------


def test_a_failed_attempt_is_made_again(key: str) -> None:
    execution_id = start("flaky", key, 2)

    assert follow(execution_id) == {"ok": 3}
    failures = [event for event in events_of(execution_id) if isinstance(event, TemporarilyFailed)]
    assert [failure.reason for failure in failures] == ["activity finished with error"] * 2
    assert "tests/apps/lab/activities.py" in str(failures[0].detail)
    assert "ConnectionError: attempt 1" in str(failures[0].detail)


@pytest.mark.parametrize(
    ("how", "value", "attempts"),
    [
        ("declared", {"broken": {"part": "lens"}}, 2),
        ("permanent", {"permanent_gone": "for good"}, 1),
        ("undeclared", {"other": "KeyError: 'reference'"}, 2),
        ("exit", {"other": "SystemExit: 3"}, 2),
        ("durable", {"other": "PermanentError: sleep() works in workflows; an activity is one step"}, 1),
    ],
)
def test_an_exception_is_the_error_value(key: str, how: str, value: object, attempts: int) -> None:
    assert run("fail", key, how) == {"err": value}
    assert lab.calls[key] == attempts


def test_an_attempt_may_say_when_the_next_one_is_to_be(key: str) -> None:
    execution_id = start("fail", key, "later")

    def failure() -> TemporarilyFailed | None:
        return next((event for event in events_of(execution_id) if isinstance(event, TemporarilyFailed)), None)

    failed = eventually(failure)
    created = SqlJournal.for_current_connection().state_of(execution_id).created_at
    assert (failed.backoff_expires_at - created).total_seconds() >= 3600


def test_the_traceback_is_on_the_event_of_each_failed_attempt_and_on_the_last(key: str) -> None:
    execution_id = start("fail", key, "undeclared")
    follow(execution_id)

    details = [event.detail for event in events_of(execution_id) if isinstance(event, TemporarilyFailed | Finished)]
    assert len(details) == 2
    for detail in details:
        assert detail is not None
        assert 'tests/apps/lab/activities.py", line' in detail
        assert detail.endswith("KeyError: 'reference'")
        assert "django_functions" not in detail


def test_the_traceback_is_in_the_log_without_the_executors_frames(key: str) -> None:
    execution_id = start("fail", key, "permanent")
    follow(execution_id)

    line = eventually(LogLine.objects.filter(execution_id=execution_id).first)
    assert line.level == "error"
    assert "lab/activities.py" in line.message
    assert "django_functions" not in line.message


# --- Time -------------------------------------------------------------------------------------------------------------


def test_an_attempt_that_outlives_its_time_is_fenced_and_keeps_nobody(key: str) -> None:
    execution_id = start("wait", key)

    assert follow(execution_id) == {"ok": "attempt 2"}

    lab.gates[key].set()
    assert lab.ended[key].wait(PATIENCE_S)
    events = events_of(execution_id)
    assert len([event for event in events if isinstance(event, TemporarilyTimedOut)]) == 1
    assert isinstance(events[-1], Finished)
    assert follow(execution_id) == {"ok": "attempt 2"}


def test_an_executor_stops_although_an_attempt_goes_on(key: str, host: ExecutorHost) -> None:
    object.__setattr__(host.executor._services.settings, "stop_grace", host.executor._services.settings.tick * 0)
    start("wait", key)
    assert lab.reached[key].wait(PATIENCE_S)

    host.stop()

    assert not lab.gates[key].is_set()


CALLER = """
[[python]]
name = "caller"
package = "test:caller"
content = '''
from obelisk import imported, workflow

@imported("django:test-lab/activities.wait")
def wait(key: str) -> str: ...

@imported("django:test-lab/activities.keep")
def keep(key: str, then: str) -> int: ...

@workflow
def call(key: str) -> str:
    return f"{wait(key)}, sample {keep(key, 'raise')}"
'''
"""


def test_a_workflow_does_not_wait_for_an_attempt_whose_time_is_over(
    key: str, tmp_path: Path, host: ExecutorHost
) -> None:
    new_id = deploy_declared(tmp_path, CALLER)
    eventually(lambda: host.executor.registry.deployment.id == new_id)

    result = follow(submit("test:caller/workflows.call", [key]).execution_id)

    assert result == {"ok": f"attempt 2, sample {Sample.objects.get(text=key).pk}"}
    assert not lab.gates[key].is_set()


# --- Transactions -----------------------------------------------------------------------------------------------------


def test_what_an_atomic_activity_writes_and_its_result_are_one_transaction(key: str) -> None:
    lab.calls[key] = 1

    result = run("keep", key, "")

    assert result == {"ok": Sample.objects.get(text=key).pk}


@pytest.mark.parametrize("then", ["raise", "catch", "roll back"])
def test_an_atomic_attempt_that_fails_leaves_nothing(key: str, then: str) -> None:
    execution_id = start("keep", key, then)

    assert follow(execution_id) == {"ok": Sample.objects.get(text=key).pk}
    assert lab.calls[key] == 2
    assert any(isinstance(event, TemporarilyFailed) for event in events_of(execution_id))


def test_an_atomic_attempt_that_is_late_leaves_nothing_and_keeps_no_lock_on_the_database(key: str) -> None:
    execution_id = start("keep-late", key)

    assert follow(execution_id) == {"ok": "attempt 2"}
    assert texts() == [f"{key} 2"]

    lab.ended[key].clear()
    lab.gates[key].set()
    assert lab.ended[key].wait(PATIENCE_S)
    assert texts() == [f"{key} 2"]
    assert follow(execution_id) == {"ok": "attempt 2"}


# --- Connections ------------------------------------------------------------------------------------------------------


def test_a_transaction_that_an_attempt_left_open_is_not_the_next_ones(key: str) -> None:
    assert [run("forget-to-commit", key) for _ in range(2)] == [{"ok": False}] * 2
    assert texts() == []
