"""W5: kill -9 a worker in a workflow with 2,000 finished steps, start another, wait for the end.

Real processes: a client (this one), and ``manage.py run_executor`` with one worker. Runs in a fresh data directory.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

from bench.site import ROOT, TIMEOUT_S, set_up_site

FUNCTION = "testing:fibo-workflow/workflow.fiboa"
STEPS = 2000
#: Slow enough a step (about half a millisecond) that the kill meets the workflow soon after its 2,000th.
PARAMS = [24, STEPS + 400]
_STOP_S = 30


def _start_executor() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "run_executor"], cwd=ROOT, env=os.environ, start_new_session=True
    )


def _kill(executor: subprocess.Popen[bytes]) -> None:
    """Kill the executor with all its processes, as a power cut would."""
    os.killpg(executor.pid, signal.SIGKILL)
    executor.wait()


def _stop(executor: subprocess.Popen[bytes]) -> None:
    """Ask the executor to end; it tells its processes itself."""
    executor.send_signal(signal.SIGTERM)
    try:
        executor.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        _kill(executor)


def main() -> None:
    """Measure once and print the figures as JSON."""
    set_up_site()
    from engine.log.events import Locked
    from engine.log.ids import ExecutionId
    from executions.following import Follower
    from executions.journal.journal import SqlJournal
    from executions.operations.submitting import submit

    journal = SqlJournal.dedicated()
    executor = _start_executor()
    try:
        execution_id: ExecutionId = submit(FUNCTION, PARAMS).execution_id
        until = time.monotonic() + TIMEOUT_S
        while journal.state_of(execution_id).response_count < STEPS:
            if time.monotonic() > until:
                raise TimeoutError(f"{execution_id} did not get to step {STEPS} within {TIMEOUT_S} s")
            time.sleep(0.0005)
        _kill(executor)
        before = journal.state_of(execution_id)
        if before.is_finished:
            raise RuntimeError("the workflow ended before the kill")
        restarted = time.perf_counter()
        executor = _start_executor()
        with Follower(journal) as follower:
            retval = follower.wait(execution_id, timeout_s=TIMEOUT_S)
        completed = time.perf_counter()
    finally:
        _stop(executor)
    if retval is None:
        raise TimeoutError(f"{execution_id} was not finished within {TIMEOUT_S} s of the restart")
    entries = journal.load_log(execution_id, start=before.next_version)
    lock = next(entry for entry in entries if isinstance(entry.event, Locked))
    first = next(entry for entry in entries if entry.version > lock.version)
    print(
        json.dumps(
            {
                "steps_before": before.response_count,
                "steps_after": PARAMS[1] - before.response_count,
                "restart_to_end_s": completed - restarted,
                # From the new lock to the first new event: loading the log, the guest's start, and all its replay.
                "replay_s": (first.created_at - lock.created_at).total_seconds(),
                "lock_wait_s": (lock.created_at - before.due_at).total_seconds(),
            }
        )
    )


if __name__ == "__main__":
    main()
