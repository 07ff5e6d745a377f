"""A journal, a clock and executors, with what tests ask of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from engine.clock import Clock
from engine.deployment.registry import Registry
from engine.journal.memory import MemoryJournal
from engine.journal.protocol import Journal
from engine.journal.records import Append, Committed, NewExecution, Submit, Write
from engine.log.events import (
    HISTORY_EVENTS,
    Created,
    ExecutionEvent,
    Finished,
    HistoryEvent,
    Locked,
    LogEntry,
    Response,
    Unlocked,
)
from engine.log.ids import DeploymentId, ExecutionId, Version
from engine.log.return_values import JsonText, ReturnValue
from engine.log.retval_json import retval_to_api
from engine.log.state import ExecutionState, fold_log
from engine.simulation.family import children_of, family_of, kin_of
from tests.harness.components import RUN, deploy
from tests.harness.steps import Step, params_of


def execution_id(number: int = 0) -> ExecutionId:
    """Return the ``number``-th of the top-level ids that tests use; the same in every run."""
    return ExecutionId(f"E_01J{number:023d}")


class World:
    """A journal and a clock, with what tests ask of them.

    Args:
        registry: The deployment.
        clock: The source of time.
        journal: The shared storage.
    """

    def __init__(self, *, registry: Registry | None = None, clock: Clock, journal: Journal | None = None) -> None:
        self.registry = registry or deploy()
        self.clock = clock
        self.journal: Journal = journal or MemoryJournal()
        self._submitted = 0

    # What clients do.

    def submit(
        self, ffqn: str, params: Iterable[Any] = (), *, as_id: ExecutionId | None = None, at: datetime | None = None
    ) -> ExecutionId:
        """Submit a top-level execution and return its id."""
        self._submitted += 1
        new_id = as_id or execution_id(self._submitted)
        function = self.registry.find(ffqn)
        assert function is not None, ffqn
        now = self.clock.now()
        created = Created(
            ffqn=ffqn,
            params=JsonText(json.dumps(list(params), separators=(",", ":"))),
            scheduled_at=at or now,
            component_id=function.component.id,
            deployment_id=DeploymentId(self.registry.deployment.id),
        )
        self.write(Submit(NewExecution(new_id, (LogEntry(Version(0), now, created),))))
        return new_id

    def submit_steps(self, *steps: Step, ffqn: str = RUN, as_id: ExecutionId | None = None) -> ExecutionId:
        """Submit a workflow of these steps and return its id."""
        return self.submit(ffqn, params_of(steps), as_id=as_id)

    def append(self, target: ExecutionId, *events: ExecutionEvent) -> None:
        """Append events as a person would: pause, unpause, cancel."""
        version, now = self.state_of(target).next_version, self.clock.now()
        entries = tuple(LogEntry(Version(version + index), now, event) for index, event in enumerate(events))
        self.write(Append(execution_id=target, expected=version, entries=entries))

    def write(self, write: Write) -> Committed:
        """Commit a write; it must not be refused."""
        outcome = self.journal.commit([write], now=self.clock.now()).outcomes[0]
        if not isinstance(outcome, Committed):
            raise outcome
        self.on_write()
        return outcome

    def on_write(self) -> None:
        """Hear of a write transaction, of any origin."""

    # What the journal holds.

    def state_of(self, target: ExecutionId) -> ExecutionState:
        return self.journal.state_of(target)

    def exists(self, target: ExecutionId) -> bool:
        return bool(self.journal.load_log(target))

    def is_finished(self, target: ExecutionId) -> bool:
        return self.state_of(target).is_finished

    def log_of(self, target: ExecutionId) -> list[LogEntry]:
        return self.journal.load_log(target)

    def events_of(self, target: ExecutionId) -> list[ExecutionEvent]:
        return [entry.event for entry in self.log_of(target)]

    def history_of(self, target: ExecutionId) -> list[HistoryEvent]:
        return [event for event in self.events_of(target) if isinstance(event, HISTORY_EVENTS)]

    def locks_of(self, target: ExecutionId) -> list[Locked]:
        """Return what locked it or extended its lock."""
        return [event for event in self.events_of(target) if isinstance(event, Locked)]

    def unlock_reasons_of(self, target: ExecutionId) -> list[str]:
        """Return why its lock was given back, each time."""
        return [event.reason for event in self.events_of(target) if isinstance(event, Unlocked)]

    def responses_of(self, target: ExecutionId) -> list[Response]:
        return self.journal.load_responses(target)

    def children_of(self, target: ExecutionId) -> list[ExecutionId]:
        """Return the children that were really created, in the order of their submission."""
        return children_of(self.journal, target)

    def family_of(self, target: ExecutionId) -> list[ExecutionId]:
        """Return an execution and everything below it."""
        return family_of(self.journal, target)

    def kin_of(self, target: ExecutionId) -> list[ExecutionId]:
        """Return an execution, everything below it, and everything that these scheduled."""
        return kin_of(self.journal, target)

    def retval_of(self, target: ExecutionId) -> ReturnValue:
        last = self.events_of(target)[-1]
        assert isinstance(last, Finished), f"{target} is not finished: {self.state_of(target)}"
        return last.retval

    def result_of(self, target: ExecutionId) -> Any:
        """Return the result as clients see it."""
        return retval_to_api(self.retval_of(target))

    def check(self, *targets: ExecutionId) -> None:
        """Check what must hold of every log, whatever happened: of these executions and all below them."""
        for target in (member for top in targets for member in self.family_of(top)):
            check_log(target, self.log_of(target), self.responses_of(target), self.state_of(target))
            self._check_children(target)

    def _check_children(self, parent: ExecutionId) -> None:
        for response in self.responses_of(parent):
            child = getattr(response.event, "child_execution_id", None)
            if child is not None:
                assert self.retval_of(child) == response.event.retval  # type: ignore[union-attr]  # a child's


def check_log(target: ExecutionId, entries: list[LogEntry], responses: list[Response], state: ExecutionState) -> None:
    """Check that one log is dense, ends once, and folds to its row."""
    assert [entry.version for entry in entries] == list(range(len(entries)))
    assert [response.cursor for response in responses] == list(range(1, len(responses) + 1))
    ends = [entry.version for entry in entries if isinstance(entry.event, Finished)]
    assert ends in ([], [len(entries) - 1])
    assert fold_log(target, entries, responses) == state
