"""How an executor behaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from engine.activity.secret_values import OperatorPolicy
from engine.deployment.limits import RunLimits

DEFAULT_LIMITS = RunLimits()
NOTHING_ALLOWED = OperatorPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorSettings:
    """How an executor behaves.

    Args:
        slots: Most executions run at once; each takes a thread.
        tick: Longest time between two looks for work when no wake-up arrives.
        commit_window: Longest time that a pure step's events stay uncommitted; zero commits every step.
        buffer_events: Events of one run that force a commit before the window is over.
        hot_wait: Longest time a waiting workflow stays in memory before it is unloaded.
        timer_leeway: How long an expired lock is left alone, so that its holder can finish first.
        stop_grace: How long activities may go on when the executor stops, before they are stopped and handed back.
        limits: What one run may use up at most.
        operator: What guests' HTTP requests may do at most; nothing by default.
        logs_guests: Whether lines of guests go to the program's log, too.
        is_traced: Whether guests' HTTP requests say which trace they belong to, because spans are sent to a collector;
            those of executions that were asked for in a trace do in any case.
    """

    slots: int = 16
    tick: timedelta = timedelta(milliseconds=500)
    commit_window: timedelta = timedelta(milliseconds=10)
    buffer_events: int = 1000
    hot_wait: timedelta = timedelta(milliseconds=300)
    timer_leeway: timedelta = timedelta(milliseconds=100)
    stop_grace: timedelta = timedelta(seconds=5)
    limits: RunLimits = DEFAULT_LIMITS
    operator: OperatorPolicy = NOTHING_ALLOWED
    logs_guests: bool = False
    is_traced: bool = False
