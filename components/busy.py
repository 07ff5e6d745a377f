"""Operations on deployments of which a process carries out one at a time.

They take memory and processors, and their order is to be somebody's decision. What several processes do at once is
kept apart by the database, where at most one deployment is active.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import DeploymentError


class Busy(DeploymentError):
    """Another operation of the kind is under way; nothing was done."""

    retry_after_s = 1
    """When it is worth trying again."""


class OneAtATime:
    """Lets one caller in and refuses the others.

    Args:
        what: What is done, as in "another deployment is being ...".
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._lock = threading.Lock()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Do it alone.

        Raises:
            Busy: If somebody else does.
        """
        if not self._lock.acquire(blocking=False):
            raise Busy(f"another deployment is being {self._what}; try again when that is done")
        try:
            yield
        finally:
            self._lock.release()
