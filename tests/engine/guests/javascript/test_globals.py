from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from tests.harness.javascript import NOW_US, ScriptedHost, evaluate, run


@pytest.mark.parametrize("method", ["trace", "debug", "info", "warn", "error"])
def test_console_methods_log_at_their_level(method: str) -> None:
    host = ScriptedHost()

    evaluate(f"console.{method}('a', 1, {{ b: [null] }}, undefined)", host=host)

    assert host.lines() == [(method, 'a 1 {"b":[null]} undefined')]


def test_console_log_is_info_and_shows_errors_with_their_place() -> None:
    host = ScriptedHost()

    run("export default () => {\n  console.log(new TypeError('no'));\n};", host=host)

    assert host.lines() == [("info", "TypeError: no\n    at default (main.js:2:19)")]


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ("'%s is %d%% of %j', 'x', 3.5, { a: 1 }, 'more'", 'x is 3.5% of {"a":1} more'),
        ("'%s and %i', 'one'", "one and %i"),
        ("'100%', 1", "100% 1"),
        ("new Map([[1, { big: 2n }]]), new Set(['x'])", '[[1,{"big":"2n"}]] ["x"]'),
        ("Object.create(null), Symbol('s'), undefined", "{} Symbol(s) undefined"),
        ("((a) => (a.a = a))(Object.create(null))", "[object Object]"),
        ("", ""),
    ],
)
def test_console_shows_values_as_people_read_them(values: str, line: str) -> None:
    host = ScriptedHost()

    run(f"export default () => {{ console.log({values}); }};", host=host)

    assert host.lines() == [("info", line)]


def test_a_program_that_replaces_json_still_reaches_the_host() -> None:
    host = ScriptedHost()
    source = """
        export default () => {
            JSON.parse = JSON.stringify = () => { throw new Error("mine"); };
            console.log({ a: 1 });
            return [1];
        };"""

    assert run(source, host=host) == {"ok": [1]}
    assert host.lines() == [("info", '{"a":1}')]


def test_the_trace_of_an_error_ends_with_what_caused_it() -> None:
    source = "export default () => {\n  throw new Error('outer', { cause: new TypeError('inner') });\n};"

    answer = run(source)

    assert answer["err"] == "outer"
    assert answer["trace"].splitlines()[0] == "Error: outer"
    assert "caused by TypeError: inner" in answer["trace"].splitlines()


@pytest.mark.parametrize(
    "spoil", ["e.name = Symbol('s')", "Object.defineProperty(e, 'stack', { get() { throw 1; } })", "e.cause = e"]
)
def test_an_error_that_was_tampered_with_is_still_the_functions_error(spoil: str) -> None:
    assert run(f"export default () => {{ const e = new Error('bad'); {spoil}; throw e; }};")["err"] == "bad"


@pytest.mark.parametrize("reason", ["Object.create(null)", "{ toString() { throw 1; } }", "Symbol('s')"])
def test_a_rejection_with_anything_is_no_more_than_a_log_line(reason: str) -> None:
    host = ScriptedHost()

    answer = run(f"export default () => {{ Promise.reject({reason}); return 1; }};", host=host)

    assert answer == {"ok": 1}
    assert len(host.lines()) == 1


def test_an_uncaught_error_is_logged_with_its_place() -> None:
    host = ScriptedHost()

    run("export default function main() {\n  throw new Error('no');\n}", host=host)

    assert host.lines() == [("error", "Error: no\n    at main (main.js:2:13)")]


def test_the_environment_is_that_of_the_deployment() -> None:
    source = "export default () => [process.env.GREETING, process.env['NAME'] === undefined];"

    assert run(source, env={"GREETING": "hello"}) == {"ok": ["hello", True]}
    assert run(source, kind="workflow", env={"GREETING": "hello"}) == {"ok": [None, True]}


def test_an_activity_reads_the_real_clock() -> None:
    assert evaluate("[Date.now(), new Date().toISOString(), new Date(0).getTimezoneOffset()]") == [
        NOW_US // 1000,
        "2023-11-14T22:13:20.123Z",
        0,
    ]


def test_a_workflow_reads_a_clock_that_is_recorded() -> None:
    host = ScriptedHost({"now": lambda _: {"us": 1}})

    assert evaluate("Date.now()", kind="workflow", host=host) == NOW_US // 1000
    assert host.asked == [("sleep", {"schedule": "now"})]


def test_dates_of_given_moments_ask_nobody() -> None:
    host = ScriptedHost()

    assert evaluate("new Date(2024, 1, 29, 12).toISOString()", kind="workflow", host=host) == "2024-02-29T12:00:00.000Z"
    assert host.asked == []


def test_random_numbers_of_a_workflow_are_recorded() -> None:
    host = ScriptedHost({"random": lambda _: {"value": 2**52}})

    assert evaluate("Math.random()", kind="workflow", host=host) == 0.5
    assert host.asked == [("random", {"u64": [0, 2**53 - 1]})]


def test_random_numbers_of_an_activity_follow_its_seed() -> None:
    source = "export default () => Math.random();"

    first = run(source, seed="0123456789abcdef" * 2)

    assert first == run(source, seed="0123456789abcdef" * 2)
    assert first != run(source, seed="1123456789abcdef" * 2)


def test_random_bytes_and_uuids_come_from_the_host() -> None:
    assert evaluate("[...crypto.getRandomValues(new Uint16Array(2))]") == [0x0100, 0x0302]
    assert evaluate("crypto.randomUUID()") == "00010203-0405-4607-8809-0a0b0c0d0e0f"


def test_random_bytes_of_a_workflow_are_recorded_numbers() -> None:
    host = ScriptedHost({"random": lambda _: {"value": 0x060504030201}})

    values = evaluate("[...crypto.getRandomValues(new Uint8Array(8))]", kind="workflow", host=host)

    assert values == [1, 2, 3, 4, 5, 6, 1, 2]
    assert host.asked == [("random", {"u64": [0, 2**48 - 1]})] * 2


@pytest.mark.parametrize("name", ["fetch", "setTimeout", "setInterval"])
def test_a_workflow_is_told_what_to_use_instead(name: str) -> None:
    answer = run(f"export default () => {name}(() => {{}}, 1);", kind="workflow", result={"ok": True, "err": "string"})

    assert answer["err"].startswith(f"{name} is not to be had in a workflow, whose every step must replay;")


def test_a_workflow_has_no_stopwatch() -> None:
    assert evaluate("typeof performance", kind="workflow") == "undefined"


def test_timers_fire_in_the_order_of_their_time() -> None:
    host = ScriptedHost()
    source = """
        export default async function main() {
            const seen = [];
            const stopped = setTimeout(() => seen.push("stopped"), 1);
            clearTimeout(stopped);
            const ticking = setInterval(() => seen.push("tick"), 400);
            setTimeout((what) => seen.push(what), 1500, "late");
            setTimeout(() => seen.push("soon"), 10);
            await new Promise((resolve) => setTimeout(resolve, 1600));
            clearInterval(ticking);
            return seen;
        }"""

    assert run(source, host=host) == {"ok": ["soon", "tick", "tick", "tick", "late", "tick"]}
    pauses = [body["us"] for op, body in host.asked if op == "pause"]
    assert sum(pauses) == 1_600_000
    assert max(pauses) <= 50_000


def test_a_rejection_that_nobody_handles_is_in_the_log() -> None:
    host = ScriptedHost()
    source = """
        export default async () => {
            Promise.reject(new Error("lost"));
            const late = Promise.reject(new Error("found"));
            await null;
            await late.catch(() => {});
            return "done";
        };"""

    assert run(source, host=host) == {"ok": "done"}
    assert host.lines() == [
        ("warn", "a promise was rejected, and nobody handles it: Error: lost\n    at default (main.js:3:32)")
    ]


def test_micro_tasks_run_before_timers() -> None:
    source = """
        export default async () => {
            const seen = [];
            setTimeout(() => seen.push("timer"));
            queueMicrotask(() => seen.push("micro"));
            await new Promise((resolve) => setTimeout(resolve, 1));
            return seen;
        };"""

    assert run(source) == {"ok": ["micro", "timer"]}


@pytest.mark.parametrize("name", ["SHA-1", "SHA-256", "SHA-384", "SHA-512"])
def test_digests(name: str) -> None:
    found = evaluate(f"new Uint8Array(await crypto.subtle.digest('{name}', new TextEncoder().encode('abc'))).toHex()")

    assert found == hashlib.new(name.replace("-", "").lower(), b"abc").hexdigest()


@pytest.mark.parametrize("name", ["SHA-256", "SHA-384", "SHA-512"])
def test_hmac_signs_and_verifies(name: str) -> None:
    source = f"""
        export default async function main() {{
            const bytes = (text) => new TextEncoder().encode(text);
            const usages = ["sign", "verify"];
            const algorithm = {{ name: "HMAC", hash: "{name}" }};
            const key = await crypto.subtle.importKey("raw", bytes("secret"), algorithm, false, usages);
            const signature = await crypto.subtle.sign("HMAC", key, bytes("hello"));
            return [
                new Uint8Array(signature).toHex(),
                await crypto.subtle.verify({{ name: "HMAC" }}, key, signature, bytes("hello")),
                await crypto.subtle.verify({{ name: "HMAC" }}, key, signature, bytes("other")),
                await crypto.subtle.verify({{ name: "HMAC" }}, key, new Uint8Array(3), bytes("hello")),
            ];
        }}"""

    expected = hmac.digest(b"secret", b"hello", name.replace("-", "").lower()).hex()
    assert run(source) == {"ok": [expected, True, False, False]}


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("crypto.subtle.digest('MD5', new Uint8Array())", "NotSupportedError: the hash MD5 is not supported;"),
        ("crypto.subtle.importKey('jwk', {}, 'HMAC', false, ['sign'])", "NotSupportedError: the key format jwk"),
        (
            "crypto.subtle.importKey('raw', new Uint8Array(1), 'AES-GCM', false, ['sign'])",
            "NotSupportedError: the algorithm",
        ),
        (
            "crypto.subtle.importKey('raw', new Uint8Array(1), 'HMAC', false, ['sign'])",
            "DataError: an HMAC key needs a hash",
        ),
        ("crypto.getRandomValues(new Float64Array(1))", "TypeMismatchError:"),
        ("crypto.getRandomValues(new Uint8Array(65537))", "QuotaExceededError:"),
    ],
)
def test_crypto_refuses_in_the_names_of_the_web(expression: str, said: str) -> None:
    answer = run(f"export default async () => {{ try {{ await {expression}; }} catch (e) {{ return String(e); }} }};")

    assert answer["ok"].startswith(said)


def test_text_is_encoded_and_decoded_as_utf8() -> None:
    assert evaluate("[...new TextEncoder().encode('aß€😀\\uD800')]") == [*"aß€😀�".encode()]
    assert evaluate("new TextDecoder().decode(new TextEncoder().encode('aß€😀'))") == "aß€😀"
    assert evaluate("new TextEncoder().encodeInto('aß€', new Uint8Array(4))") == {"read": 2, "written": 3}


@pytest.mark.parametrize(
    "broken", [b"\xff", b"a\xc3", b"\xe2\x82z", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xc0\x80", b"\xf4\x90\x80\x80"]
)
def test_bytes_that_are_no_text_are_replaced_or_refused(broken: bytes) -> None:
    bytes_ = f"new Uint8Array({list(broken)})"

    assert evaluate(f"new TextDecoder().decode({bytes_})") == broken.decode(errors="replace")
    answer = run(f"export default () => new TextDecoder('utf-8', {{ fatal: true }}).decode({bytes_});")
    assert answer["err"] == "the bytes are not UTF-8 text"


def test_text_is_decoded_in_pieces_and_without_its_byte_order_mark() -> None:
    source = """
        export default () => {
            const decoder = new TextDecoder();
            const bytes = [0xef, 0xbb, 0xbf, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80];
            const pieces = bytes.map((byte) => decoder.decode(new Uint8Array([byte]), { stream: true }));
            return pieces.join("|") + decoder.decode();
        };"""

    assert run(source) == {"ok": "|||||€||||😀"}
    assert (
        evaluate("new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array([0xef, 0xbb, 0xbf]))") == "\ufeff"
    )


@pytest.mark.parametrize(
    "bytes_", ["new ArrayBuffer(2, { maxByteLength: 9 })", "new Uint8Array(new ArrayBuffer(2, { maxByteLength: 9 }))"]
)
def test_bytes_of_a_buffer_that_was_resized_are_those_that_are_left(bytes_: str) -> None:
    source = f"""
        export default () => {{
            const bytes = {bytes_};
            const text = (resized) => {{
                (bytes.buffer ?? bytes).resize(resized);
                return new TextDecoder().decode(bytes).length;
            }};
            return [text(5), text(1), text(0)];
        }};"""

    assert run(source) == {"ok": [5, 1, 0]}


def test_base64_of_the_web() -> None:
    assert evaluate("[btoa('h\\u00e9'), atob('aOk=')]") == [base64.b64encode(b"h\xe9").decode(), "hé"]


def test_an_aborted_signal_stops_a_request_before_it_is_sent() -> None:
    answer = run("export default () => fetch('http://x/', { signal: AbortSignal.abort() });")

    assert answer["err"] == "The operation was aborted."
