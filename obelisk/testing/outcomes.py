"""What comes of an activity in a test: a value, an error, or an end that leaves none."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from enum import Enum
from typing import Any, Final

from engine.host.context import GuestNote
from engine.log.ids import ExecutionId
from engine.wit.options import JsonValue
from obelisk import errors
from obelisk.functions import Function
from obelisk.signatures import Signature


class Loss(Enum):
    """How an attempt ends without a result."""

    TIMED_OUT = "TIMED_OUT"
    CRASH = "CRASH"

    def __repr__(self) -> str:
        return self.value


TIMED_OUT: Final = Loss.TIMED_OUT
"""The attempt takes longer than it may (``attempt_timeout``)."""
CRASH: Final = Loss.CRASH
"""The executor's process dies in the middle of the attempt; another one takes over when its locks are over."""

Answer = tuple[JsonValue, GuestNote]
"""A canonical result, and what is said beside it."""


def encoded(signature: Signature, outcome: Any) -> Answer:
    """Return what a function came to as the engine wants it.

    Args:
        signature: The function's.
        outcome: A value, or the exception that left it.

    Raises:
        TypeError: If it is not of the function's type.
    """
    if isinstance(outcome, BaseException):
        note = GuestNote(is_permanent=errors.is_permanent(outcome), retry_after=errors.retry_after(outcome))
        return {"err": signature.encode_error(outcome)}, note
    return {"ok": signature.encode_result(outcome)}, GuestNote()


class Fake:
    """What comes of a function, attempt by attempt; the last outcome repeats.

    Args:
        function: Which one.
        outcomes: At least one.

    Raises:
        TypeError: If one of them cannot be an outcome of the function.
    """

    def __init__(self, function: Function[..., Any], outcomes: Sequence[Any]) -> None:
        self.function = function
        self._outcomes = tuple(outcomes)
        self._next = 0
        self._known: dict[tuple[ExecutionId, int], Answer | Loss] = {}
        if not outcomes:
            raise TypeError(f"fake({function.name}): say what comes of it: a value, an exception, a function, ...")
        for outcome in self._outcomes:
            self._check(outcome)

    @property
    def loses_attempts(self) -> bool:
        """Whether some attempts have no result."""
        return any(isinstance(outcome, Loss) for outcome in self._outcomes)

    def fresh(self) -> Fake:
        """Return one that was never asked, for a run that will be killed; so nothing crashes by itself."""
        fake = self.again()
        fake._outcomes = tuple(TIMED_OUT if outcome is CRASH else outcome for outcome in self._outcomes)
        fake._known = {}
        return fake

    def again(self) -> Fake:
        """Return one for the same run once more: attempts that there were are answered as before."""
        fake = copy(self)
        fake._next, fake._known = 0, dict(self._known)
        return fake

    def answer(self, execution_id: ExecutionId, attempt: int, args: Sequence[JsonValue]) -> Answer | Loss:
        """Return what comes of an attempt; asked for the same one again, the same.

        Args:
            execution_id: Whose attempt.
            attempt: Which one, from 1.
            args: Canonical parameters.
        """
        key = execution_id, attempt
        if key not in self._known:
            outcome = self._outcomes[min(self._next, len(self._outcomes) - 1)]
            self._next += 1
            self._known[key] = outcome if isinstance(outcome, Loss) else self._encoded(outcome, args)
        return self._known[key]

    def _encoded(self, outcome: Any, args: Sequence[JsonValue]) -> Answer:
        if callable(outcome):
            try:
                outcome = outcome(*self.function.signature.decode_params(list(args)))
            except AssertionError:
                raise  # the test's own
            except Exception as error:  # noqa: BLE001  # whatever it raises, the function would have raised
                outcome = error
        return encoded(self.function.signature, outcome)

    def _check(self, outcome: Any) -> None:
        name = self.function.name
        if isinstance(outcome, type):
            raise TypeError(f"fake({name}): {outcome.__name__} is a class; give an instance of it")
        if isinstance(outcome, Loss):
            if self.function.kind == "workflow":
                raise TypeError(f"fake({name}): {outcome!r} is for activities; a workflow goes on after it")
        elif isinstance(outcome, Exception) or not callable(outcome):
            self._encoded(outcome, ())
