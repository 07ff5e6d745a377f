"""How many executions run at once."""

from __future__ import annotations

import threading
from collections import Counter

from engine.deployment.spec import ComponentSpec


class Slots:
    """The executor's places for executions, counted in all and by component.

    Args:
        total: How many there are.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._mutex = threading.Lock()
        self._taken: Counter[str] = Counter()
        self.begun = 0
        """How many executions have begun so far."""

    @property
    def taken(self) -> int:
        """How many executions run now."""
        with self._mutex:
            return self._taken.total()

    @property
    def free(self) -> int:
        """How many more could run."""
        return self._total - self.taken

    def free_for(self, component: ComponentSpec) -> int:
        """Return how many more executions of a component could run, were all places its own."""
        limit = component.exec.instance_limit
        if limit is None:
            return self._total
        with self._mutex:
            return min(self._total, limit - self._taken[component.id.name])

    def take(self, component: ComponentSpec) -> None:
        """Count an execution that begins."""
        with self._mutex:
            self._taken[component.id.name] += 1
            self.begun += 1

    def give_back(self, component: ComponentSpec) -> None:
        """Count an execution that ended."""
        with self._mutex:
            self._taken[component.id.name] -= 1
