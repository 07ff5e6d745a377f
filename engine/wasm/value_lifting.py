"""From wasmtime's values to canonical ones, by functions that are built once per type."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from ctypes import addressof, c_void_p
from struct import Struct
from typing import Any, TypeAlias, assert_never

from engine.errors import WasmError
from engine.wasm import native
from engine.wasm.native import Address
from engine.wasm.value_memory import (
    CONTENT,
    FIELD_SIZE,
    MEMORY,
    MEMORY_BYTES,
    NAME_SIZE,
    POINTER,
    RESULT_PAYLOAD,
    SCALAR_FORMATS,
    SIZE_AND_DATA,
    VALUE_SIZE,
    VARIANT_PAYLOAD,
    scalars_at,
)
from engine.wit.names import snake_name
from engine.wit.options import JsonValue, may_need_wrapping, wrap_some
from engine.wit.types import (
    BorrowType,
    Case,
    EnumType,
    FlagsType,
    ListType,
    OptionType,
    OwnType,
    Primitive,
    PrimitiveType,
    RecordType,
    ResultType,
    TupleType,
    VariantType,
    WitType,
)

Lifter: TypeAlias = Callable[[Address, Address], Any]
"""``(store context, address of the value) -> canonical value``. The value itself is left as it is, to be freed by its
owner. Handles become their representation: a borrow is given back by that, an owned one is the host's from then on."""

SequenceLifter: TypeAlias = Callable[[Address, Address], Sequence[Any]]

_UNCHANGED = frozenset(SCALAR_FORMATS) - {Primitive.F32, Primitive.F64, Primitive.CHAR}
"""Primitives whose content, as ``struct`` reads it, is the canonical value."""


def make_lifter(wit_type: WitType, *, octets: bool = False) -> Lifter:
    """Build the function that reads values of a type.

    Args:
        wit_type: The type.
        octets: Give every ``list<u8>`` as ``bytes`` instead of a list of integers.

    Returns:
        A function that is safe to call from any thread. It trusts the value to be of the type, as wasmtime checks that,
        and raises ``WasmError`` for a handle whose resource is not the host's.
    """
    match wit_type:
        case PrimitiveType(kind=kind):
            return _primitive_lifter(kind)
        case ListType(element=element):
            return _list_lifter(element, octets=octets)
        case TupleType(items=items):
            lift_items = _behind_pointer(make_sequence_lifter(items, octets=octets))
            return lambda context, address: list(lift_items(context, address))
        case RecordType(fields=fields):
            return _record_lifter(
                [snake_name(field.name) for field in fields], [field.type for field in fields], octets=octets
            )
        case VariantType(cases=cases):
            return _variant_lifter(cases, octets=octets)
        case EnumType(names=names):
            return _enum_lifter(names)
        case FlagsType(names=names):
            return _flags_lifter(names)
        case OptionType(some=some):
            return _option_lifter(some, octets=octets)
        case ResultType(ok=ok, err=err):
            return _result_lifter(ok, err, octets=octets)
        case OwnType() | BorrowType():
            return _lift_handle
        case _:
            assert_never(wit_type)


def make_sequence_lifter(
    types: Sequence[WitType], *, stride: int = VALUE_SIZE, first: int = 0, octets: bool = False
) -> SequenceLifter:
    """Build the function that reads values lying one after another, as arguments, tuples and records do.

    Args:
        types: Type of each value.
        stride: Distance from one value to the next, in bytes.
        first: Offset of the first value.
        octets: As for ``make_lifter``.
    """
    if all(isinstance(t, PrimitiveType) and t.kind in _UNCHANGED for t in types):
        # The common case of plain numbers is one read for all of them.
        parts = ["="]
        position = 0
        for index, member in enumerate(types):
            assert isinstance(member, PrimitiveType)
            scalar = SCALAR_FORMATS[member.kind]
            at = first + stride * index + CONTENT
            parts.append(f"{at - position}x{scalar}")
            position = at + Struct("=" + scalar).size
        unpack = Struct("".join(parts)).unpack_from
        return lambda _context, address: unpack(MEMORY, address)
    lifters = tuple((make_lifter(member, octets=octets), first + stride * index) for index, member in enumerate(types))
    if len(lifters) == 1:
        ((lift, offset),) = lifters
        return lambda context, address: (lift(context, address + offset),)
    return lambda context, address: [lift(context, address + offset) for lift, offset in lifters]


def _primitive_lifter(kind: Primitive) -> Lifter:
    if kind is Primitive.STRING:
        return _lift_string
    unpack = Struct(f"={CONTENT}x{SCALAR_FORMATS[kind]}").unpack_from
    match kind:
        case Primitive.F32 | Primitive.F64:

            def lift_float(_context: Address, address: Address) -> float:
                (value,) = unpack(MEMORY, address)
                return value if value == value else math.nan  # a NaN has a payload there

            return lift_float
        case Primitive.CHAR:
            return lambda _context, address: chr(unpack(MEMORY, address)[0])
        case _:
            return lambda _context, address: unpack(MEMORY, address)[0]


_read_size_and_data = SIZE_AND_DATA.unpack_from
_read_pointer = POINTER.unpack_from


def _name_at(address: Address) -> bytes:
    size, data = _read_size_and_data(MEMORY, address)
    name: bytes = MEMORY_BYTES[data : data + size]
    return name


def _lift_string(_context: Address, address: Address) -> str:
    size, data = _read_size_and_data(MEMORY, address + CONTENT)
    text: str = MEMORY_BYTES[data : data + size].decode()
    return text


def _list_lifter(element: WitType, *, octets: bool) -> Lifter:
    if isinstance(element, PrimitiveType):
        if octets and element.kind is Primitive.U8:
            return _lift_octets
        if element.kind is not Primitive.STRING:
            return _scalar_list_lifter(element.kind)
    lift = make_lifter(element, octets=octets)

    def lift_list(context: Address, address: Address) -> list[JsonValue]:
        size, data = _read_size_and_data(MEMORY, address + CONTENT)
        return [lift(context, at) for at in range(data, data + VALUE_SIZE * size, VALUE_SIZE)]

    return lift_list


def _lift_octets(_context: Address, address: Address) -> bytes:
    size, data = _read_size_and_data(MEMORY, address + CONTENT)
    octets: bytes = MEMORY_BYTES[data : data + VALUE_SIZE * size][CONTENT::VALUE_SIZE]
    return octets


def _scalar_list_lifter(kind: Primitive) -> Lifter:
    scalar = SCALAR_FORMATS[kind]

    def lift_scalars(_context: Address, address: Address) -> list[Any]:
        size, data = _read_size_and_data(MEMORY, address + CONTENT)
        return scalars_at(data, size, scalar).tolist() if size else []

    match kind:
        case Primitive.F32 | Primitive.F64:
            return lambda context, address: [
                value if value == value else math.nan for value in lift_scalars(context, address)
            ]
        case Primitive.CHAR:
            return lambda context, address: [*map(chr, lift_scalars(context, address))]
        case _:
            return lift_scalars


def _behind_pointer(lift: SequenceLifter) -> SequenceLifter:
    """Read what the ``data`` of a tuple or record points to."""

    def lift_pointed_to(context: Address, address: Address) -> Sequence[Any]:
        (data,) = _read_pointer(MEMORY, address + CONTENT + 8)
        return lift(context, data)

    return lift_pointed_to


def _record_lifter(keys: list[str], types: list[WitType], *, octets: bool) -> Lifter:
    lift_fields = _behind_pointer(make_sequence_lifter(types, stride=FIELD_SIZE, first=NAME_SIZE, octets=octets))
    return lambda context, address: dict(zip(keys, lift_fields(context, address), strict=True))


def _variant_lifter(cases: tuple[Case, ...], *, octets: bool) -> Lifter:
    known = {
        case.name.encode(): (
            snake_name(case.name),
            None if case.type is None else make_lifter(case.type, octets=octets),
        )
        for case in cases
    }

    def lift_variant(context: Address, address: Address) -> JsonValue:
        key, lift = known[_name_at(address + CONTENT)]
        if lift is None:
            return key
        (payload,) = _read_pointer(MEMORY, address + VARIANT_PAYLOAD)
        return {key: lift(context, payload)}

    return lift_variant


def _enum_lifter(names: tuple[str, ...]) -> Lifter:
    known = {name.encode(): snake_name(name) for name in names}
    return lambda _context, address: known[_name_at(address + CONTENT)]


def _flags_lifter(names: tuple[str, ...]) -> Lifter:
    known = {name.encode(): snake_name(name) for name in names}

    def lift_flags(_context: Address, address: Address) -> list[str]:
        size, data = _read_size_and_data(MEMORY, address + CONTENT)
        return [known[_name_at(at)] for at in range(data, data + NAME_SIZE * size, NAME_SIZE)]

    return lift_flags


def _option_lifter(some: WitType, *, octets: bool) -> Lifter:
    lift = make_lifter(some, octets=octets)
    wraps = may_need_wrapping(some)

    def lift_option(context: Address, address: Address) -> JsonValue:
        (payload,) = _read_pointer(MEMORY, address + CONTENT)
        if not payload:
            return None
        value: JsonValue = lift(context, payload)
        return wrap_some(value) if wraps else value

    return lift_option


def _result_lifter(ok: WitType | None, err: WitType | None, *, octets: bool) -> Lifter:
    lift_ok = _lift_unit if ok is None else make_lifter(ok, octets=octets)
    lift_err = _lift_unit if err is None else make_lifter(err, octets=octets)
    unpack = Struct(f"={CONTENT}x?{RESULT_PAYLOAD - CONTENT - 1}xQ").unpack_from

    def lift_result(context: Address, address: Address) -> JsonValue:
        is_ok, payload = unpack(MEMORY, address)
        return {"ok": lift_ok(context, payload)} if is_ok else {"err": lift_err(context, payload)}

    return lift_result


def _lift_unit(_context: Address, _address: Address) -> None:
    return None


def _lift_handle(context: Address, address: Address) -> int:
    (handle,) = _read_pointer(MEMORY, address + CONTENT)
    resource = c_void_p()
    error = native.resource_to_host(context, handle, addressof(resource))
    if error:
        raise WasmError(f"cannot read a resource handle: {native.take_error(error)}")
    rep: int = native.host_resource_rep(resource.value)
    native.host_resource_delete(resource.value)
    return rep
