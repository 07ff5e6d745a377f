"""One file of WIT, read up to where its types and functions stand.

The types themselves are read when they are wanted (`engine.wit.wit_folder`): WIT may use a name before it declares it.

Source:
    The component model's WIT.md. Left out: packages within a file, ``with`` of an ``include``, and what only matters to
    those who generate code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.wit.grammar import TypeParser

_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_COMMENT_MARK = re.compile(r"//|/\*|\*/")
_INLINE = ("interface", "func", "async")
_TYPES = ("type", "record", "variant", "enum", "flags", "resource")

PackageName = tuple[str, str, str | None]
"""Namespace, name and version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A place in a file, from which it can be read on."""

    file: SourceFile
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfacePath:
    """An interface as a file mentions it.

    Args:
        mark: Where.
        package: Whose it is; ``None`` for the file's own package, or for a name that the file gave it.
        name: Its name.
    """

    mark: Mark
    package: PackageName | None
    name: str


@dataclass(slots=True, kw_only=True)
class Scope:
    """What stands between the braces of an interface or a world.

    Args:
        name: Its name.
        types: Where its types are declared.
        functions: Where the types of its functions stand; of an interface only.
        uses: Types of other interfaces: the interface, and the name there, by the name here.
        exports: Named interfaces that a world exports.
        includes: Worlds whose exports a world has too.
    """

    name: str
    types: dict[str, Mark] = field(default_factory=dict)
    functions: dict[str, Mark] = field(default_factory=dict)
    uses: dict[str, tuple[InterfacePath, str]] = field(default_factory=dict)
    exports: list[InterfacePath] = field(default_factory=list)
    includes: list[InterfacePath] = field(default_factory=list)


@dataclass(slots=True, kw_only=True, eq=False)
class SourceFile:
    """A file that was read.

    Args:
        path: What messages call it.
        text: Its text, with blanks where comments were.
        package: What it says its package is, if it does.
        interfaces: Its interfaces, by name.
        worlds: Its worlds, by name.
        names: Interfaces that it gave a name of its own.
    """

    path: str
    text: str
    package: PackageName | None = None
    interfaces: dict[str, Scope] = field(default_factory=dict)
    worlds: dict[str, Scope] = field(default_factory=dict)
    names: dict[str, InterfacePath] = field(default_factory=dict)


def read_source(path: str, text: str) -> SourceFile:
    """Read a file.

    Args:
        path: What messages call it.
        text: Its text.

    Raises:
        TypeSyntaxError: If it is no WIT; the message begins with path, line and column.
    """
    file = SourceFile(path=path, text=text)
    file.text = _without_comments(file)
    _Scanner(file).scan()
    return file


class SourceParser(TypeParser):
    """Reads in a file; errors name path, line and column.

    Args:
        file: The file.
        at: Where in it to begin.
        depth: How deep what is read will be nested already.
    """

    def __init__(self, file: SourceFile, *, at: int = 0, depth: int = 0) -> None:
        self.file = file
        super().__init__(file.text, at=at, depth=depth)

    def place(self, *, line: int, column: int) -> str:
        """Return what messages call a place in the file."""
        return f"{self.file.path}:{line}:{column}"

    @property
    def mark(self) -> Mark:
        """The current token's place."""
        return Mark(file=self.file, at=self.start)

    def interface_path(self) -> InterfacePath:
        """Read ``name`` or ``namespace:package/name@version``; or ``name:``, with what it names in place behind it."""
        mark, name = self.mark, self.name()
        if self.word != ":":
            return InterfacePath(mark=mark, package=None, name=name)
        self.advance()
        if self.word in _INLINE:
            return InterfacePath(mark=mark, package=None, name=name)
        package = self.name()
        self.expect("/", context="and an interface after the package")
        interface = self.name()
        return InterfacePath(mark=mark, package=(name, package, self.version()), name=interface)

    def version(self) -> str | None:
        """Read ``@1.2.3``, if it is there."""
        if self.word != "@":
            return None
        found = _VERSION.match(self.text, self.end)
        if found is None:
            raise self.refusal("expected a version such as @1.0.0", found=False)
        self.end = found.end()
        self.advance()
        return found[0]


class _Scanner(SourceParser):
    def scan(self) -> None:
        while self.word:
            self.skip_annotations()
            match self.word:
                case "package":
                    self.package()
                case "use":
                    self.named_interface()
                case "interface":
                    self.advance()
                    scope = self.scope(self.file.interfaces)
                    self.items(scope, self.interface_item)
                case "world":
                    self.advance()
                    scope = self.scope(self.file.worlds)
                    self.items(scope, self.world_item)
                case _:
                    raise self.refusal("expected `package`, `use`, `interface` or `world`")

    def package(self) -> None:
        if self.file.package is not None:
            raise self.refusal("the file names its package twice", found=False)
        self.advance()
        namespace = self.name()
        self.expect(":", context="and the package's name after its namespace")
        name = self.name()
        self.file.package = (namespace, name, self.version())
        if self.word == "{":
            raise self.refusal("packages within a file are not supported; put each into a folder of deps", found=False)
        self.end_of_item()

    def named_interface(self) -> None:
        self.advance()
        path = self.interface_path()
        name = path.name
        if self.word == "as":
            self.advance()
            name = self.name()
        self.file.names[name] = path
        self.end_of_item()

    def scope(self, scopes: dict[str, Scope]) -> Scope:
        at = self.start
        name = self.name()
        if name in self.file.interfaces or name in self.file.worlds:
            self.start = at
            raise self.refusal(f"the name `{name}` is taken in this file", found=False)
        scopes[name] = scope = Scope(name=name)
        return scope

    def items(self, scope: Scope, item: Callable[[Scope], None]) -> None:
        self.expect("{", context="after the name")
        while self.word != "}":
            self.skip_annotations()
            if self.word == "use":
                self.use(scope)
            elif self.word in _TYPES:
                self.declaration(scope)
            else:
                item(scope)
        self.advance()

    def interface_item(self, scope: Scope) -> None:
        at = self.start
        name = self.name()
        if name in scope.functions:
            self.start = at
            raise self.refusal(f"the function `{name}` is declared twice", found=False)
        self.expect(":", context="and a function after the name")
        scope.functions[name] = self.mark
        self.skip_to_end()

    def world_item(self, scope: Scope) -> None:
        at, kind = self.start, self.advance()
        match kind:
            case "include":
                scope.includes.append(self.interface_path())
            case "export":
                path = self.interface_path()
                # Others are described in place, and have no name by which they could be called.
                if self.word == ";":
                    scope.exports.append(path)
            case "import":
                pass
            case _:
                self.start = at
                raise self.refusal(
                    f"`{kind[:60]}` is no item of a world; expected `import`, `export`, `include`, `use` or a type",
                    found=False,
                )
        self.skip_to_end()

    def use(self, scope: Scope) -> None:
        self.advance()
        path = self.interface_path()
        self.expect(".", context="and the names of types, as in use types.{a, b}")
        for original, name in self.sequence("{", "}", self.used, what="a name", context="after `use`"):
            self.new_name(scope, name)
            scope.uses[name] = (path, original)
        self.end_of_item()

    def used(self) -> tuple[str, str]:
        original = self.name()
        if self.word != "as":
            return original, original
        self.advance()
        return original, self.name()

    def declaration(self, scope: Scope) -> None:
        mark = self.mark
        self.advance()
        name = self.name()
        self.new_name(scope, name)
        scope.types[name] = mark
        self.skip_to_end()

    def new_name(self, scope: Scope, name: str) -> None:
        if name in scope.types or name in scope.uses:
            raise self.refusal(f"the type `{name}` is declared twice in `{scope.name}`", found=False)

    def skip_annotations(self) -> None:
        while self.word == "@":
            self.advance()
            self.name()
            if self.word == "(":
                self.skip_braces("(", ")")

    def skip_to_end(self) -> None:
        """Move behind the item's semicolon, or its closing brace."""
        while self.word not in ("", ";", "{", "}"):
            self.advance()
        if self.word == "{":
            self.skip_braces("{", "}")
            if self.word == ";":
                self.advance()
        else:
            self.end_of_item()

    def skip_braces(self, opening: str, closing: str) -> None:
        at, depth = self.start, 0
        while self.word:
            depth += (self.word == opening) - (self.word == closing)
            self.advance()
            if not depth:
                return
        self.start = at
        raise self.refusal(f"this `{opening}` is never closed", found=False)

    def end_of_item(self) -> None:
        self.expect(";", context="at the end of the item")


def _without_comments(file: SourceFile) -> str:
    """Return the text with blanks for comments, so that places stay what they are."""
    parts: list[str] = []
    kept_to = position = 0
    while (mark := _COMMENT_MARK.search(file.text, position)) is not None:
        if mark[0] == "*/":
            position = mark.end()
            continue
        end = _end_of_line(file.text, mark.start()) if mark[0] == "//" else _end_of_block(file, mark.start())
        parts.append(file.text[kept_to : mark.start()])
        parts.append(re.sub(r"[^\n]", " ", file.text[mark.start() : end]))
        kept_to = position = end
    return "".join(parts) + file.text[kept_to:]


def _end_of_line(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _end_of_block(file: SourceFile, start: int) -> int:
    depth, position = 0, start
    while (mark := re.compile(r"/\*|\*/").search(file.text, position)) is not None:
        depth += 1 if mark[0] == "/*" else -1
        position = mark.end()
        if not depth:
            return position
    raise SourceParser(file, at=start).refusal("this comment is never closed", found=False)
