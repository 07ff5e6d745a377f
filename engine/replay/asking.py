"""Asking workflows about their state: a throw-away copy is replayed to the wanted point and asked there.

A question may allocate, and so change what depends on the addresses of objects; nobody goes on from the copy.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from engine.activity.outcome import Broken, TimedOut
from engine.deployment.registry import DeployedFunction, Registry
from engine.deployment.spec import Runner
from engine.errors import EngineError, RunSuspended
from engine.executor.guest_call import call_workflow
from engine.executor.programs import RunningInstance
from engine.guests.program import GuestInstance
from engine.log.return_values import Failed
from engine.replay.capturing_run import CapturingRun
from engine.replay.forking import prefix_of
from engine.replay.replaying import Replayer, is_nondeterminism
from engine.replay.subject import Subject

Json = Any
"""A JSON document, from the guest."""


class Unanswered(EngineError):
    """A question that got no answer; says why in one sentence."""


class HistoryNotFollowed(Unanswered):
    """The workflow parts with its history before the place where it was to be asked."""


class NotAskable(Unanswered):
    """The component has no answer to such questions, wherever it is asked."""


class StateQuestion:
    """A question to a guest (`engine.host.context.Question`).

    Args:
        name: The query function; ``None`` asks for the local variables of all frames.
        params: JSON array of its parameters.
    """

    def __init__(self, name: str | None = None, params: str = "[]") -> None:
        self.name = name
        self.params = params
        self.found: dict[str, Json] | None = None
        self.is_asked = False

    def ask(self) -> str:
        """See `Question`."""
        if self.is_asked:
            raise RunSuspended
        self.is_asked = True
        if self.name is None:
            return '{"ask":"locals"}'
        return f'{{"ask":"query","name":{json.dumps(self.name)},"params":{self.params}}}'

    def answer(self, answer: dict[str, object]) -> None:
        """See `Question`."""
        self.found = answer


def ask(
    replayer: Replayer,
    subject: Subject,
    function: DeployedFunction,
    registry: Registry,
    question: StateQuestion,
    *,
    version: int | None = None,
) -> dict[str, Json]:
    """Ask a workflow.

    Args:
        replayer: Runs the copy.
        subject: The execution.
        function: The version of its function that it was last run by.
        registry: What that may call.
        question: What to ask.
        version: Ask at the call that recorded this event; at the present point, or the end, by default.

    Returns:
        The guest's answer, as `engine.guests.host_call` has it; no frames if it has returned.

    Raises:
        HistoryNotFollowed: If the workflow does not come there.
        NotAskable: If the component cannot be asked that.
        Unanswered: If the guest cannot be asked there.
        JournalUnavailable: If the storage did not answer.
    """
    if function.component.runner is not Runner.SOURCE:
        raise _cannot(function, question)
    last = len(subject.entries) if version is None else version
    prefix = prefix_of(subject, last - 1)
    run = CapturingRun(
        replace(subject, entries=(subject.entries[0], *prefix.entries), responses=prefix.responses),
        function,
        registry=registry,
        journal=replayer.journal,
        clock=replayer.clock,
        limits=replayer.limits,
        most_writes=1,
        question=question,
    )
    entered: list[RunningInstance] = []
    with ExitStack() as instances:

        def enter(instance: RunningInstance) -> RunningInstance:
            entered.append(instances.enter_context(instance))
            return instance

        try:
            outcome = call_workflow(
                replayer.programs,
                function,
                subject.created.params,
                context=run,
                deadline=replayer.patience.total_seconds,
                limits=replayer.limits.lowered(function.component.limits),
                enter=enter,
            )
        except RunSuspended:
            if question.found is None:
                raise _cannot(function, question) from None
            return question.found
        if question.is_asked:
            # It took the question for the answer to its call.
            raise _cannot(function, question)
        if isinstance(outcome, TimedOut | Broken | Failed):
            raise _failed(run, outcome)
        if question.name is None:
            return {"frames": []}
        (instance,) = entered
        if not isinstance(instance, GuestInstance):
            raise _cannot(function, question)
        answer = instance.query(question.name, question.params)
        if "refused" in answer:
            raise _cannot(function, question)
        return answer


def _cannot(function: DeployedFunction, question: StateQuestion) -> NotAskable:
    name = function.component.id.name
    if question.name is None:
        return NotAskable(
            f"the component {name} cannot be asked what its variables hold; "
            "workflows written in Python or JavaScript can"
        )
    return NotAskable(f"the component {name} cannot be asked; only workflows written in Python can")


def _failed(run: CapturingRun, outcome: TimedOut | Broken | Failed) -> Unanswered:
    if isinstance(outcome, TimedOut):
        return Unanswered("the replay up to the question took too long")
    if isinstance(outcome, Failed) and is_nondeterminism(outcome):
        return HistoryNotFollowed(f"the workflow does not follow its history: {outcome.detail}")
    return Unanswered(f"the workflow fails before it can be asked: {outcome.detail or outcome.reason}")
