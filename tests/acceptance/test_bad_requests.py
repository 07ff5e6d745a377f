"""What clients get wrong, or mean badly: the right status, a problem with its code, a line in the log, nothing changed.

Every endpoint is asked, as the site's own OpenAPI document lists them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from components.submission import MAX_MANIFEST_BYTES
from executions.access.scopes import Scope
from executions.api.problems import KINDS, ProblemCode
from tests.acceptance.api_client import Client, Reply
from tests.acceptance.workshops import Workshop, workshop
from tests.harness import steps as s
from tests.harness.components import ADD, APPROVE, ASK_AND_WAIT, RUN
from tests.harness.eventually import eventually

MOST_BYTES = 20_000
DIGEST = f"sha256:{'0' * 64}"
NOT_THERE: Mapping[str, tuple[str, str]] = {
    "execution_id": ("E_01KBNHM5FQW81KP5Y3XMNX31K4", "execution_not_found"),
    "delay_id": ("Delay_01KBNHM5FQW81KP5Y3XMNX31K4.o:1-sleep_1", "delay_not_found"),
    "deployment_id": ("Dep_01KBNHM5FQW81KP5Y3XMNX31K4", "deployment_not_found"),
    "before": ("Dep_01KBNHM5FQW81KP5Y3XMNX31K4", "deployment_not_found"),
    "after": ("Dep_01KBNHM5FQW81KP5Y3XMNX31K5", "deployment_not_found"),
    "name": ("nightly", "cron_not_found"),
    "delivery_id": ("4711", "delivery_not_found"),
}
BODIES: Mapping[str, object] = {
    "submit": {"ffqn": ADD, "params": [1, 2]},
    "submit_as": {"ffqn": ADD, "params": [1, 2]},
    "stub": {"ok": True},
    "signal": {"name": "approve", "payload": True},
    "query": {"name": "amount"},
    "advance": {"captured_writes": [{"version": 1}]},
    "upgrade": {"old": DIGEST, "new": DIGEST},
    "exclude": {"deployment_id": "Dep_01KBNHM5FQW81KP5Y3XMNX31K4"},
    "fork": {"version": 0},
    "bulk": {"operation": "cancel", "filter": {}},
    "submit_deployment": {"deployment_toml": ""},
}
"""A body of the right form for each operation that needs one."""
_MAKE_TOKENS = """
import json
from datetime import timedelta
from django.utils import timezone
from executions.access.scopes import Scope
from executions.access.tokens import issue_token, revoke_token
made = {scope.value: issue_token(scope.value, [scope])[1] for scope in Scope}
expired, made["expired"] = issue_token("expired", Scope)
expired.expires_at = timezone.now() - timedelta(seconds=1)
expired.save()
revoked, made["revoked"] = issue_token("revoked", Scope)
revoke_token(revoked.prefix)
print(json.dumps(made))
"""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the OpenAPI document."""

    method: str
    path: str
    name: str
    takes_body: bool
    parameters: tuple[Mapping[str, Any], ...]

    def at(self, ids: Mapping[str, str] | None = None) -> str:
        """Return the path below ``/v1/`` with these ids, and of nothing that is there for others."""
        given = {name: not_there for name, (not_there, _) in NOT_THERE.items()} | {"digest": DIGEST} | dict(ids or {})
        path = self.path.removeprefix("/v1/").format(**given)
        required = [each["name"] for each in self.parameters if each["in"] == "query" and each.get("required")]
        return f"{path}?{'&'.join(f'{name}=x' for name in required)}" if required else path

    @property
    def body(self) -> object:
        return BODIES.get(self.name, {}) if self.takes_body else None


class Target(Workshop):
    """A site with executions in several states, and what its database and its log hold."""

    def __init__(self, shop: Workshop) -> None:
        super().__init__(shop.site, shop.client)
        self.ended = self.submit(ADD, [1, 2])
        self.waiting = self.submit(RUN, s.params_of([s.sleep({"in": {"hours": 1}})]))
        self.asking = self.submit(ASK_AND_WAIT, ["may I?"])
        self.paused = self.submit(RUN, s.params_of([s.call("add", 1, 2)]), paused=True)
        self.result(self.ended)
        self.wait_for(self.waiting, "blocked_by_join_set")
        self.delay = f"Delay_{self.waiting.removeprefix('E_')}.o:1-sleep_1"
        self.stub = self._stub_of(self.asking)
        answered = self.submit(ASK_AND_WAIT, ["may I?"])
        self.answered = self._stub_of(answered)
        self.client.send("PUT", f"executions/{self.answered}/stub", {"ok": True})
        self.result(answered)
        self.operations = tuple(self._operations())
        eventually(self._is_at_rest)

    def refused(self) -> list[Any]:
        """Return the lines of the log about refused requests."""
        log = self.site.data_dir / "logs" / "web.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line for line in map(json.loads, lines) if line["event"] == "api.refused"]

    def tokens(self) -> dict[str, Client]:
        """Return clients with new tokens: one for each scope by itself, one that has expired, one that was revoked."""
        made: dict[str, str] = self.site.python(_MAKE_TOKENS)
        return {name: Client(self.site.port, token) for name, token in made.items()}

    def _stub_of(self, parent: str) -> str:
        (stub,) = eventually(lambda: self.client.send("GET", f"executions?parent={parent}")[1])
        return str(stub["execution_id"])

    def _is_at_rest(self) -> bool:
        """Whether no run goes on: those that wait hot would write when they cease to."""
        newest = "SELECT variant FROM executions_event WHERE execution_id = %s ORDER BY version DESC LIMIT 1"
        return all(self.site.query(newest, each) == [("unlocked",)] for each in (self.waiting, self.asking))

    def _operations(self) -> Iterator[Operation]:
        for path, item in self.client.send("GET", "schema")[1]["paths"].items():
            for method, described in item.items():
                yield Operation(
                    method=method.upper(),
                    path=path,
                    name=described["operationId"],
                    takes_body="requestBody" in described,
                    parameters=tuple(described.get("parameters", ())),
                )


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    limits = {"OBELISK_API_BODY_BYTES": str(MOST_BYTES), "OBELISK_DEPLOYMENT_BYTES": str(MOST_BYTES)}
    with workshop(tmp_path_factory.mktemp("bad"), settings=limits) as shop:
        yield Target(shop)


@pytest.fixture(autouse=True)
def unchanged(target: Target) -> Iterator[None]:
    """No test here changes anything."""
    before = target.contents()
    yield
    after = target.contents()
    assert {name for name, rows in after.items() if rows != before[name]} == set()


@contextmanager
def logged(target: Target) -> Iterator[list[tuple[str, str, int, str]]]:
    """Expect a line in the log for each request that is put on the list."""
    before = len(target.refused())
    expected: list[tuple[str, str, int, str]] = []
    yield expected
    lines = target.refused()[before:]
    assert [(line["method"], line["path"], line["status"], line["code"]) for line in lines] == expected


def check(reply: Reply, code: str) -> tuple[int, str]:
    """Return status and code of a problem, which are those that the documentation couples."""
    status, found, err = reply.problem
    assert (found, bool(err)) == (code, True), reply.body
    assert status == KINDS[ProblemCode(code)].status
    return status, found


# --- Every endpoint ---------------------------------------------------------------------------------------------------


def test_what_is_not_there_is_not_found(target: Target) -> None:
    with logged(target) as expected:
        for each in target.operations:
            named = re.search(r"\{(\w+)\}", each.path)
            if named is None or each.name == "submit_as":
                continue
            of_digest = {"get_component_wit": "component_not_found", "get_file": "file_not_found"}
            code = of_digest.get(each.name) or NOT_THERE[named[1]][1]
            path = each.at()

            status, _ = check(target.client.ask(each.method, path, each.body), code)

            expected.append((each.method, f"/v1/{path.partition('?')[0]}", status, code))
    assert len(expected) > 30


@pytest.mark.parametrize("wrong", ["nonsense", "E_1%00", "%FF%FE", "E_01KBNHM5FQW81KP5Y3XMNX31K4%0a", "x" * 7000])
def test_what_can_be_no_id_is_refused(target: Target, wrong: str) -> None:
    asked = 0
    for each in target.operations:
        if "{execution_id}" in each.path or "{delay_id}" in each.path:
            path = each.at({"execution_id": wrong, "delay_id": wrong})
            check(target.client.ask(each.method, path, each.body), "invalid_id")
            asked += 1
        elif re.search(r"\{\w+\}", each.path):
            path = each.at(dict.fromkeys((*NOT_THERE, "digest"), wrong))
            assert target.client.ask(each.method, path, each.body).problem[0] == 404
            asked += 1
    assert asked > 30


def test_an_unknown_parameter_is_refused_everywhere(target: Target) -> None:
    for each in target.operations:
        path = each.at({"execution_id": target.waiting, "delay_id": target.delay})
        path += f"{'&' if '?' in path else '?'}nonsense=1"

        check(target.client.ask(each.method, path, each.body), "unknown_parameter")


def test_nul_characters_are_refused_in_every_parameter(target: Target) -> None:
    asked = 0
    for each in target.operations:
        for parameter in each.parameters:
            if parameter["in"] == "query" and "{name}" not in each.path:
                path = each.at({"execution_id": target.waiting, "delay_id": target.delay}).partition("?")[0]
                reply = target.client.ask(each.method, f"{path}?{parameter['name']}=a:%00", each.body)
                check(reply, "invalid_parameter")
                asked += 1
    assert asked > 60


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}{}",
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": 01}',
        b'{"a": "\\ud800"}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\n"}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 5000,
        b'{"a":' * 3000 + b"1" + b"}" * 3000,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_json_is_refused_everywhere(target: Target, body: bytes) -> None:
    with logged(target) as expected:
        for each in target.operations:
            # Nothing means all defaults where no body is needed.
            if each.takes_body and (body or each.name in BODIES):
                path = each.at({"execution_id": target.waiting})
                status, code = check(target.client.ask(each.method, path, body), "malformed_json")
                expected.append((each.method, f"/v1/{path}", status, code))
    assert len(expected) >= 10


@pytest.mark.parametrize("body", [[], None, "text", 7, {"nonsense": 1}])
def test_json_of_another_form_is_refused_everywhere(target: Target, body: object) -> None:
    for each in target.operations:
        if each.takes_body and each.name != "stub":
            path = each.at({"execution_id": target.waiting})
            check(target.client.ask(each.method, path, json.dumps(body).encode()), "invalid_body")


def test_a_body_that_is_too_large_is_refused_everywhere(target: Target) -> None:
    with logged(target) as expected:
        for each in target.operations:
            if each.takes_body:
                path = each.at({"execution_id": target.waiting})
                most = 2 * MAX_MANIFEST_BYTES if each.name == "submit_deployment" else MOST_BYTES
                body = b'{"text": "' + b"x" * most + b'"}'
                status, code = check(target.client.ask(each.method, path, body), "body_too_large")
                expected.append((each.method, f"/v1/{path}", status, code))
        form = target.client.send_form("deployments", ("file", b"x" * MOST_BYTES, "a.wasm"))
        expected.append(("POST", "/v1/deployments", *check(form, "body_too_large")))


def test_another_media_type_is_refused_everywhere(target: Target) -> None:
    for each in target.operations:
        if each.takes_body:
            path = each.at({"execution_id": target.waiting})
            for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml", ""):
                reply = target.client.ask(each.method, path, b"{}", Content_Type=content_type)
                check(reply, "unsupported_media_type")


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_are_refused_everywhere(target: Target, method: str) -> None:
    for each in target.operations:
        path = each.at({"execution_id": target.waiting, "delay_id": target.delay})

        reply = target.client.ask(method, path)

        check(reply, "method_not_allowed")
        assert each.method in reply.headers["Allow"].split(", ")


# --- Who may ----------------------------------------------------------------------------------------------------------


def test_tokens_that_do_not_count_open_nothing(target: Target) -> None:
    made = target.tokens()
    expired, revoked = made["expired"], made["revoked"]
    strange = (
        Client(target.site.port, token) for token in ("", "x", "obelisk_" + "0" * 10 + "_" + "A" * 43, "x" * 9000)
    )

    for client in (expired, revoked, *strange):
        for each in target.operations:
            reply = client.ask(each.method, each.at({"execution_id": target.waiting}), each.body)
            check(reply, "unauthenticated")
    assert not any(expired.token in str(line) or revoked.token in str(line) for line in target.refused())


def test_each_operation_needs_one_scope_and_no_other_will_do(target: Target) -> None:
    tokens = target.tokens()
    clients = {scope: tokens[scope.value] for scope in Scope}
    opened: dict[str, list[Scope]] = {}

    for each in target.operations:
        for scope, client in clients.items():
            # Without a body, and about nothing that is there: whoever may ask is refused for that.
            reply = client.ask(each.method, each.at({"execution_id": NOT_THERE["execution_id"][0]}))
            if reply.status != 403:
                opened.setdefault(each.name, []).append(scope)
            else:
                check(reply, "missing_scope")

    assert opened.pop("replay", []) == []  # tells what a workflow does: operate and read
    assert {name for name, scopes in opened.items() if len(scopes) != 1} == set()
    assert {each.name for each in target.operations} - set(opened) == {"replay"}
    changing = {each.name for each in target.operations if each.method != "GET"} - {"replay", "query"}
    assert [name for name in changing if opened[name] == [Scope.READ]] == []


# --- What does not go together ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("PUT", "executions/{ended}/cancel", None, "already_finished"),
        ("PUT", "executions/{ended}/pause", None, "illegal_state"),
        ("PUT", "executions/{ended}/unpause", None, "illegal_state"),
        ("PUT", "executions/{waiting}/unpause", None, "illegal_state"),
        ("PUT", "executions/{paused}/pause", None, "illegal_state"),
        ("PUT", "executions/{waiting}/cancel", None, "not_cancellable"),
        ("PUT", "executions/{ended}/upgrade", {"old": DIGEST, "new": DIGEST}, "illegal_state"),
        ("PUT", "executions/{waiting}/upgrade", {"old": DIGEST, "new": DIGEST}, "version_missing"),
        ("PUT", "executions/{waiting}/include", None, "illegal_state"),
        ("PUT", "executions/{waiting}/exclude", {"deployment_id": "Dep_none"}, "deployment_not_found"),
        ("PUT", "executions/{waiting}/advance", {"captured_writes": [{"version": 1}]}, "illegal_state"),
        ("PUT", "executions/{paused}/advance", {"captured_writes": [{"version": 0}]}, "version_mismatch"),
        ("PUT", "executions/{ended}/replay", None, "no_workflow"),
        ("PUT", "executions/{ended}/backtrace/persist", None, "no_workflow"),
        ("POST", "executions/{ended}/fork", {"version": 0}, "no_workflow"),
        ("POST", "executions/{waiting}/fork", {"version": 99}, "fork_refused"),
        ("POST", "executions/{waiting}/retry", None, "illegal_state"),
        ("POST", "executions/{ended}/retry", None, "illegal_state"),
        ("POST", "executions/{ended}/signals", {"name": APPROVE, "payload": True}, "no_workflow"),
        ("POST", "executions/{waiting}/signals", {"name": "a\0b", "payload": True}, "signal_unknown"),
        ("POST", "executions/{asking}/signals", {"name": APPROVE, "payload": 7}, "invalid_result"),
        ("POST", "executions/{waiting}/query", {"name": "amount"}, "illegal_state"),
        ("GET", "executions/{ended}/locals", None, "no_workflow"),
        ("GET", "executions/{waiting}", None, "not_finished"),
        ("GET", "executions/{waiting}/backtrace?version=99", None, "backtrace_not_found"),
        ("PUT", "executions/{stub}/stub", {"ok": "yes"}, "invalid_result"),
        ("PUT", "executions/{stub}/stub", {"ok": True, "err": "no"}, "invalid_result"),
        ("PUT", "executions/{stub}/stub", {"ok": 2**70}, "invalid_result"),
        ("PUT", "executions/{answered}/stub", {"ok": False}, "already_answered"),
        ("PUT", "executions/{answered}/stub", {"err": "no"}, "already_answered"),
        ("PUT", "executions/{waiting}/stub", {"ok": True}, "not_answerable"),
        ("PUT", "executions/{ended}", {"ffqn": ADD, "params": [2, 2]}, "execution_exists"),
        ("PUT", "executions/{stub}", {"ffqn": ADD, "params": [1, 2]}, "invalid_id"),
        ("POST", "executions", {"ffqn": "a\0b", "params": []}, "function_not_found"),
        ("POST", "executions", {"ffqn": "x" * 9000, "params": []}, "function_not_found"),
        ("POST", "executions", {"ffqn": ADD, "params": [1]}, "invalid_call"),
        ("POST", "executions", {"ffqn": ADD, "params": [1, -1]}, "invalid_call"),
        ("POST", "executions", {"ffqn": ADD, "params": [1, 2**64]}, "invalid_call"),
        ("POST", "executions", {"ffqn": ADD, "params": [1, 2**2000]}, "malformed_json"),
        ("POST", "executions", {"ffqn": ADD, "params": [1, 2], "labels": {"a\0": "b"}}, "invalid_call"),
        ("POST", "executions", {"ffqn": ADD, "params": [1, 2], "labels": {"a": "\0"}}, "invalid_call"),
        ("POST", "executions", {"ffqn": APPROVE, "params": ["x"]}, "invalid_call"),
        ("POST", "executions/bulk", {"operation": "cancel", "filter": {"nonsense": 1}}, "invalid_body"),
        ("POST", "executions/bulk", {"operation": "cancel", "filter": {"label": ["\0:a"]}}, "invalid_parameter"),
        (
            "POST",
            "executions/bulk",
            {"operation": "cancel", "filter": {}, "dry_run": False, "cursor": "x"},
            "invalid_cursor",
        ),
        ("GET", "executions?cursor=nonsense", None, "invalid_cursor"),
        ("GET", "executions?cursor=2026-99-99T00:00:00Z", None, "invalid_cursor"),
        ("GET", "executions?status=asleep", None, "invalid_parameter"),
        ("GET", "executions?length=99999999999999999999", None, "invalid_parameter"),
        ("GET", "executions?length=1&length=2", None, "invalid_parameter"),
        ("GET", "executions/{waiting}/logs?cursor=%25%25", None, "invalid_cursor"),
        ("GET", "executions/{waiting}/logs?level=loud", None, "invalid_parameter"),
        ("GET", "executions/{waiting}/logs?stream_type=stdin", None, "invalid_parameter"),
        ("GET", "executions/{waiting}/events?version=-1", None, "invalid_parameter"),
        ("GET", "executions/{waiting}/responses?cursor=x", None, "invalid_parameter"),
        ("GET", "deployments?cursor_from=x", None, "invalid_cursor"),
        ("GET", "webhooks/deliveries?cursor=x", None, "invalid_parameter"),
        ("POST", "deployments", {"deployment_toml": "x = 1\0"}, "deployment_refused"),
        ("POST", "deployments", {"deployment_toml": "x = " + "[" * 3000}, "deployment_refused"),
        ("POST", "deployments", {"deployment_toml": "", "description": "\0"}, "deployment_refused"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_does_not_go_is_refused(target: Target, method: str, path: str, body: object, code: str) -> None:
    names = ("ended", "waiting", "paused", "asking", "stub", "answered")
    place = path.format(**{name: getattr(target, name) for name in names})

    with logged(target) as expected:
        status, _ = check(target.client.ask(method, place, body), code)
        if code != "not_finished":  # who polls is no news
            expected.append((method, f"/v1/{place.partition('?')[0]}", status, code))


def test_headers_are_read_with_care(target: Target) -> None:
    call = {"ffqn": ADD, "params": [1, 2]}

    check(target.client.ask("POST", "executions", call, Idempotency_Key="k" * 300), "invalid_parameter")
    check(target.client.ask("POST", "executions", call, Idempotency_Key=""), "invalid_parameter")
    stream = f"executions/{target.waiting}/stream"
    for wrong in ("x", "-1", "9" * 20):
        check(target.client.ask("GET", stream, Last_Event_ID=wrong), "invalid_cursor")
    check(target.client.ask("GET", "executions", Host="elsewhere.example"), "malformed_request")


def test_what_a_problem_quotes_is_bounded(target: Target) -> None:
    reply = target.client.ask("POST", "executions", {"ffqn": "x" * 19_000, "params": []})

    check(reply, "function_not_found")
    assert len(reply.json["detail"]) < 17_000
    check(target.client.ask("GET", f"executions/{'x' * 9000}"), "invalid_id")
    assert max(len(json.dumps(line)) for line in target.refused()) < 1500
