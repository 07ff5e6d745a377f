"""Requests that replay workflows take turns."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from executions.api.problems import Problem, ProblemCode
from executions.operations.replay_places import TooManyReplays, replay_place

P = ParamSpec("P")
R = TypeVar("R")


def replaying(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function of a view that waits for a place to replay in, and is refused if none is free soon."""

    @wraps(function)
    def in_place(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with replay_place():
                return function(*args, **kwargs)
        except TooManyReplays as error:
            raise Problem(ProblemCode.BUSY, str(error), headers={"Retry-After": "5"}) from error

    return in_place
