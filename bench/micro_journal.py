"""What a workflow step costs in the journal, beside what the disk allows.

A step is a call of a pure activity: one execution with three events, three events of its parent and one response. Run
``python -m bench.micro_journal``; the database lies in a temporary directory, or in ``--dir``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.deployment.spec import ComponentId, ComponentType
from engine.journal.records import Append, Committed, NewExecution, Submit, Write
from engine.log import events as e
from engine.log.ids import DeploymentId, ExecutionId, ExecutorId, RunId, Version, child_id, one_off_join_set
from engine.log.return_values import JsonText, Returned, TypedValue
from engine.log.state import Holder

EVENTS_A_STEP = 3
WORKFLOW = ComponentId(component_type=ComponentType.WORKFLOW, name="fibo-workflow", digest="sha256:" + "a" * 64)
ACTIVITY = ComponentId(component_type=ComponentType.ACTIVITY, name="fibo-activity", digest="sha256:" + "b" * 64)
DEPLOYMENT = DeploymentId("Dep_01KBNHM5FQW81KP5Y3XMNX31K4")
HOLDER = Holder(ExecutorId("Exr_01KBNHM5FQW81KP5Y3XMNX31K4"), RunId("Run_01KBNHM5FQW81KP5Y3XMNX31K4"))
START = datetime(2026, 1, 1, tzinfo=UTC)
LOCK_EXPIRES = START + timedelta(days=1)
FFQN = "testing:fibo/fibo.fibo"
RETVAL = Returned(ok=True, payload=TypedValue("u64", JsonText("55")))


def locked(component: ComponentId, *, max_retries: int | None) -> e.Locked:
    """Return the lock event of a component's run."""
    return e.Locked(
        component_id=component,
        executor_id=HOLDER.executor_id,
        deployment_id=DEPLOYMENT,
        run_id=HOLDER.run_id,
        lock_expires_at=LOCK_EXPIRES,
        max_retries=max_retries,
        retry_backoff=timedelta(milliseconds=100),
    )


def workflow(number: int) -> Submit:
    """Return a locked workflow execution that does not exist yet."""
    created = e.Created(
        ffqn="testing:fibo-workflow/workflow.fiboa",
        params=JsonText("[10,500]"),
        scheduled_at=START,
        component_id=WORKFLOW,
        deployment_id=DEPLOYMENT,
    )
    entries = (
        e.LogEntry(Version(0), START, created),
        e.LogEntry(Version(1), START, locked(WORKFLOW, max_retries=None)),
    )
    return Submit(NewExecution(ExecutionId(f"E_{number:026d}"), entries))


def steps(parent: ExecutionId, *, first: int, count: int) -> Append:
    """Return the write of consecutive steps of a workflow that did nothing else."""
    entries: list[e.LogEntry] = []
    created: list[NewExecution] = []
    responses: list[e.Response] = []
    version = 2 + (first - 1) * EVENTS_A_STEP
    for number in range(first, first + count):
        join_set = one_off_join_set(number, "fibo")
        child = child_id(parent, join_set, 1)
        requested_at, locked_at, finished_at = (
            START + timedelta(microseconds=100 * number + offset) for offset in (0, 20, 70)
        )
        request = e.ChildRequested(
            join_set_id=join_set, child_execution_id=child, target_ffqn=FFQN, params=JsonText("[10]")
        )
        join_next = e.JoinNext(join_set_id=join_set, run_expires_at=LOCK_EXPIRES, requested_ffqn=FFQN)
        entries += [
            e.LogEntry(Version(version), requested_at, e.JoinSetCreated(join_set_id=join_set)),
            e.LogEntry(Version(version + 1), requested_at, request),
            e.LogEntry(Version(version + 2), requested_at, join_next),
        ]
        birth = e.Created(
            ffqn=FFQN,
            params=JsonText("[10]"),
            parent=(parent, join_set),
            scheduled_at=requested_at,
            component_id=ACTIVITY,
            deployment_id=DEPLOYMENT,
        )
        log = (
            e.LogEntry(Version(0), requested_at, birth),
            e.LogEntry(Version(1), locked_at, locked(ACTIVITY, max_retries=5)),
            e.LogEntry(Version(2), finished_at, e.Finished(retval=RETVAL)),
        )
        created.append(NewExecution(child, log))
        end = e.ChildFinished(child_execution_id=child, finished_version=Version(2), retval=RETVAL)
        responses.append(
            e.Response(
                execution_id=parent,
                at_version=version + 2,
                join_set_id=join_set,
                created_at=finished_at,
                event=end,
            )
        )
        version += EVENTS_A_STEP
    return Append(
        execution_id=parent,
        expected=Version(2 + (first - 1) * EVENTS_A_STEP),
        holder=HOLDER,
        entries=tuple(entries),
        created=tuple(created),
        responses=tuple(responses),
    )


class Stopwatch:
    """Adds up the time inside the database driver, by kind of statement."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Measure every statement of the journal while inside."""
        from executions.journal.connection import Statements

        plain = Statements.execute

        def execute(statements: Statements, sql: str, params: Sequence[Any] = ()) -> Any:
            started = time.perf_counter()
            try:
                return plain(statements, sql, params)
            finally:
                kind = "commit" if sql == "COMMIT" else "statements"
                self.seconds[kind] = self.seconds.get(kind, 0.0) + time.perf_counter() - started

        Statements.execute = execute  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            Statements.execute = plain  # type: ignore[method-assign]


def measure(journal: Any, *, number: int, batch: int, total: int) -> dict[str, float]:
    """Commit steps of one workflow in batches and return microseconds a step, by where they went."""
    start = workflow(number)
    _commit(journal, [start])
    parent = start.execution.execution_id
    writes = [steps(parent, first=first, count=batch) for first in range(1, total + 1, batch)]
    watch = Stopwatch()
    with watch.watching():
        began, cpu = time.perf_counter(), time.thread_time()
        for write in writes:
            _commit(journal, [write])
        seconds, cpu = time.perf_counter() - began, time.thread_time() - cpu
    in_driver = sum(watch.seconds.values())
    parts = {
        "total": seconds,
        "cpu": cpu,
        "statements": watch.seconds["statements"],
        "commit": watch.seconds["commit"],
        "python": seconds - in_driver,
    }
    return {name: value / total * 1e6 for name, value in parts.items()}


def _commit(journal: Any, writes: list[Write]) -> None:
    for outcome in journal.commit(writes, now=START).outcomes:
        if not isinstance(outcome, Committed):
            raise outcome


def commits_per_second(directory: Path, *, seconds: float = 1.0) -> float:
    """Return how many one-row transactions a second this disk takes, with the journal's durability."""
    import sqlite3

    path = directory / "commits.sqlite3"
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE t (x)")
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            connection.execute("INSERT INTO t VALUES (1)")
            count += 1
        return count / (time.perf_counter() - began)
    finally:
        connection.close()
        path.unlink()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--dir", type=Path, help="where to put the database (default: a temporary directory)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each measurement; the median counts")
    parser.add_argument("--profile", action="store_true", help="print where the Python time of batches goes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.dir) as directory:
        _run(Path(directory), rounds=options.rounds, profile=options.profile)


def _run(directory: Path, *, rounds: int, profile: bool) -> None:
    os.environ["OBELISK_DATA_DIR"] = str(directory)
    os.environ["DJANGO_SETTINGS_MODULE"] = "obelisk_site.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)

    from executions.journal.journal import SqlJournal

    journal = SqlJournal.dedicated()
    number = 0
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} CPUs; microseconds a step, median of {rounds} runs")
    print(f"{'':22}{'total':>8}{'python':>8}{'statements':>12}{'commit':>8}{'cpu':>8}   plain commits/s beside it")
    for batch, total in ((1, 100), (10, 1000), (50, 5000), (500, 5000)):
        runs = []
        for _ in range(rounds):
            number += 1
            runs.append(measure(journal, number=number, batch=batch, total=total))
        median = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        print(
            f"{batch:>4} steps a commit    {median['total']:8.1f}{median['python']:8.1f}{median['statements']:12.1f}"
            f"{median['commit']:8.1f}{median['cpu']:8.1f}   {commits_per_second(directory):,.0f}"
        )
    if profile:
        _profile(journal, number + 1)
    journal.close()


def _profile(journal: Any, number: int) -> None:
    import cProfile
    import pstats

    profiler = cProfile.Profile()
    start = workflow(number)
    _commit(journal, [start])
    writes = [steps(start.execution.execution_id, first=first, count=50) for first in range(1, 5001, 50)]
    profiler.enable()
    for write in writes:
        _commit(journal, [write])
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
