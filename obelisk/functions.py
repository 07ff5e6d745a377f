"""The decorators, and what they make of a function."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Generic, Literal, ParamSpec, TypeVar, overload

from obelisk import backends
from obelisk.backends import NO_OPTIONS, Options
from obelisk.errors import Refused
from obelisk.json_text import dump
from obelisk.names import wit_name
from obelisk.signatures import Signature, read_signature

P = ParamSpec("P")
R = TypeVar("R")
Kind = Literal["activity", "workflow", "stub", "signal", "imported", "query", "webhook"]

INTERFACES: dict[Kind, str] = {
    "activity": "activities",
    "workflow": "workflows",
    "stub": "stubs",
    "signal": "signals",
    "query": "queries",
}
"""The interface that functions of a kind stand in."""

_OPTION_TYPES: Mapping[str, type] = {"max_retries": int, "attempt_timeout": timedelta, "labels": Mapping}
"""Of the options of a call that the host trusts to be of their type."""

registered: list[Function[..., Any]] = []
"""Every decorated function of this process, in order; the runtime empties it before it reads a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a function is run; ``None`` takes what the deployment says.

    Args:
        max_retries: Attempts after the first one.
        retry_backoff: Delay before the first of them; it doubles.
        attempt_timeout: Longest time of one attempt.
        errors: Exceptions that travel as themselves.
        cancellable: Whether people may cancel the workflow.
        title: What people read above a stub's form.
        group: Who is asked to answer a stub.
        atomic: Whether a Django activity's database writes and its result are one transaction.
    """

    max_retries: int | None = None
    retry_backoff: timedelta | None = None
    attempt_timeout: timedelta | None = None
    errors: tuple[type[Exception], ...] = ()
    cancellable: bool = False
    title: str | None = None
    group: str | None = None
    atomic: bool = False


NO_POLICY = Policy()


@dataclass(frozen=True, slots=True)
class Bound(Generic[R]):
    """A call that is prepared and not begun; ``gather`` and ``race`` run it."""

    function: Function[..., R]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    options: Options


class Function(Generic[P, R]):
    """A durable function: calling it is a call of the engine where there is one, and a plain call in a unit test.

    Args:
        fn: The body.
        kind: What it is.
        policy: How it is run.
        imported_from: Full name of the function of another component that it stands for.
    """

    def __init__(
        self,
        fn: Callable[P, R],
        kind: Kind,
        policy: Policy = NO_POLICY,
        *,
        imported_from: str | None = None,
        options: Options = NO_OPTIONS,
    ) -> None:
        functools.update_wrapper(self, fn)
        self.fn = fn
        self.kind = kind
        self.policy = policy
        self.options = options
        self.imported_from = imported_from

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function and wait for its result."""
        result: R = backends.current().call(self, args, kwargs, self.options)
        return result

    def __repr__(self) -> str:
        """Name the function."""
        return f"<{self.kind} {self.name}>"

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> Bound[R]:
        """Prepare a call for ``gather`` or ``race``; nothing happens yet."""
        return Bound(self, args, kwargs, self.options)

    def using(
        self,
        *,
        after: timedelta | None = None,
        at: datetime | None = None,
        max_retries: int | None = None,
        attempt_timeout: timedelta | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Function[P, R]:
        """Return this function with options for one call; ``None`` leaves what was said before.

        Args:
            after: Start that much later; for ``schedule``.
            at: Start at that moment; for ``schedule``.
            max_retries: Attempts of the activity after the first one.
            attempt_timeout: Longest time of one of them.
            labels: What the execution can be found by: at most 32 values of 256 characters, by name. Names are
                lower-case, with digits, ``-``, ``_`` and ``.``.

        Raises:
            TypeError: If an option is not of its type, or not one of such a function.
        """
        if after is not None and at is not None:
            raise TypeError(f"{self.name}.using(): give either after or at")
        said: dict[str, Any] = {
            "after": after,
            "at": at,
            "max_retries": max_retries,
            "attempt_timeout": attempt_timeout,
            "labels": labels,
        }
        given = {name: value for name, value in said.items() if value is not None}
        for name, value in given.items():
            self._check_option(name, value)
        function = copy(self)
        function.options = replace(self.options, **given)
        return function

    def _check_option(self, name: str, value: object) -> None:
        expected = _OPTION_TYPES.get(name, object)
        if not isinstance(value, expected) or isinstance(value, bool):
            raise TypeError(f"{self.name}.using({name}): expected {expected.__name__}, got {value!r:.40}")
        if name in ("max_retries", "attempt_timeout") and self.kind not in ("activity", "imported"):
            raise TypeError(f"{self.name}.using({name}): a {self.kind} has no attempts; this is for activities")

    @property
    def name(self) -> str:
        """Its name in Python."""
        return self.fn.__name__

    @property
    def line(self) -> int:
        """The line of the file where it begins, decorators included."""
        code = getattr(self.fn, "__code__", None)
        return 1 if code is None else int(code.co_firstlineno)

    @property
    def wit(self) -> str:
        """Its name in WIT."""
        name = wit_name(self.name, place=self.name)
        return f"{name}-cancellable" if self.policy.cancellable else name

    @property
    def ffqn(self) -> str:
        """Its full name.

        Raises:
            Refused: If the file has no ``PACKAGE`` and no deployment gave it one.
        """
        if self.imported_from is not None:
            return self.imported_from
        package = getattr(sys.modules.get(self.fn.__module__), "PACKAGE", None)
        if not isinstance(package, str):
            raise Refused(f'{self.name}: the file has no PACKAGE = "namespace:name"')
        package, at, version = package.partition("@")
        return f"{package}/{INTERFACES[self.kind]}{at}{version}.{self.wit}"

    @cached_property
    def call_head(self) -> str:
        """The beginning of the body of a call, which is the same for all of them; what follows is the parameters."""
        return f'"ffqn":{dump(self.ffqn)},"params":'

    @cached_property
    def signature(self) -> Signature:
        """Its parameters, result and errors.

        Raises:
            Refused: If its hints do not tell WIT types.
        """
        self.check()
        return read_signature(self.fn, self.policy.errors)

    def check(self) -> None:
        """Check that the function is one that can be durable.

        Raises:
            Refused: If not.
        """
        name = self.fn.__qualname__
        if "." in name:
            raise Refused(f"{name}: only functions at the top level of the file can be durable")
        if inspect.iscoroutinefunction(self.fn) or inspect.isasyncgenfunction(self.fn):
            raise Refused(
                f"{name}: async def is not supported; write def, "
                "and use join_set() or gather() to wait for several things"
            )
        if inspect.isgeneratorfunction(self.fn):
            raise Refused(f"{name} is a generator; a durable function returns one result")


def _register(function: Function[P, R]) -> Function[P, R]:
    registered.append(function)
    return function


@overload
def activity(fn: Callable[P, R], /) -> Function[P, R]: ...
@overload
def activity(
    *,
    max_retries: int | None = None,
    retry_backoff: timedelta | None = None,
    attempt_timeout: timedelta | None = None,
    errors: Sequence[type[Exception]] = (),
    atomic: bool = False,
) -> Callable[[Callable[P, R]], Function[P, R]]: ...
def activity(
    fn: Callable[P, R] | None = None,
    /,
    *,
    max_retries: int | None = None,
    retry_backoff: timedelta | None = None,
    attempt_timeout: timedelta | None = None,
    errors: Sequence[type[Exception]] = (),
    atomic: bool = False,
) -> Any:
    """Make a function an activity: a step that touches the world, and is tried again when it fails.

    Args:
        fn: The function.
        max_retries: Attempts after the first one.
        retry_backoff: Delay before the first of them; it doubles.
        attempt_timeout: Longest time of one attempt.
        errors: Exceptions that reach the caller as themselves.
        atomic: In a Django app's ``activities.py``: make its database writes and its result one transaction, so that
            both happen exactly once. It then works on the database of the executions only.
    """
    policy = Policy(
        max_retries=max_retries,
        retry_backoff=retry_backoff,
        attempt_timeout=attempt_timeout,
        errors=tuple(errors),
        atomic=atomic,
    )
    return _decorate(fn, "activity", policy)


@overload
def workflow(fn: Callable[P, R], /) -> Function[P, R]: ...
@overload
def workflow(
    *, cancellable: bool = False, errors: Sequence[type[Exception]] = ()
) -> Callable[[Callable[P, R]], Function[P, R]]: ...
def workflow(
    fn: Callable[P, R] | None = None, /, *, cancellable: bool = False, errors: Sequence[type[Exception]] = ()
) -> Any:
    """Make a function a workflow: it calls activities and waits, and survives every crash.

    Args:
        fn: The function.
        cancellable: Let people cancel it; its full name then ends in ``-cancellable``.
        errors: Exceptions that reach the caller as themselves.
    """
    return _decorate(fn, "workflow", Policy(cancellable=cancellable, errors=tuple(errors)))


@overload
def stub(fn: Callable[P, R], /) -> Function[P, R]: ...
@overload
def stub(
    *, title: str | None = None, group: str | None = None, errors: Sequence[type[Exception]] = ()
) -> Callable[[Callable[P, R]], Function[P, R]]: ...
def stub(
    fn: Callable[P, R] | None = None,
    /,
    *,
    title: str | None = None,
    group: str | None = None,
    errors: Sequence[type[Exception]] = (),
) -> Any:
    """Make a function one that a person, the API or ``answer`` completes; its body is ``...``.

    Args:
        fn: The function.
        title: What people read above the form.
        group: Who is asked.
        errors: Exceptions that reach the caller as themselves.
    """
    return _decorate(fn, "stub", Policy(title=title, group=group, errors=tuple(errors)))


def signal(fn: Callable[P, R], /) -> Function[P, R]:
    """Make a function one that waits for something to be sent to the execution by name; its body is ``...``."""
    return _register(Function(fn, "signal"))


def webhook(fn: Callable[P, R], /) -> Function[P, R]:
    """Make a function the one that answers a ``[[webhook_endpoint_py]]``'s requests; see `obelisk.webhooks`."""
    return _register(Function(fn, "webhook"))


def query(fn: Callable[P, R], /) -> Function[P, R]:
    """Make a function one that looks at a workflow's state and changes nothing."""
    return _register(Function(fn, "query"))


def imported(ffqn: str, /, *, errors: Sequence[type[Exception]] = ()) -> Callable[[Callable[P, R]], Function[P, R]]:
    """Declare a function of another component; its body is ``...``.

    Args:
        ffqn: Its full name, such as ``testing:fibo/fibo.fibo``.
        errors: Exceptions that reach the caller as themselves.
    """

    def decorate(fn: Callable[P, R]) -> Function[P, R]:
        return _register(Function(fn, "imported", Policy(errors=tuple(errors)), imported_from=ffqn))

    return decorate


def _decorate(fn: Callable[P, R] | None, kind: Kind, policy: Policy) -> Any:
    if fn is None:
        return lambda decorated: _register(Function(decorated, kind, policy))
    return _register(Function(fn, kind, policy))
