"""Writing primitives, and lists of them, which are written as a whole."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Callable, Sequence
from ctypes import addressof, create_string_buffer
from struct import Struct
from typing import Any, TypeAlias

from engine.errors import ValueMismatch
from engine.wasm import native
from engine.wasm.native import Address
from engine.wasm.value_memory import CONTENT, MEMORY, POINTER, SCALAR_FORMATS, VALUE_SIZE, Kind, scalars_at
from engine.wit.types import Primitive

Lowerer: TypeAlias = Callable[[Address, Any, Address], None]
"""``(store context, canonical value, address)``: write the value to zeroed memory. Whether that succeeds or raises,
what stands there afterwards is to be freed once, with ``native.value_delete``, by whoever owns the memory."""


def mismatch(expected: str, value: object) -> ValueMismatch:
    """Make the error for a value that is not of its type."""
    shown = repr(value)
    return ValueMismatch("", f"expected {expected}, got {shown if len(shown) <= 60 else shown[:60] + '...'}")


def within(part: str, inner: ValueMismatch) -> ValueMismatch:
    """Return an error about a part as one about the whole."""
    return ValueMismatch(part + inner.path, inner.problem)


def new_list(address: Address, size: int) -> Address:
    """Write a list of ``size`` blank values, and return where the first one stands."""
    native.list_new(address + CONTENT, size)
    MEMORY[address] = _LIST
    data: Address
    (data,) = POINTER.unpack_from(MEMORY, address + CONTENT + 8)
    return data


def primitive_lowerer(kind: Primitive) -> Lowerer:
    """Build the function that writes values of a primitive type."""
    match kind:
        case Primitive.STRING:
            return _lower_string
        case Primitive.CHAR:
            return _lower_char
        case Primitive.BOOL:
            return _lower_bool
        case Primitive.F32 | Primitive.F64:
            return _float_lowerer(kind)
        case _:
            return _integer_lowerer(kind)


def _scalar_packer(kind: Primitive) -> Callable[..., None]:
    return Struct(f"=B{CONTENT - 1}x{SCALAR_FORMATS[kind]}").pack_into


def _integer_lowerer(kind: Primitive) -> Lowerer:
    pack, tag = _scalar_packer(kind), Kind[kind.name].value

    def lower_integer(_context: Address, value: Any, address: Address) -> None:
        if type(value) is not int:
            raise mismatch(kind, value)
        try:
            pack(MEMORY, address, tag, value)
        except struct.error:
            raise mismatch(kind, value) from None

    return lower_integer


def _float_lowerer(kind: Primitive) -> Lowerer:
    pack, tag = _scalar_packer(kind), Kind[kind.name].value

    def lower_float(_context: Address, value: Any, address: Address) -> None:
        if type(value) is not float or (kind is Primitive.F32 and not _is_f32(value)):
            raise mismatch(kind, value)
        pack(MEMORY, address, tag, value if value == value else math.nan)

    return lower_float


_F32 = Struct("=f")


def _is_f32(value: float) -> bool:
    """Tell whether a number survives being stored in 32 bits."""
    try:
        (stored,) = _F32.unpack(_F32.pack(value))
    except OverflowError:
        return False
    return stored == value or value != value


_pack_bool = _scalar_packer(Primitive.BOOL)
_pack_char = _scalar_packer(Primitive.CHAR)
_BOOL, _CHAR, _STRING, _LIST = (kind.value for kind in (Kind.BOOL, Kind.CHAR, Kind.STRING, Kind.LIST))


def _lower_bool(_context: Address, value: Any, address: Address) -> None:
    if type(value) is not bool:
        raise mismatch("bool", value)
    _pack_bool(MEMORY, address, _BOOL, value)


def _code_point(value: Any) -> int:
    if type(value) is not str or len(value) != 1 or "\ud800" <= value <= "\udfff":
        raise mismatch("char", value)
    return ord(value)


def _lower_char(_context: Address, value: Any, address: Address) -> None:
    _pack_char(MEMORY, address, _CHAR, _code_point(value))


def _lower_string(_context: Address, value: Any, address: Address) -> None:
    if type(value) is not str:
        raise mismatch("string", value)
    try:
        encoded = value.encode()
    except UnicodeEncodeError:
        raise mismatch("string of Unicode scalar values", value) from None
    native.bytes_new(address + CONTENT, len(encoded), encoded)
    MEMORY[address] = _STRING


def scalar_list_lowerer(kind: Primitive) -> Lowerer:
    """Build the function that writes lists of a primitive type other than strings."""
    scalar = "B" if kind is Primitive.BOOL else SCALAR_FORMATS[kind]
    tag = bytes([Kind[kind.name].value])
    accepted = (list, bytes, bytearray) if kind is Primitive.U8 else (list,)
    lower_one = primitive_lowerer(kind)

    def lower_scalars(_context: Address, value: Any, address: Address) -> None:
        if type(value) not in accepted:
            raise mismatch("list", value)
        size = len(value)
        data = new_list(address, size)
        if not size:
            return
        content = _scalar_array(kind, scalar, value) if type(value) is list else value
        if content is None:
            raise _bad_item(lower_one, value)
        scalars_at(data, size, scalar)[:] = memoryview(content)
        MEMORY[data : data + VALUE_SIZE * size : VALUE_SIZE] = tag * size

    return lower_scalars


_PYTHON_TYPES = {Primitive.BOOL: bool, Primitive.CHAR: str, Primitive.F32: float, Primitive.F64: float}


def _scalar_array(kind: Primitive, scalar: str, values: list[Any]) -> array[Any] | None:
    """Return the contents as C has them, or ``None`` if one is not of its type."""
    if set(map(type, values)) != {_PYTHON_TYPES.get(kind, int)}:
        return None
    try:
        match kind:
            case Primitive.CHAR:
                return array(scalar, map(_code_point, values))
            case Primitive.F32 | Primitive.F64:
                if kind is Primitive.F32 and not all(map(_is_f32, values)):
                    return None
                return array(scalar, [value if value == value else math.nan for value in values])
            case _:
                return array(scalar, values)
    except (OverflowError, ValueMismatch):
        return None


def _bad_item(lower: Lowerer, values: Sequence[Any]) -> ValueMismatch:
    """Return the error for the first item that is not of its type."""
    scratch = create_string_buffer(VALUE_SIZE)
    for index, item in enumerate(values):
        try:
            lower(0, item, addressof(scratch))
        except ValueMismatch as inner:
            return within(f"[{index}]", inner)
    return mismatch("list", values)
