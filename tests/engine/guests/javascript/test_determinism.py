"""What could differ between a run and its replay, and must not be seen by a workflow."""

from __future__ import annotations

import pytest

from tests.harness.javascript import evaluate, run

COLLECTED = """
    export default async function main() {
        const seen = [];
        const registry = new FinalizationRegistry((name) => seen.push(name));
        const weak = (() => {
            const target = { name: "gone" };
            registry.register(target, "gone");
            return new WeakRef(target);
        })();
        for (let i = 0; i < 20000; i += 1) { const circle = {}; circle.self = circle; }
        await Promise.resolve();
        await Promise.resolve();
        return [weak.deref()?.name ?? null, seen];
    }"""


def test_a_workflow_never_sees_that_garbage_was_collected() -> None:
    assert run(COLLECTED, kind="workflow") == {"ok": ["gone", []]}
    assert run(COLLECTED) == {"ok": [None, ["gone"]]}


@pytest.mark.parametrize("expression", ["new WeakRef(1)", "new WeakRef(Symbol.for('a'))"])
def test_a_weak_reference_of_a_workflow_takes_what_others_take(expression: str) -> None:
    assert "err" in run(f"export default () => {expression};", kind="workflow")


def test_a_workflow_cannot_wait_for_another_thread() -> None:
    assert evaluate("typeof Atomics", kind="workflow") == "undefined"


def test_promise_jobs_run_in_the_order_of_the_language() -> None:
    source = """
        export default async function main() {
            const seen = [];
            const job = (name, next) => Promise.resolve().then(() => seen.push(name)).then(next);
            queueMicrotask(() => seen.push("m"));
            await Promise.all([job("a", () => job("c")), job("b", () => seen.push("d"))]);
            return seen.join("");
        }"""

    assert run(source, kind="workflow") == {"ok": "mabdc"}
