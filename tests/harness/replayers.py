"""Replays without effects of what a journal holds."""

from __future__ import annotations

from datetime import timedelta

from engine.clock import Clock
from engine.deployment.registry import Registry
from engine.executor.programs import Programs
from engine.executor.settings import DEFAULT_LIMITS
from engine.journal.protocol import Journal
from engine.log.ids import ExecutionId
from engine.replay.capturing_run import Answers
from engine.replay.outcomes import ReplayOutcome
from engine.replay.replaying import MOST_WRITES, Replayer
from engine.replay.subject import load_subject
from tests.harness.components import load, read


def make_replayer(
    journal: Journal, clock: Clock, *, most_writes: int = MOST_WRITES, patience: timedelta = timedelta(minutes=1)
) -> Replayer:
    """Return a replayer of the test components."""
    return Replayer(
        journal=journal,
        clock=clock,
        programs=Programs(load, read),
        limits=DEFAULT_LIMITS,
        patience=patience,
        most_writes=most_writes,
    )


def replay_here(
    journal: Journal,
    clock: Clock,
    registry: Registry,
    target: ExecutionId,
    *,
    most_writes: int = MOST_WRITES,
    answers: Answers | None = None,
) -> ReplayOutcome:
    """Replay an execution of a journal with the deployed version of its function."""
    subject = load_subject(journal, target)
    function = registry.find(subject.state.ffqn)
    assert function is not None
    return make_replayer(journal, clock, most_writes=most_writes).replay(subject, function, registry, answers=answers)
