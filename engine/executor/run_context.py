"""For which execution this thread works, for the lines that it logs meanwhile.

Setting it costs a tenth of a microsecond; what a line says of it is put together when there is a line.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.host.context import RunFacts
    from engine.log.ids import ExecutorId, RunId


RunContext = tuple["RunFacts", "RunId", "ExecutorId"]
"""Of which execution, in which run, by which executor. A plain tuple: one is made for every attempt."""

_current: ContextVar[RunContext | None] = ContextVar("obelisk_run", default=None)


def begin_work(context: RunContext) -> Token[RunContext | None]:
    """Have this thread work for a run until `end_work`."""
    return _current.set(context)


def end_work(token: Token[RunContext | None]) -> None:
    """Go back to what this thread worked for before."""
    _current.reset(token)


@contextmanager
def working_for(context: RunContext) -> Iterator[None]:
    """Have this thread work for a run until the ``with`` ends."""
    token = begin_work(context)
    try:
        yield
    finally:
        end_work(token)


def current_run_keys() -> dict[str, object]:
    """Return what log lines of this thread say about the run that it works for; nothing if it works for none."""
    context = _current.get()
    if context is None:
        return {}
    # Settings import this module, with the processor of log lines that calls it, before anything else is needed.
    from engine.log.tracing import trace_id_of

    facts, run_id, executor_id = context
    return {
        "execution_id": facts.execution_id,
        "ffqn": facts.ffqn,
        "run_id": run_id,
        "attempt": facts.attempt,
        "executor_id": executor_id,
        "trace_id": trace_id_of(facts.execution_id, facts.metadata),
    }
