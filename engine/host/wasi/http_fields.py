"""``fields`` of ``wasi:http/types``: headers and trailers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.activity.http.messages import Header
from engine.activity.http.outbound import CONNECTION_HEADERS
from engine.host.wasi.definition import trap

MAX_BYTES = 128 << 10
"""What the names and values of one set of fields may take; requests are held to less when they are sent."""

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")


class HeaderError(Exception):
    """A case of ``header-error``, in its canonical form."""

    def __init__(self, case: str) -> None:
        super().__init__(case)
        self.case = case


class Fields:
    """Headers or trailers, in order; names keep their spelling and are compared without case.

    Args:
        entries: Names and values, known to be valid.
        is_frozen: Whether they can be changed.
    """

    __slots__ = ("entries", "is_frozen")

    def __init__(self, entries: Iterable[Header] = (), *, is_frozen: bool = False) -> None:
        self.entries = list(entries)
        self.is_frozen = is_frozen

    def freeze(self) -> Fields:
        """Return the same fields as something that cannot be changed."""
        return Fields(self.entries, is_frozen=True)

    def get(self, name: str) -> list[bytes]:
        """Return the values of a name, in order."""
        name = name.lower()
        return [value for key, value in self.entries if key.lower() == name]

    def set(self, name: str, values: Iterable[bytes]) -> None:
        """Replace the values of a name; raises ``HeaderError``."""
        values = list(values)
        self._check(name, values)
        self._remove(name)
        self.entries.extend((name, value) for value in values)

    def delete(self, name: str) -> None:
        """Remove a name; raises ``HeaderError``."""
        self._check(name, [])
        self._remove(name)

    def append(self, name: str, value: bytes) -> None:
        """Add a value to those of a name; raises ``HeaderError``."""
        self._check(name, [value])
        self.entries.append((name, value))

    def _remove(self, name: str) -> None:
        name = name.lower()
        self.entries = [(key, value) for key, value in self.entries if key.lower() != name]

    def _check(self, name: str, values: list[bytes]) -> None:
        if self.is_frozen:
            raise HeaderError("immutable")
        if not _NAME.fullmatch(name) or not all(_VALUE.fullmatch(value) for value in values):
            raise HeaderError("invalid_syntax")
        if name.lower() in CONNECTION_HEADERS:
            raise HeaderError("forbidden")
        size = sum(len(key) + len(value) for key, value in self.entries)
        if size + sum(len(name) + len(value) for value in values) > MAX_BYTES:
            raise trap(f"the headers of a message take more than {MAX_BYTES} bytes")


def fields_from(entries: Iterable[tuple[str, bytes]]) -> Fields:
    """Return fields with what a guest lists; raises ``HeaderError``."""
    fields = Fields()
    for name, value in entries:
        fields.append(name, value)
    return fields
