"""Tracebacks of user code: its own frames only, as nobody wants to read the runtime's."""

from __future__ import annotations

import traceback
from collections.abc import Collection
from types import TracebackType

from obelisk.signatures import describe_error

_MAX_CHARACTERS = 20_000


def user_line(error: BaseException, paths: Collection[str]) -> tuple[str, int] | None:
    """Return the innermost place in the user's files that an error passed."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in paths]
    return (frames[-1].filename, frames[-1].lineno or 1) if frames else None


def format_error(error: BaseException, paths: Collection[str]) -> str:
    """Return an error with its causes as text, the frames of the user's files only."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        parts.append(_format_one(current, current.__traceback__, paths))
        cause = current.__cause__
        if cause is None and not current.__suppress_context__:
            cause = current.__context__
        current = cause
    return "\nand before that:\n".join(parts)[:_MAX_CHARACTERS]


def _format_one(error: BaseException, trace: TracebackType | None, paths: Collection[str]) -> str:
    frames = [frame for frame in traceback.extract_tb(trace) if frame.filename in paths]
    return "".join([*traceback.format_list(frames), describe_error(error)])
