"""Reading what clients send: JSON bodies and query parameters, into typed data."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeVar, cast

import msgspec
from django.conf import settings
from rest_framework.request import Request

from engine.errors import ValueMismatch
from engine.wit.json_values import load_json
from executions.api.problems import Problem, ProblemCode

T = TypeVar("T")

_JSON_TYPES: Final = ("application/json", "+json")


def read_body(request: Request, shape: type[T], *, max_bytes: int | None = None) -> T:
    """Return the JSON body as an instance of a struct.

    Args:
        request: The request; its body must not have been read.
        shape: The struct.
        max_bytes: Most bytes to take; ``OBELISK_API_BODY_BYTES`` by default.

    Raises:
        Problem: If it is no JSON, too large, or not of this form.
    """
    return convert_body(read_json(request, max_bytes=max_bytes), shape)


def read_optional_body(request: Request, shape: type[T]) -> T:
    """Return the JSON body as an instance of a struct; an empty one, of any type, means all defaults.

    Raises:
        Problem: As `read_body`.
    """
    # Whether there is a body only its bytes tell: one that comes in chunks has no length.
    raw = read_raw(request)
    if not raw:
        return shape()
    _refuse_other_types(request)
    return convert_body(_load(raw), shape)


def read_json(request: Request, *, max_bytes: int | None = None) -> object:
    """Return the JSON body as plain data; see `read_body`."""
    _refuse_other_types(request)
    return _load(read_raw(request, max_bytes=max_bytes))


def read_raw(request: Request, *, max_bytes: int | None = None) -> bytes:
    """Return the body as it came.

    Raises:
        Problem: If it is larger than it may be.
    """
    most: int = settings.OBELISK_API_BODY_BYTES if max_bytes is None else max_bytes
    body: bytes = request._request.read(most + 1)
    if len(body) > most:
        raise Problem(ProblemCode.BODY_TOO_LARGE, f"the body has more than the {most} bytes that are allowed")
    return body


def _refuse_other_types(request: Request) -> None:
    media_type = request._request.content_type or ""
    if not media_type.endswith(_JSON_TYPES):
        raise Problem(
            ProblemCode.UNSUPPORTED_MEDIA_TYPE, f"expected Content-Type: application/json, got {media_type or 'none'!r}"
        )


def _load(raw: bytes) -> object:
    try:
        # It takes a thousand levels, and no more.
        return load_json(raw)
    except ValueMismatch as error:
        raise Problem(ProblemCode.MALFORMED_JSON, error.problem) from error


def convert_body(data: object, shape: type[T]) -> T:
    """Return plain data as an instance of a struct.

    Raises:
        Problem: If it is not of this form.
    """
    try:
        return msgspec.convert(data, shape)
    except msgspec.ValidationError as error:
        raise Problem(ProblemCode.INVALID_BODY, f"body: {error}") from error


def read_query(request: Request, shape: type[T]) -> T:
    """Return the query parameters as an instance of a struct.

    A field that is a tuple takes a parameter that may be repeated.

    Raises:
        Problem: If there is one that the struct does not have, that has a wrong value, or that stands there twice.
    """
    parameters = _parameters(cast(Hashable, shape))
    given: dict[str, Any] = {}
    for name, values in request._request.GET.lists():
        is_list = parameters.get(name)
        if is_list is None:
            known = f"there are {', '.join(parameters)}" if parameters else "there are none here"
            raise Problem(ProblemCode.UNKNOWN_PARAMETER, f"unknown query parameter {name!r}; {known}")
        if any("\0" in value for value in values):
            raise Problem(ProblemCode.INVALID_PARAMETER, f"{name}: a NUL character is not allowed")
        if not is_list and len(values) > 1:
            raise Problem(ProblemCode.INVALID_PARAMETER, f"{name}: given {len(values)} times; once is enough")
        given[name] = values if is_list else values[0]
    return convert_query(given, shape)


def convert_query(given: Mapping[str, Any], shape: type[T]) -> T:
    """Return texts by name as an instance of a struct.

    Raises:
        Problem: If one of them has a wrong value.
    """
    try:
        query = msgspec.convert(given, shape, strict=False)
        for name, text in given.items():
            value = getattr(query, name)
            # Where texts are converted, `null` is taken for nothing, and a number for an instant.
            if value is None or (isinstance(value, datetime) and ":" not in text):
                raise Problem(ProblemCode.INVALID_PARAMETER, f"{name}: {text[:100]!r} is not what is expected")
        return query
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        where = place.rstrip("`").partition("[")[0]
        raise Problem(ProblemCode.INVALID_PARAMETER, f"{where}: {problem}" if where else problem) from error


@lru_cache(maxsize=256)
def _parameters(shape: Hashable) -> Mapping[str, bool]:
    """Return the names of a struct's fields, each with whether it takes several values."""
    fields = msgspec.structs.fields(cast(Any, shape))
    return {field.encode_name: _is_list(field.type) for field in fields}


def _is_list(kind: Any) -> bool:
    info = msgspec.inspect.type_info(kind)
    if isinstance(info, msgspec.inspect.Metadata):
        info = info.type
    return isinstance(info, msgspec.inspect.VarTupleType)
