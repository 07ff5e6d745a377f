"""The tree of an execution: who submitted whom, when each began and ended; without what happened in between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Final

from msgspec import Struct

from console.timeline.crowds import Crowd

FOLDED_FROM: Final = 50
"""More siblings of one function than these are one row until somebody opens it."""
_MOST_FAILED_SHOWN: Final = 5
_DELAYS: Final = "~delays"
"""Stands for the function in the key of a group of delays; no function is called so."""


class Node(Struct, frozen=True, gc=False):
    """An execution. Instants are microseconds since the epoch, as the database has them."""

    execution_id: str
    parent_id: str | None
    ffqn: str
    component_type: str
    created_at: int
    due_at: int
    """When it ended, if it has."""
    result_kind: str | None
    failures: int
    events: int
    responses: int

    @property
    def begin(self) -> int:
        """When it was submitted."""
        return self.created_at

    @property
    def end(self) -> int | None:
        """When it ended; ``None`` while it has not."""
        return None if self.result_kind is None else self.due_at

    @property
    def is_bad(self) -> bool:
        """Whether it ended in another way than well."""
        return self.result_kind not in (None, "ok")


class DelayNode(Struct, frozen=True, gc=False):
    """A durable timer.

    Args:
        delay_id: Which.
        execution_id: The execution that waits for it.
        join_set_id: Where its response arrives, or has arrived.
        until: When it fires, fired, or was cancelled; microseconds since the epoch.
        at_version: How many events its execution's log held when it was over; ``None`` before.
        is_cancelled: Whether it was.
        is_paused: Whether it is.
    """

    delay_id: str
    execution_id: str
    join_set_id: str
    until: int
    at_version: int | None = None
    is_cancelled: bool = False
    is_paused: bool = False

    @property
    def begin(self) -> int:
        """Stands for its beginning, which only its execution's log tells."""
        return self.until

    @property
    def end(self) -> int | None:
        """When it was over; ``None`` while it is not."""
        return None if self.at_version is None else self.until

    @property
    def is_bad(self) -> bool:
        """A delay cannot fail."""
        return False


Member = Node | DelayNode


@dataclass(frozen=True)  # no slots: its crowd is made when it is first in sight
class Group:
    """Many siblings of one function, as one row.

    Args:
        parent_id: Whose children they are.
        name: Their function, or what stands for delays.
        members: In order.
    """

    parent_id: str
    name: str
    members: Sequence[Member]

    @property
    def is_of_delays(self) -> bool:
        """Whether they are delays."""
        return self.name == _DELAYS

    @cached_property
    def failed(self) -> Sequence[Node]:
        """The first few that did not end well: shown also while the rest is folded."""
        bad = (member for member in self.members if isinstance(member, Node) and member.is_bad)
        return [node for node, _ in zip(bad, range(_MOST_FAILED_SHOWN), strict=False)]

    @cached_property
    def crowd(self) -> Crowd:
        """How many of them there were when."""
        return Crowd(self.members)


@dataclass(frozen=True)  # no slots: what is asked for seldom is made when it is
class Tree:
    """An execution with everything that it started and awaits, as it was at one moment.

    Args:
        root: The execution.
        nodes: Its descendants, in the order of their ids.
        delays: Delays of it and of its descendants.
        requests: How many HTTP requests were sent, by execution.
        is_cut: Whether there are more descendants than these.
        end: When the last thing happened; now, while it is unfinished.
    """

    root: Node
    nodes: Sequence[Node]
    delays: Sequence[DelayNode]
    requests: dict[str, int]
    is_cut: bool
    end: int

    @cached_property
    def size(self) -> int:
        """Counts everything that has happened so far: of two trees of one execution the later one's is larger."""
        return sum(node.events + node.responses for node in self.nodes) + self.root.events + self.root.responses

    @cached_property
    def over_since(self) -> int | None:
        """When all of it had ended; ``None`` while it has not."""
        return self.end if self.root.end is not None and all(node.end is not None for node in self.nodes) else None

    @cached_property
    def by_id(self) -> dict[str, Node]:
        """Every execution of it."""
        return {node.execution_id: node for node in (self.root, *self.nodes)}

    @cached_property
    def crowd(self) -> Crowd:
        """How many executions there were when."""
        return Crowd(self.nodes or [self.root])

    @cached_property
    def _members(self) -> dict[str, list[Node]]:
        members: dict[str, list[Node]] = {}
        for node in self.nodes:
            members.setdefault(node.parent_id or "", []).append(node)
        return members

    @cached_property
    def _delays_of(self) -> dict[str, list[DelayNode]]:
        delays: dict[str, list[DelayNode]] = {}
        for delay in self.delays:
            delays.setdefault(delay.execution_id, []).append(delay)
        return delays

    @cached_property
    def _children(self) -> dict[str, list[Member | Group]]:
        return {}

    @cached_property
    def waiting(self) -> AbstractSet[str]:
        """The executions that do nothing themselves while those below them do."""
        return (self._members.keys() | self._delays_of.keys()) - self.requests.keys()

    def has_children(self, execution_id: str) -> bool:
        """Tell whether there is anything below an execution."""
        return execution_id in self._members or execution_id in self._delays_of or execution_id in self.requests

    def children_of(self, execution_id: str) -> Sequence[Member | Group]:
        """Return what an execution submitted, in the order of submission, large families as groups; delays come last.

        New ones come at the end of their kind, so that a page that watches sees no row change its place.
        """
        known = self._children.get(execution_id)
        if known is None:
            known = [
                *_folded(execution_id, sorted(self._members.get(execution_id, ()), key=_order)),
                *_folded_delays(execution_id, sorted(self._delays_of.get(execution_id, ()), key=_delay_order)),
            ]
            self._children[execution_id] = known
        return known


def _order(node: Node) -> tuple[int, int, str]:
    # Of those that one commit created, the second is not behind the tenth.
    return node.created_at, len(node.execution_id), node.execution_id


def _delay_order(delay: DelayNode) -> tuple[int, str]:
    return len(delay.delay_id), delay.delay_id


def _folded(parent_id: str, nodes: Sequence[Node]) -> Iterable[Member | Group]:
    if len(nodes) <= FOLDED_FROM:
        return nodes
    names = sorted(nodes, key=lambda node: node.ffqn)  # stable: keeps the order within
    families = {name: list(members) for name, members in groupby(names, key=lambda node: node.ffqn)}
    large = {name for name, members in families.items() if len(members) > FOLDED_FROM}
    shown: list[Member | Group] = []
    for node in nodes:
        if node.ffqn not in large:
            shown.append(node)
        elif node is families[node.ffqn][0]:
            shown.append(Group(parent_id, node.ffqn, families[node.ffqn]))
    return shown


def _folded_delays(parent_id: str, delays: Sequence[DelayNode]) -> Iterable[Member | Group]:
    return delays if len(delays) <= FOLDED_FROM else [Group(parent_id, _DELAYS, delays)]
