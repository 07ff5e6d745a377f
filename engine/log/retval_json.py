"""Return values in stored JSON, and as clients see them.

Source:
    Obelisk reference, sections 2.3 and 5.1.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, assert_never

import orjson

from engine.log.return_values import Failed, FailureKind, JsonText, Returned, ReturnValue, TypedValue

Json = Any
"""A JSON document; narrowed by the decoders."""


def decode_retval(data: Json) -> ReturnValue:
    """Return a return value from its stored form."""
    if "execution_failure" in data:
        failure = data["execution_failure"]
        return Failed(kind=FailureKind(failure["kind"]), reason=failure.get("reason"), detail=failure.get("detail"))
    ok = "ok" in data
    typed = data["ok"] if ok else data["err"]
    return Returned(ok, None if typed is None else TypedValue(typed["type"], json_text(typed["value"])))


def retval_text(retval: ReturnValue) -> str:
    """Return the stored form of a return value as JSON text; equal exactly for equal values."""
    if isinstance(retval, Returned) and retval.payload is not None:
        payload = retval.payload
        return f'{{"{"ok" if retval.ok else "err"}":{{"type":{_type_text(payload.type)},"value":{payload.value}}}}}'
    return orjson.dumps(_document(retval)).decode()


def _document(retval: ReturnValue) -> Json:
    match retval:
        case Returned(ok=ok, payload=payload):
            typed = payload and {"type": payload.type, "value": orjson.Fragment(payload.value)}
            return {"ok" if ok else "err": typed}
        case Failed(kind=kind, reason=reason, detail=detail):
            failure: dict[str, Json] = {"kind": kind.value}
            if reason is not None:
                failure["reason"] = reason
            if detail is not None:
                failure["detail"] = detail
            return {"execution_failure": failure}
        case _:
            assert_never(retval)


# A function has one result type, however often it is called.
@lru_cache(maxsize=1024)
def _type_text(wit_type: str) -> str:
    return orjson.dumps(wit_type).decode()


def retval_to_api(retval: ReturnValue) -> Json:
    """Return a return value as clients see it: values without types."""
    match retval:
        case Returned(ok=ok, payload=payload):
            return {"ok" if ok else "err": None if payload is None else orjson.loads(payload.value)}
        case Failed():
            return {"execution_failed": _document(retval)["execution_failure"]}
        case _:
            assert_never(retval)


def json_text(value: Json) -> JsonText:
    """Return a parsed value as the compact text that events carry."""
    return JsonText(orjson.dumps(value).decode())
