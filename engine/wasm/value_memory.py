"""How wasmtime lays out component values in memory, and access to that memory.

A value (``wasmtime_component_val_t``) takes 32 bytes: its kind in the first one, its content from the eighth on. Zeroed
memory is a valid value (``false``) that owns nothing, which every step of the codec relies on: whatever fails half-way,
what was written so far can be freed.
"""

from __future__ import annotations

import ctypes
from enum import IntEnum
from struct import Struct, calcsize
from typing import Any

from wasmtime import _ffi

from engine.wit.types import Primitive

VALUE_SIZE = 32
CONTENT = 8
"""Offset of a value's content within it."""

NAME_SIZE = 16
FIELD_SIZE = NAME_SIZE + VALUE_SIZE
"""Size of a record's field, its name first."""

RESULT_PAYLOAD = 16
VARIANT_PAYLOAD = 24
"""Offset of the payload's pointer within the value; an option's lies at ``CONTENT``."""

MEMORY = memoryview((ctypes.c_ubyte * (1 << 62)).from_address(0)).cast("B")
"""This process's memory by address. Reading through it costs a quarter of what a ``ctypes`` struct costs."""

MEMORY_BYTES: Any = (ctypes.c_char * (1 << 62)).from_address(0)
"""The same; a slice of it is ``bytes``."""

SIZE_AND_DATA = Struct("=QQ")
"""What strings, lists, tuples, records and flags consist of."""

POINTER = Struct("=Q")


class Kind(IntEnum):
    """What the first byte of a value says."""

    BOOL = _ffi.WASMTIME_COMPONENT_BOOL.value
    S8 = _ffi.WASMTIME_COMPONENT_S8.value
    U8 = _ffi.WASMTIME_COMPONENT_U8.value
    S16 = _ffi.WASMTIME_COMPONENT_S16.value
    U16 = _ffi.WASMTIME_COMPONENT_U16.value
    S32 = _ffi.WASMTIME_COMPONENT_S32.value
    U32 = _ffi.WASMTIME_COMPONENT_U32.value
    S64 = _ffi.WASMTIME_COMPONENT_S64.value
    U64 = _ffi.WASMTIME_COMPONENT_U64.value
    F32 = _ffi.WASMTIME_COMPONENT_F32.value
    F64 = _ffi.WASMTIME_COMPONENT_F64.value
    CHAR = _ffi.WASMTIME_COMPONENT_CHAR.value
    STRING = _ffi.WASMTIME_COMPONENT_STRING.value
    LIST = _ffi.WASMTIME_COMPONENT_LIST.value
    RECORD = _ffi.WASMTIME_COMPONENT_RECORD.value
    TUPLE = _ffi.WASMTIME_COMPONENT_TUPLE.value
    VARIANT = _ffi.WASMTIME_COMPONENT_VARIANT.value
    ENUM = _ffi.WASMTIME_COMPONENT_ENUM.value
    OPTION = _ffi.WASMTIME_COMPONENT_OPTION.value
    RESULT = _ffi.WASMTIME_COMPONENT_RESULT.value
    FLAGS = _ffi.WASMTIME_COMPONENT_FLAGS.value
    RESOURCE = _ffi.WASMTIME_COMPONENT_RESOURCE.value


SCALAR_FORMATS = {
    Primitive.BOOL: "?",
    Primitive.S8: "b",
    Primitive.U8: "B",
    Primitive.S16: "h",
    Primitive.U16: "H",
    Primitive.S32: "i",
    Primitive.U32: "I",
    Primitive.S64: "q",
    Primitive.U64: "Q",
    Primitive.F32: "f",
    Primitive.F64: "d",
    Primitive.CHAR: "I",
}
"""``struct`` format of the content of every primitive but strings."""


def scalars_at(address: int, size: int, scalar_format: str) -> memoryview[Any]:
    """Return the contents of primitive values that lie side by side, at least one, as one view of them all."""
    width = calcsize(scalar_format)
    block: Any = MEMORY[address : address + VALUE_SIZE * size]
    return block.cast(scalar_format)[CONTENT // width :: VALUE_SIZE // width]  # type: ignore[no-any-return]
