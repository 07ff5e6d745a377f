from __future__ import annotations

import json

import pytest

from engine.errors import Trap, TrapKind
from engine.wasm.instance import InstanceLimits
from tests.harness.javascript import RUNTIME, ScriptedHost, describe, evaluate, run, runtime


def test_the_default_export_is_called_with_the_parameters() -> None:
    assert run("export default function add(a, b) { return a + b; }", 1, 2) == {"ok": 3}


def test_an_async_default_export_is_run_to_its_end() -> None:
    source = """
        export default async function main(name) {
            await null;
            const [greeting] = await Promise.all([Promise.resolve("Hello")]);
            return `${greeting}, ${name}!`;
        }"""

    assert run(source, "Ada") == {"ok": "Hello, Ada!"}


@pytest.mark.parametrize("declaration", ["(n) => n + 1", "async (n) => n + 1", "function (n) { return n + 1; }"])
def test_anonymous_default_exports_work(declaration: str) -> None:
    assert run(f"export default {declaration}", 1) == {"ok": 2}


def test_files_import_one_another_by_relative_path() -> None:
    files = {
        "lib/greet.js": "import { mark } from '../marks.js'; export const greet = (name) => `Hello, ${name}${mark}`;",
        "marks.js": "export let mark = await Promise.resolve('!');",
    }

    assert run("import { greet } from './lib/greet.js'; export default greet;", "Ada", files=files) == {
        "ok": "Hello, Ada!"
    }


def test_bindings_are_live_and_cycles_work() -> None:
    files = {
        "even.js": "import { odd } from './odd.js'; export let asked = 0;"
        "export function even(n) { asked += 1; return n === 0 || odd(n - 1); }",
        "odd.js": "import { even } from './even.js'; export function odd(n) { return n !== 0 && even(n - 1); }",
    }
    source = "import { asked, even } from './even.js'; export default (n) => [even(n), asked];"

    assert run(source, 4, files=files) == {"ok": [True, 3]}


def test_modules_are_imported_dynamically_too() -> None:
    assert run(
        "export default async () => (await import('./other.js')).answer;",
        files={"other.js": "export const answer = 42;"},
    ) == {"ok": 42}


def test_an_error_names_file_and_line_of_the_source() -> None:
    files = {"lib/deep.js": "export function deep(value) {\n\n  return value.missing.part;\n}\n"}
    source = "import { deep } from './lib/deep.js';\n\nexport default function main() {\n  return deep({});\n}"

    answer = run(source, files=files)

    assert answer["err"] == "cannot read property 'part' of undefined"
    assert answer["trace"].splitlines() == [
        "TypeError: cannot read property 'part' of undefined",
        "    at deep (lib/deep.js:3:10)",
        "    at main (main.js:4:10)",
    ]


def test_what_is_thrown_is_the_error_value() -> None:
    assert run("export default () => { throw 'no'; }")["err"] == "no"
    assert run("export default () => { throw null; }")["err"] is None
    assert run("export default () => { throw { sold_out: 3 }; }")["err"] == {"sold_out": 3}
    assert run("export default async () => { await 1; throw new Error('no'); }")["err"] == "no"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("export const x = 1;", "main.js has no default export; write export default function ..."),
        ("export default 7;", "main.js has a default export that is no function; write export default function ..."),
        (
            "throw new TypeError('bad'); export default 7;",
            "main.js could not be loaded: TypeError: bad\n    at <anonymous> (main.js:1:11)",
        ),
        ("export default () => () => 1;", "the returned value is a function, which JSON cannot carry"),
        (
            "export default () => 1n;",
            "the returned value cannot be written as JSON: BigInt are forbidden in JSON.stringify",
        ),
    ],
)
def test_what_cannot_be_run_is_explained(source: str, said: str) -> None:
    answer = run(source)

    assert answer["broken"] == said


def test_a_promise_that_nothing_resolves_is_an_error_not_a_hang() -> None:
    answer = run("export default () => new Promise(() => {});")

    assert answer["err"] == "main.js: a promise is awaited that nothing will ever resolve"


def test_the_runtimes_own_modules_are_out_of_reach() -> None:
    answer = run("export default async () => { await import('runtime:host'); };")

    assert answer["err"].startswith("main.js imports 'runtime:host', which is no file and no interface")


def test_describe_tells_imports_and_files() -> None:
    source = """
        import { add as plus, default as q } from 'ns:math/ops';
        import * as every from 'ns:math-obelisk-ext/ops@1.0.0';
        export { nap } from './lib/nap.js';
        export default function main() {}
        """

    described = describe(source, files={"lib/nap.js": "import { sleep } from 'ns:bed/bed'; export const nap = sleep;"})

    assert described["imports"] == {
        "ns:math/ops": ["add", "default"],
        "ns:math-obelisk-ext/ops@1.0.0": ["*"],
        "ns:bed/bed": ["sleep"],
    }
    assert [file["path"] for file in described["files"]] == ["main.js", "lib/nap.js"]


@pytest.mark.parametrize(
    ("source", "files", "problem"),
    [
        ("export const x = 1;\nlet y = ;", {}, "main.js:2:9: SyntaxError: unexpected token in expression: ';'"),
        ("export const x = 1;", {}, "main.js: it has no default export; write export default function ..."),
        ("import './gone.js'; export default 1;", {}, "main.js imports gone.js, which does not exist"),
        (
            "import { a } from './b.js'; export default 1;",
            {"b.js": "export const b = 1;"},
            "main.js: b.js has no export named a",
        ),
        (
            "import './b.js'; export default 1;",
            {"b.js": "import '../../up.js';"},
            "b.js imports '../../up.js', which leaves the folder of the deployment file",
        ),
        (
            "import _ from 'lodash'; export default 1;",
            {},
            "main.js imports 'lodash', which is no file and no interface: write './file.js' for a file of this "
            "component, or 'namespace:package/interface' for functions of another component",
        ),
    ],
)
def test_describe_refuses_what_cannot_run(source: str, files: dict[str, str], problem: str) -> None:
    assert describe(source, files=files) == {"problems": [problem]}


def test_instances_share_nothing() -> None:
    assert evaluate("globalThis.seen = (globalThis.seen ?? 0) + 1") == 1
    assert evaluate("globalThis.seen = (globalThis.seen ?? 0) + 1") == 1


@pytest.mark.parametrize(
    "recursion",
    [
        "(() => { const f = (n) => f(n + 1) + 1; return f(0); })()",
        "(() => { const o = { get x() { return this.x; } }; return o.x; })()",
        "(() => { const p = new Proxy({}, { get: (t, k, r) => r[k] }); return p.x; })()",
        "(() => { class A { constructor() { new A(); } } return new A(); })()",
        "(() => { function* g() { yield* g(); } return [...g()]; })()",
        "'x'.replace(/x/, function again(s) { return 'x'.replace(/x/, again); })",
        "JSON.parse('['.repeat(1e5))",
        "(() => { let a = []; for (let i = 0; i < 1e5; i += 1) a = [a]; return JSON.stringify(a); })()",
        "(() => { let a = []; for (let i = 0; i < 1e5; i += 1) a = [a]; return a.flat(Infinity); })()",
    ],
)
def test_every_endless_recursion_is_a_range_error(recursion: str) -> None:
    source = f"export default () => {{ try {{ {recursion}; }} catch (e) {{ return e.name; }} }};"

    assert run(source) == {"ok": "RangeError"}


def test_a_program_that_loops_is_stopped_at_its_deadline() -> None:
    source = json.dumps({"files": [{"path": "main.js", "text": "export default () => { for (;;); };"}]})

    with pytest.raises(Trap) as caught:
        runtime().call(RUNTIME, "run", ["activity", source, "main", "[]", "{}"], context=ScriptedHost(), deadline=0.05)

    assert caught.value.kind is TrapKind.INTERRUPTED


def test_running_out_of_memory_is_an_error_that_leaves_the_program_running() -> None:
    source = """
        export default () => {
            const kept = [];
            try { for (;;) kept.push("x".repeat(1e6) + kept.length); } catch (e) { return e.message; }
        };"""

    assert run(source, limits=InstanceLimits(memory_bytes=32 << 20)) == {"ok": "out of memory"}
