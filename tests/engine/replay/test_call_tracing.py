"""Compiled workflows are unwound in the call of which somebody wants to know where it was made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.deployment.spec import Runner
from engine.executor.programs import Programs
from engine.log.backtraces import CallSite
from engine.log.events import HISTORY_EVENTS, CancellationRequested, JoinNext
from engine.log.ids import ExecutionId, Version
from engine.replay.call_tracing import MOST_CALLS, trace_calls
from engine.replay.replaying import Replayer
from engine.replay.subject import load_subject
from engine.wasm.component import CompiledComponent, compile_component
from engine.wasm.engine import Allocation, WasmEngine, WasmSettings
from tests.harness import steps as s
from tests.harness.components import CLIMB, RUN, RUN_CANCELLABLE, climber, deploy, load, probe, read, stepper, wasm_of
from tests.harness.replayers import make_replayer
from tests.harness.simulation import Simulation

COMPONENTS = Path(__file__).parents[2] / "components"
REGISTRY = deploy(probe(), stepper(), climber())
STEPS = (s.create("a"), s.call("add", 1, 2), s.sleep(s.after_ms(5)), s.random_u64(1, 9))


@lru_cache
def _load_with_lines(digest: str, runner: Runner) -> CompiledComponent:
    settings = WasmSettings(allocation=Allocation.ON_DEMAND, has_source_lines=True)
    return compile_component(WasmEngine.for_process(settings), wasm_of(load(digest, runner)))


def _ended(ffqn: str, params: list[Any]) -> tuple[Simulation, ExecutionId]:
    world = Simulation(registry=REGISTRY)
    world.start_executor()
    target = world.submit(ffqn, params)
    world.run_to_the_end(target)
    return world, target


def _history(world: Simulation, target: ExecutionId) -> list[Version]:
    return [entry.version for entry in world.log_of(target) if isinstance(entry.event, HISTORY_EVENTS)]


def _traced(
    world: Simulation,
    target: ExecutionId,
    versions: Sequence[Version],
    *,
    replayer: Replayer | None = None,
    most: int = MOST_CALLS,
) -> tuple[CallSite, ...]:
    subject = load_subject(world.journal, target)
    function = REGISTRY.find(subject.state.ffqn)
    assert function is not None
    replayer = replayer or make_replayer(world.journal, world.clock)
    return trace_calls(replayer, subject, function, REGISTRY, versions, most=most)


def _lines(site: CallSite) -> list[str]:
    """Return the lines of the source at which the frames are, innermost first."""
    symbols = [symbol for frame in json.loads(site.stack)["frames"] for symbol in frame["symbols"]]
    return [
        (COMPONENTS / symbol["file"]).read_text().splitlines()[symbol["line"] - 1].strip()
        for symbol in symbols
        if symbol["file"].startswith("climber/")
    ]


def _ranges(sites: Sequence[CallSite]) -> list[tuple[int, int]]:
    return [(site.first, site.behind) for site in sites]


def test_each_call_has_the_versions_of_its_events() -> None:
    world, target = _ended(RUN, s.params_of(STEPS))
    history = _history(world, target)

    sites = _traced(world, target, history)

    assert [behind - first for first, behind in _ranges(sites)] == [1, 3, 3, 1]
    assert [version for first, behind in _ranges(sites) for version in range(first, behind)] == history
    assert all(json.loads(site.stack)["frames"] for site in sites)
    assert {json.loads(site.stack)["frames"][-1]["module"] for site in sites} == {"stepper"}


def test_giving_a_join_set_up_is_a_call() -> None:
    world, target = _ended(RUN, s.params_of((s.create("a"), s.submit(0, "add", 1, 2), s.drop())))

    *_, closing = _traced(world, target, _history(world, target))

    assert isinstance(world.log_of(target)[closing.first].event, JoinNext)
    assert json.loads(closing.stack)["frames"]


def test_closing_what_a_function_left_open_is_no_call_of_it() -> None:
    submits = [s.submit(0, "add", 1, 2)] * 4
    world, target = _ended(RUN, s.params_of((s.create("a"), *submits)))
    history = _history(world, target)
    closings = [version for version in history if isinstance(world.log_of(target)[version].event, JoinNext)]
    assert len(closings) == 4

    assert _ranges(_traced(world, target, history, most=1)) == [(6, 7)]
    assert len(_traced(world, target, history)) == 5
    assert _traced(world, target, closings) == ()


def test_one_call_is_found_by_any_of_its_events() -> None:
    world, target = _ended(RUN, s.params_of(STEPS))
    history = _history(world, target)

    found = [_ranges(_traced(world, target, [version])) for version in history[1:4]]
    assert found == [[(history[1], history[3] + 1)]] * 3
    assert _traced(world, target, []) == ()


def test_files_and_lines_are_told_where_the_component_has_them() -> None:
    world, target = _ended(CLIMB, [[1, 2]])
    replayer = replace(make_replayer(world.journal, world.clock), programs=Programs(_load_with_lines, read))

    sites = _traced(world, target, _history(world, target), replayer=replayer)

    napped, first, second = [_lines(site) for site in sites]
    assert "let _ = sleep(ScheduleAt::Now, None);" in napped
    assert "rest();" in napped
    assert "total = add(total, *number)?;" in first
    assert "steps::sum_up(&numbers)" in first
    assert first == second


def test_without_an_engine_that_reads_lines_there_are_names() -> None:
    world, target = _ended(CLIMB, [[1]])

    (*_, last) = _traced(world, target, _history(world, target))

    names = [frame["func_name"] for frame in json.loads(last.stack)["frames"]]
    assert any("sum_up" in name for name in names)
    assert names[-1] == "test:climber/workflow#climb"


def test_a_workflow_that_waits_is_found_in_the_call_that_waits() -> None:
    world = Simulation(registry=REGISTRY)
    world.start_executor()
    target = world.submit(RUN, s.params_of((s.create("a"), s.sleep(s.after_ms(60_000)))))
    world.run_until(lambda: any(isinstance(event, JoinNext) for event in world.events_of(target)))

    assert _ranges(_traced(world, target, _history(world, target)[-1:])) == [(3, 6)]


def test_of_many_calls_it_is_the_last_ones() -> None:
    world, target = _ended(RUN, s.params_of([s.random_u64(1, 9)] * 5))
    history = _history(world, target)

    assert _ranges(_traced(world, target, history, most=3)) == [(version, version + 1) for version in history[-3:]]


def test_it_takes_no_longer_than_a_replay_may() -> None:
    world, target = _ended(RUN, s.params_of(STEPS))
    replayer = make_replayer(world.journal, world.clock, patience=timedelta(seconds=-1))

    assert _traced(world, target, _history(world, target), replayer=replayer) == ()


def test_the_end_of_a_cancelled_workflow_is_not_its_own() -> None:
    world = Simulation(registry=REGISTRY)
    world.start_executor()
    target = world.submit(RUN_CANCELLABLE, s.params_of((s.create("a"), s.sleep(s.after_ms(60_000)))))
    world.run_until(lambda: any(isinstance(event, JoinNext) for event in world.events_of(target)))
    world.append(target, CancellationRequested())

    assert _ranges(_traced(world, target, _history(world, target))) == [(2, 3), (3, 6)]
