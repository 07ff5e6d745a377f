"""Starting executions and answering them, by HTTP."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from executions.access.scopes import Scope
from executions.models import Execution, IdempotencyKey, Label
from executions.operations.idempotency import LIFETIME
from tests.executions.api.clients import Api
from tests.executions.deployments import ADD, APPROVE, deploy_declared

pytestmark = pytest.mark.django_db

ID = "E_01KBNHM5FQW81KP5Y3XMNX31K4"
CALL = {"ffqn": ADD, "params": [1, ["a"]]}


@pytest.fixture(autouse=True)
def deployment(tmp_path: Path) -> str:
    return deploy_declared(tmp_path)


def submit(api: Api, **more: Any) -> str:
    answer = api.post("executions", {**CALL, **more})
    assert answer.status == 201, answer.text
    return str(answer.json["ok"])


# --- Submitting -------------------------------------------------------------------------------------------------------


def test_a_call_is_started(api: Api) -> None:
    answer = api.post("executions", CALL)

    execution_id = answer.json["ok"]
    assert answer.status == 201
    assert answer.headers["Location"] == f"/v1/executions/{execution_id}"
    created = api.get(f"executions/{execution_id}/events").json["events"][0]["event"]["created"]
    assert (created["ffqn"], created["params"]) == (ADD, [1, ["a"]])


def test_as_text_the_answer_is_the_id(api: Api) -> None:
    answer = api.post("executions", CALL, Accept="text/plain")

    assert Execution.objects.filter(pk=answer.text).exists()


def test_a_call_can_be_started_paused_and_labelled(api: Api) -> None:
    execution_id = submit(api, paused=True, labels={"city": "Rome", "team": "a:b"})

    status = api.get(f"executions/{execution_id}/status").json
    assert status["pending_state"].keys() == {"status", "PendingAt"}
    assert status["pending_state"]["status"] == "paused"
    assert status["labels"] == {"city": "Rome", "team": "a:b"}
    assert Label.objects.count() == 2


def test_a_schedule_companion_starts_its_function_later(api: Api) -> None:
    ffqn = "test:adder-obelisk-schedule/api.add-schedule"
    answer = api.post("executions", {"ffqn": ffqn, "params": [{"in": {"seconds": 50}}, 1, []]})

    status = api.get(f"executions/{answer.json['ok']}/status").json
    assert status["ffqn"] == ADD
    assert status["first_scheduled_at"] > status["created_at"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"ffqn": "test:adder/api.nix", "params": []}, 404, "function_not_found"),
        ({"ffqn": "\0", "params": []}, 404, "function_not_found"),
        ({"ffqn": APPROVE, "params": []}, 400, "invalid_call"),
        ({"ffqn": ADD, "params": [300, []]}, 400, "invalid_call"),
        ({"ffqn": ADD, "params": []}, 400, "invalid_call"),
        ({"ffqn": "test:adder-obelisk-schedule/api.add-schedule", "params": []}, 400, "invalid_call"),
        ({**CALL, "labels": {"City": "Rome"}}, 400, "invalid_call"),
        ({**CALL, "labels": {"city": "\0"}}, 400, "invalid_call"),
        ({**CALL, "labels": {"city": 7}}, 400, "invalid_body"),
        ({**CALL, "params": {"a": 1}}, 400, "invalid_body"),
        ({**CALL, "prams": []}, 400, "invalid_body"),
        ({"ffqn": ADD}, 400, "invalid_body"),
        ([], 400, "invalid_body"),
        (None, 400, "invalid_body"),
    ],
)
def test_what_cannot_be_started_is_refused(api: Api, body: Any, status: int, code: str) -> None:
    answer = api.post("executions", body)

    assert (answer.status, answer.code) == (status, code)
    assert not Execution.objects.exists()


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b'{"ffqn": "\xff"}', "application/json", 400, "malformed_json"),
        (b'{"ffqn": "\\ud800", "params": []}', "application/json", 400, "malformed_json"),
        (b"[" * 2000 + b"]" * 2000, "application/json", 400, "malformed_json"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"{}", "", 415, "unsupported_media_type"),
        (b" " * 2000, "application/json", 413, "body_too_large"),
    ],
)
def test_a_body_that_is_no_usable_json_is_refused(
    api: Api, settings: Settings, body: bytes, content_type: str, status: int, code: str
) -> None:
    if status == 413:
        settings.OBELISK_API_BODY_BYTES = 1999

    answer = api.send("POST", "executions", body, content_type=content_type)

    assert (answer.status, answer.code) == (status, code)


def test_starting_needs_its_scope() -> None:
    assert Api([Scope.READ]).post("executions", CALL).code == "missing_scope"


# --- Under an id of one's own -----------------------------------------------------------------------------------------


def test_under_its_own_id_a_call_is_started_once(api: Api) -> None:
    statuses = [api.put(f"executions/{ID}", CALL).status for _ in range(2)]

    assert statuses == [201, 200]
    assert Execution.objects.count() == 1


@pytest.mark.parametrize("other", [{**CALL, "params": [2, []]}, {"ffqn": APPROVE + "-other", "params": [1, ["a"]]}])
def test_another_call_under_the_same_id_is_refused(api: Api, other: dict[str, Any]) -> None:
    api.put(f"executions/{ID}", CALL)

    answer = api.put(f"executions/{ID}", other)

    assert answer.code in {"execution_exists", "function_not_found"}
    assert api.get(f"executions/{ID}/events").json["max_version"] == 0


def test_a_conflict_is_told_in_obelisks_word(api: Api) -> None:
    api.put(f"executions/{ID}", CALL)

    answer = api.put(f"executions/{ID}", {**CALL, "params": [2, []]})

    assert (answer.status, answer.json["err"]) == (409, "conflict")


@pytest.mark.parametrize("execution_id", [f"{ID}.n:a_1", "E_1", "Dep_01KBNHM5FQW81KP5Y3XMNX31K4"])
def test_only_top_level_ids_can_be_chosen(api: Api, execution_id: str) -> None:
    assert api.put(f"executions/{execution_id}", CALL).code == "invalid_id"


# --- Idempotency ------------------------------------------------------------------------------------------------------


def test_the_same_key_starts_one_execution(api: Api) -> None:
    answers = [api.post("executions", CALL, Idempotency_Key="k") for _ in range(2)]

    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true"]
    assert Execution.objects.count() == 1


def test_a_key_with_another_request_is_refused(api: Api) -> None:
    api.post("executions", CALL, Idempotency_Key="k")

    answer = api.post("executions", {**CALL, "paused": True}, Idempotency_Key="k")

    assert (answer.status, answer.code) == (422, "idempotency_key_reused")
    assert Execution.objects.count() == 1


def test_keys_belong_to_whoever_uses_them(api: Api) -> None:
    api.post("executions", CALL, Idempotency_Key="k")
    Api().post("executions", CALL, Idempotency_Key="k")

    assert Execution.objects.count() == 2


def test_a_refused_request_leaves_its_key_free(api: Api) -> None:
    refused = api.post("executions", {**CALL, "params": []}, Idempotency_Key="k")

    assert refused.code == "invalid_call"
    assert api.post("executions", CALL, Idempotency_Key="k").status == 201


def test_after_a_day_a_key_is_forgotten(api: Api) -> None:
    api.post("executions", CALL, Idempotency_Key="old")
    api.post("executions", CALL, Idempotency_Key="k")
    IdempotencyKey.objects.update(created_at=timezone.now() - LIFETIME - timedelta(seconds=1))

    answer = api.post("executions", {**CALL, "paused": True}, Idempotency_Key="k")

    assert answer.status == 201
    assert [row.key for row in IdempotencyKey.objects.all()] == ["k"]


@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb"])
def test_a_key_that_is_none_is_refused(api: Api, key: str) -> None:
    assert api.post("executions", CALL, Idempotency_Key=key).code == "invalid_parameter"


# --- Results ----------------------------------------------------------------------------------------------------------


def test_the_result_is_there_once_it_has_ended(api: Api) -> None:
    execution_id = submit(api)
    before = api.get(f"executions/{execution_id}")

    stubbed = api.put(f"executions/{execution_id}/stub", {"ok": 7})

    assert (before.status, before.code, before.json["err"]) == (425, "not_finished", "not finished yet")
    assert (stubbed.status, stubbed.json) == (200, {"ok": "stubbed"})
    assert api.get(f"executions/{execution_id}").json == {"ok": 7}
    assert api.get(f"executions/{execution_id}/status", Accept="text/plain").text == "Finished: OK"


@pytest.mark.parametrize(
    ("result", "status", "code"),
    [
        ({"ok": "seven"}, 422, "invalid_result"),
        ({"ok": 7, "err": 7}, 422, "invalid_result"),
        (7, 422, "invalid_result"),
    ],
)
def test_a_result_of_another_type_is_refused(api: Api, result: object, status: int, code: str) -> None:
    execution_id = submit(api)

    answer = api.put(f"executions/{execution_id}/stub", result)

    assert (answer.status, answer.code) == (status, code)
    assert api.get(f"executions/{execution_id}").status == 425


def test_a_second_result_is_refused_unless_it_is_the_same(api: Api) -> None:
    execution_id = submit(api)
    path = f"executions/{execution_id}/stub"

    statuses = [api.put(path, result).status for result in ({"ok": 7}, {"ok": 7}, {"ok": 8})]

    assert statuses == [200, 200, 409]
    assert api.put(path, {"ok": 8}).code == "already_answered"
    assert api.put(f"executions/{ID}/stub", {"ok": 8}).code == "execution_not_found"
