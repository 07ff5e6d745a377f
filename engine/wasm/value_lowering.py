"""From canonical values to wasmtime's, by functions that are built once per type."""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import addressof, c_void_p, create_string_buffer
from functools import lru_cache
from struct import Struct
from typing import Any, assert_never

from engine.errors import ValueMismatch, WasmError
from engine.wasm import native
from engine.wasm.native import Address
from engine.wasm.scalar_lowering import (
    Lowerer,
    mismatch,
    new_list,
    primitive_lowerer,
    scalar_list_lowerer,
    within,
)
from engine.wasm.value_memory import (
    CONTENT,
    FIELD_SIZE,
    MEMORY,
    NAME_SIZE,
    POINTER,
    RESULT_PAYLOAD,
    VALUE_SIZE,
    VARIANT_PAYLOAD,
    Kind,
)
from engine.wit.names import snake_name
from engine.wit.options import may_need_wrapping, unwrap_some
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

_pack_pointer = POINTER.pack_into
_read_pointer = POINTER.unpack_from

_RECORD = Kind.RECORD.value
_TUPLE = Kind.TUPLE.value
_VARIANT = Kind.VARIANT.value
_ENUM = Kind.ENUM.value
_OPTION = Kind.OPTION.value
_RESULT = Kind.RESULT.value
_FLAGS = Kind.FLAGS.value
_RESOURCE = Kind.RESOURCE.value


def make_lowerer(wit_type: WitType, *, resources: Mapping[str, int] | None = None) -> Lowerer:
    """Build the function that writes values of a type.

    Args:
        wit_type: The type.
        resources: Type id of every host resource by the name the type gives it.

    Returns:
        A function that is safe to call from any thread. It raises ``ValueMismatch``, with the path within the value,
        for anything but a canonical value of the type; a ``list<u8>`` may be ``bytes`` as well.
    """
    known = resources or {}
    match wit_type:
        case PrimitiveType(kind=kind):
            return primitive_lowerer(kind)
        case ListType(element=element):
            return _list_lowerer(element, known)
        case TupleType(items=items):
            return _tuple_lowerer([make_lowerer(item, resources=known) for item in items])
        case RecordType(fields=fields):
            return _record_lowerer([(field.name, make_lowerer(field.type, resources=known)) for field in fields])
        case VariantType(cases=cases):
            return _variant_lowerer(cases, known)
        case EnumType(names=names):
            return _enum_lowerer(names)
        case FlagsType(names=names):
            return _flags_lowerer(names)
        case OptionType(some=some):
            return _option_lowerer(some, known)
        case ResultType(ok=ok, err=err):
            return _result_lowerer(ok, err, known)
        case OwnType(resource=resource):
            return _handle_lowerer(resource, known, owned=True)
        case BorrowType(resource=resource):
            return _handle_lowerer(resource, known, owned=False)
        case _:
            assert_never(wit_type)


def owns_memory(wit_type: WitType) -> bool:
    """Tell whether a value of the type has anything to free."""
    return not (isinstance(wit_type, PrimitiveType) and wit_type.kind is not Primitive.STRING)


class _Template:
    """A value with names and boxes in place, which lowering copies in one call and then fills in."""

    __slots__ = ("_memory", "address")

    def __init__(self) -> None:
        self._memory = create_string_buffer(VALUE_SIZE)
        self.address = addressof(self._memory)

    def __del__(self) -> None:
        native.value_delete(self.address)


def _blank_box() -> Address:
    """Make a boxed value for a template to own."""
    blank = create_string_buffer(VALUE_SIZE)
    box: Address = native.value_new(addressof(blank))
    return box


def _set_name(address: Address, name: str) -> None:
    encoded = name.encode()
    native.bytes_new(address, len(encoded), encoded)


def _list_lowerer(element: WitType, resources: Mapping[str, int]) -> Lowerer:
    if isinstance(element, PrimitiveType) and element.kind is not Primitive.STRING:
        return scalar_list_lowerer(element.kind)
    lower = make_lowerer(element, resources=resources)

    def lower_list(context: Address, value: Any, address: Address) -> None:
        if type(value) is not list:
            raise mismatch("list", value)
        size = len(value)
        data = at = new_list(address, size)
        try:
            # Bounded by what was allocated, should another thread make the list grow meanwhile.
            for item, at in zip(value, range(data, data + VALUE_SIZE * size, VALUE_SIZE), strict=False):
                lower(context, item, at)
        except ValueMismatch as inner:
            raise within(f"[{(at - data) // VALUE_SIZE}]", inner) from None

    return lower_list


def _tuple_lowerer(items: list[Lowerer]) -> Lowerer:
    lowerers = tuple((lower, VALUE_SIZE * index) for index, lower in enumerate(items))
    size = len(items)

    def lower_tuple(context: Address, value: Any, address: Address) -> None:
        if type(value) is not list or len(value) != size:
            raise mismatch(f"tuple of {size}", value)
        native.tuple_new(address + CONTENT, size)
        MEMORY[address] = _TUPLE
        (data,) = _read_pointer(MEMORY, address + CONTENT + 8)
        index = 0
        try:
            for item in value:
                lower, offset = lowerers[index]
                lower(context, item, data + offset)
                index += 1
        except ValueMismatch as inner:
            raise within(f"[{index}]", inner) from None

    return lower_tuple


def _record_lowerer(fields: list[tuple[str, Lowerer]]) -> Lowerer:
    template = _Template()
    native.record_new(template.address + CONTENT, len(fields))
    MEMORY[template.address] = _RECORD
    (data,) = _read_pointer(MEMORY, template.address + CONTENT + 8)
    for index, (name, _) in enumerate(fields):
        _set_name(data + FIELD_SIZE * index, name)
    parts = tuple(
        (snake_name(name), lower, NAME_SIZE + FIELD_SIZE * index) for index, (name, lower) in enumerate(fields)
    )

    def lower_record(context: Address, value: Any, address: Address) -> None:
        if type(value) is not dict or len(value) != len(parts):
            raise mismatch(f"record of {[key for key, _, _ in parts]}", value)
        native.value_clone(template.address, address)
        (data,) = _read_pointer(MEMORY, address + CONTENT + 8)
        key = ""
        try:
            for key, lower, offset in parts:
                lower(context, value[key], data + offset)
        except ValueMismatch as inner:
            raise within(f".{key}", inner) from None
        except KeyError:
            if key in value:
                raise
            raise ValueMismatch("", f"field {key} is missing") from None

    return lower_record


def _variant_lowerer(cases: tuple[Case, ...], resources: Mapping[str, int]) -> Lowerer:
    known: dict[str, tuple[_Template, Lowerer | None]] = {}
    for case in cases:
        template = _Template()
        _set_name(template.address + CONTENT, case.name)
        _pack_pointer(MEMORY, template.address + VARIANT_PAYLOAD, 0 if case.type is None else _blank_box())
        MEMORY[template.address] = _VARIANT
        lower = None if case.type is None else make_lowerer(case.type, resources=resources)
        known[snake_name(case.name)] = (template, lower)

    def lower_variant(context: Address, value: Any, address: Address) -> None:
        payload: Any = None
        has_payload = type(value) is dict and len(value) == 1
        if has_payload:
            ((name, payload),) = value.items()
        else:
            name = value
        template, lower = known.get(name, _NO_CASE) if type(name) is str else _NO_CASE
        if template is None or has_payload is (lower is None):
            raise mismatch(f"variant of {list(known)}", value)
        native.value_clone(template.address, address)
        if lower is not None:
            (box,) = _read_pointer(MEMORY, address + VARIANT_PAYLOAD)
            try:
                lower(context, payload, box)
            except ValueMismatch as inner:
                raise within(f".{name}", inner) from None

    return lower_variant


_NO_CASE: tuple[None, None] = (None, None)


@lru_cache(maxsize=256)
def _enum_lowerer(names: tuple[str, ...]) -> Lowerer:
    # Kept, since WASI's error codes are part of the types of most of its functions.
    known: dict[str, _Template] = {}
    for name in names:
        template = _Template()
        _set_name(template.address + CONTENT, name)
        MEMORY[template.address] = _ENUM
        known[snake_name(name)] = template

    def lower_enum(_context: Address, value: Any, address: Address) -> None:
        template = known.get(value) if type(value) is str else None
        if template is None:
            raise mismatch(f"enum of {list(known)}", value)
        native.value_clone(template.address, address)

    return lower_enum


def _flags_lowerer(names: tuple[str, ...]) -> Lowerer:
    known = {snake_name(name): name for name in names}

    def lower_flags(_context: Address, value: Any, address: Address) -> None:
        if type(value) is not list or not all(type(name) is str and name in known for name in value):
            raise mismatch(f"flags of {list(known)}", value)
        chosen = [known[name] for name in value]
        if len(set(chosen)) != len(chosen):
            raise ValueMismatch("", f"duplicate flag in {value}")
        native.flags_new(address + CONTENT, len(chosen))
        MEMORY[address] = _FLAGS
        (data,) = _read_pointer(MEMORY, address + CONTENT + 8)
        for index, name in enumerate(chosen):
            _set_name(data + NAME_SIZE * index, name)

    return lower_flags


def _option_lowerer(some: WitType, resources: Mapping[str, int]) -> Lowerer:
    lower = make_lowerer(some, resources=resources)
    wraps = may_need_wrapping(some)
    pack_absent = Struct("=B7xQ").pack_into
    template = _Template()
    _pack_pointer(MEMORY, template.address + CONTENT, _blank_box())
    MEMORY[template.address] = _OPTION

    def lower_option(context: Address, value: Any, address: Address) -> None:
        if value is None:
            pack_absent(MEMORY, address, _OPTION, 0)
            return
        native.value_clone(template.address, address)
        (box,) = _read_pointer(MEMORY, address + CONTENT)
        lower(context, unwrap_some(value) if wraps else value, box)

    return lower_option


def _result_lowerer(ok: WitType | None, err: WitType | None, resources: Mapping[str, int]) -> Lowerer:
    known: dict[str, tuple[_Template, Lowerer | None]] = {}
    for key, payload_type in (("ok", ok), ("err", err)):
        template = _Template()
        MEMORY[template.address + CONTENT] = key == "ok"
        _pack_pointer(MEMORY, template.address + RESULT_PAYLOAD, 0 if payload_type is None else _blank_box())
        MEMORY[template.address] = _RESULT
        lower = None if payload_type is None else make_lowerer(payload_type, resources=resources)
        known[key] = (template, lower)

    def lower_result(context: Address, value: Any, address: Address) -> None:
        if type(value) is not dict or len(value) != 1:
            raise mismatch("result", value)
        ((key, payload),) = value.items()
        template, lower = known.get(key, _NO_CASE)
        if template is None or (lower is None and payload is not None):
            raise mismatch("result", value)
        native.value_clone(template.address, address)
        if lower is not None:
            (box,) = _read_pointer(MEMORY, address + RESULT_PAYLOAD)
            try:
                lower(context, payload, box)
            except ValueMismatch as inner:
                raise within(f".{key}", inner) from None

    return lower_result


def _handle_lowerer(resource: str, resources: Mapping[str, int], *, owned: bool) -> Lowerer:
    type_id = resources.get(resource)

    def lower_handle(context: Address, value: Any, address: Address) -> None:
        if type_id is None:
            raise WasmError(f"resource {resource} is not defined by the host, so the host cannot hand it over")
        if type(value) is not int or not 0 <= value < 1 << 32:
            raise mismatch(f"representation of {resource}", value)
        handle = c_void_p()
        host = native.host_resource_new(owned, value, type_id)
        error = native.host_resource_to_any(context, host, addressof(handle))
        native.host_resource_delete(host)
        if error:
            raise WasmError(f"cannot hand over a {resource}: {native.take_error(error)}")
        _pack_pointer(MEMORY, address + CONTENT, handle.value)
        MEMORY[address] = _RESOURCE

    return lower_handle
