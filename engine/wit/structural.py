"""Immutable descriptions that serve as keys of caches: hashed by structure, and only once per object."""

from __future__ import annotations

from dataclasses import fields


class Structural:
    """Base of frozen, slotted dataclasses that are looked up by structure on hot paths.

    A type description is a tree; hashing it on every call would cost more than reading a small value of that type.
    A subclass says ``__hash__ = Structural.__hash__``, else ``dataclass`` generates one that walks the tree each time.
    """

    __slots__ = ("_hash",)

    _hash: int

    def __hash__(self) -> int:
        """Return the structural hash, computed on first use."""
        try:
            return self._hash
        except AttributeError:
            values = tuple(getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]  # subclasses are dataclasses
            computed = hash((type(self).__name__, values))
            object.__setattr__(self, "_hash", computed)
            return computed
