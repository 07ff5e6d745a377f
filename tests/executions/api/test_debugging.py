"""Replays, steps, upgrades and forks by HTTP, with a real executor; what they do is tested where they are defined."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from components.services import deploy
from engine.log.ids import ExecutionId
from executions.access.scopes import Scope
from executions.deployed import deployed_registry
from executions.operations import replay_places
from executions.operations.submitting import submit
from tests.builders import make_execution_id
from tests.executions.api.clients import Api
from tests.executions.scripts import ADD, SUM, SUM_UP, write_scripts

pytestmark = pytest.mark.django_db(transaction=True)

UNKNOWN = make_execution_id(77)


@pytest.fixture
def paused(api: Api, tmp_path: Path) -> ExecutionId:
    """A workflow that has not begun; nobody would run it."""
    deploy(write_scripts(tmp_path))
    return submit(SUM, [[1, 2]], paused=True).execution_id


def digest_of(ffqn: str) -> str:
    function = deployed_registry().find(ffqn)
    assert function is not None
    return function.component.id.digest


# --- Replay and steps -------------------------------------------------------------------------------------------------


def test_what_has_ended_is_replayed(api: Api, ended: ExecutionId) -> None:
    assert api.put(f"executions/{ended}/replay").json == {"type": "finished", "retval": {"ok": 6}}


def test_a_paused_workflow_is_advanced_by_what_a_replay_captured(api: Api, paused: ExecutionId) -> None:
    path = f"executions/{paused}"
    replayed = api.put(f"{path}/replay").json
    assert replayed["type"] == "advanceable"

    advanced = api.put(f"{path}/advance", {"captured_writes": replayed["captured_writes"][:1]})

    assert (advanced.status, advanced.json["type"]) == (200, "in_progress")
    assert advanced.json["pending_state"]["status"] == "paused"
    again = api.put(f"{path}/advance", {"captured_writes": replayed["captured_writes"][:1]})
    assert (again.status, again.code) == (422, "version_mismatch")
    assert again.json["type"] == "version_mismatch"
    assert again.json["expected"] == api.get(f"{path}/events").json["max_version"] + 1


def test_other_writes_than_a_replays_are_refused(api: Api, paused: ExecutionId) -> None:
    path = f"executions/{paused}"
    writes: Any = api.put(f"{path}/replay").json["captured_writes"]
    writes[0]["type"] = "append_everything"

    refused = api.put(f"{path}/advance", {"captured_writes": writes})

    assert (refused.status, refused.json["type"], refused.code) == (422, "replay_mismatch", "replay_mismatch")
    assert api.put(f"{path}/advance", {"captured_writes": []}).code == "invalid_body"
    assert api.put(f"{path}/advance", {"captured_writes": [7]}).code == "invalid_body"
    assert api.get(f"{path}/events").json["max_version"] == 1


def test_code_that_parts_with_its_history_fails_its_replay(api: Api, ended: ExecutionId, tmp_path: Path) -> None:
    other = SUM_UP.replace("add(total, number)", "add(number, total)")
    deploy(write_scripts(tmp_path, other))
    fork = api.post(f"executions/{ended}/fork", {"version": 4, "dry_run": True})

    assert (fork.status, fork.code, fork.json["type"]) == (409, "replay_failed", "replay_failed")
    assert fork.json["error"]
    assert isinstance(fork.json["captured_writes"], list)


# --- Other versions ---------------------------------------------------------------------------------------------------


def test_an_execution_is_moved_to_another_version(api: Api, paused: ExecutionId, tmp_path: Path) -> None:
    old = digest_of(SUM)
    deploy(write_scripts(tmp_path, SUM_UP + "\n// Another version.\n"))
    body = {"old": old, "new": digest_of(SUM)}

    upgraded = api.put(f"executions/{paused}/upgrade", body)

    assert (upgraded.status, upgraded.json) == (200, {"ok": "upgraded"})
    assert api.get(f"executions/{paused}/status").json["component_digest"] == body["new"]
    assert api.put(f"executions/{paused}/upgrade", body).code == "version_missing"


# --- Forks ------------------------------------------------------------------------------------------------------------


def test_a_fork_begins_with_the_old_history_and_ends_for_itself(api: Api, ended: ExecutionId) -> None:
    (first, *_) = api.get(f"executions/{ended}/responses").json["responses"]
    child = first["event"]["event"]["event"]["child_execution_id"]
    last = api.get(f"executions/{ended}/events").json["max_version"] - 1

    forked = api.post(f"executions/{ended}/fork", {"version": last, "results": {child: {"ok": 1}}})

    assert forked.status == 201, forked.text
    assert api.get(f"executions/{forked.json['ok']}/status").json["ffqn"] == SUM
    assert api.post(f"executions/{ended}/fork", {"version": 99}).code == "fork_refused"
    assert api.post(f"executions/{ended}/fork", {"version": 0, "params": ["x"]}).code == "invalid_call"
    assert api.post(f"executions/{ended}/fork", {"version": last, "results": {child: 7}}).code == "invalid_result"


def test_a_dry_run_starts_nothing(api: Api, ended: ExecutionId) -> None:
    before = api.get("executions").json

    tried = api.post(f"executions/{ended}/fork", {"version": 0, "dry_run": True})

    assert (tried.status, tried.json["type"]) == (200, "advanceable")
    assert api.get("executions").json == before


def test_what_a_workflow_did_is_told_to_those_alone_who_may_read(api: Api, ended: ExecutionId) -> None:
    writing = Api((Scope.SUBMIT, Scope.OPERATE))

    assert writing.put(f"executions/{ended}/replay").code == "missing_scope"
    assert writing.post(f"executions/{ended}/fork", {"version": 0, "dry_run": True}).code == "missing_scope"
    assert writing.post(f"executions/{ended}/fork", {"version": 0, "paused": True}).status == 201


def test_so_many_are_replayed_at_a_time(api: Api, ended: ExecutionId, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_places, "_PATIENCE_S", 0.01)
    with ExitStack() as others:
        for _ in range(replay_places.MOST):
            others.enter_context(replay_places._places)

        refused = api.put(f"executions/{ended}/replay")
        asked = api.get(f"executions/{ended}/locals")

    assert (refused.status, refused.code, refused.headers["Retry-After"]) == (503, "busy", "5")
    assert asked.code == "busy"
    assert api.put(f"executions/{ended}/replay").status == 200


# --- What must not be told --------------------------------------------------------------------------------------------


def test_the_seed_of_random_numbers_stays_a_secret(api: Api, ended: ExecutionId) -> None:
    created = api.get(f"executions/{ended}/events").json["events"][0]["event"]["created"]

    assert created["ffqn"] == SUM
    assert "obelisk-seed" not in created["metadata"]


@pytest.mark.parametrize(
    ("method", "operation", "body"),
    [
        ("PUT", "replay", None),
        ("PUT", "advance", {"captured_writes": [{"version": 1}]}),
        ("PUT", "backtrace/persist", None),
        ("POST", "fork", {"version": 0}),
    ],
)
def test_what_is_no_workflow_is_refused(api: Api, tmp_path: Path, method: str, operation: str, body: Any) -> None:
    deploy(write_scripts(tmp_path))
    activity = submit(ADD, [1, 2]).execution_id
    call = api.put if method == "PUT" else api.post

    assert call(f"executions/{activity}/{operation}", body).code == "no_workflow"
    assert call(f"executions/{UNKNOWN}/{operation}", body).code == "execution_not_found"
