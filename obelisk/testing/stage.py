"""What the executions of a test run on: an executor on a simulated clock, and somebody who lets time pass."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from datetime import timedelta

from engine.clock import SimulatedClock
from engine.deployment.registry import Registry
from engine.deployment.spec import Runner
from engine.executor.ends import end_of
from engine.executor.programs import FileReader
from engine.journal.records import Append, NewExecution, Submit
from engine.log.events import Created, LogEntry, TemporarilyFailed, TemporarilyTimedOut, Unlocked
from engine.log.ids import DeploymentId, ExecutionId, ExecutorId, Version, make_execution_id
from engine.log.return_values import JsonText, ReturnValue
from engine.simulation.connection import Connection, Cut
from engine.simulation.family import family_of
from engine.simulation.site import SimulatedSite
from engine.simulation.stepped import SteppedExecutor, simulated_settings
from engine.wasm.component import CompiledComponent
from engine.wit.json_values import JsonValue, dump_json
from engine.workflow.inheritance import SEED_KEY
from obelisk.testing.fakes import FakedPrograms, Fakes
from obelisk.testing.inline import InlineRuns
from obelisk.testing.problems import Stuck
from obelisk.testing.runtime import compiled_runtime
from obelisk.testing.waiting import Describe, waits_for

_SLOTS = 16
_MOST_MOVES = 1000


class Stage:
    """An executor, its journal and its clock.

    Args:
        registry: What is deployed.
        fakes: What is not really run.
        read: Where the stored files of source components come from.
        describe: Tells what sentences call a function, given its full name.
        clock: The source of time.
        cut: When an executor is killed that commits every host call; the next one takes over at once.
        inline: Runs files in this process instead of the sandbox.
    """

    def __init__(
        self,
        registry: Registry,
        fakes: Fakes,
        read: FileReader,
        describe: Describe,
        *,
        clock: SimulatedClock | None = None,
        cut: Cut | None = None,
        inline: InlineRuns | None = None,
    ) -> None:
        self.registry = registry
        self.clock = clock or SimulatedClock()
        self._fakes = fakes
        self._read = read
        self._describe = describe
        self._inline = inline
        self._submitted: list[ExecutionId] = []
        # The same in every test, so that it fails in the same way twice.
        self._randomness = random.Random(0).randbytes  # noqa: S311  # nothing here is a secret
        self._settings = simulated_settings(slots=_SLOTS)
        if cut is not None:
            self._settings = simulated_settings(slots=_SLOTS, commit_window=timedelta())
        self._loses_no_time = cut is not None
        self.is_killed = False
        self._site = SimulatedSite(self.make_executor, clock=self.clock, cut=cut, on_kill=self._on_kill)
        self.journal = self._site.journal

    def make_executor(self, connection: Connection) -> SteppedExecutor:
        """Make an executor."""
        return SteppedExecutor(
            connection=connection,
            clock=self.clock,
            registry=self.registry,
            load=_load,
            read=self._read,
            settings=self._settings,
            randomness=self._randomness,
            programs=FakedPrograms(_load, self._read, self._fakes, connection, self._inline),
        )

    def use(self, registry: Registry) -> None:
        """Go over to what is deployed now."""
        if registry is not self.registry:
            self.registry = registry
            self._site.executor.use(registry)

    def submit(self, name: str, params: Sequence[JsonValue]) -> ExecutionId:
        """Start an execution.

        Args:
            name: The function's full name.
            params: JSON values.
        """
        function = self.registry.find(name)
        assert function is not None, name
        now = self.clock.now()
        execution_id = make_execution_id(now, self._randomness(10))
        created = Created(
            ffqn=name,
            params=JsonText(dump_json(function.read_params(list(params)))),
            scheduled_at=now,
            component_id=function.component.id,
            deployment_id=DeploymentId(self.registry.deployment.id),
            metadata=((SEED_KEY, hashlib.sha256(execution_id.encode()).hexdigest()[:32]),),
        )
        self._site.write(Submit(NewExecution(execution_id, (LogEntry(Version(0), now, created),))))
        self._submitted.append(execution_id)
        return execution_id

    def finish(self, execution_id: ExecutionId, retval: ReturnValue) -> None:
        """End an execution whose result comes from outside."""
        self._site.write(end_of(self.journal.state_of(execution_id), retval, self.clock.now()))

    # Time.

    def run_to_rest(self) -> None:
        """Let everything happen that can happen at this instant."""
        self._site.run_to_rest()

    def run_to_the_end(self, target: ExecutionId) -> None:
        """Let time pass until an execution ends.

        Raises:
            Stuck: If it will not.
        """
        for _ in range(_MOST_MOVES):
            self.run_to_rest()
            if self.journal.state_of(target).is_finished:
                return
            if not self._site.pass_time():
                raise Stuck(waits_for(self.journal, target, self._describe))
        name = self._describe(self.journal.state_of(target).ffqn).rpartition(" ")[2]
        raise Stuck(
            f"{name} does not end: the clock was moved {_MOST_MOVES} times, to {self.clock.now():%Y-%m-%d %H:%M:%S}; "
            "move it with run.advance() and look at what there is"
        )

    def advance(self, by: timedelta) -> None:
        """Let time pass, with all that happens in it."""
        until = self.clock.now() + by
        while True:
            self.run_to_rest()
            left = until - self.clock.now()
            if not self._site.pass_time(left):
                break
        self.clock.advance(left)
        self.run_to_rest()

    def close(self) -> None:
        """Free the sandboxes."""
        self._site.close()

    def _on_kill(self, executor_id: ExecutorId) -> None:
        """Hand back what a killed executor held, as if its locks were over.

        Else its death would take time, and whatever comes of a run may depend on time.
        """
        self.is_killed = True
        if not self._loses_no_time:
            return
        now = self.clock.now()
        for member in [member for target in self._submitted for member in family_of(self.journal, target)]:
            state = self.journal.state_of(member)
            is_its = state.holder is not None and state.holder.executor_id == executor_id
            if not is_its or state.is_finished or state.due_at <= now or self._backs_off(member):
                continue
            entry = LogEntry(state.next_version, now, Unlocked(backoff_expires_at=now, reason="killed"))
            self._site.write(Append(execution_id=member, expected=state.next_version, entries=(entry,)))

    def _backs_off(self, member: ExecutionId) -> bool:
        last = self.journal.load_log(member)[-1].event
        return isinstance(last, TemporarilyFailed | TemporarilyTimedOut)


def _load(wasm_digest: str, _runner: Runner) -> CompiledComponent:
    runtime = compiled_runtime()
    assert wasm_digest == runtime.digest
    return runtime
