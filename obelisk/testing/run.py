"""One execution that a test started."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

from engine.log.events import Created, ExecutionEvent, Finished
from engine.log.ids import ExecutionId
from engine.simulation.family import kin_of
from engine.simulation.recordings import record
from obelisk.functions import Function
from obelisk.json_text import load
from obelisk.testing.cast import Cast
from obelisk.testing.histories import write_history
from obelisk.testing.problems import KINDS, NotWaiting
from obelisk.testing.results import answer_of, result_of
from obelisk.testing.stage import Stage
from obelisk.testing.waiting import awaited_things

R = TypeVar("R")
T = TypeVar("T")


class Run(Generic[R]):
    """An execution; `Sandbox.start` makes it.

    Whatever is asked of it, everything has happened first that can happen without the clock being moved.

    Args:
        function: What runs.
        execution_id: Its id.
        stage: Where it runs.
        cast: With whom.
    """

    def __init__(self, function: Function[..., R], execution_id: ExecutionId, *, stage: Stage, cast: Cast) -> None:
        self.id = execution_id
        self._function = function
        self._stage = stage
        self._cast = cast

    def __repr__(self) -> str:
        """Name the function and the execution."""
        return f"<run of {self._function.name}, {self.id}>"

    def result(self) -> R:
        """Return its result; the clock is moved until there is one.

        Raises:
            Stuck: If nothing that time brings will end it; says what it waits for.
            Exception: If it failed: of a class that the function declares, else a `ChildError`, whose note is the
                traceback in the workflow's file.
        """
        self._stage.run_to_the_end(self.id)
        end = self._events()[-1]
        assert isinstance(end, Finished)
        try:
            result: R = result_of(self._function, self.id, end.retval, name=self._name)
        except Exception as error:
            if end.detail is not None:
                error.add_note(end.detail)
            raise
        return result

    def answer(self, function: Function[..., T], value: T | Exception) -> None:
        """Answer what the execution, or one that it called, waits for: the oldest open call of a stub.

        Args:
            function: The stub.
            value: Its result, or an exception.

        Raises:
            NotWaiting: If it is not waited for now; says what is.
            TypeError: If the value is not of the stub's type.
        """
        if function.kind != "stub":
            raise TypeError(f"{function.name} is {KINDS[function.kind]}, which is not answered; only stubs are")
        self._stage.run_to_rest()
        name = self._cast.name_of(function)
        deployed = self._stage.registry.find(name)
        open_calls = [child for child in self._calls_of(name) if not self._stage.journal.state_of(child).is_finished]
        if deployed is None or not open_calls:
            raise NotWaiting(f"{self._function.name} does not wait for the stub {function.name}{self._instead()}")
        self._stage.finish(open_calls[0], answer_of(function, deployed, value))

    def advance(self, by: timedelta) -> None:
        """Let time pass, with all that happens in it.

        Args:
            by: How much.
        """
        if by < timedelta():
            raise ValueError("time does not go back; give advance() a positive timedelta")
        self._stage.advance(by)

    def calls(self, function: Function[..., Any]) -> list[tuple[Any, ...]]:
        """Return the arguments of all calls of a function, by this execution and by those that it called or scheduled.

        A call counts once, however often it is tried.
        """
        self._stage.run_to_rest()
        found = []
        for child in self._calls_of(self._cast.name_of(function)):
            created = self._stage.journal.load_log(child)[0].event
            assert isinstance(created, Created)
            found.append(tuple(function.signature.decode_params(load(created.params))))
        return found

    def events(self) -> Sequence[ExecutionEvent]:
        """Return its log so far; the classes are those of `engine.log.events`."""
        self._stage.run_to_rest()
        return self._events()

    def save(self, path: str | Path) -> None:
        """Write its log, and the logs of those that it called or scheduled, for `Sandbox.replay`.

        Args:
            path: The file; one that exists is replaced.
        """
        self._stage.run_to_rest()
        recording = record(self._stage.journal, self.id)
        write_history(Path(path), about=self._function.name, target=self.id, recording=recording)

    @property
    def _name(self) -> str:
        return self._stage.journal.state_of(self.id).ffqn

    def _events(self) -> list[ExecutionEvent]:
        return [entry.event for entry in self._stage.journal.load_log(self.id)]

    def _calls_of(self, name: str) -> list[ExecutionId]:
        journal = self._stage.journal
        return [other for other in kin_of(journal, self.id)[1:] if journal.state_of(other).ffqn == name]

    def _instead(self) -> str:
        journal = self._stage.journal
        state = journal.state_of(self.id)
        if state.is_finished:
            return " any more: it has ended"
        return f", but for {' or '.join(awaited_things(journal, state, self._cast.describe))}"
