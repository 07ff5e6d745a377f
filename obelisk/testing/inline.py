"""Files run in this process: every line can be stepped through and is counted by coverage.

A workflow's code has a thread of its own and asks the engine as it would from the sandbox. Where it has to wait, the
engine's side of the run ends as always, and the thread just stays where it is. When the execution is run again, the new
run is asked what the code has asked so far, which is its replay, and then for the answer that the thread waits for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import Any

from engine.errors import LinkError
from engine.guests.contexts import ActivityGuest, WorkflowGuest
from engine.guests.host_call import activity_call, workflow_call
from engine.host.context import ActivityContext, WorkflowContext
from engine.log.ids import ExecutionId
from engine.wasm.instance import InstanceLimits
from engine.wit.options import JsonValue
from obelisk.activity_backend import ActivityBackend
from obelisk.backends import active
from obelisk.functions import Function
from obelisk.testing.outcomes import Answer, encoded
from obelisk.workflow_backend import WorkflowBackend

_JOIN_S = 5.0

FindFunction = Callable[[str], "Function[..., Any] | None"]
"""Given a full name, the decorated function of this process."""


@dataclass(frozen=True, slots=True)
class _Question:
    """An operation of the host that a workflow asks for."""

    op: str
    body: str


class _Abandoned(BaseException):
    """Ends the thread of a workflow that nobody waits for any more."""


class InlineRuns:
    """Stands in for the programs of all files.

    Args:
        find: Where their functions are.
    """

    def __init__(self, find: FindFunction) -> None:
        self._find = find
        self._threads: dict[ExecutionId, _WorkflowThread] = {}

    def instantiate(
        self, *, context: ActivityContext | WorkflowContext, deadline: float | None, limits: InstanceLimits
    ) -> InlineInstance:
        """See `engine.executor.programs.Program`; nothing is limited."""
        name = context.facts.ffqn
        function = self._find(name)
        if function is None:
            raise LinkError(f"{name} is not in any imported file")
        return InlineInstance(self, function, context)

    def run_activity(self, function: Function[..., Any], context: ActivityContext, args: Sequence[JsonValue]) -> Answer:
        """Run an activity on this thread."""
        guest = ActivityGuest(context)
        backend = ActivityBackend(lambda op, body: activity_call(guest, op, body))
        with active(backend):
            return _call(function, args)

    def run_workflow(self, function: Function[..., Any], context: WorkflowContext, args: Sequence[JsonValue]) -> Answer:
        """Begin a workflow, or let it go on.

        Raises:
            RunInterrupted: If it has to wait.
        """
        execution_id = context.facts.execution_id
        thread = self._threads.get(execution_id)
        if thread is None:
            thread = self._threads[execution_id] = _WorkflowThread(function, args)
        answer = thread.go_on(WorkflowGuest(context))
        del self._threads[execution_id]
        return answer

    def close(self) -> None:
        """End the workflows that still wait."""
        for thread in self._threads.values():
            thread.abandon()
        self._threads.clear()


class InlineInstance:
    """One run; to the executor a component at work, see `engine.executor.programs.RunningInstance`."""

    def __init__(
        self, runs: InlineRuns, function: Function[..., Any], context: ActivityContext | WorkflowContext
    ) -> None:
        self._runs = runs
        self._function = function
        self._context: Any = context

    def call(self, export: str, function: str, args: Sequence[Any]) -> JsonValue:
        """Run the function."""
        run = self._runs.run_workflow if self._function.kind == "workflow" else self._runs.run_activity
        value, self._context.note = run(self._function, self._context, args)
        return value

    def set_deadline(self, deadline: float | None) -> None:
        """Set none: somebody may look at it in a debugger."""

    def interrupt(self) -> None:
        """Do nothing: Python code cannot be stopped from outside."""

    def __enter__(self) -> InlineInstance:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the workflow where it is."""


class _WorkflowThread:
    """A workflow's code at work, and what it has asked the engine so far."""

    def __init__(self, function: Function[..., Any], args: Sequence[JsonValue]) -> None:
        self._asked: list[_Question] = []
        self._is_answered = True
        self._questions: SimpleQueue[_Question | Answer | BaseException] = SimpleQueue()
        self._answers: SimpleQueue[str | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(function, args), name=function.name, daemon=True)

    def go_on(self, guest: WorkflowGuest) -> Answer:
        """Let the code get on with what a new run answers, and return what it comes to.

        Raises:
            RunInterrupted: If it has to wait; the thread stays where it is.
        """
        known = len(self._asked) if self._is_answered else len(self._asked) - 1
        for question in self._asked[:known]:
            workflow_call(guest, question.op, question.body)
        if not self._thread.ident:
            self._thread.start()
        while True:
            if self._is_answered:
                said = self._questions.get()
                if isinstance(said, BaseException):
                    raise said
                if not isinstance(said, _Question):
                    return said
                self._asked.append(said)
                self._is_answered = False
            answer = workflow_call(guest, self._asked[-1].op, self._asked[-1].body)
            self._is_answered = True
            self._answers.put(answer)

    def abandon(self) -> None:
        """Unwind the code; what it still asks is not answered."""
        if self._thread.is_alive():
            self._answers.put(None)
            self._thread.join(_JOIN_S)

    def _run(self, function: Function[..., Any], args: Sequence[JsonValue]) -> None:
        try:
            with active(WorkflowBackend(self._ask)):
                self._questions.put(_call(function, args))
        except _Abandoned:
            pass
        except BaseException as error:  # noqa: BLE001  # raised where the answer is awaited
            self._questions.put(error)

    def _ask(self, op: str, body: str) -> str:
        self._questions.put(_Question(op, body))
        answer = self._answers.get()
        if answer is None:
            # Its finally blocks may ask once more.
            self._answers.put(None)
            raise _Abandoned
        return answer


def _call(function: Function[..., Any], args: Sequence[JsonValue]) -> Answer:
    signature = function.signature
    try:
        outcome = function.fn(*signature.decode_params(list(args)))
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever leaves the function is its error value
        outcome = error
    return encoded(signature, outcome)
