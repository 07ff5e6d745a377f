"""Reading the WIT of ``tests/components/wit/deps``: enough of the language for interfaces without comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from engine.wit.grammar import parse_type
from engine.wit.types import FunctionType, OwnType, Param, RecordType, WitType

_WIT = Path(__file__).parents[1] / "components" / "wit" / "deps"
_INTERFACE = re.compile(r"^interface ([\w-]+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_RESOURCE = re.compile(r"^  resource ([\w-]+)(?:;| \{\n(.*?)^  \})", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"^  (record|variant|enum|flags) ([\w-]+) \{\n(.*?)^  \}", re.MULTILINE | re.DOTALL)
_ALIAS = re.compile(r"^  type ([\w-]+) = (.*?);", re.MULTILINE | re.DOTALL)
_USE = re.compile(r"use (?:wasi:([\w-]+)/)?([\w-]+)(?:@[\d.]+)?\.\{(.*?)\};", re.DOTALL)
_FUNCTION = re.compile(r"^ +%?([\w-]+): (static )?func\((.*?)\)(?: -> (.*?))?;", re.MULTILINE | re.DOTALL)
_CONSTRUCTOR = re.compile(r"^ +constructor\((.*?)\);", re.MULTILINE | re.DOTALL)


def read_package(name: str) -> dict[str, dict[str, FunctionType]]:
    """Return the functions of every interface of a WASI package, by the names they have in a component."""
    return {interface: dict(_functions(package, interface)) for package, interface in _interfaces(name)}


def _interfaces(name: str) -> Iterator[tuple[str, str]]:
    for found in _INTERFACE.finditer(_text(name)):
        yield name, found[1]


def _text(package: str) -> str:
    return (_WIT / f"wasi-{package}" / f"{package}.wit").read_text()


def _body(package: str, interface: str) -> str:
    return next(found[2] for found in _INTERFACE.finditer(_text(package)) if found[1] == interface)


def _names(package: str, interface: str) -> dict[str, str]:
    """Return the text of every type that has a name in an interface."""
    body = _body(package, interface)
    names: dict[str, str] = {}
    for use in _USE.finditer(body):
        source = _names(use[1] or package, use[2])
        for item in use[3].split(","):
            original, _, local = item.strip().partition(" as ")
            text = source[original]
            names[local or original] = f"own<{local}>" if local and text == f"own<{original}>" else text
    for resource in _RESOURCE.finditer(body):
        names[resource[1]] = f"own<{resource[1]}>"
    raw = {alias[1]: alias[2] for alias in _ALIAS.finditer(body)}
    raw |= {named[2]: f"{named[1]} {{ {named[3]} }}" for named in _NAMED.finditer(body)}
    for name in _ordered(raw, names):
        names[name] = _expand(raw[name], names)
    return names


def _ordered(raw: dict[str, str], known: dict[str, str]) -> Iterator[str]:
    left = dict(raw)
    while left:
        ready = [name for name, text in left.items() if not (set(re.findall(r"[\w-]+", text)) & set(left) - {name})]
        for name in ready or list(left):
            yield name
            left.pop(name)


def _expand(text: str, names: dict[str, str]) -> str:
    """Put types in the place of their names, which stand behind ``:``, ``<``, ``(`` or ``,`` within ``<>``."""
    kind = re.match(r"(enum|flags) ", text)
    if kind:
        return " ".join(text.split())
    text = " ".join(text.split())
    text = re.sub(r"borrow<([\w-]+)>", lambda found: f"borrow<{_resource(found[1], names)}>", text)

    def replace(found: re.Match[str]) -> str:
        word = found[2]
        return found[1] + names.get(word, word)

    if re.fullmatch(r"[\w-]+", text):
        return names.get(text, text)
    # In a record after a colon; as a payload in brackets; within a generic type.
    text = re.sub(r"(: )([\w-]+)(?![\w-])", replace, text)
    text = re.sub(r"(\()([\w-]+)(?=\))", replace, text)
    return re.sub(r"((?<!borrow)(?<!own)<|(?<=>), |(?<=[\w>]), (?=[^:{}]*>))([\w-]+)(?![\w-]*[:<(])", replace, text)


def _resource(name: str, names: dict[str, str]) -> str:
    return names[name].removeprefix("own<").removesuffix(">")


def _functions(package: str, interface: str) -> Iterator[tuple[str, FunctionType]]:
    body = _body(package, interface)
    names = _names(package, interface)
    for resource in _RESOURCE.finditer(body):
        name, methods = resource[1], resource[2] or ""
        for found in _CONSTRUCTOR.finditer(methods):
            yield f"[constructor]{name}", FunctionType(_params(found[1], names), OwnType(name))
        for found in _FUNCTION.finditer(methods):
            kind, self = ("static", ()) if found[2] else ("method", (Param("self", parse_type(f"borrow<{name}>")),))
            yield (
                f"[{kind}]{name}.{found[1]}",
                FunctionType((*self, *_params(found[3], names)), _result(found[4], names)),
            )
    for found in _FUNCTION.finditer(_RESOURCE.sub("", body)):
        yield found[1], FunctionType(_params(found[3], names), _result(found[4], names))


def _params(text: str, names: dict[str, str]) -> tuple[Param, ...]:
    if not text.strip():
        return ()
    record = parse_type(_expand(f"record {{ {text} }}", names))
    assert isinstance(record, RecordType)
    return tuple(Param(each.name, each.type) for each in record.fields)


def _result(text: str | None, names: dict[str, str]) -> WitType | None:
    return None if text is None else parse_type(_expand(text, names))
