"""JavaScript through the real executor and the real interpreter."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.deployment.registry import Registry
from engine.executor.cancellation import request_cancellation
from engine.journal.memory import MemoryJournal
from engine.log.events import (
    ChildRequested,
    DelayRequested,
    JoinNext,
    JoinSetCreated,
    Persist,
    Scheduled,
    TemporarilyFailed,
)
from engine.log.ids import ExecutionId
from engine.log.return_values import Failed, FailureKind
from engine.simulation.recordings import record
from tests.harness.javascript_components import JavaScriptApp
from tests.harness.recordings import cut
from tests.harness.replay import replay, resume
from tests.harness.simulation import Simulation

ADD = "export default function add(a, b) { console.log(`adding ${a} and ${b}`); return a + b; }"
DIVIDE = """
import { check } from './checks.js';

export default async function divide(a, b) {
  await null;
  check(b);
  return a / b;
}
"""
CHECKS = """
export function check(b) {
  if (b === 0) {
    throw { permanent_by_zero: "there is no result" };
  }
  if (b < 0) {
    throw "negative";
  }
  if (b > 99) {
    throw new RangeError("too large");
  }
}
"""
DIVIDED = "result<f64, variant { execution-failed, permanent-by-zero(string), negative }>"
SEVERAL = """
import { add } from 'math:ops/basic';
import { addSubmit, addAwaitNext, addGet } from 'math:ops-obelisk-ext/basic';
import { addSchedule } from 'math:ops-obelisk-schedule/basic';
import { approveSubmit } from 'math:ops-obelisk-ext/people';
import { approveStub } from 'math:ops-obelisk-stub/people';
import * as people from 'math:ops-obelisk-ext/people';

export default async function several(n) {
  const seen = [add(n, 1)];

  const sums = obelisk.createJoinSet({ name: 'sums' });
  const ids = [1, 2, 3].map((i) => addSubmit(sums, n, i));
  const found = ids.map(() => addAwaitNext(sums)).sort();
  seen.push(found, addGet(ids[0]), sums.id(), sums.lastId !== undefined);
  sums.close();

  const people_ = obelisk.createJoinSet();
  const question = approveSubmit(people_, 'may I?');
  approveStub(question, { ok: true });
  seen.push(people_.joinNext(), people_.lastId === question, people.approveGet(question));

  const timer = obelisk.createJoinSet();
  const delay = timer.submitDelay({ milliseconds: 5 });
  seen.push(timer.joinNext(), timer.lastId === delay);

  const before = Date.now();
  const woken = obelisk.sleep({ seconds: 2 }, 'nap');
  seen.push(woken.getTime() - before >= 2000, new Date() >= woken);

  seen.push(typeof Math.random(), obelisk.randomU64(7, 8), obelisk.randomU64Inclusive(9, 9));
  seen.push(obelisk.randomString(3, 4).length, crypto.randomUUID().length);
  seen.push(addSchedule({ seconds: 1 }, 1, 2).startsWith('E_'));
  const id = obelisk.executionIdGenerate();
  obelisk.schedule(id, 'math:ops/basic.add', [3, 4], { at: new Date(0) });
  seen.push(await Promise.all([1, 2].map(async (i) => add(i, i))));
  seen.push(obelisk.call('math:ops/basic.add', [20, 22]), obelisk.executionIdCurrent().startsWith('E_'));
  return JSON.stringify(seen);
}
"""
EXPECTED = '[11,[11,12,13],11,"n:sums",true,true,true,true,null,true,true,true,"number",7,9,3,36,true,[2,4],42,true]'


def _app() -> JavaScriptApp:
    app = JavaScriptApp()
    app.activity("math:ops/basic.add", ADD, ("s32", "s32"), "result<s32>")
    app.activity("math:ops/basic.divide", DIVIDE, ("f64", "f64"), DIVIDED, files={"checks.js": CHECKS}, max_retries=1)
    app.stub("math:ops/people.approve", ("string",), "result<bool, string>")
    app.workflow("math:ops/flows.several", SEVERAL, ("s32",))
    return app


def world_of(app: JavaScriptApp) -> Simulation:
    simulation = Simulation(registry=app.deploy())
    simulation.start_executor()
    return simulation


@pytest.fixture
def world() -> Simulation:
    return world_of(_app())


def run(world: Simulation, function: str, *params: Any) -> Any:
    target = world.submit(f"math:ops/{function}", params)
    world.run(target)
    return world.result_of(target)


def run_workflow(source: str, *params: Any, result: str = "result<string, string>") -> Any:
    """Run a workflow beside the others of the app, check its log, and replay it."""
    app = _app().workflow("math:ops/flows.under-test", source, ("s32",) * len(params), result)
    world = world_of(app)
    target = world.submit("math:ops/flows.under-test", params)
    world.run(target)
    world.check(target)
    assert replay(record(world.journal, target), target, registry=app.deploy()) == world.retval_of(target)
    return world.result_of(target)


def lines_of(world: Simulation, target: ExecutionId) -> list[str]:
    for executor in world.executors:
        executor.executor._services.guest_log.flush()
    assert isinstance(world.journal, MemoryJournal)
    return [line.message for line in world.journal._log_lines if line.execution_id == target]


def test_an_activity_returns_its_result_and_logs(world: Simulation) -> None:
    target = world.submit("math:ops/basic.add", [40, 2])
    world.run(target)

    assert world.result_of(target) == {"ok": 42}
    assert lines_of(world, target) == ["adding 40 and 2"]


def test_a_thrown_case_is_the_error_value_and_is_retried(world: Simulation) -> None:
    target = world.submit("math:ops/basic.divide", [1.5, -1])
    world.run(target)

    assert world.result_of(target) == {"err": "negative"}
    assert len([event for event in world.events_of(target) if isinstance(event, TemporarilyFailed)]) == 1


def test_a_permanent_case_is_not_retried(world: Simulation) -> None:
    target = world.submit("math:ops/basic.divide", [1.5, 0])
    world.run(target)

    assert world.result_of(target) == {"err": {"permanent_by_zero": "there is no result"}}
    assert not [event for event in world.events_of(target) if isinstance(event, TemporarilyFailed)]


def test_what_fits_no_case_of_the_error_type_fails_the_execution_for_good(world: Simulation) -> None:
    target = world.submit("math:ops/basic.divide", [1.5, 100])
    world.run(target)

    retval = world.retval_of(target)
    assert isinstance(retval, Failed)
    assert retval.detail is not None
    assert "too large" in retval.detail
    assert lines_of(world, target) == [
        "RangeError: too large\n    at check (checks.js:10:15)\n    at divide (main.js:6:9)"
    ]


def test_a_bug_of_an_activity_shows_its_place_where_it_failed() -> None:
    world = world_of(
        JavaScriptApp().activity("math:ops/bugs.bug", "export default () => {\n  null.x;\n};", max_retries=1)
    )
    target = world.submit("math:ops/bugs.bug", [])
    world.run(target)

    (failure,) = (event for event in world.events_of(target) if isinstance(event, TemporarilyFailed))
    assert world.result_of(target) == {"err": "cannot read property 'x' of null"}
    assert failure.detail is not None
    assert failure.detail.splitlines() == [
        "TypeError: cannot read property 'x' of null",
        "    at default (main.js:2:3)",
    ]


def test_a_result_of_the_wrong_type_fails_the_execution_for_good() -> None:
    world = world_of(JavaScriptApp().activity("math:ops/bugs.bug", "export default () => 3;"))
    target = world.submit("math:ops/bugs.bug", [])
    world.run(target)

    retval = world.retval_of(target)
    assert isinstance(retval, Failed)
    assert retval.detail == "result.ok: expected string, got 3"


@pytest.mark.parametrize("source", ["export default () => {};", "export default () => 'ignored';"])
def test_functions_without_payload_return_nothing(source: str) -> None:
    world = world_of(JavaScriptApp().activity("math:ops/units.unit", source, (), "result"))
    target = world.submit("math:ops/units.unit", [])
    world.run(target)

    assert world.result_of(target) == {"ok": None}


@pytest.mark.parametrize("thrown", ["null", "new Error('x')", "{ a: 1 }"])
def test_functions_without_error_payload_may_throw_anything(thrown: str) -> None:
    app = JavaScriptApp().activity(
        "math:ops/units.unit", f"export default () => {{ throw {thrown}; }};", (), "result", max_retries=0
    )
    world = world_of(app)
    target = world.submit("math:ops/units.unit", [])
    world.run(target)

    assert world.result_of(target) == {"err": None}


def test_an_activity_sees_its_environment_real_time_and_fresh_randomness() -> None:
    source = "export default () => JSON.stringify([process.env.TOKEN, Date.now(), Math.random(), crypto.randomUUID()]);"
    world = world_of(JavaScriptApp().activity("math:ops/here.here", source, env_vars={"TOKEN": "s3cret"}))

    first, second = (run(world, "here.here")["ok"] for _ in range(2))

    assert first.startswith('["s3cret",1767225600000,0.')
    assert first != second


def test_a_workflow_uses_the_whole_interface(world: Simulation) -> None:
    target = world.submit("math:ops/flows.several", [10])
    world.run(target)

    assert world.result_of(target) == {"ok": EXPECTED}
    world.check(target)


def test_a_replay_of_a_workflow_ends_the_same(world: Simulation) -> None:
    target = world.submit("math:ops/flows.several", [10])
    world.run(target)

    assert replay(record(world.journal, target), target, registry=_app().deploy()) == world.retval_of(target)


def test_a_workflow_goes_on_after_a_crash_at_every_host_call(world: Simulation) -> None:
    target = world.submit("math:ops/flows.several", [10])
    world.run(target)
    recording = record(world.journal, target)
    registry: Registry = _app().deploy()

    for version in range(1, len(recording[target].entries)):
        resumed = resume(cut(recording, target, version), registry=registry)
        resumed.run(target)
        assert resumed.result_of(target) == {"ok": EXPECTED}, version
        resumed.check(target)


def test_direct_calls_write_what_compiled_workflows_write(world: Simulation) -> None:
    target = world.submit("math:ops/flows.several", [10])
    world.run(target)

    created, requested, awaited = (
        event for event in world.events_of(target)[2:5] if isinstance(event, JoinSetCreated | ChildRequested | JoinNext)
    )
    assert isinstance(created, JoinSetCreated)
    assert created.join_set_id == "o:1-add"
    assert isinstance(requested, ChildRequested)
    assert (requested.target_ffqn, requested.params) == ("math:ops/basic.add", "[10,1]")
    assert isinstance(awaited, JoinNext)
    assert awaited.requested_ffqn == "math:ops/basic.add"


def test_the_clock_of_a_workflow_is_a_recorded_delay_and_random_a_recorded_value() -> None:
    app = JavaScriptApp().workflow(
        "math:ops/flows.chance", "export default () => `${Date.now()} ${Math.random() < 1} ${new Date(0).getTime()}`;"
    )
    world = world_of(app)
    target = world.submit("math:ops/flows.chance", [])
    world.run(target)

    kinds = [type(event) for event in world.history_of(target)]
    assert world.result_of(target) == {"ok": "1767225600000 true 0"}
    assert kinds == [JoinSetCreated, DelayRequested, JoinNext, Persist]


def test_schedules_start_executions_of_their_own(world: Simulation) -> None:
    target = world.submit("math:ops/flows.several", [10])
    world.run(target)

    scheduled = [event for event in world.history_of(target) if isinstance(event, Scheduled)]
    assert [event.target_ffqn for event in scheduled] == ["math:ops/basic.add"] * 2
    assert world.run(scheduled[0].execution_id) == world.retval_of(scheduled[0].execution_id)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            """const js = obelisk.createJoinSet();
            try { js.joinNext(); } catch (e) {
                return [e.name, e.code, e instanceof obelisk.JoinSetExhaustedError]; }""",
            ["JoinSetExhaustedError", "OBELISK_JOIN_SET_EXHAUSTED", True],
        ),
        (
            """const js = obelisk.createJoinSet();
            js.submit('math:ops/people.approve', ['?']);
            return [js.joinNextTry() === undefined, js.lastId === undefined];""",
            [True, True],
        ),
        (
            """try { obelisk.call('math:ops/basic.divide', [1, -1]); } catch (e) {
                return [e.name, e.value, e.cancelled, e.failureKind === undefined, e instanceof Error,
                        obelisk.ChildError === obelisk.ChildExecutionError,
                        e.message.endsWith('failed: negative')]; }""",
            ["ChildError", "negative", False, True, True, True, True],
        ),
        (
            """try { obelisk.call('math:ops/basic.none', []); } catch (e) { return e.message; }""",
            "call failed: no component exports math:ops/basic.none",
        ),
        (
            """try { obelisk.call('math:ops/basic.add', ['x', 1]); } catch (e) { return e.message.slice(0, 12); }""",
            "call failed:",
        ),
        (
            """try { obelisk.createJoinSet({ name: 'a_b' }); } catch (e) { return e.constructor.name; }""",
            "Error",
        ),
        (
            """const js = obelisk.createJoinSet(); js.close(); js.close();
            try { js.submitDelay({ seconds: 1 }); } catch (e) {
                return [e.message, js.lastId === undefined, js.id()]; }""",
            ["JoinSet has been closed", True, "g:1"],
        ),
        (
            """const js = obelisk.createJoinSet();
            const delay = js.submitDelay({ days: 3 });
            js.submitDelay({ milliseconds: 1 });
            return [js.joinNext(), js.lastId !== delay];""",
            [None, True],
        ),
        (
            """try { obelisk.sleep('soon'); } catch (e) { return [e.name, e.message]; }""",
            ["TypeError", "schedule must be an object"],
        ),
        (
            """try { obelisk.sleep({ weeks: 1 }); } catch (e) { return e.message; }""",
            "schedule has none of the keys milliseconds, seconds, minutes, hours, days, at, and is no Date",
        ),
        (
            """try { obelisk.getResult('E_1.n:x_1'); } catch (e) { return e.message; }""",
            "get result failed: no response of this execution was consumed",
        ),
        (
            """try { obelisk.randomU64(3, 3); } catch (e) { return e.message; }""",
            "the range 3 to 2 is empty",
        ),
    ],
)
def test_workflow_calls_answer_as_documented(body: str, expected: Any) -> None:
    source = f"export default function main() {{ return JSON.stringify((() => {{ {body} }})()); }}"

    assert json.loads(run_workflow(source)["ok"]) == expected


def test_a_childs_error_that_is_thrown_on_is_the_workflows_own() -> None:
    source = "import { divide } from 'math:ops/basic'; export default (a) => divide(a, 0);"

    assert run_workflow(source, 1, result=DIVIDED) == {"err": {"permanent_by_zero": "there is no result"}}


def test_a_cancelled_child_is_told_from_a_failed_one() -> None:
    source = """
        export default function main() {
            const js = obelisk.createJoinSet({ name: 'people' });
            js.submit('math:ops/people.approve', ['?']);
            try { js.joinNext(); } catch (e) {
                return `${e.cancelled} ${e.failureKind} ${e.value} ${e.childId === js.lastId}`;
            }
        }"""
    world = world_of(_app().workflow("math:ops/flows.asking", source))
    target = world.submit("math:ops/flows.asking", [])
    world.run_to_rest()
    (child,) = world.children_of(target)

    request_cancellation(world.executors[0].executor._services, child)
    world.run(target)

    assert world.result_of(target) == {"ok": "true cancelled execution_failed true"}


def test_a_workflow_that_does_something_else_than_its_history_is_caught() -> None:
    one = _app().workflow("math:ops/flows.changing", "export default () => String(obelisk.randomU64(0, 9));")
    other = _app().workflow("math:ops/flows.changing", "export default () => String(obelisk.randomU64(0, 10));")
    world = world_of(one)
    target = world.submit("math:ops/flows.changing", [])
    world.run(target)

    recording = record(world.journal, target)
    resumed = resume(cut(recording, target, len(recording[target].entries) - 1), registry=other.deploy())
    retval = resumed.run(target)

    assert isinstance(retval, Failed)
    assert retval.kind is FailureKind.NONDETERMINISM_DETECTED


def test_text_with_half_a_character_is_mended_where_it_leaves_the_program() -> None:
    source = """
        export default () => {
            console.log("\\ud800");
            return JSON.stringify(["\\udc00", "\\\\ud800"]) + "\\udfff";
        };"""
    world = world_of(JavaScriptApp().activity("math:ops/texts.text", source))
    target = world.submit("math:ops/texts.text", [])
    world.run(target)

    assert world.result_of(target) == {"ok": '["\\udc00","\\\\ud800"]�'}
    assert lines_of(world, target) == ["�"]


@pytest.mark.parametrize(
    ("wit_type", "value"),
    [
        ("bool", True),
        ("u8", 255),
        ("s64", -(2**53) + 1),
        ("f64", 0.1),
        ("f32", 0.5),
        ("char", "ß"),
        ("string", 'a"\\\n😀'),
        ("list<u8>", [0, 255]),
        ("tuple<string, bool>", ["a", False]),
        ("option<string>", None),
        ("option<string>", "x"),
        ("list<option<u8>>", [None, 1]),
        ("record { first-name: string, age: option<u8> }", {"first_name": "Ada", "age": None}),
        ("variant { none-at-all, some-of(list<string>) }", {"some_of": ["a"]}),
        ("variant { none-at-all, some-of(list<string>) }", "none_at_all"),
        ("enum { very-low, high }", "very_low"),
        ("flags { can-read, can-write }", ["can_read"]),
        ("result<u8, string>", {"err": "no"}),
        ("result", {"ok": None}),
    ],
)
def test_values_of_every_type_come_and_go_as_they_are(wit_type: str, value: Any) -> None:
    app = JavaScriptApp().activity(
        "math:ops/echoes.echo", "export default (x) => x;", (wit_type,), f"result<{wit_type}, string>"
    )
    world = world_of(app)
    target = world.submit("math:ops/echoes.echo", [value])
    world.run(target)

    assert world.result_of(target) == {"ok": value}
