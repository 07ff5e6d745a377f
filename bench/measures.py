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
#: Three events each.
LONG_STEPS = 3333
REPLAYS = 3

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
    """W4: submit to result of a one-step workflow, 100 times one after the other; and from submit to its lock."""
    latencies: list[float] = []
    starts: list[float] = []
    for _ in range(SUBMISSIONS):
        submitted_at = time.perf_counter()
        execution_id = bench.submit(ONE_STEP, [10])
        bench.wait(execution_id)
        latencies.append(time.perf_counter() - submitted_at)
        created, locked = bench.executor.journal.load_log(execution_id)[:2]
        starts.append((locked.created_at - created.created_at).total_seconds())
    return {
        "p50_ms": percentile(latencies, 50) * 1000,
        "p99_ms": percentile(latencies, 99) * 1000,
        "start_p95_ms": percentile(starts, 95) * 1000,
    }


def long_replay(bench: Bench) -> Figures:
    """REPLAY: a finished workflow of 10,000 events is replayed as the API does it, read from the database each time."""
    from engine.replay.outcomes import FinishedReplay
    from executions.operations.replaying import replay

    journal = bench.executor.journal
    execution_id = bench.submit(SERIAL, [10, LONG_STEPS])
    bench.wait(execution_id)
    seconds = []
    for _ in range(REPLAYS):
        started = time.perf_counter()
        outcome = replay(execution_id, journal=journal)
        seconds.append(time.perf_counter() - started)
        if not isinstance(outcome, FinishedReplay):
            raise RuntimeError(f"the replay ended with {outcome}")
    return {"replay_10000_s": statistics.median(seconds), "events": len(journal.load_log(execution_id))}


MEASURES: Mapping[str, Callable[[Bench], Figures]] = {
    "w1": serial_steps,
    "w2": parallel_children,
    "w3": many_workflows,
    "w4": one_step_latency,
    "replay": long_replay,
}


def percentile(values: list[float], rank: int) -> float:
    """Return a percentile, 1 to 99."""
    return statistics.quantiles(values, n=100, method="inclusive")[rank - 1]
