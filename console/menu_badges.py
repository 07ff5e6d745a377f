"""Numbers beside entries of the menu, which is on every page: each is asked for once a second at most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.core.cache import cache

_KEPT_S: Final = 1


def for_a_moment(key: str, count: Callable[[], str]) -> str:
    """Return what a badge says, as it was a moment ago if it is known from then.

    Args:
        key: Tells badges apart, and people where they see different ones.
        count: Returns what it says now, empty for no badge.
    """
    kept: str | None = cache.get(key)
    if kept is None:
        kept = count()
        cache.set(key, kept, _KEPT_S)
    return kept
