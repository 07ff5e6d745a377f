"""Texts of inputs as JSON data and back, for the types without parts and for bytes.

Browsers send every line break as CR LF, drop those of one-line inputs, and show nothing of most control characters. A
text with such characters is therefore written as a JSON string, with escapes; people may choose that, too.
"""

from __future__ import annotations

import math
import re
import struct
from typing import Final

from engine.errors import ValueMismatch
from engine.wit.json_values import dump_json, load_json
from engine.wit.options import JsonValue

ESCAPED: Final = "escaped"
"""Of a text: a JSON string, with or without its quotes."""
HEX: Final = "hex"
"""Of bytes: two digits each; blanks do not count."""
TEXT: Final = "text"
"""Of bytes: their UTF-8 text."""

_SINGLE: Final = struct.Struct("<f")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,40}")
_DECIMAL: Final = re.compile(r"[+-]?([0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})([eE][+-]?[0-9]{1,5})?")
_WORDS: Final = {word.lower(): word for word in ("NaN", "Infinity", "-Infinity")}
# Control characters but tab and line feed, and those that turn the direction of text or are not seen at all.
_UNSEEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]")


def parse_integer(text: str) -> JsonValue:
    """Return the number that was typed, to the last digit; other text as it is, for the codec to refuse."""
    text = text.strip()
    return int(text) if _INTEGER.fullmatch(text) else text


def parse_number(text: str) -> JsonValue:
    """Return the number that was typed; other text as it is, for the codec to refuse.

    A whole number stays one, so that the codec refuses those that a float cannot hold exactly. So does a text for a
    number that is too large for any.
    """
    text = text.strip()
    if _INTEGER.fullmatch(text) and not text.startswith("-0"):
        return int(text)
    if _DECIMAL.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return _WORDS.get(text.lower(), text)


def number_text(value: JsonValue) -> str:
    """Return a number as `parse_number` reads it back."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def nearest_single(typed: str) -> str | None:
    """Return the number nearest to what was typed that ``f32`` can hold, if that is another one, and there is one."""
    number = parse_number(typed)
    if isinstance(number, str) or number is None:
        return None
    try:
        nearest: float = _SINGLE.unpack(_SINGLE.pack(number))[0]
    except (struct.error, OverflowError):
        return None
    return None if nearest == number else repr(nearest)


def needs_escapes(text: str, *, one_line: bool = False) -> bool:
    """Tell whether a text would not come back from a browser as it is, or not be seen there."""
    return _UNSEEN.search(text) is not None or (one_line and "\n" in text)


def plain_text(typed: str) -> str:
    """Return the text that somebody typed."""
    return typed.replace("\r\n", "\n").replace("\r", "\n")


def escaped_text(text: str) -> str:
    """Return a text with escapes for what is not seen, as `unescaped` reads it back."""
    quoted = dump_json(text)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def unescaped(typed: str) -> str:
    """Return the text that a JSON string means.

    Raises:
        ValueMismatch: If it is none.
    """
    typed = typed.strip()
    quoted = typed if len(typed) > 1 and typed.startswith('"') and typed.endswith('"') else f'"{typed}"'
    text = load_json(quoted)
    assert isinstance(text, str)  # what begins and ends with a quote and is JSON is a string
    return text


def bytes_text(data: bytes) -> tuple[str, str]:
    """Return bytes as text, and how to read that: as UTF-8 if every character would be seen, else as hex digits."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return hex_text(data), HEX
    return (text, TEXT) if text and not needs_escapes(text) else (hex_text(data), HEX)


def hex_text(data: bytes) -> str:
    """Return bytes as hex digits."""
    return data.hex(" ", 2)


def parse_bytes(typed: str, mode: str) -> bytes:
    """Return the bytes that a text means.

    Raises:
        ValueMismatch: If it is no hex digits.
    """
    if mode == TEXT:
        return plain_text(typed).encode()
    try:
        return bytes.fromhex(typed)
    except ValueError:
        raise ValueMismatch("", "expected two hex digits for each byte, such as 00 ff 1a") from None
