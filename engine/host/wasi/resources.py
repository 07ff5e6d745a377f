"""The resources of one run: what the guest's handles stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from engine.errors import Trap, TrapKind
from engine.host.wasi.definition import trap

MOST = 10_000
"""Resources that a run may hold at a time; a guest that leaks them meets this before the host does."""

_Kind = TypeVar("_Kind")


@dataclass(slots=True)
class _Entry:
    value: object
    parent: int | None
    children: int = 0


class ResourceTable:
    """Numbers for objects, each of which may have a parent that must outlive it."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._next = 1

    def add(self, value: object, *, parent: int | None = None) -> int:
        """Return the number of a new resource.

        Args:
            value: The object.
            parent: The resource that it is a child of.

        Raises:
            Trap: If there are too many.
        """
        if len(self._entries) >= MOST:
            raise Trap(TrapKind.OUT_OF_MEMORY, f"a run may hold {MOST} resources at a time")
        number, self._next = self._next, self._next + 1
        if parent is not None:
            self._entries[parent].children += 1
        self._entries[number] = _Entry(value, parent)
        return number

    def get(self, number: int, kind: type[_Kind]) -> _Kind:
        """Return a resource that the guest lends."""
        entry = self._entries.get(number)
        if entry is None or not isinstance(entry.value, kind):
            raise trap(f"handle {number} is no {kind.__name__}")
        return entry.value

    def take(self, number: int, kind: type[_Kind]) -> _Kind:
        """Return a resource that the guest gives away; the number is free then.

        Raises:
            Trap: If a child of it is still there.
        """
        value = self.get(number, kind)
        entry = self._entries[number]
        if entry.children:
            raise trap(f"a {kind.__name__} is given up before what was made from it")
        self.drop(number)
        return value

    def drop(self, number: int) -> object:
        """Forget a resource whether it has children or not, and return it; ``None`` if it is gone already."""
        entry = self._entries.pop(number, None)
        if entry is None:
            return None
        parent = None if entry.parent is None else self._entries.get(entry.parent)
        if parent is not None:
            parent.children -= 1
        return entry.value
