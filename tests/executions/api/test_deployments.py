"""Deployments, components, files and schedules by HTTP; what they do is tested where they are defined."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.asgi import get_asgi_application
from pytest_django import Settings

from components import submission
from components.manifest.files import content_digest
from components.models import Deployment, DeploymentSwitch
from components.runtime_loads import RuntimeLoads
from components.submission import _submitting
from components.switching import _switching
from engine.errors import RuntimeUnavailable
from executions.access.scopes import Scope
from tests.components_app.builders import activity_table, make_wasm, workflow_table
from tests.executions.api.clients import Answer, Api
from tests.executions.api.forms import part, send_form
from tests.executions.deployments import ADD, declared, deploy_declared
from tests.harness.asgi_client import request
from tests.harness.eventually import PATIENCE_S

pytestmark = pytest.mark.django_db

ADDER = make_wasm(exports={"test:adder/api": ["add"]})
CALLER = make_wasm(exports={"test:caller/api": ["call"]}, imports={"test:adder/api": ["add"]})
PAIR = activity_table("adder") + workflow_table("caller")
ID = "Dep_01KBNHM5FQW81KP5Y3XMNX31K4"
UNKNOWN = "Dep_01KBNHM5FQW81KP5Y3XMNX31K5"


@pytest.fixture
def stored(api: Api) -> str:
    """A stored deployment of two components."""
    answer = send_form(
        api,
        part("deployment_toml", PAIR),
        part("file", ADDER, "adder.wasm"),
        part(content_digest(CALLER), CALLER, "caller.wasm"),
    )
    assert answer.status == 200, answer.text
    return str(answer.json["deployment_id"])


# --- Submitting -------------------------------------------------------------------------------------------------------


def test_a_deployment_comes_as_a_form_with_its_files(api: Api, stored: str) -> None:
    document = api.get(f"deployments/{stored}").json

    assert {**document, "created_at": "then"} == {
        "deployment_id": stored,
        "status": "inactive",
        "digest": content_digest(PAIR.encode()),
        "created_at": "then",
        "deployment_toml": PAIR,
        "files": [
            {"path": "adder.wasm", "digest": content_digest(ADDER), "size": len(ADDER)},
            {"path": "caller.wasm", "digest": content_digest(CALLER), "size": len(CALLER)},
        ],
    }
    file = api.get(f"files/{content_digest(ADDER)}")
    assert (file.body, file.headers["Cache-Control"]) == (ADDER, "no-store")
    assert api.get(f"deployments/{stored}", Accept="text/plain").text == PAIR


def test_the_manifest_may_be_a_file_of_the_form_and_paths_have_folders(api: Api) -> None:
    toml = '[[activity_wasm]]\nname = "adder"\nlocation = "wasm/adder.wasm"\n'

    answer = send_form(
        api,
        part("deployment_toml", toml, "deployment.toml"),
        part("description", "from the CI"),
        part("deployment_id", ID),
        part("file", ADDER, "wasm/adder.wasm"),
    )

    assert answer.json == {"deployment_id": ID, "warnings": []}
    deployment = Deployment.objects.get()
    assert (deployment.toml, deployment.description) == (toml, "from the CI")


def test_files_that_are_missing_are_named_and_then_sent(api: Api) -> None:
    toml = activity_table("adder", f'content_digest = "{content_digest(ADDER)}"')

    answer = api.post("deployments", {"deployment_toml": toml})

    assert (answer.status, answer.code) == (409, "files_refused")
    document = answer.json
    assert document["missing_files"] == [
        {
            "section": "activity_wasm",
            "component_name": "adder",
            "field_path": "location",
            "path": "adder.wasm",
            "digest": content_digest(ADDER),
            "message": document["missing_files"][0]["message"],
        }
    ]
    assert [document[key] for key in ("missing_digest_fields", "unexpected_files")] == [[], []]
    assert [document[key] for key in ("digest_mismatches", "oversized_files")] == [[], []]
    assert not Deployment.objects.exists()

    assert send_form(api, part("deployment_toml", toml), part("file", ADDER, "adder.wasm")).status == 200
    assert api.post("deployments", {"deployment_toml": toml, "deployment_id": ID}).json["deployment_id"] == ID
    assert api.post("deployments", {"deployment_toml": toml, "deployment_id": ID}).json["deployment_id"] == ID
    other = api.post("deployments", {"deployment_toml": toml + "max_retries = 1", "deployment_id": ID})
    assert (other.status, other.code) == (409, "deployment_exists")


def test_a_submission_that_would_have_to_wait_for_an_interpreter_is_asked_to_come_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = threading.Event()

    def build(on_progress: Callable[[str], None]) -> None:
        if not may_end.is_set():
            on_progress("building the Python runtime (once, about a minute)")
            may_end.wait(PATIENCE_S)

    runtimes = RuntimeLoads({"python": build}, patience=timedelta(0))
    monkeypatch.setattr(submission, "site_runtimes", runtimes)
    body = {"deployment_toml": '[[activity_py]]\nffqn = "test:py/api.f"\ncontent = "def f() -> str: return 1"\n'}

    answer = api.post("deployments", body)

    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "busy", "10")
    assert answer.json["detail"] == (
        "the server is building the Python runtime (once, about a minute); submit it again in a moment"
    )
    assert api.post("deployments", {"deployment_toml": declared(ADD)}).status == 200
    may_end.set()
    runtimes.begin("python").result(PATIENCE_S)
    assert api.post("deployments", body).status == 200


def test_an_interpreter_that_cannot_be_built_is_the_servers_trouble(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(on_progress: Callable[[str], None]) -> None:
        on_progress("building")
        raise RuntimeUnavailable("installing componentize-py failed with status 1: no network")

    monkeypatch.setattr(submission, "site_runtimes", RuntimeLoads({"python": build}))
    toml = '[[activity_py]]\nffqn = "test:py/api.f"\ncontent = "def f() -> str: return 1"\n'

    answer = api.post("deployments", {"deployment_toml": toml})

    assert (answer.status, answer.code) == (503, "runtime_unavailable")
    assert answer.json["detail"] == "installing componentize-py failed with status 1: no network"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_body"),
        ({"deployment_toml": 1}, "invalid_body"),
        ({"deployment_toml": "", "file": ""}, "invalid_body"),
        ({"deployment_toml": "a = "}, "deployment_refused"),
        ({"deployment_toml": activity_table("adder"), "deployment_id": "x"}, "deployment_refused"),
    ],
)
def test_what_is_no_deployment_is_refused(api: Api, body: Any, code: str) -> None:
    assert api.post("deployments", body).code == code


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([], "invalid_body"),
        ([part("deployment_toml", PAIR), part("other", "x")], "invalid_body"),
        ([part("deployment_toml", PAIR), part("deployment_toml", PAIR)], "invalid_body"),
        ([part("deployment_toml", PAIR), part("deployment_toml", PAIR, "d.toml")], "invalid_body"),
        ([part("deployment_toml", b"\xff", "d.toml")], "invalid_body"),
        ([part("deployment_toml", PAIR), part("allow_unavailable_runtime_config", "perhaps")], "invalid_body"),
        ([part("deployment_toml", PAIR), part("file", b"", "../adder.wasm")], "invalid_body"),
        ([part("deployment_toml", PAIR), part("file", b"", "/adder.wasm")], "invalid_body"),
        ([part("deployment_toml", PAIR), *[part("file", ADDER, "adder.wasm")] * 2], "invalid_body"),
        ([part("deployment_toml", PAIR), part(content_digest(CALLER), ADDER, "adder.wasm")], "files_refused"),
        ([b"--limit\r\nnonsense"], "invalid_body"),
    ],
)
def test_what_is_no_form_is_refused(api: Api, parts: list[bytes], code: str) -> None:
    assert send_form(api, *parts).code == code
    assert not Deployment.objects.exists()


def test_a_form_may_be_so_large(api: Api, settings: Settings) -> None:
    settings.OBELISK_DEPLOYMENT_BYTES = 2000

    answer = send_form(api, part("deployment_toml", PAIR), part("file", b"x" * 3000, "adder.wasm"))

    assert (answer.status, answer.code) == (413, "body_too_large")


@pytest.mark.django_db(transaction=True)
def test_a_body_without_a_length_counts(api: Api, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["obelisk.test"]
    headers = [
        ("authorization", f"Bearer {api.token}"),
        ("accept", "application/json"),
        ("content-type", "application/json"),
    ]

    answer = request(
        get_asgi_application(), "PUT", "/v1/deployments/x/switch", headers=headers, body=b'{"apply": "yes"}'
    )

    assert (answer.status, orjson.loads(answer.body)["code"]) == (400, "invalid_body")


def test_somebody_elses_submission_or_switch_comes_first(api: Api, stored: str) -> None:
    with _submitting():
        answer = api.post("deployments", {"deployment_toml": PAIR})
    assert (answer.status, answer.code) == (503, "busy")
    with _switching():
        assert api.put(f"deployments/{stored}/switch", {"apply": True}).code == "busy"


# --- Switching --------------------------------------------------------------------------------------------------------


def test_a_deployment_is_switched_to_now_or_at_the_next_start(api: Api, stored: str) -> None:
    assert api.get("deployment-id").code == "deployment_not_found"

    assert api.put(f"deployments/{stored}/switch").json == {"ok": "restart_required"}
    assert api.get(f"deployments/{stored}").json["status"] == "enqueued"
    assert api.put(f"deployments/{stored}/switch", {"apply": True}).json == {"ok": "switched"}

    assert api.get("deployment-id", Accept="*/*").text == stored
    assert api.get("deployment-id").json == stored
    assert api.get(f"deployments/{stored}").json["last_active_at"]


def test_who_switched_and_why_is_kept(api: Api, stored: str) -> None:
    api.put(f"deployments/{stored}/switch", {"apply": True, "reason": "faster"})

    [kept] = DeploymentSwitch.objects.newest_of(stored, limit=9)
    assert (kept.kind, kept.reason) == ("activated", "faster")
    assert kept.actor.startswith("token:")
    assert api.put(f"deployments/{stored}/switch", {"reason": "x" * 501}).code == "invalid_body"


def test_what_cannot_be_run_is_not_switched_to(api: Api) -> None:
    toml = activity_table("adder", 'env_vars = ["NOT_SET_HERE"]')
    parts = [part("deployment_toml", toml), part("file", ADDER, "adder.wasm")]
    assert send_form(api, *parts).code == "deployment_refused"
    stored = send_form(api, *parts, part("allow_unavailable_runtime_config", "true")).json["deployment_id"]
    path = f"deployments/{stored}/switch"

    assert api.post(f"deployments/{stored}/verify", None).json["problems"] == []
    assert "NOT_SET_HERE" in api.post(f"deployments/{stored}/verify", None).json["unavailable"][0]
    assert (api.put(path, {"apply": True}).status, api.put(path, {"apply": True}).code) == (400, "deployment_refused")
    assert api.put(path).code == "deployment_refused"
    assert api.put(path, {"hot_redeploy": True, "allow_unavailable_runtime_config": True}).code == "invalid_body"
    assert api.put(path, {"allow_unavailable_runtime_config": True}).json == {"ok": "restart_required"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PUT", "/switch"),
        ("POST", "/verify"),
        ("POST", "/rehearsal"),
        ("GET", f"/diff/{UNKNOWN}"),
    ],
)
def test_what_is_not_there_is_said(api: Api, method: str, path: str) -> None:
    assert api.send(method, f"deployments/{UNKNOWN}{path}").code == "deployment_not_found"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "deployments"), ("PUT", f"deployments/{ID}/switch"), ("POST", f"deployments/{ID}/rehearsal")],
)
def test_changing_needs_the_scope_of_deployers(method: str, path: str) -> None:
    assert Api([Scope.READ, Scope.SUBMIT, Scope.OPERATE]).send(method, path).code == "missing_scope"


# --- Reading ----------------------------------------------------------------------------------------------------------


def test_deployments_are_listed_newest_first_with_counts(api: Api, tmp_path: Path) -> None:
    ids = [deploy_declared(tmp_path, f"# {number}\n") for number in range(3)][::-1]
    for params in ([1, []], [2, []]):
        api.post("executions", {"ffqn": ADD, "params": params})
    paused = api.post("executions", {"ffqn": ADD, "params": [3, []], "paused": True}).json["ok"]
    done = api.post("executions", {"ffqn": ADD, "params": [4, []]}).json["ok"]
    api.put(f"executions/{done}/stub", {"ok": 7})
    assert paused

    [first, second] = api.get("deployments", {"length": 2, "include_component_summary": "true"}).json

    assert [first["deployment_id"], second["deployment_id"]] == ids[:2]
    assert (first["status"], second["status"]) == ("active", "inactive")
    counts = {key: value for key, value in first.items() if isinstance(value, int) and value}
    assert counts == {"pending": 2, "paused": 1, "finished_ok": 1}
    assert first["component_summary"] == {
        "components": [{"component_type": "activity", "count": 1}, {"component_type": "activity_stub", "count": 1}]
    }
    assert "component_summary" not in api.get("deployments").json[0]
    older = api.get("deployments", {"cursor_from": ids[1]}).json
    assert [each["deployment_id"] for each in older] == ids[2:]
    including = api.get("deployments", {"cursor_from": ids[1], "including_cursor": "true", "length": 1}).json
    assert [each["deployment_id"] for each in including] == [ids[1]]
    assert api.get("deployments", {"cursor_from": UNKNOWN}).code == "invalid_cursor"


def test_two_deployments_are_compared(api: Api, stored: str) -> None:
    toml = activity_table("adder", f'content_digest = "{content_digest(ADDER)}"\nmax_retries = 1')
    other = api.post("deployments", {"deployment_toml": toml}).json["deployment_id"]

    diff = api.get(f"deployments/{stored}/diff/{other}").json

    assert diff["components_removed"] == ["caller"]
    assert diff["components_changed"] == [
        {"name": "adder", "digests": None, "config": [{"key": "retry.max_retries", "before": 5, "after": 1}]}
    ]
    text = api.get(f"deployments/{stored}/diff/{other}", Accept="text/plain").text
    assert "- function test:caller/api.call\n" in text


def names(answer: Answer) -> list[str]:
    return [each["component_id"]["name"] for each in answer.json]


def test_components_are_filtered_and_described(api: Api, stored: str) -> None:
    api.put(f"deployments/{stored}/switch", {"apply": True})
    adder, caller = api.get("components").json[:2]

    assert adder == {
        "component_id": {"component_type": "activity", "name": "adder", "component_digest": content_digest(ADDER)},
        "files": [
            {"file": {"path": "adder.wasm", "digest": content_digest(ADDER), "size": len(ADDER)}, "role": "binary"}
        ],
    }
    assert caller["component_id"]["name"] == "caller"
    assert names(api.get("components", {"type": "workflow"})) == ["caller"]
    assert names(api.get("components", {"name": "adder"})) == ["adder"]
    assert names(api.get("components", {"digest": content_digest(CALLER)})) == ["caller"]
    assert names(api.get("components", {"ffqn": "test:adder/api.add"})) == ["adder"]
    assert names(api.get("components", {"deployment_id": stored})) == ["adder", "caller"]
    assert api.get("components", {"deployment_id": UNKNOWN}).code == "deployment_not_found"
    assert api.get("components", {"type": "wasm"}).code == "invalid_parameter"

    query = {"name": "caller", "imports": "true", "exports": "true", "extensions": "true", "submittable": "true"}
    [document] = api.get("components", query).json
    function = {"parameter_types": [], "return_type": "result"}
    assert document["imports"] == [{"ffqn": "test:adder/api.add", **function, "submittable": False}]
    assert document["exports"][0] == {"ffqn": "test:caller/api.call", **function, "submittable": True}
    assert [each["extension"] for each in document["exports"][1:]] == ["schedule"]


def test_the_wit_of_a_component_has_what_is_generated(api: Api, stored: str, tmp_path: Path) -> None:
    path = f"components/{content_digest(ADDER)}/wit"
    assert api.get(path).code == "component_not_found"

    text = api.get(path, {"deployment_id": stored}).text

    assert "export test:adder/api;" in text
    assert "export test:adder-obelisk-ext/api;" in text
    assert "add-submit: func(" in text
    api.put(f"deployments/{stored}/switch", {"apply": True})
    assert api.get(path).text == text
    assert api.get("files/sha256:1").code == "file_not_found"


def test_the_wit_of_all_that_can_be_called_is_one_text(api: Api, stored: str) -> None:
    assert api.get("wit", {"deployment_id": UNKNOWN}).code == "deployment_not_found"
    assert "test:adder" not in api.get("wit").text

    text = api.get("wit", {"deployment_id": stored}).text

    packages = [line.split()[1] for line in text.splitlines() if line.startswith("package") and line.endswith("{")]
    assert packages[:2] == ["test:adder", "test:adder-obelisk-ext"]
    assert "test:caller-obelisk-schedule" in packages
    api.put(f"deployments/{stored}/switch", {"apply": True})
    # Activities of installed apps can be called as well.
    assert "package django:shop {" in api.get("wit").text


# --- Schedules --------------------------------------------------------------------------------------------------------

CRON = f"""
[[cron]]
name = "nightly"
ffqn = "{ADD}"
params = '[1, ["x"]]'
schedule = "30 2 * * *"
timezone = "Europe/Berlin"
"""


def test_schedules_are_listed_and_what_they_start_is_started_out_of_turn(api: Api, tmp_path: Path) -> None:
    deploy_declared(tmp_path, CRON)

    [cron] = api.get("crons").json
    started = api.post("crons/nightly/trigger", None)

    assert {key: cron[key] for key in ("name", "ffqn", "params", "schedule", "timezone", "missed", "status")} == {
        "name": "nightly",
        "ffqn": ADD,
        "params": [1, ["x"]],
        "schedule": "30 2 * * *",
        "timezone": "Europe/Berlin",
        "missed": "run_once",
        "status": "waiting_for_executor",
    }
    assert started.status == 201
    assert api.get(f"executions/{started.json['ok']}/status").json["labels"] == {"cron": "nightly"}
    assert api.put("crons/nightly/pause").code == "execution_not_found"
    assert api.put("crons/nightly/skip").code == "execution_not_found"
    assert api.post("crons/weekly/trigger", None).code == "cron_not_found"
    assert Api([Scope.READ]).put("crons/nightly/pause").code == "missing_scope"
