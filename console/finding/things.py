"""What can be found."""

from __future__ import annotations

from dataclasses import dataclass

from executions.models import Execution


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something that a text may name.

    Args:
        kind: What it is, in a word.
        name: What it is called, in full.
        url: Where it is shown.
        about: What else tells it apart.
        row: The execution, if it is one.
        is_exact: Whether the text names just this, and not its beginning or a part of it.
    """

    kind: str
    name: str
    url: str
    about: str = ""
    row: Execution | None = None
    is_exact: bool = False
