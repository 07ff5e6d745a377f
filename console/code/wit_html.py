"""WIT text with its words in colour, and every name of an interface, a type or a function as a link.

It reads the text that `engine.wit` writes, where a name is declared once and stands after the keyword that says what
it is. A declaration's id is the full name, so that links work within a page and between pages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString
from pygments.token import STANDARD_TYPES, Keyword, Name, Text, _TokenType

from console.code.wit_lexer import WitLexer

_DECLARED = frozenset({"record", "variant", "enum", "flags", "resource", "type"})
_WORLD = frozenset({"import", "export"})


@dataclass(slots=True)
class _Interface:
    """What is known of the interface that is read.

    Args:
        name: Its full name.
        used: Names that it takes from other interfaces, by what it calls them.
    """

    name: str
    used: dict[str, str] = field(default_factory=dict)


def wit_html(text: str, page_of: Callable[[str], str], *, is_whole: bool) -> SafeString:
    """Return WIT text as HTML.

    Args:
        text: A whole text with its packages, or the body of one package with one interface.
        page_of: Returns the address of an interface's page.
        is_whole: Whether the interfaces that it uses stand in the text, too; links then stay within it.
    """
    return _joined(_Linker(page_of, is_whole=is_whole).pieces(text))


def interface_html(text: str, name: str, page_of: Callable[[str], str]) -> SafeString:
    """Return the text of a single interface as HTML; its name is told, since its package is not in the text."""
    package = name.partition("/")[0]
    version = name.partition("@")[2]
    linker = _Linker(page_of, is_whole=False, package=f"{package}@{version}" if version else package)
    return _joined(linker.pieces(text))


def _joined(pieces: list[str]) -> SafeString:
    return format_html_join("", "{}", ((piece,) for piece in pieces))


class _Linker:
    """Goes through the words once, and keeps what the names of the present block mean."""

    def __init__(self, page_of: Callable[[str], str], *, is_whole: bool, package: str = "") -> None:
        self._page_of = page_of
        self._is_whole = is_whole
        self._package = package
        self._interface = _Interface("")
        self._blocks: list[str] = []
        self._opening = ""
        self._depth = 0
        self._last = ""
        self._use_of: str | None = None
        self._use_name = ""

    def pieces(self, text: str) -> list[str]:
        tokens = [(kind, value) for kind, value in WitLexer(ensurenl=False, stripnl=False).get_tokens(text)]
        values = [value for kind, value in tokens if kind is not Text.Whitespace]
        values.append("")
        found, place = [], 0
        for kind, value in tokens:
            if kind is Text.Whitespace:
                found.append(value)
                continue
            place += 1
            found.append(self._word(kind, value, following=values[place]))
            self._last = value
        return found

    def _word(self, kind: _TokenType, value: str, *, following: str) -> str:
        if kind is Name.Namespace:
            return self._path(value)
        if kind is Name:
            return self._name(value, following=following)
        if kind is Keyword:
            self._opening = value
        self._punctuation(value)
        return _span(kind, value)

    def _punctuation(self, value: str) -> None:
        match value:
            case "{":
                self._blocks.append(self._opening)
                self._opening = ""
            case "}":
                if self._blocks and self._blocks.pop() == "use":
                    self._use_of = None
            case "(" | "<":
                self._depth += 1
            case ")" | ">":
                self._depth -= 1
            case ";":
                self._depth = 0
            case _:
                pass

    def _path(self, value: str) -> str:
        if self._opening == "package":
            self._package = _plain(value)
            return _span(Name.Namespace, value)
        if self._opening == "use":
            self._use_of = _plain(value)
        return self._interface_link(_plain(value), value)

    def _name(self, value: str, *, following: str) -> str:
        name = _plain(value)
        block = self._blocks[-1] if self._blocks else ""
        if self._opening == "use":
            self._use_of = self._full_interface(name)
            return self._interface_link(self._use_of, value)
        if block == "use" and self._use_of is not None:
            if self._last == "as":
                self._interface.used[name] = self._interface.used.pop(self._use_name)
                return _span(Name.Class, value)
            self._use_name = name
            self._interface.used[name] = f"{self._use_of}.{name}"
            return self._link(f"{self._use_of}.{name}", value)
        if self._last == "interface":
            self._interface = _Interface(self._full_interface(name))
            return self._interface_link(self._interface.name, value)
        if self._last in _DECLARED:
            return _anchor(f"{self._interface.name}.{name}", value, "nc")
        return self._member(name, value, block=block, following=following)

    def _member(self, name: str, value: str, *, block: str, following: str) -> str:
        if block in ("enum", "flags", "world", "package", "") or (block == "variant" and self._depth == 0):
            return _span(Name.Attribute, value)
        if following == ":":
            if block == "interface" and self._depth == 0:
                return _anchor(f"{self._interface.name}.{name}", value, "nf")
            return _span(Name.Function if self._depth == 0 and block == "resource" else Name.Attribute, value)
        return self._link(self._interface.used.get(name, f"{self._interface.name}.{name}"), value)

    def _full_interface(self, name: str) -> str:
        package, at, version = self._package.partition("@")
        return f"{package}/{name}{at}{version}"

    def _interface_link(self, interface: str, value: str) -> str:
        return format_html('<a class="nn" href="{}">{}</a>', self._page_of(interface), value)

    def _link(self, target: str, value: str) -> str:
        interface = target.rpartition(".")[0]
        is_here = self._is_whole or interface == self._interface.name
        page = "" if is_here else self._page_of(interface)
        return format_html('<a class="nc" href="{}#{}">{}</a>', page, target, value)


def _plain(value: str) -> str:
    return value.replace("%", "")


def _span(kind: _TokenType, value: str) -> str:
    name = STANDARD_TYPES.get(kind, "")
    return format_html('<span class="{}">{}</span>', name, value) if name else escape(value)


def _anchor(target: str, value: str, name: str) -> str:
    return format_html('<a class="{}" id="{}" href="#{}">{}</a>', name, target, target, value)
