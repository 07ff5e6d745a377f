"""Between the values that functions return and the return values that the log holds."""

from __future__ import annotations

from functools import lru_cache

from engine.errors import StoredEventInvalid, ValueMismatch
from engine.log.return_values import Failed, JsonText, Returned, ReturnValue, TypedValue
from engine.wit.grammar import format_type
from engine.wit.json_values import JsonValue, dump_value, load_json, read_value
from engine.wit.return_values import failure_projection, is_permanent
from engine.wit.types import ResultType, WitType, without_defaults


class ReturnCodec:
    """Converts the return values of one result type; get one from `return_codec`."""

    __slots__ = ("_err", "_err_text", "_failure", "_ok", "_ok_text", "_type")

    def __init__(self, result: ResultType) -> None:
        self._type = result
        self._ok, self._err = result.ok, result.err
        self._ok_text = _type_text(result.ok)
        self._err_text = _type_text(result.err)
        self._failure = failure_projection(result)

    def to_retval(self, value: JsonValue) -> Returned:
        """Return the stored form of a canonical ``{"ok": ..}`` or ``{"err": ..}`` value."""
        assert isinstance(value, dict)
        if "ok" in value:
            return Returned(ok=True, payload=_typed(self._ok, self._ok_text, value["ok"]))
        return Returned(ok=False, payload=_typed(self._err, self._err_text, value["err"]))

    def to_value(self, retval: ReturnValue) -> JsonValue:
        """Return the canonical value that a caller sees; a platform failure is projected into the error case.

        Raises:
            StoredEventInvalid: If the stored value is not of this type: the function was changed meanwhile.
        """
        if isinstance(retval, Failed):
            return self._failure
        expected = self._ok if retval.ok else self._err
        key = "ok" if retval.ok else "err"
        if retval.payload is None or expected is None:
            if retval.payload is None and expected is None:
                return {key: None}
            raise StoredEventInvalid(f"the stored {key} payload does not fit {format_type(self._type)}")
        try:
            return {key: read_value(expected, load_json(retval.payload.value), path=key)}
        except ValueMismatch as error:
            raise StoredEventInvalid(
                f"the stored value of type {retval.payload.type} does not fit {format_type(self._type)}: {error}"
            ) from error

    def is_permanent(self, value: JsonValue) -> bool:
        """Whether an error value asks not to be retried."""
        return is_permanent(self._type, value)


@lru_cache(maxsize=4096)
def return_codec(result: ResultType) -> ReturnCodec:
    """Return the codec of a result type."""
    return ReturnCodec(result)


def _type_text(payload: WitType | None) -> str:
    return "" if payload is None else format_type(without_defaults(payload))


def _typed(payload_type: WitType | None, text: str, payload: JsonValue) -> TypedValue | None:
    if payload_type is None:
        return None
    return TypedValue(text, JsonText(dump_value(payload_type, payload)))
