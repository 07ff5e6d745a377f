from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.harness.javascript import ScriptedHost, evaluate, run


def _answering(
    status: int = 200, body: bytes = b"", headers: list[list[str]] | None = None, url: str = "http://h/"
) -> ScriptedHost:
    encoded = base64.b64encode(body).decode()
    return ScriptedHost({"http": lambda _: {"status": status, "headers": headers or [], "body": encoded, "url": url}})


def _refusing(code: str, message: str) -> ScriptedHost:
    return ScriptedHost({"http": lambda _: {"refused": code, "message": message}})


def test_fetch_asks_the_host() -> None:
    host = _answering(201, b'{"a": 1}', [["Content-Type", "application/json"]], url="http://h/p?q")
    source = """
        export default async function main() {
            const body = JSON.stringify({ n: 1 });
            const r = await fetch("http://H/p?q#f", { method: "post", headers: { "X-One": "1" }, body });
            return [r.status, r.ok, r.headers.get("content-type"), await r.json(), r.url, r.redirected];
        }"""

    assert run(source, host=host) == {"ok": [201, True, "application/json", {"a": 1}, "http://h/p?q", False]}
    assert host.asked == [
        (
            "http",
            {
                "method": "POST",
                "url": "http://h/p?q",
                "headers": [["x-one", "1"], ["content-type", "text/plain;charset=UTF-8"]],
                "body": base64.b64encode(b'{"n":1}').decode(),
                "timeout_us": 60_000_000,
                "redirect": "follow",
            },
        )
    ]


def test_a_refused_request_is_a_type_error() -> None:
    answer = run("export default () => fetch('http://h/');", host=_refusing("denied", "no rule allows it"))

    assert answer["err"] == "fetch failed: no rule allows it"
    assert answer["trace"].startswith("TypeError: fetch failed")


def test_a_timeout_of_the_signal_is_a_timeout_error() -> None:
    host = _refusing("timeout", "no answer")
    source = """
        export default async () => {
            try { await fetch("http://h/", { signal: AbortSignal.timeout(1500) }); } catch (e) { return e.name; }
        };"""

    assert run(source, host=host) == {"ok": "TimeoutError"}
    assert host.asked[0][1]["timeout_us"] == 1_500_000


@pytest.mark.parametrize("status", [304, 204, 301, 404, 500])
def test_any_status_is_a_response(status: int) -> None:
    source = (
        "export default async () => { const r = await fetch('http://h/'); return [r.status, r.ok, await r.text()]; };"
    )

    assert run(source, host=_answering(status)) == {"ok": [status, 200 <= status < 300, ""]}


def test_a_redirect_can_be_refused() -> None:
    answer = run("export default () => fetch('http://h/', { redirect: 'error' });", host=_answering(302))

    assert answer["err"] == "fetch failed: http://h/ redirects, which this request refuses"


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        ("await r.text()", "aé"),
        ("[...new Uint8Array(await r.arrayBuffer())]", [97, 195, 169]),
        ("[...(await r.bytes())]", [97, 195, 169]),
        ("(await r.blob()).size", 3),
        ("(await r.text(), r.bodyUsed)", True),
        ("await r.clone().text() + await r.text()", "aéaé"),
        ("await r.text() && await r.text().catch((e) => e.message)", "the body was read already"),
    ],
)
def test_bodies_are_read_in_every_form_and_once(reading: str, expected: Any) -> None:
    source = f"export default async () => {{ const r = new Response('aé'); return {reading}; }};"

    assert run(source) == {"ok": expected}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("'text'", "text/plain;charset=UTF-8"),
        ("new URLSearchParams('a=1')", "application/x-www-form-urlencoded;charset=UTF-8"),
        ("new Uint8Array(1)", None),
        ("new Blob(['x'], { type: 'Text/CSV' })", "text/csv"),
        ("null", None),
    ],
)
def test_a_body_brings_its_content_type(body: str, content_type: str | None) -> None:
    assert evaluate(f"new Response({body}).headers.get('content-type')") == content_type


def test_responses_of_each_kind() -> None:
    assert evaluate("[Response.json({ a: 1 }).headers.get('content-type'), await Response.json([1]).text()]") == [
        "application/json",
        "[1]",
    ]
    assert evaluate(
        "[Response.redirect('http://h/x').status, Response.redirect('http://h/x').headers.get('location')]"
    ) == [
        302,
        "http://h/x",
    ]
    assert evaluate("[new Response('', { status: 418, statusText: 'tea' }).statusText, Response.error().type]") == [
        "tea",
        "error",
    ]


def test_a_form_is_read_as_an_object() -> None:
    source = """
        export default async () => {
            const body = new URLSearchParams({ a: "1", b: "x y" });
            return new Request("http://h/", { method: "POST", body }).formData();
        };"""

    assert run(source) == {"ok": {"a": "1", "b": "x y"}}


def test_headers() -> None:
    source = """
        export default () => {
            const h = new Headers([["B", "2"], ["a", " 1 "], ["b", "3"], ["Set-Cookie", "x=1"]]);
            h.append("set-cookie", "y=2");
            const before = [...h];
            h.set("B", "9");
            h.delete("a");
            return [before, h.get("b"), h.has("a"), h.getSetCookie(), Object.fromEntries(new Headers({ X: "1" }))];
        };"""

    assert run(source) == {
        "ok": [
            [["a", "1"], ["b", "2, 3"], ["set-cookie", "x=1"], ["set-cookie", "y=2"]],
            "9",
            False,
            ["x=1", "y=2"],
            {"x": "1"},
        ]
    }


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("new Headers({ 'a b': '1' })", "'a b' is no name of a header"),
        ("new Headers({ a: 'x\\ny' })", "the value of a header must be one line of Latin-1 characters"),
        ("new Request('/x')", "Invalid URL: /x"),
        ("new Request('http://u:p@h/')", "the URL of a request must not hold a user name or password"),
        ("new Request('http://h/', { body: 'x' })", "a GET request cannot have a body"),
        ("new Request('http://h/', { method: 'TRACE' })", "the method TRACE is not allowed"),
        ("new Response('x', { status: 204 })", "a response of status 204 has no body"),
        ("new Response('', { status: 99 })", "the status of a response is 200 to 599, got 99"),
    ],
)
def test_what_http_does_not_allow_is_refused(expression: str, said: str) -> None:
    assert run(f"export default () => {expression};")["err"] == said


def test_a_webhook_is_given_a_request_and_returns_a_response() -> None:
    source = """
        export default async function handle(request) {
            const { name } = await request.json();
            const url = new URL(request.url);
            return Response.json([request.method, url.pathname, request.headers.get("x-a"), name], { status: 202 });
        }"""
    body = base64.b64encode(b'{"name": "Ada"}').decode()

    answer = run(
        source, {"method": "POST", "url": "http://h/p?q", "headers": [["X-A", "1"]], "body": body}, kind="webhook"
    )

    assert base64.b64decode(answer["ok"].pop("body")) == b'["POST","/p","1","Ada"]'
    assert answer == {"ok": {"status": 202, "headers": [["content-type", "application/json"]]}}


def test_a_webhook_that_returns_anything_else_is_broken() -> None:
    request: dict[str, Any] = {"method": "GET", "url": "http://h/", "headers": [], "body": None}

    answer = run("export default () => 'hello';", request, kind="webhook")

    assert answer["broken"] == ("the handler must return a Response, such as new Response(...) or Response.json(...)")
