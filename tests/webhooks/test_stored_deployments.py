"""A deployment that was submitted over HTTP runs from the database alone, whatever kinds of files it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pytest_django import Settings

from components import guest_runtimes
from components.manifest.files import content_digest
from components.models import Blob, Component
from components.switching import switch_now
from executions.journal.journal import SqlJournal
from executions.testing import DeployedApp
from tests.components_app.builders import activity_table, make_wasm
from tests.executions.api.clients import Api
from tests.executions.api.forms import submit_files
from tests.executions.deployments import PING
from tests.harness.asgi_client import request
from tests.harness.hosts import running_host
from webhooks.application import WebhookApplication

pytestmark = pytest.mark.django_db(transaction=True)


def wit(interface: str, function: str) -> bytes:
    record = "record item { article: string, count: u32 }"
    types = f"interface {interface} {{ {record} {function}: func(item: item) -> result<string, string>; }}"
    return f"package test:{interface};\n{types}\nworld w {{ export {interface}; }}\n".encode()


TOML = """
[[activity_wasm]]
name = "ping"
location = "wasm/ping.wasm"

[[workflow_wasm]]
name = "caller"
location = "wasm/caller.wasm"
backtrace.sources = { ".../lib.rs" = "src/lib.rs" }

[[activity_stub]]
name = "stubs"
location = "wasm/stubs.wasm"

[[activity_stub]]
ffqn = "test:people/people.ask"
wit = "wit/people"

[[activity_external]]
ffqn = "test:outside/outside.fetch"
wit = "wit/outside"

[[activity_exec]]
ffqn = "test:program/program.greet"
location = "bin/greet.sh"
wit = "wit/program"
exec.lock_expiry.seconds = 30

[[activity_js]]
ffqn = "test:js/js.describe"
location = "js/main.js"
wit = "wit/js"

[[workflow_js]]
ffqn = "test:flow/flow.run"
location = "js/flow.js"
wit = "wit/flow"

[[activity_py]]
ffqn = "test:py/py.describe"
location = "py/single.py"
files = ["py/shared.py"]
wit = "wit/py"

[[python]]
name = "app"
location = "py/app.py"
files = ["py/shared.py"]

[[webhook_endpoint_js]]
name = "desk-js"
location = "js/desk.js"
routes = ["/desk-js"]

[[webhook_endpoint_py]]
name = "desk-py"
location = "py/desk.py"
files = ["py/shared.py"]
routes = ["/desk-py"]
"""
ITEM = {"article": "pen", "count": 3}
FILES = {
    "wasm/ping.wasm": make_wasm(exports={"test:ping/api": ["ping"]}),
    "wasm/caller.wasm": make_wasm(exports={"test:caller/api": ["call"]}, imports={"test:ping/api": ["ping"]}),
    "wasm/stubs.wasm": make_wasm(exports={"test:stubs/api": ["decide"]}),
    "src/lib.rs": b"fn call() {}\n",
    "bin/greet.sh": b"#!/bin/sh\nprintf '\"from the shell\"'\n",
    "js/main.js": b'import { name } from "./lib/name.js";\nexport default (item) => `${name} ${item.article}`;\n',
    "js/lib/name.js": b'export const name = "js";\n',
    "js/flow.js": b'import { describe } from "test:js/js";\nexport default (item) => `flow of ${describe(item)}`;\n',
    "js/desk.js": b'import { name } from "./lib/name.js";\nexport default () => new Response(`desk of ${name}`);\n',
    "py/shared.py": b'PACKAGE = "test:shared"\nNAME = "py"\n',
    "py/single.py": b"from shared import NAME\n\ndef describe(item):\n    return f\"{NAME} {item['article']}\"\n",
    "py/app.py": (
        b'from obelisk import activity, workflow\nfrom shared import NAME\n\nPACKAGE = "test:app"\n\n'
        b"@activity\ndef upper(text: str) -> str:\n    return text.upper()\n\n"
        b'@workflow\ndef flow() -> str:\n    return upper(f"app of {NAME}")\n'
    ),
    "py/desk.py": (
        b"from obelisk import Request, Response, webhook\nfrom shared import NAME\n\n"
        b'@webhook\ndef handle(request: Request) -> Response:\n    return Response(f"desk of {NAME}")\n'
    ),
    "wit/people/people.wit": wit("people", "ask"),
    "wit/outside/outside.wit": wit("outside", "fetch"),
    "wit/program/program.wit": wit("program", "greet"),
    "wit/js/js.wit": wit("js", "describe"),
    "wit/flow/flow.wit": wit("flow", "run"),
    "wit/py/py.wit": wit("py", "describe"),
}


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture(autouse=True)
def operator(settings: Settings, tmp_path: Path) -> None:
    """Has the operator allow programs."""
    server = tmp_path / "server.toml"
    server.write_text("allow_exec_activities = true\n")
    settings.OBELISK_SERVER_CONFIG = str(server)


@pytest.fixture
def app() -> Iterator[DeployedApp]:
    with running_host(), closing(SqlJournal.dedicated()) as journal:
        yield DeployedApp(journal)


@pytest.fixture
def switched_back(api: Api, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A deployment of every kind of file that was switched away from and back to, where there is no file of it."""
    guest_runtimes.load_python_runtime(print)  # a submission waits for no longer than a client would
    deployment_id = submit_files(api, TOML, FILES)
    switch_now(deployment_id)
    switch_now(submit_files(api, activity_table("ping"), {"ping.wasm": FILES["wasm/ping.wasm"]}))
    settings.OBELISK_RUNTIMES_DIR = tmp_path / "none"
    monkeypatch.setattr(guest_runtimes, "_loaded", {})
    switch_now(deployment_id)
    return deployment_id


def test_every_kind_of_component_runs_from_the_database(
    switched_back: str, app: DeployedApp, application: WebhookApplication, api: Api
) -> None:
    assert app.run(PING) == {"ok": None}
    assert app.run("test:caller/api.call") == {"ok": None}
    assert app.run("test:program/program.greet", ITEM) == {"ok": "from the shell"}
    assert app.run("test:js/js.describe", ITEM) == {"ok": "js pen"}
    assert app.run("test:flow/flow.run", ITEM) == {"ok": "flow of js pen"}
    assert app.run("test:py/py.describe", ITEM) == {"ok": "py pen"}
    assert app.run("test:app/workflows.flow") == {"ok": "APP OF PY"}
    asked = app.submit("test:outside/outside.fetch", ITEM)
    assert api.put(f"executions/{asked}/stub", {"ok": "fetched"}).status == 200
    assert app.result(asked) == {"ok": "fetched"}
    for name in ("js", "py"):
        assert request(application, "GET", f"/hooks/desk-{name}").text == f"desk of {name}"
    people = Component.objects.get(deployment=switched_back, name="people.ask")
    assert "record item {" in api.get(f"components/{people.digest}/wit").text


def test_every_file_is_kept_under_its_name(switched_back: str, api: Api) -> None:
    listed = {file["path"]: file["digest"] for file in api.get(f"deployments/{switched_back}").json["files"]}

    assert listed == {path: content_digest(content) for path, content in FILES.items()}
    assert all(bytes(Blob.objects.get(pk=listed[path]).content) == FILES[path] for path in listed)
    # So the deployment can be sent again with what the API gives back, to another site, say.
    assert submit_files(api, TOML, {path: api.get(f"files/{listed[path]}").body for path in listed})


def test_the_wit_of_a_function_says_what_it_is(switched_back: str, api: Api) -> None:
    [component] = api.get("components", {"name": "people.ask"}).json

    assert [(each["file"]["path"], each["role"]) for each in component["files"]] == [
        ("wit/people/people.wit", "wit_source")
    ]
