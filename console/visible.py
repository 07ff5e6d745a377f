"""Text of others, made inert for eyes: browsers do the rest, as templates escape it."""

from __future__ import annotations

import re
from typing import Final

_UNSEEN: Final = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""What turns the direction of text, breaks lines where none is expected, or is a control character but tab, line feed
and carriage return."""


def visible(text: str) -> str:
    """Return text with the characters that are not seen, but change what is, written out."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
