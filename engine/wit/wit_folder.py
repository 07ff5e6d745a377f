"""A folder of WIT: the functions that its world exports, with the names that their author gave the types.

Source:
    The component model's WIT.md: files of one package beside each other, in ``deps`` those that it uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, assert_never

from engine.errors import TypeSyntaxError
from engine.wit.names import FunctionName, InterfaceName
from engine.wit.types import (
    MAX_TYPE_DEPTH,
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
from engine.wit.wit_source import InterfacePath, Mark, PackageName, Scope, SourceFile, SourceParser, read_source

DEPS = "deps"
MAX_PARTS = 10_000
"""Types that one type may consist of, counted each time they are mentioned: names make small texts of large types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthoredFunction:
    """A function as its author wrote it.

    Args:
        type: Its type.
        type_names: Its records, variants, enums and flags that have names, by name.
    """

    type: FunctionType
    type_names: Mapping[str, WitType]


@dataclass(frozen=True, slots=True)
class _Declared:
    type: WitType
    parts: int
    """How many types it consists of."""
    height: int
    """How deep they nest."""


class WitFolder:
    """A folder that was read.

    Args:
        files: Texts by path relative to the folder, such as ``world.wit`` and ``deps/other/types.wit``.
        place: What messages call the folder.

    Raises:
        TypeSyntaxError: If anything in the package itself is wrong; the message begins with path, line and column.
    """

    def __init__(self, files: Mapping[str, str], *, place: str) -> None:
        self.files: Final = dict(files)
        self._place = place
        self._packages: dict[PackageName, list[SourceFile]] = {}
        self._declared: dict[tuple[int, str], _Declared | None] = {}
        groups: dict[str, list[SourceFile]] = {}
        for path, text in sorted(files.items()):
            groups.setdefault(_group(path), []).append(read_source(f"{place}/{path}", text))
        if "" not in groups:
            raise TypeSyntaxError(f"{place}: there is no .wit file in it")
        for group, sources in groups.items():
            self._packages[self._package_of(group, sources)] = sources
        self._main = groups[""]
        for file in self._main:
            for scope in file.interfaces.values():
                for name in (*scope.types, *scope.uses):
                    self._named(file, scope, name, depth=0)
                for mark in scope.functions.values():
                    self._function(file, scope, mark)

    def exported(self, name: FunctionName) -> AuthoredFunction:
        """Return a function that the package's world exports.

        Raises:
            TypeSyntaxError: If it does not, or has not one world.
        """
        file, world = self._world()
        exports = self._exports(file, world)
        if name.interface not in exports:
            listed = ", ".join(map(str, exports)) or "nothing"
            raise TypeSyntaxError(f"{file.path}: the world {world.name} exports {listed}, not {name.interface}")
        home, scope = exports[name.interface]
        mark = scope.functions.get(name.function)
        if mark is None:
            listed = ", ".join(scope.functions) or "none"
            raise TypeSyntaxError(f"{home.path}: {name.interface} has no function {name.function}; it has {listed}")
        function = self._function(home, scope, mark)
        mentioned = set(_parts_of(function))
        named = {each: self._named(home, scope, each, depth=0).type for each in (*scope.types, *scope.uses)}
        return AuthoredFunction(
            type=function,
            type_names={each: wit_type for each, wit_type in named.items() if wit_type in mentioned},
        )

    def exported_names(self) -> tuple[FunctionName, ...]:
        """Return the names of the functions that the package's world exports, in the order of their declaration.

        Raises:
            TypeSyntaxError: If it has not one world, or an export of it is not there.
        """
        exports = self._exports(*self._world())
        return tuple(
            FunctionName(interface, function)
            for interface, (_, scope) in exports.items()
            for function in scope.functions
        )

    def _world(self) -> tuple[SourceFile, Scope]:
        worlds = [(file, world) for file in self._main for world in file.worlds.values()]
        if len(worlds) != 1:
            found = ", ".join(world.name for _, world in worlds) or "none"
            raise TypeSyntaxError(f"{self._place}: the package must have one world; it has {found}")
        return worlds[0]

    def _package_of(self, group: str, sources: list[SourceFile]) -> PackageName:
        names = {file.package for file in sources if file.package is not None}
        place = sources[0].path if group else self._place
        if len(names) != 1:
            found = "no file names" if not names else "its files name more than"
            raise TypeSyntaxError(f"{place}: {found} one package; write package namespace:name; in one of them")
        [package] = names
        if package in self._packages:
            raise TypeSyntaxError(f"{place}: the package {_written(package)} is there twice")
        for file in sources:
            file.package = package
        return package

    def _exports(self, file: SourceFile, world: Scope) -> dict[InterfaceName, tuple[SourceFile, Scope]]:
        found = {}
        worlds = [(file, world)]
        for home, included in worlds:
            for path in included.exports:
                source, scope = self._look_up(home, path, worlds=False)
                assert source.package is not None
                namespace, package, version = source.package
                found[InterfaceName(namespace, package, scope.name, version)] = (source, scope)
            more = [self._look_up(home, path, worlds=True) for path in included.includes]
            worlds += [each for each in more if each not in worlds]
        return found

    def _look_up(self, file: SourceFile, path: InterfacePath, *, worlds: bool) -> tuple[SourceFile, Scope]:
        if path.package is None:
            path = file.names.get(path.name, path)
        package = path.package or file.package
        assert package is not None
        if package not in self._packages:
            known = ", ".join(map(_written, self._packages))
            raise _error(path.mark, f"the package {_written(package)} is not in the folder {DEPS}; there are {known}")
        for source in self._packages[package]:
            scopes = source.worlds if worlds else source.interfaces
            if path.name in scopes:
                return source, scopes[path.name]
        what = "world" if worlds else "interface"
        raise _error(path.mark, f"the package {_written(package)} has no {what} `{path.name}`")

    def _function(self, file: SourceFile, scope: Scope, mark: Mark) -> FunctionType:
        return _Reader(self, file, scope, mark).function()

    def _named(self, file: SourceFile, scope: Scope, name: str, *, depth: int, mark: Mark | None = None) -> _Declared:
        """Return a type by the name that it has in an interface."""
        if depth > MAX_TYPE_DEPTH:
            raise _error(mark or scope.types[name], f"types refer to types more than {MAX_TYPE_DEPTH} times over")
        key = (id(scope), name)
        if key in self._declared:
            known = self._declared[key]
            if known is None:
                raise _error(mark or scope.types[name], f"the type `{name}` consists of itself")
            return known
        self._declared[key] = None
        if name in scope.uses:
            path, original = scope.uses[name]
            home, other = self._look_up(file, path, worlds=False)
            if original not in other.types and original not in other.uses:
                raise _error(path.mark, f"the interface `{other.name}` has no type `{original}`")
            found = self._named(home, other, original, depth=depth + 1, mark=path.mark)
        else:
            reader = _Reader(self, file, scope, scope.types[name], depth=depth)
            found = _Declared(reader.declaration(), reader.parts, reader.deepest - depth)
        self._declared[key] = found
        return found

    def named(self, file: SourceFile, scope: Scope, name: str, mark: Mark, *, depth: int) -> _Declared | None:
        """Return a type that a file mentions, ``None`` if there is none of that name."""
        if name not in scope.types and name not in scope.uses:
            return None
        return self._named(file, scope, name, depth=depth, mark=mark)


class _Reader(SourceParser):
    """Reads a type or a function whose text is known to stand at a place."""

    def __init__(self, folder: WitFolder, file: SourceFile, scope: Scope, mark: Mark, *, depth: int = 0) -> None:
        self.parts = 0
        self.deepest = depth
        self._folder = folder
        self._scope = scope
        super().__init__(file, at=mark.at, depth=depth)

    def function(self) -> FunctionType:
        """Read ``func(name: type, ..) -> type;``."""
        if self.word == "async":
            raise self.refusal("async functions are not supported", found=False)
        self.expect("func", context="and its parameters")
        self.expect("(", context="after `func`")
        params: list[Param] = []
        while self.word != ")":
            at, name = self.start, self.name()
            if name in {param.name for param in params}:
                self.start = at
                raise self.refusal(f"there are two parameters named `{name}`", found=False)
            self.expect(":", context=f"and a type after the parameter `{name}`")
            params.append(Param(name, self.type()))
            if self.word != ")":
                self.expect(",", context="or `)`")
        self.advance()
        result = None
        if self.word == "-":
            self.advance()
            self.expect(">", context="after `-`")
            result = self.type()
        self.expect(";", context="at the end of the function")
        return FunctionType(tuple(params), result)

    def declaration(self) -> WitType:
        """Read ``type name = ..;``, ``record name { .. }`` and the like."""
        kind = self.advance()
        name = self.name()
        match kind:
            case "type":
                self.expect("=", context="and a type")
                found = self.type()
                self.expect(";", context="at the end of the type")
                return found
            case "resource":
                return OwnType(name)
            case _:
                return self.members_of(kind)

    def type_here(self) -> WitType:
        """Read a type, and count it."""
        self._count(1, 0)
        return super().type_here()

    def named_type(self) -> WitType:
        """Read a type by its name."""
        mark = self.mark
        found = self._folder.named(self.file, self._scope, self.word.removeprefix("%"), mark, depth=self.depth)
        if found is None:
            raise self.unknown_type()
        self._count(found.parts, found.height)
        self.advance()
        return found.type

    def _count(self, parts: int, height: int) -> None:
        self.parts += parts
        if self.parts > MAX_PARTS:
            raise self.refusal(f"this type consists of more than {MAX_PARTS} types", found=False)
        self.deepest = max(self.deepest, self.depth + height)
        if self.deepest > MAX_TYPE_DEPTH:
            raise self.refusal(f"types nest deeper than {MAX_TYPE_DEPTH} levels", found=False)


def _parts_of(function: FunctionType) -> Iterator[WitType]:
    """Give every record, variant, enum and flags that a function's type consists of."""
    left = [param.type for param in function.params]
    left += [] if function.result is None else [function.result]
    while left:
        wit_type = left.pop()
        match wit_type:
            case RecordType(fields=fields):
                yield wit_type
                left += [each.type for each in fields]
            case VariantType(cases=cases):
                yield wit_type
                left += [case.type for case in cases if case.type is not None]
            case EnumType() | FlagsType():
                yield wit_type
            case ListType(element=inner) | OptionType(some=inner):
                left.append(inner)
            case TupleType(items=items):
                left += items
            case ResultType(ok=ok, err=err):
                left += [each for each in (ok, err) if each is not None]
            case PrimitiveType() | OwnType() | BorrowType():
                pass
            case _:
                assert_never(wit_type)


def _group(path: str) -> str:
    """Return which package a file belongs to: those beside each other, and each folder or file in ``deps``."""
    first, *rest = path.split("/")
    return f"{DEPS}/{rest[0]}" if first == DEPS and rest else ""


def _written(package: PackageName) -> str:
    namespace, name, version = package
    return f"{namespace}:{name}" + ("" if version is None else f"@{version}")


def _error(mark: Mark, problem: str) -> TypeSyntaxError:
    return SourceParser(mark.file, at=mark.at).refusal(problem, found=False)
