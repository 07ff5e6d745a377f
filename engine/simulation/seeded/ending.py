"""What must hold when everything has come to its end: rows, results, effects and replays."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from engine.clock import SystemClock
from engine.deployment.registry import Registry
from engine.deployment.spec import ComponentType
from engine.errors import IllegalTransition
from engine.log.events import (
    HISTORY_EVENTS,
    CancellationRequested,
    Created,
    HistoryEvent,
    JoinNextTry,
    LogEntry,
    Scheduled,
)
from engine.log.ids import ExecutionId
from engine.log.state import fold_log
from engine.replay.outcomes import Advanceable, FinishedReplay, ReplayFailed
from engine.replay.replaying import Replayer
from engine.replay.subject import Subject, load_subject
from engine.simulation.seeded.auditor import Auditor
from engine.simulation.seeded.guests import ScriptPrograms, Stillness, script_of
from engine.simulation.seeded.host import Effects
from engine.simulation.seeded.results import judge_activity, judge_gate, judge_schedule, judge_workflow
from engine.simulation.seeded.scripts import GATE, RUN, RUN_CANCELLABLE
from engine.simulation.seeded.storage import AuditedJournal
from engine.simulation.timeless import normalised


class Judge:
    """Judges the logs of executions that have all finished.

    Args:
        auditor: Saw every change.
        journal: Holds the rows.
        registry: What was deployed.
        effects: What activities did.
        chance: Draws the prefixes that are replayed.
        report: Is told, in one sentence, what does not hold.
        are_clocks_right: Whether nobody put one.
    """

    def __init__(
        self,
        auditor: Auditor,
        journal: AuditedJournal,
        registry: Registry,
        effects: Effects,
        chance: random.Random,
        report: Callable[[str], None],
        *,
        are_clocks_right: bool,
    ) -> None:
        self._auditor = auditor
        self._journal = journal
        self._registry = registry
        self._effects = effects
        self._chance = chance
        self._report = report
        self._are_clocks_right = are_clocks_right
        self._replayer = Replayer(
            journal=journal,
            clock=SystemClock(),
            programs=ScriptPrograms(Stillness()),  # type: ignore[arg-type]  # it has the methods that are called
        )

    def check_all(self) -> None:
        """Judge every execution."""
        for execution_id, log in self._auditor.logs.items():
            self._auditor.check_fold(execution_id)
            if self._journal.load_log(execution_id) != log:
                self._report(f"the journal's log of {execution_id} is not what was written")
            if self._journal.load_responses(execution_id) != self._auditor.responses.get(execution_id, []):
                self._report(f"the journal's responses of {execution_id} are not what was written")
            if problem := self._judge(execution_id, log):
                self._report(f"{execution_id} ended wrongly: {problem}")
        self._check_scheduled()

    def _check_scheduled(self) -> None:
        """Judge whether what was scheduled is what was created, each once."""
        logs = self._auditor.logs
        scheduled = [
            (execution_id, entry.event.execution_id)
            for execution_id, log in logs.items()
            for entry in log
            if isinstance(entry.event, Scheduled) and entry.event.error is None
        ]
        created = [
            (state.scheduled_by, state.execution_id)
            for state in self._auditor.states.values()
            if state.scheduled_by is not None
        ]
        if sorted(scheduled) != sorted(created):
            self._report(f"scheduled were {scheduled}, created were {created}")

    def _judge(self, execution_id: ExecutionId, log: list[LogEntry]) -> str | None:
        created = log[0].event
        assert isinstance(created, Created)
        if created.component_id.component_type is ComponentType.CRON:
            return judge_schedule(log) if self._are_clocks_right else None
        script = script_of(created.params)
        function = self._registry.find(created.ffqn)
        assert function is not None
        if created.ffqn == GATE:
            return judge_gate(log)
        if created.ffqn not in (RUN, RUN_CANCELLABLE):
            max_retries = function.retry.max_retries
            assert max_retries is not None
            return judge_activity(log, script, max_retries, self._effects.done[execution_id])
        responses = self._auditor.responses.get(execution_id, [])
        problem = judge_workflow(execution_id, log, responses, script, self._auditor.logs)
        return problem or self._replay(execution_id, is_trapping=script[-1] == ["trap"])

    def _replay(self, execution_id: ExecutionId, *, is_trapping: bool) -> str | None:
        subject = load_subject(self._journal, execution_id)
        function = self._registry.find(subject.state.ffqn)
        assert function is not None
        outcome = self._replayer.replay(subject, function, self._registry)
        if not isinstance(outcome, FinishedReplay):
            return f"its replay comes to {outcome}"
        was_cancelled = any(isinstance(entry.event, CancellationRequested) for entry in subject.entries)
        if is_trapping or was_cancelled:
            return None
        length = self._chance.randint(1, len(subject.entries) - 1)
        return self._replay_prefix(subject, length)

    def _replay_prefix(self, whole: Subject, length: int) -> str | None:
        """Replay a log as it was at an earlier version; what comes next must be what came next."""
        entries = whole.entries[:length]
        responses = [response for response in whole.responses if response.at_version <= length]
        try:
            state = fold_log(whole.state.execution_id, entries, responses)
        except IllegalTransition as error:
            return f"its first {length} events do not fold: {error}"
        function = self._registry.find(state.ffqn)
        assert function is not None
        subject = Subject(state=state, entries=entries, responses=responses)
        outcome = self._replayer.replay(subject, function, self._registry)
        if isinstance(outcome, ReplayFailed):
            return f"the replay of its first {length} events fails: {outcome.error}"
        if isinstance(outcome, Advanceable):
            expected, found = _next_of(whole.entries[length:]), _next_of(outcome.writes[0].entries)
            if expected is not None and found is not None and expected != found:
                return f"behind its first {length} events came {expected}, its replay goes on with {found}"
        return None


def _next_of(entries: Sequence[LogEntry]) -> HistoryEvent | None:
    """Return the first history event, without its instants; ``None`` where that depends on what had arrived."""
    events = [entry.event for entry in entries if isinstance(entry.event, HISTORY_EVENTS)]
    if not events or isinstance(events[0], JoinNextTry):
        return None
    return normalised(events[:1])[0]
