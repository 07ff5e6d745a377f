"""The executor: one loop that locks due executions, and threads that run them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from engine.clock import Clock
from engine.deployment.registry import Registry
from engine.deployment.spec import ComponentSpec, ComponentType
from engine.errors import EngineError, JournalError, JournalUnavailable, StoredEventInvalid
from engine.executor.activity_run import ActivityRuns, Job, facts_of
from engine.executor.cron_run import CronRuns
from engine.executor.flusher import Flusher
from engine.executor.grouped_journal import GroupedJournal
from engine.executor.host_functions import HostFunctions
from engine.executor.lane import Lane, Seat
from engine.executor.locker import Locker
from engine.executor.metrics import ExecutorMetrics
from engine.executor.programs import ComponentLoader, FileReader
from engine.executor.run_context import working_for
from engine.executor.services import make_services
from engine.executor.settings import ExecutorSettings
from engine.executor.slots import Slots
from engine.executor.timers import Timers
from engine.executor.unread import leave_unread
from engine.executor.workflow_driver import WorkflowDriver
from engine.journal.protocol import Journal
from engine.journal.records import LockedExecution
from engine.log.state import Holder

log = structlog.get_logger(__name__)

_MILLISECOND = timedelta(milliseconds=1)
_BUSY_TICK_S = 0.1
_UNAVAILABLE_PAUSE_S = 1.0


class RunPool(Protocol):
    """What runs take place on."""

    def submit(self, function: Callable[..., None], /, *args: Any) -> object:
        """Have a run take place soon."""
        ...

    def shutdown(self, *, wait: bool = True) -> None:
        """Take no more runs; wait for those that there are."""
        ...


class Executor:
    """Locks executions of one deployment and runs them, on any host that shares the journal.

    Args:
        journal: The shared storage.
        clock: The source of time.
        registry: Functions of the active deployment.
        load: Where compiled components come from.
        settings: How it behaves.
        randomness: Gives as many random bytes as asked for.
        read: Where the stored files of source components come from.
        host_functions: Carries out functions of the program that hosts this executor, if it has any.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        clock: Clock,
        registry: Registry,
        load: ComponentLoader,
        settings: ExecutorSettings,
        randomness: Callable[[int], bytes],
        read: FileReader | None = None,
        host_functions: HostFunctions | None = None,
    ) -> None:
        self._settings = settings
        self._services = make_services(
            journal=journal,
            clock=clock,
            registry=registry,
            load=load,
            settings=settings,
            randomness=randomness,
            read=read,
            host_functions=host_functions,
        )
        self.executor_id = self._services.executor_id
        self.wakeups = self._services.wakeups
        self._timers = Timers(self._services)
        self._flusher = Flusher(self._services.commits, self._is_short_of_slots)
        self._slots = Slots(settings.slots)
        # One more than runs take, so that schedules are looked at however long those go on.
        self._pool: RunPool = ThreadPoolExecutor(settings.slots + 1, thread_name_prefix="run")
        self._lane = Lane(
            self._services.commits,
            self._flusher,
            self._services.run_times,
            begin=self._begin,
            run=lambda job, holder, seat: self._run([job], holder, seat),
            give_back=self._give_back,
        )
        self._locker = Locker(self._services, self._slots, randomness, self._start, self._lane, self._tick_schedules)
        self._crons = CronRuns(self._services, randomness)
        self._services.commits.lock_for(self._locker)
        self._next_at: datetime | None = None
        """When something falls due, as of the last look."""
        self._trouble = ""
        self._is_stopping = threading.Event()
        self._loop_thread = threading.Thread(target=self._loop, name="executor", daemon=True)

    # Life.

    def start(self) -> None:
        """Start the loop and its helpers."""
        self._services.commits.start()
        self._flusher.start()
        self._loop_thread.start()
        self._warm_up(self._services.registry)
        log.info("executor.started", executor_id=self.executor_id, slots=self._settings.slots)

    def stop(self) -> None:
        """Lock nothing more, let runs finish their step or hand back what they hold, and end."""
        self._is_stopping.set()
        self._services.commits.lock_for(None)
        self.wakeups.announce_work()
        if self._loop_thread.is_alive():
            self._loop_thread.join()
        for runner in self._services.running.runs():
            runner.stop()
        patience = threading.Timer(self._settings.stop_grace.total_seconds(), self._services.running.close)
        patience.start()
        self._pool.shutdown(wait=True)
        patience.cancel()
        self._flusher.stop()
        self._services.commits.stop()
        self._services.programs.close()
        self._services.guest_log.flush()
        self._services.http_log.flush()
        self._services.call_sites.flush()
        self._services.transport.close()
        self._services.threads.close()
        log.info("executor.stopped", executor_id=self.executor_id)

    def use(self, registry: Registry) -> None:
        """Run another deployment's components from the next lock on."""
        self._services.registry = registry
        self._warm_up(registry)
        self.wakeups.announce_work()

    def _warm_up(self, registry: Registry) -> None:
        """Load the components that will be run, so that the first execution of each need not wait for it."""
        for component in registry.deployment.components:
            if component.is_run_here and component.can_be_stopped:
                self._pool.submit(self._load, component)

    def _load(self, component: ComponentSpec) -> None:
        try:
            self._services.programs.get(component)
        except EngineError as error:
            # Its executions will say the same, each in its log.
            log.error("executor.component_unusable", component=component.id.name, error=str(error))

    @property
    def slots(self) -> int:
        """How many executions can run at once."""
        return self._settings.slots

    @property
    def running_count(self) -> int:
        """How many executions run now."""
        return self._slots.taken

    @property
    def metrics(self) -> ExecutorMetrics:
        """What it counted since it was made."""
        return self._services.metrics

    @property
    def begun_count(self) -> int:
        """How many executions it has begun so far."""
        return self._slots.begun

    @property
    def trouble(self) -> str:
        """Why the last look could not be taken, in a sentence without its full stop; empty if it could."""
        return self._trouble

    @property
    def journal(self) -> Journal:
        """The journal for others in this process: their writes share this executor's commits, and wake it at once."""
        return GroupedJournal(self._services.journal, self._services.commits)

    @property
    def registry(self) -> Registry:
        """The functions that it runs."""
        return self._services.registry

    # One look.

    def tick(self, now: datetime) -> int:
        """Lock what is due and start it; deal with what time brought.

        Args:
            now: The present instant.

        Returns:
            How many executions were started.

        Raises:
            JournalUnavailable: If the storage did not answer.
        """
        outlook = self._services.journal.outlook(now, leeway=self._settings.timer_leeway)
        self._next_at = outlook.next_at
        started = 0
        if outlook.is_pending:
            if not self._locker.has_room:
                self._services.commits.note_more_due()
            # Looked at again: whoever made room meanwhile did not know that more is due.
            if self._locker.has_room or self.registry.deployment.crons:
                started = self._services.commits.lock_due()
        self._lane.help()
        if outlook.is_overdue:
            self._timers.tick(now)
        for runner in self._services.running.runs():
            runner.renew(now)
        self._services.guest_log.flush()
        self._services.http_log.flush()
        self._services.call_sites.flush()
        return started

    def _begin(self, work: Callable[[], None]) -> None:
        self._pool.submit(work)

    def _start(self, jobs: list[Job], holder: Holder) -> None:
        self._pool.submit(self._run_apart, jobs, holder)

    def _run_apart(self, jobs: list[Job], holder: Holder) -> None:
        try:
            self._run(jobs, holder)
        finally:
            self._give_back(jobs)
            self.wakeups.announce_work()

    def _give_back(self, jobs: Sequence[Job]) -> None:
        for _, function in jobs:
            self._slots.give_back(function.component)

    def _run(self, jobs: list[Job], holder: Holder, seat: Seat | None = None) -> None:
        with self._working_for(jobs, holder):
            log.debug("run.began")
            self._run_logged(jobs, holder, seat)
            log.debug("run.ended")

    def _working_for(self, jobs: list[Job], holder: Holder) -> AbstractContextManager[None]:
        """Return a context whose log lines say what this thread works for; of several attempts each says so itself."""
        if len(jobs) > 1:
            return structlog.contextvars.bound_contextvars(run_id=holder.run_id, executor_id=self.executor_id)
        return working_for((facts_of(jobs[0][0]), holder.run_id, self.executor_id))

    def _run_logged(self, jobs: list[Job], holder: Holder, seat: Seat | None) -> None:
        try:
            self._dispatch(jobs, holder, seat)
        except StoredEventInvalid as error:
            leave_unread(self._services, jobs[0][0], holder, error)
        except JournalError as error:
            log.warning("run.journal_failed", error=str(error))
        except BaseException:
            # A defect of the engine: the lock expires and the run is tried again; people must see why.
            log.exception("run.crashed", execution_ids=[execution.state.execution_id for execution, _ in jobs])
            raise

    def _tick_schedules(self, seeds: list[LockedExecution], holder: Holder) -> None:
        self._pool.submit(self._run_schedules, seeds, holder)

    def _run_schedules(self, seeds: list[LockedExecution], holder: Holder) -> None:
        try:
            self._crons.execute(seeds, holder)
        except JournalError as error:
            log.warning("run.journal_failed", error=str(error))
        except BaseException:
            log.exception("run.crashed", execution_ids=[seed.state.execution_id for seed in seeds])
            raise

    def _dispatch(self, jobs: list[Job], holder: Holder, seat: Seat | None) -> None:
        execution, function = jobs[0]
        runner: WorkflowDriver | ActivityRuns
        if function.component.id.component_type is ComponentType.WORKFLOW:
            runner = WorkflowDriver(self._services, self._flusher, execution, function, holder, seat)
        else:
            runner = ActivityRuns(self._services, self._flusher, jobs, holder)
        self._services.running.begins(execution.state.execution_id, runner)
        try:
            if self._is_stopping.is_set():
                # It may not have been among the runs that were asked to stop.
                runner.stop()
            runner.execute()
        finally:
            self._services.running.ends(execution.state.execution_id, runner)

    # The loop.

    def _loop(self) -> None:
        while not self._is_stopping.is_set():
            try:
                started = self.tick(self._services.clock.now())
                timeout = self._timeout_s()
                self._trouble = ""
            except JournalUnavailable as error:
                self._trouble = str(error).partition("\n")[0]
                log.warning("executor.journal_unavailable", error=str(error))
                self._is_stopping.wait(_UNAVAILABLE_PAUSE_S)
                continue
            except EngineError:
                # One execution that cannot be read or ended must not keep the others from being run.
                log.exception("executor.tick_failed")
                self._is_stopping.wait(_UNAVAILABLE_PAUSE_S)
                continue
            if not started:
                self.wakeups.wait_for_work(timeout)

    def _timeout_s(self) -> float:
        tick = self._settings.tick.total_seconds()
        if self.running_count:
            tick = min(tick, _BUSY_TICK_S)
        if self._next_at is None:
            return tick
        soon = self._next_at + _MILLISECOND - self._services.clock.now()
        return max(0.0, min(tick, soon.total_seconds()))

    def _is_short_of_slots(self) -> bool:
        return self._slots.free <= 0
