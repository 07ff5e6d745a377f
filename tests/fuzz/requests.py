"""Hostile requests to what is deployed: calls, the API's other inputs, webhooks, and how requests are framed."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from tests.builders import make_execution_id
from tests.fuzz.messages import Request, to_api
from tests.fuzz.mutation import NUMBERS, TEXTS, Mutator
from tests.harness.components import ADD, APPROVE, ASK, PROBE, RUN

SECRET: Final = "fuzzing"
"""Of the signed endpoints."""

FINISHED: Final = make_execution_id(1)
FAILED: Final = make_execution_id(2)
WAITING: Final = make_execution_id(3)
"""A workflow that waits for an answer."""
PAUSED: Final = make_execution_id(4)

# --- Calls ------------------------------------------------------------------------------------------------------------

_PERSON = {"first-name": "Ada", "age": 36, "nick-name": None}
ECHOES: Final[Mapping[str, Any]] = {
    "bool": True,
    "u8": 255,
    "u16": 65535,
    "u32": 2**32 - 1,
    "u64": 2**64 - 1,
    "s8": -128,
    "s16": -32768,
    "s32": -(2**31),
    "s64": -(2**63),
    "f32": 1.5,
    "f64": 0.1,
    "char": "x",
    "string": "text",
    "bytes": [0, 127, 255],
    "strings": ["a", "", "b"],
    "matrix": [[1.0, 2.5], []],
    "option": 7,
    "nested-option": {"some": None},
    "tuple": [1, "a", False],
    "record": _PERSON,
    "records": [_PERSON, _PERSON],
    "variant": {"poly-line": [{"x": 1, "y": -1}]},
    "enum": "dark-amber",
    "flags": ["read", "run-as-root"],
    "two-byte-flags": ["january", "december"],
    "four-byte-flags": ["b0", "b19"],
    "result": {"ok": 7},
    "unit-result": {"err": None},
}
"""A good value for each type that the probe returns as it got it, by the name of the function."""


def hostile_call(mutator: Mutator) -> Request:
    """Return a call of an activity or a workflow whose parameters, or what stands beside them, are hostile."""
    params: Any
    if mutator.chance(0.85):
        name = mutator.one_of(list(ECHOES))
        ffqn, params = f"{PROBE}.echo-{name}", [ECHOES[name]]
    else:
        ffqn, params = mutator.one_of(
            [(ADD, [1, 2]), (RUN, [[]]), (ASK, ["q"]), (APPROVE, ["q"]), (f"{PROBE}-schedule.add", ["now", 1, 2])]
        )
    if mutator.chance(0.7):  # only the parameters
        body = b'{"ffqn":%s,"params":%s}' % (json.dumps(ffqn).encode(), mutator.document(params))
    else:
        call = {"ffqn": ffqn, "params": params, "paused": False, "labels": {"team": "a"}}
        body = mutator.document(call)
    headers = [(b"Prefer", b"wait=10")]
    if mutator.chance(0.1):
        headers.append((b"Idempotency-Key", _header_text(mutator, "key-1")))
    return to_api("POST", "executions", body, headers=headers)


# --- The API's other inputs -------------------------------------------------------------------------------------------

_IDS: Final = (FINISHED, FAILED, WAITING, PAUSED, make_execution_id(9), f"{WAITING}.n:a_1", f"{WAITING}.o:1_1")
_READS: Final = ("", "/status", "/events", "/responses", "/logs", "/http", "/operations", "/backtrace", "/locals")
_QUERIES: Final[Mapping[str, str]] = {
    "function": ADD,
    "ffqn_prefix": "test:",
    "status": "finished",
    "label": "a:b",
    "component": "probe",
    "component_digest": "sha256:" + "0" * 64,
    "deployment_id": "Dep_01KBNHM5FQW81KP5Y3XMNX31K4",
    "parent": FINISHED,
    "created_after": "2026-01-01T00:00:00Z",
    "finished_before": "2026-01-01T00:00:00Z",
    "execution_id_prefix": "E_0",
    "show_derived": "true",
    "stuck": "true",
    "cursor": FINISHED,
    "version": "3",
    "length": "20",
    "direction": "newer",
    "including_cursor": "true",
    "join_set": "n:a",
    "level": "info",
    "stream_type": "stdout",
    "file": "a.py",
    "reason": "because",
    "after": "2026-01-01T00:00:00Z",
    "endpoint": "doorman",
    "state": "failed",
}
_BODIES: Final[Mapping[str, Any]] = {
    f"executions/{WAITING}/stub": {"ok": True},
    f"executions/{WAITING}.n:a_1/stub": {"ok": True},
    f"executions/{WAITING}/signals": {"name": "paid", "payload": 90, "signal_id": "p-1"},
    f"executions/{WAITING}/query": {"name": "booked", "params": [2]},
    f"executions/{FINISHED}/fork": {"version": 2, "params": [[]], "dry_run": True},
    f"executions/{PAUSED}/advance": {"persist_backtrace": True},
    f"executions/{PAUSED}/upgrade": {"component_digest": "sha256:" + "0" * 64},
    f"executions/{FINISHED}/replay": {},
    f"executions/{FAILED}/retry": {},
    f"executions/{WAITING}/pause": {},
    f"executions/{make_execution_id(8)}": {"ffqn": ADD, "params": [1, 2]},
    f"delays/Delay_{WAITING.removeprefix('E_')}.n:a_1/cancel": {},
    "executions/bulk": {"operation": "retry", "filter": {"status": ["finished_error"]}, "limit": 10, "dry_run": True},
    "deployments/gc": {"older_than": "90d", "dry_run": True},
    "deployments/Dep_01KBNHM5FQW81KP5Y3XMNX31K4/switch": {"apply": True, "reason": "x"},
    "deployments/Dep_01KBNHM5FQW81KP5Y3XMNX31K4/verify": {"allow_unavailable_runtime_config": True},
    "crons/tick/trigger": {},
}
_LISTS: Final = (
    "executions",
    "functions",
    "components",
    "wit",
    "deployments",
    "crons",
    "webhooks/deliveries",
    "problems",
)
_HEADERS: Final[Mapping[str, str]] = {
    "Prefer": "wait=1",
    "Idempotency-Key": "key-1",
    "Last-Event-ID": "3",
    "Accept": "text/plain",
    "Accept-Encoding": "gzip",
    "If-None-Match": '"a"',
    "Range": "bytes=0-10",
    "X-Forwarded-For": "::1",
    "X-HTTP-Method-Override": "DELETE",
    "Content-Type": "application/json; charset=utf-16",
    "Authorization": "Bearer obelisk_0000000000_x",
    "Cookie": "sessionid=x; csrftoken=y",
}


def hostile_input(mutator: Mutator) -> Request:
    """Return a request to any other endpoint, with hostile ids, filters, cursors, headers or body."""
    body = b""
    if mutator.chance(0.4):
        path = mutator.one_of(list(_BODIES))
        method = mutator.one_of(("PUT", "POST", "PUT", "POST", "PATCH"))
        body = mutator.document(_BODIES[path])
    elif mutator.chance(0.6):
        path, method = f"executions/{mutator.one_of(_IDS)}{mutator.one_of(_READS)}", "GET"
    else:
        path, method = mutator.one_of(_LISTS), "GET"
    if mutator.chance(0.3):
        parts = path.split("/")
        at = mutator.below(len(parts))
        parts[at] = mutator.text(parts[at])
        path = "/".join(quote(part, safe=mutator.one_of(("", ":", "%:."))) for part in parts)
    names = [mutator.one_of(list(_QUERIES)) for _ in range(mutator.below(4))]
    if names:
        path += "?" + "&".join(f"{name}={_query_value(mutator, _QUERIES[name])}" for name in names)
    headers = []
    for _ in range(mutator.below(3)):
        name = mutator.one_of(list(_HEADERS))
        headers.append((name.encode(), _header_text(mutator, _HEADERS[name])))
    return to_api(method, path.replace("\r", "%0D").replace("\n", "%0A").replace(" ", "%20"), body, headers=headers)


def _query_value(mutator: Mutator, value: str) -> str:
    if mutator.chance(0.4):
        return quote(value)
    if mutator.chance(0.2):
        return str(mutator.one_of(NUMBERS))
    return quote(mutator.text(value), safe=mutator.one_of(("", "%")), errors="replace")


def _header_text(mutator: Mutator, value: str) -> bytes:
    text = value if mutator.chance(0.4) else mutator.text(value)
    return text.encode("utf-8", "surrogatepass").replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")[:4000]


# --- Webhooks ---------------------------------------------------------------------------------------------------------

OPERATIONS: Final = (
    "hello",
    "describe",
    "length",
    "log",
    "id",
    "echo",
    "empty",
    "call-json",
    "schedule-json",
    "status",
    "try-get",
    "signal",
)
"""What the endpoints of the fuzzer's site do; none of it fails by itself, or waits for an execution."""

_READ_BY_THE_GUEST: Final = (
    *(b"x-interface", b"x-function", b"x-id", b"x-signal", b"x-signal-id", b"x-shown", b"cookie", b"content-type"),
)
PROVIDERS: Final = ("github", "stripe", "slack", "standard-webhooks", "hmac")


def hostile_hook(mutator: Mutator) -> Request:
    """Return a request to a webhook endpoint: hostile path, method, headers, body or signature."""
    operation = mutator.one_of(OPERATIONS)
    provider = mutator.one_of(("", "", *PROVIDERS))
    path = f"/hooks/{provider or 'do'}/{operation}/{mutator.one_of(_IDS)}"
    body = mutator.document({"id": "evt_1", "event_id": "E1", "params": [1, 2], "type": "url_verification"})
    if mutator.chance(0.1):
        body *= mutator.one_of((0, 50, 500))
    headers = list(_signatures(mutator, provider, body))
    if mutator.chance(0.3) and headers:
        at = mutator.below(len(headers))
        name, value = headers[at]
        headers[at : at + 1] = mutator.one_of(
            ([], [(name, value)] * 2, [(name, _header_text(mutator, value.decode()))])
        )
    headers += [(name, _header_text(mutator, PROBE)) for name in _READ_BY_THE_GUEST if mutator.chance(0.2)]
    if mutator.chance(0.25):
        path = mutator.text(path[1:])
        path = "/hooks/" + quote(path, safe=mutator.one_of(("", "/%", "/?%:")), errors="replace")
    if mutator.chance(0.2):
        path += "?" + quote(mutator.one_of(TEXTS)[:2000], safe="=&?/%", errors="replace")
    method = mutator.one_of((b"POST", b"POST", b"POST", b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"BREW", b"post"))
    return Request(method=method, target=path.encode(), headers=tuple(headers), body=body)


def _signatures(mutator: Mutator, provider: str, body: bytes) -> list[tuple[bytes, bytes]]:
    # Only times that a case can hold: it has to be the same for ever. Those two providers refuse all that is old.
    stamp = mutator.one_of(("1767225600", "-1", "9" * 30, "0x1", "\u0661", "", "nan"))
    key = SECRET.encode()

    def seal(content: bytes) -> str:
        return hmac.new(key, content, hashlib.sha256).hexdigest()

    match provider:
        case "github":
            return [(b"X-Hub-Signature-256", b"sha256=" + seal(body).encode()), (b"X-GitHub-Delivery", b"d-1")]
        case "stripe":
            sealed = seal(stamp.encode() + b"." + body)
            return [(b"Stripe-Signature", f"t={stamp},v1={sealed},v0=x".encode())]
        case "slack":
            sealed = seal(b"v0:" + stamp.encode() + b":" + body)
            return [(b"X-Slack-Request-Timestamp", stamp.encode()), (b"X-Slack-Signature", b"v0=" + sealed.encode())]
        case "standard-webhooks":
            return [
                (b"webhook-id", b"msg_1"),
                (b"webhook-timestamp", stamp.encode()),
                (b"webhook-signature", b"v1," + seal(body).encode()),
            ]
        case "hmac":
            return [(b"X-Seal", seal(body).encode()), (b"X-Delivery", b"d-1")]
        case _:
            return []


# --- Framing ----------------------------------------------------------------------------------------------------------

_LINES: Final = (
    b"Content-Length: 0",
    b"Content-Length: -1",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: 1, 1",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding:\x0bchunked",
    b"Expect: 100-continue",
    b"Upgrade: websocket",
    b"Connection: Upgrade, keep-alive",
    b"Connection: close, close",
    b"Host: a\0b",
    b"Host: [::1",
    b"Host: a b",
    b"X-A: " + b"a" * 70_000,
    b": nameless",
    b" folded",
    b"X\0: 1",
    b"X-\xff: \xff",
    b"Sec-WebSocket-Key: x",
)


def hostile_frames(mutator: Mutator) -> bytes:
    """Return what goes over a connection: a request with a hostile head, framing, or more behind it."""
    make = mutator.one_of((hostile_hook, hostile_hook, hostile_call, hostile_input))
    request = make(mutator)
    request = Request(
        method=request.method,
        target=request.target,
        headers=((b"Host", b"127.0.0.1"), *request.headers),
        body=request.body,
    )
    content = request.encode()
    head, _, body = content.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    for _ in range(mutator.below(3)):
        lines.insert(1 + mutator.below(len(lines)), mutator.one_of(_LINES))
    match mutator.below(6):
        case 0:  # chunks
            lines = [line for line in lines if not line.startswith(b"Content-Length")]
            lines.append(b"Transfer-Encoding: chunked")
            size = mutator.one_of(
                (b"%x" % len(body), b"ffffffffffffffffff", b"-1", b"0x10", b"", b"%x;a=b" % len(body))
            )
            body = (
                size + b"\r\n" + body + mutator.one_of((b"\r\n0\r\n\r\n", b"0\r\n\r\n", b"\r\n0\r\nX: y\r\n\r\n", b""))
            )
        case 1:  # another request behind it
            body += Request(target=b"/v1/problems", headers=((b"Host", b"127.0.0.1"),)).encode()
        case 2:
            lines[0] = mutator.octets(lines[0])
        case 3:
            lines[0] = lines[0].replace(
                b"HTTP/1.1", mutator.one_of((b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.1 ", b"", b"ICY"))
            )
        case _:
            pass
    content = mutator.one_of((b"\r\n", b"\r\n", b"\r\n", b"\n")).join(lines) + b"\r\n\r\n" + body
    return mutator.octets(content) if mutator.chance(0.2) else content
