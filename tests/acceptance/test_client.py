"""The client `obelisk` against a whole site."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.wit.names import FunctionName
from engine.wit.wit_folder import WitFolder
from tests.acceptance.clients import Obelisk
from tests.acceptance.sites import REPOSITORY, Site
from tests.harness.eventually import eventually
from tests.harness.site_database import COMMAND_S

FIBO = "testing:fibo-workflow/workflow.fiboa"
SLOW = "my:app/slow.fail-after"
SLOW_TABLE = """
[[workflow_js]]
ffqn = "my:app/slow.fail-after"
location = "slow.js"
params = [{ name = "seconds", type = "u32" }]
return_type = "result<string, string>"
"""
SLOW_CODE = """
export default function (seconds) {
  console.log("one");
  obelisk.sleep({ seconds });
  console.error("two");
  throw "in vain";
}
"""


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment file with the compiled examples, and a workflow that logs, sleeps, logs and fails."""
    folder = tmp_path_factory.mktemp("deployment")
    examples = REPOSITORY / "examples"
    for name in ("fibo/fibo.wasm", "fibo-workflow/fibo-workflow.wasm", "js/text.wasm"):
        (folder / name).parent.mkdir()
        shutil.copy(examples / name, folder / name)
    (folder / "slow.js").write_text(SLOW_CODE)
    manifest = folder / "deployment.toml"
    manifest.write_text((examples / "compiled.toml").read_text() + SLOW_TABLE)
    return manifest


@pytest.fixture(scope="module")
def obelisk(template: Path, deployment: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Obelisk]:
    site = Site(tmp_path_factory.mktemp("client"))
    shutil.copytree(template, site.data_dir)
    site.start("serve", "--no-job").wait_for("Ctrl-C stops everything")
    client = Obelisk.of(site)
    applied = client("deployment", "apply", str(deployment))
    assert applied.status == 0, applied
    yield client
    site.kill()


def test_a_call_is_followed_to_its_result(obelisk: Obelisk) -> None:
    finished = obelisk("execution", "submit", FIBO, "[10, 20]", "--follow")

    assert (finished.status, finished.out) == (0, "55\n")


def test_a_name_may_be_short_and_parameters_may_stand_by_themselves(obelisk: Obelisk) -> None:
    finished = obelisk("execution", "submit", ".../workflow.fiboa", "--follow", "--json", "--", "10", "2")

    assert finished.status == 0
    assert json.loads(finished.out)["result"] == {"ok": 55}


def test_the_exit_status_tells_how_what_was_followed_ended(obelisk: Obelisk) -> None:
    submitted = obelisk("execution", "submit", SLOW, "[0]", "--follow", "--json")
    assert submitted.status == 1
    ended = json.loads(submitted.out)
    assert ended["result"] == {"err": "in vain"}

    of_it = ended["execution_id"]
    assert obelisk("execution", "result", of_it).status == 1
    assert obelisk("execution", "get", of_it, "--follow", "--json").status == 1
    assert obelisk("execution", "status", of_it, "--follow").status == 1
    # Who only looks has seen it.
    assert obelisk("execution", "get", of_it).status == 0


def test_log_lines_are_followed_until_the_end(obelisk: Obelisk) -> None:
    execution_id = obelisk("execution", "submit", SLOW, "[1]").out.strip()

    followed = obelisk("execution", "logs", execution_id, "--follow")

    assert (followed.status, followed.err) == (0, "")
    assert [line.split(maxsplit=1)[1] for line in followed.out.splitlines()] == ["info   one", "error  two"]
    documents = obelisk("execution", "logs", execution_id, "--follow", "--json", "--level", "error").out.splitlines()
    assert [json.loads(document)["message"] for document in documents] == ["two"]
    (first, second) = obelisk.json("execution", "logs", execution_id)
    later = obelisk(
        "execution", "logs", execution_id, "--after", first["created_at"], "--show-derived", "--show-run-id"
    )
    (line,) = later.out.splitlines()
    assert line.split()[2:] == [second["run_id"], execution_id, "two"]
    assert obelisk("execution", "logs", execution_id, "--limit", "1").out.count("\n") == 1
    assert obelisk("execution", "logs", execution_id, "--stream-type", "stdout").out.count("\n") == 2


def test_every_change_of_a_state_is_told(obelisk: Obelisk) -> None:
    # Long enough for a client to start meanwhile, on a busy machine too.
    execution_id = obelisk("execution", "submit", SLOW, "[8]").out.strip()

    followed = obelisk("execution", "status", execution_id, "--follow", "--json")

    states = [json.loads(line)["pending_state"]["status"] for line in followed.out.splitlines()]
    assert states[-2:] == ["blocked_by_join_set", "finished"]


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

    (found,) = obelisk.json("execution", "list", "--label", "team=ops")
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

    applied = obelisk("deployment", "apply", str(manifest), "--description", "greetings")
    assert applied.status == 0, applied
    deployment_id = applied.out.strip()

    assert obelisk("deployment", "active").out.strip() == deployment_id != before
    assert obelisk("deployment", "verify", before).out == f"{before} can be deployed\n"
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


def test_files_that_nothing_needs_are_deleted(obelisk: Obelisk) -> None:
    would = obelisk("deployment", "gc", "--older-than", "30d", "--dry-run")

    assert (would.status, would.out) == (0, "would be deleted: deployments: 0, files: 0, bytes: 0\n")
    assert obelisk.json("deployment", "gc") == {"deployments": [], "files": 0, "bytes": 0}
    assert obelisk("deployment", "gc", "--older-than", "soon").status == 1


def test_a_deployment_is_verified_without_a_server(obelisk: Obelisk, deployment: Path) -> None:
    nowhere = "http://127.0.0.1:9"

    verified = obelisk("deployment", "verify", str(deployment), url=nowhere)
    assert (verified.status, verified.out.splitlines()[-1]) == (
        0,
        "Verified, nothing was changed: 4 components, 6 functions",
    )
    document = json.loads(obelisk("deployment", "verify", str(deployment), "--json", url=nowhere).out)
    assert "my:app/slow.fail-after" in [each for component in document["components"] for each in component["functions"]]

    wrong = deployment.with_name("wrong.toml")
    wrong.write_text(deployment.read_text().replace("slow.js", "missing.js").replace("u32", "u33"))
    refused = obelisk("deployment", "verify", str(wrong), "--json", url=nowhere)
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.startswith('error: wrong.toml: [[workflow_js]] #1 "my:app/slow.fail-after": ')


def test_a_deployment_is_fetched_with_its_files(obelisk: Obelisk, deployment: Path, tmp_path: Path) -> None:
    deployment_id = obelisk("generate", "deployment-id").out.strip()
    sent = obelisk("deployment", "submit", str(deployment), "--deployment-id", deployment_id)
    assert (sent.status, sent.out) == (0, f"{deployment_id}\n")

    fetched = obelisk("deployment", "get", deployment_id, "--output", str(tmp_path))

    assert fetched.status == 0, fetched
    for path in deployment.parent.rglob("*.*"):
        if path.name != "wrong.toml":
            assert (tmp_path / path.relative_to(deployment.parent)).read_bytes() == path.read_bytes()
    again = obelisk("deployment", "get", deployment_id, "--output", str(tmp_path))
    assert (again.status, again.err) == (
        1,
        f"error: {tmp_path}/deployment.toml is there already; --force writes over it\n",
    )


def test_a_deployment_is_sent_with_its_folders_of_wit(obelisk: Obelisk, tmp_path: Path) -> None:
    example = REPOSITORY / "examples" / "approval-js"
    shutil.copytree(example, tmp_path / "approval-js")
    manifest = tmp_path / "deployment.toml"
    manifest.write_text(
        '[[activity_stub]]\nffqn = "example:approval-js/stubs.approve"\nwit = "approval-js/wit"\n',
    )

    sent = obelisk("deployment", "submit", str(manifest))

    assert (sent.status, sent.err) == (0, "")


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


def test_what_a_component_may_import_is_written_for_its_tools(obelisk: Obelisk, tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "examples" / "fibo-workflow" / "wit", tmp_path / "wit")
    deps = tmp_path / "wit" / "deps"

    assert obelisk("generate", "wit-support", "workflow", str(deps)).status == 0
    assert obelisk("generate", "wit-deps", str(deps)).status == 0

    # The folder is whole: it is read as deploying does, with everything that its world imports.
    texts = {path.relative_to(tmp_path / "wit").as_posix(): path.read_text() for path in deps.parent.rglob("*.wit")}
    function = FunctionName.parse(FIBO)
    assert len(WitFolder(texts, place="wit").exported(function).type.params) == 2
    assert (
        (deps / "testing_fibo-obelisk-ext" / "package.wit")
        .read_text()
        .startswith("package testing:fibo-obelisk-ext;\n\ninterface fibo {\n  use obelisk:types/")
    )
    assert not (deps / "testing_fibo-workflow").exists()


def test_what_is_generated_for_a_component_is_written_without_a_server(obelisk: Obelisk, tmp_path: Path) -> None:
    wit = str(REPOSITORY / "examples" / "fibo" / "wit")

    written = obelisk("generate", "wit-extensions", "activity", wit, str(tmp_path), url="http://127.0.0.1:9")

    assert (written.status, written.err) == (0, "")
    assert written.lines == [
        str(tmp_path / "testing_fibo-obelisk-ext" / "package.wit"),
        str(tmp_path / "testing_fibo-obelisk-schedule" / "package.wit"),
    ]
    refused = obelisk("generate", "wit-extensions", "activity", str(tmp_path), str(tmp_path / "out"))
    assert (refused.status, refused.err) == (1, f"error: {tmp_path.name}: there is no .wit file in it\n")


def test_who_may_not_ask_is_told_what_to_do(obelisk: Obelisk) -> None:
    refused = obelisk("execution", "list", token="wrong")

    assert refused.status == 1
    assert refused.err == ("error: missing or invalid API token (set OBELISK_API_TOKEN, or give --api-token)\n")


def test_a_token_that_may_not_is_told_what_it_lacks(obelisk: Obelisk) -> None:
    created = obelisk.site.check("token", "create", "reader", "--scope", "read").out
    (reader,) = (line for line in created.splitlines() if line.startswith("obelisk_"))

    assert obelisk("execution", "list", token=reader).status == 0
    refused = obelisk("execution", "submit", FIBO, "[10, 1]", token=reader)
    assert (refused.status, refused.out) == (1, "")
    assert refused.err == (
        "error: this needs the scope submit (OBELISK_API_TOKEN or --api-token must name a token that has it)\n"
    )


def test_without_a_server_the_address_is_named(obelisk: Obelisk) -> None:
    lost = obelisk("execution", "list", url="http://127.0.0.1:9")

    assert lost.status == 1
    assert lost.err.startswith("error: no connection to http://127.0.0.1:9; ")
    assert lost.err.count("\n") == 1
    assert "OBELISK_API_URL" in lost.err


def test_who_follows_waits_for_a_server_that_starts_again(template: Path, tmp_path: Path) -> None:
    site = Site(tmp_path)
    shutil.copytree(template, site.data_dir)
    try:
        server = site.start("serve", "--no-job")
        server.wait_for("Ctrl-C stops everything")
        obelisk = Obelisk.of(site)
        execution_id = obelisk("execution", "submit", FIBO, "[10, 20]", "--paused").out.strip()

        with (
            obelisk.start("execution", "result", execution_id, "--follow") as patient,
            obelisk.start("execution", "result", execution_id, "--follow", "--no-reconnect") as hasty,
        ):
            for process in (patient, hasty):
                eventually(psutil.Process(process.pid).net_connections)
            server.signal(signal.SIGTERM)
            server.wait()
            assert hasty.wait(COMMAND_S) == 1
            site.start("serve", "--no-job").wait_for("Ctrl-C stops everything")
            assert obelisk("execution", "unpause", execution_id).status == 0
            out, err = patient.communicate(timeout=COMMAND_S)
        assert (patient.returncode, out) == (0, "55\n")
        assert "trying again" in err
    finally:
        site.kill()
