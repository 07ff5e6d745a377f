"""What the parts of one executor share."""

from __future__ import annotations

from dataclasses import dataclass

from engine.activity.http.transport import HttpTransport
from engine.clock import Clock
from engine.deployment.registry import Registry
from engine.executor.best_effort import BestEffort
from engine.executor.detached_threads import DetachedThreads
from engine.executor.durations import Durations
from engine.executor.group_commit import GroupCommit
from engine.executor.host_functions import HostFunctions
from engine.executor.programs import Programs
from engine.executor.running import Running
from engine.executor.settings import ExecutorSettings
from engine.executor.wakeups import Wakeups
from engine.journal.protocol import Journal
from engine.journal.records import HttpExchange, LogLine
from engine.log.backtraces import CallSites
from engine.log.ids import ExecutorId


@dataclass(slots=True, kw_only=True)
class ExecutorServices:
    """What the parts of one executor share.

    Args:
        executor_id: Who it is in the log.
        registry: Functions of the deployment it runs; replaced when another one is activated.
        running: What goes on in this process.
        durations: How long activities take.
        host_functions: Carries out functions of the host; ``None`` where it has none.
        threads: Where they run.
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
    host_functions: HostFunctions | None
    threads: DetachedThreads
