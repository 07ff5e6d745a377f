"""Names for types that Python itself does not tell apart, for hints: ``def fibo(n: u8) -> u64``.

An editor and a type checker see ``int``, ``float`` and ``str``; the range is checked where a value leaves the function.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias


@dataclass(frozen=True, slots=True)
class IntMark:
    """Marks an integer of a certain size.

    Args:
        wit: Its WIT name.
        low: Smallest value.
        high: Largest value.
    """

    wit: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class ScalarMark:
    """Marks another type without parts; ``wit`` is its WIT name, or ``json``."""

    wit: str


u8: TypeAlias = Annotated[int, IntMark("u8", 0, 2**8 - 1)]
u16: TypeAlias = Annotated[int, IntMark("u16", 0, 2**16 - 1)]
u32: TypeAlias = Annotated[int, IntMark("u32", 0, 2**32 - 1)]
u64: TypeAlias = Annotated[int, IntMark("u64", 0, 2**64 - 1)]
s8: TypeAlias = Annotated[int, IntMark("s8", -(2**7), 2**7 - 1)]
s16: TypeAlias = Annotated[int, IntMark("s16", -(2**15), 2**15 - 1)]
s32: TypeAlias = Annotated[int, IntMark("s32", -(2**31), 2**31 - 1)]
s64: TypeAlias = Annotated[int, IntMark("s64", -(2**63), 2**63 - 1)]
f32: TypeAlias = Annotated[float, ScalarMark("f32")]
char: TypeAlias = Annotated[str, ScalarMark("char")]
Json: TypeAlias = Annotated[Any, ScalarMark("json")]
"""Any JSON data; it travels as text with sorted keys. The way out for free-form data."""

INT = IntMark("int", -(2**63), 2**63 - 1)
"""A plain ``int``: 64 bits with a sign, called ``int`` in messages."""
