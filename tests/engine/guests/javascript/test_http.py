from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.harness.javascript import ScriptedHost, evaluate, run


class HttpHost(ScriptedHost):
    """Answers every request the same, the one begun last first."""

    def __init__(self, answer: dict[str, Any], *, refusal: dict[str, Any] | None = None) -> None:
        super().__init__({"http_begin": self._begin, "http_wait": self._wait, "http_cancel": self._cancel})
        self.open: list[int] = []
        self.most_open = 0
        self._count = 0
        self._answer = answer
        self._refusal = refusal

    def _begin(self, _body: dict[str, Any]) -> dict[str, Any]:
        if self._refusal is not None:
            return self._refusal
        self._count += 1
        self.open.append(self._count)
        self.most_open = max(self.most_open, len(self.open))
        return {"request": self._count}

    def _wait(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["us"] is not None:
            return {"waited_us": body["us"]}
        return {"waited_us": 0, "request": self.open.pop(), **self._answer}

    def _cancel(self, body: dict[str, Any]) -> dict[str, Any]:
        self.open.remove(body["request"])
        return {}


def _answering(
    status: int = 200, body: bytes = b"", headers: list[list[str]] | None = None, url: str = "http://h/"
) -> HttpHost:
    encoded = base64.b64encode(body).decode()
    return HttpHost({"status": status, "headers": headers or [], "body": encoded, "url": url})


def _refusing(code: str, message: str) -> HttpHost:
    return HttpHost({}, refusal={"refused": code, "message": message})


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
            "http_begin",
            {
                "method": "POST",
                "url": "http://h/p?q",
                "headers": [["x-one", "1"], ["content-type", "text/plain;charset=UTF-8"]],
                "body": base64.b64encode(b'{"n":1}').decode(),
                "timeout_us": 60_000_000,
                "redirect": "follow",
            },
        ),
        ("http_wait", {"us": None}),
    ]


@pytest.mark.parametrize(
    "host", [_refusing("denied", "no rule allows it"), HttpHost({"failed": "connect", "message": "no rule allows it"})]
)
def test_a_request_that_fails_is_a_type_error(host: HttpHost) -> None:
    answer = run("export default () => fetch('http://h/');", host=host)

    assert answer["err"] == "fetch failed: no rule allows it"
    assert answer["trace"].startswith("TypeError: fetch failed")


def test_requests_go_out_before_any_is_answered_and_come_back_in_their_order() -> None:
    host = _answering()
    source = """
        export default async () => {
            const ended = [];
            await Promise.all([1, 2, 3].map(async (n) => { await fetch("http://h/"); ended.push(n); }));
            return ended;
        };"""

    assert run(source, host=host) == {"ok": [3, 2, 1]}
    assert [op for op, _ in host.asked[:3]] == ["http_begin"] * 3


def test_only_so_many_requests_go_out_at_once() -> None:
    host = _answering()
    source = """
        export default async () => {
            const answers = await Promise.all(Array.from({ length: 100 }, () => fetch("http://h/")));
            return answers.length;
        };"""

    assert run(source, host=host) == {"ok": 100}
    assert host.most_open == 32


def test_many_refused_requests_do_not_nest() -> None:
    source = """
        export default async () => {
            const all = await Promise.allSettled(Array.from({ length: 5000 }, () => fetch("http://h/")));
            return all.filter(({ reason }) => reason.code === "denied").length;
        };"""

    assert run(source, host=_refusing("denied", "no")) == {"ok": 5000}


def test_a_timeout_of_the_signal_is_a_timeout_error_and_gives_the_request_up() -> None:
    host = _answering()
    source = """
        export default async () => {
            try { await fetch("http://h/", { signal: AbortSignal.timeout(1500) }); } catch (e) { return e.name; }
        };"""

    assert run(source, host=host) == {"ok": "TimeoutError"}
    assert [(op, body.get("us")) for op, body in host.asked[1:]] == [("http_wait", 1_500_000), ("http_cancel", None)]
    assert host.asked[0][1]["timeout_us"] is None
    assert host.open == []


@pytest.mark.parametrize(
    ("signal", "reason"),
    [
        ("controller.signal", "stop"),
        ("AbortSignal.any([AbortSignal.timeout(60000), controller.signal])", "stop"),
        ("AbortSignal.any([AbortSignal.abort('before'), controller.signal])", "before"),
    ],
)
def test_an_aborted_request_is_rejected_with_the_reason(signal: str, reason: str) -> None:
    host = _answering()
    source = f"""
        export default async () => {{
            const controller = new AbortController();
            setTimeout(() => controller.abort("stop"), 10);
            try {{ await fetch("http://h/", {{ signal: {signal} }}); }} catch (e) {{ return e; }}
        }};"""

    assert run(source, host=host) == {"ok": reason}
    assert host.open == []


def test_timers_go_on_while_requests_are_under_way() -> None:
    source = """
        export default async () => {
            let ticks = 0;
            const timer = setInterval(() => { ticks += 1; if (ticks === 3) clearInterval(timer); }, 100);
            await fetch("http://h/");
            return ticks;
        };"""

    assert run(source, host=_answering()) == {"ok": 3}


def test_a_request_that_nobody_waited_for_is_mentioned() -> None:
    host = _answering()

    assert run("export default () => { fetch('http://h/x'); return 1; };", host=host) == {"ok": 1}
    assert host.lines() == [
        ("warn", "a request was under way when the function returned, and is given up: GET http://h/x")
    ]


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
        ("new Headers([['a']])", "a header is a pair of name and value"),
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


class WebhookHost(ScriptedHost):
    """Gives a request's body in pieces, and keeps the response."""

    def __init__(self, *pieces: bytes) -> None:
        waiting = [base64.b64encode(piece).decode() for piece in pieces]
        super().__init__(
            {
                "body": lambda _: {"data": waiting.pop(0) if waiting else None},
                "respond": lambda _: {},
                "write": lambda _: {},
            }
        )

    def written(self) -> list[bytes]:
        """Return the pieces of the response's body."""
        return [base64.b64decode(body["data"]) for op, body in self.asked if op == "write"]


def test_a_webhook_is_given_a_request_and_returns_a_response() -> None:
    source = """
        export default async function handle(request) {
            const { name } = await request.json();
            const url = new URL(request.url);
            return Response.json([request.method, url.pathname, request.headers.get("x-a"), name], { status: 202 });
        }"""
    host = WebhookHost(b'{"name": ', b'"Ada"}')
    request = {"method": "POST", "url": "http://h/p?q", "headers": [["X-A", "1"]]}

    assert run(source, request, kind="webhook", host=host) == {"ok": None}

    assert host.written() == [b'["POST","/p","1","Ada"]']
    heads = [body for op, body in host.asked if op == "respond"]
    assert heads == [{"status": 202, "headers": [["content-type", "application/json"]]}]


def test_a_webhooks_response_may_be_made_piece_by_piece() -> None:
    source = """
        export default async function handle(request) {
            const reader = request.body.getReader();
            const first = await reader.read();
            reader.releaseLock();
            return new Response(new ReadableStream({
                async start(controller) {
                    controller.enqueue(first.value);
                    controller.enqueue("text");
                    for await (const chunk of request.body) {
                        controller.enqueue(chunk);
                    }
                    controller.close();
                },
            }));
        }"""
    host = WebhookHost(b"one", b"two", b"three")

    assert run(source, {"method": "POST", "url": "http://h/", "headers": []}, kind="webhook", host=host) == {"ok": None}

    assert host.written() == [b"one", b"text", b"two", b"three"]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("(await request.text(), await request.text())", "the body was read already"),
        ("request.clone()", "a body that is yet to come cannot be cloned; read it first"),
        ("(request.body.getReader(), await request.text())", "the body was read already"),
        ("(request.body.getReader(), request.body.getReader())", "the stream has a reader already"),
    ],
)
def test_a_body_is_read_once(expression: str, said: str) -> None:
    source = f"export default async (request) => new Response(String({expression}));"

    request = {"method": "POST", "url": "http://h/", "headers": []}
    answer = run(source, request, kind="webhook", host=WebhookHost(b"one"))

    assert answer["err"] == said


def test_a_webhook_that_returns_anything_else_is_broken() -> None:
    request: dict[str, Any] = {"method": "GET", "url": "http://h/", "headers": []}

    answer = run("export default () => 'hello';", request, kind="webhook")

    assert answer["broken"] == ("the handler must return a Response, such as new Response(...) or Response.json(...)")
