"""Who did what to an execution is kept and told, and no endpoint that changes one forgets it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from components.services import deploy, prepare, store_inactive
from engine.log import events as e
from executions.access.scopes import Scope
from executions.component_versions import registry_of
from executions.deployed import deployed_registry
from executions.journal.journal import SqlJournal
from executions.models import Delay, OperationRecord
from executions.operations.excluding import version_for
from executions.operations.recording import Operation
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
from tests.executions.scripts import ASK, SUM, SUM_UP, write_scripts

pytestmark = pytest.mark.django_db

E1 = make_execution_id(1)
UNKNOWN = make_execution_id(77)

CHANGES_NOTHING = {"query", "replay", "persist_backtraces"}
"""Endpoints of one execution that are no operations on it."""
STARTS_IT = {"submit_as"}
"""The operation submit; without an id it is none of an execution that is there."""
IN_THE_CONSOLE = {Operation.ASSIGN, Operation.RELEASE}
"""What people do there only."""
BY_COMMANDS = {Operation.REPAIR}
"""What only commands of this program do."""
OF_SOMETHING_ELSE = {Operation.TRIGGER, Operation.SKIP_TICK, Operation.REPLAY_DELIVERY}
"""Operations on schedules and deliveries, recorded with the execution that stands for them."""


@pytest.fixture
def execution_id(tmp_path: Path) -> str:
    """A call of an external activity."""
    deploy_declared(tmp_path)
    return submit(ADD, [1, []]).execution_id


def records(api: Api, execution_id: str, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(f"executions/{execution_id}/operations{query}").json["operations"]
    return found


def names(api: Api, execution_id: str) -> list[str]:
    return [record["operation"] for record in records(api, execution_id)]


# --- No operation is forgotten ----------------------------------------------------------------------------------------


def test_whatever_changes_an_execution_takes_a_reason(client: Client) -> None:
    document = client.get("/v1/schema").json()
    changing = {
        operation["operationId"]: {parameter["name"] for parameter in operation.get("parameters", ())}
        for path, methods in document["paths"].items()
        if "{execution_id}" in path or "{delay_id}" in path
        for method, operation in methods.items()
        if method != "get"
    }

    forgotten = {name for name, parameters in changing.items() if "reason" not in parameters}
    assert forgotten == CHANGES_NOTHING
    assert changing.keys() - forgotten - STARTS_IT == {
        operation.value
        for operation in set(Operation) - {Operation.SUBMIT} - IN_THE_CONSOLE - BY_COMMANDS - OF_SOMETHING_ELSE
    }


def test_operations_on_any_execution_are_recorded(api: Api, execution_id: str) -> None:
    path = f"executions/{execution_id}"
    api.put(f"{path}/pause", query={"reason": "the bank is closed"})
    api.put(f"{path}/unpause")
    api.put(f"{path}/stub", {"err": None})
    retried = api.post(f"{path}/retry", None).json["ok"]
    api.put(f"executions/{retried}/cancel")

    found = records(api, execution_id)

    assert [record["operation"] for record in found] == ["pause", "unpause", "stub", "retry"]
    prefix = api.token.split("_")[1]
    assert {record["actor"] for record in found} == {f"token:{prefix} a test"}
    assert found[0]["reason"] == "the bank is closed"
    assert "reason" not in found[1]
    assert found[3]["detail"] == retried
    assert names(api, retried) == ["cancel"]


def test_operations_on_delays_are_recorded_with_their_execution(api: Api) -> None:
    journal = SqlJournal.for_current_connection()
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    commit(journal, make_append(E1, make_delay_request(E1, expires_at=after(5)), expected=3))
    delay: str = Delay.objects.get().pk

    for operation in ("pause", "unpause", "cancel", "cancel"):
        assert api.put(f"delays/{delay}/{operation}").status == 200

    assert names(api, E1) == ["pause_delay", "unpause_delay", "cancel_delay"]
    assert {record["detail"] for record in records(api, E1)} == {delay}


def test_operations_on_workflows_are_recorded(api: Api, tmp_path: Path) -> None:
    deploy(write_scripts(tmp_path))
    target = submit(SUM, [[1, 2]], paused=True).execution_id
    path = f"executions/{target}"

    writes = api.put(f"{path}/replay").json["captured_writes"]
    assert api.put(f"{path}/advance", {"captured_writes": writes[:1]}, {"reason": "a look"}).status == 200
    assert api.post(f"{path}/signals", {"name": ASK, "payload": 1, "signal_id": "a"}).status == 200
    assert api.post(f"{path}/signals", {"name": ASK, "payload": 1, "signal_id": "a"}).status == 200
    assert api.post(f"{path}/fork", {"version": 0, "dry_run": True}).status == 200
    forked = api.post(f"{path}/fork", {"version": 0})
    old = digest_of_sum()
    other = store_inactive(prepare(write_scripts(tmp_path, SUM_UP + "\n// A third version.\n")))[0]
    assert api.put(f"{path}/exclude", {"deployment_id": other.pk}, {"reason": "half done"}).json == {"ok": "excluded"}
    assert api.put(f"{path}/include").json == {"ok": "included"}
    third = version_for(SUM, registry_of(other))
    deploy(write_scripts(tmp_path, SUM_UP + "\n// Another version.\n"))
    assert api.put(f"{path}/upgrade", {"old": old, "new": digest_of_sum()}).status == 200

    assert [(record["operation"], record.get("detail")) for record in records(api, target)] == [
        ("advance", None),
        ("signal", ASK),
        ("fork", forked.json["ok"]),
        ("exclude", third),
        ("include", None),
        ("upgrade", f"{old} to {digest_of_sum()}"),
    ]
    assert records(api, target)[0]["reason"] == "a look"


def digest_of_sum() -> str:
    function = deployed_registry().find(SUM)
    assert function is not None
    return function.component.id.digest


def test_bulk_operations_are_recorded_for_each(api: Api, execution_id: str) -> None:
    other = submit(ADD, [2, []]).execution_id
    body = {"operation": "pause", "filter": {}, "dry_run": False}

    assert len(api.post("executions/bulk", body, {"reason": "an outage"}).json["done"]) == 2

    for each in (execution_id, other):
        (record,) = records(api, each)
        assert (record["operation"], record["reason"]) == ("pause", "an outage")


def test_people_are_recorded_by_name(api: Api, execution_id: str, admin_client: Client) -> None:
    answer = admin_client.put(f"/v1/executions/{execution_id}/pause?reason=lunch")

    assert answer.status_code == 200
    (record,) = records(api, execution_id)
    assert record["actor"] == "user:admin"
    event = api.get(f"executions/{execution_id}/events").json["events"][-1]
    assert record["at"] == event["created_at"]


def test_who_submitted_is_recorded(api: Api, execution_id: str, admin_client: Client) -> None:
    call = {"ffqn": ".../" + ADD.partition("/")[2], "params": [1, []]}

    ids = [
        api.post("executions", call, {"reason": "a try"}).json["ok"],
        api.post("executions", call, **{"Idempotency-Key": "once"}).json["ok"],
        api.put(f"executions/{E1}", call).json["ok"],
        admin_client.post("/v1/executions", call, content_type="application/json").json()["ok"],
    ]

    found = OperationRecord.objects.order_by("pk")
    assert [record.execution_id for record in found] == ids
    assert {(record.operation, record.detail) for record in found} == {("submit", ADD)}
    assert [record.reason for record in found] == ["a try", "", "", ""]
    assert {record.actor.partition(":")[0] for record in found[:3]} == {"token"}
    assert list(OperationRecord.objects.submitted_by("user:admin")) == ids[3:]


def test_a_call_that_was_there_before_is_recorded_once(api: Api, execution_id: str) -> None:
    call = {"ffqn": ADD, "params": [1, []]}
    for _ in range(2):
        assert api.post("executions", call, **{"Idempotency-Key": "once"}).status == 201
        assert api.put(f"executions/{E1}", call).status in (200, 201)
    assert api.post("executions", {**call, "params": []}).status == 400

    assert OperationRecord.objects.count() == 2


# --- What is no operation ---------------------------------------------------------------------------------------------


def test_what_is_refused_or_changes_nothing_is_not_recorded(api: Api, execution_id: str) -> None:
    path = f"executions/{execution_id}"
    api.put(f"{path}/stub", {"ok": 7})

    assert api.put(f"{path}/stub", {"ok": 7}).status == 200
    for operation in ("pause", "unpause", "cancel"):
        assert api.put(f"{path}/{operation}").status >= 400
    assert api.put(f"{path}/stub", {"ok": 8}).status == 409

    assert names(api, execution_id) == ["stub"]


@pytest.mark.parametrize("reason", ["\0", "x" * 501])
def test_a_reason_that_cannot_be_kept_is_refused(api: Api, execution_id: str, reason: str) -> None:
    assert api.put(f"executions/{execution_id}/pause", query={"reason": reason}).code == "invalid_parameter"
    assert not OperationRecord.objects.exists()


# --- Telling ----------------------------------------------------------------------------------------------------------


def test_operations_are_told_page_by_page(api: Api, execution_id: str) -> None:
    for operation in ("pause", "unpause", "pause"):
        api.put(f"executions/{execution_id}/{operation}")

    (first,) = records(api, execution_id, "?length=1")
    rest = records(api, execution_id, f"?cursor={first['cursor']}")
    (last,) = records(api, execution_id, "?length=1&direction=older")

    assert [record["operation"] for record in rest] == ["unpause", "pause"]
    assert last == rest[-1]


def test_who_may_not_read_is_not_told(execution_id: str) -> None:
    assert Api([Scope.OPERATE]).get(f"executions/{execution_id}/operations").code == "missing_scope"
    assert Api().get(f"executions/{UNKNOWN}/operations").code == "execution_not_found"


def test_why_it_does_not_move_says_who_paused_it(api: Api, execution_id: str) -> None:
    path = f"executions/{execution_id}"
    api.put(f"{path}/pause", query={"reason": "the bank is closed"})
    paused = OperationRecord.objects.get()

    status = api.get(f"{path}/status").text

    assert f"is paused by {paused.actor} since {paused.at:%Y-%m-%d %H:%M:%S} UTC (the bank is closed)" in status
