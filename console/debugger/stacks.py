"""What a workflow's call stack was at a recorded call: found out by a replay that has no effects, or stored before."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from engine.errors import EngineError
from engine.log.ids import ExecutionId, Version
from executions.backtraces import Backtrace, find_backtrace
from executions.models import Execution
from executions.operations.querying import NoAnswers, WorkflowDiverges, locals_at
from executions.operations.refusals import OperationRefused
from executions.operations.replay_places import replay_place

_MOST_KEPT: Final = 16_000_000
"""Characters of variables and names, of all executions together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A function that waits for the one above it.

    Args:
        function: Its name, in the source or in the binary.
        module: The component's part that it is in.
        file: Where in the source it is; ``None`` if that is not known.
        line: The same, from 1.
        column: The same.
        variables: What its variables hold, as text in the words of its language; ``None`` if they cannot be told.
    """

    function: str
    module: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    variables: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A call stack.

    Args:
        component: The version of the component that it is of, as ``type:name:digest``.
        frames: The innermost first.
        problem: Why there is nothing to see, or less than there could be, in one sentence.
        diverges: Whether that is because the workflow does not follow its history.
        is_recordable: Whether it is not known, but could be recorded.
    """

    component: str
    frames: tuple[Frame, ...] = ()
    problem: str | None = None
    diverges: bool = False
    is_recordable: bool = False

    @property
    def size(self) -> int:
        """How many characters it holds, about."""
        shown = (frame.variables or {} for frame in self.frames)
        return 200 * (1 + len(self.frames)) + sum(
            len(name) + len(text) for each in shown for name, text in each.items()
        )


_Key = tuple[str, str, int]
"""Of which execution, run by which version of its component, at which event: what was so stays so."""


@dataclass(slots=True)
class _Kept:
    """Stacks that were looked at lately. Threads share it."""

    stacks: OrderedDict[_Key, Stack] = field(default_factory=OrderedDict)
    size: int = 0
    mutex: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: _Key) -> Stack | None:
        with self.mutex:
            found = self.stacks.get(key)
            if found is not None:
                self.stacks.move_to_end(key)
            return found

    def put(self, key: _Key, stack: Stack) -> None:
        with self.mutex:
            if key in self.stacks:
                return
            self.stacks[key] = stack
            self.size += stack.size
            while self.size > _MOST_KEPT and len(self.stacks) > 1:
                _, oldest = self.stacks.popitem(last=False)
                self.size -= oldest.size


_kept: Final = _Kept()


def kept_stack(row: Execution, call: int) -> Stack | None:
    """Return the stack at a call if that takes no replay: ``None`` if it does."""
    return _kept.get((row.pk, row.component_digest, call))


def stack_at(row: Execution, call: int) -> Stack:
    """Return the stack of a workflow where it made a call.

    Args:
        row: The workflow's execution.
        call: An event of its history that the call wrote; one behind the last stands for where the workflow is now.
    """
    known = kept_stack(row, call)
    if known is not None:
        return known
    stack = _find(row, call)
    # Where it is now may be another place once a response has arrived.
    if stack.problem is None and not stack.is_recordable and call < row.next_version:
        _kept.put((row.pk, row.component_digest, call), stack)
    return stack


def _find(row: Execution, call: int) -> Stack:
    component = f"{row.component_type}:{row.component_name}:{row.component_digest}"
    try:
        with replay_place():
            frames = locals_at(ExecutionId(row.pk), call if call < row.next_version else None)
    except WorkflowDiverges as error:
        return Stack(component=component, problem=_sentence(error), diverges=True)
    except NoAnswers:
        return _stored(row, call, component, None)
    except OperationRefused as error:
        return _stored(row, call, component, _sentence(error))
    except EngineError as error:
        return Stack(component=component, problem=_sentence(error))
    return Stack(component=component, frames=tuple(_replayed(frame) for frame in frames))


def _stored(row: Execution, call: int, component: str, problem: str | None) -> Stack:
    """Return what was recorded of a call of a workflow that does not tell its variables."""
    backtrace = find_backtrace(ExecutionId(row.pk), Version(call))
    if backtrace is not None:
        return Stack(component=backtrace.component, frames=frames_of(backtrace), problem=problem)
    if call >= row.next_version:
        problem = problem or "Where a compiled workflow is now is not known; go to an event that it recorded."
        return Stack(component=component, problem=problem)
    return Stack(component=component, problem=problem, is_recordable=True)


def frames_of(backtrace: Backtrace) -> tuple[Frame, ...]:
    """Return the frames of a backtrace; a function that was inlined into another is one of its own."""
    return stack_frames(backtrace.stack)


def stack_frames(stack: Mapping[str, Any]) -> tuple[Frame, ...]:
    """Return the frames of a stack (`engine.log.backtraces`)."""
    frames: list[Frame] = []
    for each in stack["frames"]:
        symbols = each["symbols"] or [{"func_name": each["func_name"], "file": None, "line": None, "col": None}]
        frames.extend(
            Frame(
                function=symbol["func_name"] or each["func_name"],
                module=each["module"],
                file=symbol["file"],
                line=symbol["line"],
                column=symbol["col"],
            )
            for symbol in symbols
        )
    return tuple(frames)


def _replayed(frame: dict[str, Any]) -> Frame:
    return Frame(
        function=frame["function"],
        module=frame["file"],
        file=frame["file"],
        line=frame["line"],
        variables=frame["locals"],
    )


def _sentence(error: EngineError) -> str:
    text = str(error).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
