"""When nothing was done in a tree: what a timeline may draw short."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from console.timeline.log_reading import beginnings_of, sampled
from console.timeline.phases import Moment, Phase, phases_of
from console.timeline.tree import Node, Tree
from engine.deployment.spec import ComponentType

_STUB: Final = ComponentType.ACTIVITY_STUB.value
_WATCHED: Final = 20
"""Executions whose logs are looked at besides the root's."""
_WAITING: Final = frozenset((Phase.BACKOFF, Phase.SCHEDULED, Phase.BLOCKED, Phase.PAUSED))


def idle_of(tree: Tree, now: int) -> list[tuple[int, int]]:
    """Return when nothing was done in a tree, the longest stretches first.

    Args:
        tree: The tree.
        now: The present instant, in microseconds since the epoch.
    """
    return idle_stretches(_work(tree, now), begin=tree.root.created_at, end=tree.end)


def idle_stretches(work: Iterable[tuple[int, int]], *, begin: int, end: int) -> list[tuple[int, int]]:
    """Return the stretches between two instants that nothing of the work overlaps, the longest first.

    Args:
        work: From when to when something was done, in any order; a moment is as long as none.
        begin: Where to begin.
        end: Where to end.
    """
    stretches = []
    done_until = begin
    for start, stop in sorted(work):
        if start > done_until:
            stretches.append((done_until, min(start, end)))
        if stop > done_until:
            done_until = stop
            if done_until >= end:
                break
    else:
        stretches.append((done_until, end))
    return sorted((each for each in stretches if each[1] > each[0]), key=lambda each: each[0] - each[1])


def _work(tree: Tree, now: int) -> list[tuple[int, int]]:
    """Return from when to when something was done.

    What waits for others, or for its next attempt, does nothing itself. The logs of a few such executions, the root's
    among them, tell when they did something besides; of the rest only beginning and end count.
    """
    work: list[tuple[int, int]] = []
    watched = [tree.root]
    waiting = tree.waiting
    for node in tree.nodes:
        end = now if node.result_kind is None else node.due_at
        waits = node.component_type == _STUB or node.execution_id in waiting
        if (waits or node.failures) and len(watched) <= _WATCHED:
            watched.append(node)
        elif waits:
            work += ((node.created_at, node.created_at), (end, end))
        else:
            work.append((node.created_at, end))
    beginnings = beginnings_of(node.execution_id for node in watched)
    for node in watched:
        work += _busy(node, beginnings.get(node.execution_id, ()), now)
    return work


def _busy(node: Node, moments: Sequence[Moment], now: int) -> Iterator[tuple[int, int]]:
    is_whole = len(moments) == node.events
    end = now if node.end is None else node.end
    until = end if is_whole or not moments else moments[-1].at
    spans, _ = phases_of(moments, due_at=node.created_at, arrivals={}, now=until, cap=None)
    yield from ((span.begin, span.end) for span in spans if span.phase not in _WAITING)
    if not is_whole:
        yield from ((at, at) for at, _ in sampled(node.execution_id, len(moments), node.events))
    yield end, end
