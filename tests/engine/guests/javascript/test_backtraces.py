"""Where a JavaScript workflow makes its calls is found out by a replay that asks for it, and by no other run."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from engine.log.backtraces import CallSite
from engine.log.ids import ExecutionId
from engine.replay.outcomes import Advanceable
from engine.replay.subject import load_subject
from engine.simulation.connection import Cut, Moment, ProcessKilled
from engine.simulation.stepped import simulated_settings
from tests.harness.javascript import NOW_US, ScriptedHost, run
from tests.harness.javascript_components import JavaScriptApp
from tests.harness.replayers import make_replayer
from tests.harness.simulation import Simulation

ADD = "(a, b) => { if (b === 13) throw 'unlucky'; return a + b; }"
MAIN = """\
import { sumUp } from './lib/sums.js';
export default async function order(items) {
  const total = await sumUp(items);
  const late = Date.now() > 0;
  obelisk.sleep({ hours: 1 });
  const set = obelisk.createJoinSet();
  set.submit('acme:js/math.add', [1, 2]);
  return total + set.joinNext();
}
"""
SUMS = """\
import { add } from 'acme:js/math';
export async function sumUp(items) {
  let total = 0;
  for (const item of items) {
    total = add(total, item);
    await null;
  }
  return total;
}
"""
REGISTRY = (
    JavaScriptApp()
    .activity("acme:js/math.add", f"export default {ADD};", ("u32", "u32"), "result<u32, string>")
    .workflow("acme:js/flows.order", MAIN, ("list<u32>",), "result<u32, string>", files={"lib/sums.js": SUMS})
    .deploy()
)

Frames = list[tuple[str, str, int, int]]


def _frames(site: CallSite) -> Frames:
    frames = json.loads(site.stack)["frames"]
    symbols = [frame["symbols"][0] for frame in frames]
    return [(each["func_name"], each["file"], each["line"], each["col"]) for each in symbols]


def _sites(world: Simulation, target: ExecutionId) -> Sequence[CallSite]:
    function = REGISTRY.find("acme:js/flows.order")
    assert function is not None
    replayer = make_replayer(world.journal, world.clock)
    found = replayer.call_sites(load_subject(world.journal, target), function, REGISTRY)
    assert found is not None
    assert found.component_id == function.component.id
    return found.sites


def _written(world: Simulation, target: ExecutionId, *, is_traced: bool) -> Iterable[Frames | None]:
    function = REGISTRY.find("acme:js/flows.order")
    assert function is not None
    replayer = make_replayer(world.journal, world.clock)
    outcome = replayer.replay(load_subject(world.journal, target), function, REGISTRY, is_traced=is_traced)
    assert isinstance(outcome, Advanceable), outcome
    for write in outcome.writes:
        if write.call_sites is None:
            yield None
        else:
            (site,) = write.call_sites.sites
            assert (site.first, site.behind) == (write.append.expected, write.append.expected + len(write.entries))
            yield _frames(site)


def _ended(*items: int) -> tuple[Simulation, ExecutionId]:
    world = Simulation(registry=REGISTRY)
    world.start_executor()
    target = world.submit("acme:js/flows.order", [list(items)])
    world.run_to_the_end(target)
    world.run_to_rest()
    return world, target


def test_a_replay_finds_the_files_lines_and_columns_of_all_calls() -> None:
    world, target = _ended(1, 2)

    assert [_frames(site) for site in _sites(world, target)] == [
        [("sumUp", "lib/sums.js", 5, 24), ("order", "main.js", 3, 29)],
        [("sumUp", "lib/sums.js", 5, 24)],
        [("order", "main.js", 4, 21)],
        [("order", "main.js", 5, 11)],
        [("order", "main.js", 6, 23)],
        [("order", "main.js", 7, 7)],
        [("order", "main.js", 8, 22)],
    ]


def test_the_versions_of_a_call_are_those_of_the_events_that_it_wrote() -> None:
    world, target = _ended(1)

    sites = _sites(world, target)
    assert all(site.first < site.behind for site in sites)
    covered = [version for site in sites for version in range(site.first, site.behind)]
    assert covered == sorted(set(covered))
    history = {event.version for event in world.log_of(target)} - {0, len(world.log_of(target)) - 1}
    assert set(covered) <= history


def test_a_run_that_counts_does_not_ask_for_it() -> None:
    world, _ = _ended(1)

    assert world.memory.call_sites == ()


def test_captured_writes_know_their_calls_if_it_is_asked_for() -> None:
    world = Simulation(registry=REGISTRY)
    target = world.submit("acme:js/flows.order", [[1]])

    assert list(_written(world, target, is_traced=True)) == [
        [("sumUp", "lib/sums.js", 5, 24), ("order", "main.js", 3, 29)]
    ]
    assert list(_written(world, target, is_traced=False)) == [None]


def test_captured_writes_follow_the_recorded_calls() -> None:
    whole, target = _ended(1)
    expected = [_frames(site) for site in _sites(whole, target)]
    world = Simulation(registry=REGISTRY)
    world.start_executor(settings=simulated_settings(commit_window=timedelta()), cut=Cut(3, Moment.AFTER))
    target = world.submit("acme:js/flows.order", [[1]])
    with pytest.raises(ProcessKilled):
        world.run_to_the_end(target)

    recorded = [_frames(site) for site in _sites(world, target)]
    captured = list(_written(world, target, is_traced=True))
    assert recorded
    assert captured
    assert recorded + captured == expected[: len(recorded) + len(captured)]


def _asked(source: str, **about: Any) -> list[str]:
    host = ScriptedHost({"random": lambda _: {"value": 4}, "new_id": lambda _: {"id": "E_2"}})
    answer = run(textwrap.dedent(source), kind="workflow", host=host, **about)
    assert "ok" in answer, answer
    return [body.get("at", "nothing") for _, body in host.asked]


def test_names_of_any_kind_do_not_confuse_it() -> None:
    source = """\
    class Quote {
      get ["a \\"b\\" \\n \\ud800"]() { return obelisk.randomU64(1, 9); }
    }
    export default () => (() => new Quote()["a \\"b\\" \\n \\ud800"])();
    """

    (at,) = _asked(source, traced=True)

    getter, anonymous, main, end = at.split("\n")
    name, _, place = getter.rpartition(" ")
    assert (name, place) == ('get\u00a0a\u00a0"b"\u00a0\u00a0\u00a0\ufffd\ufffd\ufffd', "main.js:2:48")
    assert anonymous.startswith("<anonymous> main.js:4:")
    assert main.startswith("default main.js:4:")
    assert end == ""


def test_a_program_that_changes_what_stacks_are_neither_sees_it_nor_spoils_it() -> None:
    source = """\
    Error.stackTraceLimit = 0;
    Error.prepareStackTrace = () => obelisk.executionIdGenerate();
    export default function main() {
      return obelisk.randomU64(1, 9);
    }
    """

    assert _asked(source, traced=True) == ["main main.js:4:18\n"]


def test_only_so_many_frames_are_told() -> None:
    source = """\
    const deep = (n) => n === 0 ? obelisk.randomU64(1, 9) : deep(n - 1);
    export default () => deep(200);
    """

    (at,) = _asked(source, traced=True)
    assert at.count("\n") == 50


@pytest.mark.parametrize("about", [{}, {"traced": False}])
def test_without_being_asked_it_says_nothing(about: dict[str, object]) -> None:
    assert _asked("export default () => [obelisk.randomU64(1, 9), Date.now()];", **about) == ["nothing", "nothing"]


def test_time_is_read_as_without_it() -> None:
    host = ScriptedHost()

    assert run("export default () => Date.now();", kind="workflow", host=host, traced=True) == {"ok": NOW_US // 1000}
    assert host.asked == [("sleep", {"at": "default main.js:1:26\n", "schedule": "now"})]
