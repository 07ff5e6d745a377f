"""Which rows of a tree are in sight: what is open, what is folded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from msgspec import Struct

from console.timeline.tree import DelayNode, Group, Node, Tree
from engine.log.ids import DELAY_PREFIX, EXECUTION_PREFIX

FEW_ROWS: Final = 40
"""As many rows may open by themselves."""


class Requests(Struct, frozen=True, gc=False):
    """The HTTP requests of one execution."""

    execution_id: str
    count: int


Content = Node | DelayNode | Group | Requests


class Row(Struct, frozen=True):
    """A row.

    Args:
        key: Tells it apart from the others of its tree, however that grows.
        content: What it shows.
        depth: How far below the root it is.
        is_open: Whether its children follow; ``None`` if it has none.
    """

    key: str
    content: Content
    depth: int
    is_open: bool | None


class Unfolded:
    """The rows of one tree, with the last answer: who zooms, and all who watch alike, ask for the same ones again.

    Args:
        tree: The tree.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._last: tuple[frozenset[str], Sequence[Row]] = frozenset(), ()

    def rows(self, opened: Collection[str]) -> Sequence[Row]:
        """Return what `rows_of` does."""
        key = frozenset(opened)
        asked, rows = self._last
        # Every tree has the row of its root.
        if not rows or asked != key:
            rows = rows_of(self._tree, key)
            self._last = key, rows
        return rows


def rows_of(tree: Tree, opened: Collection[str]) -> list[Row]:
    """Return all rows that people could scroll to, from top to bottom.

    Args:
        tree: The tree.
        opened: Keys of the rows that are open.
    """
    rows: list[Row] = []
    _add_node(rows, tree, tree.root, 0, opened)
    return rows


def _add_node(rows: list[Row], tree: Tree, node: Node, depth: int, opened: Collection[str]) -> None:
    key = key_of(tree, node)
    if not tree.has_children(node.execution_id):
        rows.append(Row(key, node, depth, None))
        return
    is_open = key in opened
    rows.append(Row(key, node, depth, is_open))
    if not is_open:
        return
    count = tree.requests.get(node.execution_id, 0)
    if count:
        rows.append(Row(f"{key}!", Requests(node.execution_id, count), depth + 1, None))
    for child in tree.children_of(node.execution_id):
        match child:
            case Node():
                _add_node(rows, tree, child, depth + 1, opened)
            case DelayNode():
                rows.append(Row(_delay_key(tree, child), child, depth + 1, None))
            case Group():
                _add_group(rows, tree, f"{key}*{child.name}", child, depth + 1, opened)


def _add_group(rows: list[Row], tree: Tree, key: str, group: Group, depth: int, opened: Collection[str]) -> None:
    is_open = key in opened
    rows.append(Row(key, group, depth, is_open))
    for member in group.members if is_open else group.failed:
        if isinstance(member, DelayNode):
            rows.append(Row(_delay_key(tree, member), member, depth + 1, None))
        else:
            _add_node(rows, tree, member, depth + 1, opened)


def key_of(tree: Tree, node: Node) -> str:
    """Return the key of an execution's row: what its id adds to the root's."""
    return node.execution_id[len(tree.root.execution_id) :] or "."


def _delay_key(tree: Tree, delay: DelayNode) -> str:
    return "~" + delay.delay_id[len(DELAY_PREFIX) + len(tree.root.execution_id) - len(EXECUTION_PREFIX) :]


def opened_by_itself(tree: Tree, already: Collection[str]) -> set[str]:
    """Return which rows are open as long as nobody has chosen: level by level, while all fits on a screen.

    Args:
        tree: The tree.
        already: What was open before, and stays so.
    """
    opened = {*already, key_of(tree, tree.root)}
    level = [tree.root]
    count = len(tree.children_of(tree.root.execution_id))
    while level and count <= FEW_ROWS:
        below = [child for node in level for child in tree.children_of(node.execution_id) if isinstance(child, Node)]
        parents = [node for node in below if tree.has_children(node.execution_id)]
        count += sum(len(tree.children_of(node.execution_id)) + 1 for node in parents)
        if count <= FEW_ROWS:
            opened.update(key_of(tree, node) for node in parents)
        level = parents
    return opened
