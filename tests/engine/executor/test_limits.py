"""What a run may use up, and what it is told when it wants more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from engine.deployment.limits import MIB, RunLimits
from engine.deployment.spec import BlockingStrategy, ComponentSpec, WorkflowPolicy
from tests.harness.components import PROBE, courier, probe, stepper
from tests.harness.live import LiveWorld
from tests.harness.neighbours import Site, failure_of, with_limits
from tests.harness.python_components import python_app, source


@pytest.fixture
def site() -> Iterator[Site]:
    with LiveWorld() as world:
        yield Site(world)


# --- Compiled components ----------------------------------------------------------------------------------------------


def test_a_loop_without_end_is_stopped_in_time(site: Site) -> None:
    site.start(probe(max_retries=1, lock_expiry=timedelta(milliseconds=400)))

    kind, text = failure_of(site.run_beside_others(f"{PROBE}.spin"))

    assert kind == "timed_out"
    assert "exec.lock_expiry" in text


def test_memory_without_end_is_refused(site: Site) -> None:
    site.start(with_limits(probe(max_retries=0), memory_bytes=32 * MIB))

    assert site.run_beside_others(f"{PROBE}.eat-memory", 64) == {"err": None}
    assert site.run(f"{PROBE}.eat-memory", 8) == {"ok": 8}


def test_recursion_without_end_is_a_trap_that_says_so(site: Site) -> None:
    site.start(probe(max_retries=0))

    _, text = failure_of(site.run_beside_others(f"{PROBE}.recurse"))

    assert "call stack exhausted" in text
    assert "its calls are nested too deeply" in text


def test_a_trap_is_a_failure_and_names_the_memory_that_there_was(site: Site) -> None:
    site.start(with_limits(probe(max_retries=0), memory_bytes=32 * MIB))

    _, text = failure_of(site.run_beside_others(f"{PROBE}.panic"))

    assert "`unreachable` instruction executed" in text
    assert "if it ran out of memory: it may have 32 MiB (limits.memory_mib)" in text


def test_floods_of_output_are_dropped_with_a_line_that_says_so(site: Site) -> None:
    site.start(with_limits(courier(), output_bytes=1000, log_lines=100_000))

    assert site.run_beside_others("test:courier/activity.print-much", 100_000) == {"ok": None}

    lines = site.lines_of()
    assert sum(len(line.message) + 1 for line in lines[:-1]) <= 1001
    assert lines[-1].message == "[the limit limits.output_bytes = 1000 is reached; the rest is dropped]"


def test_lines_of_output_count_as_lines(site: Site) -> None:
    site.start(with_limits(courier(), log_lines=10))

    assert site.run("test:courier/activity.print-much", 1000) == {"ok": None}

    lines = site.lines_of()
    assert len(lines) == 11
    assert lines[-1].message == "[the limit limits.log_lines = 10 is reached; the rest is dropped]"


def test_parameters_larger_than_allowed_are_refused_with_the_limit(site: Site) -> None:
    site.start(with_limits(probe(max_retries=5), params_bytes=1000))

    _, text = failure_of(site.run(f"{PROBE}.echo-string", "x" * 2000))

    assert text == "limit exceeded: the parameters take 2004 bytes as JSON, more than limits.params_bytes = 1000"


def test_a_result_larger_than_allowed_is_refused_with_the_limit(site: Site) -> None:
    site.start(with_limits(probe(max_retries=5), result_bytes=1000))

    _, text = failure_of(site.run(f"{PROBE}.echo-string", "x" * 2000))

    assert text == "limit exceeded: the result takes 2002 bytes as JSON, more than limits.result_bytes = 1000"


def test_a_workflow_has_limits_too(site: Site) -> None:
    site.start(probe(), with_limits(stepper(), params_bytes=5))

    target = site.world.submit_steps({"random-string": [1, 3]})
    site.world.run(target)

    _, text = failure_of(site.world.result_of(target))
    assert "more than limits.params_bytes = 5" in text


def test_the_operators_limits_hold_where_a_component_asks_for_more(site: Site) -> None:
    site.start(with_limits(probe(), result_bytes=1 << 30), limits=RunLimits(result_bytes=100))

    _, text = failure_of(site.run(f"{PROBE}.echo-string", "x" * 200))

    assert "limits.result_bytes = 100" in text


# --- Interpreted components -------------------------------------------------------------------------------------------

GREEDY = source(
    """
    import logging
    from datetime import timedelta
    from obelisk import activity

    @activity(max_retries=0, attempt_timeout=timedelta(milliseconds=700))
    def spin() -> None:
        while True:
            pass

    @activity(max_retries=0)
    def allocate() -> None:
        kept = []
        while True:
            kept.append(bytearray(1 << 20))

    @activity(max_retries=0)
    def recurse(depth: int) -> int:
        return recurse.fn(depth + 1) + 1

    @activity(max_retries=3)
    def wrong() -> int:
        return "three"

    @activity(max_retries=0, attempt_timeout=timedelta(seconds=1))
    def chatter() -> None:
        while True:
            logging.warning("and another thing")

    @activity(max_retries=0, attempt_timeout=timedelta(seconds=1))
    def flood() -> None:
        while True:
            print("x" * 100_000)
    """
)


def python(**limits: int) -> ComponentSpec:
    (component,) = python_app(GREEDY)
    return with_limits(component, **limits)


def test_python_that_loops_is_stopped_in_time(site: Site) -> None:
    site.start(python())

    kind, _ = failure_of(site.run_beside_others("acme:app/activities.spin"))

    assert kind == "timed_out"


def test_python_that_allocates_without_end_has_a_memory_error(site: Site) -> None:
    site.start(python(memory_bytes=128 * MIB))

    assert site.run_beside_others("acme:app/activities.allocate") == {"err": "MemoryError"}


def test_python_that_recurses_has_a_recursion_error(site: Site) -> None:
    site.start(python())

    result = site.run_beside_others("acme:app/activities.recurse", 0)

    assert result["err"].startswith("RecursionError: ")


def test_python_that_returns_another_type_is_told_what_was_expected(site: Site) -> None:
    site.start(python())

    assert site.run_beside_others("acme:app/activities.wrong") == {
        "err": "TypeError: wrong -> return: expected int, got 'three'"
    }


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("chatter", "[the limit limits.log_lines = 50 is reached; the rest is dropped]"),
        ("flood", "is reached; the rest is dropped]"),
    ],
)
def test_python_that_talks_without_end_fills_no_log(site: Site, function: str, sentence: str) -> None:
    site.start(python(log_lines=50, output_bytes=100_000))

    kind, _ = failure_of(site.run_beside_others(f"acme:app/activities.{function}"))

    lines = site.lines_of()
    assert kind == "timed_out"
    assert len(lines) <= 51
    assert sentence in lines[-1].message


TALKATIVE = source(
    """
    import logging
    from datetime import timedelta
    from obelisk import activity, sleep, workflow

    @activity(max_retries=4)
    def fail() -> None:
        for number in range(4):
            logging.warning(str(number))
        raise ValueError

    @workflow
    def wait() -> None:
        for number in range(6):
            logging.warning(str(number))
            sleep(timedelta(milliseconds=1))
    """
)


@pytest.mark.parametrize(
    ("function", "most", "numbers"),
    [
        # Each attempt logs four, and the traceback of its failure.
        ("activities.fail", 8, [*"0123", "File", *"012"]),
        # Each run logs one: every wait unloads the workflow, and what is replayed is not logged again.
        ("workflows.wait", 4, [*"0123"]),
    ],
)
def test_lines_are_counted_over_all_runs_of_an_execution(
    site: Site, function: str, most: int, numbers: list[str]
) -> None:
    components = python_app(TALKATIVE, policy=WorkflowPolicy(blocking_strategy=BlockingStrategy.INTERRUPT))
    site.start(*(with_limits(component, log_lines=most) for component in components))

    site.run(f"acme:app/{function}")

    *lines, last = [line.message for line in site.lines_of()]
    assert [line.split()[0] for line in lines] == numbers
    assert last == f"[the limit limits.log_lines = {most} is reached; the rest is dropped]"


def test_many_greedy_ones_at_once_leave_the_executor_alive(site: Site) -> None:
    site.start(python(memory_bytes=64 * MIB), probe(max_retries=0, lock_expiry=timedelta(milliseconds=300)))
    greedy = [
        site.world.submit(ffqn, params)
        for ffqn, params in (
            (f"{PROBE}.spin", ()),
            (f"{PROBE}.recurse", ()),
            (f"{PROBE}.panic", ()),
            ("acme:app/activities.spin", ()),
            ("acme:app/activities.allocate", ()),
            ("acme:app/activities.chatter", ()),
        )
    ]
    before = threading.active_count()

    for target in greedy:
        site.world.run(target, timeout_s=60)

    assert site.run(f"{PROBE}.add", 1, 1) == {"ok": 2}
    assert threading.active_count() <= before + 4
