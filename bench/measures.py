"""W1 to W4: what one fresh process with one executor does."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

from bench.site import Bench, peak_rss_mb
from engine.log.ids import ExecutionId

SERIAL = "testing:fibo-workflow/workflow.fiboa"
PARALLEL = "testing:fibo-workflow/workflow.fiboa-concurrent"
ONE_STEP = "testing:fibo-workflow/workflow.fibow"
STEPS = 500
WORKFLOWS = 1000
IN_FLIGHT = 64
SUBMISSIONS = 100

Figures = Mapping[str, float]


def serial_steps(bench: Bench) -> Figures:
    """W1: one workflow, 500 activities in series."""
    return {"steps_per_s": STEPS / bench.run(SERIAL, [10, STEPS])}


def parallel_children(bench: Bench) -> Figures:
    """W2: one workflow, 500 activities in parallel, joined."""
    return {"children_per_s": STEPS / bench.run(PARALLEL, [10, STEPS])}


def many_workflows(bench: Bench) -> Figures:
    """W3: 1,000 workflows of 3 serial steps, 64 in flight; latency from submit to the end seen by the client."""
    started_at: dict[ExecutionId, float] = {}
    latencies: list[float] = []
    started = time.perf_counter()
    with bench.following() as follower:
        while len(latencies) < WORKFLOWS:
            free = min(IN_FLIGHT - len(started_at), WORKFLOWS - len(latencies) - len(started_at))
            if free:
                submitted_at = time.perf_counter()
                for execution_id in bench.submit_all([(SERIAL, [10, 3])] * free):
                    started_at[execution_id] = submitted_at
            ended = follower.wait(started_at)
            ended_at = time.perf_counter()
            latencies.extend(ended_at - started_at.pop(execution_id) for execution_id in ended)
    elapsed = time.perf_counter() - started
    return {
        "workflows_per_s": WORKFLOWS / elapsed,
        "p50_ms": percentile(latencies, 50) * 1000,
        "p99_ms": percentile(latencies, 99) * 1000,
        "rss_mb": peak_rss_mb(),
    }


def one_step_latency(bench: Bench) -> Figures:
    """W4: submit to result of a one-step workflow, 100 times one after the other."""
    latencies = [bench.run(ONE_STEP, [10]) for _ in range(SUBMISSIONS)]
    return {"p50_ms": percentile(latencies, 50) * 1000, "p99_ms": percentile(latencies, 99) * 1000}


MEASURES: Mapping[str, Callable[[Bench], Figures]] = {
    "w1": serial_steps,
    "w2": parallel_children,
    "w3": many_workflows,
    "w4": one_step_latency,
}


def percentile(values: list[float], rank: int) -> float:
    """Return a percentile, 1 to 99."""
    return statistics.quantiles(values, n=100, method="inclusive")[rank - 1]
