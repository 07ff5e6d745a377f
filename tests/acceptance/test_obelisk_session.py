"""Obelisk's web API as its documentation has it, asked by a client that knows nothing but HTTP: paths, codes and words.

Source:
    Obelisk reference, sections 9.1 and 9.2.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.workshops import Workshop, workshop
from tests.harness import steps as s
from tests.harness.components import ADD, APPROVE, ASK, ASK_AND_WAIT, PROBE, RUN, RUN_CANCELLABLE
from tests.harness.eventually import eventually

ABSENT = "E_01KBNHM5FQW81KP5Y3XMNX31K4"
SPIN = f"{PROBE}.spin"
INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with workshop(tmp_path_factory.mktemp("session")) as served:
        yield served


def sleeping(shop: Workshop, *, ffqn: str = RUN) -> tuple[str, str]:
    """Start a workflow that sleeps for an hour; return its id and its delay's."""
    target = shop.submit(ffqn, s.params_of([s.sleep({"in": {"hours": 1}})]))
    shop.wait_for(target, "blocked_by_join_set")
    return target, f"Delay_{target.removeprefix('E_')}.o:1-sleep_1"


# --- Components and functions -----------------------------------------------------------------------------------------


def test_components_are_listed_with_their_functions(shop: Workshop) -> None:
    asked = "components?name=probe&type=activity&exports=true&imports=true&extensions=true"
    _, (probe,) = shop.client.send("GET", asked)
    _, everything = shop.client.send("GET", "components")

    assert set(probe) == {"component_id", "files", "imports", "exports"}
    assert set(probe["component_id"]) == {"component_type", "name", "component_digest"}
    (file,) = probe["files"]
    assert set(file) == {"file", "role"}
    assert set(file["file"]) == {"path", "digest", "size"}
    add, submit, await_next, get, schedule = (
        each for each in probe["exports"] if re.search(r"activity\.add(-|$)", each["ffqn"])
    )
    assert add == {
        "ffqn": ADD,
        "parameter_types": [{"name": "a", "wit_type": "u32"}, {"name": "b", "wit_type": "u32"}],
        "return_type": "result<u32>",
        "submittable": True,
    }
    assert [each["extension"] for each in (submit, await_next, get, schedule)] == [
        "submit",
        "await_next",
        "get",
        "schedule",
    ]
    assert [each["component_id"]["name"] for each in everything] == ["probe", "stepper", "stub_flow", "approve"]
    assert all("exports" not in each for each in everything)


def test_wit_is_told_of_components_and_of_single_functions(shop: Workshop) -> None:
    _, (probe,) = shop.client.send("GET", "components?name=probe")
    digest = probe["component_id"]["component_digest"]

    status, text = shop.client.text("GET", f"components/{digest}/wit", accept="application/json")
    assert status == 200
    assert "add: func(a: u32, b: u32) -> result<u32>;" in text
    assert "export test:probe-obelisk-schedule/activity;" in text
    status, text = shop.client.text("GET", f"functions/wit?ffqn={ADD}", accept="*/*")
    assert status == 200
    assert "add: func(a: u32, b: u32) -> result<u32>;" in text
    assert "echo-bool" not in text
    assert shop.client.ask("GET", "components/sha256:0/wit").problem[:2] == (404, "component_not_found")
    assert shop.client.ask("GET", "functions/wit?ffqn=a:b/c.d").problem == (404, "function_not_found", "ffqn not found")


def test_functions_are_listed_without_and_with_what_is_generated(shop: Workshop) -> None:
    _, plain = shop.client.send("GET", "functions")
    _, extended = shop.client.send("GET", "functions?extensions=true")

    assert {"ffqn": ADD} in plain
    assert not any("extension" in each for each in plain)
    assert {"ffqn": "test:stubs-obelisk-stub/human.approve-stub", "extension": "stub"} in extended
    assert {each.get("extension") for each in extended} == {None, "submit", "await_next", "get", "schedule", "stub"}


def test_ids_are_text_unless_json_is_asked_for(shop: Workshop) -> None:
    for path, prefix in (("execution-id", "E_"), ("deployment-id", "Dep_")):
        for accept in ("*/*", "text/plain", ""):
            assert re.fullmatch(rf"{prefix}[0-9A-Z]{{26}}", shop.client.text("GET", path, accept=accept)[1])
        assert re.fullmatch(rf"{prefix}[0-9A-Z]{{26}}", shop.client.send("GET", path)[1])


# --- Submitting -------------------------------------------------------------------------------------------------------


def test_a_call_is_submitted_under_an_id_of_the_clients_once(shop: Workshop) -> None:
    _, execution_id = shop.client.send("GET", "execution-id")
    path, call = f"executions/{execution_id}", {"ffqn": ADD, "params": [1, 2]}

    assert shop.client.send("PUT", path, call) == (201, {"ok": execution_id})
    assert shop.client.send("PUT", path, call) == (200, {"ok": execution_id})
    assert shop.client.send("PUT", f"{path}?follow=true", call) == (200, {"ok": 3})
    assert shop.client.ask("PUT", path, {**call, "params": [2, 2]}).problem == (409, "execution_exists", "conflict")
    assert shop.client.text("PUT", path, {**call, "params": [2, 2]}) == (409, "conflict")
    child = shop.client.ask("PUT", f"executions/{ABSENT}.n:x_1", call)
    assert child.problem[:2] == (400, "invalid_id")
    _, listed = shop.client.send("GET", f"executions?execution_id_prefix={execution_id}")
    assert len(listed) == 1


def test_a_submission_is_told_as_json_or_text_or_followed(shop: Workshop) -> None:
    call = {"ffqn": ADD, "params": [20, 22]}

    assert re.fullmatch(r"E_[0-9A-Z]{26}", shop.client.text("POST", "executions", call)[1])
    started = shop.client.ask("POST", "executions", call)
    assert (started.status, list(started.json)) == (201, ["ok"])
    assert started.body.startswith(b'{\n  "ok": "E_')
    assert shop.client.send("POST", "executions?follow=true", call) == (201, {"ok": 42})
    failed = {"ffqn": f"{PROBE}.fail-string", "params": ["no"]}
    later = {"ffqn": "test:probe-obelisk-schedule/activity.add-schedule", "params": [{"in": {"seconds": 0}}, 1, 2]}
    assert shop.client.send("POST", "executions", later)[0] == 201
    assert shop.client.ask("POST", "executions", {**later, "params": []}).problem[:2] == (400, "invalid_call")
    assert shop.client.ask("POST", "executions", {**call, "ffqn": "a:b/c.d"}).problem == (
        404,
        "function_not_found",
        "ffqn not found",
    )
    assert shop.client.ask("POST", "executions", {**failed, "params": [1]}).problem[:2] == (400, "invalid_call")


def test_of_a_key_that_stands_there_twice_the_last_one_counts(shop: Workshop) -> None:
    twice = b'{"ffqn": "%s", "params": [1, 2], "params": [3, 4]}' % ADD.encode()

    assert shop.client.send("POST", "executions?follow=true", twice) == (201, {"ok": 7})


def test_a_result_is_there_when_it_is_there(shop: Workshop) -> None:
    target, delay = sleeping(shop)
    path = f"executions/{target}"

    assert shop.client.ask("GET", path).problem == (425, "not_finished", "not finished yet")
    assert shop.client.text("GET", path) == (425, "not finished yet")
    assert shop.client.ask("GET", f"executions/{ABSENT}").problem[:2] == (404, "execution_not_found")
    with shop.client.open("GET", f"{path}?follow=true") as response:
        assert response.status == 200  # told before there is a result
        shop.client.send("PUT", f"delays/{delay}/cancel")
        assert response.read() == b'{\n  "ok": [\n    "err"\n  ]\n}'
    assert shop.client.send("GET", path) == (200, {"ok": ["err"]})


@pytest.mark.parametrize(
    ("function", "params", "result", "kind", "text"),
    [
        ("add", [1, 2], {"ok": 3}, "ok", "Finished: OK"),
        ("nothing", [], {"ok": None}, "ok", "Finished: OK"),
        ("fail-variant", [True], {"err": {"permanent_refusal": "never"}}, {"err": "error"}, "Finished: Error"),
    ],
)
def test_how_it_ended_is_told_as_json_and_text(
    shop: Workshop, function: str, params: list[Any], result: object, kind: object, text: str
) -> None:
    target = shop.submit(f"{PROBE}.{function}", params)

    assert shop.result(target) == result
    status = shop.status(target)
    assert set(status) == {
        "execution_id",
        "ffqn",
        "pending_state",
        "created_at",
        "first_scheduled_at",
        "component_digest",
        "component_type",
        "deployment_id",
        "labels",
        "trace_id",
    }
    assert set(status["pending_state"]) == {"status", "version", "finished_at", "result_kind"}
    assert status["pending_state"]["result_kind"] == kind
    assert shop.client.text("GET", f"executions/{target}/status") == (200, text)


# --- What is told while it goes on ------------------------------------------------------------------------------------


def test_each_state_has_its_json_and_its_text(shop: Workshop) -> None:
    later = "test:probe-obelisk-schedule/activity.add-schedule"
    pending = shop.submit(later, [{"in": {"hours": 1}}, 1, 2])
    paused = shop.submit(ADD, [1, 2], paused=True)
    blocked, _ = sleeping(shop)
    blocked_and_paused, _ = sleeping(shop)
    shop.client.send("PUT", f"executions/{blocked_and_paused}/pause")
    spinning = shop.submit(SPIN, [])
    locked = shop.wait_for(spinning, "locked")

    def told(execution_id: str) -> tuple[Any, str]:
        _, text = shop.client.text("GET", f"executions/{execution_id}/status")
        return shop.status(execution_id)["pending_state"], text

    state, text = told(pending)
    assert set(state) == {"status", "scheduled_at", "last_lock"}
    assert (state["status"], state["last_lock"]) == ("pending_at", None)
    assert re.fullmatch(f"Pending at {INSTANT}", text)
    state, text = told(paused)
    assert (state["status"], set(state["PendingAt"]), text) == ("paused", {"scheduled_at", "last_lock"}, "Paused")
    state, text = told(blocked)
    assert set(state) == {"status", "join_set_id", "lock_expires_at", "closing"}
    assert (state["join_set_id"], state["closing"], text) == ("o:1-sleep", False, "Blocked by o:1-sleep")
    state, text = told(blocked_and_paused)
    assert (set(state), text) == ({"status", "BlockedByJoinSet"}, "Paused")
    assert set(locked) == {"status", "locked_by", "lock_expires_at"}
    assert set(locked["locked_by"]) == {"executor_id", "run_id"}
    shop.client.send("PUT", f"executions/{spinning}/cancel")
    assert shop.result(spinning) == {"execution_failed": {"kind": "cancelled"}}
    state, text = told(spinning)
    assert state["result_kind"] == {"err": {"execution_failure": "cancelled"}}
    assert text == "Finished: Execution failure (Cancelled)"


def test_events_are_paged_by_their_versions(shop: Workshop) -> None:
    target = shop.submit(RUN, s.params_of([s.call("add", 1, 2)]))
    shop.result(target)
    path = f"executions/{target}/events"

    _, everything = shop.client.send("GET", f"{path}?length=100")
    _, first = shop.client.send("GET", f"{path}?length=2")
    _, second = shop.client.send("GET", f"{path}?length=2&version=1")
    _, newest = shop.client.send("GET", f"{path}?length=1&direction=older")
    _, again = shop.client.send("GET", f"{path}?length=2&version=1&including_cursor=true")

    events = everything["events"]
    assert set(everything) == {"events", "max_version"}
    assert [each["version"] for each in events] == list(range(everything["max_version"] + 1))
    assert all(set(each) == {"created_at", "event", "version"} for each in events)
    assert list(events[0]["event"]) == ["created"]
    assert list(events[-1]["event"]) == ["finished"]
    assert first["events"] + second["events"] == events[:4]
    assert newest["events"] == events[-1:]
    assert again["events"] == events[1:3]


def test_responses_are_paged_by_their_cursors(shop: Workshop) -> None:
    steps = [s.create("x"), *[s.submit(0, "add", n, 1) for n in range(3)], *[s.join_next(0)] * 3, s.sleep(s.NOW)]
    target = shop.submit(RUN, s.params_of(steps))
    shop.result(target)
    path = f"executions/{target}/responses"

    _, everything = shop.client.send("GET", path)
    _, second = shop.client.send("GET", f"{path}?length=1&cursor=1")
    _, of_sleep = shop.client.send("GET", f"{path}?join_set=o:1-sleep")

    assert set(everything) == {"responses", "max_cursor", "scan_cursor"}
    assert (everything["max_cursor"], everything["scan_cursor"]) == (4, 4)
    for each in everything["responses"]:
        assert set(each) == {"event", "cursor"}
        assert set(each["event"]) == {"created_at", "event"}
        assert set(each["event"]["event"]) == {"join_set_id", "event"}
    child = everything["responses"][0]["event"]["event"]
    assert child["join_set_id"] == "n:x"
    assert child["event"] == {
        "type": "child_execution_finished",
        "child_execution_id": child["event"]["child_execution_id"],
        "finished_version": child["event"]["finished_version"],
        "result": {"ok": {"type": "u32", "value": child["event"]["result"]["ok"]["value"]}},
    }
    assert second["responses"] == everything["responses"][1:2]
    assert second["scan_cursor"] == 2
    (delay,) = of_sleep["responses"]
    assert delay["event"]["event"]["event"] == {
        "type": "delay_finished",
        "delay_id": f"Delay_{target.removeprefix('E_')}.o:1-sleep_1",
        "result": {"Ok": None},
    }
    assert of_sleep["scan_cursor"] == 4


def test_log_entries_are_paged_by_their_cursors(shop: Workshop) -> None:
    levels = ("debug", "info", "warn", "error", "error")
    lines = [s.log(level, f"{level} line") for level in levels]
    target = shop.submit(RUN, s.params_of([*lines, s.call("log-lines", "from a child")]))
    shop.result(target)
    path = f"executions/{target}/logs"
    eventually(lambda: len(shop.client.send("GET", f"{path}?show_derived=true")[1]) > 5)

    _, everything = shop.client.send("GET", path)
    _, chosen = shop.client.send("GET", f"{path}?level=warn&level=error")
    _, behind = shop.client.send("GET", f"{path}?cursor={everything[1]['cursor']}&length=2")
    _, before = shop.client.send("GET", f"{path}?cursor={everything[1]['cursor']}&direction=older")
    _, text = shop.client.text("GET", f"{path}?length=1&show_run_id=true&show_derived=true")

    assert [each["message"] for each in everything] == [f"{level} line" for level in levels]
    assert set(everything[0]) == {"cursor", "run_id", "execution_id", "type", "created_at", "level", "message"}
    assert [each["level"] for each in chosen] == ["warn", "error", "error"]
    assert behind == everything[2:4]
    assert before == everything[:1]
    run_id = everything[0]["run_id"]
    instant = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"
    assert re.fullmatch(rf"{instant} \[DEBUG\] {run_id} {target} debug line\n", text)
    refused = shop.client.ask("GET", f"{path}?cursor={base64.b64encode(b'nonsense').decode()}")
    assert refused.problem[:2] == (400, "invalid_cursor")


# --- Operations -------------------------------------------------------------------------------------------------------


def test_a_stub_is_answered_from_outside(shop: Workshop) -> None:
    target = shop.submit(ASK_AND_WAIT, ["may I?"])
    shop.wait_for(target, "blocked_by_join_set")
    (stub,) = eventually(lambda: shop.client.send("GET", f"executions?parent={target}")[1])
    path = f"executions/{stub['execution_id']}/stub"
    assert stub["ffqn"] == APPROVE

    assert shop.client.ask("PUT", path, {"ok": "yes"}).problem[:2] == (422, "invalid_result")
    assert shop.client.ask("PUT", path, {"yes": True}).problem[:2] == (422, "invalid_result")
    assert shop.client.ask("PUT", f"executions/{target}/stub", {"ok": True}).problem == (
        404,
        "not_answerable",
        "function not found",
    )
    assert shop.client.ask("PUT", f"executions/{ABSENT}/stub", {"ok": True}).problem[:2] == (404, "execution_not_found")
    assert shop.client.send("PUT", path, {"ok": True})[0] == 200
    assert shop.result(target) == {"ok": True}
    assert shop.client.send("PUT", path, {"ok": True})[0] == 200
    assert shop.client.ask("PUT", path, {"ok": False}).problem == (409, "already_answered", "conflict")


def test_a_stub_that_was_created_paused_is_answered_too(shop: Workshop) -> None:
    target = shop.submit(ASK_AND_WAIT, ["may I?"], paused=True)
    _, replayed = shop.client.send("PUT", f"executions/{target}/replay")
    (request,) = replayed["captured_writes"][0]["child_requests"]
    request["paused"] = True
    shop.client.send("PUT", f"executions/{target}/advance", {"captured_writes": replayed["captured_writes"][:1]})
    stub = request["execution_id"]
    assert shop.status(stub)["pending_state"]["status"] == "paused"

    assert shop.client.send("PUT", f"executions/{stub}/stub", {"err": "no"})[0] == 200
    shop.client.send("PUT", f"executions/{target}/unpause")
    assert shop.result(target) == {"err": "no"}


def test_activities_delays_and_cancellable_workflows_are_cancelled(shop: Workshop) -> None:
    spinning = shop.submit(SPIN, [])
    shop.wait_for(spinning, "locked")
    workflow, _ = sleeping(shop, ffqn=RUN_CANCELLABLE)
    stubborn, delay = sleeping(shop)

    for target in (spinning, workflow):
        assert shop.client.send("PUT", f"executions/{target}/cancel") == (200, {"ok": "cancellation requested"})
        assert shop.result(target) == {"execution_failed": {"kind": "cancelled"}}
        # As Obelisk has it: what was asked for has come true.
        assert shop.client.send("PUT", f"executions/{target}/cancel")[0] == 200
    refused = shop.client.ask("PUT", f"executions/{stubborn}/cancel")
    assert refused.problem == (
        422,
        "not_cancellable",
        "cannot cancel, execution is not a cancellable workflow",
    )
    assert shop.client.send("PUT", f"delays/{delay}/cancel") == (200, {"ok": "cancelled"})
    assert shop.result(stubborn) == {"ok": ["err"]}
    ended = shop.client.ask("PUT", f"executions/{stubborn}/cancel")
    assert ended.problem == (409, "already_finished", "already finished")
    assert shop.client.text("PUT", f"executions/{stubborn}/cancel") == (409, "already finished")
    assert shop.client.ask("PUT", f"executions/{ABSENT}/cancel").problem[:2] == (404, "execution_not_found")


def test_what_is_being_cancelled_is_not_cancelled_twice(shop: Workshop) -> None:
    """Its child cannot be cancelled, so it has to be waited for."""
    child = {"interface_name": "test:stub-flow/workflow", "function_name": "ask-and-wait", "params": '["may I?"]'}
    target = shop.submit(RUN_CANCELLABLE, s.params_of([{"call": child}]))
    shop.wait_for(target, "blocked_by_join_set")
    path = f"executions/{target}"

    assert shop.client.send("PUT", f"{path}/cancel") == (200, {"ok": "cancellation requested"})
    assert shop.client.ask("PUT", f"{path}/cancel").problem == (409, "already_cancelling", "already cancelling")
    assert shop.client.ask("PUT", f"{path}/pause").problem[:2] == (422, "illegal_state")
    state = shop.status(target)["pending_state"]
    assert (state["status"], len(state)) == ("cancelling", 2)
    assert set(state) & {"Locked", "PendingAt", "BlockedByJoinSet"}
    assert shop.client.text("GET", f"{path}/status") == (200, "Cancelling")
    (stub,) = [
        each
        for each in shop.client.send("GET", f"executions?execution_id_prefix={target}.&show_derived=true")[1]
        if each["ffqn"] == APPROVE
    ]
    shop.client.send("PUT", f"executions/{stub['execution_id']}/stub", {"ok": True})
    assert shop.result(target) == {"execution_failed": {"kind": "cancelled"}}


def test_cancelling_goes_down_to_what_it_started(shop: Workshop) -> None:
    steps = [s.create("x"), s.submit(0, "spin"), s.submit_delay(0, {"in": {"hours": 1}}), s.join_next(0)]
    target = shop.submit(RUN_CANCELLABLE, s.params_of(steps))
    shop.wait_for(target, "blocked_by_join_set")
    shop.wait_for(f"{target}.n:x_1", "locked")

    shop.client.send("PUT", f"executions/{target}/cancel")

    assert shop.result(target) == {"execution_failed": {"kind": "cancelled"}}
    assert shop.result(f"{target}.n:x_1") == {"execution_failed": {"kind": "cancelled"}}
    _, responses = shop.client.send("GET", f"executions/{target}/responses")
    ends = [each["event"]["event"]["event"] for each in responses["responses"]]
    assert [each["result"] for each in ends if each["type"] == "delay_finished"] == [{"Err": None}]


def test_executions_are_paused_and_go_on(shop: Workshop) -> None:
    target, delay = sleeping(shop)
    path = f"executions/{target}"

    assert shop.client.send("PUT", f"{path}/pause")[0] == 200
    assert shop.client.ask("PUT", f"{path}/pause").problem[:2] == (422, "illegal_state")
    shop.client.send("PUT", f"delays/{delay}/cancel")
    assert shop.status(target)["pending_state"]["status"] == "paused"
    assert shop.client.send("PUT", f"{path}/unpause")[0] == 200
    assert shop.result(target) == {"ok": ["err"]}
    for operation in ("pause", "unpause"):
        assert shop.client.ask("PUT", f"{path}/{operation}").problem[:2] == (422, "illegal_state")
        assert shop.client.ask("PUT", f"executions/{ABSENT}/{operation}").problem[0] == 404


def test_a_running_activity_is_not_paused(shop: Workshop) -> None:
    target = shop.submit(SPIN, [])
    shop.wait_for(target, "locked")

    refused = shop.client.ask("PUT", f"executions/{target}/pause")

    assert refused.problem[:2] == (422, "illegal_state")
    assert "cannot pause a running activity; cancel it instead" in refused.problem[2]
    shop.client.send("PUT", f"executions/{target}/cancel")


def test_delays_are_paused_and_fire_when_they_go_on(shop: Workshop) -> None:
    target = shop.submit(RUN, s.params_of([s.sleep(s.after_ms(700))]))
    shop.wait_for(target, "blocked_by_join_set")
    delay = f"Delay_{target.removeprefix('E_')}.o:1-sleep_1"

    for operation in ("pause", "pause", "unpause", "unpause", "pause"):
        assert shop.client.send("PUT", f"delays/{delay}/{operation}")[0] == 200
    later = shop.submit(RUN, s.params_of([s.sleep(s.after_ms(1000))]))
    shop.result(later)
    assert shop.client.ask("GET", f"executions/{target}").status == 425
    shop.client.send("PUT", f"delays/{delay}/unpause")
    assert shop.result(target)["ok"][0].startswith("ok ")
    assert shop.client.ask("PUT", f"delays/{delay}/cancel").problem == (409, "already_finished", "already finished")
    assert shop.client.ask("PUT", f"delays/{delay}/pause").problem[:2] == (404, "delay_not_found")
    absent = f"delays/Delay_{ABSENT.removeprefix('E_')}.o:1-sleep_1"
    assert shop.client.ask("PUT", f"{absent}/cancel").problem[0] == 404


# --- Looking into workflows -------------------------------------------------------------------------------------------


def test_replay_tells_what_a_workflow_would_do_and_changes_nothing(shop: Workshop) -> None:
    ended = shop.submit(ASK, ["may I?"])
    shop.result(ended)
    waiting, _ = sleeping(shop)
    fresh = shop.submit(RUN, s.params_of([s.call("add", 1, 2)]), paused=True)
    activity = shop.submit(ADD, [1, 2])

    def replay(execution_id: str) -> tuple[int, Any]:
        return shop.client.send("PUT", f"executions/{execution_id}/replay")

    assert replay(ended) == (200, {"type": "finished", "retval": {"ok": True}})
    assert replay(waiting) == (200, {"type": "blocked"})
    status, document = replay(fresh)
    assert (status, set(document), document["type"]) == (200, {"type", "captured_writes"}, "advanceable")
    (write,) = document["captured_writes"]
    assert write["type"] == "append_batch_create_new_execution"
    assert {"execution_id", "version", "events", "child_requests"} <= set(write)
    assert shop.client.send("GET", f"executions/{fresh}/events")[1]["max_version"] == write["version"] - 1
    assert shop.client.ask("PUT", f"executions/{activity}/replay").problem[:2] == (404, "no_workflow")
    assert shop.client.ask("PUT", f"executions/{ABSENT}/replay").problem[:2] == (404, "execution_not_found")


def test_a_paused_workflow_is_advanced_with_its_children_and_delays_paused(shop: Workshop) -> None:
    steps = [s.create("x"), s.submit(0, "add", 1, 2), s.submit_delay(0, s.NOW), s.join_next(0), s.join_next(0)]
    target = shop.submit(RUN, s.params_of(steps), paused=True)
    path = f"executions/{target}"
    _, replayed = shop.client.send("PUT", f"{path}/replay")
    writes = replayed["captured_writes"]
    assert len(writes) >= 3

    # A beginning of it, with the child to be created paused.
    (child,) = writes[1]["child_requests"]
    child["paused"] = True
    status, advanced = shop.client.send("PUT", f"{path}/advance", {"captured_writes": writes[:2]})
    assert (status, set(advanced), advanced["type"]) == (200, {"type", "pending_state"}, "in_progress")
    assert advanced["pending_state"]["status"] == "paused"
    assert shop.status(f"{target}.n:x_1")["pending_state"]["status"] == "paused"
    _, stale = shop.client.send("PUT", f"{path}/advance", {"captured_writes": writes[:1]})
    assert (stale["type"], stale["code"], stale["expected"]) == ("version_mismatch", "version_mismatch", 4)

    _, replayed = shop.client.send("PUT", f"{path}/replay")
    (delay, *_) = replayed["captured_writes"]
    tampered = {**delay, "type": "append_finished"}
    status, refused = shop.client.send("PUT", f"{path}/advance", {"captured_writes": [tampered]})
    assert (status, refused["type"]) == (422, "replay_mismatch")
    assert shop.client.ask("PUT", f"{path}/advance", {"captured_writes": []}).problem[:2] == (400, "invalid_body")
    assert shop.client.ask("PUT", f"{path}/advance", {}).problem[:2] == (400, "invalid_body")
    assert shop.client.send("PUT", f"{path}/advance", {"captured_writes": [delay]})[0] == 200

    shop.client.send("PUT", f"executions/{target}.n:x_1/unpause")
    shop.client.send("PUT", f"{path}/unpause")
    assert "ok 3" in shop.result(target)["ok"]


def test_a_workflow_is_advanced_to_its_end(shop: Workshop) -> None:
    target = shop.submit(RUN, s.params_of([s.random_u64(0, 10)]), paused=True)
    _, replayed = shop.client.send("PUT", f"executions/{target}/replay")

    status, advanced = shop.client.send(
        "PUT", f"executions/{target}/advance", {"captured_writes": replayed["captured_writes"]}
    )

    assert (status, set(advanced), advanced["type"]) == (200, {"type", "value"}, "finished")
    assert shop.client.send("GET", f"executions/{target}") == (200, advanced["value"])


# --- Who asks ---------------------------------------------------------------------------------------------------------


def test_without_a_token_the_answer_is_obelisks(shop: Workshop) -> None:
    for authorization in ("", "Bearer wrong", "Basic Og=="):
        reply = shop.client.ask("GET", "executions", Authorization=authorization, Accept="*/*")

        assert (reply.status, reply.text) == (401, "missing or invalid API token")
        assert reply.headers["WWW-Authenticate"] == "Bearer"
