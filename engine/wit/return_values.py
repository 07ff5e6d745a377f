"""What exported functions may return, how a platform failure looks to the caller, and the stored form of results.

A child can fail without having returned anything: a trap, a timeout, a cancellation. Its caller still waits for a
``result``, so every exported function has to return one whose error can say "execution failed".

Source:
    Obelisk 0.41, reference sections 2.2 and 2.3.
"""

from __future__ import annotations

from engine.errors import NotExtendable, ValueMismatch
from engine.wit.grammar import format_type, parse_type
from engine.wit.json_values import read_value
from engine.wit.options import JsonValue
from engine.wit.types import (
    STRING,
    BorrowType,
    Case,
    FunctionType,
    OwnType,
    ResultType,
    VariantType,
    WitType,
    child_types,
)

EXECUTION_FAILED = "execution_failed"
"""What a caller reads in place of an error that the child could not return, as string or as case of a variant."""

_FAILED_CASE = Case("execution-failed")
_ACCEPTED = (
    "expected result, result<T>, result<T, string> or result<T, variant { execution-failed, ... }> "
    "(T may be _), so that callers can be told that an execution failed"
)


def check_extendable(function: FunctionType, *, name: str = "the function") -> ResultType:
    """Check that a function can be exported for others to call.

    Args:
        function: The function's type.
        name: What errors call the function, its full name if there is one.

    Returns:
        The function's result type.

    Raises:
        NotExtendable: If the return type cannot carry a platform failure, or a handle of a resource stands somewhere
            in the parameters or in the result.
    """
    result = function.result
    if result is None:
        raise NotExtendable(f"{name} returns nothing: {_ACCEPTED}")
    if not isinstance(result, ResultType):
        raise NotExtendable(f"{name} returns {format_type(result)}: {_ACCEPTED}")
    if not _carries_failure(result.err):
        raise NotExtendable(f"{name} returns {format_type(result)}: {_ACCEPTED}")
    for param in function.params:
        if (handle := _handle_in(param.type)) is not None:
            raise NotExtendable(f"{name}: parameter {param.name} has a handle ({handle}), which cannot be persisted")
    if (handle := _handle_in(result)) is not None:
        raise NotExtendable(f"{name}: the result has a handle ({handle}), which cannot be persisted")
    return result


def failure_projection(result_type: ResultType) -> JsonValue:
    """Return the ``{"err": ...}`` that a caller sees when the platform failed the execution.

    Raises:
        NotExtendable: If the type has no place for it; ``check_extendable`` refuses such functions at load.
    """
    if not _carries_failure(result_type.err):
        raise NotExtendable(f"{format_type(result_type)} cannot carry a failure: {_ACCEPTED}")
    return {"err": None if result_type.err is None else EXECUTION_FAILED}


def is_permanent(result_type: ResultType, value: JsonValue) -> bool:
    """Tell whether a returned value asks not to be retried: an error variant's case whose name has ``permanent``.

    Args:
        result_type: The function's result type.
        value: Canonical value of that type.
    """
    if not isinstance(result_type.err, VariantType) or type(value) is not dict or "err" not in value:
        return False
    error = value["err"]
    case = next(iter(error), "") if type(error) is dict else error
    return type(case) is str and "permanent" in case


def encode_return_value(result_type: ResultType, value: JsonValue) -> dict[str, JsonValue]:
    """Return the stored form of a return value, in which the payload stands beside its type.

    Args:
        result_type: The function's result type.
        value: Canonical value of that type.

    Returns:
        ``{"ok": {"type": "u64", "value": 55}}``, or ``{"err": null}`` where there is no payload.
    """
    key, payload = _only_item(value)
    payload_type = result_type.ok if key == "ok" else result_type.err
    if payload_type is None:
        return {key: None}
    return {key: {"type": format_type(payload_type), "value": payload}}


def decode_return_value(stored: object, result_type: ResultType | None = None) -> JsonValue:
    """Return the canonical value of a stored return value.

    Args:
        stored: What ``encode_return_value`` returned, or its JSON read back.
        result_type: The type that the function has now; ``None`` trusts the stored type.

    Returns:
        ``{"ok": payload}`` or ``{"err": payload}``.

    Raises:
        ValueMismatch: If the stored form is not of this shape, its value is not of its type, or the type is not the
            expected one.
        TypeSyntaxError: If the stored type does not parse.
    """
    key, typed = _only_item(stored)
    stored_type, payload = _typed_payload(typed, path=key)
    wit_type = None if stored_type is None else parse_type(stored_type)
    if result_type is not None:
        expected = result_type.ok if key == "ok" else result_type.err
        if wit_type != expected:
            raise ValueMismatch(
                f"{key}.type",
                f"expected {'no payload' if expected is None else format_type(expected)}, "
                f"stored is {'no payload' if stored_type is None else stored_type}",
            )
    return {key: None if wit_type is None else read_value(wit_type, payload, path=f"{key}.value")}


def _carries_failure(err: WitType | None) -> bool:
    return err is None or err == STRING or (isinstance(err, VariantType) and _FAILED_CASE in err.cases)


def _handle_in(wit_type: WitType) -> str | None:
    if isinstance(wit_type, OwnType | BorrowType):
        return format_type(wit_type)
    return next((found for child in child_types(wit_type) if (found := _handle_in(child)) is not None), None)


def _only_item(value: object) -> tuple[str, JsonValue]:
    if type(value) is dict and len(value) == 1:
        ((key, payload),) = value.items()
        if key in ("ok", "err"):
            return key, payload
    raise ValueMismatch("", 'expected an object with one key, "ok" or "err"')


def _typed_payload(typed: object, *, path: str) -> tuple[str | None, object]:
    if typed is None:
        return None, None
    if type(typed) is dict and typed.keys() == {"type", "value"} and type(typed["type"]) is str:
        return typed["type"], typed["value"]
    raise ValueMismatch(path, 'expected null or an object with "type" and "value"')
