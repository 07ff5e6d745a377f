"""What a binary imports and exports, with names parsed: from the engine's introspection to the deployment's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.interface_codec import Interfaces
from engine.deployment.spec import FunctionSpec
from engine.errors import LinkError, NameSyntaxError
from engine.host.wasi.incoming_handler import handler_export
from engine.wasm.introspection import ROOT, ComponentShape, InterfaceShape
from engine.wit.names import FunctionName, InterfaceName
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
    PrimitiveType,
    RecordType,
    ResultType,
    TupleType,
    VariantType,
    WitType,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedShape:
    """Interfaces of a binary that have full names.

    Args:
        imports: Imported functions by interface.
        exports: Exported functions by interface. Functions and interfaces without a full name are left out: nobody
            can name them to call them.
        unnamed_imports: Names of what is imported without a full name; nobody can provide it.
    """

    imports: Interfaces
    exports: Interfaces
    unnamed_imports: tuple[str, ...]


def name_shape(shape: ComponentShape) -> NamedShape:
    """Return a binary's imports and exports by full name.

    Source:
        Obelisk reference, section 2.2: interfaces without a name are ignored.
    """
    imports, unnamed = _named(shape.imports)
    exports, _ = _named(shape.exports)
    return NamedShape(imports=imports, exports=exports, unnamed_imports=unnamed)


def offered_functions(exports: Interfaces) -> tuple[FunctionSpec, ...]:
    """Return the exported functions that others may call."""
    return tuple(
        FunctionSpec(name=FunctionName(interface, name), type=function)
        for interface, functions in exports.items()
        if interface.namespace != "wasi"  # entry points such as wasi:cli/run are for the host, not for others to call
        for name, function in functions.items()
    )


def handler_problem(exports: Interfaces) -> str | None:
    """Return why a binary cannot answer HTTP requests, or ``None``."""
    try:
        handler_export(map(str, exports))
    except LinkError as error:
        return str(error)
    return None


def _named(side: Mapping[str, InterfaceShape]) -> tuple[Interfaces, tuple[str, ...]]:
    named: dict[InterfaceName, Mapping[str, FunctionType]] = {}
    unnamed: list[str] = []
    for text, interface in side.items():
        if text == ROOT:
            unnamed += interface.functions
            continue
        try:
            named[InterfaceName.parse(text)] = _functions(interface)
        except NameSyntaxError:
            unnamed.append(text)
    return named, tuple(unnamed)


def _functions(interface: InterfaceShape) -> Mapping[str, FunctionType]:
    """Call resources by the name they have where they are declared, as a ``use`` may rename them."""
    declared = {here: origin.name for here, origin in interface.resources.items() if origin.name != here}
    if not declared:
        return interface.functions
    return {
        name: FunctionType(
            tuple(Param(param.name, _renamed(param.type, declared)) for param in function.params),
            _renamed_payload(function.result, declared),
        )
        for name, function in interface.functions.items()
    }


def _renamed_payload(wit_type: WitType | None, names: Mapping[str, str]) -> WitType | None:
    return None if wit_type is None else _renamed(wit_type, names)


def _renamed(wit_type: WitType, names: Mapping[str, str]) -> WitType:
    match wit_type:
        case OwnType(resource=resource):
            return OwnType(names.get(resource, resource))
        case BorrowType(resource=resource):
            return BorrowType(names.get(resource, resource))
        case ListType(element=element):
            return ListType(_renamed(element, names))
        case OptionType(some=some):
            return OptionType(_renamed(some, names))
        case ResultType(ok=ok, err=err):
            return ResultType(_renamed_payload(ok, names), _renamed_payload(err, names))
        case TupleType(items=items):
            return TupleType(tuple(_renamed(item, names) for item in items))
        case RecordType(fields=fields):
            return RecordType(
                tuple(Field(field.name, _renamed(field.type, names), field.may_be_missing) for field in fields)
            )
        case VariantType(cases=cases):
            return VariantType(tuple(Case(case.name, _renamed_payload(case.type, names)) for case in cases))
        case PrimitiveType() | EnumType() | FlagsType():
            return wit_type
