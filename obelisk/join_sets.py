"""Join sets: several calls and timers at once, whose results come in order of arrival."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from obelisk.backends import NO_OPTIONS, Options
from obelisk.errors import JoinSetExhausted
from obelisk.functions import Function

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Outcome(Protocol):
    """How a member ended."""

    def result(self) -> Any:
        """Return the result or raise the error."""
        ...


class JoinSetPort(Protocol):
    """What a join set asks of the engine.

    Attributes:
        name: What it is called in the event log.
    """

    name: str

    def submit(
        self, function: Function[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
    ) -> str:
        """Begin a call; returns the child's id."""
        ...

    def submit_delay(self, until: timedelta | datetime) -> str:
        """Begin a timer; returns its id."""
        ...

    def next(self) -> tuple[str, Outcome]:
        """Wait for the next response; there is an open member.

        Raises:
            TimeoutError: If a ``timeout`` around it is over first.
        """
        ...

    def try_next(self) -> tuple[str, Outcome] | None:
        """Return the next response if it is there."""
        ...

    def close(self) -> None:
        """Cancel what is open and wait for it."""
        ...


class Child(Generic[R_co]):
    """A member of a join set: a call or a timer."""

    def __init__(self, owner: JoinSet, child_id: str) -> None:
        self._owner = owner
        self._outcome: Outcome | None = None
        self.id = child_id

    def __repr__(self) -> str:
        """Tell the id and whether it is done."""
        return f"<Child {self.id} {'done' if self.done else 'open'}>"

    @property
    def done(self) -> bool:
        """Whether its result was taken in; the world may be further."""
        return self._outcome is not None

    def result(self) -> R_co:
        """Wait for this member and return its result or raise its error; earlier arrivals keep their turn."""
        while self._outcome is None:
            self._owner.take_in()
        result: R_co = self._outcome.result()
        return result

    def settle(self, outcome: Outcome) -> None:
        """Note how it ended."""
        self._outcome = outcome


class JoinSet:
    """Several calls and timers; leaving the ``with`` cancels what is still open. ``join_set()`` makes it."""

    def __init__(self, port: JoinSetPort) -> None:
        self._port = port
        self._open: dict[str, Child[Any]] = {}
        self._arrived: list[Child[Any]] = []
        self._is_closed = False

    def __repr__(self) -> str:
        """Tell its name, and how many of its members there are to wait for and to take."""
        if self._is_closed:
            return f"<JoinSet {self._port.name}: closed>"
        return f"<JoinSet {self._port.name}: {len(self._open)} open, {len(self._arrived)} arrived>"

    def __enter__(self) -> JoinSet:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def __iter__(self) -> Iterator[Child[Any]]:
        """Go through the members in order of arrival, until all are in."""
        while self._open or self._arrived:
            yield self._next()

    def submit(self, function: Function[P, R], *args: P.args, **kwargs: P.kwargs) -> Child[R]:
        """Begin a call and return at once."""
        return self.submit_with(function, args, kwargs, function.options)

    def submit_with(
        self,
        function: Function[..., R],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        options: Options = NO_OPTIONS,
    ) -> Child[R]:
        """Begin a call whose arguments are at hand as a tuple and a dict."""
        self._check_open()
        child: Child[R] = Child(self, self._port.submit(function, args, kwargs, options))
        self._open[child.id] = child
        return child

    def submit_delay(self, until: timedelta | datetime) -> Child[None]:
        """Begin a timer: a duration from now, or a moment."""
        self._check_open()
        child: Child[None] = Child(self, self._port.submit_delay(until))
        self._open[child.id] = child
        return child

    def next(self) -> Any:
        """Wait for the next member to end and return its result or raise its error.

        Raises:
            JoinSetExhausted: If every member was taken.
        """
        return self._next().result()

    def try_next(self) -> Child[Any] | None:
        """Return the next member that has ended, or ``None`` if none has.

        Raises:
            JoinSetExhausted: If every member was taken.
        """
        if self._arrived:
            return self._arrived.pop(0)
        self._check_members()
        found = self._port.try_next()
        return None if found is None else self._settle(*found)

    def close(self) -> None:
        """Cancel what is open and wait until it has ended; the second time does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._port.close()
            self._open.clear()

    def take_in(self) -> None:
        """Wait for one more member and keep it for its turn."""
        self._check_members()
        self._arrived.append(self._settle(*self._port.next()))

    def _next(self) -> Child[Any]:
        if not self._arrived:
            self.take_in()
        return self._arrived.pop(0)

    def _settle(self, member: str, outcome: Outcome) -> Child[Any]:
        child = self._open.pop(member)
        child.settle(outcome)
        return child

    def _check_members(self) -> None:
        self._check_open()
        if not self._open:
            raise JoinSetExhausted("every member of this join set was taken already")

    def _check_open(self) -> None:
        if self._is_closed:
            raise RuntimeError("this join set is closed")
