"""What the parts of one executor share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.activity.http.transport import HttpTransport
from engine.clock import Clock
from engine.deployment.registry import Registry
from engine.executor.best_effort import BestEffort
from engine.executor.detached_threads import DetachedThreads
from engine.executor.durations import Durations
from engine.executor.group_commit import GroupCommit
from engine.executor.guest_lines import logged_too
from engine.executor.host_functions import HostFunctions
from engine.executor.metrics import ExecutorMetrics
from engine.executor.programs import ComponentLoader, FileReader, Programs
from engine.executor.running import Running
from engine.executor.settings import ExecutorSettings
from engine.executor.wakeups import Wakeups
from engine.journal.protocol import Journal
from engine.journal.records import HttpExchange, LogLine
from engine.log.backtraces import CallSites
from engine.log.ids import ExecutorId, make_executor_id

if TYPE_CHECKING:
    from engine.executor.attempts import KnownActivity


@dataclass(slots=True, kw_only=True)
class ExecutorServices:
    """What the parts of one executor share.

    Args:
        executor_id: Who it is in the log.
        registry: Functions of the deployment it runs; replaced when another one is activated.
        running: What goes on in this process.
        durations: How long activities take.
        run_times: How much processor time workflows' functions take, from beginning to end.
        metrics: What it counts of its doings.
        host_functions: Carries out functions of the host; ``None`` where it has none.
        threads: Where they run.
        activities: What attempts have found out about functions, by name.
    """

    executor_id: ExecutorId
    settings: ExecutorSettings
    clock: Clock
    journal: Journal
    commits: GroupCommit
    wakeups: Wakeups
    programs: Programs
    guest_log: BestEffort[LogLine]
    http_log: BestEffort[HttpExchange]
    call_sites: BestEffort[CallSites]
    transport: HttpTransport
    registry: Registry
    running: Running
    durations: Durations
    run_times: Durations
    metrics: ExecutorMetrics
    host_functions: HostFunctions | None
    threads: DetachedThreads
    activities: dict[str, KnownActivity] = field(default_factory=dict)


def make_services(
    *,
    journal: Journal,
    clock: Clock,
    registry: Registry,
    load: ComponentLoader,
    settings: ExecutorSettings,
    randomness: Callable[[int], bytes],
    read: FileReader | None = None,
    host_functions: HostFunctions | None = None,
) -> ExecutorServices:
    """Return the parts of a new executor; its arguments are those of `engine.executor.executor.Executor`."""
    wakeups = Wakeups()
    metrics = ExecutorMetrics()
    return ExecutorServices(
        executor_id=make_executor_id(clock.now(), randomness(10)),
        settings=settings,
        clock=clock,
        journal=journal,
        commits=GroupCommit(journal, clock, wakeups.on_hints, metrics=metrics),
        wakeups=wakeups,
        programs=Programs(load, read),
        guest_log=BestEffort(logged_too(journal) if settings.logs_guests else journal.add_log_lines, what="log lines"),
        http_log=BestEffort(journal.add_http_exchanges, what="HTTP exchanges"),
        call_sites=BestEffort(journal.add_call_sites, what="places of calls"),
        transport=HttpTransport(),
        registry=registry,
        running=Running(),
        durations=Durations(metrics.step),
        run_times=Durations(),
        metrics=metrics,
        host_functions=host_functions,
        threads=DetachedThreads(_nothing if host_functions is None else host_functions.thread_ends),
    )


def _nothing() -> None:
    """Nothing belongs to a thread that never called a function of the host."""
