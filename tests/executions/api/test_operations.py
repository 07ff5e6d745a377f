"""Cancelling, pausing and retrying by HTTP; what they do is tested where they are defined."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.log import events as e
from executions.access.scopes import Scope
from executions.journal.journal import SqlJournal
from executions.models import Delay, Execution
from executions.operations.submitting import submit
from tests.builders import (
    JOIN_SET,
    after,
    make_append,
    make_created,
    make_delay_request,
    make_execution_id,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit
from tests.executions.api.clients import Api
from tests.executions.deployments import ADD, deploy_declared

pytestmark = pytest.mark.django_db

UNKNOWN = "E_01KBNHM5FQW81KP5Y3XMNX31K4"
E1 = make_execution_id(1)


@pytest.fixture
def execution_id(tmp_path: Path) -> str:
    """A call of an external activity, with labels."""
    deploy_declared(tmp_path)
    return submit(ADD, [1, []], labels={"city": "Rome"}).execution_id


@pytest.fixture
def workflow() -> str:
    """A workflow that runs and has requested a delay; it cannot be cancelled."""
    journal = SqlJournal.for_current_connection()
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    commit(journal, make_append(E1, make_delay_request(E1, expires_at=after(5)), expected=3))
    return E1


def put_all(api: Api, path: str, operations: Sequence[str]) -> list[tuple[int, str]]:
    answers = [api.put(f"{path}/{operation}") for operation in operations]
    return [(answer.status, answer.json.get("ok") or answer.json["err"]) for answer in answers]


def test_an_execution_is_cancelled(api: Api, execution_id: str) -> None:
    assert put_all(api, f"executions/{execution_id}", ["cancel", "cancel"]) == [
        (200, "cancellation requested"),
        (409, "already cancelling"),
    ]
    assert api.get(f"executions/{execution_id}/status").json["pending_state"]["status"] == "cancelling"


def test_what_has_ended_is_not_cancelled(api: Api, execution_id: str) -> None:
    api.put(f"executions/{execution_id}/stub", {"ok": 7})

    assert put_all(api, f"executions/{execution_id}", ["cancel"]) == [(409, "already finished")]


def test_a_workflow_that_must_be_awaited_is_not_cancelled(api: Api, workflow: str) -> None:
    answer = api.put(f"executions/{workflow}/cancel")

    assert (answer.status, answer.code) == (422, "not_cancellable")
    assert answer.json["err"] == "cannot cancel, execution is not a cancellable workflow"


def test_an_execution_is_paused_and_goes_on(api: Api, execution_id: str) -> None:
    found = put_all(api, f"executions/{execution_id}", ["pause", "pause", "unpause", "unpause"])

    assert [status for status, _ in found] == [200, 422, 200, 422]
    assert found[1][1] == f"cannot pause {execution_id}: it is paused already"


@pytest.mark.parametrize("operation", ["cancel", "pause", "unpause"])
def test_what_is_not_there_is_not_changed(api: Api, operation: str) -> None:
    assert api.put(f"executions/{UNKNOWN}/{operation}").code == "execution_not_found"
    assert api.put(f"executions/nonsense/{operation}").code == "invalid_id"
    assert api.put(f"executions/{UNKNOWN}/{operation}?force=1").code == "unknown_parameter"


@pytest.mark.parametrize("operation", ["cancel", "pause", "unpause", "stub"])
def test_changing_needs_its_scope(operation: str) -> None:
    api = Api([Scope.READ, Scope.SUBMIT, Scope.DEPLOY])

    assert api.put(f"executions/{UNKNOWN}/{operation}").code == "missing_scope"


# --- Delays -----------------------------------------------------------------------------------------------------------


def test_a_delay_is_paused_and_cancelled(api: Api, workflow: str) -> None:
    (delay,) = Delay.objects.all()

    found = put_all(api, f"delays/{delay.pk}", ["pause", "pause", "unpause", "cancel", "cancel", "pause"])

    assert found[:5] == [(200, "paused"), (200, "paused"), (200, "unpaused"), (200, "cancelled"), (200, "cancelled")]
    assert found[5][0] == 404
    assert not Delay.objects.exists()


@pytest.mark.parametrize(
    ("delay_id", "code"), [("Delay_01KBNHM5FQW81KP5Y3XMNX31K4.g:1_1", "delay_not_found"), ("Delay_1", "invalid_id")]
)
def test_a_delay_that_does_not_wait_is_not_changed(api: Api, delay_id: str, code: str) -> None:
    for operation in ("cancel", "pause", "unpause"):
        assert api.put(f"delays/{delay_id}/{operation}").code == code


# --- Retrying ---------------------------------------------------------------------------------------------------------


def test_what_has_failed_is_submitted_again_with_its_labels(api: Api, execution_id: str) -> None:
    api.put(f"executions/{execution_id}/stub", {"err": None})

    answer = api.post(f"executions/{execution_id}/retry", None)

    assert answer.status == 201
    new: Any = api.get(f"executions/{answer.json['ok']}/status").json
    assert new["labels"] == {"city": "Rome", "retry-of": execution_id}
    created = api.get(f"executions/{answer.json['ok']}/events").json["events"][0]["event"]["created"]
    assert created["params"] == [1, []]


def test_what_was_retried_is_not_retried_again(api: Api, execution_id: str) -> None:
    api.put(f"executions/{execution_id}/stub", {"err": None})
    first = api.post(f"executions/{execution_id}/retry", None).json["ok"]

    answer = api.post(f"executions/{execution_id}/retry", None)

    assert answer.code == "illegal_state"
    assert answer.json["detail"] == f"cannot retry {execution_id}: it was retried already, as {first}"


def test_what_goes_on_or_ended_well_is_not_retried(api: Api, execution_id: str) -> None:
    path = f"executions/{execution_id}"
    unfinished = api.post(f"{path}/retry", None)
    api.put(f"{path}/stub", {"ok": 7})
    well = api.post(f"{path}/retry", None)

    assert (unfinished.code, well.code) == ("illegal_state", "illegal_state")
    assert api.post(f"executions/{UNKNOWN}/retry", None).code == "execution_not_found"
    assert Execution.objects.count() == 1
