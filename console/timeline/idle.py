"""When nothing was done in a tree: what a timeline may draw short."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from console.timeline.log_reading import MOST_EVENTS, logs_of, sampled
from console.timeline.phases import Phase, phases_of
from console.timeline.tree import Node, Tree
from engine.deployment.spec import ComponentType

_STUB: Final = ComponentType.ACTIVITY_STUB.value
_WATCHED_RETRIES: Final = 50
"""Executions whose failed attempts are looked at to find out when they only waited."""


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
        done_until = max(done_until, stop)
        if done_until >= end:
            break
    else:
        stretches.append((done_until, end))
    return sorted((each for each in stretches if each[1] > each[0]), key=lambda each: each[0] - each[1])


def _work(tree: Tree, now: int) -> Iterator[tuple[int, int]]:
    """Yield from when to when something was done.

    What waits for others does nothing itself; of a retried activity the attempts count, of a long-lived workflow the
    moments that its log tells.
    """
    root = tree.root
    yield from ((at, at) for at, _ in sampled(root.execution_id, 0, root.events))
    retried: list[Node] = []
    for node in (root, *tree.nodes):
        end = node.end or now
        waits = tree.has_children(node.execution_id) and node.execution_id not in tree.requests
        if waits or node.component_type == _STUB:
            yield node.created_at, node.created_at
            yield end, end
        elif node.failures and node.events <= MOST_EVENTS and len(retried) < _WATCHED_RETRIES:
            retried.append(node)
        else:
            yield node.created_at, end
    logs = logs_of({node.execution_id: node.events for node in retried}, begin=root.created_at, end=now)
    for node in retried:
        moments = logs[node.execution_id].moments
        spans, _ = phases_of(moments, due_at=node.created_at, arrivals={}, now=node.end or now, cap=None)
        yield from ((span.begin, span.end) for span in spans if span.phase not in (Phase.BACKOFF, Phase.SCHEDULED))
