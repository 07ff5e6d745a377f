"""What a workflow can say besides calling functions."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar, overload

from obelisk import backends
from obelisk.backends import Info
from obelisk.functions import Bound, Function
from obelisk.join_sets import Child, JoinSet

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")


def join_set(name: str | None = None) -> JoinSet:
    """Open a join set, to be used in a ``with``.

    Args:
        name: Shows in the ids of its members; unique within an execution. Letters, digits, ``-`` and ``/``.
    """
    return backends.current().join_set(name)


def timeout(limit: timedelta) -> AbstractContextManager[None]:
    """Limit all waiting inside the ``with``; then what is waited for is cancelled.

    Raises:
        TimeoutError: Inside, when the time is over.
    """
    manager: AbstractContextManager[None] = backends.current().timeout(limit)
    return manager


def sleep(until: timedelta | datetime) -> None:
    """Wait for a while, or until a moment; the wait survives every restart."""
    backends.current().sleep(until)


def schedule(function: Function[P, R], /, *args: P.args, **kwargs: P.kwargs) -> str:
    """Start a new top-level execution without waiting for it, and return its id.

    ``function.using(after=...)`` and ``function.using(at=...)`` start it later.
    """
    return backends.current().schedule(function, args, kwargs, function.options)


def answer(function: Function[P, R], child_id: str, value: R | Exception) -> None:
    """Complete a stub: with a result, or with an exception as its error."""
    backends.current().answer(function, child_id, value)


def patched(name: str) -> bool:
    """Guard a change of a workflow that runs already.

    Returns:
        True in executions that reach this point for the first time now; False where the log was written before the
        change. The first answer for a name holds for the whole execution.
    """
    return backends.current().patched(name)


def execution_id() -> str:
    """Return the id of this execution; good as an idempotency key."""
    return backends.current().info().execution_id


def info() -> Info:
    """Return what this execution can know of itself."""
    return backends.current().info()


@overload
def gather(first: Bound[A], /, *, limit: int | None = None) -> tuple[A]: ...
@overload
def gather(first: Bound[A], second: Bound[B], /, *, limit: int | None = None) -> tuple[A, B]: ...
@overload
def gather(first: Bound[A], second: Bound[B], third: Bound[C], /, *, limit: int | None = None) -> tuple[A, B, C]: ...
@overload
def gather(
    first: Bound[A], second: Bound[B], third: Bound[C], fourth: Bound[D], /, *, limit: int | None = None
) -> tuple[A, B, C, D]: ...
@overload
def gather(*calls: Bound[R], limit: int | None = None) -> tuple[R, ...]: ...
def gather(*calls: Bound[Any], limit: int | None = None) -> tuple[Any, ...]:
    """Run prepared calls at once and return their results in the order given.

    The first error cancels the rest and is raised.

    Args:
        calls: Made by ``function.bind(...)``.
        limit: Most calls in flight; ``None`` for all at once.
    """
    if limit is not None and limit < 1:
        raise ValueError("gather(): limit must be at least 1")
    if not calls:
        return ()
    results: list[Any] = [None] * len(calls)
    positions: dict[str, int] = {}
    with join_set() as members:
        waiting = iter(enumerate(calls))

        def begin_one() -> None:
            for position, call in waiting:
                child = members.submit_with(call.function, call.args, call.kwargs, call.options)
                positions[child.id] = position
                return

        for _ in range(limit or len(calls)):
            begin_one()
        for child in members:
            results[positions[child.id]] = child.result()
            begin_one()
    return tuple(results)


def race(*calls: Bound[R]) -> R:
    """Run prepared calls at once, return the result of the first to end (or raise its error), and cancel the others."""
    if not calls:
        raise ValueError("race() needs at least one call")
    with join_set() as members:
        for call in calls:
            members.submit_with(call.function, call.args, call.kwargs, call.options)
        first: Child[R] = next(iter(members))
        return first.result()
