"""Programs of an executor, some of whose functions do as the test says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from engine.deployment.spec import ComponentSpec, ComponentType
from engine.errors import JournalUnavailable
from engine.executor.programs import ComponentLoader, FileReader, Program, Programs, RunningInstance
from engine.guests.program import Runtime
from engine.host.context import ActivityContext, WorkflowContext
from engine.simulation.connection import Connection, unavailable
from engine.wasm.instance import InstanceLimits
from engine.wit.options import JsonValue
from obelisk.testing.components import OUTSIDE
from obelisk.testing.inline import InlineRuns
from obelisk.testing.outcomes import Fake, Loss
from obelisk.testing.problems import NotFaked

Fakes = Mapping[str, Fake]
"""By the full name of the function; may grow."""

_runtimes: dict[tuple[str, ComponentType], Runtime] = {}
"""Those of all tests: linking one takes longer than most tests run, and nothing of a run stays in it."""


class FakedPrograms(Programs):
    """Components made ready to run.

    Args:
        load: Where compiled components come from.
        read: Where the files of source components come from.
        fakes: What is not really run.
        connection: The executor's, which is cut where it crashes.
        inline: Runs files in this process instead of the sandbox.
    """

    def __init__(
        self,
        load: ComponentLoader,
        read: FileReader,
        fakes: Fakes,
        connection: Connection,
        inline: InlineRuns | None = None,
    ) -> None:
        super().__init__(load, read)
        self._fakes = fakes
        self._inline = inline
        self._connection = connection
        self._runtimes = _runtimes

    def get(self, component: ComponentSpec) -> Program:
        """See `Programs`."""
        real: Program | None = self._inline
        if component.id.name == OUTSIDE:
            real = None
        elif real is None:
            real = super().get(component)
        return _FakedProgram(self._fakes, self._connection, real)


class _FakedProgram:
    def __init__(self, fakes: Fakes, connection: Connection, real: Program | None) -> None:
        self._fakes = fakes
        self._connection = connection
        self._real = real

    def instantiate(
        self, *, context: ActivityContext | WorkflowContext, deadline: float | None, limits: InstanceLimits
    ) -> RunningInstance:
        name = context.facts.ffqn
        fake = self._fakes.get(name)
        if fake is not None:
            return _FakedInstance(fake, context, self._connection)
        if self._real is None:
            raise NotFaked(
                f"{name} is of another component, which is not here; say what comes of it with sandbox.fake()"
            )
        return self._real.instantiate(context=context, deadline=deadline, limits=limits)


class _FakedInstance:
    def __init__(self, fake: Fake, context: ActivityContext | WorkflowContext, connection: Connection) -> None:
        self._fake = fake
        self._connection = connection
        self._context = context

    def call(self, export: str, function: str, args: Sequence[Any]) -> JsonValue:
        facts = self._context.facts
        answer = self._fake.answer(facts.execution_id, facts.attempt, args)
        if answer is Loss.CRASH:
            self._connection.is_cut = True
            raise unavailable()
        if answer is Loss.TIMED_OUT:
            # Nobody hears of it any more, and its lock expires.
            raise JournalUnavailable("the attempt takes longer than it may")
        value, self._context.note = answer
        return value

    def set_deadline(self, deadline: float | None) -> None:
        pass

    def interrupt(self) -> None:
        pass

    def __enter__(self) -> _FakedInstance:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass
