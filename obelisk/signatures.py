"""What a durable function takes, returns and raises, read from its hints."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import call
from typing import Any

from obelisk.codecs import STR, Codec, Mismatch
from obelisk.errors import PermanentError, Refused
from obelisk.hints import HintReader, evaluated_hints
from obelisk.names import json_key, wit_names

_NO_DEFAULT = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class ParamInfo:
    """One parameter; ``default`` is `inspect.Parameter.empty` if there is none."""

    name: str
    wit: str
    codec: Codec
    default: Any


@dataclass(frozen=True, slots=True)
class DeclaredError:
    """One class of ``errors=``.

    Args:
        cls: The class.
        wit: Its case in WIT.
        codec: Of its fields; ``None`` if it has none.
        is_record: Whether its fields travel; else its message does.
    """

    cls: type[Exception]
    wit: str
    codec: Codec | None
    is_record: bool


class Signature:
    """The parameters, the result and the errors of one function.

    Args:
        params: In order.
        result: Codec of the result; ``None`` if it returns nothing.
        errors: Declared error classes, in order.
        name: What messages call the function.
    """

    def __init__(
        self, name: str, params: Sequence[ParamInfo], result: Codec | None, errors: Sequence[DeclaredError]
    ) -> None:
        self.name = name
        self.params = tuple(params)
        self.result = result
        self.errors = tuple(errors)
        self._encoders = [param.codec.encode for param in self.params]
        self._names = {param.name for param in params}
        self._by_class = {error.cls: error for error in errors}
        self._by_key = {json_key(error.wit): error for error in errors}

    @property
    def result_wit(self) -> str:
        """The WIT type of the result, as a type expression."""
        ok = "_" if self.result is None else self.result.wit
        return f"result<{ok}, {self.error_wit}>"

    @property
    def error_wit(self) -> str:
        """The WIT type of the error value."""
        if not self.errors:
            return "string"
        cases = [
            f"%{error.wit}" if error.codec is None else f"%{error.wit}({error.codec.wit})" for error in self.errors
        ]
        return f"variant {{ execution-failed, {', '.join(cases)}, other(string) }}"

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """Return all arguments in order, defaults filled in.

        Raises:
            TypeError: As a plain call of the function would.
        """
        params = self.params
        if not kwargs and len(args) == len(params):
            return list(args)
        if len(args) > len(params):
            raise TypeError(f"{self.name}() takes {len(params)} arguments but {len(args)} were given")
        if unknown := [name for name in kwargs if name not in self._names]:
            raise TypeError(f"{self.name}() got an unexpected argument {unknown[0]!r}")
        values = list(args)
        for param in params[: len(args)]:
            if param.name in kwargs:
                raise TypeError(f"{self.name}() got two values for the argument {param.name!r}")
        for param in params[len(args) :]:
            value = kwargs.get(param.name, param.default)
            if value is _NO_DEFAULT:
                raise TypeError(f"{self.name}() misses the argument {param.name!r}")
            values.append(value)
        return values

    def count_given(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
        """Return how many parameters a call gives, up to the last one; those after it have their defaults."""
        if not kwargs:
            return len(args)
        return max(len(args), *(n for n, param in enumerate(self.params, 1) if param.name in kwargs))

    def encode_params(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """Return the arguments of a call as a JSON array.

        Raises:
            TypeError: If they do not fit; names the part.
        """
        encoded: list[Any] = []
        try:
            # A failing `extend` keeps what came before, so the length is the index of the culprit.
            encoded.extend(map(call, self._encoders, self.bind(args, kwargs)))
        except Mismatch as mismatch:
            raise TypeError(mismatch.sentence(f"{self.name}({self.params[len(encoded)].name})")) from None
        return encoded

    def decode_params(self, data: list[Any]) -> list[Any]:
        """Return the arguments from a JSON array; trailing ones may be missing if they have defaults.

        Raises:
            TypeError: If they do not fit; names the part.
        """
        values: list[Any] = []
        try:
            for param, item in zip(self.params, data, strict=False):
                values.append(param.codec.decode(item))
        except Mismatch as mismatch:
            raise TypeError(mismatch.sentence(f"{self.name}({self.params[len(values)].name})")) from None
        return self.bind(tuple(values), {})

    def encode_result(self, value: Any) -> Any:
        """Return a result as JSON data.

        Raises:
            TypeError: If it is not of the type that the hint says.
        """
        if self.result is None:
            if value is not None:
                raise TypeError(f"{self.name} -> return: expected None, got {value!r:.40}")
            return None
        try:
            return self.result.encode(value)
        except Mismatch as mismatch:
            raise TypeError(mismatch.sentence(f"{self.name} -> return")) from None

    def decode_result(self, data: Any) -> Any:
        """Return a result from JSON data."""
        if self.result is None:
            return None
        try:
            return self.result.decode(data)
        except Mismatch as mismatch:
            raise TypeError(mismatch.sentence(f"{self.name} -> return")) from None

    def encode_error(self, error: BaseException) -> Any:
        """Return an exception as the function's error value."""
        if not self.errors:
            return describe_error(error)
        for cls in type(error).__mro__:
            declared = self._by_class.get(cls)
            if declared is not None:
                return _encode_declared(declared, error)
        return {"other": describe_error(error)}

    def decode_error(self, data: Any) -> Exception | None:
        """Return a declared error from its value; ``None`` if it is another one."""
        key, payload = (data, None) if isinstance(data, str) else next(iter(data.items()))
        declared = self._by_key.get(key) if self.errors else None
        if declared is None:
            return None
        if declared.codec is None:
            return declared.cls()
        if declared.is_record:
            decoded: Exception = declared.codec.decode(payload)
            # A dataclass does not tell its fields to BaseException, which prints them.
            decoded.args = decoded.args or tuple(vars(decoded).values())
            return decoded
        # Not by calling the class: its __init__ may want other arguments than the message.
        error = declared.cls.__new__(declared.cls, payload)
        error.args = (payload,)
        return error

    def error_text(self, data: Any) -> Any:
        """Return what an undeclared error value says."""
        return data["other"] if self.errors and isinstance(data, dict) and "other" in data else data


def describe_error(error: BaseException) -> str:
    """Return an exception as ``Type: message``."""
    name = type(error).__name__
    try:
        message = str(error)
    except Exception as failure:  # noqa: BLE001  # a broken __str__ must not hide that the function failed
        message = f"<str() failed: {type(failure).__name__}>"
    text = f"{name}: {message}" if message else name
    return text.replace("\0", "\\0").encode(errors="replace").decode()


def _encode_declared(declared: DeclaredError, error: BaseException) -> Any:
    key = json_key(declared.wit)
    if declared.codec is None:
        return key
    payload = error if declared.is_record else str(error)
    try:
        return {key: declared.codec.encode(payload)}
    except Mismatch as mismatch:
        raise TypeError(mismatch.sentence(declared.cls.__name__)) from error


def read_signature(
    fn: Callable[..., Any], errors: Sequence[type[Exception]] = (), *, name: str | None = None
) -> Signature:
    """Return the signature of a function.

    Args:
        fn: The function.
        errors: The error classes that it declares.
        name: What messages call it; its own name by default.

    Raises:
        Refused: If its hints do not tell WIT types.
    """
    name = name or fn.__name__
    hints = evaluated_hints(fn, place=name)
    reader = HintReader()
    parameters = list(inspect.signature(fn).parameters.values())
    wits = wit_names([parameter.name for parameter in parameters], place=name)
    params = []
    for parameter in parameters:
        if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            stars = "*" if parameter.kind is inspect.Parameter.VAR_POSITIONAL else "**"
            raise Refused(
                f"{name}: {stars}{parameter.name} has no fixed type; list the parameters, or take one list or dict"
            )
        if parameter.name not in hints:
            raise Refused(f"{name}: parameter {parameter.name!r} has no type hint")
        codec = reader.read(hints[parameter.name], f"{name}({parameter.name})")
        params.append(ParamInfo(parameter.name, wits[parameter.name], codec, parameter.default))
    if "return" not in hints:
        raise Refused(f"{name}: the return type is missing; write -> None if it returns nothing")
    returned = hints["return"]
    result = None if returned is type(None) else reader.read(returned, f"{name} -> return")
    return Signature(name, params, result, _declared_errors(errors, reader, name))


def _declared_errors(classes: Sequence[type[Exception]], reader: HintReader, name: str) -> list[DeclaredError]:
    given: Sequence[object] = classes
    for item in given:
        if not (isinstance(item, type) and issubclass(item, Exception)):
            raise Refused(f"{name}: errors= takes classes of exceptions, not {item!r}")
    names = wit_names([cls.__name__ for cls in classes], place=name)
    declared = []
    for cls in classes:
        wit = names[cls.__name__]
        if issubclass(cls, PermanentError):
            wit = f"permanent-{wit}"
        if wit in ("execution-failed", "other"):
            raise Refused(f"{name}: the error name {wit!r} is taken; rename {cls.__name__}")
        params = getattr(cls, "__dataclass_params__", None)
        if params is not None:
            if params.frozen:
                raise Refused(f"{cls.__name__}: an exception cannot be a frozen dataclass; drop frozen=True")
            declared.append(DeclaredError(cls, wit, reader.record(cls, name, {}), is_record=True))
        else:
            declared.append(DeclaredError(cls, wit, STR, is_record=False))
    return declared
