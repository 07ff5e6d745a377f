"""The client `obelisk` against a whole site."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.sites import COMMAND_S, REPOSITORY, Finished, Site

FIBO = "testing:fibo-workflow/workflow.fiboa"
SCRIPT = [sys.executable, "-m", "obelisk.client"]


@dataclass(frozen=True, slots=True)
class Obelisk:
    """The client, as a person at a terminal has it."""

    site: Site
    token: str

    def __call__(self, *arguments: str, token: str | None = None, url: str | None = None) -> Finished:
        environment = {
            **os.environ,
            "OBELISK_API_URL": url or f"http://127.0.0.1:{self.site.port}",
            "OBELISK_API_TOKEN": self.token if token is None else token,
            "PYTHONPATH": str(REPOSITORY),
        }
        done = subprocess.run(
            [*SCRIPT, *arguments], capture_output=True, text=True, timeout=COMMAND_S, env=environment, check=False
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def json(self, *arguments: str) -> Any:
        group, verb, *rest = arguments
        finished = self(group, verb, "--json", *rest)
        assert finished.status == 0, finished
        return json.loads(finished.out)


@pytest.fixture(scope="module")
def obelisk(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Obelisk]:
    site = Site(tmp_path_factory.mktemp("client"))
    shutil.copytree(template, site.data_dir)
    site.start("serve", "--no-job").wait_for("Ctrl-C stops everything")
    yield Obelisk(site, (site.data_dir / "api_token").read_text().strip())
    site.kill()


def test_a_call_is_followed_to_its_result(obelisk: Obelisk) -> None:
    finished = obelisk("execution", "submit", FIBO, "[10, 20]", "--follow")

    assert (finished.status, finished.out) == (0, "55\n")


def test_a_name_may_be_short_and_parameters_may_stand_by_themselves(obelisk: Obelisk) -> None:
    finished = obelisk("execution", "submit", ".../workflow.fiboa", "--follow", "--json", "--", "10", "2")

    assert finished.status == 0
    assert json.loads(finished.out)["result"] == {"ok": 55}


def test_a_call_under_an_id_is_made_once(obelisk: Obelisk) -> None:
    execution_id = obelisk("generate", "execution-id").out.strip()
    call = ("execution", "submit", FIBO, "[10, 1]", "--execution-id", execution_id)

    assert obelisk(*call).out == obelisk(*call).out == f"{execution_id}\n"
    other = obelisk("execution", "submit", FIBO, "[11, 1]", "--execution-id", execution_id)
    assert other.status == 1
    assert other.err == f"error: execution {execution_id} exists with another function or other parameters\n"


def test_what_is_wrong_with_a_call_is_one_sentence(obelisk: Obelisk) -> None:
    finished = obelisk("execution", "submit", FIBO, '["x", 1]')

    assert (finished.status, finished.out) == (1, "")
    assert finished.err.startswith(f"error: {FIBO}: ")
    assert 'expected u8, got "x"' in finished.err
    assert len(finished.err.splitlines()) == 1


def test_a_paused_workflow_is_replayed_advanced_and_let_go(obelisk: Obelisk) -> None:
    execution_id = obelisk("execution", "submit", FIBO, "[10, 1]", "--paused").out.strip()
    assert obelisk("execution", "status", execution_id).out == "paused\n"

    replayed = obelisk.json("execution", "replay", execution_id)
    assert replayed["type"] == "advanceable"
    # The first write is the child's request.
    advanced = obelisk("execution", "advance", execution_id, "--pause-all")
    assert (advanced.status, advanced.out) == (0, "paused\n")
    (child,) = [
        each["execution_id"]
        for each in obelisk.json("execution", "list", "-e", execution_id, "--show-derived")
        if each["execution_id"] != execution_id
    ]
    assert obelisk("execution", "status", child).out == "paused\n"

    assert obelisk("execution", "unpause", child).status == 0
    assert obelisk("execution", "unpause", execution_id).status == 0
    result = obelisk("execution", "result", execution_id, "--follow")
    assert (result.status, result.out) == (0, "55\n")
    assert obelisk("execution", "cancel", execution_id).err == f"error: {execution_id}: already finished\n"
    assert obelisk.json("execution", "replay", execution_id) == {"type": "finished", "retval": {"ok": 55}}


def test_where_a_workflow_made_its_calls_is_found_out(obelisk: Obelisk) -> None:
    execution_id = obelisk("execution", "submit", FIBO, "[10, 3]", "--follow").err.splitlines()[0]

    last = obelisk("execution", "backtrace", execution_id)
    persisted = obelisk("execution", "persist-backtraces", execution_id)

    assert last.status == 0, last
    # The example's binary has no names.
    assert all("<wasm function " in line and line.endswith(" (fibo_workflow)") for line in last.out.splitlines())
    assert (persisted.status, persisted.out) == (0, "2 backtraces are new\n")
    assert obelisk.json("execution", "backtrace", execution_id, "--version", "first")["version_min_including"] == 2
    unknown = obelisk("execution", "backtrace", execution_id, "--version", "0")
    assert (unknown.status, unknown.err) == (1, f"error: no backtrace of {execution_id} is known there\n")


def test_who_paused_it_and_why_is_told(obelisk: Obelisk) -> None:
    later = "testing:fibo-workflow-obelisk-schedule/workflow.fiboa-schedule"
    execution_id = obelisk("execution", "submit", later, '[{"in": {"hours": 1}}, 10, 1]').out.strip()

    assert obelisk("execution", "pause", execution_id, "--reason", "a look").status == 0

    shown = obelisk("execution", "get", execution_id).out
    assert "is paused by token:" in shown
    assert "(a look); unpause it." in shown


def test_a_fork_goes_on_from_an_event_with_another_result(obelisk: Obelisk) -> None:
    execution_id = obelisk("execution", "submit", ".../workflow.fibow", "[10]", "--follow").err.splitlines()[0]
    (child,) = [
        each["execution_id"]
        for each in obelisk.json("execution", "list", "-e", execution_id, "--show-derived")
        if each["execution_id"] != execution_id
    ]

    forked = obelisk("execution", "fork", execution_id, "--from", "4", "--result", f'{child}={{"ok": 7}}')

    assert forked.status == 0, forked
    assert obelisk("execution", "result", forked.out.strip(), "--follow").out == "7\n"
    unknown = obelisk("execution", "signal", execution_id, "paid", "90")
    assert (unknown.status, unknown.out) == (1, "")


def test_executions_are_found_by_their_labels_and_shown(obelisk: Obelisk) -> None:
    execution_id = obelisk(
        "execution", "submit", ".../workflow.fibow", "[10]", "--label", "team=ops", "--follow"
    ).err.splitlines()[0]

    (found,) = obelisk.json("execution", "list", "--label", "team:ops")
    assert found["execution_id"] == execution_id
    shown = obelisk("execution", "get", execution_id)
    assert "team=ops" in shown.out
    assert shown.out.splitlines()[-1] == "55"
    events = obelisk.json("execution", "events", execution_id)["events"]
    assert [event["version"] for event in events] == sorted(event["version"] for event in events)
    (response,) = obelisk.json("execution", "responses", execution_id)["responses"]
    assert response["cursor"] == 1
    assert obelisk.json("execution", "logs", execution_id) == []


def test_a_deployment_is_sent_with_its_files_activated_and_switched_back(obelisk: Obelisk, tmp_path: Path) -> None:
    (tmp_path / "greet.js").write_text('import { to } from "./to.js";\nexport default (name) => to(name);\n')
    (tmp_path / "to.js").write_text("export const to = (name) => `Hello, ${name}`;\n")
    manifest = tmp_path / "deployment.toml"
    manifest.write_text(
        '[[activity_js]]\nffqn = "my:app/greeting.greet"\nlocation = "greet.js"\n'
        'params = [{ name = "name", type = "string" }]\nreturn_type = "result<string, string>"\n'
    )
    before = obelisk("deployment", "active").out.strip()

    verified = obelisk("deployment", "verify", str(manifest))
    assert (verified.err, verified.out) == ("", f"{manifest} can be deployed\n")
    applied = obelisk("deployment", "apply", str(manifest), "--description", "greetings")
    assert applied.status == 0, applied
    deployment_id = applied.out.strip()

    assert obelisk("deployment", "active").out.strip() == deployment_id != before
    assert obelisk.json("execution", "submit", "my:app/greeting.greet", "--follow", "--", '"Ada"')["result"] == {
        "ok": "Hello, Ada"
    }
    assert {file["path"] for file in obelisk.json("deployment", "show", deployment_id)["files"]} == {
        "greet.js",
        "to.js",
    }
    assert "greet.js" in obelisk("deployment", "show", deployment_id).out
    inspected = obelisk("component", "inspect", "greeting.greet")
    assert "my:app/greeting.greet: func(name: string) -> result<string, string>" in inspected.out
    listed = obelisk.json("deployment", "list")
    assert [each["status"] for each in listed[:2]] == ["active", "inactive"]

    enqueued = obelisk("deployment", "enqueue", before, "--allow-unavailable-runtime-config")
    assert (enqueued.status, enqueued.err) == (0, "restart_required\n")
    assert obelisk("deployment", "active").out.strip() == deployment_id
    assert obelisk("deployment", "switch", before).status == 0
    assert obelisk("deployment", "active").out.strip() == before


def test_a_deployment_that_is_wrong_says_where(obelisk: Obelisk, tmp_path: Path) -> None:
    manifest = tmp_path / "deployment.toml"
    manifest.write_text('[[activity_js]]\nffqn = "my:app/greeting.greet"\nlocation = "missing.js"\n')

    finished = obelisk("deployment", "submit", str(manifest))

    assert finished.status == 1
    assert finished.err == f"error: {tmp_path / 'missing.js'} cannot be read: No such file or directory\n"


def test_wit_of_every_component_is_written(obelisk: Obelisk, tmp_path: Path) -> None:
    finished = obelisk("generate", "wit", str(tmp_path / "wit"))

    assert finished.status == 0
    assert "fibo: func(n: u8)" in (tmp_path / "wit" / "fibo.wit").read_text()
    assert obelisk("generate", "wit", str(tmp_path / "wit")).status == 1


def test_who_may_not_ask_is_told_what_to_do(obelisk: Obelisk) -> None:
    refused = obelisk("execution", "list", token="wrong")

    assert refused.status == 1
    assert refused.err == ("error: missing or invalid API token (set OBELISK_API_TOKEN, or give --api-token)\n")


def test_without_a_server_the_address_is_named(obelisk: Obelisk) -> None:
    lost = obelisk("execution", "list", url="http://127.0.0.1:9")

    assert lost.status == 1
    assert lost.err.startswith("error: no connection to http://127.0.0.1:9; ")
