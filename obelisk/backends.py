"""Where a call goes: what surrounds the code decides.

A decorated function and every verb (``sleep``, ``join_set`` ...) ask the backend that is active. In plain Python, such
as a unit test, activities and workflows are just functions; in the sandbox the runtime sets another backend at the
entry of a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from obelisk.functions import Function
    from obelisk.http import Request, Response, ResponseStream
    from obelisk.join_sets import JoinSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What ``f.using(...)`` says about one call.

    Args:
        after: Start that much later; for ``schedule`` and ``submit`` only.
        at: Start at that moment; for ``schedule`` and ``submit`` only.
        max_retries: An activity's attempts after the first one.
        attempt_timeout: Longest time of one attempt at an activity.
        labels: What the execution can be found by; values by name.
    """

    after: timedelta | None = None
    at: datetime | None = None
    max_retries: int | None = None
    attempt_timeout: timedelta | None = None
    labels: Mapping[str, str] | None = None

    @property
    def start(self) -> timedelta | datetime | None:
        """When to start, if that is said."""
        return self.after if self.at is None else self.at


NO_OPTIONS = Options()


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """What an execution can know of itself.

    Args:
        execution_id: Its id; the id of a child begins with its parent's.
        function: Full name of the function that runs.
        parent_id: Who called it; ``None`` at top level.
        created_at: When it was created.
        attempt: Which run of an activity this is, from 1; in a workflow always 1.
        deadline: When this run of an activity is stopped; ``None`` in a workflow.
        labels: What whoever submitted it attached.
    """

    execution_id: str
    function: str
    parent_id: str | None
    created_at: datetime
    attempt: int = 1
    deadline: datetime | None = None
    labels: dict[str, str] = field(default_factory=dict)


class Backend(Protocol):
    """What carries out the calls and verbs of user code."""

    def call(
        self, function: Function[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
    ) -> Any:
        """Call a decorated function and return its result."""
        ...

    def join_set(self, name: str | None) -> JoinSet:
        """Open a join set."""
        ...

    def timeout(self, limit: timedelta) -> Any:
        """Return a context in which waiting ends at a moment."""
        ...

    def sleep(self, until: timedelta | datetime) -> None:
        """Wait."""
        ...

    def schedule(
        self, function: Function[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
    ) -> str:
        """Start a top-level execution and return its id."""
        ...

    def answer(self, function: Function[..., Any], child_id: str, value: Any) -> None:
        """Complete a stub."""
        ...

    def patched(self, name: str) -> bool:
        """Tell whether the new path is to be taken."""
        ...

    def info(self) -> Info:
        """Return what is known of the execution."""
        ...

    def http(self, request: Request) -> Response:
        """Send an HTTP request."""
        ...

    def http_stream(self, request: Request) -> ResponseStream:
        """Send an HTTP request whose answer is read piece by piece."""
        ...


class RefusingBackend:
    """Refuses everything; others allow what works where they are.

    Args:
        call: Words the refusal of a call, given the function.
        verb: Words the refusal of a verb, given its name.
    """

    def __init__(self, *, call: Callable[[Function[..., Any]], str], verb: Callable[[str], str]) -> None:
        self._call_refusal = call
        self._verb_refusal = verb

    def call(
        self, function: Function[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
    ) -> Any:
        """Refuse."""
        raise RuntimeError(self._call_refusal(function))

    def join_set(self, name: str | None) -> JoinSet:
        """Refuse."""
        raise self._refusal("join_set")

    def timeout(self, limit: timedelta) -> Any:
        """Refuse."""
        raise self._refusal("timeout")

    def sleep(self, until: timedelta | datetime) -> None:
        """Refuse."""
        raise self._refusal("sleep")

    def schedule(
        self, function: Function[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
    ) -> str:
        """Refuse."""
        raise self._refusal("schedule")

    def answer(self, function: Function[..., Any], child_id: str, value: Any) -> None:
        """Refuse."""
        raise self._refusal("answer")

    def patched(self, name: str) -> bool:
        """Refuse."""
        raise self._refusal("patched")

    def info(self) -> Info:
        """Refuse."""
        raise self._refusal("info")

    def http(self, request: Request) -> Response:
        """Refuse."""
        raise self._refusal("http")

    def http_stream(self, request: Request) -> ResponseStream:
        """Refuse."""
        raise self._refusal("http")

    def _refusal(self, verb: str) -> Exception:
        return RuntimeError(self._verb_refusal(verb))


class PlainBackend(RefusingBackend):
    """Plain Python: activities and workflows are just functions, and there is nothing durable."""

    def __init__(self) -> None:
        super().__init__(
            call=lambda function: f"{function.name}() cannot be called here",
            verb=lambda verb: f"{verb}() needs an engine; run the workflow with the sandbox fixture of obelisk.testing",
        )

    def call(
        self, function: Function[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
    ) -> Any:
        """Call the function's own body, where it has one."""
        if function.kind in ("activity", "workflow", "query"):
            return function.fn(*args, **kwargs)
        raise NotImplementedError(
            f"{function.name}() is answered from outside; run the workflow with the sandbox fixture of obelisk.testing"
        )

    def info(self) -> Info:
        """Return an invented execution, so that code which only names itself works in a unit test."""
        return Info(
            execution_id=f"E_{'0' * 26}",
            function="plain:python/functions.call",
            parent_id=None,
            created_at=datetime(1970, 1, 1, tzinfo=UTC),
        )


class ImportBackend(RefusingBackend):
    """While the file is imported nothing may be called."""

    def __init__(self) -> None:
        super().__init__(
            call=lambda function: f"{function.name}() is called while the file is imported; call it inside a workflow",
            verb=lambda verb: f"{verb}() is called while the file is imported; call it inside a workflow",
        )


# A context variable, as Django activities run in threads of one process; the sandbox has one thread.
_active: ContextVar[Backend] = ContextVar("active", default=PlainBackend())  # noqa: B039  # it holds no state


def current() -> Backend:
    """Return the active backend."""
    return _active.get()


@contextmanager
def active(backend: Backend) -> Iterator[None]:
    """Make a backend the active one for a while."""
    token = _active.set(backend)
    try:
        yield
    finally:
        _active.reset(token)
