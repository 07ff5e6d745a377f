"""What verification finds wrong with a set of components."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One reason why components cannot be deployed together.

    Args:
        component: Name of the component that has it.
        place: Where in the component, such as ``import testing:fibo/fibo.fibo``; empty for the whole of it.
        message: What is wrong there, and what would be right.
    """

    component: str
    place: str
    message: str

    def __str__(self) -> str:
        place = f", {self.place}" if self.place else ""
        return f"component {self.component}{place}: {self.message}"
