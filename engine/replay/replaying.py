"""Replaying an execution: does the code follow the recorded history, and what would it do next?

Source:
    Obelisk reference, section 5.9.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta

from engine.activity.outcome import Broken, TimedOut
from engine.clock import Clock
from engine.deployment.limits import RunLimits
from engine.deployment.registry import DeployedFunction, Registry
from engine.errors import NondeterminismDetected, RunSuspended
from engine.executor.ends import responses_of
from engine.executor.guest_call import call_workflow, nondeterminism
from engine.executor.programs import Programs
from engine.executor.settings import DEFAULT_LIMITS
from engine.journal.protocol import Journal
from engine.log.backtraces import CallSites
from engine.log.events import CancellationRequested, Finished
from engine.log.ids import Version
from engine.log.return_values import Failed, FailureKind, ReturnValue
from engine.log.retval_json import retval_text
from engine.replay.capturing_run import Answers, CapturingRun
from engine.replay.outcomes import Advanceable, Blocked, FinishedReplay, Parting, ReplayFailed, ReplayOutcome
from engine.replay.subject import Subject

MOST_WRITES = 100
"""How many writes a replay captures at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayer:
    """Replays executions; from any thread, any number at once.

    Args:
        journal: Is asked about other executions, and never written to.
        clock: The source of time.
        programs: Where components come from.
        limits: What a run may use up at most, beside the component's own limits.
        patience: How long a replay may take.
        most_writes: How many writes it captures at most.
    """

    journal: Journal
    clock: Clock
    programs: Programs
    limits: RunLimits = DEFAULT_LIMITS
    patience: timedelta = timedelta(seconds=30)
    most_writes: int = MOST_WRITES

    def replay(
        self,
        subject: Subject,
        function: DeployedFunction,
        registry: Registry,
        *,
        answers: Answers | None = None,
        is_traced: bool = False,
    ) -> ReplayOutcome:
        """Run a workflow against its history.

        Args:
            subject: The execution. Of a finished one, the log must be reproduced completely; of a cancelled one, up to
                where that was asked for.
            function: What to run: any version of its component.
            registry: What it may call.
            answers: Brings responses that the history does not hold.
            is_traced: Find out where calls are made, even if that is work for the guest.

        Raises:
            JournalUnavailable: If the storage did not answer.
        """
        if subject.state.is_finished:
            return self._verify(subject, function, registry)
        run, ended = self._run(subject, function, registry, answers, is_traced=is_traced)
        if isinstance(ended, ReplayFailed):
            return ended
        return Advanceable(tuple(run.writes)) if run.writes else Blocked()

    def call_sites(self, subject: Subject, function: DeployedFunction, registry: Registry) -> CallSites | None:
        """Return where a workflow made the calls that its history holds, as far as it follows that.

        Compiled workflows do not say it: see `engine.replay.call_tracing`.

        Raises:
            JournalUnavailable: If the storage did not answer.
        """
        run, _ = self._run(subject, function, registry, None, is_traced=True)
        return run.call_sites.found()

    def find_parting(
        self, subject: Subject, function: DeployedFunction, registry: Registry
    ) -> Parting | ReplayFailed | None:
        """Return where a workflow and its history part; ``None`` if it follows it, up to its end if that is recorded.

        What it returns in the end is not compared. A failure is that it dies, or takes too long.

        Raises:
            JournalUnavailable: If the storage did not answer.
        """
        whole = _before_cancellation(subject) if _was_cancelled(subject) else subject
        run, ended = self._run(whole, function, registry, None, is_traced=True)
        parting = run.run.parting
        if parting is not None:
            return Parting(
                version=Version(parting.version), requested=parting.requested, stack=run.call_sites.under_way
            )
        return ended if isinstance(ended, ReplayFailed) else None

    def _verify(self, subject: Subject, function: DeployedFunction, registry: Registry) -> ReplayOutcome:
        """Replay a finished execution."""
        last = subject.entries[-1].event
        assert isinstance(last, Finished)
        recorded = last.retval
        was_cancelled = _was_cancelled(subject)
        run, ended = self._run(_before_cancellation(subject) if was_cancelled else subject, function, registry, None)
        if was_cancelled:
            if isinstance(ended, ReplayFailed):
                return ended
            if run.run.is_replaying:
                return self._failed(run, "the workflow waits where its history goes on")
            return FinishedReplay(recorded)
        again = ended.retval if isinstance(ended, _Ended) else None
        if isinstance(recorded, Failed) and recorded.kind is FailureKind.NONDETERMINISM_DETECTED:
            # It ends as it did: history and code part.
            if isinstance(ended, ReplayFailed) and ended.version is not None:
                return FinishedReplay(recorded)
        elif isinstance(ended, ReplayFailed):
            return ended
        if again is None:
            return self._failed(run, "the workflow has finished, but waits when it is replayed")
        if len(run.writes) > 1:
            return self._failed(run, "the workflow does more than its history holds")
        if not _is_same(again, recorded):
            return self._failed(run, f"the replay ends with {retval_text(again)}, recorded is {retval_text(recorded)}")
        return FinishedReplay(recorded)

    def _run(
        self,
        subject: Subject,
        function: DeployedFunction,
        registry: Registry,
        answers: Answers | None,
        *,
        is_traced: bool = False,
    ) -> tuple[CapturingRun, _Ended | ReplayFailed | None]:
        """Run the guest as far as it goes; the second part is ``None`` where it was unwound."""
        run = CapturingRun(
            subject.unfinished(),
            function,
            registry=registry,
            journal=self.journal,
            clock=self.clock,
            limits=self.limits,
            most_writes=self.most_writes,
            answers=answers,
            is_traced=is_traced,
        )
        until = time.monotonic() + self.patience.total_seconds()
        try:
            with ExitStack() as instances:
                outcome = call_workflow(
                    self.programs,
                    function,
                    subject.created.params,
                    context=run,
                    deadline=lambda: max(0.0, until - time.monotonic()),
                    limits=self.limits.lowered(function.component.limits),
                    enter=instances.enter_context,
                )
            return run, self._settle(run, subject, outcome)
        except RunSuspended:
            return run, None

    def _settle(
        self, run: CapturingRun, subject: Subject, outcome: ReturnValue | Broken | TimedOut
    ) -> _Ended | ReplayFailed:
        if isinstance(outcome, TimedOut):
            return self._failed(run, f"the replay took longer than {self.patience.total_seconds():g} s")
        if isinstance(outcome, Broken):
            outcome = Failed(kind=outcome.kind, reason=outcome.reason, detail=outcome.detail)
        try:
            if not is_nondeterminism(outcome):
                run.run.close_all()
                run.run.check_history_is_used_up()
        except NondeterminismDetected as error:
            outcome = nondeterminism(error)
        if isinstance(outcome, Failed) and (is_nondeterminism(outcome) or not subject.state.is_finished):
            return self._failed(run, outcome.detail or outcome.reason or outcome.kind.value, outcome)
        state = subject.state
        run.finish(outcome, lambda: responses_of(state.parent, state.execution_id, run.run.buffer.entries[-1]))
        return _Ended(outcome)

    def _failed(self, run: CapturingRun, error: str, failure: ReturnValue | None = None) -> ReplayFailed:
        version = run.run.next_recorded if failure is not None and is_nondeterminism(failure) else None
        return ReplayFailed(error=error, version=version, writes=tuple(run.writes))


@dataclass(frozen=True, slots=True)
class _Ended:
    """The guest's function came to its end."""

    retval: ReturnValue


def is_nondeterminism(outcome: ReturnValue) -> bool:
    """Whether a run ended because it did not follow its history."""
    return isinstance(outcome, Failed) and outcome.kind is FailureKind.NONDETERMINISM_DETECTED


def _is_same(again: ReturnValue, recorded: ReturnValue) -> bool:
    if isinstance(again, Failed) and isinstance(recorded, Failed):
        # How a death is described depends on the version of the sandbox.
        return again.kind is recorded.kind
    return retval_text(again) == retval_text(recorded)


def _was_cancelled(subject: Subject) -> bool:
    match subject.entries[-1].event:
        case Finished(retval=Failed(kind=FailureKind.CANCELLED)):
            return True
        case _:
            return False


def _before_cancellation(subject: Subject) -> Subject:
    """Return a cancelled execution as it was when that was asked for; what follows is not the workflow's doing."""
    asked = next(index for index, entry in enumerate(subject.entries) if isinstance(entry.event, CancellationRequested))
    arrived = bisect_right([response.at_version for response in subject.responses], asked)
    # The end stands for the events that are left out: `Subject.unfinished` drops it.
    entries = (*subject.entries[:asked], subject.entries[-1])
    return replace(subject, entries=entries, responses=subject.responses[:arrived])
