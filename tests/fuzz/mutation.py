"""Making hostile data out of good data; a seeded generator decides everything."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from random import Random
from typing import Any, Final, TypeVar

import orjson

T = TypeVar("T")

TEXTS: Final = (
    "",
    " ",
    "\0",
    "a\0b",
    "../../../etc/passwd",
    "/etc/passwd",
    "..\\..\\x",
    "a/./b//c",
    "~root/.ssh/id_rsa",
    "file:///etc/passwd",
    "${HOME}",
    "${DJANGO_SECRET_KEY}",
    "${A:-${A:-${A}}}",
    "%00",
    "%2e%2e%2f",
    "%s%n%x",
    "{0.__class__}",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "\u202e\u2066",
    "\ufeff",
    "\U0010ffff",
    "e\u0301" * 50,
    "\r\nX-Injected: 1",
    "a" * 10_000,
    "null",
    "NaN",
    "1e999",
    "-1",
    "9" * 400,
    "now",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z",
    "2026-01-01T00:00:00+99:99",
    "E_00000000000000000000000001",
    "E_7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
    "E_00000000000000000000000001.n:" + "x" * 300 + "_1",
    "Dep_00000000000000000000000001",
    "sha256:" + "0" * 64,
    "list<" * 300 + "u8" + ">" * 300,
    "result<_, result<_, result>>",
    "tuple<" + "u8, " * 2000 + "u8>",
)
NUMBERS: Final[tuple[Any, ...]] = (
    0,
    -0.0,
    -1,
    1,
    127,
    128,
    255,
    256,
    2**31 - 1,
    2**31,
    2**32,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**64,
    -(2**63) - 1,
    10**30,
    0.1,
    1e308,
    5e-324,
    1e-400,
)
_NUMERALS: Final = (
    *(b"%d" % number for number in NUMBERS if isinstance(number, int)),
    b"1e999",
    b"-0",
    b"0x10",
    b"1_000",
    b"NaN",
    b"-Infinity",
    b"9" * 5000,
    b"1e-999999999",
    b"01",
)
_DEPTHS: Final = (3, 60, 127, 129, 500, 1100, 5000, 100_000)
_NUMBER = re.compile(rb"-?\d+")
_JSON_BITS: Final = (
    rb'"\ud800"',
    rb'"\udc00\ud800"',
    rb'"\u0000"',
    b"NaN",
    b"Infinity",
    b"1e400",
    b"-",
    b"[,]",
    b"{,}",
    b'{"a":1,"a":2}',
    b'{"__proto__":{"a":1}}',
    b"'a'",
    b"// x\n",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b'"\x01"',
    b"tru",
    b"0.1.2",
)


class Mutator:
    """Draws hostile variants of data.

    Args:
        seed: Whatever names the case; the same gives the same data.
    """

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)

    def chance(self, probability: float) -> bool:
        """Tell whether something happens that happens with this probability."""
        return self._random.random() < probability

    def one_of(self, choices: Sequence[T]) -> T:
        """Draw one of several."""
        return self._random.choice(choices)

    def below(self, limit: int) -> int:
        """Draw a number from 0 to ``limit - 1``; 0 if that is empty."""
        return self._random.randrange(limit) if limit > 0 else 0

    def text(self, text: str) -> str:
        """Return another text, or a variant of this one."""
        if self.chance(0.6):
            return self.one_of(TEXTS)
        return self.octets(text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")

    def octets(self, content: bytes, *, others: Sequence[bytes] = ()) -> bytes:
        """Return content with one to four changes that know nothing about its form."""
        for _ in range(1 + self.below(4)):
            content = self._change(content, others)
        return content

    def _change(self, content: bytes, others: Sequence[bytes]) -> bytes:
        at = self.below(len(content))
        until = min(len(content), at + 1 + self.below(self.one_of((2, 8, 64, 1024))))
        match self.below(9):
            case 0:  # a bit
                flipped = bytes([content[at] ^ (1 << self.below(8))]) if content else b""
                return content[:at] + flipped + content[at + 1 :]
            case 1:
                byte = self.one_of((b"\0", b"\xff", b"\x7f", b"\x80", b"\n", b'"', b"%", b"/"))
                return content[:at] + byte + content[at + 1 :]
            case 2:
                return content[:at] + content[until:]
            case 3:
                return content[:at] + content[at:until] * (1 + self.below(self.one_of((2, 20, 500)))) + content[until:]
            case 4:
                return content[:at]
            case 5:
                return content[:at] + self._random.randbytes(1 + self.below(16)) + content[at:]
            case 6:
                return content[:at] + self.one_of(TEXTS).encode("utf-8", "surrogatepass") + content[at:]
            case 7:
                return self.numbers(content)
            case _:
                other = self.one_of(others) if others else content
                start = self.below(len(other))
                return content[:at] + other[start : start + 1 + self.below(256)] + content[until:]

    def numbers(self, content: bytes) -> bytes:
        """Return text with one of its numbers changed."""
        found = list(_NUMBER.finditer(content))
        if not found:
            return content + self.one_of(_NUMERALS)
        where = self.one_of(found)
        return content[: where.start()] + self.one_of(_NUMERALS) + content[where.end() :]

    # --- JSON ---

    def value(self, value: Any) -> Any:
        """Return a JSON value in which one part is another."""
        if isinstance(value, dict) and value and self.chance(0.75):
            key = self.one_of(sorted(value))
            if self.chance(0.15):
                return {self.text(name) if name == key else name: item for name, item in value.items()}
            if self.chance(0.1):
                return {name: item for name, item in value.items() if name != key}
            return {**value, key: self.value(value[key])}
        if isinstance(value, list) and value and self.chance(0.75):
            at = self.below(len(value))
            if self.chance(0.1):
                return value[:at] + value[at : at + 1] * self.one_of((0, 2, 300)) + value[at + 1 :]
            return [*value[:at], self.value(value[at]), *value[at + 1 :]]
        return self.atom(value)

    def atom(self, value: Any = None) -> Any:
        """Return a hostile JSON value, maybe a variant of this one."""
        match self.below(8):
            case 0:
                return self.one_of(NUMBERS)
            case 1 | 2:
                return self.text(value if isinstance(value, str) else "")
            case 3:
                return self.one_of((None, True, False, [], {}, [[]], [{}], {"": None}))
            case 4:
                return [value] * self.one_of((1, 2, 1000))
            case 5:
                return {self.one_of(("some", "ok", "err", "value", "type", "", "0")): value}
            case 6:
                return {f"k{number}": number for number in range(self.one_of((1, 40, 3000)))}
            case _:
                return value

    def document(self, value: Any) -> bytes:
        """Return a document that holds this value or a variant of it, and may be no JSON at all."""
        for _ in range(self.below(4)):
            value = self.value(value)
        content = _dump(value)
        match self.below(10):
            case 0:
                return self.octets(content)
            case 1:
                return self.numbers(content)
            case 2:
                at = self.below(len(content))
                return content[:at] + self.one_of(_JSON_BITS) + content[at + self.below(4) :]
            case 3:  # deep
                depth = self.one_of(_DEPTHS)
                opening, closing = self.one_of(((b"[", b"]"), (b'{"some":', b"}"), (b'{"ok":', b"}")))
                numbers = list(_NUMBER.finditer(content))
                start, end = self.one_of(numbers).span() if numbers else (0, len(content))
                return content[:start] + opening * depth + content[start:end] + closing * depth + content[end:]
            case 4:  # a key that stands twice
                return content.replace(b'{"', b'{"a":1,"' + content[2:20].split(b'"')[0] + b'":0,"', 1)
            case _:
                return content


def _dump(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError, RecursionError):  # beyond 64 bits, or lone surrogates: JSON has them all the same
        return json.dumps(value).encode("utf-8", "surrogatepass")
