"""JSON as people read it: a tree that opens and closes, ids as links, numbers to the last digit.

Rendered here and not by the browser, whose numbers end at 2^53.
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from console.linking import linked
from console.seeing import payload, payload_about, shows
from console.visible import visible
from executions.access.scopes import Insight

_MOST_CHARACTERS: Final = 16_384
"""Of one string; the whole of it is in the raw export."""
_MOST_ITEMS: Final = 1_000


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


def json_tree(text: str, open_levels: int = 2) -> SafeString:
    """Return a value, given as JSON text, as HTML, open down to a level; only type and size if values are not shown."""
    if not shows(Insight.PAYLOAD):
        return format_html('<span class="ob-subtle">{}</span>', payload_about(text))
    value = json.loads(text, parse_int=_Number, parse_float=_Number, parse_constant=_Number)
    return _node(value, closed_below=open_levels)


def value_text(text: str) -> SafeString | str:
    """Return text that may hold values, in which ids lead to what they name; of a very long one the beginning."""
    if not shows(Insight.PAYLOAD):
        return payload(text)
    return format_html("{}{}", linked(text[:_MOST_CHARACTERS]), _cut(len(text)))


def _pointer_part(name: str) -> str:
    """Return a name as it stands in a JSON pointer, for addresses."""
    return quote(name.replace("~", "~0").replace("/", "~1"), safe="", errors="replace")


def _cut(length: int) -> SafeString | str:
    cut = length - _MOST_CHARACTERS
    return format_html(' <em class="ob-subtle">{} more characters</em>', f"{cut:,}") if cut > 0 else ""


def _node(value: Any, *, closed_below: int) -> SafeString:
    match value:
        case _Number():
            return format_html('<span class="ob-json-number">{}</span>', str(value))
        case str():
            return _string(value)
        case dict():
            items = [
                format_html(
                    '<span class="ob-json-key" tabindex="0" data-name="{}">{}</span>: {}',
                    _pointer_part(key),
                    visible(key),
                    _node(item, closed_below=closed_below - 1),
                )
                for key, item in list(value.items())[:_MOST_ITEMS]
            ]
            return _composite("{", items, "}", total=len(value), closed_below=closed_below)
        case list():
            items = [_node(item, closed_below=closed_below - 1) for item in value[:_MOST_ITEMS]]
            return _composite("[", items, "]", total=len(value), closed_below=closed_below)
        case _:
            return format_html('<span class="ob-json-word">{}</span>', json.dumps(value))


def _string(value: str) -> SafeString:
    shown = linked(json.dumps(value[:_MOST_CHARACTERS], ensure_ascii=False))
    return format_html('<span class="ob-json-string">{}</span>{}', shown, _cut(len(value)))


def _composite(begin: str, items: list[SafeString], end: str, *, total: int, closed_below: int) -> SafeString:
    if not items:
        return format_html("{}{}", begin, end)
    left = total - len(items)
    more = format_html('<li class="ob-subtle">{} more</li>', f"{left:,}") if left else ""
    body = format_html_join("", "<li>{}</li>", ((item,) for item in items))
    return format_html(
        '<details class="ob-json"{}><summary>{}<span class="ob-json-closed"> {} {} </span></summary>'
        "<ul>{}{}</ul></details><span>{}</span>",
        mark_safe(" open") if closed_below > 0 else "",  # a constant
        begin,
        f"{total:,}",
        "entry" if total == 1 else "entries",
        body,
        more,
        end,
    )
