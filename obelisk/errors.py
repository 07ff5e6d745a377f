"""What can go wrong, as the author of a function sees it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

FailureKind = Literal["timed_out", "cancelled", "out_of_fuel", "nondeterminism_detected", "uncategorized"]
"""Why the platform, not the function, ended an execution."""

SignalRefusal = Literal[
    "execution_id_parsing_error",
    "not_found",
    "no_workflow",
    "finished",
    "unknown_signal",
    "type_check_error",
    "invalid_signal_id",
]
"""Why a signal is not sent: of the execution, the signal, its payload or its id."""


class Refused(TypeError):
    """The file says something that cannot be deployed; the message names the place and the remedy."""


class PermanentError(Exception):
    """An activity raises it (or a subclass) when no further attempt can succeed: it is not retried."""


class RetryLater(Exception):
    """An activity raises it to be tried again, but not before a while.

    Args:
        message: Why.
        after: How long to wait at least; the activity's own back-off may be longer.
    """

    def __init__(self, message: str = "", *, after: timedelta) -> None:
        super().__init__(message)
        self.after = after


class ChildError(Exception):
    """A called function ended with an error that it does not declare, or the platform ended it.

    Args:
        function: Full name of the function.
        child_id: The execution; ``None`` if the request itself was refused.
        value: The function's error value; what a platform failure says otherwise.
        failure_kind: Why the platform ended it; ``None`` if the function itself returned the error.
    """

    def __init__(
        self, function: str, child_id: str | None, value: Any, failure_kind: FailureKind | None = None
    ) -> None:
        super().__init__(f"{function} {'failed' if failure_kind is None else failure_kind}: {value}")
        self.function = function
        self.child_id = child_id
        self.value = value
        self.failure_kind = failure_kind

    @property
    def cancelled(self) -> bool:
        """Whether the child was cancelled."""
        return self.failure_kind == "cancelled"


class JoinSetExhausted(Exception):
    """A join set was asked for one more result than it has members."""


class SignalRefused(Exception):
    """A signal was not sent; nothing changed.

    Args:
        code: Why.
        message: The same in a sentence.
    """

    def __init__(self, code: SignalRefusal, message: str) -> None:
        super().__init__(message)
        self.code = code


class CompensationFailed(Exception):
    """Undo steps of a saga failed; the others ran.

    Args:
        failures: What the failing steps raised, in the order they ran.
    """

    def __init__(self, failures: list[Exception]) -> None:
        super().__init__("; ".join(f"{type(failure).__name__}: {failure}" for failure in failures))
        self.failures = failures


def is_permanent(error: BaseException) -> bool:
    """Whether an activity that raised this must not be tried again."""
    return isinstance(error, PermanentError) or bool(getattr(error, "is_permanent", False))


def retry_after(error: BaseException) -> timedelta | None:
    """Return how long the next attempt has to wait, if the error says."""
    after = getattr(error, "after", None)
    return after if isinstance(after, timedelta) else None
