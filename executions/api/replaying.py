"""Requests that replay workflows take turns."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.http import HttpResponse

from executions.api.problems import Problem, ProblemCode
from executions.operations.replay_places import TooManyReplays, replay_place

V = TypeVar("V")
P = ParamSpec("P")


def replaying(method: Callable[Concatenate[V, P], HttpResponse]) -> Callable[Concatenate[V, P], HttpResponse]:
    """Return a view's method that waits for a place to replay in, and is refused if none is free soon."""

    @wraps(method)
    def in_place(view: V, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            with replay_place():
                return method(view, *args, **kwargs)
        except TooManyReplays as error:
            raise Problem(ProblemCode.BUSY, str(error), headers={"Retry-After": "5"}) from error

    return in_place
