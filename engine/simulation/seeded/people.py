"""What people and clients do meanwhile: submit, cancel, pause, answer."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime

from engine.clock import Clock
from engine.deployment.registry import Registry
from engine.deployment.spec import ComponentType
from engine.errors import (
    AlreadyFinished,
    ExecutionNotFound,
    JournalError,
    JournalUnavailable,
    SignalRefused,
    VersionConflict,
)
from engine.executor.cancellation import is_cancellable
from engine.executor.cron_seeds import make_seeds, retire_seed
from engine.executor.ends import end_of
from engine.executor.settings import DEFAULT_LIMITS
from engine.executor.signalling import send_signal
from engine.executor.stubs import read_result
from engine.journal.protocol import Journal
from engine.journal.records import Append, NewExecution, Submit
from engine.log.events import (
    CancellationRequested,
    Created,
    ExecutionEvent,
    LogEntry,
    Paused,
    Unlocked,
    Unpaused,
)
from engine.log.ids import DeploymentId, ExecutionId, Version
from engine.log.return_values import JsonText
from engine.log.state import ExecutionState, Lifecycle, Status
from engine.simulation.connection import ProcessKilled
from engine.simulation.seeded.auditor import Auditor
from engine.simulation.seeded.guests import params_of
from engine.simulation.seeded.scripts import GATE, Script

OUTSIDE = "outside"
"""What people answer a gate with."""

Decide = Callable[[ExecutionState, datetime], tuple[ExecutionEvent, ...]]


class People:
    """Everybody outside.

    Args:
        chance: Decides what they do.
        clock: Theirs.
        registry: What is deployed.
        auditor: Shows them what there is.
        choose_journal: Returns a way to the storage: of a process, or their own.
    """

    def __init__(
        self,
        chance: random.Random,
        *,
        clock: Clock,
        registry: Registry,
        auditor: Auditor,
        choose_journal: Callable[[], Journal],
    ) -> None:
        self._chance = chance
        self._clock = clock
        self._registry = registry
        self._auditor = auditor
        self._choose_journal = choose_journal
        self._signals = 0

    def submit(self, execution_id: ExecutionId, ffqn: str, script: Script) -> None:
        """Submit a workflow, again and again until somebody says that it is there."""
        function = self._registry.find(ffqn)
        assert function is not None
        now = self._clock.now()
        created = Created(
            ffqn=ffqn,
            params=JsonText(params_of(script)),
            scheduled_at=now,
            component_id=function.component.id,
            deployment_id=DeploymentId(self._registry.deployment.id),
        )
        write = Submit(NewExecution(execution_id, (LogEntry(Version(0), now, created),)))
        self._insist(lambda journal: journal.commit([write], now=self._clock.now()).outcomes)

    def make_schedules(self) -> None:
        """Make the seeds of what is due again and again."""
        self._insist(lambda journal: make_seeds(journal, self._registry, self._clock.now()))

    def end_schedules(self) -> None:
        """End those seeds, as whoever takes up a deployment without them does."""
        for state in list(self._auditor.unfinished.values()):
            if state.component_id.component_type is ComponentType.CRON:
                self._retire(state.execution_id)

    def _retire(self, seed: ExecutionId) -> None:
        self._insist(lambda journal: retire_seed(journal, seed, self._clock.now()))

    def cancel_somebody(self) -> None:
        """Ask for some execution's cancellation."""
        self._append(self._pick(), _cancelling)

    def pause_somebody(self) -> None:
        """Pause some execution."""
        self._append(self._pick(), _pausing)

    def unpause_all(self) -> None:
        """Let everything go on that is paused."""
        for state in list(self._auditor.unfinished.values()):
            if state.lifecycle is Lifecycle.PAUSED:
                self._append(state.execution_id, _unpausing)

    def answer_all(self, share: float = 1.0) -> None:
        """Answer gates that are open.

        Args:
            share: How many of them.
        """
        for state in list(self._auditor.unfinished.values()):
            if state.ffqn == GATE and self._chance.random() < share:
                self._answer(state.execution_id)

    def signal_somebody(self) -> None:
        """Send a signal to some workflow, whether it waits for one or not."""
        self._signals += 1
        target, signal_id = self._pick(), f"signal {self._signals}"
        state = self._auditor.states.get(target) if target is not None else None
        if state is None or state.component_id.component_type is not ComponentType.WORKFLOW:
            return

        def send(journal: Journal) -> object:
            try:
                return send_signal(
                    journal,
                    self._registry,
                    DEFAULT_LIMITS,
                    self._clock,
                    state.execution_id,
                    GATE,
                    OUTSIDE,
                    signal_id=signal_id,
                )
            except SignalRefused:
                return None  # it has finished meanwhile

        self._insist(send)

    def _answer(self, target: ExecutionId) -> None:
        function = self._registry.find(GATE)
        assert function is not None
        retval = read_result(function, {"ok": OUTSIDE}, DEFAULT_LIMITS)
        assert not isinstance(retval, str)

        def answer(journal: Journal) -> object:
            while not (state := journal.state_of(target)).is_finished:
                now = self._clock.now()
                (outcome,) = journal.commit([end_of(state, retval, now)], now=now).outcomes
                if not isinstance(outcome, VersionConflict | AlreadyFinished):
                    return outcome
            return None

        self._insist(answer)

    def _pick(self) -> ExecutionId | None:
        there = list(self._auditor.unfinished)
        return self._chance.choice(there) if there else None

    def _append(self, target: ExecutionId | None, decide: Decide) -> None:
        if target is None:
            return

        def append(journal: Journal) -> object:
            while True:
                state, now = journal.state_of(target), self._clock.now()
                events = decide(state, now)
                if not events:
                    return None
                entries = tuple(
                    LogEntry(Version(version), now, event) for version, event in enumerate(events, state.next_version)
                )
                write = Append(execution_id=target, expected=state.next_version, entries=entries)
                (outcome,) = journal.commit([write], now=now).outcomes
                if not isinstance(outcome, VersionConflict | AlreadyFinished):
                    return outcome

        self._insist(append)

    def _insist(self, act: Callable[[Journal], object]) -> None:
        """Do something until it is done: whoever gets no answer asks again."""
        while True:
            journal = self._choose_journal()
            try:
                outcome = act(journal)
            except (JournalUnavailable, ProcessKilled):
                # The storage, or the process through which it was written, is not there.
                continue
            outcomes: Sequence[object] = outcome if isinstance(outcome, tuple) else (outcome,)
            if any(isinstance(each, JournalUnavailable) for each in outcomes):
                continue
            for each in outcomes:
                if isinstance(each, JournalError) and not isinstance(each, ExecutionNotFound):
                    raise each
            return


def _cancelling(state: ExecutionState, _now: datetime) -> tuple[ExecutionEvent, ...]:
    if state.is_finished or state.lifecycle is Lifecycle.CANCELLING or not is_cancellable(state):
        return ()
    return (CancellationRequested(),)


def _pausing(state: ExecutionState, now: datetime) -> tuple[ExecutionEvent, ...]:
    if state.is_finished or state.lifecycle is not Lifecycle.ACTIVE:
        return ()
    is_in_memory = state.status is Status.LOCKED or (state.status is Status.BLOCKED_BY_JOIN_SET and state.due_at > now)
    is_fenced = state.component_id.component_type in (ComponentType.WORKFLOW, ComponentType.CRON)
    if state.status is Status.LOCKED and not is_fenced:
        return ()
    return (Unlocked(backoff_expires_at=now, reason="paused"), Paused()) if is_in_memory else (Paused(),)


def _unpausing(state: ExecutionState, _now: datetime) -> tuple[ExecutionEvent, ...]:
    return (Unpaused(),) if state.lifecycle is Lifecycle.PAUSED else ()
