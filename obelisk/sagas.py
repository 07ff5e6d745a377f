"""Undoing what was done when a later step fails."""

from __future__ import annotations

from types import TracebackType
from typing import Any, ParamSpec

from obelisk.errors import CompensationFailed
from obelisk.functions import Function

P = ParamSpec("P")


class Saga:
    """Undo steps, which run newest first when an exception leaves the ``with``. ``saga()`` makes it."""

    def __init__(self) -> None:
        self._steps: list[tuple[Function[..., Any], tuple[Any, ...], dict[str, Any]]] = []

    def __repr__(self) -> str:
        """Tell what would be undone, the last first."""
        steps = [str(function.name) for function, _, _ in reversed(self._steps)]
        return f"<Saga: {', '.join(steps) or 'nothing'} to undo>"

    def __enter__(self) -> Saga:
        """Return itself."""
        return self

    def undo(self, function: Function[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Remember a call that takes back what was just done."""
        self._steps.append((function, args, kwargs))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Run the undo steps if an exception leaves; it is raised again.

        Raises:
            CompensationFailed: If steps failed; the others ran.
        """
        if error is None:
            return
        failures: list[Exception] = []
        while self._steps:
            function, args, kwargs = self._steps.pop()
            try:
                function(*args, **kwargs)
            except Exception as failure:  # noqa: BLE001  # one failing step must not keep the others from running
                failures.append(failure)
        if failures:
            raise CompensationFailed(failures) from error


def saga() -> Saga:
    """Begin a saga, to be used in a ``with``."""
    return Saga()
