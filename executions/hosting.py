"""An executor inside a django-q2 worker process.

django-q2's guard replaces a dead worker and with it the executor. The executor is made in the worker, after the fork:
threads and connections do not survive one, and a process that compiled wasm before forking leaves children that hang.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from multiprocessing.util import Finalize
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar
from weakref import WeakValueDictionary

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import close_old_connections, connection

from components.operator import operator_limits, take_operator_policy
from components.services import wasm_bytes
from components.wasm_cache import compile_cache, wasm_engine
from engine.activity.secret_values import OperatorPolicy
from engine.clock import SystemClock
from engine.deployment.registry import Registry
from engine.deployment.spec import Runner
from engine.errors import DeploymentError, EngineError, JournalError, JournalUnavailable
from engine.executor.executor import Executor
from engine.executor.settings import NOTHING_ALLOWED, ExecutorSettings
from engine.wasm.component import CompiledComponent
from executions.cron.seeding import keep_seeds
from executions.deployed import NOTHING, deployed_registry
from executions.django_functions import DjangoFunctions
from executions.journal.journal import SqlJournal
from executions.liveness import HEARTBEAT_EVERY, beat, forget_silent, say_goodbye
from executions.process_load import LoadMeter
from executions.process_memory import limit_arenas, spare_collector
from executions.statistics.keeping import StatisticsKeeper

if TYPE_CHECKING:
    from executions.metrics.serving import MetricsServer
    from executions.tracing.keeping import TraceKeeper

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

LOOK_EVERY = timedelta(milliseconds=250)
"""How soon a new deployment is taken up: before whoever deployed a change submits to it."""
LOOK_ANYWAY_EVERY = timedelta(seconds=10)
"""How soon, if nothing has told of it."""
_FORGET_EVERY = timedelta(minutes=10)
_TICK = timedelta(seconds=5)
"""How often an executor that runs nothing looks for work of which nothing has told it."""

_SWITCH_INTERVAL_S = 0.0005
_EXIT_PRIORITY = 100
"""Before multiprocessing takes down its own queues."""


class ExecutorHost:
    """One executor with what it needs of Django: the journal, wake-ups from other processes, signs of life."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._started_at = self._clock.now()
        self._journal = SqlJournal.dedicated()
        self._feed = self._journal.change_feed()
        # Whatever is wrong with the operator's configuration stops the executor, rather than being found out by guests.
        self._settings = executor_settings(take_operator_policy())
        self._executor = Executor(
            journal=self._journal,
            clock=self._clock,
            registry=self._look_for_deployment(NOTHING),
            load=_closing(load_component),
            settings=self._settings,
            randomness=os.urandom,
            read=_closing(wasm_bytes),
            host_functions=DjangoFunctions(),
        )
        self._seeded: Registry | None = None
        self._load = LoadMeter()
        self._parent_pid = os.getppid()
        self._is_stopping = threading.Event()
        self._has_heard = threading.Event()
        self._looked_at = -math.inf
        self._forgot_at: datetime | None = None
        self._heart = threading.Thread(target=self._beat_until_stopped, name="heartbeat", daemon=True)
        self._statistics = StatisticsKeeper(self._is_or_was_busy)
        self._begun_count = 0
        self._metrics: MetricsServer | None = None
        self._traces: TraceKeeper | None = None

    @property
    def executor(self) -> Executor:
        """The executor."""
        return self._executor

    def start(self) -> None:
        """Start executing."""
        # The SQLite driver gives up the interpreter lock around every statement and, beside a busy thread, gets it back
        # only after this interval; with the default of 5 ms a commit of a few statements may take 20.
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        try:
            self._journal.warm_up()
        except JournalUnavailable as error:
            # The first look meets it too, and waits until the database is back.
            log.warning("executor.not_warmed_up", error=str(error))
        self._feed.start(self._hear)
        # Before the first execution, not beside it: much of the first heartbeat is Django making itself ready.
        self._beat_or_say_why()
        self._executor.start()
        self._heart.start()
        self._statistics.start()
        if first_port := settings.OBELISK_METRICS_PORT:
            # What is not imported need not be walked through at every garbage collection.
            from executions.metrics.serving import MetricsServer

            ports = range(first_port, first_port + settings.OBELISK_WORKERS)
            self._metrics = MetricsServer(self._executor, address=settings.OBELISK_METRICS_HOST, ports=ports)
        if settings.OBELISK_TRACING:
            # It imports OpenTelemetry's packages, which are optional.
            from executions.tracing.exporting import OtlpExporter
            from executions.tracing.keeping import TraceKeeper

            self._traces = TraceKeeper(OtlpExporter())
            self._traces.start()
        _compile_ahead(self._executor.registry)

    def stop(self) -> None:
        """Finish or hand back what is running, and end."""
        if self._is_stopping.is_set():
            return
        self._is_stopping.set()
        # It may be about to give the executor another deployment.
        self._heart.join()
        self._statistics.stop()
        if self._metrics is not None:
            self._metrics.stop()
        if self._traces is not None:
            self._traces.stop()
        self._executor.stop()
        self._feed.stop()
        say_goodbye(self._executor.executor_id)
        self._journal.close()
        connection.close()

    def _is_or_was_busy(self) -> bool:
        """Tell whether anything ran since the last question."""
        before, self._begun_count = self._begun_count, self._executor.begun_count
        return self._begun_count != before or self._executor.running_count > 0

    def _hear(self) -> None:
        """Take note that somebody else has committed something."""
        self._executor.wakeups.broadcast()
        self._has_heard.set()

    def _beat_until_stopped(self) -> None:
        while not self._rest_or_see_deployment():
            self._beat_or_say_why()
            if os.getppid() != self._parent_pid:
                log.error("executor.orphaned", parent_pid=self._parent_pid)
                self._executor.stop()
                os._exit(1)
        connection.close()

    def _beat_or_say_why(self) -> None:
        try:
            self._beat()
        except (DatabaseError, JournalError) as error:
            log.warning("heartbeat.failed", error=str(error))
            close_old_connections()

    def _rest_or_see_deployment(self) -> bool:
        """Wait until the next heartbeat, or until another deployment is active; tell whether to stop."""
        until = time.monotonic() + HEARTBEAT_EVERY.total_seconds()
        while (left := until - time.monotonic()) > 0:
            if self._is_stopping.wait(min(left, LOOK_EVERY.total_seconds())):
                return True
            if not self._has_heard.is_set():
                continue
            self._has_heard.clear()
            self._looked_at = time.monotonic()
            try:
                is_another = deployed_registry() is not self._executor.registry
            except (DatabaseError, DeploymentError):
                self._looked_at = -math.inf  # the next heartbeat meets it too, and says so
                continue
            if is_another:
                self._looked_at = -math.inf
                return False
        return self._is_stopping.is_set()

    def _beat(self) -> None:
        now = self._clock.now()
        if time.monotonic() - self._looked_at >= LOOK_ANYWAY_EVERY.total_seconds():
            self._use(self._look_for_deployment(self._executor.registry))
            self._looked_at = time.monotonic()
        if self._forgot_at is None or now - self._forgot_at >= _FORGET_EVERY:
            forget_silent(now)
            self._forgot_at = now
        registry = self._executor.registry
        beat(
            self._executor.executor_id,
            now=now,
            started_at=self._started_at,
            deployment_id=registry.deployment.id or None,
            slots=self._settings.slots,
            running=self._executor.running_count,
            load=self._load.read(),
            note=self._executor.trouble,
        )
        if registry is not self._seeded:
            keep_seeds(self._executor.journal, registry, now)
            self._seeded = registry

    def _use(self, registry: Registry) -> None:
        if registry is not self._executor.registry:
            log.info("executor.deployment_changed", deployment_id=registry.deployment.id)
            self._executor.use(registry)
            _compile_ahead(registry)

    def _look_for_deployment(self, current: Registry) -> Registry:
        try:
            return deployed_registry()
        except DeploymentError as error:
            # What runs now goes on; people see why the new one does not.
            log.error("executor.deployment_unusable", error=str(error))
            return current


def executor_settings(operator: OperatorPolicy = NOTHING_ALLOWED) -> ExecutorSettings:
    """Return the executor's settings as the site configures them.

    Args:
        operator: What guests' HTTP requests may do at most.
    """
    return ExecutorSettings(
        slots=settings.OBELISK_SLOTS,
        commit_window=settings.OBELISK_COMMIT_WINDOW,
        hot_wait=settings.OBELISK_HOT_WAIT,
        tick=_TICK,
        operator=operator,
        limits=operator_limits(),
        logs_guests=settings.OBELISK_GUEST_LOGS,
        is_traced=settings.OBELISK_TRACING,
    )


def _compile_ahead(registry: Registry) -> None:
    """Have interpreters compiled beside what goes on, before the first run that needs one has to wait for it."""
    components = registry.deployment.components
    digests = {each.wasm_digest for each in components if each.runner is Runner.SOURCE and each.wasm_digest is not None}
    for digest in sorted(digests):
        threading.Thread(target=_compile, args=(digest,), name="compiler", daemon=True).start()


def _compile(wasm_digest: str) -> None:
    started = time.monotonic()
    try:
        load_component(wasm_digest, Runner.SOURCE)
    except (DatabaseError, EngineError) as error:
        log.warning("runtime.failed", digest=wasm_digest, error=str(error))
    else:
        log.info("runtime.ready", digest=wasm_digest, seconds=round(time.monotonic() - started, 3))
    finally:
        connection.close()


_loaded: WeakValueDictionary[tuple[int, str], CompiledComponent] = WeakValueDictionary()
"""What this process uses, by engine and digest: an interpreter takes 60 ms to load, and 50 MB for each time."""


def load_component(wasm_digest: str, runner: Runner) -> CompiledComponent:
    """Return a component from this process, from this machine's cache, or compile what the database holds."""
    engine, cache = wasm_engine(runner), compile_cache()
    key = (engine.address, wasm_digest)
    component = _loaded.get(key)
    if component is None:
        component = cache.load(engine, wasm_digest) or cache.compile(engine, wasm_bytes(wasm_digest))
        _loaded[key] = component
    return component


def _closing(call: Callable[P, T]) -> Callable[P, T]:
    """Return the call for an executor's threads, of which there are many, and none of which asks again soon."""

    def call_and_close(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(*args, **kwargs)
        finally:
            connection.close()

    return call_and_close


def start_in_worker(**_signal: Any) -> None:
    """Start an executor in this django-q2 worker; connected to its ``post_spawn`` signal."""
    limit_arenas()
    host = ExecutorHost()
    spare_collector()
    host.start()
    Finalize(host, host.stop, exitpriority=_EXIT_PRIORITY)
    # It came blocked (see `run_executor`), but whoever signals a worker means it.
    signal.signal(signal.SIGTERM, _end_in_order)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])


def _end_in_order(_number: int, _frame: FrameType | None) -> NoReturn:
    """End this worker, by way of its finalisers, which stop its executor."""
    raise SystemExit(0)
