"""One interface of a WIT text, and the document that its interfaces refer to one another in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import count
from typing import TypeAlias, TypeVar, assert_never

from engine.wit.extensions import primary_of
from engine.wit.grammar import identifier
from engine.wit.names import FunctionName, InterfaceName
from engine.wit.obelisk_types import JOIN_SET_INTERFACE, JOIN_SET_RESOURCE, NAMED_TYPES
from engine.wit.types import (
    BorrowType,
    EnumType,
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

TypeNames: TypeAlias = Mapping[InterfaceName, Mapping[str, WitType]]
"""Names that authors gave to types, by interface and name."""

DeclaredType: TypeAlias = RecordType | VariantType | EnumType | FlagsType

_Node = TypeVar("_Node", InterfaceName, str)

_RESOURCE_FUNCTION = re.compile(r"\[(method|static|constructor|resource-drop)\]([^.]+)(?:\.(.+))?")

_NAMED_BY_IDENTITY = {
    id(wit_type): (home, name) for home, types in NAMED_TYPES.items() for name, wit_type in types.items()
}


def interface_path(name: InterfaceName) -> str:
    """Return the name of an interface as it must stand in WIT text."""
    version = f"@{name.version}" if name.version is not None else ""
    return f"{identifier(name.namespace)}:{identifier(name.package)}/{identifier(name.interface)}{version}"


class Document:
    """The interfaces of one text, in the order in which they were first mentioned."""

    def __init__(
        self, interfaces: Mapping[InterfaceName, Mapping[str, FunctionType]], type_names: TypeNames | None = None
    ) -> None:
        self._interfaces: dict[InterfaceName, Interface] = {}
        self._type_names = {} if type_names is None else type_names
        for name, functions in interfaces.items():
            self._interfaces[name] = Interface(name, functions, self)
        for interface in list(self._interfaces.values()):
            interface.describe_functions()

    def interfaces(self) -> Iterable[Interface]:
        """Return the given interfaces, and after them those that they use."""
        return self._interfaces.values()

    def interface(self, name: InterfaceName) -> Interface:
        """Return an interface, which is added if it was not given."""
        if name not in self._interfaces:
            self._interfaces[name] = Interface(name, {}, self)
        return self._interfaces[name]

    def type_names(self, name: InterfaceName) -> Mapping[WitType, str]:
        """Return the names of an interface's types, as far as their author gave them."""
        # Of two names for one type the first.
        return {wit_type: each for each, wit_type in reversed([*self._type_names.get(name, {}).items()])}

    def owner(self, resource: str, *, user: InterfaceName) -> InterfaceName | None:
        """Return the interface that a resource's name stands for where ``user`` mentions it, as far as one can tell."""
        owners = [name for name, interface in self._interfaces.items() if resource in interface.resources]
        owners.sort(key=lambda name: (name.namespace, name.package) != (user.namespace, user.package))
        if resource == JOIN_SET_RESOURCE:
            owners.insert(0, JOIN_SET_INTERFACE)
        return next((name for name in owners if not self._would_cycle(user, name)), None)

    def _would_cycle(self, user: InterfaceName, used: InterfaceName) -> bool:
        """Tell whether ``user`` must use nothing of ``used``: neither interfaces nor packages may refer in a circle."""
        if user.package_name == used.package_name:
            return _reaches(used, user, {name: set(each.uses) for name, each in self._interfaces.items()})
        packages: dict[str, set[str]] = {}
        for name, interface in self._interfaces.items():
            packages.setdefault(name.package_name, set()).update(home.package_name for home in interface.uses)
        return _reaches(used.package_name, user.package_name, packages)


class Interface:
    """Collects what the text of one interface consists of.

    Functions, types and resources of an interface share one space of names.
    """

    def __init__(self, name: InterfaceName, functions: Mapping[str, FunctionType], document: Document) -> None:
        self.name = name
        self.uses: dict[InterfaceName, dict[str, str]] = {}
        self.resources: dict[str, list[str]] = {}
        self._functions = functions
        self._document = document
        self._authored = document.type_names(name)
        self._declarations: list[str] = []
        self._function_lines: list[str] = []
        self._type_names: dict[DeclaredType, str] = {}
        self._local_resources: dict[str, str] = {}
        self._declared: set[str] = set()
        self._knows_obelisk = name.namespace == "obelisk" or name.is_extension
        self._taken = {function.lower() for function in functions} | set(NAMED_TYPES.get(name, {}))
        for function in functions:
            if (match := _RESOURCE_FUNCTION.fullmatch(function)) is not None:
                self.resources[match[2]] = []
                self._taken.add(match[2].lower())

    def lines(self) -> list[str]:
        """Return the interface as WIT text, not indented."""
        uses = [
            f"use {self._path_of(home)}.{{{', '.join(_used(name, alias) for name, alias in names.items())}}};"
            for home, names in self.uses.items()
        ]
        resources = [line for name, members in self.resources.items() for line in _block("resource", name, members)]
        parts = [part for part in (uses, self._declarations, resources, self._function_lines) if part]
        body = [line for part in parts for line in ("", *part)][1:]
        return [
            f"interface {identifier(self.name.interface)} {{",
            *(f"  {line}" if line else "" for line in body),
            "}",
        ]

    def describe_functions(self) -> None:
        """Turn the functions into text, declaring or using the types that they mention."""
        for name, function in self._functions.items():
            match = _RESOURCE_FUNCTION.fullmatch(name)
            if match is None:
                # So that a type has the same name beside the function and beside its companions.
                companion = primary_of(FunctionName(self.name, name))
                hint = name if companion is None else companion[1].function
                signature = self._signature(function.params, function.result, hint=hint)
                self._function_lines.append(f"{identifier(name)}: func{signature};")
            else:
                self.resources[match[2]] += self._member(match[1], match[2], match[3], function)

    def declare_named(self, name: str) -> None:
        """Declare one of the types that Obelisk gives this interface."""
        if name not in self._declared:
            self._declared.add(name)
            wit_type = NAMED_TYPES[self.name][name]
            assert isinstance(wit_type, DeclaredType)
            self._declare(name, wit_type)

    def _path_of(self, home: InterfaceName) -> str:
        # A package that names itself in full counts as a circle.
        return identifier(home.interface) if home.package_name == self.name.package_name else interface_path(home)

    def _member(self, kind: str, resource: str, name: str | None, function: FunctionType) -> list[str]:
        hint = resource if name is None else f"{resource}-{name}"
        match kind:
            case "method" if name is not None:
                return [f"{identifier(name)}: func{self._signature(function.params[1:], function.result, hint=hint)};"]
            case "static" if name is not None:
                return [
                    f"{identifier(name)}: static func{self._signature(function.params, function.result, hint=hint)};"
                ]
            case "constructor":
                result = None if function.result == OwnType(resource) else function.result
                return [f"constructor{self._signature(function.params, result, hint=hint)};"]
            case _:
                return []

    def _signature(self, params: tuple[Param, ...], result: WitType | None, *, hint: str) -> str:
        texts = [f"{identifier(param.name)}: {self._type(param.type, hint=param.name)}" for param in params]
        arrow = "" if result is None else f" -> {self._type(result, hint=f'{hint}-result')}"
        return f"({', '.join(texts)}){arrow}"

    def _type(self, wit_type: WitType, *, hint: str) -> str:
        match wit_type:
            case PrimitiveType(kind=kind):
                return kind.value
            case ListType(element=element):
                return f"list<{self._type(element, hint=hint)}>"
            case OptionType(some=some):
                return f"option<{self._type(some, hint=hint)}>"
            case ResultType(ok=None, err=None):
                return "result"
            case ResultType(ok=ok, err=err):
                first = "_" if ok is None else self._type(ok, hint=hint)
                error_hint = f"{hint.removesuffix('-result')}-error"
                return f"result<{first}>" if err is None else f"result<{first}, {self._type(err, hint=error_hint)}>"
            case TupleType(items=items):
                return f"tuple<{', '.join(self._type(item, hint=hint) for item in items)}>"
            case RecordType() | VariantType() | EnumType() | FlagsType():
                return identifier(self._type_name(wit_type, hint=hint))
            case OwnType(resource=resource):
                return identifier(self._resource_name(resource))
            case BorrowType(resource=resource):
                return f"borrow<{identifier(self._resource_name(resource))}>"
            case _:
                assert_never(wit_type)

    def _type_name(self, wit_type: DeclaredType, *, hint: str) -> str:
        if (named := self._obelisk_name(wit_type)) is not None:
            home, name = named
            self._document.interface(home).declare_named(name)
            return name if home == self.name else self._use(home, name)
        if wit_type not in self._type_names:
            self._type_names[wit_type] = name = self._free_name(self._authored.get(wit_type, hint))
            self._declare(name, wit_type)
        return self._type_names[wit_type]

    def _obelisk_name(self, wit_type: DeclaredType) -> tuple[InterfaceName, str] | None:
        """Return what Obelisk calls a type, and where.

        Some of its types are equal by structure; the engine's own signatures can be told apart by identity.
        """
        if not self._knows_obelisk:
            return None
        if (named := _NAMED_BY_IDENTITY.get(id(wit_type))) is not None:
            return named
        homes = (self.name, *(home for home in NAMED_TYPES if home.package == "types"))
        return next(
            ((home, name) for home in homes for name, known in NAMED_TYPES.get(home, {}).items() if known == wit_type),
            None,
        )

    def _declare(self, name: str, wit_type: DeclaredType) -> None:
        match wit_type:
            case RecordType(fields=fields):
                texts = [f"{identifier(field.name)}: {self._type(field.type, hint=field.name)}," for field in fields]
                self._declarations += _block("record", name, texts)
            case VariantType(cases=cases):
                texts = [
                    f"{identifier(case.name)},"
                    if case.type is None
                    else f"{identifier(case.name)}({self._type(case.type, hint=case.name)}),"
                    for case in cases
                ]
                self._declarations += _block("variant", name, texts)
            case EnumType(names=names):
                self._declarations += _block("enum", name, [f"{identifier(each)}," for each in names])
            case FlagsType(names=names):
                self._declarations += _block("flags", name, [f"{identifier(each)}," for each in names])
            case _:
                assert_never(wit_type)

    def _resource_name(self, resource: str) -> str:
        if resource in self.resources:
            return resource
        if resource not in self._local_resources:
            owner = self._document.owner(resource, user=self.name)
            if owner is None:
                # Nobody says where it comes from: a resource of its own keeps the text valid.
                self._local_resources[resource] = name = self._free_name(resource)
                self.resources[name] = []
            else:
                self._document.interface(owner).resources.setdefault(resource, [])
                self._local_resources[resource] = self._use(owner, resource)
        return self._local_resources[resource]

    def _use(self, home: InterfaceName, name: str) -> str:
        names = self.uses.setdefault(home, {})
        if name not in names:
            names[name] = self._free_name(name)
        return names[name]

    def _free_name(self, wanted: str) -> str:
        numbered = (f"{wanted}{number}" for number in count(2))
        name = (
            wanted if wanted.lower() not in self._taken else next(n for n in numbered if n.lower() not in self._taken)
        )
        self._taken.add(name.lower())
        return name


def _reaches(start: _Node, goal: _Node, edges: Mapping[_Node, set[_Node]]) -> bool:
    reached, new = set[_Node](), [start]
    while new:
        node = new.pop()
        if node not in reached:
            reached.add(node)
            new += edges.get(node, ())
    return goal in reached


def _block(keyword: str, name: str, lines: list[str]) -> list[str]:
    if not lines:
        return [f"{keyword} {identifier(name)};"]
    return [f"{keyword} {identifier(name)} {{", *(f"  {line}" for line in lines), "}"]


def _used(name: str, alias: str) -> str:
    return identifier(name) if name == alias else f"{identifier(name)} as {identifier(alias)}"
