"""Reading trees, and keeping them for a moment: everybody who looks at a tree, and zooms in it, shares one reading."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from console.timeline.idle import idle_of
from console.timeline.rows import Unfolded
from console.timeline.tree import Tree
from console.timeline.tree_reading import read_tree
from executions.instants import to_micros
from executions.models import Execution

_MOST_KEPT_NODES: Final = 200_000
"""Of all trees together."""
_PACE: Final = 10.0
"""A tree is read again only after this many times as long as its reading took: that takes no more than this part of one
core, however large the tree is and however many people look."""
_LEAST_PAUSE_S: Final = 0.5
PATIENT: Final = 10.0
"""How many times as old a tree may be for those who hear of what is new by themselves, and only want to see it from
elsewhere: a step of the zoom does not wait until a large tree, in which something always moves, was read."""
_SETTLED_US: Final = 10_000_000
"""How long after its end a tree may still be added to: what is remembered of HTTP requests is stored with delay."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A tree as it was at one moment.

    Args:
        tree: The tree.
        unfolded: Its rows.
        idle: When nothing was done in it, the longest stretches first; microseconds since the epoch.
        at: When, in microseconds since the epoch.
        read_at: When, by the monotonic clock.
        took_s: How long reading it took.
    """

    tree: Tree
    unfolded: Unfolded
    idle: Sequence[tuple[int, int]]
    at: int
    read_at: float
    took_s: float

    @property
    def pause_s(self) -> float:
        """How long it is good for, in seconds; none if it is to be read again when somebody asks."""
        return self._pause_s(1.0)

    def _pause_s(self, patience: float) -> float:
        good_for_s = max(_LEAST_PAUSE_S, self.took_s * _PACE * patience)
        return max(0.0, good_for_s - (time.monotonic() - self.read_at))

    def is_good(self, row: Execution, patience: float) -> bool:
        """Tell whether it can be shown, given how its execution stands now; ``patience`` as in `Snapshots.of`."""
        end = self.tree.over_since
        if end is not None and self.at - end > _SETTLED_US:
            return True
        # That it is over is what people wait for, and happens only once.
        is_news = self.tree.root.end is None and row.result_kind is not None
        return self._pause_s(patience) > 0 and not is_news


class Snapshots:
    """The trees that people look at. Threads share it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Snapshot] = OrderedDict()
        self._keeping = threading.Lock()
        self._reading = threading.Lock()

    def of(self, row: Execution, *, patience: float = 1.0) -> Snapshot:
        """Return the tree of an execution as it is, or was a moment ago.

        Args:
            row: The execution.
            patience: How many times as old as usual it may be, if reading it takes long.
        """
        if (kept := self._find(row, patience)) is not None:
            return kept
        # One at a time: others that wait want the same tree most of the time, and then find it.
        with self._reading:
            return self._find(row, patience) or self._keep(self._read(row))

    def _find(self, row: Execution, patience: float) -> Snapshot | None:
        with self._keeping:
            kept = self._kept.get(row.pk)
            if kept is None or not kept.is_good(row, patience):
                return None
            self._kept.move_to_end(row.pk)
            return kept

    def _keep(self, snapshot: Snapshot) -> Snapshot:
        key = snapshot.tree.root.execution_id
        with self._keeping:
            self._kept.pop(key, None)
            self._kept[key] = snapshot
            while len(self._kept) > 1 and sum(len(each.tree.nodes) for each in self._kept.values()) > _MOST_KEPT_NODES:
                self._kept.popitem(last=False)
        return snapshot

    def _read(self, row: Execution) -> Snapshot:
        begun = time.monotonic()
        now = to_micros(timezone.now())
        tree = read_tree(row.pk, now)
        idle = idle_of(tree, now)
        read_at = time.monotonic()
        return Snapshot(tree, Unfolded(tree), idle, now, read_at, read_at - begun)


SNAPSHOTS: Final = Snapshots()
