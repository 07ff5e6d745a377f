"""Bodies of requests and answers as pages show them: a tree of JSON, text, or bytes."""

from __future__ import annotations

from codecs import getincrementaldecoder
from dataclasses import dataclass
from typing import Final, Literal

from django.utils.safestring import SafeString

from console.json_html import json_tree
from console.seeing import shows
from executions.access.scopes import Insight

_MOST_JSON: Final = 256_000
_MOST_TEXT: Final = 64_000
_MOST_HEX: Final = 4096
_IN_A_LINE: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownBody:
    """A body.

    Args:
        kind: As what it is shown; hidden from people who may see no values.
        shown: HTML of a tree, or text.
        size: All of it, in bytes.
        kept: As much of it as is kept.
        is_cut: Whether more is kept than is shown.
    """

    kind: Literal["empty", "hidden", "json", "text", "bytes"]
    shown: str
    size: int
    kept: int
    is_cut: bool = False


def shown_body(content: bytes, size: int) -> ShownBody:
    """Return a body as pages show it.

    Args:
        content: As much of it as is kept.
        size: All of it, in bytes.
    """
    kept = len(content)
    if not content:
        return ShownBody(kind="empty", shown="", size=size, kept=kept)
    if not shows(Insight.PAYLOAD):
        return ShownBody(kind="hidden", shown="", size=size, kept=kept)
    if (tree := _json(content)) is not None:
        return ShownBody(kind="json", shown=tree, size=size, kept=kept)
    try:
        # What is kept may end within a character.
        text = getincrementaldecoder("utf-8")().decode(content, kept == size)
    except UnicodeDecodeError:
        return ShownBody(kind="bytes", shown=_hex(content[:_MOST_HEX]), size=size, kept=kept, is_cut=kept > _MOST_HEX)
    return ShownBody(
        kind="text", shown=_legible(text[:_MOST_TEXT]), size=size, kept=kept, is_cut=len(text) > _MOST_TEXT
    )


def _json(content: bytes) -> SafeString | None:
    if len(content) > _MOST_JSON or content.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        return json_tree(content.decode())
    except (ValueError, RecursionError):
        # It is none, or nested more deeply than anything that means well.
        return None


def _legible(text: str) -> str:
    """Return text with control characters written out."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode()
        for each in text.replace("\r\n", "\n")
    )


def _hex(content: bytes) -> str:
    lines = []
    for start in range(0, len(content), _IN_A_LINE):
        line = content[start : start + _IN_A_LINE]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in line)
        lines.append(f"{start:08x}  {line.hex(' '):<{3 * _IN_A_LINE - 1}}  {text}")
    return "\n".join(lines)
