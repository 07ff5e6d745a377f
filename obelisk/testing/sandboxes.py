"""The engine of one test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from obelisk.backends import NO_OPTIONS
from obelisk.functions import Function
from obelisk.testing.cast import Cast
from obelisk.testing.checks import check_replay, replay_history
from obelisk.testing.inline import InlineRuns
from obelisk.testing.outcomes import Fake, Loss
from obelisk.testing.problems import KINDS
from obelisk.testing.results import result_of
from obelisk.testing.run import Run
from obelisk.testing.stage import Stage

P = ParamSpec("P")
R = TypeVar("R")

_STARTED = ("workflow", "activity")
_FAKED = ("activity", "workflow", "imported", "stub")


class Sandbox:
    """An engine of a test's own: in memory, on a clock that stands at the beginning of 2026 until it is moved.

    Files run as they do when they are deployed: suspended where they wait, replayed where they go on. They are
    read when a test names one of their functions, with the files beside them that they import.
    """

    def __init__(self) -> None:
        self._cast = Cast()
        self._stage: Stage | None = None
        self._inline: InlineRuns | None = None

    def inline(self) -> None:
        """Run files in this process from now on, for a debugger and for coverage; before the first `start`.

        A thread for each workflow execution stops where that waits and goes on from there, so no line runs twice. It is
        no sandbox: modules are shared, and clock, random numbers and files are those of the machine. `check_replay` and
        `replay` use the sandbox all the same.

        Raises:
            RuntimeError: If something was started already.
        """
        if self._stage is not None:
            raise RuntimeError("inline() comes before the first start(): what has begun in the sandbox goes on there")
        self._inline = InlineRuns(self._cast.find)

    def fake(self, function: Function[..., R], *outcomes: R | Exception | Callable[..., R] | Loss) -> None:
        """Say what comes of a function from now on, instead of running it.

        Args:
            function: An activity, a function of another component, a stub, or a workflow that others call.
            outcomes: One for each attempt, whoever makes it; the last one repeats. A value; an exception; a function,
                called with the arguments; `TIMED_OUT`; `CRASH`. Time between attempts passes on the simulated clock.

        Raises:
            TypeError: If the function has no such outcome.
        """
        if function.kind not in _FAKED:
            raise TypeError(f"fake({function.name}): it is {KINDS[function.kind]}, which is not run in the first place")
        self._cast.give(Fake(function, outcomes))
        if self._stage is not None:
            self._stage.use(self._cast.registry)

    def start(self, function: Function[P, R], *args: P.args, **kwargs: P.kwargs) -> Run[R]:
        """Start an execution.

        Args:
            function: A workflow, or an activity.
            args: Its arguments.
            kwargs: Those by name.

        Raises:
            TypeError: If the arguments do not fit, or the function cannot be started.
            SourceRefused: If its file could not be deployed; says why, with file and line.
        """
        name, params = self._call(function, args, kwargs)
        stage = self._ready()
        return Run(function, stage.submit(name, params), stage=stage, cast=self._cast)

    def check_replay(self, function: Function[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a workflow, and again and again: killed after each of its writes in turn, it has to come to the same.

        Runs of their own, which the test sees nothing of; attempts of activities are answered as in the first one.

        Args:
            function: What to run.
            args: Its arguments.
            kwargs: Those by name.

        Returns:
            Its result; raises as `Run.result`.

        Raises:
            ReplayDiffers: If a killed run recorded something else, or ended otherwise; says what.
        """
        name, params = self._call(function, args, kwargs)
        execution_id, retval = check_replay(self._cast, name, params)
        result: R = result_of(function, execution_id, retval, name=name)
        return result

    def replay(self, path: str | Path) -> None:
        """Replay a log that `Run.save` wrote with today's files; nothing but workflows is run.

        Args:
            path: The file. One that was saved before the end is replayed as far as it goes.

        Raises:
            ReplayDiffers: If a workflow does not follow its log, or ends otherwise; says where.
            LookupError: If the test has not imported the file that the log is of.
            ValueError: If the file is none that `Run.save` wrote.
        """
        replay_history(self._cast, Path(path))

    def close(self) -> None:
        """Free what it keeps."""
        if self._stage is not None:
            self._stage.close()
        if self._inline is not None:
            self._inline.close()

    def _call(
        self, function: Function[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[str, list[Any]]:
        if function.kind not in _STARTED:
            raise TypeError(f"{function.name} is {KINDS[function.kind]}; start a workflow that calls it")
        if function.options != NO_OPTIONS:
            raise TypeError(f"{function.name}.using(): the sandbox starts executions at once, without options")
        return self._cast.name_of(function), function.signature.encode_params(args, kwargs)

    def _ready(self) -> Stage:
        cast = self._cast
        if self._stage is None:
            self._stage = Stage(cast.registry, cast.fakes, cast.read, cast.describe, inline=self._inline)
        self._stage.use(cast.registry)
        return self._stage
