"""Typed readers of environment variables that fail loudly, with one sentence that names the variable.

A variable that is set but empty counts as not set, as compose files and CI systems pass empty ones along.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})


class EnvError(ImproperlyConfigured):
    """An environment variable whose value cannot be used."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"environment variable {name}: {problem}")
        self.name, self.problem = name, problem


def _raw(name: str) -> str | None:
    return os.environ.get(name, "").strip() or None


def env_str(name: str, default: str) -> str:
    """Return the variable's text without surrounding blanks, or ``default``."""
    raw = _raw(name)
    return default if raw is None else raw


def env_choice(name: str, default: str, *, choices: tuple[str, ...]) -> str:
    """Return the variable's text, which must be one of ``choices`` (any case; given back as listed).

    Raises:
        EnvError: If it is none of them.
    """
    raw = _raw(name)
    if raw is None:
        return default
    for choice in choices:
        if raw.casefold() == choice.casefold():
            return choice
    raise EnvError(name, f"expected one of {', '.join(choices)}, got {raw!r}")


def env_list(name: str, default: list[str]) -> list[str]:
    """Return the variable's comma-separated parts, blanks and empty parts removed."""
    raw = _raw(name)
    if raw is None:
        return default
    return [part.strip() for part in raw.split(",") if part.strip()]


def env_bool(name: str, *, default: bool) -> bool:
    """Return whether the variable says yes: ``1 true yes on`` or ``0 false no off``, in any case.

    Raises:
        EnvError: If it says neither.
    """
    raw = _raw(name)
    if raw is None:
        return default
    word = raw.casefold()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise EnvError(name, f"expected 1 or 0 (or true/false, yes/no, on/off), got {raw!r}")


def env_int(name: str, default: int, *, minimum: int | None = None, maximum: int | None = None) -> int:
    """Return the variable as a whole number.

    Args:
        name: The variable.
        default: Used when it is not set; not checked against the bounds.
        minimum: Smallest allowed value, if any.
        maximum: Largest allowed value, if any.

    Raises:
        EnvError: If it is no whole number, or out of bounds.
    """
    raw = _raw(name)
    if raw is None:
        return default
    try:
        value = int(raw)
    except ValueError as exc:
        raise EnvError(name, f"expected a whole number, got {raw!r}") from exc
    if minimum is not None and value < minimum:
        raise EnvError(name, f"expected at least {minimum}, got {value}")
    if maximum is not None and value > maximum:
        raise EnvError(name, f"expected at most {maximum}, got {value}")
    return value


def env_parsed(name: str, parse: Callable[[str], T]) -> T:
    """Return what a parser makes of the variable's text, which is empty if it is not set.

    Raises:
        EnvError: If the parser raises ``ValueError``.
    """
    try:
        return parse(_raw(name) or "")
    except ValueError as exc:
        raise EnvError(name, str(exc)) from exc


def env_seconds(name: str, default: float) -> timedelta:
    """Return the variable, a number of seconds of zero or more such as ``30`` or ``0.25``, as a duration.

    Raises:
        EnvError: If it is no such number, or beyond what a duration can hold.
    """
    raw = _raw(name)
    if raw is None:
        return timedelta(seconds=default)
    try:
        seconds = float(raw)
    except ValueError as exc:
        raise EnvError(name, f"expected a number of seconds, got {raw!r}") from exc
    if not math.isfinite(seconds) or seconds < 0:
        raise EnvError(name, f"expected a number of seconds of zero or more, got {raw!r}")
    try:
        return timedelta(seconds=seconds)
    except OverflowError as exc:
        raise EnvError(name, f"{raw!r} seconds are too many") from exc


def env_path(name: str, default: Path) -> Path:
    """Return the variable as an absolute path; a relative one counts from the current directory, ``~`` is the home."""
    raw = _raw(name)
    path = default if raw is None else Path(raw)
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as exc:
        raise EnvError(name, f"{raw!r} is not a usable path: {exc}") from exc


def env_file(name: str) -> str | None:
    """Return what the file holds that the variable names, without surrounding blanks; ``None`` if it is not set.

    Raises:
        EnvError: If the file cannot be read, or is empty.
    """
    raw = _raw(name)
    if raw is None:
        return None
    try:
        content = Path(raw).expanduser().read_text().strip()
    except (OSError, RuntimeError, ValueError) as exc:
        # Not the error itself: a content that is no text would be quoted.
        problem = exc.strerror if isinstance(exc, OSError) else "it is not readable as text"
        raise EnvError(name, f"the file {raw!r} cannot be read: {problem}") from None
    if not content:
        raise EnvError(name, f"the file {raw!r} is empty")
    return content
