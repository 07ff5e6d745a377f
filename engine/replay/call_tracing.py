"""Where compiled workflows made their calls.

They do not say it, and wasmtime tells the frames of a guest only when it is unwound. So each call costs a replay, which
ends inside that call.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack

from engine.deployment.registry import DeployedFunction, Registry
from engine.errors import CallReached, RunSuspended
from engine.executor.guest_call import call_workflow
from engine.log.backtraces import CallSite
from engine.log.events import HISTORY_EVENTS, LogEntry
from engine.log.ids import JoinSetId, Version
from engine.log.return_values import JsonText
from engine.replay.capturing_run import CapturingRun
from engine.replay.replaying import Replayer
from engine.replay.subject import Subject
from engine.wasm.backtraces import read_backtrace
from engine.wit.json_values import dump_json

MOST_CALLS = 50
"""How many calls are traced at a time."""


def trace_calls(
    replayer: Replayer,
    subject: Subject,
    function: DeployedFunction,
    registry: Registry,
    versions: Sequence[Version],
    *,
    most: int = MOST_CALLS,
) -> tuple[CallSite, ...]:
    """Return where calls were made that recorded these events: the last ones, as far as the time of a replay suffices.

    Args:
        replayer: Runs the workflow, once for each call.
        subject: The execution.
        function: The version of its function that it was last run by.
        registry: What that may call.
        versions: Of events of its history, oldest first.
        most: How many calls to find.

    Raises:
        JournalUnavailable: If the storage did not answer.
    """
    until = time.monotonic() + replayer.patience.total_seconds()
    unfinished = subject.unfinished()
    sites: list[CallSite] = []
    behind = subject.state.next_version
    for version in reversed(versions):
        if version >= behind:
            # Of the call that was found last; or of none, as closing what a function left open is the engine's doing.
            continue
        if len(sites) == most or time.monotonic() > until:
            break
        site, behind = _trace(replayer, unfinished, function, registry, version)
        if site is not None:
            sites.append(site)
    return tuple(reversed(sites))


def _trace(
    replayer: Replayer, subject: Subject, function: DeployedFunction, registry: Registry, version: Version
) -> tuple[CallSite | None, Version]:
    """Return the call that recorded an event, if there is one, and the version from which on there is no other."""
    history = [entry for entry in subject.entries if isinstance(entry.event, HISTORY_EVENTS)]
    run = _RunToCall(subject, function, replayer, registry, history, version)
    try:
        with ExitStack() as instances:
            call_workflow(
                replayer.programs,
                function,
                subject.created.params,
                context=run,
                deadline=replayer.patience.total_seconds,
                limits=replayer.limits.lowered(function.component.limits),
                enter=instances.enter_context,
            )
    except CallReached as reached:
        stack = read_backtrace(reached.backtrace, module=function.component.id.name)
        first, last = history[run.begun].version, history[run.run.position - 1].version
        return CallSite(first, Version(last + 1), JsonText(dump_json(stack))), first
    except RunSuspended:
        pass
    # It ended, died or waits without that call.
    return None, history[run.begun].version


class _RunToCall(CapturingRun):
    """Unwinds the guest inside the call that stands for a recorded event.

    Attributes:
        begun: How many history events were replayed before the call under way.
    """

    def __init__(
        self,
        subject: Subject,
        function: DeployedFunction,
        replayer: Replayer,
        registry: Registry,
        history: Sequence[LogEntry],
        version: Version,
    ) -> None:
        super().__init__(
            subject,
            function,
            registry=registry,
            journal=replayer.journal,
            clock=replayer.clock,
            limits=replayer.limits,
            most_writes=1,
        )
        self.begun = 0
        self._before = sum(entry.version < version for entry in history)

    def after_call(self) -> None:
        """Stop, or go on to the next call."""
        self._look()
        super().after_call()
        self.begun = self.run.position

    def wait(self, join_set: JoinSetId) -> None:
        """Stop, or be unwound as any replay."""
        self._look()
        super().wait(join_set)

    def yield_run(self) -> None:
        """Stop, or be unwound as any replay."""
        self._look()
        super().yield_run()

    def _look(self) -> None:
        if self.run.position > self._before:
            raise CallReached
