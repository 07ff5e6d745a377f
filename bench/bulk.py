"""Cancelling 5,000 executions at once, as somebody does on a page, beside work that goes on.

The batch runs in a process of its own, as it does in life (a web process); the executor in this one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench.measures import SERIAL
from bench.site import ROOT, TIMEOUT_S, Bench, set_up_django, set_up_site

if TYPE_CHECKING:
    from engine.log.ids import ExecutionId

MANY = 5000
STEPS = 3000
_ACTIVITY = "testing:fibo/fibo.fibo"
_AT_A_TIME = 500
_POLL_S = 0.05


def main() -> None:
    """Measure once and print the figures as JSON."""
    set_up_site()
    with Bench() as bench:
        alone = STEPS / bench.run(SERIAL, [10, STEPS])
        _submit_many(bench)
        # It goes on for longer than the batch takes.
        beside = bench.submit(SERIAL, [10, 100 * STEPS])
        command = [sys.executable, "-m", "bench.bulk", "cancel"]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
        said = json.loads(done.stdout)
        ended = _wait_until_ended()
        steps_per_s = _steps_between(beside, said["begun"], ended) / (ended - said["begun"])
    print(
        json.dumps(
            {
                "batch_s": said["took_s"],
                "batch_cpu_s": said["cpu_s"],
                "ended_s": ended - said["begun"],
                "alone_steps_per_s": alone,
                "beside_part": steps_per_s / alone,
            }
        )
    )


def _submit_many(bench: Bench) -> None:
    from executions.operations.submitting import Call, submit_all

    for _ in range(MANY // _AT_A_TIME):
        submit_all([Call(_ACTIVITY, [10], paused=True)] * _AT_A_TIME, journal=bench.executor.journal)


def _wait_until_ended() -> float:
    """Wait until all are finished; return when, in seconds since the epoch."""
    from engine.log.state import Status
    from executions.models import Execution

    until = time.monotonic() + TIMEOUT_S
    open_ones = Execution.objects.filter(ffqn=_ACTIVITY, parent_id=None).exclude(status=Status.FINISHED)
    while open_ones.exists():
        if time.monotonic() > until:
            raise TimeoutError("not all ended")
        time.sleep(_POLL_S)
    return time.time()


def _steps_between(execution_id: ExecutionId, begun: float, ended: float) -> float:
    from executions.models import Event

    first, last = (datetime.fromtimestamp(each, UTC) for each in (begun, ended))
    events = Event.objects.filter(execution_id=execution_id, created_at__gte=first, created_at__lt=last)
    return events.filter(history_event_type="join_next").count()


def cancel() -> None:
    """Cancel all that are paused; print how long that took as JSON."""
    set_up_django()
    from django.utils import timezone

    from executions.batches.keeping import start_batch
    from executions.models import Batch, BatchStatus
    from executions.operations.bulk import BulkOperation
    from executions.operations.listing import ExecutionFilter

    wanted = ExecutionFilter(function=_ACTIVITY, created_before=timezone.now())
    begun, clock = time.time(), time.monotonic()
    cpu = time.process_time()
    batch = start_batch(BulkOperation.CANCEL, wanted, total=MANY, actor="user:bench", reason="enough", key="bench")
    while Batch.objects.get(pk=batch.pk).status == BatchStatus.RUNNING:
        time.sleep(_POLL_S)
    took_s = time.monotonic() - clock
    batch.refresh_from_db()
    if (batch.status, batch.done) != (BatchStatus.DONE, MANY):
        raise RuntimeError(f"{batch.status} after {batch.done} of {MANY}, {batch.refused} refused")
    print(json.dumps({"begun": begun, "took_s": took_s, "cpu_s": time.process_time() - cpu}))


if __name__ == "__main__":
    cancel() if sys.argv[1:] == ["cancel"] else main()
