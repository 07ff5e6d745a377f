"""What a Python component is, as read at deploy: its functions, what it imports, and what is stored to run it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from engine.errors import ConstraintViolation, NameSyntaxError, NotExtendable, Trap, TypeSyntaxError, ValueMismatch
from engine.guests.program import Runtime
from engine.wit.grammar import parse_type
from engine.wit.json_values import JsonValue
from engine.wit.names import FunctionName
from engine.wit.types import FunctionType, Param, WitType

_DEADLINE_S = 10.0
_MOST_WORDS = 150
"""Characters of what a stub says to people; so many may the name of one of Django's groups have."""
_MOST_FUNCTIONS = 1000
_LONGEST_MS = 10**14

_Words = Annotated[str, Meta(min_length=1, max_length=_MOST_WORDS)]
_Milliseconds = Annotated[int, Meta(ge=0, le=_LONGEST_MS)]
_Found = TypeVar("_Found")


class _Param(Struct, frozen=True, kw_only=True):
    name: str
    type: str
    is_optional: bool = False


class _Function(Struct, frozen=True, kw_only=True):
    kind: str
    name: str
    place: str
    ffqn: str
    params: tuple[_Param, ...]
    result: str
    max_retries: Annotated[int, Meta(ge=0, le=2**32 - 1)] | None
    retry_backoff_ms: _Milliseconds | None
    attempt_timeout_ms: _Milliseconds | None
    title: _Words | None
    group: _Words | None
    doc: str | None


class _Import(Struct, frozen=True, kw_only=True):
    name: str
    place: str
    ffqn: str
    params: tuple[_Param, ...]
    ok: str | None


class _Answer(Struct, frozen=True, kw_only=True):
    """What the interpreter says; it has run the files by then, so they may have had a hand in it."""

    functions: Annotated[tuple[dict[str, Any], ...], Meta(max_length=_MOST_FUNCTIONS)]
    imports: Annotated[tuple[dict[str, Any], ...], Meta(max_length=_MOST_FUNCTIONS)]
    artefact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceText:
    """One file; ``path`` is what messages call it."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFunction:
    """A function that the files define.

    Args:
        kind: ``activity``, ``workflow``, ``stub`` or ``signal``.
        label: Its name in Python.
        place: ``file.py:12``.
        name: Its full name.
        optional_params: How many of its last parameters have defaults.
        max_retries: What its decorator says; ``None`` if nothing. So are the next four.
        doc: Its docstring.
    """

    kind: str
    label: str
    place: str
    name: FunctionName
    type: FunctionType
    optional_params: int
    max_retries: int | None
    retry_backoff: timedelta | None
    attempt_timeout: timedelta | None
    title: str | None
    group: str | None
    doc: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceImport:
    """A function of another component that the files declare.

    Args:
        label: What the file calls it.
        ok: Its result; ``None`` if it returns nothing.
    """

    label: str
    place: str
    name: FunctionName
    params: tuple[Param, ...]
    ok: WitType | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDescription:
    """A component's files, read; ``artefact`` is what the runtime takes to run it."""

    functions: tuple[SourceFunction, ...]
    imports: tuple[SourceImport, ...]
    artefact: bytes


class SourceRefused(Exception):
    """The files cannot be deployed.

    Args:
        problems: One sentence each, with ``file.py:12: `` in front.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def describe_module(runtime: Runtime, files: Sequence[SourceText], *, package: str | None) -> SourceDescription:
    """Read a component whose functions are decorated.

    Args:
        runtime: The Python runtime.
        files: The main file first.
        package: ``namespace:name``, unless the files have ``PACKAGE``.

    Raises:
        SourceRefused: If anything in them is wrong.
    """
    return _describe(runtime, files, {"kind": "module", "package": package})


def describe_webhook(runtime: Runtime, files: Sequence[SourceText], *, package: str | None) -> SourceDescription:
    """Read a webhook endpoint. It exports nothing, and every function that its files define is another component's.

    Args:
        runtime: The Python runtime.
        files: The main file first.
        package: ``namespace:name`` of those functions, unless the files have ``PACKAGE``.

    Raises:
        SourceRefused: If anything in them is wrong.
    """
    return _describe(runtime, files, {"kind": "webhook", "package": package})


def describe_function(
    runtime: Runtime, files: Sequence[SourceText], *, kind: str, name: FunctionName, declared: FunctionType | None
) -> SourceDescription:
    """Read a component of one function that the deployment file names.

    Args:
        runtime: The Python runtime.
        files: The main file first.
        kind: ``activity`` or ``workflow``.
        name: Its full name; the file has a function of the last part's name in snake_case.
        declared: Its type, if that stands in the deployment file; else its hints tell it.

    Raises:
        SourceRefused: If anything in them is wrong.
    """
    request: dict[str, JsonValue] = {
        "kind": kind,
        "function": name.function.removesuffix("-cancellable"),
        "ffqn": str(name),
        "has_types": declared is not None,
    }
    found = _describe(runtime, files, request)
    if declared is None:
        return found
    function = SourceFunction(
        kind=kind,
        label=name.function.replace("-", "_"),
        place=f"{files[0].path}:1",
        name=name,
        type=declared,
        optional_params=0,
        max_retries=None,
        retry_backoff=None,
        attempt_timeout=None,
        title=None,
        group=None,
        doc=None,
    )
    return SourceDescription(functions=(function,), imports=found.imports, artefact=found.artefact)


def _describe(runtime: Runtime, files: Sequence[SourceText], request: dict[str, JsonValue]) -> SourceDescription:
    sources: list[JsonValue] = [{"path": file.path, "text": file.text} for file in files]
    place = f"{files[0].path}:1"
    try:
        told = runtime.describe({**request, "files": sources}, deadline=_DEADLINE_S)
        if problems := told.get("problems"):
            raise SourceRefused(msgspec.convert(problems, list[str]))
        answer = msgspec.convert(told, _Answer)
    except (Trap, ConstraintViolation, ValueMismatch) as error:
        raise SourceRefused([f"{place}: the file cannot be imported: {error}"]) from error
    except msgspec.ValidationError as error:
        raise SourceRefused([f"{place}: what the file defines cannot be deployed: {error}"]) from error
    found: list[str] = []
    functions = [_read(found, item, _Function, _function) for item in answer.functions]
    imports = [_read(found, item, _Import, _import) for item in answer.imports]
    if found:
        raise SourceRefused(found)
    return SourceDescription(
        functions=tuple(function for function in functions if function is not None),
        imports=tuple(imported for imported in imports if imported is not None),
        artefact=answer.artefact.encode(),
    )


_Item = TypeVar("_Item", _Function, _Import)


def _read(
    problems: list[str], item: dict[str, Any], shape: type[_Item], read: Callable[[_Item], _Found]
) -> _Found | None:
    try:
        return read(msgspec.convert(item, shape))
    except (msgspec.ValidationError, NameSyntaxError, TypeSyntaxError, NotExtendable, ValueMismatch) as error:
        problems.append(f"{item.get('place')}: {item.get('name')}: {error}")
        return None


def _function(item: _Function) -> SourceFunction:
    return SourceFunction(
        kind=item.kind,
        label=item.name,
        place=item.place,
        name=FunctionName.parse(item.ffqn),
        type=FunctionType(_params(item.params), parse_type(item.result)),
        optional_params=len(list(takewhile(lambda param: param.is_optional, reversed(item.params)))),
        max_retries=item.max_retries,
        retry_backoff=_duration(item.retry_backoff_ms),
        attempt_timeout=_duration(item.attempt_timeout_ms),
        title=item.title,
        group=item.group,
        doc=item.doc,
    )


def _import(item: _Import) -> SourceImport:
    return SourceImport(
        label=item.name,
        place=item.place,
        name=FunctionName.parse(item.ffqn),
        params=_params(item.params),
        ok=None if item.ok is None else parse_type(item.ok),
    )


def _params(params: Sequence[_Param]) -> tuple[Param, ...]:
    return tuple(Param(param.name, parse_type(param.type)) for param in params)


def _duration(milliseconds: int | None) -> timedelta | None:
    return None if milliseconds is None else timedelta(milliseconds=milliseconds)
