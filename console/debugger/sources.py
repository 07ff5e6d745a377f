"""The part of a source file that is about one line, in colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from django.utils.safestring import SafeString

from components.services import wasm_bytes
from console.code.highlighting import highlighted_lines
from engine.errors import DeploymentError
from executions.backtrace_sources import source_digest

AROUND: Final = 60
"""How many lines are shown before and behind the one that it is about."""
_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a file.

    Args:
        number: From 1.
        html: Its text.
        is_current: Whether it is the one that counts.
        is_waiting: Whether another function of the stack waits in it.
    """

    number: int
    html: SafeString
    is_current: bool
    is_waiting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A part of a file.

    Args:
        path: Its name.
        lines: What is shown of it.
        total: How many lines it has.
    """

    path: str
    lines: Sequence[Line]
    total: int

    @property
    def is_whole(self) -> bool:
        """Whether all of it is shown."""
        return len(self.lines) == self.total


def source_around(
    component: str, path: str, line: int | None, *, waiting: frozenset[int] = frozenset(), around: int = AROUND
) -> Source | None:
    """Return what is about a line of a file; ``None`` if no text of it is stored.

    Args:
        component: The version of the component that it belongs to, as ``type:name:digest``.
        path: As frames name it.
        line: Which, from 1; the first by default.
        waiting: Other lines to mark.
        around: How many lines to show before and behind it.

    """
    digest = stored_file(component, path)
    lines = None if digest is None else _lines(digest, path)
    if lines is None:
        return None
    first = max(1, (line or 1) - around)
    return Source(
        path=path,
        lines=[
            Line(number=number, html=html, is_current=number == line, is_waiting=number in waiting)
            for number, html in enumerate(lines[first - 1 : (line or 1) + around], first)
        ],
        total=len(lines),
    )


def stored_file(component: str, path: str) -> str | None:
    """Return the digest of a file that frames name; ``None`` if none is stored, or not in a form that is known here."""
    try:
        return source_digest(component, path)
    except DeploymentError:
        return None


@lru_cache(maxsize=32)
def _lines(digest: str, path: str) -> tuple[SafeString, ...] | None:
    content = wasm_bytes(digest)
    if len(content) > _MOST_BYTES:
        return None
    lines = highlighted_lines(content.decode(errors="replace"), path)
    # What follows the last line's end is no line.
    return tuple(lines[:-1] if len(lines) > 1 and not lines[-1] else lines)
