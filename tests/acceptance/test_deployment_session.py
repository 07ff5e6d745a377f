"""Deployments over HTTP alone: sent with their files, rehearsed, switched to and back; what is under way goes along.

Source:
    Obelisk reference, section 9.2; rehearsals are ours.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest

from tests.acceptance.workshops import Workshop, workshop
from tests.components_app.builders import activity_table, make_wasm
from tests.executions.scripts import MANIFEST, SUM, write_scripts
from tests.harness.eventually import eventually

UNKNOWN = "Dep_01KBNHM5FQW81KP5Y3XMNX31K4"
ASK_FIRST = """
import { add } from 'test:js/math';
import { ask } from 'test:js/human';
export default (numbers) => add(ask(), numbers[0]);
"""
AND_A_HUNDRED = ASK_FIRST.replace("numbers[0]", "numbers[0] + 100")
WITHOUT_ASKING = ASK_FIRST.replace("ask()", "1")
STUB = '[[activity_stub]]\nname = "d"\nffqn = "a:b/c.d"\nparams = []\nreturn_type = "result"\n'
WEBHOOK = "[[webhook_endpoint_js]]\nname = \"w\"\ncontent = 'export default () => new Response()'\n"
LIST_KEYS = {
    "deployment_id",
    "status",
    "digest",
    "created_at",
    "locked",
    "pending",
    "scheduled",
    "blocked",
    "paused",
    "cancelling",
    "finished_ok",
    "finished_error",
    "finished_execution_failure",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("deployments")
    with workshop(folder, write_scripts(folder, ASK_FIRST)) as served:
        yield served


@pytest.fixture
def first(shop: Workshop) -> Iterator[str]:
    """The deployment that is active when the test begins, and will be again."""
    _, active = shop.client.send("GET", "deployment-id")
    yield active
    shop.client.send("PUT", f"deployments/{active}/switch", {"apply": True})


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def submit_scripts(shop: Workshop, flow: str, extra: str = "") -> str:
    """Submit the deployment whose workflow is another program, as JSON; return its id."""
    toml = MANIFEST.format(flow=flow, extra=extra)
    status, document = shop.client.send("POST", "deployments", {"deployment_toml": toml})
    assert status == 200, document
    return str(document["deployment_id"])


def switch(shop: Workshop, deployment_id: str) -> None:
    path = f"deployments/{deployment_id}/switch"
    assert shop.client.send("PUT", path, {"apply": True}) == (200, {"ok": "switched"})


def asking(shop: Workshop) -> tuple[str, str]:
    """Start a workflow that waits for an answer, and wait until its run has ended; return its id and the stub's."""
    target = shop.submit(SUM, [[1]])
    newest = f"executions/{target}/events?direction=older&length=1"
    eventually(lambda: "unlocked" in shop.client.send("GET", newest)[1]["events"][0]["event"])
    (stub,) = shop.client.send("GET", f"executions?parent={target}")[1]
    return target, stub["execution_id"]


def answer(shop: Workshop, stub: str) -> None:
    assert shop.client.send("PUT", f"executions/{stub}/stub", {"ok": 5})[0] == 200


# --- Sending ----------------------------------------------------------------------------------------------------------


def test_files_that_are_missing_are_named_then_sent_and_not_asked_for_again(shop: Workshop, first: str) -> None:
    content = make_wasm(exports={"test:pair/api": ["run"]})
    digest = digest_of(content)
    toml = activity_table("pair", f'content_digest = "{digest}"')
    _, before = shop.client.send("GET", "deployments")

    status, refused = shop.client.send("POST", "deployments", {"deployment_toml": toml})
    assert (status, refused["code"]) == (409, "files_refused")
    kinds = {"missing_digest_fields", "missing_files", "unexpected_files", "digest_mismatches", "oversized_files"}
    assert kinds <= set(refused)
    (issue,) = refused["missing_files"]
    assert set(issue) == {"section", "component_name", "field_path", "path", "digest", "message"}
    assert (issue["section"], issue["component_name"], issue["path"], issue["digest"]) == (
        "activity_wasm",
        "pair",
        "pair.wasm",
        digest,
    )
    wrong = shop.client.send_form("deployments", ("deployment_toml", toml, None), (digest, b"other bytes", "pair.wasm"))
    assert (wrong.status, {each["path"] for each in wrong.json["digest_mismatches"]}) == (409, {"pair.wasm"})
    stray = shop.client.send_form(
        "deployments", ("deployment_toml", toml, None), (digest, content, "pair.wasm"), ("file", b"", "x.js")
    )
    assert (stray.status, [each["path"] for each in stray.json["unexpected_files"]]) == (409, ["x.js"])
    _, undigested = shop.client.send("POST", "deployments", {"deployment_toml": activity_table("pair")})
    (issue,) = undigested["missing_digest_fields"]
    assert set(issue) == {"section", "component_name", "field_path", "path", "message"}
    assert shop.client.send("GET", "deployments") == (200, before)
    assert shop.client.ask("GET", f"files/{digest}").problem[:2] == (404, "file_not_found")

    sent = shop.client.send_form(
        "deployments", ("deployment_toml", toml, None), ("description", "a pair", None), (digest, content, "pair.wasm")
    )
    assert sent.status == 200, sent.body
    deployment_id = sent.json["deployment_id"]
    again = {"deployment_toml": toml, "deployment_id": deployment_id}
    assert shop.client.send("POST", "deployments", again)[1]["deployment_id"] == deployment_id
    other = shop.client.ask("POST", "deployments", {**again, "deployment_toml": toml + "max_retries = 1"})
    assert other.problem[:2] == (409, "deployment_exists")
    by_digest = shop.client.send("POST", "deployments", {"deployment_toml": toml})
    assert by_digest[0] == 200  # its file is stored

    file = shop.client.ask("GET", f"files/{digest}")
    assert (file.status, file.body, file.headers["Content-Type"]) == (200, content, "application/octet-stream")
    _, shown = shop.client.send("GET", f"deployments/{deployment_id}?include_generated_metadata=true")
    assert {key: shown[key] for key in shown if key != "created_at"} == {
        "deployment_id": deployment_id,
        "status": "inactive",
        "digest": digest_of(toml.encode()),
        "description": "a pair",
        "deployment_toml": toml,
        "files": [{"path": "pair.wasm", "digest": digest, "size": len(content)}],
    }
    assert shop.client.text("GET", f"deployments/{deployment_id}") == (200, toml)


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("[[activity_wasm", "this is not TOML"),
        ("nonsense = 1", "nonsense"),
        (MANIFEST.format(flow=ASK_FIRST.replace("test:js/math", "no:body/x"), extra=""), "no:body/x"),
        (MANIFEST.format(flow=ASK_FIRST, extra="").replace('"b", type = "u32"', '"b", type = "u33"'), "u33"),
        (STUB + '[[cron]]\nname = "c"\nffqn = "a:b/c.d"\nschedule = "61 * * * *"\n', "61"),
        (STUB + '[[cron]]\nname = "c"\nffqn = "a:b/c.x"\nschedule = "@daily"\n', "a:b/c.x"),
        (WEBHOOK + 'routes = ["/a", "/a"]', "/a"),
        (WEBHOOK + 'routes = ["/a"]\nverify = { provider = "github", secret = "MISSING" }', "MISSING"),
        (WEBHOOK + 'routes = ["/a"]\nenv_vars = ["NOT_SET_HERE"]', "NOT_SET_HERE"),
    ],
)
def test_what_cannot_be_deployed_is_refused(shop: Workshop, toml: str, says: str) -> None:
    _, before = shop.client.send("GET", "deployments")

    status, code, err = shop.client.ask("POST", "deployments", {"deployment_toml": toml}).problem

    assert (status, code) == (400, "deployment_refused")
    assert says in err
    assert shop.client.send("GET", "deployments") == (200, before)


def test_deployments_are_listed_newest_first_with_counts(shop: Workshop, first: str) -> None:
    later = [submit_scripts(shop, ASK_FIRST) for _ in range(2)]

    _, listed = shop.client.send("GET", "deployments?length=2&include_component_summary=true")
    _, older = shop.client.send("GET", f"deployments?cursor_from={later[1]}&length=1")
    _, everything = shop.client.send("GET", "deployments?include_derived=true")

    assert [each["deployment_id"] for each in listed] == later[::-1]
    assert set(listed[0]) == LIST_KEYS | {"component_summary"}
    kinds = {each["component_type"]: each["count"] for each in listed[0]["component_summary"]["components"]}
    assert kinds == {"workflow": 1, "activity": 1, "activity_stub": 1}
    assert [each["deployment_id"] for each in older] == later[:1]
    (active,) = [each for each in everything if each["status"] == "active"]
    assert set(active) >= LIST_KEYS | {"last_active_at"}
    assert active["deployment_id"] == first


# --- Switching --------------------------------------------------------------------------------------------------------


def test_a_deployment_is_switched_to_and_back_while_the_executor_runs(shop: Workshop, first: str) -> None:
    toml = "[[activity_js]]\nffqn = 'my:app/greeting.greet'\ncontent = 'export default () => \"hello\"'\n"
    toml += 'params = []\nreturn_type = "result<string, string>"\n'
    _, document = shop.client.send("POST", "deployments", {"deployment_toml": toml})
    other = document["deployment_id"]
    path = f"deployments/{other}/switch"

    assert shop.client.send("PUT", path) == (200, {"ok": "restart_required"})
    assert shop.client.send("GET", f"deployments/{other}")[1]["status"] == "enqueued"
    assert shop.client.send("GET", "deployment-id") == (200, first)
    both = {"apply": True, "allow_unavailable_runtime_config": True}
    assert shop.client.ask("PUT", path, both).problem[:2] == (400, "invalid_body")
    assert shop.client.ask("PUT", f"deployments/{UNKNOWN}/switch", {"apply": True}).problem[:2] == (
        404,
        "deployment_not_found",
    )
    assert shop.client.text("PUT", path, {"hot_redeploy": True}) == (200, "switched")

    assert shop.client.send("GET", "deployment-id") == (200, other)
    call = {"ffqn": "my:app/greeting.greet", "params": []}
    assert shop.client.send("POST", "executions?follow=true", call) == (201, {"ok": "hello"})
    gone = shop.client.ask("POST", "executions", {"ffqn": SUM, "params": [[1]]})
    assert gone.problem == (404, "function_not_found", "ffqn not found")
    switch(shop, first)
    assert shop.client.ask("POST", "executions", call).problem[0] == 404


def test_a_rehearsal_tells_which_would_diverge_and_where_before_anything_changes(shop: Workshop, first: str) -> None:
    target, stub = asking(shop)
    follows, parts = submit_scripts(shop, AND_A_HUNDRED), submit_scripts(shop, WITHOUT_ASKING)
    _, before = shop.client.send("GET", f"executions/{target}/events")

    _, good = shop.client.send("POST", f"deployments/{follows}/rehearsal")
    _, bad = shop.client.send("POST", f"deployments/{parts}/rehearsal")

    assert (good["compatible"], good["divergences"]) == (good["total"], [])
    (divergence,) = [each for each in bad["divergences"] if each["execution_id"] == target]
    (asked,) = [
        each["version"]
        for each in before["events"]
        if each["event"].get("history_event", {}).get("event", {}).get("type") == "join_set_create"
    ]
    assert divergence["version"] == asked
    assert f"version {asked}" in divergence["error"]
    assert shop.client.send("GET", f"executions/{target}/events") == (200, before)
    assert shop.client.send("GET", "deployment-id") == (200, first)
    answer(shop, stub)
    assert shop.result(target) == {"ok": 6}


def test_two_deployments_are_compared(shop: Workshop, first: str) -> None:
    other = submit_scripts(shop, ASK_FIRST, "exec.lock_expiry.seconds = 7")

    _, diff = shop.client.send("GET", f"deployments/{first}/diff/{other}")

    (changed,) = diff["components_changed"]
    assert (changed["name"], [each["key"] for each in changed["config"]]) == ("flows.sum", ["exec.lock_expiry_ms"])
    assert shop.client.send("POST", f"deployments/{other}/verify") == (200, {"problems": [], "unavailable": []})


# --- What is under way ------------------------------------------------------------------------------------------------


def test_a_workflow_goes_over_to_the_new_version_by_itself(shop: Workshop, first: str) -> None:
    target, stub = asking(shop)
    old = shop.status(target)["component_digest"]

    switch(shop, submit_scripts(shop, AND_A_HUNDRED))
    answer(shop, stub)

    assert shop.result(target) == {"ok": 106}
    assert shop.status(target)["component_digest"] != old


def test_a_workflow_that_the_new_version_cannot_follow_waits_and_says_so(shop: Workshop, first: str) -> None:
    target, stub = asking(shop)

    switch(shop, submit_scripts(shop, WITHOUT_ASKING))
    answer(shop, stub)

    said = eventually(lambda: _explained(shop, target, "replay"))
    assert "version" in said
    switch(shop, first)
    assert shop.result(target) == {"ok": 6}


def test_a_workflow_that_keeps_its_version_waits_for_it(shop: Workshop, first: str) -> None:
    keeping = 'exec.locking_strategy = "by_component_digest"'
    pinned = submit_scripts(shop, ASK_FIRST, keeping)
    switch(shop, pinned)
    target, stub = asking(shop)

    switch(shop, submit_scripts(shop, AND_A_HUNDRED, keeping))
    answer(shop, stub)

    assert eventually(lambda: _explained(shop, target, "version"))
    switch(shop, pinned)
    assert shop.result(target) == {"ok": 6}


def test_an_execution_is_upgraded_after_a_replay(shop: Workshop, first: str) -> None:
    target, stub = asking(shop)
    shop.client.send("PUT", f"executions/{target}/pause")
    path, old = f"executions/{target}/upgrade", shop.status(target)["component_digest"]

    def digest_after(flow: str) -> str:
        switch(shop, submit_scripts(shop, flow))
        (workflow,) = shop.client.send("GET", "components?type=workflow")[1]
        return str(workflow["component_id"]["component_digest"])

    parting = digest_after(WITHOUT_ASKING)
    refused = shop.client.ask("PUT", path, {"old": old, "new": parting})
    assert refused.problem[:2] == (422, "upgrade_fails")
    assert refused.problem[2].startswith("Replay failed: ")
    assert shop.status(target)["component_digest"] == old
    new = digest_after(AND_A_HUNDRED)
    for wrong in ({"old": new, "new": new}, {"old": old, "new": parting}):
        assert shop.client.ask("PUT", path, wrong).problem[:2] == (404, "version_missing")
    absent = f"executions/E_{UNKNOWN.removeprefix('Dep_')}/upgrade"
    assert shop.client.ask("PUT", absent, {"old": old, "new": new}).problem[:2] == (404, "execution_not_found")
    assert shop.client.send("PUT", path, {"old": old, "new": new}) == (200, {"ok": "upgraded"})
    assert shop.status(target)["component_digest"] == new

    shop.client.send("PUT", f"executions/{target}/unpause")
    answer(shop, stub)
    assert shop.result(target) == {"ok": 106}


def test_an_upgrade_may_skip_the_replay(shop: Workshop, first: str) -> None:
    target, stub = asking(shop)
    shop.client.send("PUT", f"executions/{target}/pause")
    old = shop.status(target)["component_digest"]
    switch(shop, submit_scripts(shop, WITHOUT_ASKING))
    (workflow,) = shop.client.send("GET", "components?type=workflow")[1]
    body = {"old": old, "new": workflow["component_id"]["component_digest"], "skip_determinism_check": True}

    assert shop.client.send("PUT", f"executions/{target}/upgrade", body) == (200, {"ok": "upgraded"})

    status, replayed = shop.client.send("PUT", f"executions/{target}/replay")
    assert (status, replayed["type"], replayed["code"]) == (409, "replay_failed", "replay_failed")
    assert {"error", "captured_writes"} <= set(replayed)
    shop.client.send("PUT", f"executions/{target}/unpause")
    answer(shop, stub)
    assert shop.result(target)["execution_failed"]["kind"] == "nondeterminism_detected"


def test_a_fork_goes_on_with_another_version(shop: Workshop, first: str) -> None:
    source, stub = asking(shop)
    answer(shop, stub)
    assert shop.result(source) == {"ok": 6}
    _, events = shop.client.send("GET", f"executions/{source}/events")
    asked = next(each["version"] for each in events["events"] if '"join_next"' in json.dumps(each))
    switch(shop, submit_scripts(shop, AND_A_HUNDRED))
    (workflow,) = shop.client.send("GET", "components?type=workflow")[1]
    body = {"version": asked, "component_digest": workflow["component_id"]["component_digest"]}

    status, forked = shop.client.send("POST", f"executions/{source}/fork", body)

    assert status == 201, forked
    assert shop.result(forked["ok"]) == {"ok": 106}
    assert shop.result(source) == {"ok": 6}
    other = shop.client.ask("POST", f"executions/{source}/fork", {**body, "component_digest": digest_of(b"")})
    assert other.problem[:2] == (404, "version_missing")


def _explained(shop: Workshop, execution_id: str, word: str) -> str | None:
    said = str(shop.status(execution_id).get("explanation", ""))
    return said if word in said else None
