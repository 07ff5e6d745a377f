"""What a component imports and exports, read from its own type section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from wasmtime import Engine, component
from wasmtime.component import _types as wasm_types

from engine.errors import InvalidComponent
from engine.wit.types import (
    BorrowType,
    Case,
    EnumType,
    Field,
    FlagsType,
    FunctionType,
    ListType,
    OptionType,
    OwnType,
    Param,
    Primitive,
    PrimitiveType,
    RecordType,
    ResultType,
    TupleType,
    VariantType,
    WitType,
)

ROOT = ""
"""Name of the interface that stands for functions imported or exported without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceOrigin:
    """Where a resource type is declared; a ``use`` in another interface only refers to it.

    Args:
        interface: Name of the declaring interface.
        name: The resource's name there.
        is_imported: Whether the component imports the resource; if not, it defines it itself.
    """

    interface: str
    name: str
    is_imported: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceShape:
    """What stands in an interface.

    Args:
        functions: Type of every function by its name, methods as ``[method]output-stream.write``.
        resources: Every resource type by the name it has here, declared or used.
    """

    functions: Mapping[str, FunctionType]
    resources: Mapping[str, ResourceOrigin]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentShape:
    """Interfaces by name, version included. ``ROOT`` holds functions that stand in no interface, if there are any."""

    imports: Mapping[str, InterfaceShape]
    exports: Mapping[str, InterfaceShape]


_Items: TypeAlias = "Mapping[str, wasm_types.ComponentExtern]"

MOST_FUNCTIONS = 1000
"""Of one interface; each takes a millisecond of the interpreter lock to read, verify and store."""


def describe(compiled: component.Component, engine: Engine) -> ComponentShape:
    """Return what a component imports and exports.

    Raises:
        InvalidComponent: If it uses types that the engine cannot pass, imports anything but functions, types and
            interfaces of these, or has more of them than `MOST_FUNCTIONS`.
    """
    reader = _Reader(engine)
    component_type = compiled.type
    imports = reader.read_side(component_type.imports(engine), is_import=True)
    exports = reader.read_side(component_type.exports(engine), is_import=False)
    return ComponentShape(imports=imports, exports=exports)


_PRIMITIVES: Mapping[type, Primitive] = {
    wasm_types.Bool: Primitive.BOOL,
    wasm_types.S8: Primitive.S8,
    wasm_types.U8: Primitive.U8,
    wasm_types.S16: Primitive.S16,
    wasm_types.U16: Primitive.U16,
    wasm_types.S32: Primitive.S32,
    wasm_types.U32: Primitive.U32,
    wasm_types.S64: Primitive.S64,
    wasm_types.U64: Primitive.U64,
    wasm_types.F32: Primitive.F32,
    wasm_types.F64: Primitive.F64,
    wasm_types.Char: Primitive.CHAR,
    wasm_types.String: Primitive.STRING,
}


class _Reader:
    """Reads one component; remembers the resource types met so far, whose identity only comparison tells."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._resources: list[tuple[component.ResourceType, ResourceOrigin]] = []

    def read_side(self, items: _Items, *, is_import: bool) -> Mapping[str, InterfaceShape]:
        interfaces: dict[str, InterfaceShape] = {}
        bare: dict[str, wasm_types.ComponentExtern] = {}
        for name, item in items.items():
            item_type = item.ty
            if isinstance(item_type, component.ComponentInstanceType):
                interfaces[name] = self._interface(name, item_type.exports(self._engine), is_import=is_import)
            elif isinstance(item_type, (component.ModuleType, component.ComponentType)):
                if is_import:
                    raise InvalidComponent(f"the component imports a whole module or component, {name}")
            else:
                bare[name] = item
        root = self._interface(ROOT, bare, is_import=is_import)
        if root.functions:
            interfaces[ROOT] = root
        return interfaces

    def _interface(self, interface: str, items: _Items, *, is_import: bool) -> InterfaceShape:
        if len(items) > MOST_FUNCTIONS:
            raise InvalidComponent(f"{interface} has {len(items)} functions and types; {MOST_FUNCTIONS} are allowed")
        functions: dict[str, FunctionType] = {}
        resources: dict[str, ResourceOrigin] = {}
        local: list[tuple[component.ResourceType, str]] = []
        # Resources first, as the functions' types refer to them.
        for name, item in items.items():
            item_type = item.ty
            if isinstance(item_type, component.ResourceType):
                origin = self._origin(item_type) or ResourceOrigin(
                    interface=interface, name=name, is_imported=is_import
                )
                resources[name] = origin
                self._resources.append((item_type, origin))
                local.append((item_type, name))
        for name, item in items.items():
            item_type = item.ty
            if isinstance(item_type, component.FuncType):
                functions[name] = self._function(f"{interface}.{name}", item_type, local)
        return InterfaceShape(functions=functions, resources=resources)

    def _origin(self, resource: component.ResourceType) -> ResourceOrigin | None:
        return next((origin for known, origin in self._resources if known == resource), None)

    def _function(
        self, name: str, function: component.FuncType, local: list[tuple[component.ResourceType, str]]
    ) -> FunctionType:
        def resource_name(resource: component.ResourceType) -> str:
            here = next((name for known, name in local if known == resource), None)
            if here is not None:
                return here
            origin = self._origin(resource)
            if origin is None:
                raise InvalidComponent(f"{name} uses a resource that no interface declares")
            return origin.name

        def read(wasm_type: wasm_types.ValType) -> WitType:
            match wasm_type:
                case wasm_types.ListType():
                    return ListType(read(wasm_type.element))
                case wasm_types.OptionType():
                    return OptionType(read(wasm_type.payload))
                case wasm_types.ResultType():
                    return ResultType(read_payload(wasm_type.ok), read_payload(wasm_type.err))
                case wasm_types.TupleType():
                    return TupleType(tuple(read(item) for item in wasm_type.elements))
                case wasm_types.RecordType():
                    return RecordType(tuple(Field(key, read(item)) for key, item in wasm_type.fields))
                case wasm_types.VariantType():
                    return VariantType(tuple(Case(key, read_payload(item)) for key, item in wasm_type.cases))
                case wasm_types.EnumType():
                    return EnumType(tuple(wasm_type.names))
                case wasm_types.FlagsType():
                    return FlagsType(tuple(wasm_type.names))
                case wasm_types.OwnType(ty=resource):
                    return OwnType(resource_name(resource))
                case wasm_types.BorrowType(ty=resource):
                    return BorrowType(resource_name(resource))
                case _ if type(wasm_type) in _PRIMITIVES:
                    return PrimitiveType(_PRIMITIVES[type(wasm_type)])
                case _:
                    kind = type(wasm_type).__name__.removesuffix("Type").lower()
                    raise InvalidComponent(f"{name} uses a {kind}, which this engine does not support")

        def read_payload(wasm_type: wasm_types.ValType | None) -> WitType | None:
            return None if wasm_type is None else read(wasm_type)

        try:
            return FunctionType(
                tuple(Param(key, read(item)) for key, item in function.params), read_payload(function.result)
            )
        except TypeError as error:
            raise InvalidComponent(f"{name} uses a type that this engine does not support: {error}") from error
