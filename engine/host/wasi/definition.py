"""How an interface is defined: its types as text, its functions as Python, each checked against the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from engine.errors import Trap, TrapKind, TypeSyntaxError
from engine.wasm.host_functions import HostFunction, HostInterface, HostResource
from engine.wit.grammar import parse_type
from engine.wit.types import FunctionType, Param, RecordType

_SIGNATURE = re.compile(
    r"(?:(?P<kind>static|constructor) )?(?:(?P<resource>[\w-]+)\.)?(?P<name>[\w-]+)"
    r"\((?P<params>.*)\)(?: -> (?P<result>.+))?"
)
_NAMED = re.compile(r"\$([\w-]+)")
_Call = TypeVar("_Call", bound=Callable[..., object])


class Definition:
    """An interface in the making.

    A signature is a line such as ``input-stream.read(len: u64) -> result<list<u8>, $stream-error>``; ``static`` or
    ``constructor`` may stand before it, and ``$name`` for a type that has one.

    Args:
        signatures: The functions, one a line.
        types: Texts of named types, which may name one another.
        resources: The resource types by the name they have in the interface.
    """

    def __init__(
        self,
        signatures: str,
        *,
        types: Mapping[str, str] | None = None,
        resources: Mapping[str, HostResource] | None = None,
    ) -> None:
        lines = [line.strip() for line in signatures.strip().splitlines() if line.strip()]
        self._types = dict(_signature(line, types or {}) for line in lines)
        self._calls: dict[str, Callable[..., object]] = {}
        self._resources = resources or {}

    def call(self, name: str) -> Callable[[_Call], _Call]:
        """Define a function by its name: ``poll``, ``input-stream.read``; a constructor is ``fields.new``."""

        def define(call: _Call) -> _Call:
            self._calls[self._full_name(name)] = call
            return call

        return define

    def refuse_rest(self, reason: str) -> None:
        """Let whatever is not defined yet trap; for methods of resources that nobody can have."""
        for name in self._types:
            self._calls.setdefault(name, _refusal(f"{name}: {reason}"))

    def finish(self) -> HostInterface:
        """Return the interface.

        Raises:
            KeyError: If a function is not defined.
        """
        return HostInterface(
            functions={
                name: HostFunction(type=function_type, call=self._calls[name], octets=True)
                for name, function_type in self._types.items()
            },
            resources=self._resources,
        )

    def _full_name(self, name: str) -> str:
        resource, _, function = name.rpartition(".")
        candidates = [name, f"[method]{name}", f"[static]{name}"]
        if function == "new":
            candidates.append(f"[constructor]{resource}")
        return next(candidate for candidate in candidates if candidate in self._types)


def trap(message: str) -> Trap:
    """Return the trap of a guest that breaks the rules of an interface."""
    return Trap(TrapKind.OTHER, message)


def _refusal(message: str) -> Callable[..., object]:
    def refuse(*_args: object) -> object:
        raise trap(message)

    return refuse


def _signature(line: str, types: Mapping[str, str]) -> tuple[str, FunctionType]:
    found = _SIGNATURE.fullmatch(line)
    if found is None:
        raise TypeSyntaxError(f"no signature: {line}")
    resource, name = found["resource"], found["name"]
    params: list[Param] = []
    match found["kind"], resource:
        case "constructor", _:
            full = f"[constructor]{name}"
        case "static", _:
            full = f"[static]{resource}.{name}"
        case _, None:
            full = name
        case _:
            full = f"[method]{resource}.{name}"
            params.append(Param("self", parse_type(f"borrow<{resource}>")))
    if found["params"]:
        record = cast(RecordType, parse_type(f"record {{ {_expand(found['params'], types)} }}"))
        params.extend(Param(field.name, field.type) for field in record.fields)
    result = None if found["result"] is None else parse_type(_expand(found["result"], types))
    return full, FunctionType(tuple(params), result)


def _expand(text: str, types: Mapping[str, str]) -> str:
    while "$" in text:
        text = _NAMED.sub(lambda name: types[name[1]], text)
    return text
