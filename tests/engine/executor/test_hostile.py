"""Components that do their worst, in every kind of guest: neighbours in the same executor go on meanwhile.

Those that would go on for ever are stopped at the end of their time, and neighbours must be done before that; how many
is left to the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from engine.deployment.limits import MIB
from engine.deployment.spec import ComponentSpec, ExecPolicy, RetryPolicy
from engine.log.events import TemporarilyTimedOut
from tests.engine.wasm.guests import MEMORY, OPTIONS, resident_bytes
from tests.harness import steps as s
from tests.harness.components import PROBE, courier, probe, stepper
from tests.harness.javascript_components import JavaScriptApp
from tests.harness.live import LiveWorld
from tests.harness.neighbours import Site, failure_of, with_limits
from tests.harness.python_components import python_app, source
from tests.harness.wat_components import wat_activity

FEWEST_MEANWHILE = 3
ROUNDS = 3
TIME = ExecPolicy(lock_expiry=timedelta(milliseconds=800))
ONCE = RetryPolicy(max_retries=0, backoff=timedelta())
GREEDY = "test:greedy/api.run"


@pytest.fixture
def site() -> Iterator[Site]:
    with LiveWorld() as world:
        yield Site(world)


def run_out_of_time(site: Site, ffqn: str, *params: object) -> None:
    """Run what never ends: it is stopped, and others were done meanwhile.

    A busy machine may stop the whole process for a while; an executor that lets others wait does so every time.
    """
    for _ in range(ROUNDS):
        site.meanwhile = 0
        assert failure_of(site.run_beside_others(ffqn, *params))[0] == "timed_out"
        if site.meanwhile >= FEWEST_MEANWHILE:
            return

    pytest.fail(f"{site.meanwhile} others were done meanwhile")


# --- Compiled ---------------------------------------------------------------------------------------------------------


def leaf(body: str) -> str:
    """A component whose function returns a ``result<string, string>``, by a pointer to it."""
    return f"""(component {MEMORY}
      (core module $m (import "memory" "memory" (memory 1)) (func (export "run") (result i32) {body}))
      (core instance $i (instantiate $m (with "memory" (instance $memory))))
      (func $run (result (result string (error string))) (canon lift (core func $i "run") {OPTIONS}))
      (instance $api (export "run" (func $run)))
      (export "test:greedy/api" (instance $api)))"""


GROW = """(loop $again
  (drop (memory.grow (i32.const 16)))
  (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 8)) (i32.const 1))
  (br $again)) unreachable"""


def test_compiled_code_that_loops(site: Site) -> None:
    site.start(replace(probe(), retry=ONCE, exec=TIME))

    run_out_of_time(site, f"{PROBE}.spin")


def test_compiled_code_that_takes_memory_for_ever(site: Site) -> None:
    site.start(with_limits(wat_activity(leaf(GROW), "result<string, string>", exec_policy=TIME), memory_bytes=64 * MIB))
    before = resident_bytes()

    run_out_of_time(site, GREEDY)

    assert resident_bytes() - before < 256 * MIB


def test_compiled_code_that_prints_for_ever(site: Site) -> None:
    site.start(with_limits(replace(courier(), exec=TIME), output_bytes=1000))

    run_out_of_time(site, "test:courier/activity.print-much", (1 << 32) - 1)

    assert sum(len(line.message) for line in site.lines_of()) < 2000


def test_a_workflow_that_loops_is_stopped_again_and_again(site: Site) -> None:
    site.start(probe(), stepper(lock_expiry=timedelta(milliseconds=300)))
    target = site.world.submit_steps(s.spin())

    def times() -> int:
        return sum(isinstance(event, TemporarilyTimedOut) for event in site.world.events_of(target))

    meanwhile = 0
    while times() < 2:
        assert site.run(f"{PROBE}.add", meanwhile, 1) == {"ok": meanwhile + 1}
        meanwhile += 1

    assert meanwhile >= FEWEST_MEANWHILE


@pytest.mark.parametrize(
    ("body", "words"),
    [
        # A discriminant that the type does not have.
        ("(i32.store8 (i32.const 0) (i32.const 7)) (i32.const 0)", "discriminant"),
        # A string beyond the memory, one of nearly 4 GiB, and one that is no text.
        ("(i32.store (i32.const 4) (i32.const -9)) (i32.store (i32.const 8) (i32.const 4)) (i32.const 0)", "of bounds"),
        ("(i32.store (i32.const 8) (i32.const -9)) (i32.const 0)", "string"),
        (
            "(i32.store8 (i32.const 64) (i32.const 255)) (i32.store (i32.const 4) (i32.const 64)) "
            "(i32.store (i32.const 8) (i32.const 1)) (i32.const 0)",
            "utf-8",
        ),
        # Not even the result is in the memory.
        ("(i32.const -16)", "pointer"),
    ],
)
def test_compiled_code_whose_result_is_no_value_of_its_type(site: Site, body: str, words: str) -> None:
    site.start(wat_activity(leaf(body), "result<string, string>", exec_policy=TIME))

    kind, text = failure_of(site.run_beside_others(GREEDY))

    assert kind == "uncategorized"
    assert words in text


# --- JavaScript -------------------------------------------------------------------------------------------------------


def javascript(body: str, **limits: int) -> ComponentSpec:
    app = JavaScriptApp().activity(GREEDY, f"export default function run() {{ {body} }}", (), "result<u32, string>")
    (component,) = app.deploy().deployment.components
    return with_limits(replace(component, retry=ONCE, exec=TIME), **limits)


def test_javascript_that_loops(site: Site) -> None:
    site.start(javascript("while (true) {}"))

    run_out_of_time(site, GREEDY)


def test_javascript_that_waits_for_what_never_comes(site: Site) -> None:
    site.start(javascript("const again = () => Promise.resolve().then(again); return again();"))

    run_out_of_time(site, GREEDY)


def test_javascript_that_takes_memory_for_ever(site: Site) -> None:
    kept = "const kept = []; while (true) kept.push(new Uint8Array(1 << 20).fill(1));"
    component = javascript(kept, memory_bytes=64 * MIB)
    site.start(replace(component, exec=ExecPolicy(lock_expiry=timedelta(seconds=20))))

    assert "out of memory" in site.run_beside_others(GREEDY)["err"]


def test_javascript_that_recurses(site: Site) -> None:
    component = javascript("const deeper = (n) => deeper(n + 1) + 1; return deeper(0);")
    site.start(replace(component, exec=ExecPolicy(lock_expiry=timedelta(seconds=20))))

    assert "stack" in site.run_beside_others(GREEDY)["err"]


def test_javascript_that_prints_for_ever(site: Site) -> None:
    site.start(javascript("while (true) console.log('x'.repeat(10_000));", log_lines=20))

    run_out_of_time(site, GREEDY)

    assert len(site.lines_of()) <= 21


def test_javascript_that_returns_another_type(site: Site) -> None:
    site.start(javascript("return 'three';"))

    _, text = failure_of(site.run_beside_others(GREEDY))

    assert "u32" in text


# --- Python -----------------------------------------------------------------------------------------------------------


def python(body: str, **limits: int) -> ComponentSpec:
    file = source(
        f"""
        from obelisk import activity

        @activity
        def run() -> int:
            {body}
        """
    )
    (component,) = python_app(file)
    return with_limits(replace(component, retry=ONCE, exec=TIME), **limits)


PYTHON = "acme:app/activities.run"


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "return sum(range(1 << 62))",
        "return len(str(7 ** (1 << 28)))",
        "while True: print('x' * 10_000)",
        "import re; return len(re.findall('(a+)+$', 'a' * 64 + 'b'))",
        "try:\n                while True: pass\n            finally:\n                while True: pass",
    ],
    ids=["loop", "loop-in-c", "one-long-operation", "print", "regular-expression", "loop-to-the-end"],
)
def test_python_that_never_ends(site: Site, body: str) -> None:
    site.start(python(body, output_bytes=1000))

    run_out_of_time(site, PYTHON)


@pytest.mark.parametrize(
    ("body", "words"),
    [("raise SystemExit(3)", "SystemExit"), ("import os; os.abort()", ""), ("return 'three'", "expected int")],
)
def test_python_that_leaves_in_another_way(site: Site, body: str, words: str) -> None:
    site.start(python(body))

    assert words in str(site.run_beside_others(PYTHON))
